//! What the order came to, in words, and the one thing to do next.

use chartlift_engine::run::Account;
use chartlift_engine::statement::Verdict;

use super::markup::{Grid, Kind::Count, Kind::Words, Markup};
use crate::output::{NextStep, verdict_name, verdict_sentence};

pub(super) fn banner(account: &Account, next: &NextStep) -> Markup {
    let summary = &account.summary;
    let mut page = Markup::default();
    // Never by colour alone: a sign, a sentence and the word.
    let sign = match summary.verdict {
        Verdict::Pass => "\u{2713}",
        Verdict::NotRun => "\u{2026}",
        Verdict::Suspended => "?",
        Verdict::Fail => "\u{2717}",
    };
    let name = verdict_name(summary.verdict);
    let (sentence, balance) = verdict_sentence(summary);
    page.raw(&format!(
        "<div class=\"banner {name}\">\n<p class=\"sentence\"><span aria-hidden=\"true\">{sign}</span> {}</p>\n",
        Markup::text(&sentence)
    ));
    page.paragraph(&format!("Verdict: {name}; {balance}."));
    if let Some(error) = &summary.error {
        page.raw(&format!("<p>{} {}</p>\n", Markup::prose(&error.message), Markup::code(&error.code)));
        if !error.hint.is_empty() {
            page.paragraph(&format!("Hint: {}", error.hint));
        }
    }
    if !next.sentence.is_empty() {
        page.raw(&format!(
            "<p><strong>Next:</strong> {}</p>\n<code class=\"command\">{}</code>\n",
            Markup::prose(&next.sentence),
            Markup::text(&next.command)
        ));
    }
    page.raw("</div>\n");
    super::decisions::section(summary, &mut page);
    page.push(&totals(account));
    page
}

fn totals(account: &Account) -> Markup {
    let statement = &account.summary.statement;
    let mut page = Markup::default();
    let mut grid = Grid::new("Rows in all, stage by stage", &[("what", Words), ("rows", Count)]);
    let files = &statement.files;
    if !files.is_empty() {
        grid.row(vec!["read from files".into(), files.iter().map(|file| file.read).sum::<u64>().into()]);
        grid.row(vec![
            "landed as rows of tables".into(),
            files.iter().map(|file| file.landed).sum::<u64>().into(),
        ]);
    }
    let categories = &statement.categories;
    if !categories.is_empty() {
        let rows = categories.iter().map(|category| category.rows).sum::<u64>();
        grid.row(vec!["records in the common clinical form".into(), rows.into()]);
    }
    let loads = &statement.loads;
    if !loads.is_empty() {
        let mut of = |name: &str, rows: u64| grid.row(vec![name.into(), rows.into()]);
        of("converted for the target", loads.iter().map(|load| load.converted).sum());
        of("held back by validate", loads.iter().map(|load| load.held).sum());
        of("loaded", loads.iter().map(|load| load.loaded).sum());
        of("read back and proved equal", loads.iter().map(|load| load.verified).sum());
    }
    grid.render(&mut page);
    page
}
