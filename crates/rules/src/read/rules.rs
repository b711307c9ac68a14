//! `categorize/<category>.yaml` and `convert/<table>.yaml`: named rules that produce the rows of one table.

use crate::entries::{
    Entries, Problems, choice, expression, filled, mapping, open_mapping, unreadable, wrong_type,
};
use crate::read::{agree, spec, system::ignored_columns};
use crate::yaml::{Key, Node, Value};
use crate::{
    AtMost, Diagnostic, Exclude, Failed, FieldRule, FieldValue, Join, Located, Rule, RuleFile, Unknown,
    Unreferenced,
};

/// `own_key` names what the rules produce: `category` or `table`.
pub(crate) fn read(node: &Node, own_key: &str, name: &str, problems: &mut Problems) -> Option<RuleFile> {
    let entries = mapping(node, "a rule file", &["spec", own_key, "rules", "ignore"], problems)?;
    spec(&entries, problems);
    agree(&entries, own_key, name, problems);
    let place = entries.get(own_key).map_or(node.place, |node| node.place);
    let rules = match entries.need("rules", "a rule file", problems) {
        Some(Node { value: Value::List(nodes), place }) => {
            if nodes.is_empty() {
                problems.push(Diagnostic::error("wrong-type", *place, "`rules` must not be empty"));
            }
            nodes.iter().filter_map(|node| rule(node, problems)).collect()
        }
        Some(node) => {
            problems.push(wrong_type(node, "`rules`", "a list"));
            Vec::new()
        }
        None => Vec::new(),
    };
    Some(RuleFile {
        into: Located { value: name.to_owned(), place },
        rules,
        ignored_columns: ignored_columns(&entries, problems),
    })
}

fn rule(node: &Node, problems: &mut Problems) -> Option<Rule> {
    let entries = mapping(node, "a rule", &["name", "from", "join", "exclude", "fields"], problems)?;
    let name = entries.need_text("name", "a rule", problems);
    let from = entries.need_text("from", "a rule", problems);
    let joins = entries.list("join", problems).iter().filter_map(|node| join(node, problems)).collect();
    let excludes =
        entries.list("exclude", problems).iter().filter_map(|node| exclude(node, problems)).collect();
    let fields = fields(&entries, problems);
    let place = if name.value.is_empty() { node.place } else { name.place };
    Some(Rule { name, from, joins, excludes, fields, place })
}

fn join(node: &Node, problems: &mut Problems) -> Option<Join> {
    let known = ["table", "as", "match", "at_most", "unreferenced"];
    let entries = mapping(node, "a join", &known, problems)?;
    let table = entries.need_text("table", "a join", problems);
    let alias = entries.filled("as", problems).map_or_else(|| table.value.clone(), |alias| alias.value);
    let matches =
        entries.need("match", "a join", problems).and_then(|node| expression(node, "`match`", problems));
    let words = [("one", AtMost::One), ("many", AtMost::Many)];
    let at_most = entries.choice("at_most", &words, problems).unwrap_or(AtMost::One);
    let words = [("quarantine", Unreferenced::Quarantine), ("exclude", Unreferenced::Exclude)];
    let unreferenced = entries.choice("unreferenced", &words, problems).unwrap_or(Unreferenced::Quarantine);
    let matches = matches.unwrap_or_else(|| unreadable(entries.place));
    Some(Join { table, alias, matches, at_most, unreferenced })
}

fn exclude(node: &Node, problems: &mut Problems) -> Option<Exclude> {
    let entries = mapping(node, "an `exclude` entry", &["rule", "when", "unknown"], problems)?;
    let rule = entries.need_text("rule", "an `exclude` entry", problems);
    let when = entries
        .need("when", "an `exclude` entry", problems)
        .and_then(|node| expression(node, "`when`", problems));
    let words = [("stop", Unknown::Stop), ("exclude", Unknown::Exclude), ("keep", Unknown::Keep)];
    let unknown = entries.choice("unknown", &words, problems).unwrap_or(Unknown::Stop);
    Some(Exclude { rule, when: when.unwrap_or_else(|| unreadable(entries.place)), unknown })
}

fn fields(entries: &Entries<'_>, problems: &mut Problems) -> Vec<FieldRule> {
    let Some(node) = entries.need("fields", "a rule", problems) else { return Vec::new() };
    let Some(fields) = open_mapping(node, "`fields`", problems) else { return Vec::new() };
    if fields.iter().next().is_none() {
        problems.push(Diagnostic::error("wrong-type", node.place, "`fields` must not be empty"));
    }
    fields.iter().map(|(key, node)| field(key, node, problems)).collect()
}

