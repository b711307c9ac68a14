//! One rule becomes one data frame: its fields, and beside them hidden columns that say what went wrong.
//!
//! Hidden columns: `_row` (and `_part`) of the driving row; `_fan` (more matches than `at_most` allows);
//! `_exclude` (0 keep, n the nth exclusion, -1 undecided); `_lost_n` the raw text of a field whose value was
//! lost, null where nothing was; `_joined_n` the row a join reached.

use chartlift_rules::{
    AtMost, Diagnostic, Disposition, Failed, FieldRule, FieldType, FieldValue, Join, Located, Place, Project,
    Rule, TableSchema, Unknown, Unreferenced, suggest,
};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use datafusion::functions::expr_fn::{coalesce, concat_ws, nullif};
use datafusion::logical_expr::{Expr, cast, lit, when};

use super::join::{Joined, join};
use super::origin::{Level, Origin, arrow_type, column_of, number_within, without_missing};
use super::{expression, reading};
use crate::functions::read_declared;

/// What a rule reads and writes.
pub struct RuleInput<'a> {
    pub context: &'a SessionContext,
    pub project: &'a Project,
    pub rule: &'a Rule,
    /// The tables (categorize) or categories (convert) the rule may name.
    pub origins: &'a [Origin<'a>],
    /// The category or target table the rule produces.
    pub into: &'a TableSchema,
    /// IANA zone of source times that carry no offset.
    pub timezone: &'a str,
}

/// A rule ready to run.
pub struct CompiledRule {
    pub name: String,
    pub from: String,
    pub frame: DataFrame,
    /// The produced fields in the order of `into`'s schema.
    pub fields: Vec<OutputField>,
    pub excludes: Vec<String>,
    pub losses: Vec<Loss>,
    pub joins: Vec<Reached>,
}

pub struct OutputField {
    pub name: String,
    pub kind: FieldType,
}

/// A field that can lose its value, and what that means.
pub struct Loss {
    pub field: String,
    pub code: &'static str,
    pub disposition: Disposition,
}

/// Where a field's value was lost its raw text, else null; the code; what the rule says it means.
type LossOf = (Expr, &'static str, Option<Failed>);

/// A constant on its way into a typed field, in the one way of writing its type.
fn constant(text: Expr, kind: FieldType) -> Expr {
    match kind {
        FieldType::String | FieldType::Time => text,
        FieldType::Integer => expression::call("parse_integer", vec![text]),
        FieldType::Number => expression::call("parse_number", vec![text, lit(".")]),
        FieldType::Boolean => expression::call("parse_boolean", vec![text, lit("true"), lit("false")]),
        FieldType::Date => expression::call("parse_date", vec![text, lit("ISO")]),
        FieldType::Datetime => expression::call("parse_datetime", vec![text, lit("ISO"), lit("UTC")]),
    }
}

/// A joined table, for counting the rows that no driving row reached.
pub struct Reached {
    pub table: String,
    pub unreferenced: Unreferenced,
}

/// Compiles a rule, or says everything that is wrong with it.
pub async fn compile(input: &RuleInput<'_>) -> Result<CompiledRule, Vec<Diagnostic>> {
    let rule = input.rule;
    let with_key = mentions_key(rule);
    let from = origin(input, &rule.from)?;
    let alias = rule.from.value.as_str();
    let broken =
        |place: Place| move |error: datafusion::error::DataFusionError| vec![internal(&error, place)];
    let mut frame = from.frame(input.context, alias, with_key).await.map_err(broken(rule.place))?;
    let mut joined = Vec::new();
    for (number, one) in rule.joins.iter().enumerate() {
        let right = origin(input, &one.table)?;
        let step = join(input, frame, right, one, number).await?;
        frame = step.0;
        joined.push(step.1);
    }
    let mut compiler = Compiler { input, from, schema: frame.schema().clone(), problems: Vec::new() };
    let mut hidden = vec![column_of(alias, "_row")];
    hidden.push(match from.level {
        Level::Checked => ordinal(alias, &rule.joins, &joined).map_err(broken(rule.place))?,
        Level::Categorized => column_of(alias, "_part"),
    });
    if from.level == Level::Categorized {
        hidden.push(column_of(alias, "_degraded"));
    }
    hidden.push(fan(&joined).alias("_fan"));
    hidden.push(compiler.exclusion(rule).alias("_exclude"));
    hidden.extend(
        joined.iter().enumerate().map(|(number, one)| one.row.clone().alias(format!("_joined_{number}"))),
    );
    let (fields, values, losses) = compiler.fields(rule);
    if !compiler.problems.is_empty() {
        return Err(compiler.problems);
    }
    hidden.extend(values);
    let frame = frame.select(hidden).map_err(broken(rule.place))?;
    Ok(CompiledRule {
        name: rule.name.value.clone(),
        from: rule.from.value.clone(),
        frame,
        fields,
        excludes: rule.excludes.iter().map(|exclude| exclude.rule.value.clone()).collect(),
        losses,
        joins: rule
            .joins
            .iter()
            .map(|join| Reached { table: join.table.value.clone(), unreferenced: join.unreferenced })
            .collect(),
    })
}

fn origin<'a>(input: &RuleInput<'a>, name: &Located<String>) -> Result<&'a Origin<'a>, Vec<Diagnostic>> {
    input.origins.iter().find(|origin| origin.name == name.value).ok_or_else(|| {
        let problem = Diagnostic::error("unknown-table", name.place, format!("no table `{}`", name.value));
        vec![match suggest(&name.value, input.origins.iter().map(|origin| origin.name)) {
            Some(help) => problem.help(help),
            None => problem,
        }]
    })
}

