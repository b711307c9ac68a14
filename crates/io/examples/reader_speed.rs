//! How fast the landing reader is beside arrow-csv, in one run: `cargo run --release -p chartlift-io --example reader_speed [MB]`.
//!
//! Writes clean UTF-8 (a third of the rows with a quoted note) and copies of it in which every row is damaged in one way,
//! and reads each from the page cache on one core: the index pass and the parse pass with row numbers, no hash. Prints
//! bytes per CPU second and ratios; only ratios within one run mean anything on a shared machine.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use chartlift_io::source::csv::{self, Hash, Options};
use chartlift_rules::Dialect;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const HEADER: &str =
    "Id,START,STOP,PATIENT,ORGANIZATION,CLASS,CODE,DESCRIPTION,BASE_COST,TOTAL_COST,NOTE,REASON";

#[derive(Clone, Copy, PartialEq)]
enum Damage {
    None,
    MissingCell,
    ExtraCell,
    OpenQuote,
    TextAfterQuote,
    Encoding,
}

const DAMAGES: [(&str, Damage); 6] = [
    ("clean", Damage::None),
    ("missing cell", Damage::MissingCell),
    ("extra cell", Damage::ExtraCell),
    ("open quote", Damage::OpenQuote),
    ("text after quote", Damage::TextAfterQuote),
    ("not UTF-8", Damage::Encoding),
];

fn main() -> Outcome<()> {
    let argument = std::env::args().nth(1);
    let folder = tempfile::tempdir()?;
    let mut lines = Vec::new();
    if let Some(path) = argument.as_ref().filter(|argument| Path::new(argument).exists()) {
        let path = PathBuf::from(path);
        lines.push(("file", best(&path, ours, Some(arrow_csv))?));
    } else {
        let megabytes = argument.map_or(Ok(400), |argument| argument.parse())?;
        for (name, damage) in DAMAGES {
            let path = folder.path().join("data.csv");
            generate(&path, megabytes << 20, damage)?;
            let other = (damage == Damage::None).then_some(arrow_csv as fn(&Path) -> Outcome<Speed>);
            lines.push((name, best(&path, ours, other)?));
        }
    }
    let mut out = std::io::stdout().lock();
    let clean = lines.first().map_or(1.0, |(_, (speed, _))| speed.total());
    for (name, (speed, theirs)) in &lines {
        write!(out, "{name:17} {:5.0} MB/s ({speed})", speed.total())?;
        match theirs {
            Some(theirs) => {
                writeln!(out, "  {:.2} of arrow-csv ({:.0})", speed.total() / theirs.total(), theirs.total())?
            }
            None => writeln!(out, "  {:.2} of clean", speed.total() / clean)?,
        }
    }
    Ok(())
}

/// CPU seconds of the parts of a reading.
#[derive(Clone, Copy)]
struct Speed {
    megabytes: f64,
    index: f64,
    parse: f64,
    rows: u64,
    rejects: u64,
}

impl Speed {
    fn total(&self) -> f64 {
        self.megabytes / (self.index + self.parse)
    }
}

impl std::fmt::Display for Speed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { megabytes, index, parse, rows, rejects } = self;
        write!(
            formatter,
            "index {:5.0}, parse {:5.0}; {rows} rows, {rejects} rejects",
            megabytes / index,
            megabytes / parse
        )
    }
}

/// The best of five of each, in turn, so that a drift of the machine cancels.
fn best(
    path: &Path,
    ours: fn(&Path) -> Outcome<Speed>,
    theirs: Option<fn(&Path) -> Outcome<Speed>>,
) -> Outcome<(Speed, Option<Speed>)> {
    let faster = |a: Speed, b: Speed| if a.total() > b.total() { a } else { b };
    let (mut mine, mut other) = (ours(path)?, theirs.map(|theirs| theirs(path)).transpose()?);
    for _ in 0..4 {
        mine = faster(mine, ours(path)?);
        if let (Some(best), Some(theirs)) = (other, theirs) {
            other = Some(faster(best, theirs(path)?));
        }
    }
    Ok((mine, other))
}

