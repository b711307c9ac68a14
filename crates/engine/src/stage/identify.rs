//! identify: which pack wrote these files, with the evidence, and what is missing or unknown.

use std::io::Read;
use std::path::{Path, PathBuf};

use chartlift_rules::{Disposition, System};

use super::drift::Earlier;
use super::inputs::files_of;
use super::{Finished, Work, attachments};
use crate::Error;
use crate::gates::{command, file_of};
use crate::identify::{self, FileHead, Ranking};
use crate::order::InputSpec;
use crate::project_key::sha256_of;
use crate::report::{InputRanking, SourceFile, StageReport, SystemChoice};
use crate::statement::{Finding, OpenDecision, Stage, Trouble, Verdict};

/// How much of each file is looked at.
const HEAD_BYTES: u64 = 256 << 10;

/// A file of an input.
pub(super) struct InputFile {
    /// Relative to the input, with `/`.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// Name, size and time: equal means unchanged.
    pub(super) identity: String,
}

pub(super) fn run(work: &Work<'_>) -> Result<Finished, Error> {
    let inputs = &work.order.spec().inputs;
    let mut listed = Vec::new();
    for input in inputs {
        listed.push((input, files_of(work.order, input)?));
    }
    let total = listed.iter().map(|(_, files)| files.len() as u64).sum();
    work.environment.progress.begin(Stage::Identify, "looking at files", total);
    let mut found = Found {
        earlier: Earlier::of(work.environment, work.order)?,
        several: inputs.len() > 1,
        report: StageReport::default(),
        verdict: Verdict::Pass,
        missing: Vec::new(),
    };
    for (input, files) in listed {
        found.input(work, input, files)?;
    }
    work.environment.progress.end();
    let Found { earlier, mut report, mut verdict, missing, .. } = found;
    if let Some(earlier) = earlier.filter(|_| verdict == Verdict::Pass) {
        report.findings.extend(earlier.drift(&work.environment.project, &report));
    }
    if verdict == Verdict::Pass {
        let trouble = versions(&report).or_else(|| tables(&mut report, &missing));
        verdict = if trouble.is_some() { Verdict::Fail } else { Verdict::Pass };
        report.trouble = trouble;
    }
    let digest = match verdict {
        Verdict::NotRun => String::new(),
        // Not the files' times: the same export in another place is the same. check looks at them itself.
        _ => sha256_of([serde_json::to_vec(&report.sources).unwrap_or_default().as_slice()]),
    };
    Ok(Finished { report, verdict, digest })
}

/// What is known of the inputs looked at so far.
struct Found {
    /// What the order that this one follows was made of.
    earlier: Option<Earlier>,
    /// Then what is said says of which input.
    several: bool,
    report: StageReport,
    /// The worst so far.
    verdict: Verdict,
    /// Input and table of each required table that an input lacks.
    missing: Vec<(String, String)>,
}

impl Found {
    /// Finds the pack of one input.
    fn input(&mut self, work: &Work<'_>, input: &InputSpec, files: Vec<InputFile>) -> Result<(), Error> {
        if files.is_empty() {
            let trouble = Trouble {
                code: "no-files".into(),
                message: format!("there are no files in `{}`", work.order.input_path(input).display()),
                hint: "check the path given to `order create --input`".into(),
            };
            self.trouble(input, Verdict::NotRun, trouble);
            return Ok(());
        }
        let mut heads = Vec::new();
        let systems = &work.environment.project.systems;
        for file in &files {
            // There may be a million of them, and none is a table.
            let head =
                if identify::only_attachment(systems, &file.name) { Vec::new() } else { head(&file.path)? };
            heads.push(FileHead { name: file.name.clone(), size: file.bytes, head });
            work.environment.progress.advance(1);
        }
        let mut ranking = identify::rank(&work.environment.project, &heads, stated(work, input));
        if let Some(earlier) = &self.earlier {
            earlier.settle(&input.name, !self.several, &mut ranking);
        }
        let files = without_attachments(files, &mut ranking, systems);
        self.files(&input.name, &files, &ranking);
        match ranking.chosen.and_then(|chosen| ranking.candidates.get(chosen)) {
            Some(chosen) => {
                self.report.systems.push(SystemChoice {
                    input: input.name.clone(),
                    system: chosen.system.clone(),
                    version: chosen.version.clone(),
                    covers: chosen.covers.clone(),
                });
                self.missing.extend(chosen.missing.iter().map(|table| (input.name.clone(), table.clone())));
            }
            None => {
                let mut trouble = Trouble {
                    code: ranking.decision.code().unwrap_or("not-identified").into(),
                    message: ranking.reason.clone(),
                    hint:
                        "state it with `order create --system NAME --version VERSION`, or add a pack for it"
                            .into(),
                };
                let verdict = ranking.decision.verdict();
                if verdict == Verdict::Suspended {
                    let open = open(work, &input.name, &ranking);
                    if let Some(first) = open.first() {
                        let (command, file) = (&first.command, file_of(first));
                        trouble.hint = format!("state it with `{command}`, {file}; or add a pack for it");
                    }
                    self.report.open.extend(open);
                }
                self.trouble(input, verdict, trouble);
            }
        }
        let ranking = serde_json::to_value(&ranking).unwrap_or_default();
        self.report.rankings.push(InputRanking { input: input.name.clone(), ranking });
        Ok(())
    }