/// The pseudo-column costs a pass over the table, so it is made only where a rule asks for it.
fn mentions_key(rule: &Rule) -> bool {
    rule.fields.iter().any(|field| match &field.value {
        FieldValue::Column(text) | FieldValue::Sql(text) => text.value.contains("_key"),
        FieldValue::Text(_) => false,
    }) || rule.joins.iter().any(|join| join.matches.value.contains("_key"))
}

/// The piece number of a row that a join multiplied; 0 where none can.
fn ordinal(
    alias: &str,
    joins: &[Join],
    joined: &[Joined],
) -> Result<Expr, datafusion::error::DataFusionError> {
    let multiplying: Vec<Expr> = joins
        .iter()
        .zip(joined)
        .filter(|(join, _)| join.at_most == AtMost::Many)
        .map(|(_, joined)| joined.row.clone())
        .collect();
    if multiplying.is_empty() {
        return Ok(lit(0_i32).alias("_part"));
    }
    let number = number_within(vec![column_of(alias, "_row")], multiplying)?;
    Ok((cast(number, DataType::Int32) - lit(1_i32)).alias("_part"))
}

fn fan(joined: &[Joined]) -> Expr {
    joined
        .iter()
        .filter_map(|one| one.matches.clone())
        .map(|matches| coalesce(vec![matches.gt(lit(1_i64)), lit(false)]))
        .reduce(Expr::or)
        .unwrap_or_else(|| lit(false))
}

pub(super) fn internal(error: &datafusion::error::DataFusionError, place: Place) -> Diagnostic {
    Diagnostic::error("bad-expression", place, error.message().lines().next().unwrap_or_default().to_owned())
}

struct Compiler<'a> {
    input: &'a RuleInput<'a>,
    from: &'a Origin<'a>,
    schema: DFSchema,
    problems: Vec<Diagnostic>,
}