/// CPU seconds of this thread, or of the clock where the system does not tell.
fn cpu_seconds(start: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds =
        told.and_then(|text| text.split(' ').next().and_then(|first| first.parse::<f64>().ok()));
    nanoseconds.map_or_else(|| start.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

fn ours(path: &Path) -> Outcome<Speed> {
    let options = Options::new(Dialect::default(), 16 << 20);
    let file = File::open(path)?;
    let start = Instant::now();
    let begun = cpu_seconds(start);
    let index = csv::index(&file, &options, Hash::None, &mut |_| ())?;
    let indexed = cpu_seconds(start);
    let schema = text_columns(index.header.iter().map(String::as_str));
    let (mut rows, mut rejects) = (0, 0);
    for chunk in &index.chunks {
        let mut bytes = vec![0; (chunk.range.end - chunk.range.start) as usize];
        file.read_exact_at(&mut bytes, chunk.range.start)?;
        let parsed = csv::parse(&Bytes::from(bytes), chunk, &schema, 0, &options)?;
        rows += parsed.batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>();
        rejects += parsed.rejects.len() as u64;
    }
    let parsed = cpu_seconds(start);
    let megabytes = index.bytes as f64 / 1e6;
    Ok(Speed { megabytes, index: indexed - begun, parse: parsed - indexed, rows, rejects })
}

fn arrow_csv(path: &Path) -> Outcome<Speed> {
    let file = File::open(path)?;
    let megabytes = file.metadata()?.len() as f64 / 1e6;
    let mut header = String::new();
    std::io::BufRead::read_line(&mut BufReader::new(File::open(path)?), &mut header)?;
    let schema = text_columns(header.trim().split(','));
    let start = Instant::now();
    let begun = cpu_seconds(start);
    let reader = arrow_csv::ReaderBuilder::new(schema)
        .with_header(true)
        .with_batch_size(8192)
        .build_buffered(BufReader::with_capacity(256 << 10, file))?;
    let mut rows = 0;
    for batch in reader {
        rows += batch?.num_rows() as u64;
    }
    Ok(Speed { megabytes, index: 0.0, parse: cpu_seconds(start) - begun, rows, rejects: 0 })
}

fn text_columns<'a>(names: impl Iterator<Item = &'a str>) -> Arc<Schema> {
    Arc::new(Schema::new(names.map(|name| Field::new(name, DataType::Utf8View, true)).collect::<Vec<_>>()))
}

const DESCRIPTIONS: [&str; 4] =
    ["Encounter for check up", "Consulta de rotina", "Urgent care clinic (procedure)", "Exame geral"];

fn pick(from: &[&'static str], random: u64) -> &'static str {
    from.iter().cycle().nth((random % 64) as usize).copied().unwrap_or_default()
}

fn generate(path: &Path, bytes: u64, damage: Damage) -> Outcome<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    writeln!(out, "{HEADER}")?;
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 16
    };
    let (mut written, mut row) = (0, 0_u64);
    while written < bytes {
        let mut line = format!(
            "{:08x}-{:04x},20{:02}-0{}-1{}T0{}:15:00Z,,{:012x},{:06},{},{},{},{}.{:02},",
            random() as u32,
            random() as u16,
            row % 25,
            row % 9 + 1,
            row % 10,
            row % 8,
            random(),
            random() % 500,
            pick(&["ambulatory", "wellness", "emergency"], random()),
            185345009 + random() % 50,
            pick(&DESCRIPTIONS, random()),
            random() % 300,
            random() % 100,
        );
        line += &format!("{}.{:02},", random() % 900, random() % 100);
        if row.is_multiple_of(3) {
            line += "\"Paciente refere dor, sem febre.\nRetorno em 30 dias; \"\"manter\"\" medica\u{e7}\u{e3}o.\"";
        }
        line += if row.is_multiple_of(5) { ",Acute bronchitis" } else { "," };
        let mut line = line.into_bytes();
        match damage {
            Damage::None => {}
            Damage::MissingCell => line.truncate(line.iter().rposition(|byte| *byte == b',').unwrap_or(0)),
            Damage::ExtraCell => line.extend(b",x"),
            Damage::OpenQuote => line.extend(b",\"x"),
            Damage::TextAfterQuote => line.splice(..0, *b"\"x\"y").for_each(drop),
            Damage::Encoding => line.push(0xe7),
        }
        line.push(b'\n');
        out.write_all(&line)?;
        written += line.len() as u64;
        row += 1;
    }
    Ok(out.flush()?)
}
