//! A case through the engine, in this process, and what the engine and the database then say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chartlift_engine::order::{FixedClock, InputSpec, OrderSpec};
use chartlift_engine::progress::Silent;
use chartlift_engine::project_key::ProjectKey;
use chartlift_engine::run::{Environment, Stages, TargetChoice, advance};
use chartlift_engine::statement::{Stage, Summary};
use chartlift_io::target::Options;
use chartlift_rules::{Decisions, Severity};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::facts::{Facts, Finding};
use crate::model::{Case, Sink, Value};
use crate::render;

/// Writes the case into a folder: a project that the real program can play too.
pub(crate) fn write(case: &Case, folder: &Path) {
    let mut files = render::project(case);
    files.push(("targets/aim/1/ddl/sqlite.sql".into(), render::ddl(case)));
    files.extend(render::export(case).into_iter().map(|(name, text)| (format!("export/{name}"), text)));
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
}

/// What the engine says of the case whose files are in `folder`; an error is said too.
pub(crate) async fn play(case: &Case, folder: &Path) -> Facts {
    let files: Vec<(PathBuf, String)> =
        render::project(case).into_iter().map(|(path, text)| (path.into(), text)).collect();
    let (project, problems) = chartlift_rules::read(&files);
    let mut facts = Facts::default();
    for problem in problems.iter().filter(|problem| problem.severity == Severity::Error) {
        facts.say(format!("problem {}", problem.code), problem.message.clone());
    }
    if !facts.0.is_empty() {
        return facts;
    }
    let database = folder.join("target.db");
    let url = format!("sqlite:{}", database.display());
    let environment = Environment {
        project,
        key: ProjectKey::new([7; 32]),
        storage: folder.to_path_buf(),
        clock: Arc::new(FixedClock("2026-11-22T09:00:00Z".parse().expect("a time"))),
        progress: Arc::new(Silent),
        actor: "test".into(),
        threads: 1,
        connection: Options::default(),
        decisions: Decisions::default(),
    };
    let order = OrderSpec {
        id: "1".into(),
        series: "1".into(),
        inputs: vec![InputSpec {
            name: "main".into(),
            url: folder.join("export").to_str().expect("a path in UTF-8").into(),
            system: Some("made".into()),
            version: Some("1".into()),
        }],
        target: format!("aim={url}"),
        follows: None,
        project_key_fingerprint: environment.key.fingerprint(),
        created_at: environment.clock.now(),
    };
    environment.store().create(order).expect("an order");
    let target = chartlift_io::target::connect(&url).await.expect("a target");
    target.init(Some(&render::ddl(case))).await.expect("tables");
    let choice = TargetChoice { name: "aim".into(), url: Some(url) };
    match advance(&environment, "1", Stages::Until(Stage::Verify), &choice).await {
        Ok(summary) => said(case, &summary, &database, &mut facts),
        Err(error) => facts.say("error", chain(&error)),
    }
    facts
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn said(case: &Case, summary: &Summary, database: &Path, facts: &mut Facts) {
    let word = |verdict| serde_json::to_value(verdict).expect("a word").as_str().expect("a word").to_owned();
    for stage in summary.stages.iter().filter(|stage| stage.stage != Stage::Identify) {
        let verdict = word(stage.verdict);
        let ran = stage.digest.is_some() || verdict != "not-run" || stage.stage == Stage::Check;
        if ran {
            facts.say(format!("stage {}", stage.stage.name()), verdict);
        }
    }
    let statement = &summary.statement;
    for file in &statement.files {
        facts.file(&file.file, [file.read, file.landed, file.quarantined]);
    }
    for one in &statement.tables {
        facts.table(&one.table, [one.landed, one.produced, one.merged, one.quarantined], &one.excluded);
    }
    for one in &statement.rules {
        let names = [one.stage.name(), &one.rule, &one.from, &one.into];
        let figures = [one.read, one.produced, one.merged, one.quarantined, one.emitted];
        facts.rule(names, figures, &one.excluded);
    }
    for one in &statement.categories {
        facts.category(&one.category, [one.emitted, one.merged, one.quarantined, one.rows]);
    }
    for one in &statement.loads {
        facts.load(&one.table, [one.converted, one.held, one.matched, one.loaded, one.verified]);
    }
    let patients = &statement.patients;
    let [exported, whole, incomplete] = [patients.exported, patients.whole, patients.incomplete];
    facts.patients([exported, whole, incomplete, patients.absent, patients.unattributed]);
    for one in summary.findings.iter().filter(|one| one.rows > 0) {
        let (table, column) = (one.table.clone().unwrap_or_default(), one.column.clone().unwrap_or_default());
        let finding = Finding {
            stage: one.stage.name(),
            code: &one.code,
            table: &table,
            column: &column,
            name: one.message.as_deref().unwrap_or_default(),
            disposition: &one.disposition,
        };
        facts.finding(&finding, one.rows);
    }
    if summary.stages.iter().any(|stage| stage.stage == Stage::Verify && stage.digest.is_some()) {
        facts.say("balanced", statement.balanced.to_string());
        rows(case, database, facts);
    }
}

/// Every row in the target, with the source keys that the crosswalk gives.
fn rows(case: &Case, database: &Path, facts: &mut Facts) {
    let connection = Connection::open(database).expect("the target");
    let mut keys: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut statement = connection
        .prepare(
            "select target_table, target_uuid, source_key from chartlift_crosswalk join chartlift_keyspace on \
             chartlift_keyspace.id = chartlift_crosswalk.keyspace where target_uuid is not null",
        )
        .expect("a query");
    let mut found = statement.query([]).expect("a crosswalk");
    while let Some(row) = found.next().expect("a row") {
        let text = |at| row.get::<_, String>(at).expect("a text");
        keys.insert((text(0), text(1)), text(2));
    }
    for table in &case.targets {
        let columns: Vec<&str> = table.fields.iter().map(|field| field.name.as_str()).collect();
        let query = format!("select {} from {}", columns.join(", "), table.name);
        let mut statement = connection.prepare(&query).expect("a query");
        let mut found = statement.query([]).expect("rows");
        while let Some(row) = found.next().expect("a row") {
            let values: Vec<Value> = table
                .fields
                .iter()
                .enumerate()
                .map(|(at, field)| {
                    let text = match row.get_ref(at).expect("a value") {
                        ValueRef::Null => return None,
                        ValueRef::Integer(number) => number.to_string(),
                        ValueRef::Text(text) => String::from_utf8(text.to_vec()).expect("UTF-8"),
                        other => panic!("a value of type {}", other.data_type()),
                    };
                    Some(source_key(case, table, &field.name, text, &keys))
                })
                .collect();
            facts.count(format!("row {} {values:?}", table.name), 1);
        }
    }
}

fn source_key(
    case: &Case,
    table: &Sink,
    column: &str,
    text: String,
    keys: &BTreeMap<(String, String), String>,
) -> String {
    let parent =
        table.references.iter().find(|(own, _)| own == column).map(|(_, parent)| case.target(parent));
    let of = if column == table.key { Some(table) } else { parent };
    match of.filter(|of| !of.natural) {
        Some(of) => keys.get(&(of.name.clone(), text)).cloned().unwrap_or_else(|| "in no crosswalk".into()),
        None => text,
    }
}
