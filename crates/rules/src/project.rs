//! Finding things in a project by name.

use std::cmp::Ordering;

use crate::{
    CodeMap, Failed, FieldRule, Located, MapEntry, Project, Rule, RuleFile, SourceTable, System, TableSchema,
    Target, TargetTable,
};

impl Project {
    /// The pack that reads a version of a system: its own version, or one that it covers.
    pub fn system(&self, name: &str, version: &str) -> Option<&System> {
        let named = |system: &&System| system.name == name;
        let exact = self.systems.iter().filter(named).find(|system| system.version == version);
        let covers = |system: &&System| system.covers.iter().any(|covered| covered == version);
        exact.or_else(|| self.systems.iter().filter(named).find(covers))
    }

    /// The highest version of a target.
    pub fn target(&self, name: &str) -> Option<&Target> {
        let named = self.targets.iter().filter(|target| target.name == name);
        named.max_by(|a, b| compare_versions(&a.version, &b.version))
    }

    pub fn category(&self, name: &str) -> Option<&TableSchema> {
        self.categories.get(name)
    }
}

impl System {
    /// What people read: the title, else name and version.
    pub fn title(&self) -> String {
        self.title.clone().unwrap_or_else(|| format!("{} {}", self.name, self.version))
    }

    pub fn table(&self, name: &str) -> Option<&SourceTable> {
        self.tables.iter().find(|table| table.name.value == name)
    }

    /// The rules that produce a category.
    pub fn rule_file(&self, category: &str) -> Option<&RuleFile> {
        self.categorize.iter().find(|file| file.into.value == category)
    }

    pub fn ignores(&self, table: &str) -> bool {
        self.ignored_tables.iter().any(|ignored| ignored.table.value == table)
    }
}

impl Target {
    /// What people read: the title, else name and version.
    pub fn title(&self) -> String {
        self.title.clone().unwrap_or_else(|| format!("{} {}", self.name, self.version))
    }

    pub fn table(&self, name: &str) -> Option<&TargetTable> {
        self.tables.iter().find(|table| table.name.value == name)
    }

    /// The rules that produce a table.
    pub fn rule_file(&self, table: &str) -> Option<&RuleFile> {
        self.convert.iter().find(|file| file.into.value == table)
    }

    /// The categories that a system fills and this target neither converts nor ignores: their rows would get lost.
    pub fn unconverted<'a>(&self, system: &'a System) -> Vec<&'a str> {
        let filled = system.categorize.iter().map(|file| file.into.value.as_str());
        let reads = |name: &str| {
            self.convert
                .iter()
                .any(|file| file.rules.iter().any(|rule| rule.reads().any(|read| read == name)))
        };
        filled.filter(|name| !reads(name) && !self.ignores(name)).collect()
    }

    /// Whether the target has no place for a whole category.
    pub fn ignores(&self, category: &str) -> bool {
        self.ignored_categories
            .iter()
            .any(|ignored| ignored.column.is_none() && ignored.table.value == category)
    }
}

impl TargetTable {
    /// The table's name in the database.
    pub fn database_name(&self) -> &str {
        self.schema.extension.table.as_deref().unwrap_or(&self.name.value)
    }
}

impl RuleFile {
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name.value == name)
    }
}

impl Rule {
    pub fn field(&self, name: &str) -> Option<&FieldRule> {
        self.fields.iter().find(|field| field.field.value == name)
    }

    /// The columns that `unpivot` and `split` make, each with those it is made from.
    pub fn made_columns(&self) -> impl Iterator<Item = (&Located<String>, Vec<&Located<String>>)> {
        let unpivot = self.unpivot.iter().flat_map(|unpivot| &unpivot.columns);
        let split = self.split.iter().flat_map(|split| &split.columns);
        unpivot
            .map(|(name, from)| (name, from.iter().collect()))
            .chain(split.map(|(name, from)| (name, vec![from])))
    }

    /// The driving table's columns that decide how many rows there are.
    pub fn shaping_columns(&self) -> impl Iterator<Item = &str> {
        let group = self.group.iter().flat_map(|group| group.by.iter().chain(&group.order));
        group.chain(self.made_columns().flat_map(|(_, from)| from)).map(|column| column.value.as_str())
    }

    /// The tables or categories it reads: `from` first, then the joined ones.
    pub fn reads(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.from.value.as_str())
            .chain(self.joins.iter().map(|join| join.table.value.as_str()))
    }
}

impl CodeMap {
    pub fn entry(&self, source: &str) -> Option<&MapEntry> {
        self.entries.iter().find(|entry| entry.source == source)
    }
}

impl Failed {
    /// The word in rule files.
    pub fn name(self) -> &'static str {
        match self {
            Self::KeepTextAndFlag => "keep_text_and_flag",
            Self::HoldRow => "hold_row",
            Self::Stop => "stop",
        }
    }
}

/// Splits `NAME` or `NAME=URL`.
pub fn split_target(text: &str) -> (&str, Option<&str>) {
    match text.split_once('=') {
        Some((name, url)) if !name.contains(':') => (name, Some(url)),
        _ => (text, None),
    }
}

/// Orders versions by their numbers, then by their words: 3.9 before 3.10 before 3.10-b.
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let parts = |version: &str| -> Vec<(u64, String)> {
        version
            .split(['.', '-', '_', '+'])
            .map(|part| {
                let digits = part.bytes().take_while(u8::is_ascii_digit).count();
                let (number, rest) = part.split_at(digits);
                (number.parse().unwrap_or(0), rest.to_owned())
            })
            .collect()
    };
    parts(a).cmp(&parts(b)).then_with(|| a.cmp(b))
}
