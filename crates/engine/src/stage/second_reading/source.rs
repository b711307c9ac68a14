//! The export's side: the raw files through the second reader, with what the stages recorded of each row.

use std::fs::File;
use std::io::BufReader;

use chartlift_rules::{Dialect, Encoding, FactKind, LineTerminator, ReadFact, ReadUnless};
use chartlift_second_reading::{
    Charset, Entry, Fact, Fault, Instead, Kind, Layout, LineEnd, Seen, Unless, read as read_file,
};

use super::settled::Settled;
use super::sums::{Told, Value};
use super::{Comparison, Reading, Work};
use crate::Error;
use crate::statement::Stage;

const BUFFER_BYTES: usize = 256 << 10;

/// What the files hold.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) read: u64,
    pub(super) held: u64,
    /// Records that only this reader could not read.
    pub(super) unreadable: u64,
}

/// Reads every table of a category and tells each entry that nobody held, merged or left out.
pub(super) fn read(
    work: &Work<'_>,
    comparison: &Comparison<'_>,
    settled: &Settled,
    mut tell: impl FnMut(Told),
) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    let inputs = work.inputs()?;
    let holds = comparison.target.schema.extension.hold.is_some();
    for reading in &comparison.readings {
        let name = reading.source.name.value.as_str();
        let declared = declared(reading);
        let layout = layout(work, reading);
        for (number, file) in (0_i64..).zip(&work.report(Stage::Check)?.sources) {
            if file.table.as_deref() != Some(name) || !inputs.contains(&file.input.as_str()) {
                continue;
            }
            let path = work.input_file(&file.input, &file.file);
            let input = File::open(&path).map_err(Error::file("open", &path))?;
            let input = BufReader::with_capacity(BUFFER_BYTES, input);
            let done = read_file(input, &layout, &declared, |record, seen| {
                let row = number << crate::run::marked::RECORD_BITS | record.cast_signed();
                match seen {
                    Seen::Unreadable if settled.rejected(name, row) => {}
                    Seen::Unreadable => counts.unreadable += 1,
                    Seen::Entries(entries) => {
                        for (piece, entry) in (0..).zip(entries) {
                            counts.read += 1;
                            if settled.gone(name, row, reading.rule, piece) {
                                counts.held += 1;
                            } else {
                                tell(told(reading, settled, holds, (row, piece), entry));
                            }
                        }
                    }
                }
            });
            done.map_err(|fault| match fault {
                Fault::Io(error) => Error::file("read", &path)(error),
                Fault::NoColumn(column) => Error::Usage {
                    code: "second-reading",
                    message: format!(
                        "a file of table `{name}` has no column `{column}` to read a second time"
                    ),
                    hint: "see `second_reading` in the system's system.yaml".into(),
                },
            })?;
        }
    }
    Ok(counts)
}

fn told(
    reading: &Reading<'_>,
    settled: &Settled,
    holds: bool,
    (row, piece): (i64, i32),
    entry: &Entry<'_>,
) -> Told {
    let values = reading.facts.iter().zip(&entry.values).enumerate().map(|(at, ((fact, _), value))| {
        if !settled.degraded(&fact.field.value, row, reading.rule, piece) {
            return value.clone().map_or(Value::None, Value::Said);
        }
        // A table without a hold column shows nothing of what was lost.
        entry.raw(at).filter(|_| holds).map_or(Value::None, Value::Lost)
    });
    Told { patient: entry.patient.clone(), values: values.collect() }
}

/// The pack's declaration in the reader's own words.
fn declared(reading: &Reading<'_>) -> chartlift_second_reading::Reading {
    let texts = |columns: &[chartlift_rules::Located<String>]| -> Vec<String> {
        columns.iter().map(|column| column.value.clone()).collect()
    };
    chartlift_second_reading::Reading {
        patient: reading.declared.patient.value.clone(),
        split: reading.declared.split.as_ref().map(|split| (texts(&split.columns), split.separator.clone())),
        facts: reading.facts.iter().map(|(fact, _)| declared_fact(fact)).collect(),
        missing: reading.source.schema.missing_values.clone(),
    }
}

fn declared_fact(fact: &ReadFact) -> Fact {
    Fact {
        column: fact.column.value.clone(),
        kind: match &fact.kind {
            FactKind::Text => Kind::Text,
            FactKind::Date(patterns) => Kind::Date(patterns.clone()),
            FactKind::Instant(patterns) => Kind::Instant(patterns.clone()),
            FactKind::Digits => Kind::Digits,
            FactKind::Number(point) => Kind::Number(*point),
            FactKind::Status(active) => Kind::Status(active.clone()),
        },
        missing: fact.missing.clone(),
        unless: fact.unless.iter().map(declared_unless).collect(),
    }
}

fn declared_unless(unless: &ReadUnless) -> Unless {
    Unless {
        column: unless.column.value.clone(),
        texts: unless.texts.clone(),
        reads: match &unless.reads {
            _ if unless.own => Instead::Own,
            Some(text) => Instead::Text(text.clone()),
            None => Instead::Nothing,
        },
    }
}

fn layout(work: &Work<'_>, reading: &Reading<'_>) -> Layout {
    let Dialect { delimiter, quote_char, double_quote, escape_char, header_row, line_terminator, encoding } =
        reading.source.dialect.clone();
    let field_bytes = work.environment.project.settings.limits.field_bytes;
    Layout {
        delimiter,
        quote: quote_char,
        doubled: double_quote,
        escape: escape_char,
        line_end: match line_terminator {
            LineTerminator::Any => LineEnd::Any,
            LineTerminator::Lf => LineEnd::Lf,
            LineTerminator::CrLf => LineEnd::CrLf,
            LineTerminator::Cr => LineEnd::Cr,
        },
        charset: match encoding {
            Encoding::Utf8 => Charset::Utf8,
            Encoding::Windows1252 => Charset::Windows1252,
            Encoding::Iso8859_1 => Charset::Latin1,
            Encoding::Cp850 => Charset::Cp850,
            Encoding::Utf16 => Charset::Utf16,
            Encoding::Utf16Le => Charset::Utf16Le,
            Encoding::Utf16Be => Charset::Utf16Be,
        },
        header_row,
        names: reading.source.schema.fields.iter().map(|field| field.name.value.clone()).collect(),
        longest: chartlift_io::source::csv::Options::new(reading.source.dialect.clone(), field_bytes)
            .record_bytes,
    }
}
