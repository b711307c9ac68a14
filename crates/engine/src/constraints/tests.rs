//! Checks against a naive reading of the standard, value by value.

use std::sync::{Arc, LazyLock};

use arrow::array::{Date32Array, Decimal128Array, Int64Array};
use chartlift_rules::{Constraints, FieldExtension, Place, TableExtension};
use proptest::prelude::*;
use regex::Regex;

use super::*;

fn located(text: &str) -> Located<String> {
    Located { value: text.to_owned(), place: Place::default() }
}

fn field(kind: FieldType, constraints: Constraints) -> Field {
    let words = |words: [&str; 2]| words.map(str::to_owned).to_vec();
    Field {
        name: located("f"),
        kind,
        format: None,
        decimal_char: '.',
        group_char: None,
        true_values: words(["true", "1"]),
        false_values: words(["false", "0"]),
        title: None,
        description: None,
        constraints,
        extension: FieldExtension::default(),
    }
}

fn schema(fields: Vec<Field>, missing: &[&str]) -> TableSchema {
    TableSchema {
        fields,
        made: Vec::new(),
        primary_key: Vec::new(),
        foreign_keys: Vec::new(),
        missing_values: missing.iter().map(|text| (*text).to_owned()).collect(),
        extension: TableExtension::default(),
        place: Place::default(),
    }
}

/// Every check of the only field: constraint and failing rows.
fn failing(schema: &TableSchema, values: &[Option<&str>]) -> Vec<(&'static str, Vec<u32>)> {
    let (checks, problems) = text_checks(schema, "America/Sao_Paulo");
    assert_eq!(problems, []);
    let column = StringViewArray::from(values.to_vec());
    checks
        .iter()
        .map(|check| {
            let mut rows = Vec::new();
            check.failures(&column, &mut rows);
            (check.constraint, rows)
        })
        .collect()
}

