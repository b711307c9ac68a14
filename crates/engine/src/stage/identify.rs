//! identify: which pack wrote these files, with the evidence, and what is missing or unknown.

use std::io::Read;
use std::path::{Path, PathBuf};

use chartlift_rules::{Disposition, System};

use super::{Finished, Work, attachments, input_name};
use crate::Error;
use crate::gates::{command, file_of};
use crate::identify::{self, FileHead, Ranking};
use crate::order::InputSpec;
use crate::project_key::sha256_of;
use crate::report::{SourceFile, StageReport, SystemChoice};
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
    let files = files(&work.input_folder())?;
    let mut report = StageReport::default();
    if files.is_empty() {
        report.trouble = Some(Trouble {
            code: "no-files".into(),
            message: format!("there are no files in `{}`", work.input_folder().display()),
            hint: "check the path given to `order create --input`".into(),
        });
        return Ok(Finished { report, verdict: Verdict::NotRun, digest: String::new() });
    }
    work.environment.progress.begin(Stage::Identify, "looking at files", files.len() as u64);
    let mut heads = Vec::new();
    let systems = &work.environment.project.systems;
    for file in &files {
        // There may be a million of them, and none is a table.
        let head =
            if identify::only_attachment(systems, &file.name) { Vec::new() } else { head(&file.path)? };
        heads.push(FileHead { name: file.name.clone(), size: file.bytes, head });
        work.environment.progress.advance(1);
    }
    work.environment.progress.end();
    let stated = stated(work, work.order.spec().inputs.first());
    let mut ranking = identify::rank(&work.environment.project, &heads, stated);
    let files = without_attachments(files, &mut ranking, systems);
    let verdict = account(&mut report, input_name(work.order), &files, &ranking);
    if let Some(trouble) = report.trouble.as_mut().filter(|_| verdict == Verdict::Suspended) {
        report.open = open(work, input_name(work.order), &ranking);
        if let Some(first) = report.open.first() {
            trouble.hint =
                format!("state it with `{}`, {}; or add a pack for it", first.command, file_of(first));
        }
    }
    report.ranking = serde_json::to_value(&ranking).ok();
    let sources = serde_json::to_vec(&report.sources).unwrap_or_default();
    // Not the files' times: the same export in another place is the same. check looks at them itself.
    let digest = sha256_of([sources.as_slice()]);
    Ok(Finished { report, verdict, digest })
}

/// What a person says about an input: a decision counts more than what the order was created with.
fn stated<'a>(work: &'a Work<'_>, input: Option<&'a InputSpec>) -> Option<(&'a str, Option<&'a str>)> {
    let input = input?;
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

fn account(report: &mut StageReport, input: &str, files: &[InputFile], ranking: &Ranking) -> Verdict {
    let chosen = ranking.chosen.and_then(|chosen| ranking.candidates.get(chosen));
    for file in files {
        let table = chosen.and_then(|chosen| {
            chosen
                .tables
                .iter()
                .find(|table| table.files.contains(&file.name))
                .map(|table| table.table.clone())
        });
        if table.is_none() && chosen.is_some() {
            report.findings.push(fact("unknown-file", "warning", None, &file.name));
        }
        report.sources.push(SourceFile {
            input: input.to_owned(),
            file: file.name.clone(),
            table,
            bytes: file.bytes,
            sha256: None,
        });
    }
    let Some(chosen) = chosen else {
        report.trouble = Some(Trouble {
            code: ranking.decision.code().unwrap_or("not-identified").into(),
            message: ranking.reason.clone(),
            hint: "state it with `order create --system NAME --version VERSION`, or add a pack for it".into(),
        });
        return ranking.decision.verdict();
    };
    report.system = Some(SystemChoice {
        input: input.to_owned(),
        system: chosen.system.clone(),
        version: chosen.version.clone(),
        covers: chosen.covers.clone(),
    });
    if chosen.missing.is_empty() {
        return Verdict::Pass;
    }
    for table in &chosen.missing {
        report.findings.push(fact("missing-table", "error", Some(table), "the file is missing"));
    }
    report.trouble = Some(Trouble {
        code: "missing-table".into(),
        message: format!("the export lacks files: {}", chosen.missing.join(", ")),
        hint: "ask for the whole export; a table that may be absent is `required: false` in the pack".into(),
    });
    Verdict::Fail
}

fn fact(code: &str, severity: &str, table: Option<&str>, message: &str) -> Finding {
    Finding {
        code: code.into(),
        severity: severity.into(),
        disposition: Disposition::Note.name().into(),
        stage: Stage::Identify,
        table: table.map(str::to_owned),
        column: None,
        rows: 0,
        message: Some(message.to_owned()),
    }
}

/// The files of a local input, sorted by name; hidden ones and names that begin with `_` are not data.
pub(super) fn files(folder: &Path) -> Result<Vec<InputFile>, Error> {
    let mut found = Vec::new();
    if folder.is_dir() {
        walk(folder, "", &mut found)?;
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
        let metadata = path.metadata().map_err(Error::file("look at", &path))?;
        let name = format!("{prefix}{name}");
        if metadata.is_dir() {
            walk(&path, &format!("{name}/"), found)?;
            continue;
        }
        let time = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let identity = format!("{name}\n{}\n{}", metadata.len(), time.map_or(0, |time| time.as_nanos()));
        found.push(InputFile { name, path, bytes: metadata.len(), identity });
    }
    Ok(())
}

fn head(path: &Path) -> Result<Vec<u8>, Error> {
    let mut head = Vec::new();
    let file = std::fs::File::open(path).map_err(Error::file("open", path))?;
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(Error::file("read", path))?;
    Ok(head)
}
