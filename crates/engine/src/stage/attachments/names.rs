//! Which file a row's text names. Only names of the folder's own listing are ever found, so no text leads out of it.

use std::collections::{BTreeSet, HashMap};

use unicode_normalization::UnicodeNormalization;

use super::super::identify::InputFile;

/// What a text comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// By its place among the input's files.
    Found {
        file: usize,
        /// Letter by letter.
        exact: bool,
    },
    Missing,
    /// Absolute, or on its way out of the folder.
    Refused,
}

/// The files of a folder by their names in it.
#[derive(Default)]
pub(super) struct Names {
    exact: HashMap<String, usize>,
    /// Without regard to case and to the form of accents; `None` where several files are alike then.
    folded: HashMap<String, Option<usize>>,
    /// What names begin with in the old system, folded.
    strip: Option<String>,
}

impl Names {
    /// `prefix`: the folder in the input, with its `/`. Files that are tables' are left out.
    pub(super) fn new(
        files: &[InputFile],
        prefix: Option<&str>,
        tables: &BTreeSet<&str>,
        strip: Option<&str>,
    ) -> Self {
        let mut names = Self { strip: strip.map(|strip| slashes(strip).to_lowercase()), ..Self::default() };
        let Some(prefix) = prefix else { return names };
        for (number, file) in files.iter().enumerate() {
            let Some(name) = file.name.strip_prefix(prefix) else { continue };
            if tables.contains(file.name.as_str()) {
                continue;
            }
            names.exact.insert(name.to_owned(), number);
            names.folded.entry(folded(name)).and_modify(|known| *known = None).or_insert(Some(number));
        }
        names
    }

    /// The files of the folder, in order.
    pub(super) fn files(&self) -> impl Iterator<Item = usize> + use<> {
        self.exact.values().copied().collect::<BTreeSet<usize>>().into_iter()
    }

    pub(super) fn find(&self, text: &str) -> Named {
        if let Some(file) = self.exact.get(text) {
            return Named::Found { file: *file, exact: true };
        }
        let Some(name) = self.relative(text.trim()) else { return Named::Refused };
        if let Some(file) = self.exact.get(&name) {
            return Named::Found { file: *file, exact: true };
        }
        match self.folded.get(&folded(&name)) {
            Some(Some(file)) => Named::Found { file: *file, exact: false },
            _ => Named::Missing,
        }
    }

    /// The name inside the folder, with `/` between its parts; none where it would leave the folder.
    fn relative(&self, text: &str) -> Option<String> {
        let mut text = slashes(text);
        if let Some(strip) = &self.strip
            && let Some(own) = text.get(..strip.len()).filter(|own| own.to_lowercase() == *strip)
        {
            // What is left may begin with the separator that `strip` leaves out.
            text = text.get(own.len()..)?.trim_start_matches('/').to_owned();
        }
        let drive = text.as_bytes().get(1) == Some(&b':');
        if text.starts_with('/') || drive || text.contains('\0') {
            return None;
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        (!parts.contains(&"..")).then(|| parts.join("/"))
    }
}

fn slashes(text: &str) -> String {
    text.replace('\\', "/")
}

fn folded(name: &str) -> String {
    name.nfc().collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(strip: Option<&str>) -> Names {
        let names = ["in/a.pdf", "in/B/C.pdf", "in/x.tif", "in/X.tif", "in/odd\\..\\name", "other.pdf"];
        let files: Vec<InputFile> = names
            .into_iter()
            .map(|name| InputFile { name: name.into(), path: name.into(), bytes: 1, identity: String::new() })
            .collect();
        Names::new(&files, Some("in/"), &BTreeSet::new(), strip)
    }

    #[test]
    fn a_name_is_found_exactly_then_alike_where_that_is_one() {
        let names = names(None);
        let found = |file, exact| Named::Found { file, exact };
        for (text, expected) in [
            ("a.pdf", found(0, true)),
            (" ./a.pdf ", found(0, true)),
            ("A.PDF", found(0, false)),
            ("B\\C.pdf", found(1, true)),
            ("b//c.PDF", found(1, false)),
            ("x.tif", found(2, true)),
            ("x.TIF", Named::Missing),
            ("odd\\..\\name", found(4, true)),
            ("other.pdf", Named::Missing),
            ("in/a.pdf", Named::Missing),
        ] {
            assert_eq!(names.find(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_leads_out() {
        let names = names(Some("C:\\Scans"));
        for text in [
            "../other.pdf",
            "B/../../other.pdf",
            "/etc/passwd",
            "\\\\server\\a.pdf",
            "..\\other.pdf",
            "D:\\a.pdf",
            "c:a.pdf",
            "a\0.pdf",
            "C:\\Scans\\..\\other.pdf",
        ] {
            assert_eq!(names.find(text), Named::Refused, "{text}");
        }
        assert_eq!(names.find("c:\\scans\\B\\C.pdf"), Named::Found { file: 1, exact: true });
    }
}
