//! One fresh database of either kind, and the words of a test: tables, cells, batches and the digest they should have.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Int64Array, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::record_batch::RecordBatch;
use chartlift_io::hash::hash_text_extended;
use chartlift_io::target::{
    Begun, BucketDigest, ColumnSpec, KeyKind, Load, LoadHeader, LoadOutcome, LoadRecord, Options, Role,
    Rulings, TableSpec, Target, WriteMode, connect_with,
};

use crate::server::{Database, connect};

pub(crate) enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(Database),
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) async fn postgres() -> Self {
        Self::Postgres(Database::create().await)
    }

    pub(crate) async fn remove(self) {
        if let Self::Postgres(database) = self {
            database.remove().await;
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("out.db").display()),
            Self::Postgres(database) => database.url.clone(),
        }
    }

    pub(crate) async fn target(&self) -> Box<dyn Target> {
        let options = Options { lock_wait: Duration::from_millis(400), ..Options::default() };
        connect_with(&self.url(), &options).await.expect("the target answers")
    }

    /// A target with bookkeeping and the tables below.
    pub(crate) async fn ready(&self) -> Box<dyn Target> {
        let target = self.target().await;
        let ddl = match self {
            Self::Sqlite(_) => include_str!("clinic.sqlite.sql"),
            Self::Postgres(_) => include_str!("clinic.postgres.sql"),
        };
        target.init(Some(ddl)).await.expect("the tables can be made");
        target
    }

    /// Runs SQL behind the target's back.
    pub(crate) async fn execute(&self, sql: &str) {
        match self {
            Self::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join("out.db")).expect("the file");
                connection.execute_batch(sql).expect("the test's SQL");
            }
            Self::Postgres(database) => {
                connect(&database.url).await.batch_execute(sql).await.expect("the test's SQL");
            }
        }
    }

    /// Whether somebody else may run this SQL now.
    pub(crate) async fn allows(&self, sql: &str) -> bool {
        match self {
            Self::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join("out.db")).expect("the file");
                connection.busy_timeout(Duration::from_millis(100)).expect("a wait");
                connection.execute_batch(sql).is_ok()
            }
            Self::Postgres(database) => {
                let session = connect(&database.url).await;
                session.batch_execute("SET lock_timeout = '100ms'").await.expect("a wait");
                session.batch_execute(sql).await.is_ok()
            }
        }
    }

    /// The one value of a query, as text.
    pub(crate) async fn value(&self, sql: &str) -> String {
        match self {
            Self::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join("out.db")).expect("the file");
                let sql = format!("SELECT CAST(({sql}) AS TEXT)");
                connection.query_row(&sql, [], |row| row.get(0)).expect("the test's SQL")
            }
            Self::Postgres(database) => {
                let sql = format!("SELECT ({sql})::text");
                connect(&database.url).await.query_one(&sql, &[]).await.expect("the test's SQL").get(0)
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Text(String),
    /// The UUID of a source key.
    Key(String),
    Integer(i64),
    /// In units of 10^-18, with its canonical text.
    Number(i128, &'static str),
    Boolean(bool),
    /// Days from 1970, with the canonical text.
    Date(i32, &'static str),
    /// Microseconds from 1970, with the canonical text.
    Instant(i64, &'static str),
}

impl Cell {
    fn canonical(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Text(text) | Self::Key(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Number(_, text) | Self::Date(_, text) | Self::Instant(_, text) => (*text).to_owned(),
            Self::Boolean(flag) => flag.to_string(),
        })
    }
}

pub(crate) fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

pub(crate) fn key(source_key: &str) -> Cell {
    Cell::Key(source_key.to_owned())
}

/// Any injective function of the key will do.
pub(crate) fn uuid_of(source_key: &str) -> [u8; 16] {
    let high = hash_text_extended(source_key.as_bytes(), 1).to_be_bytes();
    let low = hash_text_extended(source_key.as_bytes(), 2).to_be_bytes();
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high);
    bytes[8..].copy_from_slice(&low);
    bytes
}

/// What one column of a batch holds when all its cells are null.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Text,
    Uuid,
    Integer,
    Number,
    Boolean,
    Date,
    Instant,
}

