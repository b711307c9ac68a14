//! The order that tests interrupt, in a target that holds rows of its own, and everything that must come out the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::database::{Database, Kind, Rows};
use crate::workspace::{Finished, Workspace, files_under};

pub(crate) struct Order {
    pub(crate) workspace: Workspace,
    pub(crate) database: Database,
    shape: Shape,
}

/// How the target's rows get their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Made from the source's, the same each time.
    Made,
    /// The target's own numbers, which differ each time; some people are there already and are matched.
    Assigned,
}

/// What is done with an order, a command each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Prepare,
    Create,
    Run,
    RollBack,
    RunAgain,
}

impl Step {
    pub(crate) const ALL: [Self; 5] =
        [Self::Prepare, Self::Create, Self::Run, Self::RollBack, Self::RunAgain];
}

impl Order {
    /// `None` where there is no such database to test with.
    pub(crate) fn create(kind: Kind) -> anyhow::Result<Option<Self>> {
        let Some(order) = Self::unprepared(kind, Shape::Made)? else { return Ok(None) };
        order.prepared()?;
        Ok(Some(order))
    }

    pub(crate) fn prepared(&self) -> anyhow::Result<()> {
        self.done(Step::Prepare)?;
        self.done(Step::Create)
    }

    /// Notes that take some MiB in the target.
    pub(crate) fn long_notes(&self) -> anyhow::Result<()> {
        let notes = self.workspace.path().join("input/notes.csv");
        let text = std::fs::read_to_string(&notes)?;
        Ok(std::fs::write(&notes, text.replace("in two lines", &"in two lines ".repeat(100)))?)
    }

    /// A project, its input and an empty database.
    pub(crate) fn unprepared(kind: Kind, shape: Shape) -> anyhow::Result<Option<Self>> {
        let workspace = Workspace::with_base("mini")?;
        enlarge(&workspace)?;
        if shape == Shape::Assigned {
            assign_keys(&workspace)?;
        }
        let database = Database::create(kind, &workspace)?;
        Ok(database.map(|database| Self { workspace, database, shape }))
    }

    /// The same on a server of the test's own.
    pub(crate) fn on_server(url: &str) -> anyhow::Result<Self> {
        let workspace = Workspace::with_base("mini")?;
        enlarge(&workspace)?;
        Ok(Self { workspace, database: Database::on_server(url)?, shape: Shape::Made })
    }

    /// Locks are waited for no longer than this.
    pub(crate) fn impatient(&self) -> anyhow::Result<()> {
        let settings = self.workspace.path().join("chartlift.yaml");
        let text = std::fs::read_to_string(&settings)?;
        Ok(std::fs::write(settings, format!("{text}limits: {{ lock_seconds: 1 }}\n"))?)
    }

    /// Starts a step and holds it still at a failpoint; answers when it has come by.
    pub(crate) fn hold(&self, step: Step, failpoint: &str) -> anyhow::Result<Held> {
        let file = self.workspace.path().join("held");
        let mut command = self.workspace.command(&self.words(step));
        command.env("CHARTLIFT_FAILPOINT", format!("{failpoint}={}", file.display()));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("starting the binary")?;
        let began = Instant::now();
        while !file.exists() {
            let ended = child.try_wait()?;
            ensure!(ended.is_none(), "it ended before {failpoint}: {ended:?}");
            ensure!(began.elapsed() < Duration::from_secs(60), "it never came by {failpoint}");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Held { child, file })
    }

