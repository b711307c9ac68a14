//! `reports/statement.json` and `reports/receipt.json`: copies of what the order's log says, for other programs.

use serde_json::Value;

use crate::Error;
use crate::order::Locked;
use crate::report::StageReport;
use crate::statement::{Summary, Verdict};

const STATEMENT: &str = "statement.json";
const RECEIPT: &str = "receipt.json";

/// The receipt that verify made, while it speaks for the order.
pub(super) fn receipt<'a>(summary: &Summary, verify: Option<&'a StageReport>) -> Option<&'a Value> {
    let proved = summary.verdict == Verdict::Pass && summary.statement.balanced;
    verify.filter(|_| proved)?.receipt.as_ref().filter(|receipt| receipt.is_object())
}

/// Writes the statement, and the receipt where the order has one. A receipt that no longer speaks for the order is
/// removed: the log keeps it.
pub(super) fn write(order: &Locked, summary: &Summary, verify: Option<&StageReport>) -> Result<(), Error> {
    order.write_report(STATEMENT, &json(summary)?)?;
    match receipt(summary, verify) {
        Some(receipt) => order.write_report(RECEIPT, &json(receipt)?),
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
