//! What can go wrong at the edges. Never carries a value of a row.
//!
//! A database's own error text may quote values, so only its code and the names of the objects concerned are kept.

use std::fmt;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {doing} `{path}`")]
    File { doing: &'static str, path: PathBuf, source: std::io::Error },
    /// The database said no to a statement.
    #[error("the database refused to {doing}: {refusal}")]
    Refused { doing: &'static str, refusal: Box<Refusal> },
    /// The database cannot be reached, or the connection broke.
    #[error("cannot {doing}: no working connection to `{target}`")]
    Connection { doing: &'static str, target: String, source: Box<dyn std::error::Error + Send + Sync> },
    /// The server's certificate, or ours, was not accepted.
    #[error("no connection to `{target}`: {problem}")]
    Untrusted { target: String, problem: &'static str },
    /// A server or session that takes no writes.
    #[error("nothing can be written to `{target}`: {problem}")]
    ReadOnly { target: String, problem: &'static str },
    /// Text would be converted on its way, or not be understood as text at all.
    #[error("the database `{target}` has the encoding {encoding}, and rows are loaded into UTF8 only")]
    Encoding { target: String, encoding: String },
    /// `session_replication_role`
    #[error("the session at `{target}` checks no foreign keys and fires no triggers")]
    Unchecked { target: String },
    /// A pooler that hands its connections on after each transaction.
    #[error("a pooler of transactions stands between this program and `{target}`")]
    Pooled { target: String },
    /// Nothing says who we are, or what says it is not to be had.
    #[error("no login: {problem}")]
    Credentials { problem: String, source: Option<Box<dyn std::error::Error + Send + Sync>> },
    /// The address itself is not usable. It is not repeated: it may hold a password.
    #[error("the target's address is not usable: {problem}")]
    Address { problem: String },
    /// `chartlift target init` was never run.
    #[error("the target `{target}` has no bookkeeping tables")]
    BookkeepingMissing { target: String },
    /// It was last run with an earlier program.
    #[error("the bookkeeping of the target `{target}` has version {found}, this program needs {known}")]
    BookkeepingOlder { target: String, found: i64, known: i64 },
    #[error("the target's bookkeeping has version {found}, this program knows up to {known}")]
    BookkeepingNewer { found: i64, known: i64 },
    /// Another process holds the target's fence for this order.
    #[error("order `{order}` is being loaded by another process")]
    Fenced { order: String },
    /// A value that the column cannot take unchanged. Found before the row is sent.
    #[error("column `{column}` of `{table}` got a value that {problem}")]
    Value { table: String, column: String, problem: &'static str },
    /// The columns given are not what the table takes.
    #[error("table `{table}`, column `{column}`: {problem}")]
    Shape { table: String, column: String, problem: String },
    /// The server computes other hashes than this program.
    #[error("`{target}` computes other text hashes than this program")]
    HashDiffers { target: String },
    /// The connection broke while committing, and what became of the load cannot be found out now.
    #[error(
        "the connection broke during the commit of order `{order}`: it is not known yet whether it counts"
    )]
    CommitUnknown { order: String, source: Box<Error> },
    #[error("`{table}` did not take all rows: {taken} of {sent}")]
    Short { table: String, sent: u64, taken: u64 },
    /// A later load has written or matched rows that this one wrote, or may have.
    #[error("load {later} stands on rows of load {load}")]
    Stood { load: i64, later: i64 },
    /// The database does not know any more who wrote a load's rows last.
    #[error("nothing tells which rows of load {load} were written to since")]
    Untold { load: i64 },
    /// The rows are not as they were before the load. Nothing was taken back.
    #[error("rows of `{table}` did not come back as they were: {}", columns.join(", "))]
    Unproved { table: String, columns: Vec<String> },
    #[error("cannot read the input")]
    Read { source: std::io::Error },
    #[error("no file can be written like this: {reason}")]
    Dialect { reason: &'static str },
    /// Between the two passes over a file.
    #[error("the input changed while it was being read")]
    Changed,
    #[error("a chunk of {bytes} bytes is too large")]
    ChunkTooLarge { bytes: usize },
    #[error("cannot build a batch")]
    Arrow { source: arrow::error::ArrowError },
}

/// Why a database refused, as far as can be told without a value of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// SQLSTATE, or SQLite's name of its result code.
    pub code: String,
    pub table: Option<String>,
    pub constraint: Option<String>,
    pub column: Option<String>,
    /// The line of the script that was refused, 1-based.
    pub line: Option<usize>,
    /// The right that the user lacks, and on what.
    pub lacks: Option<String>,
    /// What would give it.
    pub remedy: Option<String>,
}

impl Error {
    /// True when the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::File { source, .. } | Self::Read { source } => {
                matches!(source.kind(), std::io::ErrorKind::Interrupted | std::io::ErrorKind::TimedOut)
            }
            Self::Refused { refusal, .. } => refusal.is_transient(),
            Self::Connection { .. } | Self::CommitUnknown { .. } => true,
            Self::Address { .. }
            | Self::Untrusted { .. }
            | Self::ReadOnly { .. }
            | Self::Encoding { .. }
            | Self::Unchecked { .. }
            | Self::Pooled { .. }
            | Self::Credentials { .. }
            | Self::BookkeepingMissing { .. }
            | Self::BookkeepingNewer { .. }
            | Self::BookkeepingOlder { .. }
            | Self::Stood { .. }
            | Self::Untold { .. }
            | Self::Unproved { .. }
            | Self::Fenced { .. }
            | Self::Value { .. }
            | Self::Shape { .. }
            | Self::HashDiffers { .. }
            | Self::Short { .. }
            | Self::Dialect { .. }
            | Self::Changed
            | Self::ChunkTooLarge { .. }
            | Self::Arrow { .. } => false,
        }
    }

    /// The stable code of this kind of trouble.
    pub fn code(&self) -> &'static str {
        match self {
            Self::File { .. } | Self::Read { .. } => "file-error",
            Self::Dialect { .. } => "bad-dialect",
            Self::Changed => "input-changed",
            Self::ChunkTooLarge { .. } => "chunk-too-large",
            Self::Arrow { .. } => "batch-error",
            Self::Refused { refusal, .. } if refusal.is_out_of_space() => "out-of-space",
            Self::Refused { refusal, .. } if refusal.is_transient() => "database-busy",
            Self::Refused { refusal, .. } if refusal.is_taken_key() => "duplicate-key",
            Self::Refused { refusal, .. } if refusal.lacks.is_some() => "missing-privilege",
            Self::Refused { .. } => "database-refused",
            Self::Connection { .. } => "connection-error",
            Self::Address { .. } => "bad-address",
            Self::Untrusted { .. } => "untrusted-connection",
            Self::ReadOnly { .. } => "read-only-target",
            Self::Encoding { .. } => "database-encoding",
            Self::Unchecked { .. } => "checks-disabled",
            Self::Pooled { .. } => "pooled-connection",
            Self::Credentials { .. } => "no-credentials",
            Self::BookkeepingMissing { .. } => "bookkeeping-missing",
            Self::BookkeepingNewer { .. } => "bookkeeping-newer",
            Self::BookkeepingOlder { .. } => "bookkeeping-older",
            Self::Stood { .. } => "newer-load",
            Self::Untold { .. } => "rollback-untold",
            Self::Unproved { .. } => "rollback-unproved",
            Self::Fenced { .. } => "order-locked",
            Self::Value { .. } => "value-unfit",
            Self::Shape { .. } => "column-unfit",
            Self::HashDiffers { .. } => "hash-differs",
            Self::Short { .. } => "load-unbalanced",
            Self::CommitUnknown { .. } => "commit-unknown",
        }
    }

    /// What to do about it, where that can be said here.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::BookkeepingMissing { .. } => {
                Some("`chartlift target init` makes them; with `--with-tables` also the pack's own tables")
            }
            Self::BookkeepingOlder { .. } => Some("`chartlift target init` brings it up to date"),
            Self::Stood { .. } => Some("roll the later load back first"),
            Self::Untold { .. } => Some(
                "it was loaded by an older chartlift, or the database was restored from a dump: restore a backup instead",
            ),
            Self::Unproved { .. } => Some(
                "look for a trigger that writes these columns, or keeps rows from being deleted; nothing was taken back",
            ),
            Self::BookkeepingNewer { .. } => Some("use the newer chartlift that wrote it"),
            Self::Fenced { .. } => Some("wait until it has ended, then run the same command again"),
            Self::Address { .. } => Some("use `sqlite:PATH` or `postgresql://user@host/database`"),
            Self::Untrusted { .. } => {
                Some("compare the host's name and `sslrootcert` with the server's certificate")
            }
            Self::ReadOnly { .. } => Some(
                "name the server that takes writes, or several with `target_session_attrs=read-write`; where only the \
                 setting stands in the way, `options=-c%20default_transaction_read_only=off` in the address lifts it",
            ),
            Self::Encoding { .. } => {
                Some("make it anew: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0")
            }
            Self::Unchecked { .. } => Some("ALTER ROLE ... RESET session_replication_role"),
            Self::Pooled { .. } => {
                Some("connect to the database itself, or to a pool that keeps connections for a session")
            }
            Self::Credentials { .. } => Some("see where a login is looked for: docs/connections.md"),
            Self::CommitUnknown { .. } => {
                Some("run the same command again: the target's load record decides")
            }
            Self::Short { .. } => Some("look for a trigger or a rule of the table that leaves rows out"),
            Self::Refused { refusal, .. } => refusal.hint(),
            _ => None,
        }
    }

    pub(crate) fn shape(table: &str, column: &str, problem: impl Into<String>) -> Self {
        Self::Shape { table: table.to_owned(), column: column.to_owned(), problem: problem.into() }
    }
}

