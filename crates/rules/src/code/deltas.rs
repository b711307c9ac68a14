//! Codes of orders that follow another: rows that are in the target already, edited there or gone from the export.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code {
        name: "edited-in-target",
        summary: "A row was edited in the target since it was loaded, and the export has other values for it now.",
        explanation: "Whose values count is for a person to say, so nothing was loaded. The rows stand in \
            `delta/conflicts.csv` of the order's folder. Decide with `chartlift decide --order ID conflict`: `keep` leaves \
            the row as it is in the target, `overwrite` writes what the export says over it. A decision holds for the \
            row as it was seen: if it is edited again, it is asked again.",
    },
    Code {
        name: "edited-kept",
        summary: "Rows were edited in the target since they were loaded, and are left as they are.",
        explanation: "The export says of them what it said in the order before, or somebody decided `keep`. They count \
            as `kept`, and verify does not compare them.",
    },
    Code {
        name: "row-absent",
        summary: "Rows that an earlier order loaded are not among the rows to load now.",
        explanation: "They are no longer in the export, a rule or scope leaves them out, or check or categorize holds \
            them. They stay in the target until somebody decides `delete`: `delta/absences.csv` of the order's folder \
            lists them, `chartlift decide --order ID absence` decides.",
    },
    Code {
        name: "too-many-absent",
        summary: "More rows of earlier orders are missing than may be missing unseen.",
        explanation: "A file that was cut off looks like rows that were deleted, so nothing was loaded. Compare the \
            export with `delta/absences.csv` of the order's folder. If the rows are really gone, decide with `chartlift \
            decide --order ID absence` that they stay (`keep`) or go (`delete`), or set a limit for the table under \
            `absences` in `chartlift.yaml`.",
    },
    Code {
        name: "absent-referred",
        summary: "A row that was to be deleted is still referred to, and stays.",
        explanation: "Rows of the target, of this series or of others, refer to it. It counts as absent. Delete those rows \
            first, in the target or by a decision, if it is to go.",
    },
    Code {
        name: "bad-ruling",
        summary: "A line of an order's `conflicts.csv` or `absences.csv` cannot be used.",
        explanation: "Each line has a target table, a source key, a ruling (`overwrite` or `keep` for conflicts, `delete` or \
            `keep` for absences), what was seen (may be empty), an author, a date and a reason. Keys are patients' values, \
            so no message repeats them: go by the line number.",
    },
    Code {
        name: "nothing-open",
        summary: "There is no row to decide about.",
        explanation: "The order's listing has no open line for that table, or the file has no ruling. Run the order: it \
            lists what it waits for.",
    },
];
