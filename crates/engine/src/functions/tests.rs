//! Every function's examples, evaluated as constants and over columns; and what the list promises.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, DecimalType, Field, Int64Type, Schema};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::Expr;
use datafusion::prelude::{SessionContext, col};

use super::*;

#[expect(clippy::disallowed_methods, reason = "a session with our functions and nothing else")]
fn session() -> SessionContext {
    let session = SessionContext::new();
    for function in scalar_udfs() {
        session.register_udf(function.as_ref().clone());
    }
    session
}

/// The value of an expression over a batch, through planner, optimiser and kernel.
async fn evaluate(session: &SessionContext, expression: Expr, batch: RecordBatch) -> ArrayRef {
    let frame = session.read_batch(batch).unwrap().select(vec![expand(expression).unwrap().alias("result")]);
    let batches = frame.unwrap().collect().await.unwrap();
    Arc::clone(batches[0].column(0))
}

fn shown(array: &ArrayRef, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Utf8View => array.as_string_view().value(row).to_owned(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Date32 => array.as_primitive::<Date32Type>().value_as_date(row).unwrap().to_string(),
        DataType::Decimal128(precision, scale) => {
            let text = Decimal128Type::format_decimal(
                array.as_primitive::<Decimal128Type>().value(row),
                *precision,
                *scale,
            );
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        DataType::Timestamp(..) => array
            .as_primitive::<TimestampMicrosecondType>()
            .value_as_datetime(row)
            .map(|datetime| datetime.and_utc().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
            .unwrap(),
        other => panic!("{other}"),
    })
}

/// Takes the text literals out of the parameters that need none, into columns of three rows: value, null, value.
fn columns_of(expression: Expr) -> (Expr, RecordBatch) {
    let mut fields = vec![Field::new("anchor", DataType::Int64, true)];
    let mut columns: Vec<ArrayRef> = vec![Arc::new(arrow::array::Int64Array::from(vec![1, 2, 3]))];
    let expression = expression
        .transform_up(|node| {
            let Expr::ScalarFunction(mut call) = node else { return Ok(Transformed::no(node)) };
            let function = find(call.func.name()).unwrap();
            for (index, argument) in call.args.iter_mut().enumerate() {
                let kind = function.parameter(index).unwrap().kind;
                if let (ParameterType::Text | ParameterType::KeyPart, Some(text)) =
                    (kind, argument::literal(argument))
                {
                    let name = format!("c{}", columns.len());
                    fields.push(Field::new(&name, DataType::Utf8View, true));
                    columns.push(Arc::new(StringViewArray::from(vec![Some(text), None, Some(text)])));
                    *argument = col(&name);
                }
            }
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        })
        .unwrap()
        .data;
    (expression, RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap())
}

#[tokio::test]
async fn examples_hold_for_constants_and_columns() {
    let session = session();
    let mut wrong = Vec::new();
    for function in all() {
        for Example { sql, result } in function.examples {
            let expression = session.parse_sql_expr(sql, &DFSchema::empty()).unwrap();
            assert_eq!(function.check(arguments(&expression)), [], "{sql}");
            let constant = evaluate(&session, expression.clone(), columns_of(expression.clone()).1).await;
            assert_eq!(*constant.data_type(), function.returns.data_type(), "{sql}");
            let mut compare = |found: Option<String>, how: &str| {
                if found.as_deref() != *result {
                    wrong.push(format!("{sql} ({how}): {found:?}, not {result:?}"));
                }
            };
            compare(shown(&constant, 1), "constant");
            let (expression, batch) = columns_of(expression);
            let column = evaluate(&session, expression, batch).await;
            compare(shown(&column, 0), "column");
            compare(shown(&column, 2), "column after a null");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn arguments(expression: &Expr) -> &[Expr] {
    match expression {
        Expr::ScalarFunction(call) => &call.args,
        _ => panic!("not a call"),
    }
}

#[test]
fn every_function_is_documented_and_shows_a_null() {
    let mut names: Vec<&str> = all().map(|function| function.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all().count());
    let page = documentation();
    for function in FUNCTIONS {
        assert!(function.examples.len() >= 3, "{}", function.name);
        let bad =
            function.examples.iter().any(|example| example.result.is_none() || example.sql.contains("null"));
        assert!(bad, "{} shows no null or bad input", function.name);
        assert!(page.contains(&format!("### `{}`", function.signature())));
        assert!(function.repeated <= function.parameters.len());
    }
}

async fn error_of(sql: &str) -> String {
    let session = session();
    let error = async { session.sql(&format!("select {sql}")).await?.collect().await }.await.unwrap_err();
    error.strip_backtrace()
}

#[tokio::test]
async fn nothing_but_text_is_taken_as_text() {
    for (sql, expect) in [
        ("squeeze(1)", "takes text as `text`, not an integer"),
        ("format_date('2021-01-01', 'YYYY')", "takes date as `date`, not text"),
        ("parse_integer(1.5)", "takes text as `text`, not"),
        ("local_date(parse_date('2021-01-01', 'ISO'), 'UTC')", "takes datetime as `datetime`, not a date"),
        ("map_code('a', 'b')", "does not take 2 arguments"),
        ("squeeze()", "does not take 0 arguments"),
        ("cpf('1', '2')", "does not take 2 arguments"),
    ] {
        let error = error_of(sql).await;
        assert!(error.contains(expect), "{sql}: {error}");
    }
}

#[test]
fn mistakes_are_found_without_data() {
    let session = session();
    for (sql, argument, expect) in [
        ("parse_date('x', 'DD/MM/YY')", 1, "a year of two digits does not say its century"),
        ("parse_date('x', 'MM/YYYY')", 1, "the pattern lacks the day"),
        ("parse_datetime('x', 'DD/MM/YYYY', 'UTC')", 1, "the pattern lacks the hour"),
        ("parse_datetime('x', 'ISO', 'Brasilia')", 2, "`Brasilia` is not a time zone"),
        ("parse_number('x', ';')", 1, "the decimal character must be `.` or `,`"),
        ("parse_boolean('x', 'S', null)", 2, "`false_word` of `parse_boolean` must be a literal text"),
        ("map_code('x', 'a', 'b', 'a', 'c')", 3, "the code `a` is mapped twice"),
        ("keep_pattern('x', '(')", 1, "`(` is not a regular expression"),
        ("parse_partial_date('x', 'DYM')", 1, "`DYM` is not an order"),
        ("parse_date_words('x', 'fr')", 1, "`fr` is not a language that is read"),
        ("phone_e164('x', 'Brasil')", 1, "`Brasil` is not a region"),
        ("convert_unit(null, 'mmHg', 'kPa')", 1, "`mmHg` is not a UCUM unit"),
        ("nth_word('x', 0)", 1, "there is no place 0"),
        ("truncate_text('x', -1)", 1, "the number must be 0 to 9999"),
        ("format_date(null, 'HH24:MI')", 1, "a date has no time of day or offset to write"),
    ] {
        let expression = session.parse_sql_expr(sql, &DFSchema::empty()).unwrap();
        let Expr::ScalarFunction(call) = &expression else { panic!("{sql}") };
        let mistakes = find(call.func.name()).unwrap().check(&call.args);
        assert_eq!(mistakes.len(), 1, "{sql}: {mistakes:?}");
        assert_eq!((mistakes[0].argument, mistakes[0].message.as_str()), (argument, expect), "{sql}");
    }
}

proptest::proptest! {
    /// Notes are taken apart by hand: whatever they hold, nothing may panic.
    #[test]
    fn text_of_any_shape_is_taken(text in "[\\\\{}<>/&;'\"a-z0-9*= \\n\u{e9}\u{1f600}.,:-]{0,60}") {
        for sql in [
            format!("{{\\rtf1 {text}"), format!("{{\\rtf1 {text}}}"), text,
        ] {
            notes_and_names(&sql);
        }
    }
}

fn notes_and_names(text: &str) {
    let column = datafusion::logical_expr::ColumnarValue::Array(Arc::new(StringViewArray::from(vec![text])));
    for function in FUNCTIONS {
        if let ([Parameter { kind: ParameterType::Text, .. }], Body::Kernel(evaluate)) =
            (function.parameters, &function.body)
        {
            evaluate(&Call::new(std::slice::from_ref(&column), 1)).unwrap();
        }
    }
}