    /// Lists the files, with the tables that claim them.
    fn files(&mut self, input: &str, files: &[InputFile], ranking: &Ranking) {
        let chosen = ranking.chosen.and_then(|chosen| ranking.candidates.get(chosen));
        for file in files {
            let table = chosen.and_then(|chosen| {
                let mut tables = chosen.tables.iter();
                tables.find(|table| table.files.contains(&file.name)).map(|table| table.table.clone())
            });
            if table.is_none() && chosen.is_some() {
                let name = if self.several { format!("{input}/{}", file.name) } else { file.name.clone() };
                self.report.findings.push(fact("unknown-file", "warning", None, &name));
            }
            self.report.sources.push(SourceFile {
                input: input.to_owned(),
                file: file.name.clone(),
                table,
                bytes: file.bytes,
                sha256: None,
            });
        }
    }

    /// The worst verdict stands, with the first trouble that has it; where there are several inputs it says which.
    fn trouble(&mut self, input: &InputSpec, verdict: Verdict, mut trouble: Trouble) {
        if self.several {
            trouble.message = format!("input `{}`: {}", input.name, trouble.message);
        }
        if verdict > self.verdict {
            self.verdict = verdict;
            self.report.trouble = Some(trouble);
        }
    }
}

/// What a person says about an input: a decision counts more than what the order was created with.
fn stated<'a>(work: &'a Work<'_>, input: &'a InputSpec) -> Option<(&'a str, Option<&'a str>)> {
    let ordered = || Some((input.system.as_deref()?, input.version.as_deref()));
    let answer = work.environment.decisions.system_of(&input.name);
    answer
        .map(|answer| (answer.system.value.as_str(), answer.version.as_ref().map(|one| one.value.as_str())))
        .or_else(ordered)
}

/// The answers among which somebody may choose: the best candidate, and those that fit about as well.
fn open(work: &Work<'_>, input: &str, ranking: &Ranking) -> Vec<OpenDecision> {
    let best = ranking.candidates.first().map_or(0.0, |best| best.score);
    let near = ranking.candidates.iter().take_while(|one| best - one.score < identify::LEAD_NEEDED);
    near.map(|one| OpenDecision {
        code: ranking.decision.code().unwrap_or("not-identified").into(),
        stage: Stage::Identify,
        applies_to: input.to_owned(),
        command: command(
            &work.order.spec().id,
            &format!("answer --input {input} --system {} --version {}", one.system, one.version),
        ),
        file: "decisions/answers.yaml".into(),
    })
    .collect()
}

