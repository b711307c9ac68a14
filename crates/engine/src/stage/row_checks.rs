//! What validate asks of single rows: the constraints of the target's schema, whether every value would come back from
//! its live column as it goes in, and the checks that the database itself would make.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use chartlift_io::target::{Catalog, CatalogColumn, KeyKind, Role, RowCheck, Target as Database, TypeClass};
use chartlift_rules::{Disposition, Target, TargetTable, Unusual};

use super::loadable::table_spec;
use crate::Error;
use crate::catalog;
use crate::constraints::{self, ColumnCheck};
use crate::digest::{canonical_json, is_json};
use crate::marks::Check;

/// The target as it is now.
pub(super) struct Live<'a> {
    pub(super) database: &'a dyn Database,
    pub(super) catalog: Catalog,
}

/// The checks of one table, in the order in which they are declared.
pub(super) struct RowChecks<'a> {
    live: &'a Live<'a>,
    /// In the database.
    table: &'a str,
    constraints: Vec<ColumnCheck>,
    fits: Vec<Fit>,
    /// Computed by the database.
    asked: Vec<&'a RowCheck>,
}

/// Whether a column's values fit.
struct Fit {
    known: CatalogColumn,
    /// The column's type as the database writes it.
    name: String,
    /// What the database's side does not judge.
    form: Form,
    /// Import makes the value, from a source key.
    made: bool,
}

enum Form {
    Any,
    Json,
    Jsonb,
    /// Texts of days or instants, and what may stand there.
    Days(Vec<Unusual>),
}

impl<'a> RowChecks<'a> {
    pub(super) fn new(target: &Target, table: &'a TargetTable, live: &'a Live<'a>) -> Self {
        let (constraints, _) = constraints::typed_checks(&catalog::tightened(table, &live.catalog));
        let database_name = table.database_name();
        let mut fits = Vec::new();
        let columns =
            live.catalog.table(database_name).map(|known| known.columns.as_slice()).unwrap_or_default();
        for column in table_spec(target, table, "").columns {
            let Some(known) = columns.iter().find(|known| known.name == column.name) else { continue };
            let Some(field) = table.schema.field(&column.name) else { continue };
            let name = known.database_type.clone();
            let mut known = known.clone();
            // Length is the schema's constraint.
            if known.class == TypeClass::Text {
                known.max_length = None;
            }
            let made = match column.role {
                Role::Data => false,
                Role::Key(kind) | Role::Reference { kind, .. } => kind != KeyKind::Natural,
            };
            if made {
                // Its source key goes into the crosswalk, as a text.
                let (class, indexed) = (TypeClass::Text, true);
                known = CatalogColumn { class, indexed, name: known.name, ..CatalogColumn::default() };
            }
            let form = match known.class {
                TypeClass::Json => Form::Json,
                TypeClass::Jsonb => Form::Jsonb,
                class if class.accepts_days_in_words() && !field.extension.allow.is_empty() => {
                    Form::Days(field.extension.allow.clone())
                }
                _ => Form::Any,
            };
            // Nothing is known of what has another type than the pack says: that is reported already.
            let kind = crate::compile::arrow_type(field.kind);
            if made || known.class.accepts(&kind) || matches!(form, Form::Days(_)) {
                fits.push(Fit { known, name, form, made });
            }
        }
        let asked = asked(live, database_name, &fits);
        Self { live, table: database_name, constraints, fits, asked }
    }

    /// As the report lists them.
    pub(super) fn declared(&self, table: &str) -> Vec<Check> {
        let constraints = self.constraints.iter().map(|check| {
            Check::new(check.code, table, Disposition::Quarantine)
                .column(&check.column)
                .named(check.constraint)
        });
        let fits = self.fits.iter().map(|fit| {
            Check::new("unfit-value", table, Disposition::Quarantine).column(&fit.known.name).named(&fit.name)
        });
        let asked = self.asked.iter().map(|check| {
            let of = Check::new("check-failed", table, Disposition::Quarantine).named(&check.constraint);
            match check.columns.as_slice() {
                [column] => of.column(column),
                _ => of,
            }
        });
        constraints.chain(fits).chain(asked).collect()
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        let constraints = self.constraints.iter().map(|check| check.column.as_str());
        let asked = self.asked.iter().flat_map(|check| check.columns.iter().map(String::as_str));
        constraints.chain(self.fits.iter().map(|fit| fit.known.name.as_str())).chain(asked)
    }

    pub(super) fn len(&self) -> usize {
        self.constraints.len() + self.fits.len() + self.asked.len()
    }

    /// The rows that fail one of them, in order. `held` are those that have failed another: the database is not asked
    /// about them.
    pub(super) fn failures(
        &self,
        check: usize,
        batch: &RecordBatch,
        held: &HashSet<usize>,
    ) -> Result<Vec<u32>, Error> {
        let mut failures = Vec::new();
        if let Some(check) = self.constraints.get(check) {
            if let Some(column) = batch.column_by_name(&check.column) {
                check.failures_typed(column, &mut failures);
            }
            return Ok(failures);
        }
        let at = check - self.constraints.len();
        if let Some(fit) = self.fits.get(at) {
            let column = batch.column_by_name(&fit.known.name);
            return column
                .map_or(Ok(failures), |column| fit.failures(self.live.database, self.table, column));
        }
        let asked = self.asked.get(at - self.fits.len()).zip(self.live.catalog.table(self.table));
        let Some((check, known)) = asked else { return Ok(failures) };
        let answer = self.live.database.failing(known, check, batch, held);
        Ok(tokio::runtime::Handle::current().block_on(answer)?)
    }
}

/// The checks over columns whose values are known already: keys and references that are made on the way are not.
fn asked<'a>(live: &'a Live<'_>, table: &str, fits: &[Fit]) -> Vec<&'a RowCheck> {
    let Some(known) = live.catalog.table(table) else { return Vec::new() };
    let is_known = |column: &String| fits.iter().any(|fit| fit.known.name == *column && !fit.made);
    let checks = known.facts.checks.iter().filter(|check| check.columns.iter().all(is_known));
    checks.filter(|check| !check.columns.is_empty() && live.database.can_ask(known, check)).collect()
}

impl Fit {
    fn failures(&self, database: &dyn Database, table: &str, column: &ArrayRef) -> Result<Vec<u32>, Error> {
        let mut failures = match &self.form {
            Form::Days(_) if self.known.class == TypeClass::AnyText => Vec::new(),
            _ => database.unfit(table, &self.known, column.as_ref())?,
        };
        let judged: &dyn Fn(&str) -> bool = match &self.form {
            Form::Any => return Ok(failures),
            Form::Json => &is_json,
            Form::Jsonb => &|text| canonical_json(text).is_some(),
            Form::Days(allowed) => &|text| {
                let infinite = matches!(text, "infinity" | "-infinity");
                (!infinite || allowed.contains(&Unusual::Infinity))
                    && (!text.ends_with(" BC") || allowed.contains(&Unusual::BeforeChrist))
            },
        };
        if let Some(texts) = column.as_string_view_opt() {
            let misfit = |row: &u32| texts.is_valid(*row as usize) && !judged(texts.value(*row as usize));
            failures.extend((0..texts.len() as u32).filter(misfit));
            failures.sort_unstable();
            failures.dedup();
        }
        Ok(failures)
    }
}
