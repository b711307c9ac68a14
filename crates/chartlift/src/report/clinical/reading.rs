//! The charts that people read: the random sample with what follows from it, the risky ones, the clinician's own, and
//! what the old and the new system say of each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use chartlift_engine::clinical::{ChartFacts, Fact, FactGroup, Sample, SeedFrom, Why};

use super::patients::{cells, summary};
use super::words::{Language, Words, fill};
use super::{Page, Sheet, anchor, form, identity_line, name_of};
use crate::exit::Failure;
use crate::report::markup::Markup;

/// Lines for the charts that a clinician chooses.
const OWN: usize = 5;

pub(super) fn write<W: Write>(page: &Page<'_>, sheet: &mut Sheet<'_, W>) -> Result<(), Failure> {
    let (words, language) = (sheet.words, sheet.language);
    sheet.section("reading", words.reading, true)?;
    sheet.put(&how_to_read(words))?;
    sheet.end_section()?;
    sheet.section("sample", words.sample, false)?;
    sheet.put(&sample(page, words))?;
    sheet.end_section()?;
    sheet.section("risks", words.risks, false)?;
    sheet.put(&risks(page, words, language))?;
    sheet.end_section()?;
    sheet.section("own", words.own, false)?;
    sheet.put(&own(words))?;
    sheet.end_section()?;
    sheet.section("charts", words.charts, true)?;
    let mut open = Markup::default();
    open.paragraph(words.charts_intro);
    open.paragraph(words.empty_field);
    open.paragraph(&fill(words.times, &[("zone", &page.clinical.timezone)]));
    sheet.put(&open)?;
    for (key, labels) in to_read(page, words) {
        if let Some(facts) = page.facts.get(key) {
            sheet.put(&chart(words, facts, &labels))?;
        }
    }
    sheet.end_section()
}

fn how_to_read(words: &Words) -> Markup {
    let mut page = Markup::default();
    page.paragraph(words.reading_intro);
    page.list(&[words.none_known, words.not_asked, words.no_entry, words.not_exported].map(str::to_owned));
    page
}

fn sample(page: &Page<'_>, words: &Words) -> Markup {
    let mut markup = Markup::default();
    let Some(sample) = page.clinical.sample.as_ref().filter(|sample| !sample.drawn.is_empty()) else {
        markup.paragraph(words.sample_none);
        return markup;
    };
    markup.push(&conclusion(words, sample));
    let seed = match sample.seed_from {
        SeedFrom::Load => words.seed_load,
        SeedFrom::LogNow => words.seed_now,
        SeedFrom::Hand => words.seed_hand,
    };
    let mut from = Markup::code(&sample.seed);
    from.raw(&format!(" ({})", Markup::text(seed)));
    let frame = Markup::prose(&fill(words.frame_digest, &[("digest", &sample.frame_digest)]));
    markup.raw("<dl>");
    for (name, value) in [(words.seed, from), (words.frame, frame)] {
        markup.raw(&format!("<dt>{}</dt><dd>{value}</dd>", Markup::text(name)));
    }
    markup.raw("</dl>\n");
    markup.paragraph(words.redraw);
    let rows = sample.drawn.iter().enumerate().map(|(at, key)| (at + 1, named(page, words, key), None));
    markup.push(&ticks(words, false, rows));
    markup
}

/// What may be concluded once all charts of the sample are found clean.
fn conclusion(words: &Words, sample: &Sample) -> Markup {
    let mut markup = Markup::default();
    let number = |count: usize| form::number(words, count as u64);
    let (drawn, charts) = (number(sample.drawn.len()), number(sample.frame.len()));
    markup.paragraph(&fill(words.sample_draw, &[("drawn", &drawn), ("charts", &charts)]));
    if (sample.drawn.len() as u64) < sample.wanted {
        let wanted = form::number(words, sample.wanted);
        markup.paragraph(&fill(words.sample_fewer, &[("wanted", &wanted)]));
    }
    let sentence = if sample.bound == 0 {
        fill(words.sample_bound_none, &[("drawn", &drawn), ("charts", &charts)])
    } else {
        let percent = form::percent_at_most(words, sample.bound, sample.frame.len() as u64);
        let bound = form::number(words, sample.bound);
        let parameters =
            [("drawn", drawn.as_str()), ("charts", &charts), ("bound", &bound), ("percent", &percent)];
        fill(words.sample_bound, &parameters)
    };
    markup.raw(&format!("<p><strong>{}</strong></p>\n", Markup::text(&sentence)));
    markup.paragraph(words.sample_defect);
    markup
}