/// The files without those that rows of the chosen pack's tables may name: check looks at them, and their names, which
/// may hold patients', go into no report.
fn without_attachments(
    mut files: Vec<InputFile>,
    ranking: &mut Ranking,
    systems: &[System],
) -> Vec<InputFile> {
    let Some(chosen) = ranking.chosen.and_then(|chosen| ranking.candidates.get(chosen)) else { return files };
    let Some(system) = systems.iter().find(|one| one.name == chosen.system && one.version == chosen.version)
    else {
        return files;
    };
    let claimed: Vec<String> = chosen.tables.iter().flat_map(|table| table.files.iter().cloned()).collect();
    let folders: Vec<String> = system
        .attachments
        .iter()
        .filter_map(|one| {
            let table = chosen.tables.iter().find(|table| table.table == one.table.value);
            let beside = table.and_then(|table| table.files.first()).map(String::as_str);
            attachments::folder(&files, beside, &one.folder.value)
        })
        .collect();
    let attached = |name: &String| {
        folders.iter().any(|folder| name.starts_with(folder.as_str())) && !claimed.contains(name)
    };
    ranking.candidates.iter_mut().for_each(|one| one.unknown_files.retain(|name| !attached(name)));
    files.retain(|file| !attached(&file.name));
    files
}

/// One system has one key space, and one pack makes its records: two versions would make them in two ways.
fn versions(report: &StageReport) -> Option<Trouble> {
    let other = |choice: &SystemChoice| {
        report.systems.iter().find(|other| other.system == choice.system && other.version != choice.version)
    };
    let (one, other) = report.systems.iter().find_map(|choice| Some((choice, other(choice)?)))?;
    Some(Trouble {
        code: "mixed-versions".into(),
        message: format!(
            "the inputs `{}` and `{}` are of `{}` in two versions, {} and {}",
            one.input, other.input, one.system, one.version, other.version
        ),
        hint: "migrate them in two orders, the second with --follows".into(),
    })
}

/// The tables that no input of their system has.
fn tables(report: &mut StageReport, missing: &[(String, String)]) -> Option<Trouble> {
    let system = |input: &str| report.systems.iter().find(|choice| choice.input == input);
    let absent = |(input, table): &&(String, String)| {
        let own = system(input).map(|choice| &choice.system);
        let mut parts = report.systems.iter().filter(|choice| Some(&choice.system) == own);
        parts.all(|part| missing.contains(&(part.input.clone(), table.clone())))
    };
    let mut absent: Vec<String> = missing.iter().filter(absent).map(|(_, table)| table.clone()).collect();
    absent.sort();
    absent.dedup();
    if absent.is_empty() {
        return None;
    }
    for table in &absent {
        report.findings.push(fact("missing-table", "error", Some(table), "the file is missing"));
    }
    Some(Trouble {
        code: "missing-table".into(),
        message: format!("the export lacks files: {}", absent.join(", ")),
        hint: "ask for the whole export; a table that may be absent is `required: false` in the pack".into(),
    })
}

fn fact(code: &str, severity: &str, table: Option<&str>, message: &str) -> Finding {
    Finding {
        code: code.into(),
        severity: severity.into(),
        disposition: Disposition::Note.name().into(),
        stage: Stage::Identify,
        system: None,
        table: table.map(str::to_owned),
        column: None,
        rows: 0,
        message: Some(message.to_owned()),
    }
}

/// The files of a local input, sorted by name; hidden ones and names that begin with `_` are not data. An input may be
/// a single file.
pub(super) fn files(place: &Path) -> Result<Vec<InputFile>, Error> {
    let mut found = Vec::new();
    if place.is_dir() {
        walk(place, "", &mut found)?;
    } else if place.is_file() {
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.push(input_file(name, place.to_path_buf())?);
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<InputFile>) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder).map_err(Error::file("list", folder))? {
        let entry = entry.map_err(Error::file("list", folder))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with(['.', '_']) {
            continue;
        }
        let path = entry.path();
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            walk(&path, &format!("{name}/"), found)?;
        } else {
            found.push(input_file(name, path)?);
        }
    }
    Ok(())
}

fn input_file(name: String, path: PathBuf) -> Result<InputFile, Error> {
    let metadata = path.metadata().map_err(Error::file("look at", &path))?;
    let time = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let identity = format!("{name}\n{}\n{}", metadata.len(), time.map_or(0, |time| time.as_nanos()));
    Ok(InputFile { name, path, bytes: metadata.len(), identity })
}

fn head(path: &Path) -> Result<Vec<u8>, Error> {
    let mut head = Vec::new();
    let file = std::fs::File::open(path).map_err(Error::file("open", path))?;
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(Error::file("read", path))?;
    Ok(head)
}