fn check(field: Field, values: &[Option<&str>], expect: &[(&'static str, &[u32])]) {
    let found = failing(&schema(vec![field], &["", "n/a"]), values);
    let found: Vec<(&str, &[u32])> = found.iter().map(|(name, rows)| (*name, rows.as_slice())).collect();
    assert_eq!(found, expect);
}

#[test]
fn a_value_that_is_none_fails_required_only() {
    let constraints = Constraints { required: true, min_length: Some(2), ..Constraints::default() };
    check(
        field(FieldType::String, constraints),
        &[None, Some(""), Some("n/a"), Some("a"), Some("ab"), Some("é")],
        &[("required", &[0, 1, 2]), ("minLength", &[3, 5])],
    );
}

#[test]
fn lengths_are_in_characters() {
    let constraints = Constraints { min_length: Some(3), max_length: Some(4), ..Constraints::default() };
    check(
        field(FieldType::String, constraints),
        &[Some("ab"), Some("éé"), Some("ééé"), Some("çççç"), Some("abcde"), Some("𝄞𝄞𝄞")],
        &[("minLength", &[0, 1]), ("maxLength", &[4])],
    );
}

#[test]
fn bounds_are_read_by_the_fields_type() {
    let bounds = |minimum: &str, maximum: &str| Constraints {
        minimum: Some(located(minimum)),
        exclusive_maximum: Some(located(maximum)),
        ..Constraints::default()
    };
    check(
        field(FieldType::Integer, bounds("2", "10")),
        &[Some("1"), Some("02"), Some("9"), Some("10"), Some("x"), Some("")],
        &[("type", &[4]), ("minimum", &[0]), ("exclusiveMaximum", &[3])],
    );
    let mut comma = field(FieldType::Number, bounds("0", "1.5"));
    (comma.decimal_char, comma.group_char) = (',', Some('.'));
    check(
        comma,
        &[Some("-0,1"), Some("1,49"), Some("1,5"), Some("1.5"), Some("1.000")],
        &[("type", &[3]), ("minimum", &[0]), ("exclusiveMaximum", &[2, 4])],
    );
    let mut born = field(FieldType::Date, bounds("1900-01-01", "2026-01-01"));
    born.format = Some(located("%d/%m/%Y"));
    check(
        born,
        &[Some("31/12/1899"), Some("1/1/1900"), Some("01/01/2026"), Some("2000-01-01")],
        &[("type", &[3]), ("minimum", &[0]), ("exclusiveMaximum", &[2])],
    );
    check(
        field(FieldType::Datetime, bounds("2020-01-01", "2021-01-01T12:00:00Z")),
        &[Some("2020-01-01T02:59:59Z"), Some("2020-01-01T00:00:00"), Some("2021-01-01T09:00:00")],
        &[("type", &[]), ("minimum", &[0]), ("exclusiveMaximum", &[2])],
    );
    check(
        field(FieldType::Time, bounds("08:00", "18:00:00")),
        &[Some("07:59:59"), Some("08:00:00"), Some("18:00:00"), Some("8h")],
        &[("type", &[3]), ("minimum", &[0]), ("exclusiveMaximum", &[2])],
    );
}

#[test]
fn words_and_values() {
    let allowed = |words: &[&str]| Constraints {
        allowed: Some(words.iter().map(|word| (*word).to_owned()).collect()),
        ..Constraints::default()
    };
    check(
        field(FieldType::String, allowed(&["M", "F", "a word that is long"])),
        &[Some("M"), Some("m"), Some("a word that is long"), Some("a word that is lonG"), None],
        &[("enum", &[1, 3])],
    );
    check(
        field(FieldType::Integer, allowed(&["1", "2"])),
        &[Some("01"), Some("3"), Some("x")],
        &[("type", &[2]), ("enum", &[1])],
    );
    check(
        field(FieldType::Boolean, Constraints::default()),
        &[Some("true"), Some("0"), Some("True")],
        &[("type", &[2])],
    );
}

#[test]
fn dispositions_come_from_the_field_then_the_table_then_the_default() {
    let constraints =
        Constraints { required: true, pattern: Some(located("[0-9]+")), ..Constraints::default() };
    let mut text = field(FieldType::String, Constraints { max_length: Some(5), ..constraints });
    text.extension.failed = vec![("pattern".to_owned(), Disposition::Quarantine)];
    let mut schema = schema(vec![text, field(FieldType::Date, Constraints::default())], &[""]);
    schema.extension.failed =
        vec![("pattern".to_owned(), Disposition::Block), ("type".to_owned(), Disposition::Degrade)];
    let (checks, _) = text_checks(&schema, "UTC");
    let found: Vec<_> =
        checks.iter().map(|check| (check.constraint, check.code, check.disposition)).collect();
    assert_eq!(
        found,
        [
            ("required", "constraint-error", Disposition::Quarantine),
            ("maxLength", "constraint-error", Disposition::Note),
            ("pattern", "constraint-error", Disposition::Quarantine),
            ("type", "type-error", Disposition::Degrade),
        ]
    );
}

#[test]
fn wrong_schemas_are_problems() {
    let mut fields = vec![
        field(FieldType::String, Constraints { pattern: Some(located("a)|(b")), ..Constraints::default() }),
        field(FieldType::Integer, Constraints { minimum: Some(located("few")), ..Constraints::default() }),
        field(FieldType::Date, Constraints::default()),
        field(FieldType::Datetime, Constraints::default()),
    ];
    fields[2].format = Some(located("%d/%m/%y"));
    let (_, problems) = text_checks(&schema(fields, &[""]), "Brasilia");
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["unknown-timezone", "bad-pattern", "wrong-type", "unsupported-format"]);
}

#[test]
fn converted_values() {
    let constraints = Constraints {
        required: true,
        minimum: Some(located("1.5")),
        exclusive_maximum: Some(located("3")),
        ..Constraints::default()
    };
    let (checks, _) = typed_checks(&schema(vec![field(FieldType::Number, constraints)], &[""]));
    let unit = 10_i128.pow(18);
    let numbers = Decimal128Array::from(vec![Some(unit), None, Some(unit * 3 / 2), Some(3 * unit)]);
    let numbers: ArrayRef = Arc::new(numbers.with_precision_and_scale(38, 18).unwrap());
    assert_eq!(
        typed_failures(&checks, &numbers),
        [("required", vec![1]), ("minimum", vec![0]), ("exclusiveMaximum", vec![3])]
    );

    let constraints = Constraints { maximum: Some(located("1970-01-02")), ..Constraints::default() };
    let (checks, _) = typed_checks(&schema(vec![field(FieldType::Date, constraints)], &[""]));
    let dates: ArrayRef = Arc::new(Date32Array::from(vec![Some(0), Some(1), Some(2), None]));
    assert_eq!(typed_failures(&checks, &dates), [("maximum", vec![2])]);

    let constraints = Constraints { allowed: Some(vec!["1".to_owned()]), ..Constraints::default() };
    let (checks, _) = typed_checks(&schema(vec![field(FieldType::Integer, constraints)], &[""]));
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(2), None]));
    assert_eq!(typed_failures(&checks, &integers), [("enum", vec![1])]);

    // In converted rows only null is no value.
    let constraints = Constraints { required: true, min_length: Some(1), ..Constraints::default() };
    let (checks, _) = typed_checks(&schema(vec![field(FieldType::String, constraints)], &["", "x"]));
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some(""), None, Some("x")]));
    assert_eq!(typed_failures(&checks, &texts), [("required", vec![1]), ("minLength", vec![0])]);
}

fn typed_failures(checks: &[ColumnCheck], column: &ArrayRef) -> Vec<(&'static str, Vec<u32>)> {
    let rows = |check: &ColumnCheck| {
        let mut rows = Vec::new();
        check.failures_typed(column, &mut rows);
        (check.constraint, rows)
    };
    checks.iter().map(rows).collect()
}

