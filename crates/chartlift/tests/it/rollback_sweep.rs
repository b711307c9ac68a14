//! Random orders, loaded, worked on by hand and taken back: charts that nobody touched are gone as if they had never
//! come, the others are whole as they were left, and nothing else has changed.
//!
//! `CHARTLIFT_CASES=300` plays that many on each database, `CHARTLIFT_FIRST_CASE=17` begins at another. What fails names
//! its case.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context, ensure};

use crate::Test;
use crate::database::{Database, Kind, Rows};
use crate::workspace::{Workspace, variable};

pub(crate) const TESTS: &[Test] =
    &[("charts_sqlite", || charts(Kind::Sqlite)), ("charts_postgres", || charts(Kind::Postgres))];

/// Enough for every kind of edit to be seen.
const CASES: u64 = 4;

fn charts(kind: Kind) -> anyhow::Result<()> {
    let setting = |name| variable(name).and_then(|value| value.parse::<u64>().ok());
    let first = setting("CHARTLIFT_FIRST_CASE").unwrap_or(1);
    for case in first..first + setting("CHARTLIFT_CASES").unwrap_or(CASES) {
        let workspace = Workspace::with_base("mini")?;
        let Some(database) = Database::create(kind, &workspace)? else { return Ok(()) };
        let case_of = Case { random: Random(case), workspace, database, charts: BTreeMap::new() };
        case_of.play(case).with_context(|| format!("CHARTLIFT_FIRST_CASE={case} CHARTLIFT_CASES=1"))?;
    }
    Ok(())
}

/// Sebastiano Vigna's `splitmix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most.max(1)
    }
}

struct Case {
    random: Random,
    workspace: Workspace,
    database: Database,
    /// The target's key of each person that was loaded, and the visits that are there of them.
    charts: BTreeMap<String, Vec<String>>,
}

type Contents = Vec<(String, Rows)>;

impl Case {
    fn play(mut self, case: u64) -> anyhow::Result<()> {
        let people = 1 + self.random.below(30);
        self.write_input(people)?;
        let target = format!("mini={}", self.database.url());
        self.done(&["target", "init", "--with-tables", "--target", &target])?;
        self.clinic_of_its_own()?;
        let before = self.database.contents()?;
        self.done(&["order", "create", "--id", "1", "--input", "input", "--target", &target])?;
        self.done(&["run", "--order", "1"])?;
        let loaded = self.database.contents()?;
        self.read_charts()?;

        // In every fourth case nobody has touched anything.
        let edits = if case.is_multiple_of(4) { 0 } else { 1 + self.random.below(people) };
        let mut touched = BTreeSet::new();
        for _ in 0..edits {
            touched.extend(self.edit()?);
        }
        let edited = self.database.contents()?;
        let tried = self.workspace.json(&["rollback", "--order", "1", "--dry-run", "--json"], 0)?;
        ensure!(self.database.contents()? == edited, "the dry run changed something");
        let told = self.workspace.json(&["rollback", "--order", "1", "--json"], 0)?;
        ensure!(told["tables"] == tried["tables"], "tried {tried}\ndone {told}");
        ensure!(told["charts_kept"] == touched.len(), "{} charts were touched: {told}", touched.len());

        let gone: BTreeSet<&String> = self.charts.keys().filter(|id| !touched.contains(*id)).collect();
        let left = self.database.contents()?;
        same(&left, &without(&edited, &gone))?;
        if touched.is_empty() {
            same(&left, &before).context("the target as it was before")?;
            self.done(&["run", "--order", "1"])?;
            same(&self.database.contents()?, &loaded).context("loaded again")?;
            return Ok(());
        }
        let events = self.workspace.run(&["order", "show", "1"])?;
        ensure!(events.stdout.contains("charts stayed"), "{events}");
        self.again_after_charts_stayed(&left, &touched)
    }

    /// Whatever the second run does, what somebody has worked on stays as it is.
    fn again_after_charts_stayed(&self, left: &Contents, touched: &BTreeSet<String>) -> anyhow::Result<()> {
        let again = self.workspace.run(&["run", "--order", "1"])?;
        let now = self.database.contents()?;
        if again.exit != Some(0) {
            ensure!(matches!(again.exit, Some(7 | 8)), "{again}");
            return same(&now, left).context("a run that was stopped");
        }
        let others: BTreeSet<&String> = self.charts.keys().filter(|id| !touched.contains(*id)).collect();
        same(&without(&now, &others), left).context("charts that had stayed")
    }

    fn write_input(&mut self, people: u64) -> anyhow::Result<()> {
        let mut persons = "id;name;born;sex;phone\n".to_owned();
        let (mut visits, mut notes) =
            ("id;person;day;status\n".to_owned(), "person;written;text\n".to_owned());
        let mut visit = 100;
        for id in 1..=people {
            let sex = if self.random.below(2) == 0 { "F" } else { "M" };
            writeln!(persons, "{id};Person {id};{:02}/03/1980;{sex};", 1 + self.random.below(28))?;
            for _ in 0..self.random.below(4) {
                visit += 1;
                writeln!(visits, "{visit};{id};{:02}/05/2024;done", 1 + self.random.below(28))?;
            }
            for note in 0..self.random.below(3) {
                writeln!(notes, "{id};05/01/2024;Note {note} of {id}")?;
            }
        }
        let input = self.workspace.path().join("input");
        for (name, text) in [("people.csv", persons), ("visits.csv", visits), ("notes.csv", notes)] {
            std::fs::write(input.join(name), text)?;
        }
        Ok(())
    }