impl Compiler<'_> {
    /// 0: keep; n: excluded by the nth rule; -1: a condition was null and nobody said what that means.
    fn exclusion(&mut self, rule: &Rule) -> Expr {
        let mut decided = lit(0_i32);
        for (number, exclude) in rule.excludes.iter().enumerate().rev() {
            let condition = match expression::parse(self.input.context, &exclude.when, &self.schema) {
                Ok(condition) => condition,
                Err(problems) => {
                    self.problems.extend(problems);
                    continue;
                }
            };
            match expression::type_of(self.input.context, &condition, exclude.when.place, &self.schema) {
                Ok(DataType::Boolean) => {}
                Ok(other) => self.problems.push(Diagnostic::error(
                    "type-mismatch",
                    exclude.when.place,
                    format!("a condition must be true or false, this is {}", expression::type_name(&other)),
                )),
                Err(problem) => self.problems.push(problem),
            }
            let number = i32::try_from(number + 1).unwrap_or(i32::MAX);
            let certain = match exclude.unknown {
                Unknown::Stop => condition.clone(),
                Unknown::Exclude => coalesce(vec![condition.clone(), lit(true)]),
                Unknown::Keep => coalesce(vec![condition.clone(), lit(false)]),
            };
            let mut case = when(certain, lit(number));
            if exclude.unknown == Unknown::Stop {
                case.when(condition.is_null(), lit(-1_i32));
            }
            match case.otherwise(decided.clone()) {
                Ok(case) => decided = case,
                Err(error) => self.problems.push(internal(&error, exclude.when.place)),
            }
        }
        decided
    }

    fn fields(&mut self, rule: &Rule) -> (Vec<OutputField>, Vec<Expr>, Vec<Loss>) {
        let (mut fields, mut values, mut losses) = (Vec::new(), Vec::new(), Vec::new());
        for field in &self.input.into.fields {
            let name = field.name.value.as_str();
            let kind = arrow_type(field.kind);
            fields.push(OutputField { name: name.into(), kind: field.kind });
            let Some(given) = rule.fields.iter().find(|rule| rule.field.value == name) else {
                values.push(cast(lit(datafusion::common::ScalarValue::Null), kind).alias(name));
                continue;
            };
            match self.field(given, field.kind, &kind) {
                Ok((value, lost)) => {
                    values.push(value.alias(name));
                    for (raw, code, policy) in lost {
                        values.push(raw.alias(format!("_lost_{}", losses.len())));
                        losses.push(Loss { field: name.into(), code, disposition: disposition(policy) });
                    }
                }
                Err(problems) => self.problems.extend(problems),
            }
        }
        (fields, values, losses)
    }

    /// A field's value, and for each way to lose it the raw text where that happened.
    fn field(
        &self,
        given: &FieldRule,
        kind: FieldType,
        arrow: &DataType,
    ) -> Result<(Expr, Vec<LossOf>), Vec<Diagnostic>> {
        let (mut value, place) = self.source(given)?;
        if !given.missing_values.is_empty() {
            value = without_missing(value, &given.missing_values);
        }
        if matches!(given.value, FieldValue::Text(_)) {
            value = constant(value, kind);
        }
        if let Some(map) = &given.map {
            value = self.mapped(value, map)?;
        }
        value = self.parsed(given, value, kind)?;
        let from =
            expression::type_of(self.input.context, &value, place, &self.schema).map_err(|one| vec![one])?;
        if !widens(&from, arrow) {
            return Err(vec![mismatch(&from, arrow, &given.field, place)]);
        }
        let lost = losses(&value).into_iter().map(|(condition, code)| {
            let policy = if code == "unmapped-code" { given.unmapped } else { given.failed };
            (when(condition.and(value.clone().is_null()), raw_text(&value)).end(), code, policy)
        });
        let mut settled = Vec::new();
        for (raw, code, policy) in lost {
            settled.push((raw.map_err(|error| vec![internal(&error, place)])?, code, policy));
        }
        let value = if from == *arrow { value } else { cast(value, arrow.clone()) };
        Ok((value, settled))
    }

    fn source(&self, given: &FieldRule) -> Result<(Expr, Place), Vec<Diagnostic>> {
        match &given.value {
            FieldValue::Text(text) => {
                let text_value = datafusion::common::ScalarValue::Utf8View(Some(text.value.clone()));
                Ok((lit(text_value), text.place))
            }
            FieldValue::Sql(sql) => {
                Ok((expression::parse(self.input.context, sql, &self.schema)?, sql.place))
            }
            FieldValue::Column(name) => Ok((self.column(name)?, name.place)),
        }
    }

    /// A plain name: a column of the driving table, or `table.column` of a joined one.
    fn column(&self, name: &Located<String>) -> Result<Expr, Vec<Diagnostic>> {
        let own = column_of(&self.input.rule.from.value, &name.value);
        if known(&self.schema, &own) {
            return Ok(own);
        }
        if let Some((table, column)) = name.value.split_once('.') {
            let other = column_of(table, column);
            if known(&self.schema, &other) {
                return Ok(other);
            }
        }
        let problem = Diagnostic::error("unknown-column", name.place, format!("no column `{}`", name.value));
        let names = self.from.schema.fields.iter().map(|field| field.name.value.as_str());
        Err(vec![match suggest(&name.value, names) {
            Some(help) => problem.help(help),
            None => problem,
        }])
    }

    fn mapped(&self, value: Expr, map: &Located<String>) -> Result<Expr, Vec<Diagnostic>> {
        let Some(known) = self.input.project.maps.get(&map.value) else {
            let problem = Diagnostic::error("unknown-map", map.place, format!("no map `{}`", map.value));
            return Err(vec![
                match suggest(&map.value, self.input.project.maps.keys().map(String::as_str)) {
                    Some(help) => problem.help(help),
                    None => problem,
                },
            ]);
        };
        let mut arguments = vec![value];
        for entry in &known.entries {
            arguments.push(lit(entry.source.as_str()));
            arguments.push(lit(entry.target.as_str()));
        }
        let mapped = expression::call("map_code", arguments);
        // An entry without a target is a decision that the code has none: no value, and nothing lost.
        let decided_none = known.entries.iter().any(|entry| entry.target.is_empty());
        Ok(if decided_none { nullif(mapped, lit("")) } else { mapped })
    }

    /// Text on its way into a typed field is read by the rule's formats or by the source schema's declaration.
    fn parsed(&self, given: &FieldRule, value: Expr, kind: FieldType) -> Result<Expr, Vec<Diagnostic>> {
        if !given.formats.is_empty() {
            return reading::by_formats(given, self.input.rule, &value, kind, self.input.timezone);
        }
        let FieldValue::Column(name) = &given.value else { return Ok(value) };
        if self.from.level == Level::Categorized || given.map.is_some() {
            return Ok(value);
        }
        match self.declared(&name.value).filter(|declared| declared.kind == kind) {
            Some(declared) => {
                read_declared(declared, value, self.input.timezone).map_err(|problem| vec![*problem])
            }
            None => Ok(value),
        }
    }

    /// The source schema's declaration of a plain column.
    fn declared(&self, name: &str) -> Option<&chartlift_rules::Field> {
        if let Some(field) = self.from.schema.field(name) {
            return Some(field);
        }
        let (alias, column) = name.split_once('.')?;
        let join = self.input.rule.joins.iter().find(|join| join.alias == alias)?;
        let origin = self.input.origins.iter().find(|origin| origin.name == join.table.value)?;
        origin.schema.field(column)
    }
}

