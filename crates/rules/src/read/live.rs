//! What a pack says of the live database: which of its triggers fire, and which unusual days it may hold.

use crate::entries::{Entries, Problems, choice, open_mapping};
use crate::{Diagnostic, FieldType, Located, TriggerRule, Unusual};

/// `triggers: { send_reminder: disable for this load, audit: fire }`
pub(crate) fn triggers(
    entries: &Entries<'_>,
    problems: &mut Problems,
) -> Vec<(Located<String>, TriggerRule)> {
    let Some(list) = entries.get("triggers").and_then(|node| open_mapping(node, "`triggers`", problems))
    else {
        return Vec::new();
    };
    let words = [("fire", TriggerRule::Fire), ("disable for this load", TriggerRule::Disable)];
    let mut triggers = Vec::new();
    for (name, node) in list.iter() {
        let rule = choice(node, &format!("the trigger `{}`", name.text), &words, problems);
        let name = Located { value: name.text.clone(), place: name.place };
        triggers.extend(rule.map(|rule| (name, rule)));
    }
    triggers
}

/// `allow: [infinity, bc]`
pub(crate) fn unusual(own: &Entries<'_>, kind: Option<FieldType>, problems: &mut Problems) -> Vec<Unusual> {
    let words = [("infinity", Unusual::Infinity), ("bc", Unusual::BeforeChrist)];
    let nodes = own.list("allow", problems);
    if let (Some(place), Some(kind)) =
        (own.key_place("allow"), kind.filter(|kind| *kind != FieldType::String))
    {
        let message = format!("`allow` means nothing for {}", kind.phrase());
        problems.push(Diagnostic::error("wrong-constraint", place, message).help(
            "only texts can say such days: make the field a `string`, written YYYY-MM-DD, `infinity` or YYYY-MM-DD BC",
        ));
    }
    nodes.iter().filter_map(|node| choice(node, "an entry of `allow`", &words, problems)).collect()
}
