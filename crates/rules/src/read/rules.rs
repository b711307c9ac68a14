//! `categorize/<category>.yaml` and `convert/<table>.yaml`: named rules that produce the rows of one table.

use crate::entries::{
    Entries, Problems, choice, expression, filled, mapping, open_mapping, unreadable, wrong_type,
};
use crate::read::{agree, spec, system::ignored_columns};
use crate::yaml::{Key, Node, Value};
use crate::{
    AtMost, Condition, Diagnostic, Disposition, Exclude, Failed, FieldRule, FieldValue, Join, Keep, Located,
    Merge, Repair, Rule, RuleFile, Unknown, Unreferenced,
};

mod reshape;

/// `own_key` names what the rules produce: `category` or `table`.
pub(crate) fn read(node: &Node, own_key: &str, name: &str, problems: &mut Problems) -> Option<RuleFile> {
    let entries = mapping(node, "a rule file", &["spec", own_key, "rules", "merge", "ignore"], problems)?;
    spec(&entries, problems);
    agree(&entries, own_key, name, problems);
    let place = entries.get(own_key).map_or(node.place, |node| node.place);
    let rules = match entries.need("rules", "a rule file", problems) {
        Some(Node { value: Value::List(nodes), place }) => {
            if nodes.is_empty() {
                problems.push(Diagnostic::error("wrong-type", *place, "`rules` must not be empty"));
            }
            nodes.iter().flat_map(|node| rule(node, problems)).collect()
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
        merge: entries.get("merge").and_then(|node| merge(node, problems)),
        ignored_columns: ignored_columns(&entries, problems),
    })
}

fn merge(node: &Node, problems: &mut Problems) -> Option<Merge> {
    let entries = mapping(node, "`merge`", &["keep", "order"], problems)?;
    let words = [("first", Keep::First), ("last", Keep::Last), ("fill", Keep::Fill)];
    entries.need("keep", "`merge`", problems);
    let keep = entries.choice("keep", &words, problems)?;
    Some(Merge { keep, order: entries.names("order", problems) })
}

const RULE: &[&str] = &["name", "from", "group", "unpivot", "split", "join", "exclude", "checks", "fields"];

/// One rule for each table that it reads: a union has several.
fn rule(node: &Node, problems: &mut Problems) -> Vec<Rule> {
    let Some(entries) = mapping(node, "a rule", RULE, problems) else { return Vec::new() };
    let name = entries.need_text("name", "a rule", problems);
    entries.need("from", "a rule", problems);
    let mut tables = entries.names("from", problems);
    if tables.is_empty() {
        tables.push(unreadable(entries.place));
    }
    let alias = tables.first().map(|table| table.value.clone()).unwrap_or_default();
    let joins = entries.list("join", problems).iter().filter_map(|node| join(node, problems)).collect();
    let excludes =
        entries.list("exclude", problems).iter().filter_map(|node| exclude(node, problems)).collect();
    let checks =
        entries.list("checks", problems).iter().filter_map(|node| condition(node, problems)).collect();
    let first = Rule {
        from: unreadable(entries.place),
        alias,
        group: entries.get("group").and_then(|node| reshape::group(node, problems)),
        unpivot: entries.get("unpivot").and_then(|node| reshape::unpivot(node, problems)),
        split: entries.get("split").and_then(|node| reshape::split(node, problems)),
        joins,
        excludes,
        checks,
        fields: fields(&entries, problems),
        place: if name.value.is_empty() { node.place } else { name.place },
        name,
    };
    tables.into_iter().map(|from| Rule { from, ..first.clone() }).collect()
}

fn condition(node: &Node, problems: &mut Problems) -> Option<Condition> {
    let entries = mapping(node, "a check", &["check", "when", "failed"], problems)?;
    let check = entries.need_text("check", "a check", problems);
    let when =
        entries.need("when", "a check", problems).and_then(|node| expression(node, "`when`", problems));
    let words =
        [("note", Disposition::Note), ("quarantine", Disposition::Quarantine), ("block", Disposition::Block)];
    let failed = entries.choice("failed", &words, problems).unwrap_or(Disposition::Note);
    Some(Condition { check, when: when.unwrap_or_else(|| unreadable(entries.place)), failed })
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
    Some(Exclude {
        rule,
        when: when.unwrap_or_else(|| unreadable(entries.place)),
        unknown,
        own_columns: false,
    })
}

fn fields(entries: &Entries<'_>, problems: &mut Problems) -> Vec<FieldRule> {
    let Some(node) = entries.need("fields", "a rule", problems) else { return Vec::new() };
    let Some(fields) = open_mapping(node, "`fields`", problems) else { return Vec::new() };
    if fields.iter().next().is_none() {
        problems.push(Diagnostic::error("wrong-type", node.place, "`fields` must not be empty"));
    }
    fields.iter().map(|(key, node)| field(key, node, problems)).collect()
}

const FIELD: &[&str] = &[
    "column",
    "text",
    "sql",
    "lines",
    "separator",
    "formats",
    "map",
    "failed",
    "unmapped",
    "missing",
    "repair",
];
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
        repairs: Vec::new(),
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
    let words = Repair::ALL.map(|repair| (repair.name(), repair));
    for node in entries.list("repair", problems) {
        let repair = choice(node, "an entry of `repair`", &words, problems);
        rule.repairs.extend(repair.map(|value| Located { value, place: node.place }));
    }
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
        ["column", "text", "sql", "lines"].into_iter().filter(|key| entries.get(key).is_some()).collect();
    let [only] = given.as_slice() else {
        let found = if given.is_empty() { "none of them".to_owned() } else { given.join(" and ") };
        let message =
            format!("field `{field}` needs exactly one of `column`, `text`, `sql`, `lines`, found {found}");
        problems.push(
            Diagnostic::error("field-value", entries.place, message)
                .help("`column` takes a source column, `text` a constant, `sql` a scalar expression, `lines` a group's texts"),
        );
        return None;
    };
    let node = entries.get(only)?;
    match *only {
        "column" => filled(node, "`column`", problems).map(FieldValue::Column),
        "text" => crate::entries::text(node, "`text`", problems).map(FieldValue::Text),
        "lines" => {
            let separator =
                entries.text("separator", problems).map_or_else(|| "\n".to_owned(), |text| text.value);
            filled(node, "`lines`", problems).map(|column| FieldValue::Lines { column, separator })
        }
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
        for key in ["formats", "map", "failed", "unmapped", "missing", "repair"] {
            refuse(key, format!("`{key}` means nothing for a constant"), "take it out");
        }
    } else if rule.map.is_none() && entries.get("map").is_none() {
        refuse(
            "unmapped",
            "`unmapped` stands without `map`".to_owned(),
            "name the map, or take `unmapped` out",
        );
    }
    if !matches!(rule.value, FieldValue::Lines { .. }) {
        refuse("separator", "`separator` stands without `lines`".to_owned(), "take it out");
    }
    if rule.map.is_some() {
        refuse(
            "formats",
            "`formats` and `map` exclude each other".to_owned(),
            "a map gives codes, not dates",
        );
    }
}
