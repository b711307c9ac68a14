//! What only the compiler finds in decisions: conditions of scopes, patterns of dates, time zones.

use std::collections::BTreeMap;

use chartlift_rules::{
    Decisions, Diagnostic, FormatAnswer, Located, Project, Rule, RuleFile, Scope, ScopeOf, System,
    TableSchema,
};
use datafusion::execution::context::SessionContext;

use crate::compile::{Origin, RuleInput, compile};
use crate::constraints;
use crate::datetime::Zone;
use crate::session::{self, Limits};

/// `project` has the decisions over it; `known` are those that the order's files are known to be of. A condition has
/// to fit one of the packs that it may be about: others may lack its columns.
pub async fn lint(project: &Project, decisions: &Decisions, known: &[(String, String)]) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let systems: Vec<&System> = match known {
        [] => project.systems.iter().collect(),
        known => known.iter().filter_map(|(name, version)| project.system(name, version)).collect(),
    };
    for answer in &decisions.formats {
        problems.extend(format(answer, &systems));
    }
    let conditions = decisions.scopes.iter().filter(|scope| scope.when.is_some());
    let Ok(context) = session::session(Limits { threads: 1, memory_bytes: 64 << 20 }) else {
        return problems;
    };
    for scope in conditions {
        problems.extend(condition(project, scope, &systems, &context).await);
    }
    problems
}

fn format(answer: &FormatAnswer, systems: &[&System]) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if let Some(zone) = answer.timezone.as_ref().filter(|zone| Zone::named(&zone.value).is_none()) {
        let message = format!("the time zone `{}` does not exist", zone.value);
        problems.push(
            Diagnostic::error("unknown-timezone", zone.place, message)
                .help("use a name of the IANA time zone database, e.g. `America/Sao_Paulo`"),
        );
    }
    let (Some(table), Some(format)) = (&answer.table, &answer.format) else { return problems };
    let tables = systems.iter().filter_map(|system| Some((system.table(&table.value)?, &system.timezone)));
    let found: Vec<Vec<Diagnostic>> =
        tables.map(|(table, zone)| within(constraints::text_checks(&table.schema, zone).1, format)).collect();
    problems.extend(of_best(found));
    problems
}

async fn condition(
    project: &Project,
    scope: &Scope,
    systems: &[&System],
    context: &SessionContext,
) -> Vec<Diagnostic> {
    let Some(when) = &scope.when else { return Vec::new() };
    let mut found = Vec::new();
    match &scope.of {
        ScopeOf::Table(table) => {
            for system in systems {
                let origins = Origin::checked(system);
                let into = project.categories.iter().map(|(name, schema)| (name.as_str(), schema)).collect();
                let sides = Sides { project, context, origins, into, timezone: &system.timezone };
                found.extend(sides.problems(&system.categorize, table, when).await);
            }
        }
        ScopeOf::Category(category) => {
            for target in &project.targets {
                let origins = Origin::categorized(project);
                let into =
                    target.tables.iter().map(|table| (table.name.value.as_str(), &table.schema)).collect();
                let sides = Sides { project, context, origins, into, timezone: "UTC" };
                found.extend(sides.problems(&target.convert, category, when).await);
            }
        }
    }
    of_best(found)
}

/// What rules of one pack read and make.
struct Sides<'a> {
    project: &'a Project,
    context: &'a SessionContext,
    origins: Vec<Origin<'a>>,
    into: BTreeMap<&'a str, &'a TableSchema>,
    timezone: &'a str,
}

impl Sides<'_> {
    /// What is wrong with a condition in the pack's rules from a table; `None` where it has none.
    async fn problems(
        &self,
        files: &[RuleFile],
        from: &Located<String>,
        when: &Located<String>,
    ) -> Option<Vec<Diagnostic>> {
        let rules: Vec<(&Rule, &TableSchema)> = files
            .iter()
            .filter_map(|file| Some((file, *self.into.get(file.into.value.as_str())?)))
            .flat_map(|(file, into)| file.rules.iter().map(move |rule| (rule, into)))
            .filter(|(rule, _)| rule.from.value == from.value)
            .collect();
        let mut problems = Vec::new();
        for (rule, into) in &rules {
            let input = RuleInput {
                context: self.context,
                project: self.project,
                rule,
                origins: &self.origins,
                into,
                timezone: self.timezone,
                reshaped: None,
                driving: None,
            };
            problems.extend(within(compile(&input).await.err().unwrap_or_default(), when));
        }
        (!rules.is_empty()).then_some(problems)
    }
}

/// Those of the problems that are about a text of a decision.
fn within(problems: Vec<Diagnostic>, text: &Located<String>) -> Vec<Diagnostic> {
    let place = text.place;
    let about = |problem: &Diagnostic| {
        let at = problem.place;
        at.file == place.file && at.start >= place.start && at.end <= place.end
    };
    problems.into_iter().filter(about).collect()
}

/// The problems in the pack that the decision fits best; each once.
fn of_best(found: Vec<Vec<Diagnostic>>) -> Vec<Diagnostic> {
    let mut best = found.into_iter().min_by_key(Vec::len).unwrap_or_default();
    best.dedup();
    best
}
