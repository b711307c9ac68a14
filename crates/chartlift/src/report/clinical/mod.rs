//! The clinical edition: one page that names patients, for clinicians to check and sign. It is written piece by piece,
//! so that a long list need not fit into memory, and into the order's data area only.

mod form;
mod patients;
mod reading;
mod signing;
mod words;

use std::collections::HashMap;
use std::io::Write;

use chartlift_engine::clinical::{ChartFacts, Clinical, Identity};
use chartlift_engine::run::Account;
use chartlift_engine::statement::{Statement, Verdict};

use super::frame;
use super::markup::{Grid, Kind, Markup};
use crate::exit::Failure;
use words::{Words, fill};

pub(crate) use words::Language;

const STYLE: &str = include_str!("clinical.css");

/// Everything the page tells.
pub(crate) struct Page<'a> {
    pub(crate) account: &'a Account,
    pub(crate) clinical: &'a Clinical<'a>,
    /// What the charts to read hold, by source key.
    pub(crate) facts: &'a HashMap<String, ChartFacts>,
    pub(crate) language: Language,
}

/// Where the page goes, with the language it is written in.
struct Sheet<'a, W: Write> {
    out: &'a mut W,
    words: &'static Words,
    language: Language,
}

impl<W: Write> Sheet<'_, W> {
    fn put(&mut self, markup: &Markup) -> Result<(), Failure> {
        let written = write!(self.out, "{markup}");
        written.map_err(Failure::file("write", "the clinical report"))
    }

    /// Opens a part of the page under its own heading.
    fn section(&mut self, anchor: &str, title: &str, sheet: bool) -> Result<(), Failure> {
        let class = if sheet { " class=\"sheet\"" } else { "" };
        let mut open = Markup::default();
        open.raw(&format!("<section id=\"{anchor}\"{class} aria-labelledby=\"{anchor}-title\">"));
        open.raw(&format!("<h2 id=\"{anchor}-title\">{}</h2>\n", Markup::text(title)));
        self.put(&open)
    }

    fn end_section(&mut self) -> Result<(), Failure> {
        let mut close = Markup::default();
        close.raw("</section>\n");
        self.put(&close)
    }
}