const FIELD: &[&str] = &["column", "text", "sql", "formats", "map", "failed", "unmapped", "missing"];
const FAILED: [(&str, Failed); 3] =
    [("keep_text_and_flag", Failed::KeepTextAndFlag), ("hold_row", Failed::HoldRow), ("stop", Failed::Stop)];

/// Always a field rule, so that a wrong entry still counts as "this field is given".
fn field(key: &Key, node: &Node, problems: &mut Problems) -> FieldRule {
    let mut rule = FieldRule {
        field: Located { value: key.text.clone(), place: key.place },
        value: FieldValue::Column(unreadable(node.place)),
        formats: Vec::new(),
        map: None,
        failed: None,
        unmapped: None,
        missing_values: Vec::new(),
    };
    if !matches!(node.value, Value::Map(_)) {
        let read = column(node, &format!("field `{}`", key.text), problems);
        rule.value = FieldValue::Column(read.unwrap_or_else(|| unreadable(node.place)));
        return rule;
    }
    let Some(entries) = mapping(node, &format!("field `{}`", key.text), FIELD, problems) else { return rule };
    if let Some(value) = value(&entries, &key.text, problems) {
        rule.value = value;
    }
    rule.formats = entries.names("formats", problems);
    rule.map = entries.filled("map", problems);
    rule.failed = entries.get("failed").and_then(|node| choice(node, "`failed`", &FAILED, problems));
    rule.unmapped = entries.get("unmapped").and_then(|node| choice(node, "`unmapped`", &FAILED, problems));
    rule.missing_values = entries.texts("missing", problems).into_iter().map(|text| text.value).collect();
    misplaced(&rule, &entries, problems);
    rule
}

/// A plain scalar is a column name; what looks like an expression or a constant is pointed at.
fn column(node: &Node, what: &str, problems: &mut Problems) -> Option<Located<String>> {
    let read = filled(node, what, problems)?;
    let Value::Scalar(scalar) = &node.value else { return Some(read) };
    if scalar.plain && (read.value.contains('(') && read.value.ends_with(')')) {
        let message = format!("`{}` is read as the name of a column", read.value);
        problems.push(
            Diagnostic::error("not-a-column", read.place, message)
                .help("an expression stands under `sql`: `{ sql: \"...\" }`; an odd column name in quotes"),
        );
        return None;
    }
    Some(read)
}

fn value(entries: &Entries<'_>, field: &str, problems: &mut Problems) -> Option<FieldValue> {
    let given: Vec<&str> =
        ["column", "text", "sql"].into_iter().filter(|key| entries.get(key).is_some()).collect();
    let [only] = given.as_slice() else {
        let found = if given.is_empty() { "none of them".to_owned() } else { given.join(" and ") };
        let message = format!("field `{field}` needs exactly one of `column`, `text`, `sql`, found {found}");
        problems.push(
            Diagnostic::error("field-value", entries.place, message)
                .help("`column` takes a source column, `text` a constant, `sql` a scalar expression"),
        );
        return None;
    };
    let node = entries.get(only)?;
    match *only {
        "column" => filled(node, "`column`", problems).map(FieldValue::Column),
        "text" => crate::entries::text(node, "`text`", problems).map(FieldValue::Text),
        _ => expression(node, "`sql`", problems).map(FieldValue::Sql),
    }
}

fn misplaced(rule: &FieldRule, entries: &Entries<'_>, problems: &mut Problems) {
    let constant = matches!(rule.value, FieldValue::Text(_));
    let mut refuse = |key: &str, message: String, help: &str| {
        if let Some(place) = entries.key_place(key) {
            problems.push(Diagnostic::error("misplaced-key", place, message).help(help));
        }
    };
    if constant {
        for key in ["formats", "map", "failed", "unmapped", "missing"] {
            refuse(key, format!("`{key}` means nothing for a constant"), "take it out");
        }
    } else if rule.map.is_none() && entries.get("map").is_none() {
        refuse(
            "unmapped",
            "`unmapped` stands without `map`".to_owned(),
            "name the map, or take `unmapped` out",
        );
    }
    if rule.map.is_some() {
        refuse(
            "formats",
            "`formats` and `map` exclude each other".to_owned(),
            "a map gives codes, not dates",
        );
    }
}
