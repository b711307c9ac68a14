//! The balance: for each file, rule, table, category and load the figures, and whether they add up.

use std::collections::BTreeMap;

use chartlift_engine::run::Account;
use chartlift_engine::statement::{Equation, Of, Statement};

use super::markup::{Grid, Kind, Kind::Count, Kind::Words, Markup, share};
use crate::output::grouped;

pub(super) fn section(account: &Account) -> Markup {
    let statement = &account.summary.statement;
    let sums = Sums { account, equations: statement.equations() };
    let mut page = Markup::default();
    page.paragraph(
        "Every row that was read has one recorded fate. Each line below is an equation; an order in which one of \
         them does not close fails.",
    );
    sums.overview(&mut page);
    sums.open(&mut page);
    sums.files(statement, &mut page);
    sums.tables(statement, &mut page);
    sums.rules(statement, &mut page);
    sums.categories(statement, &mut page);
    sums.loads(statement, &mut page);
    page
}

struct Sums<'a> {
    account: &'a Account,
    equations: Vec<Equation>,
}

/// Where an equation stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Closes,
    Open,
    Broken,
}

impl Sums<'_> {
    /// Figures of a stage that has not run say nothing yet.
    fn state(&self, equation: &Equation) -> State {
        match equation.closes() {
            _ if !self.account.reports.contains_key(&equation.settled_by) => State::Open,
            true => State::Closes,
            false => State::Broken,
        }
    }

    fn overview(&self, page: &mut Markup) {
        let columns = [
            ("equations of", Words),
            ("equation", Words),
            ("close", Count),
            ("do not close", Count),
            ("not known yet", Count),
        ];
        let mut grid = Grid::new("The equations of the balance", &columns);
        let mut counts: BTreeMap<(Of, usize), [u64; 3]> = BTreeMap::new();
        for equation in &self.equations {
            let count = counts.entry((equation.of, form(equation))).or_default();
            let [closes, broken, open] = count;
            *match self.state(equation) {
                State::Closes => closes,
                State::Broken => broken,
                State::Open => open,
            } += 1;
        }
        for ((of, form), [closes, broken, open]) in counts {
            let (name, text) = in_words(of, form);
            grid.row(vec![name.into(), text.into(), closes.into(), broken.into(), open.into()]);
        }
        grid.render(page);
    }

    /// Equations that do not close, with their figures.
    fn open(&self, page: &mut Markup) {
        let columns = [("of", Words), ("whole", Words), ("parts", Words), ("difference", Count)];
        let mut grid = Grid::new("Equations that do not close", &columns);
        for equation in self.equations.iter().filter(|one| self.state(one) == State::Broken) {
            let parts: Vec<String> =
                equation.parts.iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
            grid.row(vec![
                equation.name.as_str().into(),
                format!("{} {}", equation.whole.0, grouped(equation.whole.1)).into(),
                parts.join(" + ").into(),
                equation.whole.1.abs_diff(equation.sum()).into(),
            ]);
        }
        grid.render(page);
    }

    /// Whether all equations of a thing close.
    fn adds_up(&self, of: Of, name: &str) -> Markup {
        let states: Vec<State> = self
            .equations
            .iter()
            .filter(|equation| equation.of == of && equation.name == name)
            .map(|equation| self.state(equation))
            .collect();
        let (class, text) = if states.contains(&State::Broken) {
            ("no", "\u{2717} no")
        } else if states.contains(&State::Open) {
            ("open", "not known yet")
        } else {
            ("yes", "\u{2713} yes")
        };
        let mut cell = Markup::default();
        cell.raw(&format!("<span class=\"{class}\">{text}</span>"));
        cell
    }

    fn files(&self, statement: &Statement, page: &mut Markup) {
        let columns = [
            ("file", Words),
            ("table", Words),
            ("read", Count),
            ("landed", Count),
            ("quarantined", Count),
            ("adds up", Words),
        ];
        let mut grid = Grid::new("Files: read = landed + quarantined", &columns);
        for file in &statement.files {
            grid.row(vec![
                statement.file_title(file).into(),
                file.table.as_deref().unwrap_or("-").into(),
                file.read.into(),
                file.landed.into(),
                file.quarantined.into(),
                self.adds_up(Of::File, &statement.file_title(file)),
            ]);
        }
        grid.render(page);
    }

    fn tables(&self, statement: &Statement, page: &mut Markup) {
        let columns = [
            ("source table", Words),
            ("landed", Count),
            ("produced", Count),
            ("merged", Count),
            ("quarantined", Count),
            ("excluded", Count),
            ("excluded by", Words),
            ("adds up", Words),
        ];
        let caption = "Source tables: landed = produced + merged + quarantined + excluded";
        let mut grid = Grid::new(caption, &columns);
        for table in &statement.tables {
            grid.row(vec![
                statement.table_title(table).into(),
                table.landed.into(),
                table.produced.into(),
                table.merged.into(),
                table.quarantined.into(),
                table.excluded.values().sum::<u64>().into(),
                by_name(&table.excluded),
                self.adds_up(Of::SourceTable, &statement.table_title(table)),
            ]);
        }
        grid.render(page);
    }

    fn rules(&self, statement: &Statement, page: &mut Markup) {
        let columns = [
            ("rule", Words),
            ("stage", Words),
            ("from", Words),
            ("into", Words),
            ("read", Count),
            ("produced", Count),
            ("merged", Count),
            ("quarantined", Count),
            ("excluded", Count),
            ("excluded by", Words),
            ("emitted", Count),
            ("adds up", Words),
        ];
        let mut grid = Grid::new("Rules: read = produced + merged + quarantined + excluded", &columns);
        for rule in &statement.rules {
            grid.row(vec![
                rule.rule.as_str().into(),
                rule.stage.name().into(),
                rule.from.as_str().into(),
                rule.into.as_str().into(),
                rule.read.into(),
                rule.produced.into(),
                rule.merged.into(),
                rule.quarantined.into(),
                rule.excluded.values().sum::<u64>().into(),
                by_name(&rule.excluded),
                rule.emitted.into(),
                self.adds_up(Of::Rule, &rule.title()),
            ]);
        }
        grid.render(page);
    }

    fn categories(&self, statement: &Statement, page: &mut Markup) {
        let columns: [(&'static str, Kind); 6] = [
            ("category", Words),
            ("emitted", Count),
            ("merged", Count),
            ("quarantined", Count),
            ("rows", Count),
            ("adds up", Words),
        ];
        let mut grid = Grid::new("Categories: emitted = rows + merged + quarantined", &columns);
        for category in &statement.categories {
            grid.row(vec![
                category.category.as_str().into(),
                category.emitted.into(),
                category.merged.into(),
                category.quarantined.into(),
                category.rows.into(),
                self.adds_up(Of::Category, &category.category),
            ]);
        }
        grid.render(page);
    }

    fn loads(&self, statement: &Statement, page: &mut Markup) {
        let columns = [
            ("target table", Words),
            ("converted", Count),
            ("held", Count),
            ("matched", Count),
            ("loaded", Count),
            ("verified", Count),
            ("adds up", Words),
        ];
        let caption = "Target tables: converted = loaded + matched + held + kept; loaded = verified";
        let mut grid = Grid::new(caption, &columns);
        for load in &statement.loads {
            grid.row(vec![
                load.table.as_str().into(),
                load.converted.into(),
                load.held.into(),
                load.matched.into(),
                load.loaded.into(),
                load.verified.into(),
                self.adds_up(Of::TargetTable, &load.table),
            ]);
        }
        grid.render(page);
        delta(statement, page);
    }
}

