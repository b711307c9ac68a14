//! The operator's report: one HTML file about an order, with no value of a row, no script and nothing from elsewhere.
//!
//! The same log gives the same bytes: nothing here looks at the clock.

mod archive;
mod balance;
pub(crate) mod clinical;
mod decisions;
mod findings;
mod frame;
mod markup;
mod origin;
mod proof;
mod second_reading;
mod timing;
mod verdict;

use chartlift_engine::run::Account;

use crate::output::NextStep;
use markup::Markup;

pub(crate) use archive::{Counts, Pages};

const STYLE: &str = include_str!("style.css");

/// A part of the page under its own heading.
struct Section {
    anchor: &'static str,
    title: &'static str,
    body: Markup,
}

/// The whole page.
pub(crate) fn page(account: &Account, next: &NextStep) -> String {
    let sections = [
        Section {
            anchor: "identification",
            title: "Where the files come from",
            body: origin::section(account),
        },
        Section {
            anchor: "balance",
            title: "Balance: where every row went",
            body: balance::section(account),
        },
        Section { anchor: "findings", title: "Findings", body: findings::section(account) },
        Section { anchor: "patients", title: "Patients", body: balance::patients(account) },
        Section { anchor: "second-reading", title: "Second reading", body: second_reading::section(account) },
        Section { anchor: "timing", title: "Timing", body: timing::section(account) },
        Section { anchor: "proof", title: "Digests and receipt", body: proof::section(account) },
        Section { anchor: "about", title: "About this report", body: proof::about(account) },
    ];
    let title = Markup::text(&format!("Order {}: migration report", account.summary.order));
    let mut contents = Markup::default();
    let mut body = Markup::default();
    for Section { anchor, title, body: inner } in &sections {
        contents.raw(&format!("<li><a href=\"#{anchor}\">{title}</a></li>"));
        body.raw(&format!("<section id=\"{anchor}\" aria-labelledby=\"{anchor}-title\"><h2 id=\"{anchor}-title\">{title}</h2>\n"));
        body.push(inner);
        body.raw("</section>\n");
    }
    let banner = verdict::banner(account, next);
    let open = frame::open("en", &title, "", "Skip to the report");
    let close = frame::CLOSE;
    format!("{open}{banner}<nav aria-label=\"Contents\"><ol>{contents}</ol></nav>\n{body}{close}")
}

#[cfg(test)]
mod tests {
    use chartlift_engine::order::{Clock, FixedClock, InputSpec, OrderSpec, Store};
    use chartlift_engine::run::account;
    use chrono::DateTime;

    use super::*;

    #[test]
    fn an_order_that_nobody_ran_has_a_report_and_names_are_escaped() {
        let folder = tempfile::tempdir().unwrap();
        let clock = std::sync::Arc::new(FixedClock(DateTime::UNIX_EPOCH));
        let spec = OrderSpec {
            id: "1".into(),
            series: "<b>&\"'".into(),
            inputs: vec![InputSpec { name: "main".into(), url: "x".into(), system: None, version: None }],
            target: "clinic".into(),
            follows: None,
            project_key_fingerprint: "ab".into(),
            created_at: clock.now(),
        };
        let store = Store::new(folder.path(), "a@b", clock);
        store.create(spec).unwrap();
        let account = account(&store, "1").unwrap();
        let next = NextStep::of(&account.summary, " --project a&b");
        let page = page(&account, &next);
        assert!(page.contains("Not run yet."), "{page}");
        assert!(page.contains("&lt;b&gt;&amp;&quot;&#39;") && !page.contains("<b>&"), "{page}");
        assert!(page.contains("--project a&amp;b"), "{page}");
        assert_eq!(page, super::page(&account, &next));
    }
}
