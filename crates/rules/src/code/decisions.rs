//! Codes of decisions: their files, and what an approval is checked for.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code {
        name: "bad-decision",
        summary: "An entry of an order's decisions does not say one clear thing.",
        explanation: "Decisions are read as strictly as rules: a waiver accepts a number of rows or a share, a scope \
            is about a table or a category, an answer answers one question. The hint says what is expected. \
            `chartlift decide` writes entries that are right.",
    },
    Code {
        name: "map-contradicts",
        summary: "An order's entry of a map says otherwise than the map.",
        explanation: "One source code would mean two things depending on the order. If that is meant, write `yes` \
            under `replaces` in the order's `decisions/maps/NAME.csv`; otherwise correct the map in the project.",
    },
    Code {
        name: "bad-match",
        summary: "A line of an order's `matches.csv` cannot be used.",
        explanation: "Each line has a target table, a source key, the key of the row in the target or `new`, an \
            author, a date and a reason. Keys are patients' values, so no message repeats them: go by the line number.",
    },
    Code {
        name: "unknown-rule",
        summary: "An answer names a rule or an exclusion that no pack has.",
        explanation: "The answer to `undecided` names the rule and its exclusion as they stand in \
            `categorize/` or `convert/`: a name that fits none would answer nothing.",
    },
    Code {
        name: "scope-unread",
        summary: "A scope leaves out rows of a table that no rule starts from.",
        explanation: "A scope acts like an exclusion of the rules whose `from` is the table. One that is only joined, \
            or ignored, gives no rows of its own. Name the table that the rules start from.",
    },
    Code {
        name: "approval-missing",
        summary: "The project wants an approval before the import, and the order has none.",
        explanation: "`approval: required` stands in `chartlift.yaml`. Read the report, then \
            `chartlift approve --order ID`. The approval holds for exactly what was seen: inputs, rules, decisions, \
            the rows to load and the target.",
    },
    Code {
        name: "approval-stale",
        summary: "Something changed since the order was approved.",
        explanation: "An approval binds inputs, rules, decisions, the rows to load and the target. The message says \
            which of them is another one now. Nothing was loaded. Look again, then approve again.",
    },
    Code {
        name: "not-approvable",
        summary: "The order cannot be approved yet.",
        explanation: "What is approved is what would be loaded: all stages up to validate must have passed on the \
            files, rules and decisions of now. `chartlift run --order ID --until validate` does what is missing.",
    },
];
