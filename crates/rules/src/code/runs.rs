//! Codes of orders, targets and the command line.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code {
        name: "no-files",
        summary: "There are no files to read.",
        explanation: "An empty input is never a success. Check the path and what is in it.",
    },
    Code {
        name: "no-project",
        summary: "The folder is not a project.",
        explanation: "A project has a `chartlift.yaml`. Make one with `chartlift init DIR`, or name it with \
            `--project DIR`.",
    },
    Code {
        name: "project-exists",
        summary: "The folder is a project already.",
        explanation: "Nothing was changed. Choose another folder.",
    },
    Code {
        name: "not-empty",
        summary: "The folder is not empty.",
        explanation: "Nothing is written over what is there. Choose another folder, or empty this one.",
    },
    Code {
        name: "rule-errors",
        summary: "The rules have errors.",
        explanation: "Nothing is read before all rules are sound. `chartlift lint` shows every error with its \
            place and a hint.",
    },
    Code {
        name: "no-key",
        summary: "The project has no key.",
        explanation: "Target ids and hashes are made under it. `key: file:PATH` or `key: env:NAME` in \
            `chartlift.yaml` says where it is; `chartlift init` makes one.",
    },
    Code {
        name: "bad-key",
        summary: "The project key cannot be used.",
        explanation: "A key is 64 hexadecimal digits (32 bytes) in the file or variable named, never in \
            `chartlift.yaml` itself.",
    },
    Code {
        name: "wrong-project-key",
        summary: "The project key is not the one that the order was made with.",
        explanation: "Another key gives other ids for the same records, and rows already loaded would not be found \
            again. Use the first key; its fingerprint stands in the order's log.",
    },
    Code {
        name: "no-target",
        summary: "It is not said where to load to.",
        explanation: "Give `--target NAME=URL`, e.g. `--target clinic=sqlite:out.db`, or write `target` in \
            `chartlift.yaml`.",
    },
    Code {
        name: "target-missing",
        summary: "It is not said where the order's target is.",
        explanation: "Give `--target NAME=URL`, e.g. `--target clinic=sqlite:out.db`.",
    },
    Code {
        name: "other-target",
        summary: "The order was made for another target.",
        explanation: "An order has one target. Make a new order for another one.",
    },
    Code {
        name: "bad-target",
        summary: "A target is not written in a way that can be used.",
        explanation: "Write `NAME=URL`, with a URL such as `sqlite:out.db` or `postgresql://user@host/database`.",
    },
    Code {
        name: "bad-address",
        summary: "A database address is not usable.",
        explanation: "Write `sqlite:PATH` or `postgresql://user@host/database`. The address is not repeated in the \
            message because it may hold a password.",
    },
    Code {
        name: "secret-in-argument",
        summary: "An argument holds a password.",
        explanation: "Arguments are visible to every process of the machine and stay in the shell's history. Leave \
            the password out and give it as `env:NAME`, `file:PATH`, a Postgres service file or \
            `~/.pgpass`.",
    },
    Code {
        name: "bad-input",
        summary: "An input of an order cannot be used.",
        explanation: "Write `--input NAME=PATH` or `--input PATH`; names of inputs differ from each other.",
    },
    Code {
        name: "order-exists",
        summary: "An order with this id exists already and says something else.",
        explanation: "Creating the same order again changes nothing; creating a different one under the same id is \
            refused. Choose another id.",
    },
    Code {
        name: "other-series",
        summary: "An order follows one of another series.",
        explanation: "Keys and decisions belong to a series, the clinic that moves. Leave `--series` out: the order \
            takes over the series of the one it follows.",
    },
    Code {
        name: "natural-keys-joined",
        summary: "Patients of two systems are to be one, and the target takes the source's keys as they are.",
        explanation: "A table with `key: natural` has one key for a row, and two systems know the person by two. Use \
            `key: uuid`, or leave out `patients` in `chartlift.yaml`.",
    },
    Code {
        name: "order-not-found",
        summary: "There is no order with this id.",
        explanation: "`chartlift order list` shows the orders of this storage. Look at `--storage` and `--project` \
            too.",
    },
    Code {
        name: "order-id",
        summary: "The order id cannot be used.",
        explanation: "Ids are part of folder names: letters, digits, `-`, `_` and `.`.",
    },
    Code {
        name: "order-locked",
        summary: "Another process works on this order.",
        explanation: "Wait until it has ended, then run the same command again: what is done is not done twice. If \
            that process was killed, its lock ends with it; a database may need a minute to notice.",
    },
    Code {
        name: "order-loaded",
        summary: "The order is loaded, and its rules, decisions or inputs have changed since.",
        explanation: "Loading again over what is there is refused. Take the load back first (`chartlift rollback \
            --order ID`), or make a new order that follows this one.",
    },
    Code {
        name: "log-broken",
        summary: "An order's log does not hold together.",
        explanation: "Every event carries the hash of the one before. An event is missing or was changed, so what \
            the log says cannot be trusted. Restore the folder `log/` from a copy.",
    },
    Code {
        name: "log-newer",
        summary: "An order's log was written by a newer Chartlift.",
        explanation: "It is not read, because what is new in it could matter. Use that version or a later one.",
    },
    Code {
        name: "log-conflict",
        summary: "Another process wrote to the order's log at the same time.",
        explanation: "One of the two stopped before it could do harm. Run the same command again.",
    },
    Code {
        name: "stage-missing",
        summary: "An earlier stage has not been done.",
        explanation: "`chartlift run --order ID` does what is missing, in order.",
    },
    Code {
        name: "stage-too-early",
        summary: "A stage was asked for before those it builds on.",
        explanation: "`chartlift run --order ID --until STAGE` does what is missing, in order.",
    },
    Code {
        name: "reference-cycle",
        summary: "Tables of the target refer to one another in a circle, and none of the references can wait.",
        explanation: "Tables are written after those they refer to, as the live database says. In a circle one of the \
            references has to wait: a deferrable constraint is looked at when the load ends; a column that may be \
            null is filled in once both tables are in. Where neither is so nothing can be loaded, and nothing was.",
    },
    Code {
        name: "layer-broken",
        summary: "A file that an earlier stage wrote is not what it should be.",
        explanation: "It was changed or damaged after it was written. Run the stage that wrote it again.",
    },
    Code {
        name: "input-changed",
        summary: "An input file changed while it was read.",
        explanation: "What was read is not used. Make sure that nothing writes to the export any more, then run \
            the same command again.",
    },
    Code {
        name: "file-error",
        summary: "A file or folder cannot be read or written.",
        explanation: "The message names it and says what was tried. Check that it exists, its permissions, and the \
            space on the disk.",
    },
    Code {
        name: "out-of-space",
        summary: "The disk is full.",
        explanation: "Nothing half-written counts. Make room and run the same command again.",
    },
    Code {
        name: "bookkeeping-missing",
        summary: "The target has no bookkeeping tables.",
        explanation: "Loads, keys and progress are recorded in the target itself. `chartlift target init` makes \
            the tables; with `--with-tables` also the pack's own.",
    },
    Code {
        name: "bookkeeping-newer",
        summary: "The target's bookkeeping tables were made by a newer Chartlift.",
        explanation: "Use that version or a later one.",
    },
    Code {
        name: "bookkeeping-older",
        summary: "The target's bookkeeping tables were made by an older Chartlift.",
        explanation: "`chartlift target init` brings them up to date; nothing that they hold is lost, and it can be run \
            as often as one likes.",
    },
    Code {
        name: "target-changed",
        summary: "The target changed between validate and import, so that rows would match otherwise.",
        explanation: "Nothing was loaded. Rows are matched in validate and again in import, under a lock, and the \
            load goes on only if both find the same. Run the same command again: it matches anew. If it keeps \
            happening, load when fewer people work.",
    },
    Code {
        name: "newer-load",
        summary: "A later load stands on rows of this one.",
        explanation: "It came later in the same series and system, or matched or changed rows that this load created. \
            Taking this one back would leave that one without them. Roll back the newest load first.",
    },
    Code {
        name: "catalog-mismatch",
        summary: "The target's tables are not what its pack describes.",
        explanation: "Tables, columns, types and keys of the live database are compared with the pack before \
            anything is written. Every difference is listed. Bring the database or the pack up to date.",
    },
    Code {
        name: "unverifiable-type",
        summary: "A column of the target has a type whose content cannot be proved.",
        explanation: "Every cell is compared with what the target holds. Of intervals, addresses, money, XML, ranges, \
            composites and types of extensions the database gives back another text than it was given, so that \
            nothing could be proved; the order suspends. Leave the column out of the pack's schema, or have it \
            changed to a type that keeps what it is given, e.g. `text`, `numeric` or `jsonb`.",
    },
    Code {
        name: "trigger-undecided",
        summary: "A trigger of the target would fire while rows are loaded, and nobody has said whether it may.",
        explanation: "Triggers send reminders, call other systems and change rows. In the schema of the target's table \
            write what is to become of each, by name: `chartlift: { triggers: { send_reminder: disable for this \
            load, audit: fire } }`. A trigger is disabled inside the load's transaction and enabled again before it \
            commits; in PostgreSQL that asks for the table's ownership, and others wait for the table meanwhile.",
    },
    Code {
        name: "not-analyzed",
        summary: "Statistics of the loaded tables could not be gathered.",
        explanation: "The load counts all the same; queries may be slow until the database gathers them by itself. \
            `ANALYZE` asks for the table's ownership, or from PostgreSQL 17 on for MAINTAIN.",
    },
    Code {
        name: "no-tables",
        summary: "The target pack brings no table definitions for this kind of database.",
        explanation: "Make the tables yourself, or add `ddl/postgres.sql` or `ddl/sqlite.sql` to the pack.",
    },
    Code {
        name: "duplicate-key",
        summary: "A row's key stands in the target already.",
        explanation: "The rows of a load are all new (`mode: insert`). Somebody else, or another order, put a row \
            with this key there. Nothing was loaded.",
    },
    Code {
        name: "connection-error",
        summary: "There is no working connection to the target.",
        explanation: "Check the address, the network and whether the server runs, then run the same command again.",
    },
    Code {
        name: "untrusted-connection",
        summary: "The server's certificate, or ours, was not accepted.",
        explanation: "Nothing was sent. With `sslmode=verify-full` the server must show a certificate for the name in \
            the address, signed by an authority in `sslrootcert`. If that is all as it should be, another machine \
            answers in the server's place.",
    },
    Code {
        name: "read-only-target",
        summary: "The target takes no writes.",
        explanation: "It is a replica, or its transactions are read-only by a setting of the server, the database or the \
            user. Nothing was begun. Name the server that takes writes; where the address names several, \
            `target_session_attrs=read-write` goes past the others. A database that somebody has set read-only is left \
            alone unless the address says `options=-c%20default_transaction_read_only=off`. A file of SQLite may not be \
            writable for this user.",
    },
    Code {
        name: "database-encoding",
        summary: "The database is not encoded as UTF8.",
        explanation: "Other encodings lack characters that charts have, and SQL_ASCII takes any bytes for text: names \
            would be refused half way or counted wrongly, and digests would not be comparable. Load into a database made \
            with ENCODING 'UTF8' TEMPLATE template0.",
    },
    Code {
        name: "checks-disabled",
        summary: "The session would load without foreign keys and triggers.",
        explanation: "Somebody has set `session_replication_role` for the user or the database, so that the server would \
            check no reference and fire no trigger. Take the setting back: `ALTER ROLE ... RESET \
            session_replication_role`.",
    },
    Code {
        name: "pooled-connection",
        summary: "A pooler hands the connection on after each transaction.",
        explanation: "A session's settings, locks and prepared statements would be another client's: PgBouncer with \
            `pool_mode = transaction` or `statement`, for example. Connect to the database itself, or to a pool with \
            `pool_mode = session`.",
    },
    Code {
        name: "missing-privilege",
        summary: "The database user lacks a right.",
        explanation: "The message names the right and the object, the hint the GRANT that gives it. The load is one \
            transaction: nothing of it remains. `chartlift target check` lists beforehand what is lacking; docs/rds.md lists \
            the rights of a user that can load and nothing more.",
    },
    Code {
        name: "no-credentials",
        summary: "No login for the target was found.",
        explanation: "`auth=rds-iam` and `secret` need an identity in the cloud: AWS_ACCESS_KEY_ID and \
            AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN), a web identity, or the role of the container or \
            machine; profiles of configuration files are not read. The identity must be allowed \
            `rds-db:connect` or `secretsmanager:GetSecretValue`.",
    },
    Code {
        name: "database-refused",
        summary: "The database refused a statement.",
        explanation: "The message has the database's code and the names of the objects concerned, never values. \
            The load is one transaction: nothing of it remains.",
    },
    Code {
        name: "database-busy",
        summary: "The database is busy: a lock, a deadlock, or a server that is starting or stopping.",
        explanation: "Nothing of the load remains. Run the same command again.",
    },
    Code {
        name: "commit-unknown",
        summary: "The connection broke during the commit.",
        explanation: "Whether the load counts is decided by its record in the target. Run the same command again: \
            it looks there first.",
    },
    Code {
        name: "hash-differs",
        summary: "The database server computes other text hashes than this program.",
        explanation: "Digests would not be comparable, so verification could not prove anything. Please report the \
            server's version.",
    },
    Code {
        name: "value-unfit",
        summary: "A value cannot be stored unchanged in its column.",
        explanation: "It is found before the row is sent, so that the database never alters it in silence. Convert \
            it in a rule, or use a wider column.",
    },
    Code {
        name: "column-unfit",
        summary: "A column is not what the table takes.",
        explanation: "The rules and the table disagree on names or types. `chartlift target check` compares them.",
    },
    Code {
        name: "verify-mismatch",
        summary: "The target does not hold what was converted.",
        explanation: "Digests of the target differ from those of the converted rows. The report names tables, \
            columns and hashed row keys. Do not use the target before it is clear who changed it: a \
            later edit by a user, a trigger, or a fault.",
    },
    Code {
        name: "clinical-only",
        summary: "An option of the clinical edition was given for the operator's report.",
        explanation: "`--language`, `--sample`, `--seed` and `--identified` concern the page that names patients. Add \
            `--edition clinical` if that page is meant, or leave the option out.",
    },
    Code {
        name: "identified-outside",
        summary: "A page that names patients would leave the order's data area.",
        explanation: "The clinical edition holds values, which stay in the order's folder `clinical` and the target. \
            Leave out `--out`. If the page must go elsewhere, say so with `--identified`: who copies it answers for \
            it. The order's `reports`, `log` and `logs` hold no values, whatever is said.",
    },
    Code {
        name: "not-loaded",
        summary: "The order is not in the target.",
        explanation: "There is nothing to verify. Import it first with `chartlift run --order ID`.",
    },
    Code {
        name: "load-unbalanced",
        summary: "A table's load does not add up.",
        explanation: "Every converted row must be loaded, matched or held. The message gives the figures.",
    },
    Code {
        name: "unknown-code",
        summary: "There is no such code.",
        explanation: "`chartlift explain` without a code lists them all.",
    },
    Code {
        name: "usage",
        summary: "The command was not understood.",
        explanation: "`chartlift help COMMAND` shows what it takes, with examples.",
    },
    Code {
        name: "query-error",
        summary: "The query engine failed.",
        explanation: "If it ran out of memory, raise `limits: { memory_mb: ... }` in `chartlift.yaml`. Otherwise \
            please report it: rules that pass `lint` should never lead here.",
    },
    Code {
        name: "parquet-error",
        summary: "A file between two stages could not be written or read.",
        explanation: "The message names it. Check the space on the disk; if the file is damaged, run the stage \
            that wrote it again.",
    },
    Code {
        name: "batch-error",
        summary: "The program put a batch of rows together wrongly.",
        explanation: "This is our fault. Please report the command and the version.",
    },
    Code {
        name: "chunk-too-large",
        summary: "A piece of a file is too large to be read at once.",
        explanation: "A record runs on over an enormous stretch, usually because of a quote that never closes. \
            Look at the file and at `quoteChar` in its dialect.",
    },
    Code {
        name: "digest-misfit",
        summary: "A column cannot be digested.",
        explanation: "This is our fault. Please report the command, the version and the column's type.",
    },
    Code {
        name: "internal-error",
        summary: "The program failed in a way it should not.",
        explanation: "This is our fault. Please report the command, the version and the message; it holds no \
            values of your data. Running the same command again is safe.",
    },
    Code {
        name: "rollback-untold",
        summary: "The database does not know any more who wrote a load's rows last.",
        explanation: "A rollback takes only rows that nobody has written to since. PostgreSQL tells by the transaction \
            that wrote a row, SQLite by a hash that the load remembered. A load of an older chartlift remembered neither, \
            and in a PostgreSQL that was restored from a dump the transactions have other numbers. Nothing was taken back. \
            Restore a backup of before the load, or take the rows out by hand.",
    },
    Code {
        name: "rollback-unproved",
        summary: "After a rollback rows would not be as they were before the load.",
        explanation: "Every row that the load had changed or deleted is compared, cell by cell, with what it was before, and \
            every row that it had created must be gone. Something else wrote to them meanwhile, most often a trigger that \
            sets a time of change or keeps rows from being deleted. Nothing was taken back. Disable the trigger for the \
            rollback and try again.",
    },
    Code {
        name: "charts-unknown",
        summary: "Rows of the load were edited since, and whose charts they are cannot be told.",
        explanation: "A chart that somebody has edited stays whole. Which rows are of one chart stands in the converted files \
            that were loaded, and those were made anew by other rules or decisions since. Nothing was taken back. Put rules \
            and decisions back as they were and run the order with `--until validate`: the same input gives the same files. \
            Then roll back.",
    },
    Code {
        name: "slow-reference",
        summary: "A foreign key that leads to rows of the load has no index on its own columns.",
        explanation: "For each row that a rollback takes away the database looks for rows that refer to it, and without an \
            index reads the whole table each time. Where the tables are ours to change, an index is made for the time of the \
            rollback. Otherwise ask the table's owner for one before you roll back many rows.",
    },
    Code {
        name: "trigger-effects",
        summary: "Triggers wrote to other tables during the rollback.",
        explanation: "Deleting and restoring rows fires the target's triggers like any other write. What they did in tables \
            that the load did not write to is counted, and not undone by running the order again.",
    },
    Code {
        name: "numbers-used",
        summary: "Numbers that the target gave to rows of the load are not given again.",
        explanation: "Sequences and identity columns only count on. After a rollback the rows are gone and their numbers \
            stay unused; the next load gets later ones.",
    },
    Code {
        name: "several-systems",
        summary: "This is not there yet for an order whose inputs come from several systems.",
        explanation: "Rows that a target has already (`mode: match`) and keys that it assigns (`key: identity`), the \
            archive, the clinical edition, and attachments of a system that comes in several inputs work in orders of \
            one system. Migrate each system by an order of its own.",
    },
    Code {
        name: "second-reading",
        summary: "A second reading of the export found other facts than what would be loaded.",
        explanation: "The declared columns of a safety-critical category were read again, straight from the files, and \
            for some patients the facts are not those that were converted, degraded or held. Nothing is loaded. Either \
            the converted files were changed, or a rule makes something else of a column than the pack declares, or the \
            declaration is wrong. `statement.second_reading` says which table and how many patients; compare a few of \
            them before you change anything.",
    },
    Code {
        name: "artefact-changed",
        summary: "A file that an earlier stage wrote is not as it was.",
        explanation: "What validate and import read is sealed when convert and validate have written it. A file was \
            changed, added or removed since. Find out who writes into the order's folder, and run the order in a new \
            one: what is there can no longer be trusted.",
    },
];
