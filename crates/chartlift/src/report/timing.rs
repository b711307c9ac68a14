//! When each stage ran, for how long, and how often it was tried.

use chartlift_engine::order::{Event, Record};
use chartlift_engine::rollback;
use chartlift_engine::run::Account;
use chartlift_engine::statement::{Stage, Verdict};
use chrono::{DateTime, Utc};

use super::markup::{Grid, Kind::Count, Kind::Words, Markup};
use crate::output::{grouped, verdict_name};

pub(super) fn section(account: &Account) -> Markup {
    let mut page = Markup::default();
    let columns = [
        ("stage", Words),
        ("verdict", Words),
        ("began (UTC)", Words),
        ("ended (UTC)", Words),
        ("seconds", Count),
        ("attempts", Count),
        ("actor", Words),
    ];
    let mut grid = Grid::new("Stages, as the order's log has them", &columns);
    for stage in &account.summary.stages {
        let last = Last::of(account.order.records(), stage.stage);
        let ran = stage.verdict != Verdict::NotRun || last.began.is_some();
        grid.row(vec![
            stage.stage.name().into(),
            verdict_name(stage.verdict).into(),
            moment(last.began).into(),
            moment(last.ended).into(),
            if ran && last.ended.is_some() {
                format!("{:.2}", stage.seconds).into()
            } else {
                Markup::default()
            },
            u64::from(last.attempts).into(),
            last.actor.into(),
        ]);
    }
    grid.render(&mut page);
    for record in account.order.records() {
        let at = moment(Some(record.time));
        match &record.event {
            Event::Failed { stage, attempt, code, message } => page.paragraph(&format!(
                "{at}: attempt {attempt} of {} stopped: {message} (`{code}`).",
                stage.name()
            )),
            Event::RolledBack { load, report } => {
                let kept = rollback::charts_kept(report.as_ref());
                let stayed = match kept {
                    0 => String::new(),
                    1 => " One chart stayed.".to_owned(),
                    kept => format!(" {} charts stayed.", grouped(kept)),
                };
                page.paragraph(&format!("{at}: load {load} was rolled back by {}.{stayed}", record.actor));
            }
            _ => {}
        }
    }
    page
}

/// A stage's latest attempt that was done, and how many there were.
#[derive(Default)]
struct Last {
    attempts: u32,
    began: Option<DateTime<Utc>>,
    ended: Option<DateTime<Utc>>,
    actor: String,
}

impl Last {
    fn of(records: &[Record], stage: Stage) -> Self {
        let mut last = Self::default();
        let mut began = None;
        for record in records {
            match &record.event {
                Event::Started { stage: of, .. } if *of == stage => {
                    last.attempts += 1;
                    began = Some(record.time);
                }
                Event::Done(done) if done.stage == stage => {
                    (last.began, last.ended) = (began, Some(record.time));
                    last.actor.clone_from(&record.actor);
                }
                _ => {}
            }
        }
        last
    }
}

fn moment(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(String::new, |time| time.format("%Y-%m-%d %H:%M:%S").to_string())
}
