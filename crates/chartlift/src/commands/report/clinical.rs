//! `report --edition clinical`: the page that names patients. It goes into the order's data area; what is printed here
//! holds no value.

use std::path::{Path, PathBuf};

use chartlift_engine::clinical::{Clinical, Opened, Wish, examine};
use chartlift_engine::order::{make_folder, replace_with};
use chartlift_engine::run::account;
use serde_json::json;

use super::super::stage::{block_on, environment};
use crate::args::{LanguageName, Report};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::{Output, grouped, verdict_sentence};
use crate::report::clinical::{Language, Page};

/// The order's folder for pages that name patients.
const FOLDER: &str = "clinical";
/// The keys that a sample was drawn from.
const FRAME: &str = "sampling-frame.csv";

pub(super) fn run(arguments: &Report, config: &Config, output: &Output) -> Result<Exit, Failure> {
    config.sound()?;
    let order = arguments.order.as_str();
    let account = account(&config.store(), order)?;
    let target = config.target(Some(account.order.spec()))?;
    let language = match arguments.language.unwrap_or(LanguageName::English) {
        LanguageName::English => Language::English,
        LanguageName::BrazilianPortuguese => Language::BrazilianPortuguese,
    };
    let folder = account.order.subfolder(FOLDER);
    let path = match &arguments.out {
        Some(path) => allowed(path, account.order.root(), arguments.identified)?,
        None => folder.join(format!("report-{}.html", language.tag())),
    };
    make_folder(&folder)?;
    let environment = environment(config, output, config.key()?);
    let opened = Opened::new(&environment, order)?;
    let wish = Wish { most: arguments.sample, seed: arguments.seed.clone() };
    let clinical = block_on(config.threads(), examine(&environment, &opened, &target, &wish))??;
    let facts = clinical.facts()?;
    let page = Page { account: &account, clinical: &clinical, facts: &facts, language };
    write_frame(&clinical, &folder.join(FRAME))?;
    replace_with(&path, |out| page.write(out))?;

    let (incomplete, absent) = clinical.touched();
    let sample = clinical.sample.as_ref();
    output.object(&json!({
        "spec": "chartlift/v1",
        "order": account.summary.order,
        "verdict": account.summary.verdict,
        "edition": "clinical",
        "language": language.tag(),
        "report": path,
        "patients": { "incomplete": incomplete, "absent": absent },
        "sample": sample.map(|sample| json!({
            "charts": sample.frame.len(),
            "drawn": sample.drawn.len(),
            "wanted": sample.wanted,
            "defects_at_most": sample.bound,
            "confidence": 0.95,
            "seed": sample.seed,
            "frame_sha256": sample.frame_digest,
        })),
        "risks": clinical.risks.len(),
        "seal": account.receipt().and_then(|receipt| receipt.get("seal").cloned()),
    }));
    let (sentence, _) = verdict_sentence(&account.summary);
    let number = |count: usize| grouped(count as u64);
    output.line(sentence);
    output.line(format_args!(
        "Patients by name: {} incomplete, {} absent. This page names patients: treat it as a medical record.",
        number(incomplete),
        number(absent)
    ));
    if let Some(sample) = sample {
        output.line(format_args!(
            "Sample: {} of {} whole charts; all clean means at most {} with a defect (95 % confidence).",
            number(sample.drawn.len()),
            number(sample.frame.len()),
            grouped(sample.bound)
        ));
    }
    output.line(format_args!("Report: {}", path.display()));
    Ok(Exit::Done)
}

/// What a sample was drawn from, so that others can draw it again.
fn write_frame(clinical: &Clinical<'_>, path: &Path) -> Result<(), Failure> {
    let Some(sample) = &clinical.sample else { return Ok(()) };
    replace_with(path, |out| {
        let mut writer = csv::Writer::from_writer(out);
        let mut write = || {
            writer.write_record(["source_key"])?;
            sample.frame.iter().try_for_each(|key| writer.write_record([key]))?;
            writer.flush()
        };
        write().map_err(Failure::file("write", path))
    })
}

/// Values stay in the order's data area unless somebody says in so many words that they may leave it; where others
/// expect no values, they never go.
fn allowed(path: &Path, root: &Path, identified: bool) -> Result<PathBuf, Failure> {
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("."),
    };
    let real = parent.canonicalize().map_err(Failure::file("write into", parent))?;
    let root = root.canonicalize().map_err(Failure::file("open", root))?;
    let within = real.strip_prefix(&root).ok().map(|rest| rest.components().next());
    let refuse =
        |message: String, hint: String| Err(Failure::usage("identified-outside", message).hint(hint));
    match within {
        Some(Some(first)) if first.as_os_str() == FOLDER => Ok(path.to_path_buf()),
        Some(_) => refuse(
            format!(
                "`{}` is in a part of the order's folder that holds no pages with patients",
                path.display()
            ),
            format!("leave out `--out`: the page goes into the order's `{FOLDER}/`"),
        ),
        None if identified => Ok(path.to_path_buf()),
        None => refuse(
            format!("`{}` is outside the order's data area, and the page names patients", path.display()),
            format!(
                "leave out `--out`: the page goes into the order's `{FOLDER}/`; if it must leave it, add `--identified`"
            ),
        ),
    }
}
