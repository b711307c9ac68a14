//! What a file is: read once from its beginning to its end, whatever its size.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};

use super::super::Work;
use super::super::identify::InputFile;
use crate::Error;
use crate::statement::Stage;

const BUFFER_BYTES: usize = 1 << 20;

pub(super) struct Content {
    /// Relative to the input, with `/`.
    pub(super) name: String,
    pub(super) bytes: u64,
    /// Lower-case hexadecimal digits; of nothing where the file was not opened.
    pub(super) sha256: String,
    pub(super) media_type: Option<&'static str>,
    /// A link leads out of the input: it was not opened.
    pub(super) outside: bool,
}

/// Reads the files of these numbers, several at once.
pub(super) fn read(
    work: &Work<'_>,
    input: &Path,
    files: &[InputFile],
    numbers: &BTreeSet<usize>,
) -> Result<BTreeMap<usize, Content>, Error> {
    let wanted: Vec<(usize, &InputFile)> =
        numbers.iter().filter_map(|number| Some((*number, files.get(*number)?))).collect();
    let input = input.canonicalize().map_err(Error::file("look at", input))?;
    let progress = &work.environment.progress;
    progress.begin(Stage::Check, "reading attachments", wanted.iter().map(|(_, file)| file.bytes).sum());
    let next = AtomicUsize::new(0);
    let done = Mutex::new((BTreeMap::new(), None));
    std::thread::scope(|scope| {
        for _ in 0..work.environment.threads.clamp(1, wanted.len().max(1)) {
            scope.spawn(|| {
                while let Some((number, file)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let read = content(file, &input);
                    progress.advance(file.bytes);
                    let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    match read {
                        Ok(content) => drop(done.0.insert(*number, content)),
                        Err(error) => {
                            next.store(wanted.len(), Ordering::Relaxed);
                            done.1.get_or_insert(error);
                        }
                    }
                }
            });
        }
    });
    progress.end();
    match done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        (contents, None) => Ok(contents),
        // The file's own name may be a patient's.
        (_, Some(source)) => Err(Error::file("read an attachment of", &input)(source)),
    }
}

fn content(file: &InputFile, input: &Path) -> Result<Content, std::io::Error> {
    let outside = !file.path.canonicalize()?.starts_with(input);
    let mut hasher = Sha256::new();
    let mut content =
        Content { name: file.name.clone(), bytes: 0, sha256: String::new(), media_type: None, outside };
    if !outside {
        let mut input = File::open(&file.path)?;
        let mut buffer =
            vec![0; BUFFER_BYTES.min(usize::try_from(file.bytes).unwrap_or(usize::MAX).max(512))];
        let mut first = true;
        loop {
            let mut filled = 0;
            while let Some(space) = buffer.get_mut(filled..).filter(|space| !space.is_empty()) {
                match input.read(space) {
                    Ok(0) => break,
                    Ok(read) => filled += read,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            let bytes = buffer.get(..filled).unwrap_or_default();
            if first {
                content.media_type = media_type(bytes, &file.name);
                first = false;
            }
            if bytes.is_empty() {
                break;
            }
            hasher.update(bytes);
            content.bytes += bytes.len() as u64;
        }
    }
    content.sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(content)
}

/// What the first bytes say, else what the ending of the name says.
fn media_type(bytes: &[u8], name: &str) -> Option<&'static str> {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
    let starts = |with: &[u8]| bytes.starts_with(with);
    Some(match ending.as_str() {
        _ if starts(b"%PDF-") => "application/pdf",
        _ if starts(b"\xff\xd8\xff") => "image/jpeg",
        _ if starts(b"\x89PNG\r\n\x1a\n") => "image/png",
        _ if starts(b"GIF87a") || starts(b"GIF89a") => "image/gif",
        _ if starts(b"II*\0") || starts(b"MM\0*") => "image/tiff",
        _ if starts(b"{\\rtf") => "application/rtf",
        _ if bytes.get(128..132) == Some(b"DICM") => "application/dicom",
        _ if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => "image/webp",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "odt" => "application/vnd.oasis.opendocument.text",
        "doc" => "application/msword",
        "xls" => "application/vnd.ms-excel",
        "bmp" => "image/bmp",
        "txt" => "text/plain",
        "html" | "htm" => "text/html",
        "csv" => "text/csv",
        "xml" => "application/xml",
        "json" => "application/json",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "p7s" => "application/pkcs7-signature",
        _ if starts(b"PK\x03\x04") => "application/zip",
        _ => return None,
    })
}
