//! Which files a pack claims for which of its tables, and how well each fits.

use std::collections::{BTreeMap, BTreeSet};

use chartlift_io::source::csv::{Extent, Options, Sample, sample};
use chartlift_rules::{Encoding, SourceTable, System, TableSchema};

use super::values::{Agreement, Expected};
use super::{FileHead, TableClaim, glob};

/// Rows looked at in each file.
const SAMPLE_ROWS: usize = 200;

/// A file is a table's only when at least this share of the columns of both are the same.
const CLAIM_LIKENESS: f64 = 0.5;

/// A file with another name is a table's only when it has exactly the table's columns, and at least so many.
const RENAMED_COLUMNS: usize = 3;

/// What the name, the header and the values weigh in a table's score.
const NAME_WEIGHT: f64 = 0.1;
const HEADER_WEIGHT: f64 = 0.7;
const VALUES_WEIGHT: f64 = 0.2;

/// The columns in another order than the schema's.
const OTHER_ORDER: f64 = 0.97;

/// What a pack makes of the files.
#[derive(Default)]
pub(super) struct Claims {
    /// Tables with files, in the pack's order.
    pub(super) tables: Vec<TableClaim>,
    /// Files that bear a table's name and are not its files: why.
    pub(super) refused: Vec<String>,
}

/// One file that a table may claim.
struct Fit {
    file: usize,
    score: f64,
    renamed: bool,
    missing: Vec<String>,
    extra: Vec<String>,
    in_order: bool,
    agreement: Agreement,
    damaged: u64,
}

pub(super) fn claims(system: &System, files: &[FileHead], field_bytes: usize) -> Claims {
    let base = base_folder(system, files);
    let mut claims = Claims::default();
    // Each file goes to the table it fits best; equal ones to the first.
    let mut best: BTreeMap<usize, (usize, Fit)> = BTreeMap::new();
    for (number, table) in system.tables.iter().enumerate() {
        let expected = Expected::new(&table.schema, &system.timezone);
        for (at, file) in files.iter().enumerate() {
            let named = file.name.strip_prefix(base).is_some_and(|name| glob::fits(&table.path, name));
            if !named {
                continue;
            }
            match fit(table, &expected, at, file, field_bytes) {
                Ok(fit) if best.get(&at).is_none_or(|(_, other)| fit.score > other.score) => {
                    best.insert(at, (number, fit));
                }
                Ok(_) => {}
                Err(why) => claims.refused.push(why),
            }
        }
    }
    add_renamed(system, files, base, field_bytes, &mut best);
    for (number, table) in system.tables.iter().enumerate() {
        let fits: Vec<&Fit> = best.values().filter(|(of, _)| *of == number).map(|(_, fit)| fit).collect();
        if !fits.is_empty() {
            claims.tables.push(claim(table, &fits, files));
        }
    }
    claims
}

/// The folder in which the names of the pack's files stand. An export is one folder (and what is in it); a copy of it
/// in another folder is not read as more of the same.
fn base_folder<'a>(system: &System, files: &'a [FileHead]) -> &'a str {
    let mut folders = BTreeSet::from([""]);
    for file in files {
        let ends = file.name.match_indices('/').map(|(at, _)| at + 1);
        folders.extend(ends.filter_map(|end| file.name.get(..end)));
    }
    let tables_found = |folder: &str| {
        let names = || files.iter().filter_map(|file| file.name.strip_prefix(folder));
        system.tables.iter().filter(|table| names().any(|name| glob::fits(&table.path, name))).count()
    };
    let depth = |folder: &str| folder.matches('/').count();
    let ranked = folders.into_iter().map(|folder| (tables_found(folder), folder));
    // The most tables, then the shallowest, then the first by name.
    ranked
        .reduce(|best, next| {
            let better = next.0 > best.0 || next.0 == best.0 && depth(next.1) < depth(best.1);
            if better { next } else { best }
        })
        .map_or("", |(_, folder)| folder)
}

/// Tables without a file take files of another name with exactly their columns, where that is the only such table.
fn add_renamed(
    system: &System,
    files: &[FileHead],
    base: &str,
    field_bytes: usize,
    best: &mut BTreeMap<usize, (usize, Fit)>,
) {
    let taken: BTreeSet<usize> = best.values().map(|(table, _)| *table).collect();
    let open: Vec<(usize, &SourceTable)> = system
        .tables
        .iter()
        .enumerate()
        .filter(|(number, table)| !taken.contains(number) && table.schema.fields.len() >= RENAMED_COLUMNS)
        .collect();
    for (at, file) in files.iter().enumerate().filter(|(_, file)| file.name.starts_with(base)) {
        if best.contains_key(&at) {
            continue;
        }
        let mut found = open.iter().filter(|(_, table)| {
            table.dialect.header_row > 0
                && read(table, file, 1, field_bytes)
                    .is_some_and(|sample| Columns::compare(&table.schema, &sample).same())
        });
        if let (Some((number, table)), None) = (found.next(), found.next()) {
            let expected = Expected::new(&table.schema, &system.timezone);
            if let Ok(mut fit) = fit(table, &expected, at, file, field_bytes) {
                fit.renamed = true;
                fit.score -= NAME_WEIGHT;
                best.insert(at, (*number, fit));
            }
        }
    }
}

pub(super) fn read(table: &SourceTable, file: &FileHead, rows: usize, field_bytes: usize) -> Option<Sample> {
    let whole = file.size <= file.head.len() as u64;
    let extent = if whole { Extent::Whole } else { Extent::Head };
    sample(&file.head, extent, rows, &Options::new(table.dialect.clone(), field_bytes)).ok()
}