pub(crate) struct Table {
    pub(crate) spec: TableSpec,
    pub(crate) kinds: Vec<Kind>,
}

pub(crate) fn table(name: &str, columns: &[(&str, Role, Kind)]) -> Table {
    let spec = TableSpec {
        system: "sample".into(),
        name: name.to_owned(),
        columns: columns
            .iter()
            .map(|(name, role, _)| ColumnSpec { name: (*name).to_owned(), role: role.clone() })
            .collect(),
        keyspace: name.to_owned(),
        mode: WriteMode::Insert,
    };
    Table { spec, kinds: columns.iter().map(|(_, _, kind)| *kind).collect() }
}

pub(crate) fn patients() -> Table {
    table(
        "patients",
        &[
            ("id", Role::Key(KeyKind::Uuid), Kind::Uuid),
            ("name", Role::Data, Kind::Text),
            ("visits", Role::Data, Kind::Integer),
            ("weight", Role::Data, Kind::Number),
            ("active", Role::Data, Kind::Boolean),
            ("born", Role::Data, Kind::Date),
            ("seen", Role::Data, Kind::Instant),
        ],
    )
}

pub(crate) fn practitioners() -> Table {
    table(
        "practitioners",
        &[("code", Role::Key(KeyKind::Natural), Kind::Text), ("name", Role::Data, Kind::Text)],
    )
}

pub(crate) fn encounters() -> Table {
    let refers = |table: &str, kind| Role::Reference { table: table.to_owned(), kind };
    table(
        "encounters",
        &[
            ("id", Role::Key(KeyKind::Uuid), Kind::Uuid),
            ("patient", refers("patients", KeyKind::Uuid), Kind::Uuid),
            ("practitioner", refers("practitioners", KeyKind::Natural), Kind::Text),
            ("part_of", refers("encounters", KeyKind::Uuid), Kind::Uuid),
            ("note", Role::Data, Kind::Text),
        ],
    )
}

/// A patient with a name and nothing else.
pub(crate) fn patient(source_key: &str, name: &str) -> Vec<Cell> {
    vec![key(source_key), text(name), Cell::Null, Cell::Null, Cell::Null, Cell::Null, Cell::Null]
}

/// Rows as a batch; the first column must be the table's key.
pub(crate) fn batch(table: &Table, rows: &[Vec<Cell>]) -> RecordBatch {
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for (index, (column, kind)) in table.spec.columns.iter().zip(&table.kinds).enumerate() {
        let cells: Vec<Cell> = rows.iter().map(|row| row[index].clone()).collect();
        columns.push((column.name.clone(), array(&cells, *kind)));
    }
    let keys: StringViewArray = rows.iter().map(|row| row[0].canonical()).collect();
    columns.push(("_key".to_owned(), Arc::new(keys)));
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .expect("equal lengths")
}

pub(crate) fn array(cells: &[Cell], kind: Kind) -> ArrayRef {
    match kind {
        Kind::Text => Arc::new(cells.iter().map(Cell::canonical).collect::<StringViewArray>()),
        Kind::Uuid => {
            let uuids = cells.iter().map(|cell| cell.canonical().map(|text| uuid_of(&text)));
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(uuids, 16).expect("16 bytes"))
        }
        Kind::Integer => Arc::new(
            cells
                .iter()
                .map(|cell| if let Cell::Integer(number) = cell { Some(*number) } else { None })
                .collect::<Int64Array>(),
        ),
        Kind::Number => {
            let numbers = cells
                .iter()
                .map(|cell| if let Cell::Number(number, _) = cell { Some(*number) } else { None });
            let array = numbers.collect::<Decimal128Array>();
            Arc::new(array.with_precision_and_scale(38, 18).expect("38 digits"))
        }
        Kind::Boolean => Arc::new(
            cells
                .iter()
                .map(|cell| if let Cell::Boolean(flag) = cell { Some(*flag) } else { None })
                .collect::<BooleanArray>(),
        ),
        Kind::Date => Arc::new(
            cells
                .iter()
                .map(|cell| if let Cell::Date(days, _) = cell { Some(*days) } else { None })
                .collect::<Date32Array>(),
        ),
        Kind::Instant => {
            let micros = cells
                .iter()
                .map(|cell| if let Cell::Instant(micros, _) = cell { Some(*micros) } else { None });
            Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
    }
}

