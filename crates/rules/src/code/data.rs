//! Codes of findings: what the data of an export says. They are counted, and rows carry them as marks.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code {
        name: "type-error",
        summary: "A value is not of the type that the schema declares for its column.",
        explanation: "The row cannot be trusted to mean what it says, so it is quarantined unless the schema says \
            otherwise (`chartlift: { failed: { type: note } }`). `rejects` shows the rows. If most rows \
            of a column fail, the schema is wrong rather than the data: look at the column's `type` and \
            `format`.",
    },
    Code {
        name: "constraint-error",
        summary: "A value breaks a constraint of its column.",
        explanation: "The finding names the constraint: `required`, `minLength`, `maxLength`, `minimum`, \
            `maximum`, `pattern`, `enum` and so on. A missing required value quarantines its row; the \
            others are notes. The schema may say otherwise for each.",
    },
    Code {
        name: "unfit-value",
        summary: "A value would not come back from its column of the target as it goes in.",
        explanation: "The finding names the column's type. A NUL character in PostgreSQL, a text that is none of an \
            enumeration's labels, JSON that is not valid, a number with more digits than the column keeps, spaces at \
            the end of a `char(n)`, an array with other elements. The row is quarantined: no database rounds, cuts \
            or refuses it in the middle of a load.",
    },
    Code {
        name: "check-failed",
        summary: "A check of the target's table, or of a column's domain, refuses a row.",
        explanation: "The finding names the constraint. The database itself computes it before anything is written; the \
            row is quarantined. Ask it for the constraint's definition to see what it wants.",
    },
    Code {
        name: "unique-error",
        summary: "A value that must be unique stands in several rows.",
        explanation: "All rows with the value are marked, since nobody can tell which one is right. Byte-identical \
            rows are merged instead: see `duplicate-row`.",
    },
    Code {
        name: "primary-key",
        summary: "A primary key is missing a part or stands in several different rows.",
        explanation: "Rows are told apart by it, and other tables refer to it. All rows with the key are \
            quarantined, except byte-identical copies, which are merged.",
    },
    Code {
        name: "foreign-key",
        summary: "A row refers to a row that the export does not contain.",
        explanation: "Rows that could be read count as present even when they are quarantined themselves: a row is \
            held for its own fault only. If many rows fail, a file is missing or was cut off.",
    },
    Code {
        name: "ambiguous-match",
        summary: "Which row of the target, or which patient of another system, a row is meant by cannot be told.",
        explanation: "Several rows of the target fit; or the parts of one alternative fit and those of another do not \
            (the same CPF with another birth date: often a parent's); or two rows of the export fit one row of the \
            target, or one that belongs to another row of the series already; or the row found by an earlier load \
            is gone. Such a row is held, and what refers to it with it: a wrong match would mix two people's \
            charts. See the rows with `rejects`. A decision in `decisions/matches.csv` names the row of the target or \
            says that it is a new one; a gate accepts that they are left out. Of patients of several systems: what \
            `patients` in `chartlift.yaml` compares fits several people, several records fit one person, or a \
            stronger alternative speaks against what a weaker one finds. Nobody is joined on a guess: correct the \
            export, or the alternatives.",
    },
    Code {
        name: "missing-label",
        summary: "A column that the schema declares is missing from a file's header.",
        explanation: "The file may come from another version of the system, or was exported with other settings. \
            Compare the header with the schema; `identify` shows what differs.",
    },
    Code {
        name: "extra-label",
        summary: "A file has a column that the schema does not declare.",
        explanation: "It is kept as residue, so nothing is lost, but no rule reads it. If it matters, add it to \
            the schema and to a rule.",
    },
    Code {
        name: "duplicate-label",
        summary: "A column name stands twice in a file's header.",
        explanation: "Which of the two is meant cannot be known. Correct the export, or declare the file without a \
            header (`header: false`) so that columns go by their order.",
    },
    Code {
        name: "blank-label",
        summary: "A column of a file's header has no name.",
        explanation: "The header row may stand further down: see `headerRow` in the dialect.",
    },
    Code {
        name: "extra-cell",
        summary: "A record has more cells than the header has columns.",
        explanation: "Usually a delimiter inside a value that is not quoted. The record is a reject: its bytes, \
            file and row number are kept and `rejects` shows it.",
    },
    Code {
        name: "missing-cell",
        summary: "A record has fewer cells than the header has columns.",
        explanation: "Usually a line break inside a value that is not quoted, or a file that was cut off. The \
            record is a reject: its bytes, file and row number are kept and `rejects` shows it.",
    },
    Code {
        name: "quote-error",
        summary: "A quoted field is broken: text after its closing quote, or no closing quote at all.",
        explanation: "Only the record concerned becomes a reject; reading goes on at the next line. If many \
            records fail, look at `quoteChar`, `doubleQuote` and `escapeChar` in the dialect.",
    },
    Code {
        name: "field-too-long",
        summary: "A field is longer than the limit.",
        explanation: "The record is a reject. The limit protects memory against a quote that never closes; raise \
            it with `limits: { field_bytes: ... }` in `chartlift.yaml` if such fields are real.",
    },
    Code {
        name: "encoding-error",
        summary: "A record holds bytes that the declared character encoding does not have.",
        explanation: "The record is a reject with its bytes kept. If there are many, the encoding in the dialect \
            is wrong: `utf-8`, `windows-1252` or `iso-8859-1`.",
    },
    Code {
        name: "not-identified",
        summary: "No pack recognises the files.",
        explanation: "The report lists the packs that came nearest with what is missing and what is unknown in \
            each. Write a pack for the system, or, if you know what wrote the files, say so with \
            `--system` and `--version`.",
    },
    Code {
        name: "ambiguous-identification",
        summary: "Several packs fit the files equally well.",
        explanation: "Guessing would read data by the wrong rules, so a person decides: state `--system` and \
            `--version` on the order.",
    },
    Code {
        name: "missing-table",
        summary: "The export lacks a file that the pack requires.",
        explanation: "Ask for a complete export. If an export without this file is legitimate, say `required: \
            false` for the table in `system.yaml`.",
    },
    Code {
        name: "no-rows",
        summary: "A file or a table has no rows.",
        explanation: "Nothing was checked, and what was not checked is not a success. See whether the export was \
            complete.",
    },
    Code {
        name: "gate-exceeded",
        summary: "More rows were held than the acceptance gate allows.",
        explanation: "The share is (quarantined + blocked) / (read - excluded), for each table or category after \
            each stage. It is 0 for safety-critical categories and 0.5 % otherwise, unless `gates` in \
            `chartlift.yaml` says more with author, date and reason. Correct the data or the rules; move \
            the gate only if somebody answers for it.",
    },
    Code {
        name: "duplicate-row",
        summary: "A row is an exact copy of an earlier one and was merged into it.",
        explanation: "Byte for byte the same row under the same key says the same thing twice. The first stays; \
            the copies count as merged.",
    },
    Code {
        name: "key-conflict",
        summary: "Rows with the same key have different content.",
        explanation: "They cannot both be the record of that key, and which one is right is not known, so all of \
            them are quarantined. With a `merge` rule that happens where the record that would stay is held itself: an \
            older one does not take its place.",
    },
    Code {
        name: "joined-patient",
        summary: "A patient of one system is the same person as one of a system before it.",
        explanation: "`patients` in `chartlift.yaml` says what must be equal. The record of the first input's system \
            stays, and everything of the other's chart goes into the first one's.",
    },
    Code {
        name: "format-drift",
        summary: "The export differs in form from the one of the order that this one follows.",
        explanation: "Another version, a file or column more or less: named, and never a value. What the pack does not \
            know is not read, so look whether it should be.",
    },
    Code {
        name: "mixed-versions",
        summary: "Two inputs of an order are of one system in different versions.",
        explanation: "A system has one key space, and one pack makes all its records. Migrate the versions in two \
            orders of one series.",
    },
    Code {
        name: "fan-out",
        summary: "A row found more partners in a join than the rule allows.",
        explanation: "With `at_most: one` a second match would make two rows out of one. The driving row is \
            quarantined. Correct the `match` condition, or say `at_most: many` if each match is a row of \
            its own.",
    },
    Code {
        name: "unreferenced",
        summary: "A row of a joined table was reached by no driving row.",
        explanation: "It would disappear without a word, so it is quarantined, unless the join says `unreferenced: \
            exclude`.",
    },
    Code {
        name: "not-migrated",
        summary: "Rows of a table that the pack ignores with a reason.",
        explanation: "They are counted as excluded under this name. The reason stands in `system.yaml`.",
    },
    Code {
        name: "not-read",
        summary: "Rows of a table that no rule reads.",
        explanation: "The rules should have been refused for it (`unread-table`). They are counted under this name \
            so that the sums close.",
    },
    Code {
        name: "undecided",
        summary: "An exclusion's condition is neither true nor false for a row.",
        explanation: "The condition uses a value that the row does not have. The row is quarantined, because a \
            missing value is never a silent answer. Write the condition so that it covers the case, or \
            choose `unknown: keep` or `unknown: exclude` in the rule.",
    },
    Code {
        name: "excluded",
        summary: "A rule leaves the row out, by name.",
        explanation: "The rule's condition is true of the row, so it is not moved and counts as excluded under the \
            rule's name. Nobody has to correct it; if it should be moved after all, change the rule.",
    },
    Code {
        name: "lost-value",
        summary: "A value was there and its conversion gave nothing.",
        explanation: "For example a date that does not fit the pattern. The field is empty and the raw text is \
            kept with the row, which is flagged (`keep_text_and_flag`); a rule may instead hold the row \
            (`hold_row`) or stop the order (`stop`) with `failed:`. Look at the rejected texts with \
            `rejects`, and add a further pattern where it is justified.",
    },
    Code {
        name: "unmapped-code",
        summary: "A code stands in no line of its map.",
        explanation: "Nothing is translated on a guess. The raw code is kept and the row flagged, unless \
            `unmapped:` says otherwise. Add the code to the map with who decided it.",
    },
    Code {
        name: "parent-held",
        summary: "A row's required parent is held, so the row is held with it.",
        explanation: "It is counted apart from rows with a fault of their own: once the parent is corrected, it \
            comes along. A reference that is not required is emptied instead and the row is flagged.",
    },
    Code {
        name: "residue",
        summary: "A source column that no rule maps and nobody ignores.",
        explanation: "Its values stay in the order's data area, word for word. Map it, or ignore it with a reason, \
            once it is clear what it is.",
    },
    Code {
        name: "uneven-lists",
        summary: "Lists of one row that belong together have different lengths.",
        explanation: "`split` takes them in step: the first of each, the second of each. Where one is shorter nobody \
            can say what belongs to what, so the row is held. Correct the row, or split one column only.",
    },
    Code {
        name: "condition-failed",
        summary: "A condition across columns, named by a rule under `checks`, is true of the row.",
        explanation: "The condition says what is wrong, such as an end before its start. `failed` of the check says \
            what that means: `note`, `quarantine` or `block`.",
    },
    Code {
        name: "repaired",
        summary: "A named, lossless repair changed a value.",
        explanation: "`repair` of a field asked for it. The value as it was written stays in the order's checked \
            files, under the same file and row number.",
    },
    Code {
        name: "zeros-kept",
        summary: "Values are shorter than the column's digits, and it does not show that a spreadsheet took zeros.",
        explanation: "`repair: [leading_zeros]` gives zeros back only where all values of the column are digits, none \
            begins with a zero, and the short ones are valid with their zeros. Something else is wrong with this \
            column: nothing was changed, and the constraints on the field say what becomes of the short values.",
    },
    Code {
        name: "attachment-missing",
        summary: "Rows name files that the export does not have.",
        explanation: "The rows load and say so (`_file_missing` is true). Ask for the files; `chartlift rejects` writes \
            their names to `rejects/_attachments.csv`. Names that all begin with a folder of the old system want \
            `strip` in the pack.",
    },
    Code {
        name: "attachment-orphan",
        summary: "Files of the attachments' folder that no row names.",
        explanation: "They stay where they are, and nothing of them is loaded. Their names are in \
            `rejects/_attachments.csv` once `chartlift rejects` has run. Rows that were lost, or names that were \
            changed, leave orphans behind: look before the old system is switched off.",
    },
    Code {
        name: "attachment-path",
        summary: "A name would leave the folder of attachments.",
        explanation: "It is absolute, or holds `..`, or leads out through a link. Such a file is never opened: the row \
            loads as if it were missing. Where the old system wrote whole paths, `strip` in the pack takes the \
            beginning off.",
    },
    Code {
        name: "attachment-changed",
        summary: "A file's SHA-256 is not the one that the export states for it.",
        explanation: "The file was changed, cut or confused with another one after the old system took its digest. The \
            row loads with the digest that the file has; compare the file with the old system.",
    },
    Code {
        name: "attachment-case",
        summary: "A file was found under a name that differs in letter case or in the form of accents.",
        explanation: "No file has exactly the name, and only one has it but for that. Windows and macOS see no \
            difference; nothing has to be done.",
    },
    Code {
        name: "attachment-shared",
        summary: "Several rows name one file.",
        explanation: "Usually one document that belongs to several records. Where it belongs to several patients, look \
            whether it was filed wrongly.",
    },
    Code {
        name: "merged-by-rule",
        summary: "Several rows have one key and different content, and the pack's `merge` made them one.",
        explanation: "`merge` of the rule file says which row stays: the first or the last by the fields it names, or \
            the first with its empty fields filled from the others. Without `merge` such rows are held \
            (`key-conflict`).",
    },
];
