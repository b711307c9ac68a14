//! What an order's log consists of: numbered records, each naming the hash of the one before.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::statement::{Stage, Verdict};

/// The record format this program writes, and the newest it reads.
pub const FORMAT: u32 = 1;

/// The `previous` of the first record.
pub(super) const NO_PREVIOUS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One file of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub format: u32,
    /// SHA-256 of the previous record's bytes, in hex.
    pub previous: String,
    pub time: DateTime<Utc>,
    /// Who did it, e.g. `ana@host`.
    pub actor: String,
    #[serde(flatten)]
    pub event: Event,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    Created(OrderSpec),
    Started {
        stage: Stage,
        attempt: u32,
    },
    Done(Done),
    Failed {
        stage: Stage,
        attempt: u32,
        code: String,
        message: String,
    },
    /// What this load put into the target is gone again.
    RolledBack {
        load: i64,
        /// What went and what stayed; never a value of a row. Earlier programs did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        report: Option<serde_json::Value>,
    },
}

impl Event {
    /// Every `kind` this program knows. Another one was written by a newer program.
    pub const KINDS: [&'static str; 5] = ["created", "started", "done", "failed", "rolled-back"];
}

/// What was ordered. Fixed once; later wishes are decisions or another order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderSpec {
    pub id: String,
    /// The clinic moving to its target: owns keys and decisions across orders.
    pub series: String,
    pub inputs: Vec<InputSpec>,
    /// `NAME` or `NAME=URL`, without a secret in it.
    pub target: String,
    /// The earlier order of the series that this one continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    pub project_key_fingerprint: String,
    /// What "future" means in every stage is after this time.
    pub created_at: DateTime<Utc>,
}

impl OrderSpec {
    /// True when both ask for the same thing; the time of asking is not part of it.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        let timed = Self { created_at: other.created_at, ..self.clone() };
        timed == *other
    }
}

/// One export. Referred to, never copied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    pub name: String,
    /// A path or `file://` URL; a relative one starts at the order's folder.
    pub url: String,
    /// The system and version that the order states, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A stage finished and its artefacts are published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    pub stage: Stage,
    pub attempt: u32,
    /// The published folder, relative to the order's; absent when the stage writes no files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Digest of everything the stage read: files, rules, decisions, earlier stages. Equal means nothing to do.
    pub fingerprint: String,
    /// Digest of what the stage made.
    pub digest: String,
    /// The digest of the stage before, as it was then: tells whether this one is out of date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    pub verdict: Verdict,
    /// The stage's work stands as it was done; only its gates were judged anew, by other gates or waivers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub judged_anew: bool,
    pub seconds: f64,
    /// What the stage reports about itself; never a value of a row.
    pub report: serde_json::Value,
}
