//! What a second, independent reading of the export's files found beside what was to be loaded.

use chartlift_engine::run::Account;
use chartlift_engine::statement::Verdict;

use super::markup::{Grid, Kind::Count, Kind::Words, Markup};

pub(super) fn section(account: &Account) -> Markup {
    let mut page = Markup::default();
    let readings = &account.summary.statement.second_reading;
    if readings.is_empty() {
        page.paragraph("Not run: it comes before the load, and for categories that are critical for safety.");
        return page;
    }
    page.paragraph(
        "Before the load, another reader went through the files by itself. What they state of each patient, less what \
         was held, merged or left out by name, must be what was to be loaded.",
    );
    let columns = [
        ("category", Words),
        ("table", Words),
        ("result", Words),
        ("read", Count),
        ("held, merged or left out", Count),
        ("to load", Count),
        ("patients", Count),
        ("patients that differ", Count),
    ];
    let mut grid = Grid::new("Facts read a second time", &columns);
    for one in readings {
        let result = match (one.verdict, &one.reason) {
            (Verdict::Pass, _) => "the same".to_owned(),
            (Verdict::NotRun, Some(reason)) => format!("not run: {reason}"),
            (Verdict::NotRun, None) => "not run".to_owned(),
            (Verdict::Suspended | Verdict::Fail, Some(reason)) => format!("not the same: {reason}"),
            (Verdict::Suspended | Verdict::Fail, None) => "not the same".to_owned(),
        };
        let system = one.system.as_ref().map_or(String::new(), |system| format!("{system}: "));
        grid.row(vec![
            (system + &one.category).as_str().into(),
            one.table.as_str().into(),
            result.as_str().into(),
            one.read.into(),
            one.held.into(),
            one.converted.into(),
            one.patients.into(),
            one.differing.into(),
        ]);
    }
    grid.render(&mut page);
    page
}