    /// Tables and columns that the pack does not know, and rows that were there before.
    fn clinic_of_its_own(&self) -> anyhow::Result<()> {
        let key = match self.database {
            Database::Sqlite(_) => "text",
            Database::Postgres { .. } => "uuid",
        };
        for sql in [
            "alter table people add column room text".to_owned(),
            "create table rooms (name text)".to_owned(),
            format!("create table bills (person {key} references people (id) on delete cascade)"),
            format!("create table \"Keys given\" (person {key} references people (id) on delete set null)"),
            format!("create table letters (visit {key} references visits (id) on delete restrict)"),
            "insert into people (id, full_name) values ('00000000-0000-4000-8000-000000000001', 'Own')"
                .to_owned(),
            "insert into visits (id, person_id, visit_date) values \
             ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', '2020-01-01')"
                .to_owned(),
            "insert into bills values ('00000000-0000-4000-8000-000000000001')".to_owned(),
        ] {
            self.database.query(&sql)?;
        }
        Ok(())
    }

    fn read_charts(&mut self) -> anyhow::Result<()> {
        for row in self.database.query("select id from people where full_name like 'Person %' order by id")? {
            let visits = self
                .database
                .query(&format!("select id from visits where person_id = '{}' order by id", row[0]))?;
            self.charts.insert(row[0].clone(), visits.into_iter().flatten().collect());
        }
        Ok(())
    }

    fn anybody(&mut self) -> String {
        let at = usize::try_from(self.random.below(self.charts.len() as u64)).unwrap_or_default();
        self.charts.keys().nth(at).cloned().unwrap_or_default()
    }

    /// One thing that somebody does by hand; whose charts it touches.
    fn edit(&mut self) -> anyhow::Result<Vec<String>> {
        let person = self.anybody();
        let visit = self.charts[&person].first().cloned();
        let kind = self.random.below(10);
        let mut touched = vec![person.clone()];
        let sql = match (kind, visit) {
            (0, Some(visit)) => format!("update visits set status = 'by hand' where id = '{visit}'"),
            (1, Some(visit)) => {
                self.charts.entry(person.clone()).or_default().retain(|one| *one != visit);
                // What a letter refers to cannot be deleted.
                format!(
                    "delete from visits where id = '{visit}' and not exists \
                     (select 1 from letters where visit = visits.id)"
                )
            }
            (2, Some(visit)) => format!("insert into letters values ('{visit}')"),
            (3, Some(visit)) => {
                // From one chart into another: both were worked on.
                let other = self.anybody();
                touched.push(other.clone());
                format!("update visits set person_id = '{other}' where id = '{visit}'")
            }
            (4, _) => format!("update people set phone = '1' where id = '{person}'"),
            (5, _) => format!("insert into bills values ('{person}')"),
            (6, _) => format!("insert into \"Keys given\" values ('{person}'), (null)"),
            (7, _) => {
                let own = format!("00000000-0000-4000-9000-{:012x}", self.random.below(1 << 40));
                format!(
                    "insert into visits (id, person_id, visit_date) values ('{own}', '{person}', '2026-01-01')"
                )
            }
            // The same value again, which only the database can tell; SQLite cannot.
            (8, _) => format!("update people set room = coalesce(room, '') || 'x' where id = '{person}'"),
            _ => format!("update people set room = '3b' where id = '{person}'"),
        };
        self.database.query(&sql)?;
        Ok(touched)
    }

    fn done(&self, words: &[&str]) -> anyhow::Result<()> {
        let finished = self.workspace.run(words)?;
        ensure!(finished.exit == Some(0), "{words:?}: {finished}");
        Ok(())
    }
}

/// All rows but those of these persons: their own, and those of the load's other tables that name them.
fn without(contents: &Contents, gone: &BTreeSet<&String>) -> Contents {
    let kept = |table: &str, row: &Vec<String>| match table {
        "people" => !gone.contains(&row[0]),
        "visits" | "notes" => !gone.contains(&row[1]),
        _ => true,
    };
    contents
        .iter()
        .map(|(table, rows)| (table.clone(), rows.iter().filter(|row| kept(table, row)).cloned().collect()))
        .collect()
}

fn same(found: &Contents, wanted: &Contents) -> anyhow::Result<()> {
    for ((table, found), (_, wanted)) in found.iter().zip(wanted) {
        ensure!(found == wanted, "`{table}` has\n{found:#?}\nand should have\n{wanted:#?}");
    }
    ensure!(found.len() == wanted.len(), "not the same tables");
    Ok(())
}
