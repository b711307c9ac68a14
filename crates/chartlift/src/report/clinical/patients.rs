//! Everyone who is incomplete or absent, by name, with what was held back or lost, as the old system wrote it.

use std::io::Write;

use chartlift_engine::clinical::{Cell, Chart, Problem, Reason, Standing};
use chartlift_engine::statement::Stage;

use super::words::{Language, Words, fill};
use super::{Page, Sheet, anchor, birth_of, form, identity_line, name_of};
use crate::exit::Failure;
use crate::report::markup::Markup;

/// Records in nobody's chart that are printed; all of them are in the files of `rejects`.
const CHARTLESS_MOST: usize = 500;

pub(super) fn write<W: Write>(page: &Page<'_>, sheet: &mut Sheet<'_, W>) -> Result<(), Failure> {
    let (words, language) = (sheet.words, sheet.language);
    let (incomplete, absent) = page.clinical.touched();
    sheet.section("list", words.list, true)?;
    let mut open = Markup::default();
    if page.clinical.reached == Stage::Check {
        open.paragraph(words.list_check_only);
    }
    if incomplete + absent == 0 {
        open.paragraph(words.list_none);
    } else {
        let (one, other) = (form::number(words, incomplete as u64), form::number(words, absent as u64));
        open.paragraph(&fill(words.list_intro, &[("incomplete", &one), ("absent", &other)]));
    }
    let counted = &page.statement().patients;
    let told = counted.whole + counted.incomplete + counted.absent > 0;
    if told && (counted.incomplete, counted.absent) != (incomplete as u64, absent as u64) {
        let (one, other) = (form::number(words, counted.incomplete), form::number(words, counted.absent));
        let sentence = fill(words.list_differs, &[("incomplete", &one), ("absent", &other)]);
        open.raw(&format!("<p class=\"no\">{}</p>\n", Markup::text(&sentence)));
    }
    sheet.put(&open)?;
    if incomplete + absent > 0 {
        at_a_glance(page, sheet)?;
    }
    page.clinical.charts(|one| sheet.put(&chart(words, language, &one)))?;
    sheet.end_section()?;
    chartless(page, sheet)
}

/// One line for each patient, with a link to what is the matter.
fn at_a_glance<W: Write>(page: &Page<'_>, sheet: &mut Sheet<'_, W>) -> Result<(), Failure> {
    let words = sheet.words;
    let mut open = Markup::default();
    open.raw(&format!("<table><caption>{}</caption><thead><tr>", Markup::text(words.listed)));
    for head in [words.name, words.chart_number, words.born, words.standing] {
        open.raw(&format!("<th scope=\"col\">{}</th>", Markup::text(head)));
    }
    open.raw("</tr></thead>\n<tbody>\n");
    sheet.put(&open)?;
    for (identity, standing) in page.clinical.listed() {
        let mut line = Markup::default();
        line.raw(&format!(
            "<tr><th scope=\"row\"><a href=\"#{}\">{}</a></th><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            anchor("patient", &identity.key),
            Markup::text(&name_of(words, identity)),
            Markup::text(&identity.key),
            Markup::text(&birth_of(words, identity)),
            Markup::text(in_words(words, standing)),
        ));
        sheet.put(&line)?;
    }
    let mut close = Markup::default();
    close.raw("</tbody></table>\n");
    sheet.put(&close)
}

fn in_words(words: &Words, standing: Standing) -> &'static str {
    match standing {
        Standing::Incomplete => words.standing_incomplete,
        Standing::Absent => words.standing_absent,
    }
}

fn chart(words: &Words, language: Language, chart: &Chart) -> Markup {
    let mut page = Markup::default();
    let standing = in_words(words, chart.standing);
    let (anchor, name) = (anchor("patient", &chart.identity.key), name_of(words, &chart.identity));
    page.raw(&format!("<article class=\"chart\" id=\"{anchor}\"><h3>{}</h3>\n", Markup::text(&name)));
    page.push(&identity_line(words, &chart.identity));
    page.raw(&format!("<p><strong>{}</strong></p>\n", Markup::text(standing)));
    if chart.problems.is_empty() {
        page.paragraph(words.no_problem_rows);
    }
    for one in &chart.problems {
        page.push(&problem(words, language, one));
    }
    page.raw("</article>\n");
    page
}

