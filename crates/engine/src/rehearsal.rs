//! `import --dry-run`: an order's import in the real target, undone at its end. Neither the target nor the order's log
//! is another afterwards.

use crate::Error;
use crate::run::{Environment, TargetChoice, check_key, passed_until};
use crate::stage::{self, Work};
use crate::statement::Stage;

pub use crate::stage::{Fires, Late, Rehearsal, Rehearsed, Waits, Why};

/// Does all that the order's import would do, and undoes it. The stages before it must be done.
pub async fn rehearse(
    environment: &Environment,
    order: &str,
    target: &TargetChoice,
) -> Result<Rehearsal, Error> {
    let order = environment.store().open(order)?;
    check_key(environment, &order)?;
    let order = order.lock()?;
    let earlier = match passed_until(environment, &order, Stage::Validate, target)? {
        Ok(earlier) => earlier,
        Err(stage) => {
            return Err(Error::Usage {
                code: "stage-too-early",
                message: format!(
                    "`import --dry-run` reads what `{}` writes, and that is missing, has not passed, or no longer \
                     fits its files and rules",
                    stage.name()
                ),
                hint: format!(
                    "do what is missing: `chartlift run --order {} --until validate`",
                    order.spec().id
                ),
            });
        }
    };
    let work = Work::new(environment, &order, target, order.root(), &earlier);
    stage::rehearse(&work).await
}