fn known(schema: &DFSchema, expr: &Expr) -> bool {
    matches!(expr, Expr::Column(column) if schema.has_column(column))
}

/// For each kind of loss: a call had all its values, and gave none.
fn losses(value: &Expr) -> Vec<(Expr, &'static str)> {
    let mut kinds: Vec<(Expr, &'static str)> = Vec::new();
    for call in expression::fallible_calls(value) {
        let code = if call.name() == "map_code" { "unmapped-code" } else { "lost-value" };
        let given = call
            .args
            .iter()
            .filter(|argument| !matches!(argument, Expr::Literal(..)))
            .map(|argument| argument.clone().is_not_null())
            .reduce(Expr::and)
            .unwrap_or_else(|| lit(true));
        let lost = given.and(Expr::ScalarFunction(call).is_null());
        match kinds.iter_mut().find(|(_, known)| *known == code) {
            Some((condition, _)) => *condition = condition.clone().or(lost),
            None => kinds.push((lost, code)),
        }
    }
    kinds
}

/// The text of every column a value was made from.
fn raw_text(value: &Expr) -> Expr {
    let texts: Vec<Expr> = expression::columns(value)
        .into_iter()
        .map(|column| cast(Expr::Column(column), DataType::Utf8View))
        .collect();
    concat_ws(lit(" | "), texts)
}

fn disposition(policy: Option<Failed>) -> Disposition {
    match policy {
        None | Some(Failed::KeepTextAndFlag) => Disposition::Degrade,
        Some(Failed::HoldRow) => Disposition::Quarantine,
        Some(Failed::Stop) => Disposition::Block,
    }
}

/// Conversions that lose nothing and read nothing into a text.
fn widens(from: &DataType, to: &DataType) -> bool {
    if from == to || *from == DataType::Null || (expression::is_text(from) && expression::is_text(to)) {
        return true;
    }
    match to {
        DataType::Int64 => from.is_integer() && *from != DataType::UInt64,
        DataType::Decimal128(..) => from.is_integer() || matches!(from, DataType::Decimal128(..)),
        DataType::Timestamp(..) => matches!(from, DataType::Timestamp(..)),
        _ => false,
    }
}

fn mismatch(from: &DataType, to: &DataType, field: &Located<String>, place: Place) -> Diagnostic {
    let message = format!(
        "`{}` is {}, the value is {}",
        field.value,
        expression::type_name(to),
        expression::type_name(from)
    );
    let problem = Diagnostic::error("type-mismatch", place, message);
    match to {
        DataType::Date32 | DataType::Timestamp(..) if expression::is_text(from) => {
            problem.help("give `formats: [...]`, or declare the column's type in the source schema")
        }
        DataType::Int64 => problem.help("use parse_integer(text)"),
        DataType::Decimal128(..) => problem.help("use parse_number(text, decimal_char)"),
        DataType::Boolean => problem.help("use parse_boolean(text, true_word, false_word)"),
        DataType::Utf8View => problem.help("use format_date(date, format) or concat(value)"),
        _ => problem,
    }
}