#[test]
fn missing_values_become_null_without_touching_the_rest() {
    let long = "a text that is not inlined";
    let column = StringViewArray::from(vec![Some(long), Some(""), None, Some("-"), Some("a")]);
    let nulled = Missing::new(["", "-"]).nulled(&column).unwrap();
    let found: Vec<Option<&str>> = nulled.as_string_view().iter().collect();
    assert_eq!(found, [Some(long), None, None, None, Some("a")]);
}

const PATTERNS: [&str; 18] = [
    "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "^[0-9]{3}$",
    "M|F",
    "(male|female|other)",
    "[0-9]+",
    "-?[0-9]{1,3}(\\.[0-9]+)?",
    "\\d{2}",
    "\\w+",
    "[A-Z]{2}[0-9]*",
    "[a-z]?[a-c]",
    "([0-9]{2}-){2}[0-9]{2}",
    "a{2,3}b*c?",
    "(?i)ab",
    "[^,]*",
    ".{0,4}",
    "^a|b$",
    "[\\s\\S]*[a-c0][\\s\\S]*",
    "[\\s\\S]*(ab|[^\\s-])[\\s\\S]*",
];

/// Compiling costs more than matching.
static PATTERN_PAIRS: LazyLock<Vec<(&str, Regex, Matcher)>> = LazyLock::new(|| {
    let pair = |pattern| {
        let regex = Regex::new(&format!("^(?:{pattern})$")).unwrap();
        (pattern, regex, Matcher::compile(pattern).unwrap())
    };
    PATTERNS.into_iter().map(pair).collect()
});

proptest! {
    #[test]
    fn patterns_agree_with_the_expression_engine(
        values in prop::collection::vec("[0-9a-c-]{0,5}|[AB0-9]{0,4}|\\PC{0,4}|a{0,4}b{0,2}c?|male|M|F|[é٣a]{0,3}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", 1..20)
    ) {
        let column = StringViewArray::from_iter_values(&values);
        for (pattern, regex, matcher) in PATTERN_PAIRS.iter() {
            let expect: Vec<u32> =
                (0..).zip(&values).filter(|(_, text)| !regex.is_match(text)).map(|(row, _)| row).collect();
            let mut found = Vec::new();
            matcher.failures(&column, &Missing::none(), &mut found);
            prop_assert_eq!(found, expect, "{} {:?}", pattern, values);
        }
    }

    #[test]
    fn checks_agree_with_a_naive_reading(
        values in prop::collection::vec(prop::option::of("[0-9]{0,3}|-?[0-9]{1,2}\\.[0-9]{0,2}|[a-z]{0,3}|é|n/a|[12][0-9]{3}-[01][0-9]-[0-3][0-9]"), 0..40),
        kind in prop::sample::select(vec![FieldType::String, FieldType::Integer, FieldType::Number, FieldType::Boolean, FieldType::Date]),
        required in any::<bool>(),
    ) {
        let text = kind == FieldType::String;
        let bound = match kind {
            FieldType::Integer | FieldType::Number => Some(located("20")),
            FieldType::Date => Some(located("1950-06-15")),
            _ => None,
        };
        let constraints = Constraints {
            required,
            min_length: text.then_some(2),
            pattern: text.then(|| located("[a-z0-9]*")),
            allowed: text.then(|| vec!["ab".to_owned(), "12".to_owned()]),
            minimum: bound.clone(),
            exclusive_maximum: bound,
            ..Constraints::default()
        };
        let schema = schema(vec![field(kind, constraints)], &["", "n/a"]);
        let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
        for (constraint, rows) in failing(&schema, &values) {
            let expect: Vec<u32> =
                (0..).zip(&values).filter(|(_, value)| naively_fails(kind, constraint, **value)).map(|(row, _)| row).collect();
            prop_assert_eq!(rows, expect, "{}", constraint);
        }
    }
}

/// One value, by the words of the standard and other libraries.
fn naively_fails(kind: FieldType, constraint: &str, value: Option<&str>) -> bool {
    let Some(text) = value.filter(|text| !["", "n/a"].contains(text)) else {
        return constraint == "required";
    };
    let parsed: Option<f64> = match kind {
        FieldType::Integer => text.parse::<i64>().ok().map(|number| number as f64),
        FieldType::Number => text.parse::<f64>().ok().filter(|number| number.is_finite()),
        FieldType::Boolean => {
            ["false", "0", "true", "1"].iter().position(|word| *word == text).map(|at| at as f64)
        }
        FieldType::Date => chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .filter(|_| text.len() == 10)
            .map(|date| f64::from(date.to_epoch_days())),
        _ => None,
    };
    let bound = if kind == FieldType::Date { -7140.0 } else { 20.0 };
    match constraint {
        "required" => false,
        "type" => parsed.is_none(),
        "minLength" => text.chars().count() < 2,
        "pattern" => !Regex::new("^[a-z0-9]*$").unwrap().is_match(text),
        "enum" => !["ab", "12"].contains(&text),
        "minimum" => parsed.is_some_and(|value| value < bound),
        "exclusiveMaximum" => parsed.is_some_and(|value| value >= bound),
        other => panic!("{other}"),
    }
}
