//! PostgreSQL: binary COPY in, digests by the server itself out.

mod address;
mod aftermath;
mod bookkeeping;
mod catalog;
mod checks;
mod cloud;
mod digest;
mod existing;
mod facts;
mod load;
mod refusal;
mod rollback;
mod scope;
mod session;
mod setup;
mod tls;
mod triggers;

use std::collections::HashSet;

use arrow::array::{Array, RecordBatch};
use async_trait::async_trait;

use super::{
    Begun, Bookkeeping, BucketDigest, Catalog, CatalogColumn, CatalogTable, Existing, LoadHeader, LoadRecord,
    Options, RollBack, RowCheck, RowDigest, TableSpec, Target, Unanswered,
};
use crate::Error;
use crate::copy::Column;
use crate::hash::hash_text_extended;
use crate::target::name::{quoted, quoted_part};
use address::Address;
use session::Server;
use setup::Route;

/// Every call opens its own connection: digests of several tables may run side by side, and nothing is left
/// behind in a broken state.
pub(super) struct PostgresTarget {
    server: Server,
    asked: checks::Asked,
}

impl PostgresTarget {
    pub(super) async fn connect(url: &str, options: &Options) -> Result<Self, Error> {
        let address = Address::read(url, &options.surroundings).await?;
        let target = Self { server: Server::new(address, options), asked: checks::Asked::default() };
        target.probe().await?;
        Ok(target)
    }

    /// Known answers: the digests only mean something where the server hashes texts as this program does.
    async fn probe(&self) -> Result<(), Error> {
        const PROBES: [(&str, i64); 3] =
            [("", 0), ("chartlift", -1), ("Prontuário nº 1 — olá, 世界 🩺", 1 << 40)];
        let doing = "probe its text hashes";
        let session = self.server.open(doing).await?;
        if session.route == Route::Pooled {
            setup::demand_own_connection(&self.server, &session).await?;
        }
        for (text, seed) in PROBES {
            let row = session
                .client
                .query_one("SELECT hashtextextended($1::text COLLATE \"C\", $2)", &[&text, &seed])
                .await
                .map_err(session.refused(doing))?;
            if row.get::<_, i64>(0) != hash_text_extended(text.as_bytes(), seed) {
                return Err(Error::HashDiffers { target: self.describe() });
            }
        }
        session.close().await;
        Ok(())
    }
}

#[async_trait]
impl Target for PostgresTarget {
    fn describe(&self) -> String {
        self.server.shown.clone()
    }

    fn dialect(&self) -> &'static str {
        "postgres"
    }

    async fn catalog(&self, tables: &[String]) -> Result<Catalog, Error> {
        let session = self.server.open("read its catalogue").await?;
        let catalog = catalog::read(&session, tables).await?;
        session.close().await;
        Ok(catalog)
    }

    async fn bookkeeping(&self) -> Result<Bookkeeping, Error> {
        let session = self.server.open("read its bookkeeping").await?;
        let state = bookkeeping::state(&session).await?;
        session.close().await;
        Ok(state)
    }

    async fn init(&self, ddl: Option<&str>) -> Result<(), Error> {
        let session = self.server.open_to_write("make the bookkeeping tables").await?;
        bookkeeping::init(&session, ddl).await?;
        session.close().await;
        Ok(())
    }

    async fn find_load(&self, order: &str) -> Result<Option<LoadRecord>, Error> {
        let session = self.server.open("look for the order's load").await?;
        let record = match bookkeeping::state(&session).await? {
            Bookkeeping::Missing => None,
            _ => bookkeeping::find_load(&session, order).await?,
        };
        session.close().await;
        Ok(record)
    }

    async fn begin(&self, header: &LoadHeader) -> Result<Begun, Error> {
        load::begin(&self.server, header).await
    }

    fn unfit(&self, table: &str, column: &CatalogColumn, values: &dyn Array) -> Result<Vec<u32>, Error> {
        Ok(Column::new(table, column, values)?.unfit())
    }

    fn can_ask(&self, table: &CatalogTable, check: &RowCheck) -> bool {
        let mut columns = check.columns.iter().map(|name| table.column(name));
        columns.all(|column| column.is_some_and(checks::can_be_asked))
    }

    async fn failing(
        &self,
        table: &CatalogTable,
        check: &RowCheck,
        batch: &RecordBatch,
        skipped: &HashSet<usize>,
    ) -> Result<Vec<u32>, Error> {
        checks::failing((&self.server, &self.asked), table, check, batch, skipped).await
    }

    async fn analyze(&self, tables: &[String]) -> Result<Vec<String>, Error> {
        aftermath::analyze(&self.server, tables).await
    }

    async fn digest(
        &self,
        table: &TableSpec,
        load: &LoadRecord,
        buckets: u32,
    ) -> Result<Vec<BucketDigest>, Error> {
        digest::buckets(&self.server, table, load, buckets).await
    }

    async fn row_digests(
        &self,
        table: &TableSpec,
        load: &LoadRecord,
        buckets: u32,
        chosen: &[u32],
    ) -> Result<Vec<RowDigest>, Error> {
        digest::rows(&self.server, table, load, buckets, chosen).await
    }

    async fn filled(
        &self,
        table: &TableSpec,
        load: &LoadRecord,
    ) -> Result<Vec<(String, Vec<String>)>, Error> {
        scope::filled(&self.server, table, load).await
    }

    async fn unanswered(&self, table: &TableSpec, load: &LoadRecord) -> Result<Unanswered, Error> {
        scope::unanswered(&self.server, table, load).await
    }

    async fn existing(&self, table: &TableSpec, columns: &[String], series: &str) -> Result<Existing, Error> {
        let doing = "read the rows that are there";
        let session = self.server.open(doing).await?;
        session.run(doing, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let existing = existing::read(&session, table, columns, series).await?;
        session.close().await;
        Ok(existing)
    }

    async fn find_rolled_back(&self, order: &str) -> Result<Option<i64>, Error> {
        let session = self.server.open("look for the order's load").await?;
        let load = bookkeeping::find_rolled_back(&session, order).await?;
        session.close().await;
        Ok(load)
    }

    async fn find_partly_rolled_back(&self, order: &str) -> Result<Option<LoadRecord>, Error> {
        let session = self.server.open("look for the order's load").await?;
        let load = bookkeeping::find_partly_rolled_back(&session, order).await?;
        session.close().await;
        Ok(load)
    }

    async fn begin_roll_back(
        &self,
        load: &LoadRecord,
        tables: &[TableSpec],
    ) -> Result<Box<dyn RollBack>, Error> {
        rollback::begin(&self.server, load, tables).await
    }
}