fn problem(words: &Words, language: Language, problem: &Problem) -> Markup {
    let mut page = Markup::default();
    let (class, what) =
        if problem.held { ("problem held", words.problem_held) } else { ("problem", words.problem_degraded) };
    let record = form::number(words, problem.record.unsigned_abs());
    let place = [("table", problem.table.as_str()), ("file", &problem.file), ("record", &record)];
    page.raw(&format!(
        "<div class=\"{class}\"><p><strong>{}</strong> <span class=\"quiet\">{}</span></p>\n",
        Markup::text(what),
        Markup::text(&fill(words.place, &place))
    ));
    for one in &problem.reasons {
        page.push(&reason(words, language, one));
    }
    if problem.held && !problem.row.is_empty() {
        page.raw(&format!("<p class=\"quiet\">{}</p>\n", Markup::text(words.whole_record)));
        page.push(&cells(words, &problem.row, |cell| cell.text.clone()));
    }
    page.raw("</div>\n");
    page
}

fn reason(words: &Words, language: Language, reason: &Reason) -> Markup {
    let mut page = Markup::default();
    let summary = summary(words, language, &reason.code, reason.disposition.holds());
    let mut line = Markup::prose(&fill(words.reason, &[("reason", summary)]));
    line.raw(" ");
    line.push(&Markup::code(&reason.code));
    let telling = ["constraint-error", "condition-failed", "excluded", "parent-held", "foreign-key"];
    if let Some(detail) = reason.detail.as_ref().filter(|_| telling.contains(&reason.code.as_str())) {
        line.raw(&format!(" {}", Markup::text(&fill(words.constraint, &[("detail", detail)]))));
    }
    page.raw(&format!("<p>{line}</p>\n"));
    // What is filled in comes from the old system: it is text and nothing else.
    let said = match (&reason.label, &reason.text) {
        (Some(label), Some(text)) => Some(fill(words.wrote, &[("label", label), ("text", text)])),
        (Some(label), None) => Some(fill(words.wrote_nothing, &[("label", label)])),
        (None, _) => None,
    };
    for text in said.into_iter().chain(shown(words, reason)) {
        page.raw(&format!("<p>{}</p>\n", Markup::text(&text)));
    }
    page
}

/// What a code means for a row that was held, or that went on without something.
pub(super) fn summary<'a>(words: &'a Words, language: Language, code: &'a str, held: bool) -> &'a str {
    match code {
        "parent-held" | "foreign-key" if !held => words.reference_emptied,
        _ => language.reason(code).unwrap_or(code),
    }
}

fn shown(words: &Words, reason: &Reason) -> Option<String> {
    if reason.disposition.holds() {
        return None;
    }
    Some(match &reason.shown {
        Some((table, column)) => fill(words.shown, &[("table", table), ("column", column)]),
        None => words.not_shown.to_owned(),
    })
}

/// Columns and values, one a line.
pub(super) fn cells(words: &Words, cells: &[Cell], value: impl Fn(&Cell) -> String) -> Markup {
    let mut page = Markup::default();
    page.raw("<dl class=\"cells\">");
    for cell in cells {
        let name = if cell.name.is_empty() { words.raw_record } else { &cell.name };
        page.raw(&format!(
            "<div><dt>{}</dt><dd>{}</dd></div>",
            Markup::text(name),
            Markup::lines(&value(cell))
        ));
    }
    page.raw("</dl>\n");
    page
}

fn chartless<W: Write>(page: &Page<'_>, sheet: &mut Sheet<'_, W>) -> Result<(), Failure> {
    let (words, language) = (sheet.words, sheet.language);
    let (problems, count) = page.clinical.chartless(CHARTLESS_MOST)?;
    sheet.section("chartless", words.chartless, false)?;
    let mut open = Markup::default();
    open.paragraph(&fill(words.chartless_intro, &[("count", &form::number(words, count as u64))]));
    sheet.put(&open)?;
    for one in &problems {
        sheet.put(&problem(words, language, one))?;
    }
    let more = count.saturating_sub(problems.len());
    if more > 0 {
        let mut end = Markup::default();
        end.paragraph(&fill(words.chartless_more, &[("more", &form::number(words, more as u64))]));
        sheet.put(&end)?;
    }
    sheet.end_section()
}