/// What the target should answer, computed from the words of the test alone.
pub(crate) fn expected(table: &Table, rows: &[Vec<Cell>], buckets: u32) -> Vec<BucketDigest> {
    let mut sums: BTreeMap<u32, BucketDigest> = BTreeMap::new();
    for row in rows {
        let source_key = row[0].canonical().expect("a key");
        let bucket = (hash_text_extended(source_key.as_bytes(), 0) & (i64::from(buckets) - 1)) as u32;
        let sum = sums.entry(bucket).or_insert_with(|| BucketDigest {
            bucket,
            rows: 0,
            columns: vec![0; row.len()],
        });
        sum.rows += 1;
        for (index, hash) in cell_hashes(table, row).into_iter().enumerate() {
            sum.columns[index] += i128::from(hash);
        }
    }
    sums.into_values().collect()
}

pub(crate) fn cell_hashes(table: &Table, row: &[Cell]) -> Vec<i64> {
    let source_key = row[0].canonical().expect("a key");
    let cell = |index: usize, cell: &Cell| {
        let number = index as i64 + 1;
        match (&table.spec.columns[index].role, cell.canonical()) {
            (Role::Key(_), _) => 0,
            (_, None) => hash_text_extended(b"", hash_text_extended(source_key.as_bytes(), -number)),
            (_, Some(text)) => {
                hash_text_extended(text.as_bytes(), hash_text_extended(source_key.as_bytes(), number))
            }
        }
    };
    row.iter().enumerate().map(|(index, value)| cell(index, value)).collect()
}

pub(crate) fn header(order: &str) -> LoadHeader {
    LoadHeader {
        order: order.to_owned(),
        series: "clinic-1".to_owned(),
        system: "sample".to_owned(),
        target: "clinic".to_owned(),
        input_digest: "ab".repeat(32),
        log_head: "00".repeat(32),
        at: "2026-11-22T12:00:00Z".to_owned(),
    }
}

pub(crate) fn outcome(tables: &[(&str, u64)]) -> LoadOutcome {
    LoadOutcome {
        tables: tables.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect(),
        log_head: "11".repeat(32),
        at: "2026-11-22T12:01:00Z".to_owned(),
    }
}

pub(crate) async fn open(target: &dyn Target, order: &str) -> Box<dyn Load> {
    match target.begin(&header(order)).await {
        Ok(Begun::Open(load)) => load,
        Ok(Begun::Already(record)) => panic!("loaded already: {record:?}"),
        Err(error) => panic!("{error}"),
    }
}

/// Loads tables in one go.
pub(crate) async fn load(target: &dyn Target, order: &str, tables: &[(&Table, &[Vec<Cell>])]) -> LoadRecord {
    let mut load = open(target, order).await;
    let mut announced = Vec::new();
    for (table, rows) in tables {
        load.write(&table.spec, &batch(table, rows)).await.expect("the rows fit");
        let merged = load.merge(&table.spec, &Rulings::default()).await.expect("the rows fit");
        announced.push((table.spec.name.as_str(), merged.loaded()));
    }
    load.commit(&outcome(&announced)).await.expect("the load commits")
}
