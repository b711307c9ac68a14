//! The archive of residue: one page a patient, written one after the other, and an index of them.
//!
//! It holds patients' data, so it belongs into the order's data area. Names of files say nothing about anybody.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chartlift_engine::Error;
use chartlift_engine::archive::Archive;

use super::STYLE;
use super::markup::Markup;

const CELLS: &str = "td { white-space: pre-wrap; overflow-wrap: anywhere; vertical-align: top; }\n";

/// The page of rows that belong to no patient.
const NOBODY: &str = "no-patient.html";

/// What an archive came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Patients who have residue.
    pub(crate) patients: u64,
    /// Rows with residue; one that belongs to several patients counts for each.
    pub(crate) rows: u64,
    /// Those of them that belong to no patient.
    pub(crate) unowned: u64,
}

/// Writes an archive into a folder of its own.
pub(crate) struct Pages {
    folder: PathBuf,
    order: String,
    index: Page,
    open: Option<Open>,
    counts: Counts,
}

/// The page being written.
struct Open {
    page: Page,
    name: String,
    key: Option<String>,
    called: Option<String>,
    rows: u64,
    /// A table of the page is open.
    table: bool,
}

struct Page {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Page {
    fn create(folder: &Path, name: &str, title: &str) -> Result<Self, Error> {
        let path = folder.join(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(Error::file("create", &path))?;
        let mut page = Self { path, out: BufWriter::new(file) };
        let title = Markup::verbatim(title);
        page.write(&format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>\n<style>\n{STYLE}{CELLS}</style>\n\
             </head>\n<body>\n<header><h1>{title}</h1></header>\n<main>\n"
        ))?;
        Ok(page)
    }

    fn write(&mut self, html: &str) -> Result<(), Error> {
        self.out.write_all(html.as_bytes()).map_err(Error::file("write", &self.path))
    }

    fn close(mut self) -> Result<(), Error> {
        self.write("</main>\n</body>\n</html>\n")?;
        self.out.flush().map_err(Error::file("write", &self.path))
    }
}

impl Pages {
    /// `folder` must not exist.
    pub(crate) fn create(folder: &Path, order: &str) -> Result<Self, Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(Error::file("create the folder", folder))?;
        let mut index = Page::create(folder, "index.html", &format!("Order {order}: archive of residue"))?;
        index.write(
            "<p>What the rules map nowhere, word for word as the export has it. Columns that are never kept, such as \
             passwords, are not among it.</p>\n<table>\n<thead><tr><th scope=\"col\">Patient</th>\
             <th scope=\"col\">Name</th><th scope=\"col\">Rows</th></tr></thead>\n<tbody>\n",
        )?;
        let (folder, order) = (folder.to_path_buf(), order.to_owned());
        Ok(Self { folder, order, index, open: None, counts: Counts::default() })
    }

    pub(crate) fn finish(mut self) -> Result<Counts, Error> {
        self.end_patient()?;
        self.index.write("</tbody></table>\n")?;
        self.index.close()?;
        Ok(self.counts)
    }

    fn end_patient(&mut self) -> Result<(), Error> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        if open.table {
            open.page.write("</tbody></table>\n")?;
        }
        open.page.close()?;
        let key = open.key.as_deref().map_or_else(|| Markup::text("Rows of no patient"), Markup::verbatim);
        let called = Markup::verbatim(open.called.as_deref().unwrap_or_default());
        self.index.write(&format!(
            "<tr><th scope=\"row\"><a href=\"{}\">{key}</a></th><td>{called}</td><td>{}</td></tr>\n",
            open.name,
            Markup::from(open.rows)
        ))
    }
}

impl Archive for Pages {
    fn patient(&mut self, key: Option<&str>, name: Option<&str>) -> Result<(), Error> {
        self.end_patient()?;
        let (file, title) = match key {
            Some(key) => {
                self.counts.patients += 1;
                let called = name.map(|name| format!(": {name}")).unwrap_or_default();
                (format!("patient-{:06}.html", self.counts.patients), format!("Patient {key}{called}"))
            }
            None => (NOBODY.to_owned(), "Rows of no patient".to_owned()),
        };
        let mut page = Page::create(&self.folder, &file, &title)?;
        let order = Markup::text(&self.order);
        page.write(&format!(
            "<p>Order {order}: what the rules map nowhere. <a href=\"index.html\">All patients</a></p>\n"
        ))?;
        let (key, called) = (key.map(str::to_owned), name.map(str::to_owned));
        self.open = Some(Open { page, name: file, key, called, rows: 0, table: false });
        Ok(())
    }

    fn table(&mut self, table: &str, columns: &[String]) -> Result<(), Error> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let before = if open.table { "</tbody></table>\n" } else { "" };
        open.table = true;
        let mut heads = String::new();
        for column in columns {
            heads += &format!("<th scope=\"col\">{}</th>", Markup::verbatim(column));
        }
        open.page.write(&format!(
            "{before}<h2>{}</h2>\n<table>\n<thead><tr><th scope=\"col\">File</th><th scope=\"col\">Row</th>{heads}</tr>\
             </thead>\n<tbody>\n",
            Markup::verbatim(table)
        ))
    }

    fn row(&mut self, file: &str, record: i64, cells: &[Option<&str>]) -> Result<(), Error> {
        let Some(open) = &mut self.open else { return Ok(()) };
        self.counts.rows += 1;
        self.counts.unowned += u64::from(open.key.is_none());
        open.rows += 1;
        let mut line = format!("<tr><td>{}</td><td>{record}</td>", Markup::verbatim(file));
        for cell in cells {
            line += &format!("<td>{}</td>", Markup::verbatim(cell.unwrap_or_default()));
        }
        open.page.write(&(line + "</tr>\n"))
    }
}
