//! The receipt: the statement sealed with the digests it rests on, what the load's record says, and the input files.
//!
//! It is made once, by the verify stage, and stands in that stage's `done` record; `reports/receipt.json` is a copy.
//! Nothing in it depends on when or where it was made, and all its numbers are whole, so anyone can compute the seal
//! again from the text: docs/semantics.md has the recipe.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chartlift_io::target::LoadRecord;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{SourceFile, StageReport, SystemChoice};
use crate::order::OrderSpec;
use crate::project_key::hex;
use crate::stage::Before;
use crate::statement::{Stage, Statement, Verdict};

/// The form of the receipt.
const SPEC: &str = "chartlift/receipt/v1";
const SEAL: &str = "seal";

/// What verify proved, and against what.
pub(crate) struct Proof<'a> {
    pub(crate) statement: &'a Statement,
    /// Digest of what the target holds of the load, all tables.
    pub(crate) digest: &'a str,
    pub(crate) record: &'a LoadRecord,
}

/// The sealed receipt of an order whose sums close; `earlier` are the stages before verify.
pub(crate) fn sealed(spec: &OrderSpec, earlier: &BTreeMap<Stage, Before>, proof: &Proof<'_>) -> Value {
    let mut stages: Vec<Value> = earlier
        .iter()
        .map(|(stage, before)| json!({ "stage": stage, "verdict": Verdict::Pass, "digest": before.digest }))
        .collect();
    stages.push(json!({ "stage": Stage::Verify, "verdict": Verdict::Pass, "digest": proof.digest }));
    let report = |stage| earlier.get(&stage).map(|before| &before.report);
    let systems = report(Stage::Identify).map(|report| report.systems.as_slice()).unwrap_or_default();
    let record = proof.record;
    let mut receipt = json!({
        "spec": SPEC,
        "order": spec.id,
        "series": spec.series,
        "created_at": spec.created_at,
        "project_key_fingerprint": spec.project_key_fingerprint,
        "systems": systems.iter().map(of_system).collect::<Vec<Value>>(),
        "target": record.target,
        "inputs": report(Stage::Check).map(input_files).unwrap_or_default(),
        "stages": stages,
        "load": {
            "id": record.id,
            "log_head": record.log_head,
            "input_digest": record.input_digest,
            "committed": record.committed,
        },
        "statement": proof.statement,
    });
    let seal = seal_of(&receipt);
    if let Some(members) = receipt.as_object_mut() {
        members.insert(SEAL.into(), seal.into());
    }
    receipt
}

fn of_system(choice: &SystemChoice) -> Value {
    json!({ "input": choice.input, "name": choice.system, "version": choice.version })
}

/// Files that no table claims were not read, so nothing but their size is known.
fn input_files(report: &StageReport) -> Vec<Value> {
    let of_file = |source: &SourceFile| {
        json!({
            "input": source.input,
            "file": source.file,
            "table": source.table,
            "bytes": source.bytes,
            "sha256": source.sha256,
        })
    };
    report.sources.iter().map(of_file).collect()
}

/// SHA-256 over the canonical JSON of everything but the seal, in hex.
fn seal_of(receipt: &Value) -> String {
    let mut rest = receipt.clone();
    if let Some(members) = rest.as_object_mut() {
        members.remove(SEAL);
    }
    let mut text = String::new();
    canonical(&rest, &mut text);
    hex(&Sha256::digest(text.as_bytes()))
}

/// RFC 8785, as far as it goes for whole numbers: no white space, members sorted by the UTF-16 units of their names,
/// and in texts only the escapes that JSON demands.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (at, (name, member)) in sorted.into_iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                let _ = write!(text, "{comma}{}:", Value::from(name.as_str()));
                canonical(member, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                canonical(item, text);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = write!(text, "{value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_is_sorted_and_tight() {
        let value = json!({ "b": [1, null, true], "a": { "\u{e9}": "\"\n\u{7f}é", "Z": "" } });
        let mut text = String::new();
        canonical(&value, &mut text);
        assert_eq!(text, "{\"a\":{\"Z\":\"\",\"\u{e9}\":\"\\\"\\n\u{7f}\u{e9}\"},\"b\":[1,null,true]}");
    }

    #[test]
    fn a_seal_is_over_everything_else() {
        let mut receipt = json!({ "order": "1", "seal": "x" });
        let seal = seal_of(&receipt);
        receipt["seal"] = seal.clone().into();
        assert_eq!(seal_of(&receipt), seal);
        receipt["order"] = "2".into();
        assert_ne!(seal_of(&receipt), seal);
    }
}