impl Refusal {
    /// Connection trouble, serialization, deadlock, lock timeouts, a server that is starting or stopping, a full disk.
    pub fn is_transient(&self) -> bool {
        let code = self.code.as_str();
        self.is_out_of_space()
            || code.starts_with("08")
            || matches!(code, "40001" | "40P01" | "55P03" | "53300" | "57P01" | "57P02" | "57P03" | "57P05")
            || matches!(code, "SQLITE_BUSY" | "SQLITE_LOCKED")
    }

    /// The database's disk is full.
    pub fn is_out_of_space(&self) -> bool {
        matches!(self.code.as_str(), "53100" | "SQLITE_FULL")
    }

    /// Somebody else's row has a key of ours.
    pub fn is_taken_key(&self) -> bool {
        matches!(self.code.as_str(), "23505" | "SQLITE_CONSTRAINT_UNIQUE" | "SQLITE_CONSTRAINT_PRIMARYKEY")
    }

    fn meaning(&self) -> Option<&'static str> {
        Some(match self.code.as_str() {
            _ if self.is_taken_key() => "the key is already taken",
            "23503" | "SQLITE_CONSTRAINT_FOREIGNKEY" => "a reference leads nowhere",
            "23502" | "SQLITE_CONSTRAINT_NOTNULL" => "a value is required",
            "23514" | "SQLITE_CONSTRAINT_CHECK" => "a check of the table failed",
            "22001" => "a text is too long",
            "22003" => "a number is out of range",
            "22P02" => "a text is not a value of the column's type",
            "22021" => "a text holds a character that the database's encoding lacks",
            "SQLITE_CONSTRAINT_DATATYPE" => "the column has another type",
            "28000" | "28P01" => "the user or the password was not accepted",
            "3D000" => "there is no such database",
            "42501" => "the user may not do that",
            "42P01" => "a table does not exist",
            "42P07" => "a table exists already",
            "42601" => "a statement is not valid SQL",
            "42703" => "a column does not exist",
            _ if self.is_out_of_space() => "the disk is full",
            "55P03" | "SQLITE_BUSY" | "SQLITE_LOCKED" => "somebody else holds a lock",
            _ => return None,
        })
    }

    fn hint(&self) -> Option<&str> {
        match self.code.as_str() {
            _ if self.remedy.is_some() => self.remedy.as_deref(),
            _ if self.is_out_of_space() => {
                Some("nothing was loaded; make room for the database and run again")
            }
            "23505" | "SQLITE_CONSTRAINT_UNIQUE" | "SQLITE_CONSTRAINT_PRIMARYKEY" => {
                Some("nothing was loaded; the target already holds rows with these keys")
            }
            "42501" => Some(
                "the user needs INSERT and SELECT on the tables and the schema `chartlift`, and UPDATE or DELETE where rows are matched",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(meaning) = self.lacks.as_deref().or(self.meaning()) {
            write!(formatter, "{meaning} ")?;
        }
        write!(formatter, "(code {}", self.code)?;
        let names = [("table", &self.table), ("column", &self.column), ("constraint", &self.constraint)];
        for (what, name) in names {
            if let Some(name) = name {
                write!(formatter, ", {what} `{name}`")?;
            }
        }
        if let Some(line) = self.line {
            write!(formatter, ", line {line}")?;
        }
        formatter.write_str(")")
    }
}