/// How a file of the right name fits the table, or in words why it is none of its files.
fn fit(
    table: &SourceTable,
    expected: &Expected,
    at: usize,
    file: &FileHead,
    field_bytes: usize,
) -> Result<Fit, String> {
    let (name, table_name) = (&file.name, &table.name.value);
    if file.size == 0 {
        return Err(format!("`{name}` bears the name of `{table_name}` and is empty"));
    }
    let Some(sample) = read(table, file, SAMPLE_ROWS, field_bytes) else {
        return Err(format!("`{name}` cannot be read in the dialect of `{table_name}`"));
    };
    let columns = Columns::compare(&table.schema, &sample);
    if columns.likeness() < CLAIM_LIKENESS {
        if let Some(encoding) = other_encoding(table, file) {
            return Err(format!(
                "`{name}` bears the name of `{table_name}` and begins with the mark of {encoding}, which is not \
                 the pack's encoding"
            ));
        }
        return Err(format!(
            "`{name}` bears the name of `{table_name}` and has {} of its {} columns",
            columns.common,
            table.schema.fields.len()
        ));
    }
    let header = if sample.header.is_empty() { columns.names.clone() } else { sample.header };
    let agreement = expected.agreement(&header, &sample.rows);
    let header = columns.likeness() * if columns.in_order { 1.0 } else { OTHER_ORDER };
    let shown = NAME_WEIGHT + HEADER_WEIGHT * header;
    let score = match agreement.share() {
        Some(share) => shown + VALUES_WEIGHT * share,
        // Nothing speaks against the file: what is known counts for all.
        None => shown / (NAME_WEIGHT + HEADER_WEIGHT),
    };
    let Columns { missing, extra, in_order, .. } = columns;
    Ok(Fit { file: at, score, renamed: false, missing, extra, in_order, agreement, damaged: sample.rejects })
}

/// The encoding that a file is marked with and the pack does not say.
fn other_encoding(table: &SourceTable, file: &FileHead) -> Option<&'static str> {
    let (marked, read) = match file.head.as_slice() {
        [0xff, 0xfe, ..] => ("utf-16le", [Encoding::Utf16, Encoding::Utf16Le]),
        [0xfe, 0xff, ..] => ("utf-16be", [Encoding::Utf16, Encoding::Utf16Be]),
        [0xef, 0xbb, 0xbf, ..] => ("utf-8", [Encoding::Utf8; 2]),
        _ => return None,
    };
    (!read.contains(&table.dialect.encoding)).then_some(marked)
}

/// A header beside a schema.
struct Columns {
    /// The schema's, in order.
    names: Vec<String>,
    common: usize,
    missing: Vec<String>,
    extra: Vec<String>,
    in_order: bool,
}

impl Columns {
    fn compare(schema: &TableSchema, sample: &Sample) -> Self {
        let names: Vec<String> = schema.fields.iter().map(|field| field.name.value.clone()).collect();
        if sample.header.is_empty() {
            // Without a header only the number of fields speaks.
            let width = sample.rows.first().map_or(0, Vec::len);
            let common = if width == names.len() { width } else { 0 };
            let missing = if common == 0 { names.clone() } else { Vec::new() };
            return Self { names, common, missing, extra: Vec::new(), in_order: true };
        }
        let expected: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let found: BTreeSet<&str> = sample.header.iter().map(String::as_str).collect();
        let shared = |list: &[String]| -> Vec<String> {
            let both = |name: &&String| expected.contains(name.as_str()) && found.contains(name.as_str());
            list.iter().filter(both).cloned().collect()
        };
        let in_order = shared(&names) == shared(&sample.header);
        let common = expected.intersection(&found).count();
        let missing = names.iter().filter(|name| !found.contains(name.as_str())).cloned().collect();
        let extra = sample.header.iter().filter(|name| !expected.contains(name.as_str())).cloned().collect();
        Self { common, missing, extra, in_order, names }
    }

    fn likeness(&self) -> f64 {
        let all = self.common + self.missing.len() + self.extra.len();
        if all == 0 { 0.0 } else { self.common as f64 / all as f64 }
    }

    fn same(&self) -> bool {
        self.common > 0 && self.missing.is_empty() && self.extra.is_empty()
    }
}

fn claim(table: &SourceTable, fits: &[&Fit], files: &[FileHead]) -> TableClaim {
    let union = |of: fn(&Fit) -> &[String]| -> Vec<String> {
        let all: BTreeSet<&String> = fits.iter().flat_map(|fit| of(fit)).collect();
        all.into_iter().cloned().collect()
    };
    let name = |fit: &&Fit| files.get(fit.file).map(|file| file.name.clone());
    let agreeing: usize = fits.iter().map(|fit| fit.agreement.agreeing).sum();
    let disagreeing: usize = fits.iter().map(|fit| fit.agreement.disagreeing.len()).sum();
    let told = agreeing + disagreeing;
    TableClaim {
        table: table.name.value.clone(),
        required: table.required,
        files: fits.iter().filter_map(name).collect(),
        score: super::rounded(fits.iter().map(|fit| fit.score).sum::<f64>() / fits.len() as f64),
        renamed: fits.iter().any(|fit| fit.renamed),
        columns: table.schema.fields.len(),
        in_order: fits.iter().all(|fit| fit.in_order),
        missing_columns: union(|fit| &fit.missing),
        extra_columns: union(|fit| &fit.extra),
        disagreeing_columns: union(|fit| &fit.agreement.disagreeing),
        agreement: (told > 0).then(|| super::rounded(agreeing as f64 / told as f64)),
        damaged: fits.iter().map(|fit| fit.damaged).sum(),
    }
}
