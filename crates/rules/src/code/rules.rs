//! Codes of rule files: what `chartlift lint` and every command that reads rules report.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code {
        name: "not-yaml",
        summary: "A rule file is not valid YAML, or is empty.",
        explanation: "The parser stopped at the place shown, so nothing of this file could be read; other files \
            are still checked.\n\n\
            Usual causes: indentation that does not line up, an unclosed quote or bracket, a tab used \
            for indentation, or plain text with `: ` in it, which YAML takes for a key. Put such text in \
            double quotes.",
    },
    Code {
        name: "yaml-feature",
        summary: "A rule file uses a part of YAML that rules do without.",
        explanation: "Anchors (`&x`), aliases (`*x`), tags (`!x`), several documents in a file, lists as keys and \
            very deep nesting are refused: a rule must say what it means in the place where it stands.\n\n\
            Write the value out.",
    },
    Code {
        name: "unknown-file",
        summary: "A file in a folder of rules is none of the files Chartlift reads.",
        explanation: "It has no effect, which is rarely what its author wanted: a misspelled name such as \
            `schema/patients.yaml` would silently take a table's schema away.\n\n\
            Expected are `systems/NAME/VERSION/` with `system.yaml`, `schemas/TABLE.yaml` and \
            `categorize/CATEGORY.yaml`; `targets/NAME/VERSION/` with `target.yaml`, \
            `schemas/TABLE.yaml`, `convert/TABLE.yaml` and `ddl/postgres.sql` or `ddl/sqlite.sql`; \
            `canonical/CATEGORY.yaml`; `maps/NAME.csv`. Readmes (`*.md`, `*.txt`) may stand anywhere.",
    },
    Code {
        name: "missing-file",
        summary: "A file that another rule file needs does not exist.",
        explanation: "A version's folder needs its `system.yaml` or `target.yaml`, and every table of a system \
            needs `schemas/TABLE.yaml`: types and constraints are declared, never guessed from data.",
    },
    Code {
        name: "unsupported-spec",
        summary: "The file is written for another version of the rule format.",
        explanation: "Every rule file begins with `spec: chartlift/v1`. A file for a newer format is refused \
            rather than half understood: use the newer Chartlift that it was written for.",
    },
    Code {
        name: "name-mismatch",
        summary: "The name in a file differs from the name its path gives it.",
        explanation: "Names and versions come from the path, e.g. `systems/synthea/3.3.0/categorize/patient.yaml`. \
            They may be repeated in the file but must agree: a copied file that still carries its old \
            name would otherwise be taken for something else.",
    },
    Code {
        name: "unknown-key",
        summary: "A key that does not exist at this place.",
        explanation: "Unknown keys are errors because a misspelled key (`colunm:`) would be ignored in silence and \
            with it what its author wanted.\n\n\
            Inside `{ }` a comma ends a value, so an expression with commas must be quoted: `{ sql: \
            \"coalesce(a, b)\" }`.",
    },
    Code {
        name: "missing-key",
        summary: "A key that must be there is absent.",
        explanation: "There is no default for what must not be guessed: names, types, time zones, and the author, \
            date and reason of every exception.",
    },
    Code {
        name: "duplicate-yaml-key",
        summary: "A key stands twice in the same mapping.",
        explanation: "YAML readers disagree on which of the two counts. Keep one.",
    },
    Code {
        name: "wrong-type",
        summary: "A value is of the wrong kind: a list where a text is expected, a number out of range, an empty text.",
        explanation: "Only `true` and `false` are booleans; `yes`, `no`, `on` and `off` are text. A key with \
            nothing after it has no value: write `\"\"` for the empty text, `[]` for no entries.",
    },
    Code {
        name: "unknown-word",
        summary: "A value is not one of the words allowed here.",
        explanation: "The message or its hint lists them.",
    },
    Code {
        name: "bad-patient-match",
        summary: "What should tell that two patients are one person cannot.",
        explanation: "`patients` in `chartlift.yaml` compares texts, dates and whole numbers of patient records and the \
            values of identifiers, never keys: those mean something in one system only.",
    },
    Code {
        name: "cut-by-comment",
        summary: "A ` #` begins a comment and cuts an expression short.",
        explanation: "In YAML a `#` after a blank begins a comment, so `when: code = 'A #1'` ends before the `#` \
            and would mean something else without any error. Put the whole expression in double quotes, \
            or move the comment to a line of its own.",
    },
    Code {
        name: "not-a-column",
        summary: "A plain value looks like an expression but is read as the name of a column.",
        explanation: "A field's plain value is a column name and nothing else, so that text is never an expression \
            by accident. Write an expression as `{ sql: \"trim(name)\" }`, a constant as `{ text: BR }`, \
            and quote a column whose name really has parentheses.",
    },
    Code {
        name: "field-value",
        summary: "A field does not say in exactly one way where its value comes from.",
        explanation: "Give one of `column` (a source column), `text` (a constant) or `sql` (a scalar expression), \
            or a plain column name.",
    },
    Code {
        name: "misplaced-key",
        summary: "A key has no meaning in the place where it stands.",
        explanation: "Examples: `unmapped` without `map`, `formats` on a field that is no date, `row_key` beside a \
            primary key, a rule for the column that shows holds. It is refused because its author \
            expects an effect that it does not have.",
    },
    Code {
        name: "missing-field",
        summary: "A rule gives no value for a field that must have one.",
        explanation: "Fields that are `required`, and the primary key, must be filled by every rule of the file. \
            Add the field to the rule, or correct the schema if a value may be absent.",
    },
    Code {
        name: "unknown-table",
        summary: "A table that does not exist is named.",
        explanation: "Source tables stand in `system.yaml` under `tables`, target tables are the files in the \
            target's `schemas/`.",
    },
    Code {
        name: "unknown-category",
        summary: "A category that does not exist is named.",
        explanation: "Categories are the files in `canonical/`, those built in included.",
    },
    Code {
        name: "unknown-column",
        summary: "A column that the table's schema does not declare.",
        explanation: "A plain name is a column of the rule's `from`; a column of a joined table is written \
            `alias.column`. Names are compared with upper and lower case. `_key` is the text of a source \
            row's own key.",
    },
    Code {
        name: "unknown-field",
        summary: "A field that the schema does not declare.",
        explanation: "The hint gives the nearest name, if there is one.",
    },
    Code {
        name: "unknown-map",
        summary: "A code map that does not exist is named.",
        explanation: "`map: sex` reads `maps/sex.csv`.",
    },
    Code {
        name: "unknown-target",
        summary: "A target that no pack describes is named.",
        explanation: "A target is a folder `targets/NAME/VERSION/`.",
    },
    Code {
        name: "unknown-system",
        summary: "A system or version that no pack describes is named.",
        explanation: "A system is a folder `systems/NAME/VERSION/`; a version may also be one that a pack's \
            `covers` lists. Without `--system` and `--version` the files are identified.",
    },
    Code {
        name: "unknown-timezone",
        summary: "A time zone that does not exist is named.",
        explanation: "Use a name of the IANA database, e.g. `America/Sao_Paulo`. Times without an offset are read \
            in this zone.",
    },
    Code {
        name: "unknown-function",
        summary: "A function that rules cannot use, or that does not exist.",
        explanation: "`chartlift functions` lists all that can be used, with examples. Functions that fail on data \
            or convert in silence are left out on purpose; there is one of ours for each.",
    },
    Code {
        name: "ambiguous-column",
        summary: "A column name fits more than one table.",
        explanation: "Say which one: `{ table: patients, column: id }` in `ignore`, `alias.column` in a field.",
    },
    Code {
        name: "duplicate-name",
        summary: "Two things that must be told apart have the same name.",
        explanation: "Rules of a file, exclusions of a rule, tables of a join, fields of a schema: reports and \
            counts go by these names. Two tables of a system must not claim the same file either.",
    },
    Code {
        name: "reserved-name",
        summary: "A field has a name that Chartlift gives to its own columns.",
        explanation: "`_key`, `_row`, `_part`, `_offset` and `_degraded` carry the lineage of each row.",
    },
    Code {
        name: "unread-table",
        summary: "A source table is neither read by a rule nor ignored with a reason.",
        explanation: "Nothing disappears: every table of an export is moved, or somebody said why it is not. Write \
            a rule whose `from` or `join` reads it, or add it to `ignore` in `system.yaml`; its rows are \
            then counted as `not-migrated`.",
    },
    Code {
        name: "unconverted-category",
        summary: "A target neither converts a category nor says why not.",
        explanation: "Without a rule whatever a system puts into this category would end there unseen. Write a \
            rule in `convert/` with `from: CATEGORY`, or add the category to `ignore` in `target.yaml` \
            with a reason.",
    },
    Code {
        name: "open-confidentiality",
        summary: "A mark of confidentiality that is not known would leave a record open.",
        explanation: "In a category, no confidentiality means that nobody said anything. A code that a map does not \
            have, or gives no value, would become just that, and a restricted record as open as any. Write \
            `unmapped: hold_row` (or `stop`), give every code of the map a value, or use SQL whose last branch is the \
            strictest: `case when COLUMN = 'N' then 'N' when COLUMN = 'VIP' then 'R' when COLUMN is not null then 'V' end`.",
    },
    Code {
        name: "unconverted-confidentiality",
        summary: "A target's rule drops how confidential records are.",
        explanation: "The category says how confidential each record of a patient is, and the table that the rule fills \
            is not told. Convert the field; or say in `target.yaml`, with a reason, that the target has no such \
            column: `ignore: [{ table: CATEGORY, column: confidentiality, reason: ... }]`.",
    },
    Code {
        name: "unfilled-table",
        summary: "No rule fills a target table.",
        explanation: "The table stays as it is. Write rules for it in `convert/`, or delete its schema if nothing \
            is ever loaded into it.",
    },
    Code {
        name: "ignored-and-used",
        summary: "Something is ignored although a rule uses it.",
        explanation: "One of the two is wrong, and which one nobody can tell from the rules. Take the `ignore` \
            entry or the rule out.",
    },
    Code {
        name: "type-mismatch",
        summary: "A value's type is not the type of the field it is put into.",
        explanation: "Nothing is converted in silence. A plain source column is read by the type and format that \
            the source schema declares for it, and that type must be the field's. Declare it there, give \
            `formats` for a date, or call a function in `sql`, e.g. `parse_integer(age)`.",
    },
    Code {
        name: "unsupported-type",
        summary: "A schema names a type that does not exist or is not supported.",
        explanation: "Supported are `string`, `integer`, `number`, `boolean`, `date`, `time` and `datetime`. For \
            anything else declare `string` and convert it in a rule.",
    },
    Code {
        name: "unsupported-format",
        summary: "A schema names a format that its type does not have.",
        explanation: "Dates and times take strptime words, e.g. `%d/%m/%Y %H:%M`; the format `any` is refused \
            because a format is never guessed. What a text looks like is said with `constraints: { \
            pattern: ... }`.",
    },
    Code {
        name: "bad-format",
        summary: "A date pattern in a rule has a part that is not understood.",
        explanation: "Patterns in rules are PostgreSQL's template words: `YYYY MM DD HH24 HH12 MI SS MS US AM Mon \
            Month`, with other letters in double quotes; the word `ISO` means ISO 8601. Example: \
            `DD/MM/YYYY HH24:MI`.",
    },
    Code {
        name: "bad-pattern",
        summary: "A `pattern` constraint is not a regular expression that can be used.",
        explanation: "Patterns are XML Schema expressions and match the whole value. Look-around and \
            back-references do not exist. In double quotes YAML takes a backslash for itself: write \
            `\"\\\\d+\"`, or `'\\d+'` in single quotes.",
    },
    Code {
        name: "wrong-constraint",
        summary: "A constraint or property that means nothing for the field's type.",
        explanation: "`minLength`, `maxLength` and `pattern` are for text; `minimum` and its relatives for \
            numbers, dates and times; `decimalChar` and `groupChar` for numbers; `trueValues` and \
            `falseValues` for booleans.",
    },
    Code {
        name: "foreign-key-shape",
        summary: "A foreign key's two sides do not fit each other.",
        explanation: "Both sides need the same number of fields, of the same types, and what is referred to must \
            be the other table's primary key or a unique field: otherwise one row could refer to \
            several.",
    },
    Code {
        name: "target-key",
        summary: "A target table's primary key cannot be used.",
        explanation: "Loaded rows are found again, verified and rolled back by a primary key of one column. With \
            `key: uuid` (the default) Chartlift makes it from the source key and the column must be a \
            string; with `key: natural` the source key itself is loaded; with `key: identity` the target assigns \
            it, whatever the type there, and in the schema it is a string, because rules give the source key.",
    },
    Code {
        name: "match-shape",
        summary: "What tells a target table's rows apart is not said, or not in a way that can be used.",
        explanation: "With `mode: match` rows that the target already has are found by `match: [[cpf], [name, \
            born]]`: alternatives in order, each a list of columns that must all be equal. `match` needs at least \
            one alternative, each at least one part, every part a column of the table: not \
            its key and not the column that shows holds. The same goes for the columns in `fill`.",
    },
    Code {
        name: "mode-key",
        summary: "A table's rows are found by a key that is a new one each time.",
        explanation: "`mode: upsert` and `mode: skip-existing` find the rows that the target has by their key, which \
            must be the same in each load: `key: natural` or `key: uuid`. Where the target assigns keys, rows are \
            found by columns instead: `mode: match`.",
    },
    Code {
        name: "missing-hold",
        summary: "A safety-critical category goes into a table that cannot show a hold.",
        explanation: "What cannot be converted in allergies, medications, conditions, identity or future \
            appointments still arrives as its source text, and somebody must see at once that it is not \
            coded. Name the column that shows it: `chartlift: { hold: COLUMN }` in the target table's \
            schema.",
    },
    Code {
        name: "bad-dialect",
        summary: "A file dialect contradicts itself.",
        explanation: "Delimiter, quote and escape are single, different ASCII characters; `headerRow` counts \
            records from 1; a file without a header has `header: false`.",
    },
    Code {
        name: "bad-map",
        summary: "A code map has a line that cannot be used.",
        explanation: "A map is a CSV file with the columns `source,source_text,target,equivalence,decided_by`. \
            `equivalence` is a word of FHIR's ConceptMap (`equal`, `equivalent`, `wider`, `narrower`, \
            `inexact`, `unmatched`, ...); `decided_by` names the person or publication that decided: no \
            code is translated on a guess. Only `unmatched` and `disjoint` may leave `target` empty.",
    },
    Code {
        name: "duplicate-code",
        summary: "A code map gives two answers for one code.",
        explanation: "Codes are compared exactly. Keep one of the two lines.",
    },
    Code {
        name: "bad-expression",
        summary: "An expression is not valid SQL.",
        explanation: "Each is one scalar SQL expression, without a semicolon. Text stands in single quotes, odd \
            column names in double quotes: `\"Nome Completo\"`. Names are compared with upper and lower \
            case.",
    },
    Code {
        name: "bad-argument",
        summary: "A function is called with something that it does not take.",
        explanation: "`chartlift functions NAME` shows its parameters and examples. Formats, separators and codes \
            must be written out as text: they are checked before any data is read.",
    },
    Code {
        name: "bad-join",
        summary: "A join's condition cannot be used.",
        explanation: "It is an equality between columns of the joined table and columns that are there already, \
            both with their table's name: `addresses.patient_id = patients.id`. Several may be combined \
            with `and`.",
    },
    Code {
        name: "bare-cast",
        summary: "An expression casts a value to another type.",
        explanation: "A cast stops the whole query at the first odd value, or guesses. Use a function that gives \
            null instead and is checked: `parse_date`, `parse_datetime`, `parse_integer`, `parse_number` \
            or `parse_boolean`.",
    },
    Code {
        name: "implicit-cast",
        summary: "An expression would read text as another type in silence.",
        explanation: "For example `age > 18` where `age` is text. Say how the text is to be read: \
            `parse_integer(age) > 18`.",
    },
    Code {
        name: "not-scalar",
        summary: "An expression is more than a scalar expression over one row.",
        explanation: "Aggregates, window functions, subqueries and parameters are not for rules: a rule sees one \
            row and the rows joined to it.",
    },
    Code {
        name: "too-many-rules",
        summary: "A rule file has more rules than one table can have.",
        explanation: "Rules are numbered in a row's lineage, and the numbers end. Combine rules that read the same \
            table.",
    },
    Code {
        name: "secret-in-file",
        summary: "A rule file holds a secret.",
        explanation: "Rule files are shared and kept under version control. Say where the secret is instead: \
            `env:NAME` or `file:PATH`; for PostgreSQL also a service file or `~/.pgpass`.",
    },
    Code {
        name: "extends-cycle",
        summary: "A version of a system extends itself.",
        explanation: "`extends` names one other version of the same system, which may extend a third, but the chain \
            must end with a version that extends none.",
    },
    Code {
        name: "unknown-version",
        summary: "`extends` names a version that the system does not have.",
        explanation: "It is the name of another folder under `systems/SYSTEM/`. Versions of other systems cannot be \
            extended.",
    },
    Code {
        name: "nothing-to-remove",
        summary: "`remove` names something that is not inherited.",
        explanation: "`remove` takes away what the extended version says: entries of a list or mapping by name \
            (`remove: { fields: [a] }`), whole keys (`remove: [primaryKey]`) or, in `system.yaml`, whole files \
            (`remove: { files: [schemas/a.yaml] }`).",
    },
    Code {
        name: "no-fixed-digits",
        summary: "`repair: [leading_zeros]` stands where nothing says how many digits the value has.",
        explanation: "The column's schema must fix the width: `pattern: '[0-9]{5}'` (or `\\d{5}`), or equal `minLength` \
            and `maxLength`, with `type: string`. The value must be a plain column of the rule's table or of a joined \
            one: only a whole column shows whether zeros were lost.",
    },
    Code {
        name: "unreachable-repair",
        summary: "A repair is for values whose rows are held before it.",
        explanation: "The source schema's `failed` quarantines or blocks the rows that the repair is for. Leave the \
            constraint a note in the source schema, and put it on the category's field, where the repaired value is \
            checked.",
    },
    Code {
        name: "attachment-folder",
        summary: "The folder of attachments is not a folder inside an export.",
        explanation: "`folder` is written relative to the export, with `/` between folders: `scans` or `files/scans`. \
            Names that begin with `.` or `_` are not data, and `..` or an absolute path would leave the export.",
    },
    Code {
        name: "unpivot-shape",
        summary: "The lists of an `unpivot` are not equally long.",
        explanation: "The nth column of each list goes into the nth row, so every list has as many columns.",
    },
    Code {
        name: "second-reading-missing",
        summary: "Safety-critical facts are converted and nothing reads them a second time.",
        explanation: "Before anything is loaded, the declared columns of a safety-critical category are read once more, \
            straight from the files and by other code, and each patient's facts must be the same. The system's \
            `second_reading` says which columns state them, the target table's which columns carry them. Where that \
            cannot be said, `none: REASON` says so, and the statement shows the category as not read twice. Without \
            either, an order with such rows suspends before it loads them.",
    },
    Code {
        name: "bad-second-reading",
        summary: "A second reading is declared in a way that cannot work.",
        explanation: "It names one rule that reads the table, splits lists as that rule does, and gives each fact as a \
            text, a date, an instant or a state. Rules that group or unpivot rows, join many, or fill records from one \
            another have no second reading: say `none: REASON`.",
    },
];
