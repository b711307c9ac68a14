//! The fields of a rule: where each value comes from, how it is read, and what is known when it is lost.

use chartlift_rules::{
    Diagnostic, Disposition, Failed, FieldRule, FieldType, FieldValue, Located, Place, Rule, suggest,
};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::functions::expr_fn::{concat_ws, nullif};
use datafusion::logical_expr::{Expr, cast, lit, when};

use super::origin::{Level, arrow_type, column_of, without_missing};
use super::rule::{Compiler, Loss, OutputField, internal};
use super::{expression, reading};
use crate::functions::read_declared;
use crate::land::DigitCounts;
use crate::reshape::lines_column;

/// What a rule's fields come to.
pub(super) struct Fields {
    pub(super) fields: Vec<OutputField>,
    pub(super) values: Vec<Expr>,
    pub(super) losses: Vec<Loss>,
    pub(super) repairs: Vec<(String, String)>,
    pub(super) kept_zeros: Vec<(String, DigitCounts)>,
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

impl Compiler<'_> {
    pub(super) fn fields(&mut self, rule: &Rule) -> Fields {
        let (mut fields, mut values, mut losses) = (Vec::new(), Vec::new(), Vec::new());
        let mut repairs: Vec<(String, String)> = Vec::new();
        let mut kept_zeros = Vec::new();
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
                    for (changed, repair) in self.repairs(given) {
                        values.push(changed.alias(format!("_repair_{}", repairs.len())));
                        repairs.push((name.into(), repair));
                    }
                    kept_zeros.extend(self.kept_zeros(given).map(|counts| (name.into(), counts)));
                    for (raw, code, policy) in lost {
                        values.push(raw.alias(format!("_lost_{}", losses.len())));
                        losses.push(Loss { field: name.into(), code, disposition: disposition(policy) });
                    }
                }
                Err(problems) => self.problems.extend(problems),
            }
        }
        Fields { fields, values, losses, repairs, kept_zeros }
    }

    /// A field's value, and for each way to lose it the raw text where that happened.
    fn field(
        &self,
        given: &FieldRule,
        kind: FieldType,
        arrow: &DataType,
    ) -> Result<(Expr, Vec<LossOf>), Vec<Diagnostic>> {
        let (mut value, place) = self.source(given)?;
        for repair in &given.repairs {
            value = self.repaired(value, given, repair.value);
        }
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

    pub(super) fn source(&self, given: &FieldRule) -> Result<(Expr, Place), Vec<Diagnostic>> {
        match &given.value {
            FieldValue::Text(text) => {
                let text_value = datafusion::common::ScalarValue::Utf8View(Some(text.value.clone()));
                Ok((lit(text_value), text.place))
            }
            FieldValue::Sql(sql) => {
                Ok((expression::parse(self.input.context, sql, &self.schema)?, sql.place))
            }
            FieldValue::Column(name) => Ok((self.column(name)?, name.place)),
            FieldValue::Lines { column, .. } => {
                let lines =
                    self.input.rule.fields.iter().filter(|one| matches!(one.value, FieldValue::Lines { .. }));
                let number = lines.take_while(|one| one.field != given.field).count();
                Ok((column_of(&self.input.rule.alias, &lines_column(number)), column.place))
            }
        }
    }

    /// A plain name: a column of the driving table, or `table.column` of a joined one.
    fn column(&self, name: &Located<String>) -> Result<Expr, Vec<Diagnostic>> {
        let own = column_of(&self.input.rule.alias, &name.value);
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
        // Columns that are unpivoted have one type, that of the first; pieces of a list have none.
        let unpivoted = self.input.rule.unpivot.iter().flat_map(|unpivot| &unpivot.columns);
        let made_of = unpivoted.filter(|(made, _)| made.value == name).find_map(|(_, from)| from.first());
        if let Some(field) = self.from.schema.field(made_of.map_or(name, |column| column.value.as_str())) {
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
    if texts.is_empty() {
        return lit("");
    }
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
