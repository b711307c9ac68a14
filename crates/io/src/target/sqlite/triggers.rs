//! SQLite's triggers. None can be disabled: what is not to fire is dropped inside the load's transaction and made
//! again, word for word, before it commits.

use rusqlite::Connection;

use super::catalog::each;
use super::refusal::refused_at;
use crate::Error;
use crate::target::Trigger;
use crate::target::name::{Name, quoted_part};

const DISABLE: &str = "disable triggers";
const ENABLE: &str = "enable triggers again";

/// Those that fire when rows are inserted or updated.
pub(super) fn read(connection: &Connection, table: &str) -> Result<Vec<Trigger>, Error> {
    Ok(with_text(connection, table)?.into_iter().map(|(trigger, _)| trigger).collect())
}

fn with_text(connection: &Connection, table: &str) -> Result<Vec<(Trigger, String)>, Error> {
    let name = Name::read(table);
    let schema = quoted_part(name.schema.as_deref().unwrap_or("main"));
    let list = format!(
        "SELECT name, sql FROM {schema}.sqlite_schema WHERE type = 'trigger' AND lower(tbl_name) = lower(?) \
         AND sql IS NOT NULL ORDER BY name"
    );
    let mut triggers = Vec::new();
    each(connection, &list, [&name.table], |row| {
        let (name, sql): (String, String) = (row.get(0)?, row.get(1)?);
        let (when, event) = fires(&sql, &name);
        let (on_insert, on_update) = (event != "UPDATE", event != "INSERT");
        if event != "DELETE" {
            let fires = format!("{when} {event}");
            let trigger = Trigger { name, fires, on_insert, on_update, enabled: true, ..Trigger::default() };
            triggers.push((trigger, sql));
        }
        Ok(())
    })?;
    Ok(triggers)
}

/// When a trigger fires, by the words after its name. What cannot be told fires always.
fn fires(sql: &str, name: &str) -> (&'static str, &'static str) {
    let after = sql.find(name).and_then(|at| sql.get(at + name.len()..)).unwrap_or(sql);
    let mut when = "BEFORE";
    for word in after.split(|character: char| !character.is_ascii_alphabetic()) {
        match word.to_ascii_uppercase().as_str() {
            "AFTER" => when = "AFTER",
            "INSTEAD" => when = "INSTEAD OF",
            "INSERT" => return (when, "INSERT"),
            "UPDATE" => return (when, "UPDATE"),
            "DELETE" => return (when, "DELETE"),
            _ => {}
        }
    }
    (when, "INSERT OR UPDATE")
}

#[derive(Default)]
pub(super) struct Disabled {
    /// The table, and the statement that makes the trigger.
    again: Vec<(String, String)>,
}

impl Disabled {
    pub(super) fn disable(
        &mut self,
        connection: &Connection,
        table: &str,
        triggers: &[String],
    ) -> Result<(), Error> {
        let schema = Name::read(table).schema.map(|schema| format!("{}.", quoted_part(&schema)));
        for (trigger, sql) in with_text(connection, table)? {
            if triggers.contains(&trigger.name) {
                let name = quoted_part(&trigger.name);
                let drop = format!("DROP TRIGGER {}{name}", schema.as_deref().unwrap_or_default());
                connection.execute_batch(&drop).map_err(refused_at(DISABLE, table))?;
                self.again.push((table.to_owned(), sql));
            }
        }
        Ok(())
    }

    pub(super) fn enable_again(&self, connection: &Connection) -> Result<(), Error> {
        for (table, sql) in &self.again {
            connection.execute_batch(sql).map_err(refused_at(ENABLE, table))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_when_triggers_fire() {
        for (sql, found) in [
            ("CREATE TRIGGER a BEFORE INSERT ON t BEGIN SELECT 1; END", ("BEFORE", "INSERT")),
            ("create trigger \"a\" after update of x, y on t begin select 1; end", ("AFTER", "UPDATE")),
            ("CREATE TRIGGER a DELETE ON t BEGIN INSERT INTO u VALUES (1); END", ("BEFORE", "DELETE")),
            ("CREATE TRIGGER a insert ON t BEGIN SELECT 1; END", ("BEFORE", "INSERT")),
        ] {
            assert_eq!(fires(sql, "a"), found, "{sql}");
        }
    }
}
