//! Triggers that are not to fire: disabled inside the load's transaction, and enabled again before it commits.

use super::session::Session;
use super::{catalog, facts, quoted, quoted_part};
use crate::Error;

const DISABLE: &str = "disable triggers";
const ENABLE: &str = "enable triggers again";

/// What was disabled, and how to undo it. Where the load fails its transaction undoes it.
#[derive(Default)]
pub(super) struct Disabled {
    again: Vec<(String, String)>,
}

impl Disabled {
    /// Only triggers that are enabled now; others wait for the table until the load has ended.
    pub(super) async fn disable(
        &mut self,
        session: &Session,
        table: &str,
        triggers: &[String],
    ) -> Result<(), Error> {
        let Some(oid) = catalog::oid(session, table).await? else { return Ok(()) };
        let facts = facts::read(session, oid).await?;
        for trigger in facts.triggers.iter().filter(|one| one.enabled && triggers.contains(&one.name)) {
            let on = if trigger.partition.is_empty() { quoted(table) } else { trigger.partition.clone() };
            // Of a partitioned table the copies that its partitions have go with it.
            let change = |how: &str| format!("ALTER TABLE {on} {how} TRIGGER {}", quoted_part(&trigger.name));
            let disable = change("DISABLE");
            let refused = session.refused_at(DISABLE, table);
            session.client.batch_execute(&disable).await.map_err(refused)?;
            let how = if trigger.always { "ENABLE ALWAYS" } else { "ENABLE" };
            self.again.push((table.to_owned(), change(how)));
        }
        Ok(())
    }

    pub(super) async fn enable_again(&self, session: &Session) -> Result<(), Error> {
        if self.again.is_empty() {
            return Ok(());
        }
        // A table with checks that still wait cannot be altered: they are made now instead of at the commit.
        session.run(ENABLE, "SET CONSTRAINTS ALL IMMEDIATE").await?;
        for (table, sql) in &self.again {
            session.client.batch_execute(sql).await.map_err(session.refused_at(ENABLE, table))?;
        }
        Ok(())
    }
}
