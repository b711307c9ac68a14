//! Approvals: somebody saw what would be loaded, and that very thing is loaded or nothing.

use chartlift_io::target::Target as Database;
use chartlift_rules::{Binding, Decided};

use crate::Error;
use crate::order::Order;
use crate::project_key::sha256_of;
use crate::report::StageReport;
use crate::run::{Environment, TargetChoice, check_key, passed_until, rule_files};
use crate::stage::{Finished, Work};
use crate::statement::{OpenDecision, Stage, Trouble, Verdict};

/// An approval that was written.
pub struct Approved {
    pub number: u32,
    pub path: std::path::PathBuf,
    pub binds: Binding,
}

/// Approves an order as it is: all stages up to validate have passed on the files, rules and decisions of now.
pub async fn approve(
    environment: &Environment,
    order: &str,
    target: &TargetChoice,
    decided: &Decided,
) -> Result<Approved, Error> {
    let order = environment.store().open(order)?;
    check_key(environment, &order)?;
    let order = order.lock()?;
    if order.latest(Stage::Import).is_some_and(|done| done.verdict == Verdict::Pass) {
        return Err(Error::Conflict {
            code: "order-loaded",
            message: format!("order `{}` is loaded already: there is nothing to approve", order.spec().id),
            hint: "see it with `chartlift status`".into(),
        });
    }
    let earlier = passed_until(environment, &order, Stage::Validate, target)?
        .map_err(|stage| not_yet(&order, stage))?;
    let work = Work::new(environment, &order, target, order.root(), &earlier);
    let binds = binding(&work, work.connect().await?.as_ref()).await?;
    let number = environment.decisions.approvals.last().map_or(1, |approval| approval.number + 1);
    let mut text = String::from(
        "# Written by `chartlift approve`. What it binds must stay as it is until the import.\n",
    );
    let quote = |text: &str| serde_json::Value::from(text).to_string();
    let mut line = |key: &str, value: &str| text.extend([key, ": ", value, "\n"]);
    line("author", &quote(&decided.author));
    line("date", &decided.date);
    if !decided.reason.is_empty() {
        line("reason", &quote(&decided.reason));
    }
    binds.parts().into_iter().for_each(|(part, digest)| line(part, &quote(digest)));
    let path = order.write_decision(&format!("approvals/{number:04}.yaml"), text.as_bytes())?;
    Ok(Approved { number, path, binds })
}

fn not_yet(order: &Order, stage: Stage) -> Error {
    let id = &order.spec().id;
    Error::Usage {
        code: "not-approvable",
        message: format!(
            "`{}` of order `{id}` has not passed on the files, rules and decisions of now",
            stage.name()
        ),
        hint: format!("do what is missing: `chartlift run --order {id} --until validate`"),
    }
}

/// What stops the import: no approval where the project wants one, or one of something else.
pub(crate) async fn stop(work: &Work<'_>, connection: &dyn Database) -> Result<Option<Finished>, Error> {
    let environment = work.environment;
    let order = &work.order.spec().id;
    let approval = environment.decisions.approvals.last();
    // What is in the target was approved when it was loaded.
    if approval.is_none() && !environment.project.settings.approval_required
        || connection.find_load(order).await?.is_some()
    {
        return Ok(None);
    }
    let Some(approval) = approval else { return Ok(Some(missing(order))) };
    let now = binding(work, connection).await?;
    let changed: Vec<String> = now
        .parts()
        .into_iter()
        .zip(approval.binds.parts())
        .filter(|(now, then)| now != then)
        .map(|((part, _), _)| format!("`{part}`"))
        .collect();
    if changed.is_empty() {
        return Ok(None);
    }
    Err(Error::Conflict {
        code: "approval-stale",
        message: format!(
            "order `{order}` was approved (number {}) with other {}: nothing was loaded",
            approval.number,
            changed.join(" and ")
        ),
        hint: format!("look at the order again, then `chartlift approve --order {order}`"),
    })
}

fn missing(order: &str) -> Finished {
    let open = OpenDecision {
        code: "approval-missing".into(),
        stage: Stage::Import,
        applies_to: order.to_owned(),
        command: format!("chartlift approve --order {order}"),
        file: "decisions/approvals/0001.yaml".into(),
    };
    let trouble = Trouble {
        code: open.code.clone(),
        message: format!("order `{order}` needs an approval before it is imported"),
        hint: format!("read its report (`chartlift report --order {order}`), then `{}`", open.command),
    };
    let report = StageReport { trouble: Some(trouble), open: vec![open], ..StageReport::default() };
    Finished { report, verdict: Verdict::Suspended, digest: String::new() }
}

/// Everything that decides what comes into the target.
async fn binding(work: &Work<'_>, connection: &dyn Database) -> Result<Binding, Error> {
    let target = work.target()?;
    let check = work.report(Stage::Check)?;
    let mut folders: Vec<String> =
        work.system_names()?.iter().map(|system| format!("systems/{system}/")).collect();
    folders.extend([format!("targets/{}/", target.name), "canonical/".to_owned(), "maps/".to_owned()]);
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let settings = &work.environment.project.settings;
    let gates: Vec<String> = settings
        .gates
        .iter()
        .map(|gate| format!("{:?}", (&gate.applies_to.value, &gate.stage, gate.quarantined)))
        .collect();
    let names: Vec<String> = target.tables.iter().map(|table| table.database_name().to_owned()).collect();
    let catalog = connection.catalog(&names).await?;
    let files = &work.environment.decisions.files;
    Ok(Binding {
        inputs: sha256_of([serde_json::to_vec(&check.sources).unwrap_or_default().as_slice()]),
        rules: sha256_of(
            std::iter::once(rule_files(work.environment, &folders, &[""]))
                .chain([format!("{} {}", target.name, target.version)])
                .chain(gates)
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_bytes),
        ),
        decisions: sha256_of(files.iter().flat_map(|(path, text)| [path.as_bytes(), text.as_bytes()])),
        plan: work.loaded_digest()?,
        target: sha256_of([connection.describe().as_bytes(), format!("{catalog:?}").as_bytes()]),
    })
}
