//! A pack's DDL, with one form that SQLite lacks: `alter table T add column if not exists C ...;`, on a line of its own.
//!
//! A system that is in use has its tables already and may lack a column that the pack adds. PostgreSQL has words for
//! that; here the column is looked for, and the line is left out where it is there.

use rusqlite::{Connection, OptionalExtension};

use super::refusal::{refused, refused_script};
use crate::Error;

const DOING: &str = "run the pack's DDL";

pub(super) fn run(connection: &Connection, ddl: &str) -> Result<(), Error> {
    let mut waiting = String::new();
    for line in ddl.split_inclusive('\n') {
        let Some(column) = added_column(line) else {
            waiting.push_str(line);
            continue;
        };
        execute(connection, &waiting)?;
        // Lines that are done stay as empty ones, so that an error names the line of the file.
        waiting = "\n".repeat(waiting.matches('\n').count());
        if has_column(connection, column.table, column.column)? {
            waiting.push('\n');
        } else {
            waiting.push_str(&column.statement);
        }
    }
    execute(connection, &waiting)
}

fn execute(connection: &Connection, script: &str) -> Result<(), Error> {
    connection.execute_batch(script).map_err(refused_script(DOING, script))
}

struct Added<'a> {
    table: &'a str,
    column: &'a str,
    /// As SQLite takes it.
    statement: String,
}

fn added_column(line: &str) -> Option<Added<'_>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [alter, table, name, add, column, condition @ ..] = words.as_slice() else { return None };
    let [first, not, exists, added, ..] = condition else { return None };
    let said = [alter, table, add, column, first, not, exists].map(|word| word.to_ascii_lowercase());
    if said != ["alter", "table", "add", "column", "if", "not", "exists"] {
        return None;
    }
    let rest = words.get(8..)?.join(" ");
    Some(Added {
        table: name.trim_matches('"'),
        column: added.trim_matches(['"', ';']),
        statement: format!("alter table {name} add column {rest}\n"),
    })
}

fn has_column(connection: &Connection, table: &str, column: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM pragma_table_info(?) WHERE lower(name) = lower(?)";
    let found: Option<i64> =
        connection.query_row(sql, [table, column], |row| row.get(0)).optional().map_err(refused(DOING))?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "-- one\ncreate table if not exists t (a TEXT);\nALTER TABLE \"t\" add column if not exists b TEXT;\n\
                          create index if not exists i on t (b);\n";

    fn columns(connection: &Connection) -> i64 {
        connection.query_row("select count(*) from pragma_table_info('t')", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_column_is_added_once() {
        let connection = Connection::open_in_memory().unwrap();
        for _ in 0..2 {
            run(&connection, SCRIPT).unwrap();
            assert_eq!(columns(&connection), 2);
        }
    }

    #[test]
    fn a_column_that_was_there_stays_as_it_is() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("create table t (a TEXT, B integer)").unwrap();
        run(&connection, SCRIPT).unwrap();
        assert_eq!(columns(&connection), 2);
    }

    #[test]
    fn an_error_names_the_line_of_the_file() {
        let connection = Connection::open_in_memory().unwrap();
        let error = run(&connection, &format!("{SCRIPT}create tabel u (a);\n")).unwrap_err();
        assert!(matches!(&error, Error::Refused { refusal, .. } if refusal.line == Some(5)), "{error}");
    }
}
