//! Cells that break programs, in every text column, keys among them, from the file to the target: each is there byte by
//! byte, or its row is held with a code.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, ensure};

use crate::Test;
use crate::database::{Database, Kind};
use crate::workspace::Workspace;

pub(crate) const TESTS: &[Test] = &[
    ("in_sqlite", || each_is_there_or_held(Kind::Sqlite)),
    ("in_postgres", || each_is_there_or_held(Kind::Postgres)),
];

#[expect(clippy::too_many_lines, reason = "one list")]
fn cells() -> Vec<(&'static str, Vec<u8>)> {
    let texts = [
        ("apostrophe", "O'Neil"),
        ("only an apostrophe", "'"),
        ("two apostrophes", "''"),
        ("quote", "say \"ah\""),
        ("only a quote", "\""),
        ("back quote", "`"),
        ("backslash", "a\\b"),
        ("only a backslash", "\\"),
        ("backslash at the end", "C:\\"),
        ("COPY's null", "\\N"),
        ("COPY's end", "\\."),
        ("COPY's end on a line", "a\n\\.\nb"),
        ("escapes", "\\t\\n\\x41\\u0041"),
        ("tab", "a\tb"),
        ("newline", "a\nb"),
        ("newlines at the ends", "\na\n"),
        ("carriage return", "a\rb"),
        ("both", "a\r\nb"),
        ("NUL", "a\0b"),
        ("only a NUL", "\0"),
        ("space", " "),
        ("spaces at the ends", "  a  "),
        ("no-break space", "\u{a0}"),
        ("zero-width space", "a\u{200b}b"),
        ("NA", "NA"),
        ("N/A", "N/A"),
        ("NaN", "NaN"),
        ("nan", "nan"),
        ("None", "None"),
        ("NULL", "NULL"),
        ("null", "null"),
        ("nil", "nil"),
        ("undefined", "undefined"),
        ("infinity", "-Infinity"),
        ("true", "true"),
        ("leading zeros", "000123"),
        ("plus", "+5511999990000"),
        ("exponent", "1e5"),
        ("a long number", "12345678901234567890123"),
        ("decimal comma", "1,50"),
        ("negative zero", "-0"),
        ("hexadecimal", "0x1F"),
        ("no date", "99/99/9999"),
        ("zero date", "0000-00-00"),
        ("a day with a time", "2024-02-30T25:61:61Z"),
        ("delimiter", "a,b"),
        ("other delimiters", "a;b|c"),
        ("formula", "=cmd|' /C calc'!A0"),
        ("SQL", "x'); DROP TABLE entries; --"),
        ("SQL comment", "/* -- */"),
        ("placeholders", "$1 ? :a %s {0} ${HOME}"),
        ("dollar quotes", "$$ $a$"),
        ("markup", "<script>alert('a')</script>&amp;"),
        ("JSON", "{\"a\": [1, null]}"),
        ("byte order mark", "\u{feff}a"),
        ("only a byte order mark", "\u{feff}"),
        ("control characters", "\u{1}\u{2}\u{7}\u{8}\u{b}\u{c}\u{1b}[31m\u{7f}"),
        ("C1 controls", "\u{80}\u{85}\u{9f}"),
        ("line separators", "a\u{2028}b\u{2029}c"),
        ("right to left", "\u{202e}abc\u{202c}"),
        ("marks of direction", "a\u{200f}b\u{200e}c\u{2066}d\u{2069}"),
        ("composed accent", "Jos\u{e9}"),
        ("combining accent", "Jose\u{301}"),
        ("stacked accents", "Z\u{335}\u{321}\u{322}\u{327}\u{328}\u{334}"),
        ("emoji", "🩺"),
        ("family", "👨\u{200d}👩\u{200d}👧"),
        ("flag", "🇧🇷"),
        ("beyond the first plane", "𝒳𐍈"),
        ("last character", "\u{10ffff}"),
        ("no characters", "\u{fffe}\u{ffff}\u{fffd}"),
        ("private use", "\u{e000}\u{f8ff}"),
        ("Chinese", "病历"),
        ("Arabic", "مريض"),
        ("Turkish i", "İı"),
        ("sharp s", "ẞß"),
        ("ligature", "ﬁ"),
        ("mojibake", "SÃ£o"),
    ];
    let mut cells: Vec<(&'static str, Vec<u8>)> =
        texts.iter().map(|(name, text)| (*name, text.as_bytes().to_vec())).collect();
    cells.extend([
        ("lone high surrogate", b"a\xed\xa0\x80b".to_vec()),
        ("lone low surrogate", b"a\xed\xb0\x80b".to_vec()),
        ("surrogates as in CESU-8", b"\xed\xa0\xbd\xed\xb8\x80".to_vec()),
        ("Latin-1", b"S\xe3o".to_vec()),
        ("overlong NUL", b"a\xc0\x80b".to_vec()),
        ("half a character", b"a\xf0\x9f".to_vec()),
        ("beyond Unicode", b"\xf4\x90\x80\x80".to_vec()),
        ("FE and FF", b"\xfe\xff".to_vec()),
        ("61 characters", vec![b'x'; 61]),
        ("61 characters of four bytes", "🩺".repeat(61).into_bytes()),
        // No compression makes it fit into an index.
        ("200 kB", noise(200_000)),
        ("200 kB of one letter", vec![b'a'; 200_000]),
        ("200 kB of quotes", vec![b'"'; 200_000]),
        ("200 kB of newlines", vec![b'\n'; 200_000]),
        ("1 MB", noise(1_000_000)),
    ]);
    cells
}

/// Letters in no order.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b'a' + ((state >> 33) % 26) as u8
    };
    (0..count).map(letter).collect()
}

