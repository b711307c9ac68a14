//! What would release an order that waits: in words, as a command, and as the file that the command writes.

use chartlift_rules::Unknown;

use super::{Exceeded, Judge, Judgement, answerable, share};
use crate::report::StageReport;
use crate::statement::{Finding, OpenDecision, Stage, Trouble};

pub(crate) const WAIVERS: &str = "decisions/waivers.yaml";
pub(crate) const ANSWERS: &str = "decisions/answers.yaml";

/// A command of `decide` for an order; `WHY` is for the person to fill in.
pub(crate) fn command(order: &str, rest: &str) -> String {
    format!("chartlift decide --order {order} {rest} --reason \"WHY\"")
}

/// What a person writes by hand instead.
pub(crate) fn file_of(open: &OpenDecision) -> String {
    format!("or write it into `{}`", open.file)
}

impl Judge<'_> {
    pub(super) fn open_block(
        &self,
        table: &str,
        code: &str,
        rows: u64,
        fewer: bool,
    ) -> (Trouble, OpenDecision) {
        let rest = format!(
            "waive --applies-to {} --stage {} --code {code} --rows {rows}",
            quoted(table),
            self.stage.name()
        );
        let open = self.open(code, table, &rest, WAIVERS);
        let waived = if fewer { ", more than were accepted" } else { "" };
        let trouble = Trouble {
            code: code.to_owned(),
            message: format!("{rows} rows of `{table}` are blocked (`{code}`){waived}"),
            hint: format!(
                "see the rows with `chartlift rejects --order {}`; correct the export or the rules, or accept them \
                 as held with `{}`, {}",
                self.order,
                open.command,
                file_of(&open)
            ),
        };
        (trouble, open)
    }

    pub(super) fn open_gate(&self, exceeded: &Exceeded<'_>) -> (Trouble, OpenDecision) {
        let Exceeded { one, held, critical, counted, limit, waived } = *exceeded;
        let (name, stage) = (&one.name, self.stage.name());
        let rest = format!("waive --applies-to {} --stage {stage} --held {held}", quoted(name));
        let open = self.open("gate-exceeded", name, &rest, WAIVERS);
        let safety = match critical {
            0 => String::new(),
            some if some == held => ", which is safety-critical,".into(),
            some => format!(", of which {some} rows are safety-critical,"),
        };
        let fewer = if waived { "; fewer were accepted" } else { "" };
        let system = one.system.as_ref().map_or(String::new(), |system| format!("{system}: "));
        let trouble = Trouble {
            code: "gate-exceeded".into(),
            message: format!(
                "{system}`{name}`{safety} has {held} of {counted} rows held ({:.2} %) after {stage}; the gate is {:.2} %{fewer}",
                share(held, counted) * 100.0,
                limit * 100.0
            ),
            hint: format!(
                "see the rows with `chartlift rejects --order {}`; correct the export or the rules, or accept them \
                 with `{}`, {}",
                self.order,
                open.command,
                file_of(&open)
            ),
        };
        (trouble, open)
    }

    /// Answers and map entries that would keep rows from being held at all.
    pub(super) fn answers(
        &self,
        report: &StageReport,
        of: impl Fn(&Finding) -> bool,
        judgement: &mut Judgement,
    ) {
        for finding in answerable(report, of) {
            let opened = match finding.code.as_str() {
                "undecided" => self.undecided(finding),
                "unmapped-code" => self.unmapped(finding).into_iter().collect(),
                "ambiguous-match" => self.ambiguous(finding).into_iter().collect(),
                "encoding-error" => self.encoding(finding).into_iter().collect(),
                _ => Vec::new(),
            };
            for open in opened {
                if !judgement.open.contains(&open) {
                    judgement.open.push(open);
                }
            }
        }
    }

    /// One answer for each exclusion of the rule that nobody has said the meaning of.
    fn undecided(&self, finding: &Finding) -> Vec<OpenDecision> {
        let rule = finding.message.as_deref().unwrap_or_default();
        let files = self.project.systems.iter().flat_map(|system| &system.categorize);
        let files = files.chain(self.project.targets.iter().flat_map(|target| &target.convert));
        let rules = files.flat_map(|file| &file.rules).filter(|one| one.name.value == rule);
        let rules = rules.filter(|one| Some(&one.from.value) == finding.table.as_ref());
        let mut open = Vec::new();
        for exclude in rules.flat_map(|one| &one.excludes).filter(|exclude| exclude.unknown == Unknown::Stop)
        {
            let name = &exclude.rule.value;
            let rest = format!("answer --rule {} --exclude {} --unknown keep", quoted(rule), quoted(name));
            open.push(self.open("undecided", finding.table.as_deref().unwrap_or_default(), &rest, ANSWERS));
        }
        open
    }

    /// The map that lacks a code. Which one is a value: `chartlift rejects` shows it.
    fn unmapped(&self, finding: &Finding) -> Option<OpenDecision> {
        let (into, column) = (finding.table.as_ref()?, finding.column.as_ref()?);
        let files = self.project.systems.iter().flat_map(|system| &system.categorize);
        let mut files = files.chain(self.project.targets.iter().flat_map(|target| &target.convert));
        let map = files.find_map(|file| {
            let mut rules = file.rules.iter().filter(|_| file.into.value == *into);
            rules.find_map(|rule| rule.field(column)?.map.as_ref())
        })?;
        let rest = format!("map --map {} --source CODE --target CODE", quoted(&map.value));
        Some(self.open("unmapped-code", into, &rest, &format!("decisions/maps/{}.csv", map.value)))
    }

    /// What is not the declared charset may be another one.
    fn encoding(&self, finding: &Finding) -> Option<OpenDecision> {
        let table = finding.table.as_deref()?;
        let rest = format!("answer --table {} --encoding CHARSET", quoted(table));
        Some(self.open("encoding-error", table, &rest, ANSWERS))
    }

    /// Which row of the target it is. The keys are values, so they come in a file. Whom a patient of another system is the
    /// same person as is not decided by row.
    fn ambiguous(&self, finding: &Finding) -> Option<OpenDecision> {
        if self.stage != Stage::Validate {
            return None;
        }
        let table = finding.table.as_deref()?;
        Some(self.open("ambiguous-match", table, "match --from FILE", "decisions/matches.csv"))
    }

    fn open(&self, code: &str, applies_to: &str, rest: &str, file: &str) -> OpenDecision {
        OpenDecision {
            code: code.to_owned(),
            stage: self.stage,
            applies_to: applies_to.to_owned(),
            command: command(self.order, rest),
            file: file.to_owned(),
        }
    }
}

/// A word of a command line, in quotes where a shell would take it apart.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