    pub(crate) fn words(&self, step: Step) -> Vec<String> {
        let target = format!("mini={}", self.database.url());
        let words: &[&str] = match step {
            Step::Prepare => &["target", "init", "--with-tables", "--target", &target],
            Step::Create => &["order", "create", "--id", "1", "--input", "input", "--target", &target],
            Step::Run | Step::RunAgain => &["run", "--order", "1", "--json"],
            Step::RollBack => &["rollback", "--order", "1", "--json"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    pub(crate) fn start(&self, step: Step) -> anyhow::Result<Finished> {
        self.workspace.run(&self.words(step))
    }

    /// Does the step, and lets nothing but exit 0 count.
    pub(crate) fn done(&self, step: Step) -> anyhow::Result<()> {
        let finished = self.start(step)?;
        ensure!(finished.exit == Some(0), "{step:?}: {finished}");
        if step == Step::Prepare {
            self.settle_others()?;
        }
        Ok(())
    }

    /// Rows that the clinic has in the target already, and that nobody may touch.
    fn settle_others(&self) -> anyhow::Result<()> {
        let statements: &[&str] = match self.shape {
            Shape::Made => &[
                "insert into people (id, full_name) \
                 values ('00000000-0000-0000-0000-000000000001', 'Own Patient')",
                "insert into visits (id, person_id, visit_date) values ('00000000-0000-0000-0000-000000000002', \
                 '00000000-0000-0000-0000-000000000001', '2026-01-02')",
            ],
            Shape::Assigned => &[
                "insert into people (full_name, birth_date) \
                 values ('Own Patient', null), ('Person Number 7', '1970-03-08')",
                "insert into visits (person_id, visit_date) values (1, '2026-01-02')",
            ],
        };
        for sql in statements {
            self.database.query(sql)?;
        }
        Ok(())
    }

    pub(crate) fn kill_after(&self, step: Step, delay: Duration) -> anyhow::Result<()> {
        let mut child = self.workspace.spawn(&self.words(step))?;
        std::thread::sleep(delay);
        // On Unix this is SIGKILL: the program learns nothing of it.
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Every write beyond the room fails, as on a full disk; the signal that would come with it is ignored.
    pub(crate) fn run_with_room(&self, kibibytes: u32) -> anyhow::Result<Finished> {
        let ours = self.workspace.command(&self.words(Step::Run));
        let mut command = Command::new("bash");
        command.args([
            "-c",
            "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"",
            "bash",
            &kibibytes.to_string(),
        ]);
        command.arg(ours.get_program()).args(ours.get_args()).current_dir(self.workspace.path()).env_clear();
        command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Ok(Finished::from(command.output().context("starting bash")?))
    }

    pub(crate) fn finish(&self) -> anyhow::Result<Outcome> {
        let summary = self.workspace.json(&self.words(Step::Run), 0)?;
        ensure!(summary["statement"]["balanced"] == true, "not balanced: {summary}");
        self.outcome(summary)
    }

    /// What is there, with what the last run said.
    pub(crate) fn outcome(&self, summary: Value) -> anyhow::Result<Outcome> {
        let (contents, books) = match self.shape {
            Shape::Made => (self.database.contents()?, self.database.books(&[])?),
            Shape::Assigned => (self.contents_without_keys()?, self.database.books(&["target_key"])?),
        };
        Ok(Outcome {
            digests: digests(&summary),
            contents,
            books,
            relations: self.database.relations()?,
            files: files(self.workspace.path())?,
        })
    }
}

/// A program that stands still.
pub(crate) struct Held {
    child: Child,
    file: PathBuf,
}

impl Held {
    /// Lets it go on, and waits for its end.
    pub(crate) fn let_go(self) -> anyhow::Result<Finished> {
        std::fs::remove_file(&self.file)?;
        Ok(Finished::from(self.child.wait_with_output()?))
    }
}

impl Order {
    /// Rows by what they say and whom they are of.
    fn contents_without_keys(&self) -> anyhow::Result<Vec<(String, Rows)>> {
        let mut contents = Vec::new();
        for (table, sql) in [
            ("people", "select full_name, birth_date, sex, phone, migration_hold from people"),
            (
                "visits",
                "select full_name, visit_date, status from visits v join people p on p.id = v.person_id",
            ),
            ("notes", "select full_name, written, text from notes n join people p on p.id = n.person_id"),
        ] {
            let mut rows = self.database.query(sql)?;
            rows.sort();
            contents.push((table.to_owned(), rows));
        }
        Ok(contents)
    }
}

/// What must be the same however often an order was interrupted, and in whatever folder.
pub(crate) struct Outcome {
    /// The statement and the digests of all stages.
    digests: Value,
    /// The rows of the target's own tables.
    contents: Vec<(String, Rows)>,
    /// Loads, keyspaces, crosswalk: but for numbers and times.
    books: Vec<(String, Rows)>,
    /// The names of all that the database holds.
    relations: Rows,
    /// The order's files, by how many there are of each but for attempts.
    files: BTreeMap<String, usize>,
}

impl Outcome {
    pub(crate) fn must_equal(&self, other: &Self) -> anyhow::Result<()> {
        let (ours, theirs) = (&self.digests, &other.digests);
        ensure!(ours == theirs, "the digests differ:\n{ours:#}\nundisturbed:\n{theirs:#}");
        ensure!(self.contents == other.contents, "the rows in the target differ");
        let (ours, theirs) = (&self.relations, &other.relations);
        ensure!(ours == theirs, "the database holds\n{ours:?}\nundisturbed:\n{theirs:?}");
        for ((table, ours), (_, theirs)) in self.books.iter().zip(&other.books) {
            let shown = |rows: &Rows| rows.iter().take(5).cloned().collect::<Vec<_>>();
            let (few, undisturbed) = (shown(ours), shown(theirs));
            ensure!(ours == theirs, "`{table}` holds {few:?} ..., undisturbed {undisturbed:?} ...");
        }
        ensure!(self.books.len() == other.books.len(), "other tables of bookkeeping");
        let (ours, theirs) = (&self.files, &other.files);
        ensure!(ours == theirs, "the order's files are\n{ours:#?}\nundisturbed:\n{theirs:#?}");
        Ok(())
    }
}

/// What must not depend on how often an order was interrupted, nor on the folder: everything but times, what was
/// skipped, and where the target is.
fn digests(summary: &Value) -> Value {
    let mut kept = summary.clone();
    kept["target"] = Value::Null;
    if let Some(stages) = kept["stages"].as_array_mut() {
        for stage in stages {
            if let Some(stage) = stage.as_object_mut() {
                stage.retain(|name, _| name != "seconds" && name != "skipped");
            }
        }
    }
    kept
}

/// The order's files without the records of its log, which tell of every attempt. Nothing half-written may be left.
fn files(workspace: &Path) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut found = BTreeMap::new();
    for path in files_under(&workspace.join("migrations"))? {
        let name = path.strip_prefix(workspace)?.to_string_lossy().into_owned();
        ensure!(!name.contains(".draft") && !name.contains("/."), "`{name}` was left behind");
        let text = std::fs::read(&path)?;
        let whole = !name.ends_with(".log") || text.is_empty() || text.ends_with(b"\n");
        ensure!(whole, "`{name}` ends within a line");
        let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let parts: Vec<&str> = name.split('/').map(|part| if number(part) { "#" } else { part }).collect();
        if !parts.contains(&"log") {
            *found.entry(parts.join("/")).or_default() += 1;
        }
    }
    Ok(found)
}

/// Enough rows that each stage takes a moment in which it can be killed.
fn enlarge(workspace: &Workspace) -> anyhow::Result<()> {
    let mut people = String::from("id;name;born;sex;phone\n");
    let mut visits = String::from("id;person;day;status\n");
    let mut notes = String::from("person;written;text\n");
    for id in 1..=400 {
        writeln!(people, "{id};Person Number {id};{:02}/03/1970;F;", id % 28 + 1)?;
        for part in 0..5 {
            writeln!(visits, "{};{id};{:02}/01/2024;done", id * 10 + part, part + 1)?;
            writeln!(notes, "{id};{:02}/01/2024;\"note {part} of {id},\nin two lines\"", part + 1)?;
        }
    }
    let folder = workspace.path().join("input");
    std::fs::write(folder.join("people.csv"), people)?;
    std::fs::write(folder.join("visits.csv"), visits)?;
    std::fs::write(folder.join("notes.csv"), notes)?;
    Ok(())
}

/// The target gives people and visits their keys, and knows some of the people.
fn assign_keys(workspace: &Workspace) -> anyhow::Result<()> {
    let pack = workspace.path().join("targets/mini/1");
    for (file, old, new) in [
        (
            "schemas/people.yaml",
            "key: uuid",
            "key: identity\n  mode: match\n  match: [[full_name, birth_date]]",
        ),
        ("schemas/visits.yaml", "key: uuid", "key: identity"),
        ("ddl/postgres.sql", "person_id uuid", "person_id integer"),
        ("ddl/postgres.sql", "people (\n  id uuid", "people (\n  id integer generated always as identity"),
        ("ddl/postgres.sql", "visits (\n  id uuid", "visits (\n  id integer generated always as identity"),
        ("ddl/sqlite.sql", "person_id text", "person_id integer"),
        ("ddl/sqlite.sql", "people (\n  id text", "people (\n  id integer"),
        ("ddl/sqlite.sql", "visits (\n  id text", "visits (\n  id integer"),
    ] {
        let text = std::fs::read_to_string(pack.join(file))?;
        ensure!(text.contains(old), "`{file}` lacks `{old}`");
        std::fs::write(pack.join(file), text.replace(old, new))?;
    }
    Ok(())
}