/// Where a cell is put: the file, its header, the column, and the others' values.
const PLACES: &[(&str, &str, &[&str])] = &[
    ("entries", "name", &["id", "name", "note", "code"]),
    ("entries", "note", &["id", "name", "note", "code"]),
    ("entries", "code", &["id", "name", "note", "code"]),
    ("remarks", "text", &["id", "entry", "text"]),
    ("keys", "id", &["id", "label"]),
];

/// A row of a file, and how it is found again.
struct Sent {
    kind: &'static str,
    table: &'static str,
    column: &'static str,
    /// Of the column that finds the row in the target.
    label: String,
    file_row: usize,
    bytes: Vec<u8>,
}

fn write_inputs(workspace: &Workspace) -> anyhow::Result<Vec<Sent>> {
    let mut files: BTreeMap<&str, (Vec<u8>, usize)> = BTreeMap::new();
    let mut sent = Vec::new();
    let mut add = |table, header: &[&str], cells: &[&[u8]]| -> usize {
        let (file, rows) = files.entry(table).or_insert_with(|| (header.join(",").into_bytes(), 0));
        for (index, cell) in cells.iter().enumerate() {
            file.extend_from_slice(if index == 0 { b"\n\"" } else { b",\"" });
            for byte in *cell {
                file.extend(std::iter::repeat_n(*byte, if *byte == b'"' { 2 } else { 1 }));
            }
            file.push(b'"');
        }
        *rows += 1;
        *rows
    };
    add("entries", PLACES[0].2, &[b"whole", b"a", b"b", b"c"]);
    for (table, column, header) in PLACES {
        for (number, (kind, bytes)) in cells().into_iter().enumerate() {
            let label = format!("{column}-{number}");
            let cell = |name: &&str| -> Vec<u8> {
                match *name {
                    name if name == *column => bytes.clone(),
                    "id" | "label" => label.clone().into_bytes(),
                    "entry" => b"whole".to_vec(),
                    _ => b"plain".to_vec(),
                }
            };
            let cells: Vec<Vec<u8>> = header.iter().map(cell).collect();
            let file_row = add(table, header, &cells.iter().map(Vec::as_slice).collect::<Vec<_>>());
            sent.push(Sent { kind, table, column, label, file_row, bytes });
        }
    }
    for (table, (mut file, _)) in files {
        file.push(b'\n');
        std::fs::write(workspace.path().join("input").join(format!("{table}.csv")), file)?;
    }
    Ok(sent)
}

