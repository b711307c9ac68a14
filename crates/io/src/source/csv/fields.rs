//! The fields of one record, read forgivingly: for headers, samples and damaged rows.

use chartlift_rules::Dialect;

use super::charset;
use super::grammar::Grammar;

/// Reads a record without its line end as Python's `csv` would: text after a closing quote belongs to the field, a quote
/// that does not close ends with the record. On a sound record this is what the parse pass reads.
pub(super) fn split(record: &[u8], dialect: &Dialect) -> Vec<Option<String>> {
    let Ok(grammar) = Grammar::new(dialect) else { return Vec::new() };
    let mut fields = Vec::new();
    let mut rest = record.iter().copied().peekable();
    loop {
        let mut raw = Vec::new();
        let quoted = rest.next_if(|byte| Some(*byte) == grammar.quote).is_some();
        let mut in_quotes = quoted;
        let mut ended = false;
        while let Some(byte) = rest.next() {
            if Some(byte) == grammar.escape {
                raw.push(rest.next().unwrap_or(byte));
            } else if in_quotes && Some(byte) == grammar.quote {
                if grammar.doubled && rest.next_if_eq(&byte).is_some() {
                    raw.push(byte);
                } else {
                    in_quotes = false;
                }
            } else if !in_quotes && byte == grammar.delimiter {
                ended = true;
                break;
            } else {
                raw.push(byte);
            }
        }
        let empty = raw.is_empty() && !quoted;
        fields.push((!empty).then(|| charset::decode_lossy(&raw, dialect.encoding).into_owned()));
        if !ended {
            return fields;
        }
    }
}