impl Page<'_> {
    pub(crate) fn write(&self, out: &mut impl Write) -> Result<(), Failure> {
        let words = self.language.words();
        let sheet = &mut Sheet { out, words, language: self.language };
        let order = self.account.summary.order.as_str();
        let title = Markup::text(&fill(words.title, &[("order", order)]));
        let mut open = Markup::default();
        open.raw(&frame::open(self.language.tag(), &title, STYLE, words.skip));
        open.raw(&format!("<p class=\"identified\">{}</p>\n", Markup::text(words.identified)));
        let seal = self.seal().unwrap_or_else(|| "-".into());
        let running = fill(words.running, &[("order", order), ("seal", &seal)]);
        open.raw(&format!("<p class=\"running\" aria-hidden=\"true\">{}</p>\n", Markup::text(&running)));
        open.push(&contents(words));
        sheet.put(&open)?;

        sheet.section("moved", words.what_happened, false)?;
        sheet.put(&self.what_happened(words))?;
        sheet.end_section()?;
        sheet.section("patients", words.patients, false)?;
        sheet.put(&self.counts(words))?;
        sheet.end_section()?;
        patients::write(self, sheet)?;
        reading::write(self, sheet)?;
        signing::write(self, sheet)?;
        let mut close = Markup::default();
        close.raw(frame::CLOSE);
        sheet.put(&close)
    }

    fn statement(&self) -> &Statement {
        &self.account.summary.statement
    }

    fn seal(&self) -> Option<String> {
        Some(self.account.receipt()?.get("seal")?.as_str()?.to_owned())
    }

    fn what_happened(&self, words: &Words) -> Markup {
        let mut page = Markup::default();
        let (summary, statement) = (&self.account.summary, self.statement());
        let (class, sentence) = match summary.verdict {
            Verdict::Pass if statement.balanced => ("pass", words.verdict_whole),
            Verdict::Pass => ("not-run", words.verdict_passed),
            Verdict::NotRun => ("not-run", words.verdict_not_run),
            Verdict::Suspended => ("suspended", words.verdict_suspended),
            Verdict::Fail => ("fail", words.verdict_failed),
        };
        page.raw(&format!(
            "<div class=\"banner {class}\"><p class=\"sentence\">{}</p></div>\n",
            Markup::text(sentence)
        ));
        let input = summary.inputs.first();
        let system =
            input.and_then(|input| Some(format!("{} {}", input.system.as_ref()?, input.version.as_ref()?)));
        let committed =
            self.account.receipt().and_then(|receipt| receipt.pointer("/load/committed")?.as_str());
        let created = self.account.order.spec().created_at.format("%Y-%m-%dT%H:%MZ").to_string();
        let target = summary.target.split('=').next().unwrap_or_default().to_owned();
        page.raw("<dl>");
        for (name, value) in [
            (words.clinic, summary.series.clone()),
            (words.order, summary.order.clone()),
            (words.created, form::instant(words, &created)),
            (words.system, system.unwrap_or_else(|| words.system_unknown.to_owned())),
            (words.target, target),
            (words.loaded_at, committed.map_or(words.not_loaded.to_owned(), |at| form::instant(words, at))),
            (words.seal, self.seal().unwrap_or_else(|| words.no_seal.to_owned())),
        ] {
            page.raw(&format!("<dt>{}</dt><dd>{}</dd>", Markup::text(name), Markup::text(&value)));
        }
        page.raw("</dl>\n");
        let number = |count| form::number(words, count);
        let read = number(statement.files.iter().map(|file| file.read).sum());
        let loaded = number(statement.loads.iter().map(|load| load.loaded).sum());
        let verified = number(statement.loads.iter().map(|load| load.verified).sum());
        page.paragraph(&fill(words.balance_rows, &[("read", &read), ("loaded", &loaded)]));
        let proved = summary.verdict == Verdict::Pass && statement.balanced;
        let proof = if proved { words.balance_equal } else { words.balance_open };
        page.paragraph(&if proved { fill(proof, &[("verified", &verified)]) } else { proof.to_owned() });
        page
    }

    fn counts(&self, words: &Words) -> Markup {
        let patients = &self.statement().patients;
        let mut page = Markup::default();
        if patients.exported == 0 || patients.whole + patients.incomplete + patients.absent == 0 {
            page.paragraph(words.patients_open);
        } else {
            let columns = [
                (words.what, Kind::Words),
                (words.count, Kind::Count),
                (words.share, Kind::Count),
                (words.meaning, Kind::Words),
            ];
            // The caption is the equation that the figures below satisfy.
            let mut grid = Grid::new(words.patients_caption, &columns);
            for (name, count, meaning) in [
                (words.exported, patients.exported, words.exported_meaning),
                (words.whole, patients.whole, words.whole_meaning),
                (words.incomplete, patients.incomplete, words.incomplete_meaning),
                (words.absent, patients.absent, words.absent_meaning),
            ] {
                let share = form::percent_at_most(words, count, patients.exported);
                grid.row(vec![name.into(), form::number(words, count).into(), share.into(), meaning.into()]);
            }
            grid.render(&mut page);
        }
        if patients.unattributed > 0 {
            let count = form::number(words, patients.unattributed);
            page.paragraph(&fill(words.unattributed, &[("count", &count)]));
        }
        page
    }
}

fn contents(words: &Words) -> Markup {
    let mut page = Markup::default();
    page.raw(&format!("<nav aria-label=\"{}\"><ol>", Markup::text(words.contents)));
    for (anchor, title) in [
        ("moved", words.what_happened),
        ("patients", words.patients),
        ("list", words.list),
        ("chartless", words.chartless),
        ("reading", words.reading),
        ("sample", words.sample),
        ("risks", words.risks),
        ("own", words.own),
        ("charts", words.charts),
        ("signatures", words.signatures),
    ] {
        page.raw(&format!("<li><a href=\"#{anchor}\">{}</a></li>", Markup::text(title)));
    }
    page.raw("</ol></nav>\n");
    page
}

/// A patient's name, or that none could be read.
fn name_of(words: &Words, identity: &Identity) -> String {
    identity.name.clone().unwrap_or_else(|| format!("[{}]", words.no_name))
}

fn birth_of(words: &Words, identity: &Identity) -> String {
    match (&identity.birth_date, &identity.birth_text) {
        (Some(date), _) => form::date(words, date),
        (None, Some(text)) => fill(words.birth_text, &[("text", text)]),
        (None, None) => words.no_birth_date.to_owned(),
    }
}

/// Who a patient is, in one line.
fn identity_line(words: &Words, identity: &Identity) -> Markup {
    let mut parts = vec![
        format!("{}: {}", words.chart_number, identity.key),
        format!("{}: {}", words.born, birth_of(words, identity)),
    ];
    parts.extend(identity.social_name.as_ref().map(|name| format!("{}: {name}", words.social_name)));
    parts.extend(identity.mother.as_ref().map(|name| format!("{}: {name}", words.mother)));
    let mut line = Markup::default();
    line.raw(&format!("<p>{}</p>\n", Markup::text(&parts.join(" · "))));
    line
}

/// A name for a place on the page: letters and digits only, and another for every key.
fn anchor(kind: &str, key: &str) -> String {
    key.bytes().fold(format!("{kind}-"), |mut text, byte| {
        text.push_str(&format!("{byte:02x}"));
        text
    })
}