fn each_is_there_or_held(kind: Kind) -> anyhow::Result<()> {
    let workspace = Workspace::with_base("cells")?;
    std::fs::create_dir_all(workspace.path().join("input"))?;
    let sent = write_inputs(&workspace)?;
    let kinds = cells().len();
    ensure!(kinds >= 50, "only {kinds} kinds");
    let Some(database) = Database::create(kind, &workspace)? else { return Ok(()) };
    let target = format!("cells={}", database.url());
    for words in [
        &["target", "init", "--with-tables", "--target", &target][..],
        &["order", "create", "--id", "1", "--input", "input", "--target", &target],
        &["run", "--order", "1"],
    ] {
        let finished = workspace.run(words)?;
        ensure!(finished.exit == Some(0), "{words:?}: {finished}");
    }
    let held = held_rows(&workspace)?;
    let loaded = loaded_cells(kind, &database)?;
    let mut problems = Vec::new();
    let mut unheld = 0;
    for one in &sent {
        let place = format!("{} in {}.{}", one.kind, one.table, one.column);
        let codes = held.get(&(one.table.to_owned(), one.file_row));
        match (loaded.get(&(one.table, one.column, one.label.clone())), codes) {
            (Some(hex), None) => {
                unheld += 1;
                let wanted: String = one.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                if *hex != wanted {
                    problems.push(format!("{place}: not byte by byte"));
                }
            }
            (Some(_), Some(codes)) => problems.push(format!("{place}: held ({codes:?}) and loaded")),
            (None, None) => problems.push(format!("{place}: neither there nor held")),
            (None, Some(_)) => {}
        }
    }
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    // Most cells are only odd: a program that held everything would be no use.
    ensure!(unheld * 10 > sent.len() * 7, "only {unheld} of {} were loaded", sent.len());
    Ok(())
}

/// Codes of rows that are held or rejected, by table and row of its file.
fn held_rows(workspace: &Workspace) -> anyhow::Result<HashMap<(String, usize), Vec<String>>> {
    let finished = workspace.run(&["rejects", "--order", "1", "--marks"])?;
    ensure!(finished.exit == Some(0), "{finished}");
    let mut held: HashMap<(String, usize), Vec<String>> = HashMap::new();
    for record in csv::Reader::from_reader(finished.stdout.as_bytes()).deserialize() {
        let mark: BTreeMap<String, String> = record?;
        if ["quarantine", "block"].contains(&mark["disposition"].as_str()) {
            ensure!(!mark["code"].is_empty(), "a mark without a code: {mark:?}");
            let file =
                mark["file"].rsplit('/').next().unwrap_or_default().trim_end_matches(".csv").to_owned();
            let row = mark["row"].parse().with_context(|| format!("{mark:?}"))?;
            held.entry((file, row)).or_default().push(mark["code"].clone());
        }
    }
    Ok(held)
}

type Loaded = HashMap<(&'static str, &'static str, String), String>;

/// The bytes of every cell in question, in hexadecimal digits, as the database itself tells them.
fn loaded_cells(kind: Kind, database: &Database) -> anyhow::Result<Loaded> {
    let mut loaded = HashMap::new();
    for (table, column, _) in PLACES {
        let label = if *table == "keys" { "label" } else { "id" };
        let hex = match kind {
            Kind::Sqlite => format!("lower(hex(cast(\"{column}\" as blob)))"),
            Kind::Postgres => format!("encode(convert_to(\"{column}\", 'UTF8'), 'hex')"),
        };
        for row in database.query(&format!("select {label}, {hex} from {table}"))? {
            if row[0].starts_with(&format!("{column}-")) {
                loaded.insert((*table, *column, row[0].clone()), row[1].clone());
            }
        }
    }
    Ok(loaded)
}
