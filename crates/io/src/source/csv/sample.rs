//! The first rows of a file, for telling what wrote it. Damage is counted and passed over.

use std::borrow::Cow;

use super::grammar::Grammar;
use super::machine::{Boundaries, Step, Tail, Walk};
use super::utf16::{self, ByteOrder};
use super::{Options, charset, fields};
use crate::Error;

/// How much of a file the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Whole,
    /// The first bytes: the last record may be cut.
    Head,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// Empty without a header record.
    pub header: Vec<String>,
    /// Sound rows, as many fields each as the header (or, without one, the first record) has.
    pub rows: Vec<Vec<Option<String>>>,
    /// Damaged records among them.
    pub rejects: u64,
    pub had_bom: bool,
}

/// Reads at most `limit` sound rows.
///
/// # Errors
///
/// Where the dialect contradicts itself.
pub fn sample(input: &[u8], extent: Extent, limit: usize, options: &Options) -> Result<Sample, Error> {
    let grammar = Grammar::new(&options.dialect)?;
    let order = ByteOrder::of(options.dialect.encoding, input);
    let text = match (order, extent) {
        (None, _) => Cow::Borrowed(input),
        (Some(order), Extent::Whole) => Cow::Owned(utf16::text_of(input, order)),
        (Some(order), Extent::Head) => Cow::Owned(utf16::text_of_head(input, order)),
    };
    let mut sample = Sample { had_bom: text.starts_with(charset::BOM), ..Sample::default() };
    let marked = sample.had_bom && charset::is_unicode(options.dialect.encoding);
    let bytes = if marked { text.get(charset::BOM.len()..).unwrap_or_default() } else { &text };
    let mut preamble = options.dialect.header_row;
    let mut width = None;
    let mut tail = match extent {
        Extent::Whole => Tail::End,
        Extent::Head => Tail::Unknown,
    };
    let (mut at, mut suspect) = (0, 0);
    while sample.rows.len() < limit {
        let mut walk = Walk::new(bytes, tail, &grammar, options.record_bytes, &Boundaries);
        walk.suspect = suspect;
        let step = walk.step(at, &mut Boundaries);
        suspect = walk.suspect;
        let (start, end, next, sound) = match step {
            Step::Record { start, end, next } => (start, end, next, true),
            Step::Broken { start, end, next } => (start, end, next, false),
            // A stray quote near the beginning must not hide the rest of the sample, while a record that is merely
            // cut must not be mistaken for one.
            Step::More { start } if start < bytes.len() / 2 => {
                tail = Tail::OtherChunks;
                at = start;
                continue;
            }
            Step::More { .. } | Step::Endless { .. } | Step::Done => break,
        };
        at = next;
        if tail == Tail::OtherChunks {
            tail = Tail::Unknown;
        }
        let record = bytes.get(start..end).unwrap_or_default();
        let fields = fields::split(record, &options.dialect);
        if preamble > 0 {
            preamble -= 1;
            if preamble == 0 {
                width = Some(fields.len());
                sample.header = fields.into_iter().map(Option::unwrap_or_default).collect();
            }
        } else if sound
            && *width.get_or_insert(fields.len()) == fields.len()
            && charset::decodes(record, options.dialect.encoding)
        {
            sample.rows.push(fields);
        } else {
            sample.rejects += 1;
        }
    }
    Ok(sample)
}