fn risks(page: &Page<'_>, words: &Words, language: Language) -> Markup {
    let mut markup = Markup::default();
    if page.clinical.risks.is_empty() {
        markup.paragraph(words.risks_none);
        return markup;
    }
    markup.paragraph(words.risks_intro);
    let rows = page.clinical.risks.iter().enumerate().map(|(at, risk)| {
        let why: Vec<String> = risk.why.iter().map(|why| in_words(words, language, why)).collect();
        (at + 1, named(page, words, &risk.key), Some(why.join("; ")))
    });
    markup.push(&ticks(words, true, rows));
    markup
}

fn own(words: &Words) -> Markup {
    let mut markup = Markup::default();
    markup.paragraph(words.own_intro);
    markup.push(&ticks(words, false, (1..=OWN).map(|number| (number, Markup::default(), None))));
    markup
}

/// A table to tick: number, chart, why, compared, equal, differs, initials, remarks.
fn ticks(
    words: &Words,
    with_why: bool,
    rows: impl Iterator<Item = (usize, Markup, Option<String>)>,
) -> Markup {
    let mut page = Markup::default();
    page.raw(&format!(
        "<table class=\"ticks\"><caption>{}</caption><thead><tr>",
        Markup::text(words.tick_caption)
    ));
    let why = with_why.then_some(words.why);
    let heads = [words.number, words.chart].into_iter().chain(why);
    let rest = [words.compared, words.equal, words.differs, words.initials, words.remarks];
    for head in heads.chain(rest) {
        page.raw(&format!("<th scope=\"col\">{}</th>", Markup::text(head)));
    }
    page.raw("</tr></thead>\n<tbody>\n");
    for (number, chart, why) in rows {
        page.raw(&format!("<tr><td class=\"count\">{number}</td><th scope=\"row\">{chart}</th>"));
        if let Some(why) = why {
            page.raw(&format!("<td>{}</td>", Markup::text(&why)));
        }
        page.raw("<td class=\"tick\">\u{2610}</td><td class=\"tick\">\u{2610}</td><td class=\"tick\">\u{2610}</td>");
        page.raw("<td class=\"blank\"></td><td class=\"blank\"></td></tr>\n");
    }
    page.raw("</tbody></table>\n");
    page
}

/// A chart's name as a link to what is printed of it.
fn named(page: &Page<'_>, words: &Words, key: &str) -> Markup {
    let name = page.facts.get(key).map(|facts| name_of(words, &facts.identity)).unwrap_or_default();
    let mut markup = Markup::default();
    let shown = Markup::text(&format!("{name} ({key})"));
    markup.raw(&format!("<a href=\"#{}\">{shown}</a>", anchor("chart", key)));
    markup
}

/// Each chart once, in the order of the lists above, with what it was chosen for.
fn to_read<'a>(page: &'a Page<'_>, words: &Words) -> Vec<(&'a str, Vec<String>)> {
    let mut labels: BTreeMap<&str, (usize, Vec<String>)> = BTreeMap::new();
    let drawn = page.clinical.sample.iter().flat_map(|sample| &sample.drawn).map(String::as_str);
    let drawn = drawn.enumerate().map(|(at, key)| (key, words.drawn_as, at + 1));
    let risky =
        page.clinical.risks.iter().enumerate().map(|(at, risk)| (risk.key.as_str(), words.chosen_as, at + 1));
    for (place, (key, sentence, number)) in drawn.chain(risky).enumerate() {
        let (_, labels) = labels.entry(key).or_insert_with(|| (place, Vec::new()));
        labels.push(fill(sentence, &[("number", &number.to_string())]));
    }
    let mut charts: Vec<_> = labels.into_iter().map(|(key, (place, labels))| (place, key, labels)).collect();
    charts.sort_unstable();
    charts.into_iter().map(|(_, key, labels)| (key, labels)).collect()
}

fn chart(words: &Words, chart: &ChartFacts, labels: &[String]) -> Markup {
    let mut page = Markup::default();
    let (anchor, name) = (anchor("chart", &chart.identity.key), name_of(words, &chart.identity));
    page.raw(&format!("<article class=\"chart\" id=\"{anchor}\"><h3>{}</h3>\n", Markup::text(&name)));
    page.raw(&format!("<p class=\"quiet\">{}</p>\n", Markup::text(&labels.join("; "))));
    page.push(&identity_line(words, &chart.identity));
    let mut shown = BTreeSet::new();
    for one in chart.groups.iter().filter(|group| group.exported || !group.facts.is_empty()) {
        page.push(&group(words, one, &mut shown));
    }
    let not_exported: Vec<String> = chart
        .groups
        .iter()
        .filter(|group| !group.exported && group.facts.is_empty())
        .map(|group| category(words, &group.category))
        .collect();
    if !not_exported.is_empty() {
        let categories = not_exported.join(", ");
        let text = fill(words.not_exported_these, &[("categories", &categories)]);
        page.raw(&format!("<p>{}</p>\n", Markup::text(&text)));
    }
    page.raw("</article>\n");
    page
}

