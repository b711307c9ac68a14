//! Python's `csv` as the oracle for sound files.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use chartlift_io::source::csv::Options;
use chartlift_rules::{Dialect, Encoding};

const SCRIPT: &str = "
import csv, io, json, sys
csv.field_size_limit(1 << 30)
delimiter, double, escape = sys.argv[1], sys.argv[2] == 'yes', sys.argv[3] or None
text = io.TextIOWrapper(sys.stdin.buffer, encoding=sys.argv[4], newline='')
rows = csv.reader(text, delimiter=delimiter, doublequote=double, escapechar=escape)
json.dump([row for row in rows if row], sys.stdout)
";

/// The non-empty records that Python reads; `None` without Python.
fn python(input: &[u8], dialect: &Dialect) -> Option<Vec<Vec<String>>> {
    let character = |byte: u8| (byte as char).to_string();
    let child = Command::new("python3")
        .args(["-c", SCRIPT, &character(dialect.delimiter)])
        .arg(if dialect.double_quote { "yes" } else { "no" })
        .arg(dialect.escape_char.map(character).unwrap_or_default())
        .arg(match dialect.encoding {
            Encoding::Utf8 => "utf-8-sig",
            Encoding::Windows1252 => "cp1252",
            Encoding::Iso8859_1 => "latin-1",
            Encoding::Cp850 => "cp850",
            Encoding::Utf16 => "utf-16",
            Encoding::Utf16Le => "utf-16-le",
            Encoding::Utf16Be => "utf-16-be",
        })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("skipped: no python3");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn ours(input: &[u8], dialect: Dialect) -> Vec<Vec<String>> {
    let (header, records) = super::read(input, &Options::new(dialect, 1 << 24), 1 << 20);
    let rows = records
        .into_iter()
        .map(|record| record.fields.unwrap().into_iter().map(Option::unwrap_or_default).collect());
    std::iter::once(header).chain(rows).collect()
}

#[test]
fn sound_files_read_as_python_reads_them() {
    let mut state = 5_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) as usize) % below
    };
    for round in 0..8 {
        let escape_char = (round % 2 == 1).then_some(b'\\');
        let dialect = Dialect { delimiter: b",;\t|"[round % 4], escape_char, ..Dialect::default() };
        let line_end = ["\n", "\r\n"][round / 4];
        let mut input = format!(
            "{}a{}b{}c{line_end}",
            ["", "\u{feff}"][round % 2],
            dialect.delimiter as char,
            dialect.delimiter as char
        );
        for _ in 0..500 {
            for field in 0..3 {
                let quoted = random(3) == 0;
                let mut text = String::new();
                for _ in 0..random(8) {
                    let piece = ["a", "b ", "ç", "5\" tall", "\n", "\r\n", ";", ",", "|", "\t", "\\", "'"]
                        [random(12)];
                    let special = "\r\n,;|\t\\".contains(piece.trim_matches(' ')) && piece != "b ";
                    match piece {
                        "\\" if escape_char.is_some() => text += "\\\\",
                        _ if special && !quoted => text += "-",
                        "5\" tall" if quoted => text += "5\"\" tall",
                        "5\" tall" if text.is_empty() => text += "5 tall",
                        piece => text += piece,
                    }
                }
                input += &if quoted { format!("\"{text}\"") } else { text };
                if field < 2 {
                    input.push(dialect.delimiter as char);
                }
            }
            input += line_end;
            if random(20) == 0 {
                input += line_end;
            }
        }
        let Some(expected) = python(input.as_bytes(), &dialect) else { return };
        assert_eq!(ours(input.as_bytes(), dialect), expected);
    }
}

/// Every byte of the encodings of single bytes, and UTF-16 in both orders.
#[test]
fn other_encodings_read_as_python_reads_them() {
    let mut all: Vec<u8> = b"a,b\n".to_vec();
    for byte in 0x80..=u8::MAX {
        all.extend([byte, b',', b'x', byte, b'\n']);
    }
    for encoding in [Encoding::Cp850, Encoding::Iso8859_1] {
        let dialect = Dialect { encoding, ..Dialect::default() };
        let Some(expected) = python(&all, &dialect) else { return };
        assert_eq!(ours(&all, dialect), expected);
    }
    let text = "\u{feff}a,b\r\nS\u{e3}o,\"\u{1f600}\r\n\u{ffff}\"\r\n\u{20ac},\r\n";
    for (encoding, bytes) in [
        (Encoding::Utf16, u16::to_le_bytes as fn(u16) -> [u8; 2]),
        (Encoding::Utf16, u16::to_be_bytes),
        (Encoding::Utf16Le, u16::to_le_bytes),
        (Encoding::Utf16Be, u16::to_be_bytes),
    ] {
        let dialect = Dialect { encoding, ..Dialect::default() };
        // Python takes the mark off only where the encoding's name leaves the order open.
        let text = if encoding == Encoding::Utf16 { text } else { text.trim_start_matches('\u{feff}') };
        let input: Vec<u8> = text.encode_utf16().flat_map(bytes).collect();
        let Some(expected) = python(&input, &dialect) else { return };
        assert_eq!(ours(&input, dialect), expected);
    }
}

#[test]
fn real_exports_read_as_python_reads_them() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/synthea/ext_v320_jijones12");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: no shared data");
        return;
    };
    let files = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "csv"));
    for path in files {
        let input = std::fs::read(&path).unwrap();
        let Some(expected) = python(&input, &Dialect::default()) else { return };
        assert!(ours(&input, Dialect::default()) == expected, "{}", path.display());
    }
}
