//! `chartlift.yaml`: the project's settings.

use crate::entries::{Entries, Problems, mapping, wrong_type};
use crate::read::{is_date, spec};
use crate::yaml::Node;
use crate::{AbsenceLimit, Diagnostic, Gate, Limits, Located, Place, Settings};

const KEYS: &[&str] =
    &["spec", "name", "storage", "key", "target", "limits", "patients", "gates", "absences", "approval"];

/// The stages after which a gate is looked at.
pub(crate) const GATED: &[&str] = &["check", "categorize", "convert", "validate"];

pub(crate) fn read(node: &Node, problems: &mut Problems) -> Settings {
    let Some(entries) = mapping(node, "`chartlift.yaml`", KEYS, problems) else { return Settings::default() };
    spec(&entries, problems);
    let settings = Settings {
        name: entries.need_text("name", "`chartlift.yaml`", problems).value,
        storage: entries.filled("storage", problems).map(|text| text.value),
        key: entries.filled("key", problems),
        target: entries.filled("target", problems),
        limits: limits(&entries, problems),
        patients: entries.get("patients").and_then(|node| super::patients::patients(node, problems)),
        gates: entries.list("gates", problems).iter().filter_map(|node| gate(node, problems)).collect(),
        absences: entries
            .list("absences", problems)
            .iter()
            .filter_map(|node| limit(node, problems))
            .collect(),
        approval_required: entries
            .choice("approval", &[("required", true), ("optional", false)], problems)
            .unwrap_or_default(),
    };
    if let Some(key) = &settings.key
        && !["env:", "file:"]
            .iter()
            .any(|kind| key.value.strip_prefix(kind).is_some_and(|rest| !rest.is_empty()))
    {
        let message = "`key` must say where the key is, never the key itself";
        problems.push(secret(&entries, message, "write `env:NAME` or `file:PATH`"));
    }
    if let Some(target) = &settings.target
        && holds_password(&target.value)
    {
        let help = "leave it out of the address and give it as `env:NAME`, `file:PATH` or in a Postgres service file";
        problems.push(secret(&entries, "`target` holds a password", help));
    }
    settings
}

/// Points at the beginning of the file: what is underlined is printed, and the secret must not be.
fn secret(entries: &Entries<'_>, message: &str, help: &str) -> Diagnostic {
    let start = Place { start: 0, end: 0, ..entries.place };
    Diagnostic::error("secret-in-file", start, message).help(help)
}

/// `scheme://user:password@host`
fn holds_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let user = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
    user.is_some_and(|(_, password)| !password.is_empty()) || rest.contains("password=")
}

/// What a database takes for a wait: some weeks.
const LOCK_SECONDS_MAX: usize = 2_000_000;

fn limits(entries: &Entries<'_>, problems: &mut Problems) -> Limits {
    let mut limits = Limits::default();
    let Some(node) = entries.get("limits") else { return limits };
    let keys = ["field_bytes", "memory_mb", "threads", "lock_seconds"];
    let Some(own) = mapping(node, "`limits`", &keys, problems) else { return limits };
    let mut positive = |key: &str| {
        let read = own.number(key, problems)?;
        let usable = usize::try_from(read).ok().filter(|number| (1..1 << 40).contains(number));
        if usable.is_none() {
            let place = own.key_place(key).unwrap_or(own.place);
            problems.push(Diagnostic::error("wrong-type", place, format!("`{key}` is out of range")));
        }
        usable
    };
    limits.field_bytes = positive("field_bytes").unwrap_or(limits.field_bytes);
    limits.memory_bytes = positive("memory_mb").map_or(limits.memory_bytes, |mb| mb.saturating_mul(1 << 20));
    limits.threads = positive("threads");
    limits.lock_seconds =
        positive("lock_seconds").map_or(limits.lock_seconds, |wait| wait.min(LOCK_SECONDS_MAX));
    limits
}

fn gate(node: &Node, problems: &mut Problems) -> Option<Gate> {
    let keys = ["applies_to", "stage", "quarantined", "author", "date", "reason"];
    let entries = mapping(node, "a gate", &keys, problems)?;
    let stages: Vec<(&str, &str)> = GATED.iter().map(|stage| (*stage, *stage)).collect();
    let gate = Gate {
        applies_to: entries.need_text("applies_to", "a gate", problems),
        stage: entries.choice("stage", &stages, problems).map(str::to_owned),
        quarantined: share(&entries, "quarantined", "a gate", problems),
        author: entries.need_text("author", "a gate", problems).value,
        date: date(&entries, "a gate", problems),
        reason: entries.need_text("reason", "a gate", problems).value,
    };
    Some(gate)
}

/// How much of a table may be missing from the export of an order that follows another.
fn limit(node: &Node, problems: &mut Problems) -> Option<AbsenceLimit> {
    let what = "a limit of absences";
    let entries = mapping(node, what, &["table", "share", "author", "date", "reason"], problems)?;
    Some(AbsenceLimit {
        table: entries.need_text("table", what, problems),
        share: share(&entries, "share", what, problems),
        author: entries.need_text("author", what, problems).value,
        date: date(&entries, what, problems),
        reason: entries.need_text("reason", what, problems).value,
    })
}

/// `2 %` or `0.5 %`, as a share of one.
pub(crate) fn share(entries: &Entries<'_>, key: &str, what: &str, problems: &mut Problems) -> f64 {
    let Some(node) = entries.need(key, what, problems) else { return 0.0 };
    let text = entries.text(key, problems).map(|text| text.value).unwrap_or_default();
    let digits = text.strip_suffix('%').map(str::trim_end).unwrap_or_default();
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match digits.parse::<f64>().ok().filter(|percent| plain && (0.0..=100.0).contains(percent)) {
        Some(percent) => percent / 100.0,
        None => {
            let problem = wrong_type(node, &format!("`{key}`"), "a percentage from 0 % to 100 %");
            problems.push(problem.help("write it as `2 %` or `0.5 %`"));
            0.0
        }
    }
}

/// The day of a decision.
pub(crate) fn date(entries: &Entries<'_>, what: &str, problems: &mut Problems) -> String {
    let date: Located<String> = entries.need_text("date", what, problems);
    if !date.value.is_empty() && !is_date(&date.value) {
        let message = format!("`{}` is not a date", date.value);
        problems.push(Diagnostic::error("wrong-type", date.place, message).help("write it as YYYY-MM-DD"));
    }
    date.value
}
