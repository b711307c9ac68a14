//! STUB
use serde::{Deserialize, Serialize};
pub struct FileHead {
    pub name: String,
    pub size: u64,
    pub head: Vec<u8>,
}
#[derive(Serialize, Deserialize)]
pub struct TableClaim {
    pub table: String,
    pub files: Vec<String>,
}
#[derive(Serialize, Deserialize)]
pub struct Candidate {
    pub system: String,
    pub version: String,
    pub covers: Vec<String>,
    pub score: f64,
    pub evidence: Vec<String>,
    pub tables: Vec<TableClaim>,
    pub missing: Vec<String>,
}
#[derive(Serialize, Deserialize)]
pub struct Ranking {
    pub candidates: Vec<Candidate>,
    pub chosen: Option<usize>,
    pub reason: String,
}
pub fn rank(
    p: &chartlift_rules::Project,
    files: &[FileHead],
    _stated: Option<(&str, Option<&str>)>,
) -> Ranking {
    let s = p.systems.iter().find(|s| s.name == "synthea").unwrap();
    let tables = s
        .tables
        .iter()
        .map(|t| TableClaim {
            table: t.name.value.clone(),
            files: files.iter().filter(|f| f.name == t.path).map(|f| f.name.clone()).collect(),
        })
        .collect();
    Ranking {
        candidates: vec![Candidate {
            system: s.name.clone(),
            version: s.version.clone(),
            covers: vec![],
            score: 1.0,
            evidence: vec![],
            tables,
            missing: vec![],
        }],
        chosen: Some(0),
        reason: String::new(),
    }
}
