//! The equations of the balance, in one place: what closes an order is what its report shows.

use super::{FileBalance, RuleBalance, Stage, Statement, TableBalance};

/// What an equation speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    File,
    SourceTable,
    Rule,
    Category,
    TargetTable,
    Patients,
}

/// A whole and the parts it must be the sum of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equation {
    pub of: Of,
    pub name: String,
    pub whole: (&'static str, u64),
    pub parts: Vec<(String, u64)>,
    /// The stage that gives the last of its figures; before it has run the equation says nothing.
    pub settled_by: Stage,
}

impl Equation {
    fn new(
        of: Of,
        name: impl Into<String>,
        settled_by: Stage,
        whole: (&'static str, u64),
        parts: &[(&str, u64)],
    ) -> Self {
        let parts = parts.iter().map(|(part, count)| ((*part).to_owned(), *count)).collect();
        Self { of, name: name.into(), whole, parts, settled_by }
    }

    pub fn sum(&self) -> u64 {
        self.parts.iter().map(|(_, count)| count).sum()
    }

    pub fn closes(&self) -> bool {
        self.whole.1 == self.sum()
    }
}

impl RuleBalance {
    /// Names a rule among those of all files.
    pub fn title(&self) -> String {
        let system = self.system.as_ref().map_or(String::new(), |system| format!("{system}: "));
        format!("{system}{} (from {} into {})", self.rule, self.from, self.into)
    }
}

impl Statement {
    /// Names a file; where there are several inputs, with its input.
    pub fn file_title(&self, file: &FileBalance) -> String {
        let several = self.files.iter().any(|other| other.input != file.input);
        if several { format!("{}/{}", file.input, file.file) } else { file.file.clone() }
    }

    /// Names a source table; where inputs of several systems have one of the name, with its input.
    pub fn table_title(&self, table: &TableBalance) -> String {
        let same = |other: &&TableBalance| other.table == table.table;
        let several = self.tables.iter().filter(same).count() > 1;
        if several { format!("{}/{}", table.input, table.table) } else { table.table.clone() }
    }

    /// Every equation of the balance, from the figures as they stand.
    pub fn equations(&self) -> Vec<Equation> {
        let mut all = self.of_files();
        all.extend(self.of_tables());
        all.extend(self.of_rules());
        all.extend(self.of_categories());
        all.extend(self.of_loads());
        let patients = &self.patients;
        all.push(Equation::new(
            Of::Patients,
            "all patients",
            Stage::Validate,
            ("exported", patients.exported),
            &[("whole", patients.whole), ("incomplete", patients.incomplete), ("absent", patients.absent)],
        ));
        all
    }

    fn of_files(&self) -> Vec<Equation> {
        let of_file = |file: &FileBalance| {
            let parts = [("landed", file.landed), ("quarantined", file.quarantined)];
            Equation::new(Of::File, self.file_title(file), Stage::Check, ("read", file.read), &parts)
        };
        self.files.iter().map(of_file).collect()
    }

    fn of_tables(&self) -> Vec<Equation> {
        let mut equations = Vec::new();
        for table in &self.tables {
            let own = |file: &&FileBalance| {
                let mut inputs = table.input.split('+');
                file.table.as_ref() == Some(&table.table) && inputs.any(|input| input == file.input)
            };
            let of_files = self.files.iter().filter(own);
            let landed = ("landed", table.landed);
            let files = [("landed in its files", of_files.map(|file| file.landed).sum())];
            let title = self.table_title(table);
            equations.push(Equation::new(Of::SourceTable, &title, Stage::Check, landed, &files));
            let mut fates = vec![
                ("produced", table.produced),
                ("merged", table.merged),
                ("quarantined", table.quarantined),
            ];
            fates.extend(table.excluded.iter().map(|(name, rows)| (name.as_str(), *rows)));
            equations.push(Equation::new(Of::SourceTable, &title, Stage::Categorize, landed, &fates));
        }
        equations
    }

    fn of_rules(&self) -> Vec<Equation> {
        let of_rule = |rule: &RuleBalance| {
            let mut fates =
                vec![("produced", rule.produced), ("merged", rule.merged), ("quarantined", rule.quarantined)];
            fates.extend(rule.excluded.iter().map(|(name, rows)| (name.as_str(), *rows)));
            Equation::new(Of::Rule, rule.title(), rule.stage, ("read", rule.read), &fates)
        };
        self.rules.iter().map(of_rule).collect()
    }

    fn of_categories(&self) -> Vec<Equation> {
        let mut equations = Vec::new();
        for category in &self.categories {
            let rules = self
                .rules
                .iter()
                .filter(|rule| rule.stage == Stage::Categorize && rule.into == category.category);
            let (name, stage) = (&category.category, Stage::Categorize);
            let emitted = ("emitted", category.emitted);
            let by_rules = [("emitted by its rules", rules.map(|rule| rule.emitted).sum())];
            let fates =
                [("rows", category.rows), ("merged", category.merged), ("quarantined", category.quarantined)];
            equations.push(Equation::new(Of::Category, name, stage, emitted, &by_rules));
            equations.push(Equation::new(Of::Category, name, stage, emitted, &fates));
        }
        equations
    }

    fn of_loads(&self) -> Vec<Equation> {
        let mut equations = Vec::new();
        for load in &self.loads {
            let fates = [
                ("loaded", load.loaded),
                ("matched", load.matched),
                ("held", load.held),
                ("kept", load.kept),
            ];
            let (of, name) = (Of::TargetTable, &load.table);
            equations.push(Equation::new(of, name, Stage::Import, ("converted", load.converted), &fates));
            let proved = [("verified", load.verified), ("superseded", load.superseded)];
            let proved = if load.superseded > 0 { &proved[..] } else { &proved[..1] };
            equations.push(Equation::new(of, name, Stage::Verify, ("loaded", load.loaded), proved));
        }
        equations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_too_few_is_seen_where_it_is_lost() {
        let file = FileBalance {
            file: "a.csv".into(),
            table: Some("a".into()),
            read: 5,
            landed: 4,
            quarantined: 1,
            ..FileBalance::default()
        };
        let mut table = TableBalance { table: "a".into(), landed: 4, produced: 3, ..TableBalance::default() };
        table.excluded.insert("deleted".into(), 1);
        let mut statement =
            Statement { files: vec![file], tables: vec![table.clone()], ..Statement::default() };
        assert!(statement.equations().iter().all(Equation::closes));
        table.excluded.clear();
        statement.tables = vec![table];
        let open: Vec<Equation> = statement.equations().into_iter().filter(|one| !one.closes()).collect();
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].of, open[0].whole.1, open[0].sum()), (Of::SourceTable, 4, 3));
    }
}