/// What became of rows that earlier loads had put into the target, where there are any.
fn delta(statement: &Statement, page: &mut Markup) {
    let loads = statement.loads.iter().filter(|load| load.is_delta());
    let columns = [
        ("target table", Words),
        ("inserted", Count),
        ("updated", Count),
        ("unchanged", Count),
        ("kept as edited", Count),
        ("absent, left", Count),
        ("deleted", Count),
    ];
    let caption = "Against earlier loads: loaded = inserted + updated + unchanged; absent and deleted rows are not in \
                   the export";
    let mut grid = Grid::new(caption, &columns);
    let mut any = false;
    for load in loads {
        any = true;
        grid.row(vec![
            load.table.as_str().into(),
            load.inserted().into(),
            load.updated.into(),
            load.unchanged.into(),
            load.kept.into(),
            load.absent.into(),
            load.deleted.into(),
        ]);
    }
    if any {
        grid.render(page);
    }
}

/// Patients, who matter more than rows.
pub(super) fn patients(account: &Account) -> Markup {
    let patients = &account.summary.statement.patients;
    let mut page = Markup::default();
    if patients.exported == 0 {
        page.paragraph(
            "No patient is counted yet, or no table of the pack says which column names the patient.",
        );
        return page;
    }
    let columns = [("patients", Words), ("count", Count), ("share", Count), ("meaning", Words)];
    let mut grid = Grid::new("Patients: exported = whole + incomplete + absent", &columns);
    for (name, count, meaning) in [
        ("exported", patients.exported, "named by the export and not excluded by a rule"),
        ("whole", patients.whole, "all rows of the patient are converted as they are"),
        ("incomplete", patients.incomplete, "the patient arrives, but a row was held or lost a value"),
        ("absent", patients.absent, "the patient's own row is held, so the patient does not arrive"),
    ] {
        grid.row(vec![name.into(), count.into(), share(count, patients.exported).into(), meaning.into()]);
    }
    grid.render(&mut page);
    if patients.unattributed > 0 {
        page.paragraph(&format!(
            "{} rejected rows belong to no patient that could be read from them.",
            grouped(patients.unattributed)
        ));
    }
    page
}

fn by_name(excluded: &BTreeMap<String, u64>) -> Markup {
    let named: Vec<String> = excluded
        .iter()
        .filter(|(_, rows)| **rows > 0)
        .map(|(name, rows)| format!("{name} {}", grouped(*rows)))
        .collect();
    named.join(", ").into()
}

/// Source tables, categories and target tables have two equations each: the one that says where its figure comes
/// from has one part of another name.
fn form(equation: &Equation) -> usize {
    usize::from(equation.parts.len() == 1)
}

fn in_words(of: Of, form: usize) -> (&'static str, &'static str) {
    match (of, form) {
        (Of::File, _) => ("files", "read = landed + quarantined"),
        (Of::SourceTable, 0) => ("source tables", "landed = produced + merged + quarantined + excluded"),
        (Of::SourceTable, _) => ("source tables", "landed = sum over its files"),
        (Of::Rule, _) => ("rules", "read = produced + merged + quarantined + excluded"),
        (Of::Category, 0) => ("categories", "emitted = rows + merged + quarantined"),
        (Of::Category, _) => ("categories", "emitted = sum over its rules"),
        (Of::TargetTable, 0) => ("target tables", "converted = loaded + matched + held + kept"),
        (Of::TargetTable, _) => ("target tables", "loaded = verified"),
        (Of::Patients, _) => ("patients", "exported = whole + incomplete + absent"),
    }
}
