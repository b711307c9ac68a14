//! What an order waits for, and what somebody accepted: both stand beside the verdict.

use chartlift_engine::statement::Summary;

use super::markup::{Grid, Kind::Count, Kind::Words, Markup};

pub(super) fn section(summary: &Summary, page: &mut Markup) {
    let columns = [("what", Words), ("stage", Words), ("where", Words), ("command", Words), ("file", Words)];
    let mut open = Grid::new("Decisions that would let the order go on", &columns);
    for one in &summary.decisions {
        open.row(vec![
            one.code.as_str().into(),
            one.stage.name().into(),
            one.applies_to.as_str().into(),
            Markup::code(&one.command),
            Markup::code(&one.file),
        ]);
    }
    open.render(page);
    let columns = [
        ("where", Words),
        ("stage", Words),
        ("code", Words),
        ("held rows", Count),
        ("accepted", Words),
        ("by", Words),
        ("on", Words),
        ("because", Words),
    ];
    let mut waived = Grid::new("Held rows that were accepted (waived)", &columns);
    for one in &summary.statement.waived {
        waived.row(vec![
            one.applies_to.as_str().into(),
            one.stage.name().into(),
            one.code.as_deref().unwrap_or("any").into(),
            one.rows.into(),
            one.accepted.as_str().into(),
            one.author.as_str().into(),
            one.date.as_str().into(),
            one.reason.as_str().into(),
        ]);
    }
    waived.render(page);
}
