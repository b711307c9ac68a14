//! `demo [DIR]`: a sample clinic's export, an order for it, and the whole pipeline into SQLite. Again in the same
//! folder it changes nothing.

use std::path::Path;

use chartlift_engine::order::{InputSpec, OrderSpec};
use chartlift_io::target::{Bookkeeping, connect_with};

use super::init::{GIT_IGNORE, make_folder, write_missing};
use super::{stage, target};
use crate::args::{Demo, Global};
use crate::config::{Config, KEY_FILE, SETTINGS_FILE, required_url};
use crate::demo::{self, Sample};
use crate::exit::{Exit, Failure};
use crate::output::{Align::Left, Output, Table};

const ORDER: &str = "demo";
/// Tells a demo's folder from any other.
const MARKER: &str = ".chartlift/demo";
const EXPORT: &str = "export";
/// Which records were damaged on purpose, and how.
const ANSWERS: &str = "defects.csv";

pub(super) fn run(arguments: &Demo, global: &Global, output: &Output) -> Result<Exit, Failure> {
    if global.project.is_some() || global.storage.is_some() || global.target.is_some() {
        return Err(Failure::usage("usage", "the demo brings its own project, storage and target")
            .hint("name a folder only: `chartlift demo DIR`"));
    }
    let sample = sample(arguments)?;
    let folder = arguments.folder.as_path();
    claim(folder, sample)?;
    lay_out(folder, sample, output)?;
    let global = Global { project: Some(folder.to_path_buf()), ..global.clone() };
    let config = Config::load(&global)?;
    config.sound()?;
    config.store().create(order(&config)?)?;
    let address = config.target(None)?;
    stage::block_on(config.threads(), async {
        let bookkeeping =
            connect_with(required_url(&address)?, &config.connection()).await?.bookkeeping().await?;
        if bookkeeping == Bookkeeping::Missing {
            target::prepare(&config, &address, true).await?;
        }
        Ok::<_, Failure>(())
    })??;
    let exit = stage::until(&config, output, ORDER, chartlift_engine::statement::Stage::Verify)?;
    say_where(folder, output);
    Ok(exit)
}

fn sample(arguments: &Demo) -> Result<Sample, Failure> {
    let (system, version) = (arguments.system.as_deref(), arguments.version.as_deref());
    Sample::named(system, version).ok_or_else(|| {
        let asked = [system, version].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let known = Sample::ALL.map(|sample| format!("{} {}", sample.system(), sample.version()));
        Failure::usage("usage", format!("there is no sample export of `{asked}`"))
            .hint(format!("the demo has {}", known.join(", ")))
    })
}

/// Refuses a folder that holds somebody else's files, or another sample. The marker goes in first, so that an
/// interrupted demo can be started again.
fn claim(folder: &Path, sample: Sample) -> Result<(), Failure> {
    let marker = folder.join(MARKER);
    let text = format!("made by `chartlift demo`: {} {}\n", sample.system(), sample.version());
    if marker.exists() {
        let there = std::fs::read_to_string(&marker).map_err(Failure::file("read", &marker))?;
        if there == text {
            return Ok(());
        }
        let message = format!("`{}` is the demo of another sample or program", folder.display());
        return Err(Failure::usage("not-empty", message)
            .hint("name a new folder: `chartlift demo DIR`; nothing was changed"));
    }
    let occupied = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(Failure::file("read the folder", folder)(error)),
    };
    if occupied {
        return Err(Failure::usage(
            "not-empty",
            format!("`{}` is not empty and not a demo", folder.display()),
        )
        .hint("name a new folder: `chartlift demo DIR`; nothing was changed"));
    }
    make_folder(&folder.join(".chartlift"))?;
    write_missing(&marker, &text)
}

fn lay_out(folder: &Path, sample: Sample, output: &Output) -> Result<(), Failure> {
    // Published on purpose: the demo's ids are the same everywhere.
    write_missing(&folder.join(KEY_FILE), demo::KEY)?;
    write_missing(&folder.join(".gitignore"), GIT_IGNORE)?;
    write_missing(&folder.join(SETTINGS_FILE), &sample.settings())?;
    let export = folder.join(EXPORT);
    if export.exists() {
        return Ok(());
    }
    output.note("demo: writing the sample clinic's export");
    // All files or none: a half-written export would be a different clinic.
    let unfinished = folder.join(".chartlift/export");
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).map_err(Failure::file("remove", &unfinished))?;
    }
    make_folder(&unfinished)?;
    let defects = sample.generate(&unfinished).map_err(Failure::file("write the export in", &unfinished))?;
    let answers = folder.join(ANSWERS);
    std::fs::write(&answers, demo::answer_key(&defects)).map_err(Failure::file("write", &answers))?;
    std::fs::rename(&unfinished, &export).map_err(Failure::file("create", &export))
}

fn order(config: &Config) -> Result<OrderSpec, Failure> {
    Ok(OrderSpec {
        id: ORDER.into(),
        series: ORDER.into(),
        // Relative to the order's folder, so that the demo's folder can be moved.
        inputs: vec![InputSpec {
            name: "main".into(),
            url: format!("../../{EXPORT}"),
            system: None,
            version: None,
        }],
        target: config.target(None)?.name,
        follows: None,
        project_key_fingerprint: config.key()?.fingerprint(),
        created_at: demo::CREATED_AT,
    })
}

fn say_where(folder: &Path, output: &Output) {
    let mut table = Table::new(&[("Where things are", Left), ("", Left)]);
    let mut row =
        |path: &str, what: &str| table.row(vec![format!("  {}", folder.join(path).display()), what.into()]);
    row(EXPORT, "the old system's files");
    row(ANSWERS, "what is wrong in them on purpose");
    row(SETTINGS_FILE, "settings and gates");
    row(&format!("migrations/migration_{ORDER}"), "log, layers, rejects, logs");
    row(&format!("migrations/migration_{ORDER}/reports"), "the statement and its receipt, for programs");
    row("clinic.db", "the new system's database (SQLite)");
    output.line(format_args!("\n{}", table.rendered("").trim_end()));
}
