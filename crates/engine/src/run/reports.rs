//! `reports/statement.json` and `reports/receipt.json`: copies of what the order's log says, for other programs.

use crate::Error;
use crate::order::Locked;
use crate::statement::{Stage, Summary, Verdict};

const STATEMENT: &str = "statement.json";
const RECEIPT: &str = "receipt.json";

/// Writes the statement, and the receipt where the order has one. A receipt that no longer speaks for the order is
/// removed: the log keeps it.
pub(crate) fn write(order: &Locked, summary: &Summary) -> Result<(), Error> {
    order.write_report(STATEMENT, &json(summary)?)?;
    let proved = summary.verdict == Verdict::Pass && summary.statement.balanced;
    let receipt = match order.latest(Stage::Verify).filter(|_| proved) {
        Some(done) => super::read_report(done)?.receipt.filter(serde_json::Value::is_object),
        None => None,
    };
    match receipt {
        Some(receipt) => order.write_report(RECEIPT, &json(&receipt)?),
        None => order.remove_report(RECEIPT),
    }
}

/// As `--json` prints it.
fn json(object: &impl serde::Serialize) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec_pretty(object)
        .map_err(|error| Error::file("write", "reports")(std::io::Error::from(error)))?;
    bytes.push(b'\n');
    Ok(bytes)
}
