//! What was found in the data, grouped by code: what it means, how often, where. Never a value.

use std::collections::BTreeMap;

use chartlift_engine::run::Account;
use chartlift_engine::statement::{Finding, Stage, Statement, Summary};
use chartlift_rules::code_named;

use super::markup::{Grid, Kind::Count, Kind::Words, Markup, share};
use crate::output::grouped;

/// Differing cells that are listed; the JSON twin has them all.
const MISMATCHES_SHOWN: usize = 200;

pub(super) fn section(account: &Account) -> Markup {
    let summary = &account.summary;
    let mut page = Markup::default();
    if summary.findings.is_empty() && summary.mismatches.is_empty() {
        page.paragraph(if account.reports.is_empty() {
            "Nothing has been checked yet."
        } else {
            "Nothing was found in the stages that have run."
        });
        return page;
    }
    mismatches(summary, &mut page);
    for group in groups(&summary.findings) {
        group.render(&summary.statement, &mut page);
    }
    page.paragraph(
        "Rows by file and record number: `chartlift rejects --order ID --marks`. The rows themselves, with values: \
         `chartlift rejects --order ID`, in the order's data area.",
    );
    page
}

struct Group<'a> {
    code: &'a str,
    findings: Vec<&'a Finding>,
}

/// By code; what holds rows first, then by the number of rows.
fn groups(findings: &[Finding]) -> Vec<Group<'_>> {
    let mut by_code: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        by_code.entry(&finding.code).or_default().push(finding);
    }
    let mut groups: Vec<Group<'_>> =
        by_code.into_iter().map(|(code, findings)| Group { code, findings }).collect();
    for group in &mut groups {
        group.findings.sort_by(|a, b| rank(a).cmp(&rank(b)).then(b.rows.cmp(&a.rows)));
    }
    let worst = |group: &Group<'_>| group.findings.iter().map(|finding| rank(finding)).min();
    groups.sort_by(|a, b| worst(a).cmp(&worst(b)).then(b.rows().cmp(&a.rows())));
    groups
}

fn rank(finding: &Finding) -> u8 {
    match finding.severity.as_str() {
        "error" => 0,
        "warning" => 1,
        _ => 2,
    }
}

impl Group<'_> {
    fn rows(&self) -> u64 {
        self.findings.iter().map(|finding| finding.rows).sum()
    }

    fn render(&self, statement: &Statement, page: &mut Markup) {
        let summary = code_named(self.code).map_or("", |code| code.summary);
        let mut title = Markup::prose(summary.trim_end_matches('.'));
        title.raw(" ");
        title.push(&Markup::code(self.code));
        page.raw(&format!("<h3>{title}</h3>\n"));
        page.paragraph(&self.how_often());
        if let Some(code) = code_named(self.code) {
            code.explanation.split("\n\n").for_each(|paragraph| page.paragraph(paragraph));
        }
        let columns = [
            ("where", Words),
            ("stage", Words),
            ("disposition", Words),
            ("rows", Count),
            ("share", Count),
            ("check, rule or file", Words),
        ];
        let mut grid = Grid::new(format!("Where `{}` was found", self.code), &columns);
        for finding in &self.findings {
            let place = Some(finding.place()).filter(|place| !place.is_empty());
            let place = place.unwrap_or_else(|| "the export".into());
            let counted = finding.rows > 0;
            grid.row(vec![
                place.into(),
                finding.stage.name().into(),
                finding.disposition.as_str().into(),
                if counted { finding.rows.into() } else { "-".into() },
                share(finding.rows, if counted { base(finding, statement) } else { 0 }).into(),
                finding.message.as_deref().unwrap_or_default().into(),
            ]);
        }
        grid.render(page);
    }

    /// A fact about a file or a column counts no rows.
    fn how_often(&self) -> String {
        let places = match self.findings.len() {
            1 => "one place".to_owned(),
            several => format!("{} places", grouped(several as u64)),
        };
        match self.rows() {
            0 => format!("In {places}."),
            1 => format!("1 row, in {places}."),
            rows => format!("{} rows, in {places}.", grouped(rows)),
        }
    }
}

/// How many rows the check looked at.
fn base(finding: &Finding, statement: &Statement) -> u64 {
    let Some(name) = &finding.table else { return 0 };
    let read: u64 =
        statement.files.iter().filter(|file| file.table.as_ref() == Some(name)).map(|file| file.read).sum();
    let emitted = statement.categories.iter().find(|category| &category.category == name);
    let converted = statement.loads.iter().find(|load| &load.table == name);
    let (emitted, converted) =
        (emitted.map_or(0, |category| category.emitted), converted.map_or(0, |load| load.converted));
    let bases = match finding.stage {
        Stage::Identify | Stage::Check => [read, 0, 0],
        Stage::Categorize => [emitted, read, 0],
        Stage::Convert | Stage::Validate | Stage::Import | Stage::Verify => [converted, emitted, 0],
    };
    bases.into_iter().find(|base| *base > 0).unwrap_or_default()
}

fn mismatches(summary: &Summary, page: &mut Markup) {
    let columns = [("target table", Words), ("row (keyed hash of its key)", Words), ("column", Words)];
    let caption = "Cells that differ from what was sent; `*` is a whole row, missing or too many";
    let mut grid = Grid::new(caption, &columns);
    for mismatch in summary.mismatches.iter().take(MISMATCHES_SHOWN) {
        grid.row(vec![
            mismatch.table.as_str().into(),
            Markup::code(&mismatch.row_key_hash),
            mismatch.column.as_str().into(),
        ]);
    }
    grid.render(page);
    if summary.mismatches.len() > MISMATCHES_SHOWN {
        let more = (summary.mismatches.len() - MISMATCHES_SHOWN) as u64;
        page.paragraph(&format!("And {} more, in `statement.json`.", grouped(more)));
    }
}