/// `shown` are the records that stand on the chart already.
fn group<'a>(words: &Words, group: &'a FactGroup, shown: &mut BTreeSet<(&'a str, i64)>) -> Markup {
    let mut page = Markup::default();
    page.raw(&format!("<h4>{}</h4>\n", Markup::text(&category(words, &group.category))));
    if group.facts.is_empty() {
        page.paragraph(if group.only_future { words.no_future } else { words.no_entry });
        return page;
    }
    if group.only_future {
        page.raw(&format!("<p class=\"quiet\">{}</p>\n", Markup::text(words.future_only)));
    }
    for one in &group.facts {
        let first = shown.insert((one.file.as_str(), one.record));
        page.push(&fact(words, one, first));
    }
    page
}

fn fact(words: &Words, fact: &Fact, first: bool) -> Markup {
    let mut page = Markup::default();
    if let Some(assertion) = fact.assertion.as_deref().filter(|assertion| *assertion != "allergy") {
        page.raw(&format!("<p><strong>{}</strong></p>\n", Markup::text(&asserted(words, assertion))));
    }
    for cell in &fact.lost {
        let text = fill(words.lost_field, &[("label", &cell.name), ("text", &cell.text)]);
        page.raw(&format!("<p class=\"no\">{}</p>\n", Markup::text(&text)));
    }
    let record = form::number(words, fact.record.unsigned_abs());
    let place = fill(words.record_of, &[("file", &fact.file), ("record", &record)]);
    page.raw(&format!(
        "<table class=\"sides\"><thead><tr><th scope=\"col\">{} ({})</th><th scope=\"col\">{}</th></tr></thead><tbody><tr><td>",
        Markup::text(words.old_system),
        Markup::text(&place),
        Markup::text(words.new_system)
    ));
    if first {
        page.push(&cells(words, &fact.source, |cell| cell.text.clone()));
    } else {
        page.paragraph(words.same_record);
    }
    page.raw("</td><td>");
    if fact.target.is_empty() {
        page.paragraph(words.no_row_of_its_own);
    }
    for (table, row) in &fact.target {
        page.raw(&format!("<p class=\"quiet\">{}</p>\n", Markup::code(table)));
        page.push(&cells(words, row, |cell| form::value(words, cell)));
    }
    page.raw("</td></tr></tbody></table>\n");
    page
}

fn asserted(words: &Words, assertion: &str) -> String {
    match assertion {
        "no-known-allergy" => words.none_known.to_owned(),
        "no-known-drug-allergy" => words.none_known_drug.to_owned(),
        "not-asked" => words.not_asked.to_owned(),
        "unable" => words.unable.to_owned(),
        other => fill(words.asserted_other, &[("assertion", other)]),
    }
}

/// A category's name for readers; a project's own categories go by the name that the project gave them.
fn category(words: &Words, name: &str) -> String {
    let known = match name {
        "patient" => words.cat_patient,
        "allergy" => words.cat_allergy,
        "appointment" => words.cat_appointment,
        "condition" => words.cat_condition,
        "medication" => words.cat_medication,
        "patient_identifier" => words.cat_patient_identifier,
        "patient_link" => words.cat_patient_link,
        "clinical_document" => words.cat_clinical_document,
        "encounter" => words.cat_encounter,
        "observation" => words.cat_observation,
        "immunization" => words.cat_immunization,
        "coverage" => words.cat_coverage,
        "procedure" => words.cat_procedure,
        other => other,
    };
    known.to_owned()
}

fn in_words(words: &Words, language: Language, why: &Why) -> String {
    let named = |name: &str| category(words, name);
    match why {
        Why::Most { category, records } => fill(
            words.most_records,
            &[("category", &named(category)), ("records", &form::number(words, *records))],
        ),
        Why::Longest { category, letters } => fill(
            words.longest_text,
            &[("category", &named(category)), ("letters", &form::number(words, *letters))],
        ),
        Why::Asserted { assertion } => asserted(words, assertion).trim_end_matches('.').to_owned(),
        Why::Next { category, at } => {
            fill(words.next_of, &[("category", &named(category)), ("at", &form::instant(words, at))])
        }
        Why::Youngest => words.youngest.to_owned(),
        Why::Minor => words.minor.to_owned(),
        Why::Oldest => words.oldest.to_owned(),
        Why::Deceased => words.deceased.to_owned(),
        Why::LongestName => words.longest_name.to_owned(),
        Why::Marked { code, table, column, held } => {
            let table = named(table);
            let place = column.as_ref().map_or(table.clone(), |column| format!("{table}, {column}"));
            let summary = summary(words, language, code, *held).trim_end_matches('.');
            fill(words.marked, &[("code", summary), ("place", &place)])
        }
    }
}
