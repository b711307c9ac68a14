//! SQLite's errors, reduced to a code and the names of the objects concerned.

use rusqlite::ffi;

use crate::{Error, Refusal};

/// Turns an error met while `doing` into ours.
pub(super) fn refused(doing: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |error| Error::Refused { doing, refusal: Box::new(refusal(&error, None)) }
}

/// The same for a script: the line that was refused is told.
pub(super) fn refused_script<'a>(
    doing: &'static str,
    script: &'a str,
) -> impl Fn(rusqlite::Error) -> Error + 'a {
    move |error| Error::Refused { doing, refusal: Box::new(refusal(&error, Some(script))) }
}

/// The same while writing to a table: a refusal that names no table is that table's.
pub(super) fn refused_at<'a>(doing: &'static str, table: &'a str) -> impl Fn(rusqlite::Error) -> Error + 'a {
    move |error| {
        let mut refusal = refusal(&error, None);
        refusal.table.get_or_insert_with(|| table.to_owned());
        Error::Refused { doing, refusal: Box::new(refusal) }
    }
}

fn refusal(error: &rusqlite::Error, script: Option<&str>) -> Refusal {
    match error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            let mut refusal =
                Refusal { code: code_name(failure.extended_code).to_owned(), ..Default::default() };
            if failure.code == ffi::ErrorCode::ConstraintViolation
                && let Some(message) = message
            {
                name_objects(&mut refusal, message);
            }
            refusal
        }
        rusqlite::Error::SqlInputError { error, sql, offset, .. } => {
            let before = usize::try_from(*offset).ok().and_then(|end| sql.get(..end));
            // The statement's place in the script: what is left to run is the script's end.
            let line = script.zip(before).and_then(|(script, before)| {
                let skipped = script.len().checked_sub(sql.len())?;
                Some(script.get(..skipped)?.matches('\n').count() + before.matches('\n').count() + 1)
            });
            Refusal { code: code_name(error.extended_code).to_owned(), line, ..Default::default() }
        }
        _ => Refusal { code: code_name(ffi::SQLITE_MISUSE).to_owned(), ..Default::default() },
    }
}

/// Messages like `UNIQUE constraint failed: patients.id, patients.name`: only names of the schema.
fn name_objects(refusal: &mut Refusal, message: &str) {
    let names = match refusal.code.as_str() {
        "SQLITE_CONSTRAINT_UNIQUE" | "SQLITE_CONSTRAINT_PRIMARYKEY" | "SQLITE_CONSTRAINT_NOTNULL" => {
            message.split_once("constraint failed: ").map(|(_, names)| names)
        }
        "SQLITE_CONSTRAINT_DATATYPE" => message.rsplit_once(" column ").map(|(_, names)| names),
        "SQLITE_CONSTRAINT_CHECK" => {
            refusal.constraint = message.split_once("constraint failed: ").map(|(_, name)| name.to_owned());
            None
        }
        _ => None,
    };
    if let Some((table, column)) =
        names.and_then(|names| names.split(", ").next()).and_then(|name| name.split_once('.'))
    {
        refusal.table = Some(table.to_owned());
        refusal.column = Some(column.to_owned());
    }
}

fn code_name(extended: i32) -> &'static str {
    match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_ROWID => "SQLITE_CONSTRAINT_UNIQUE",
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY => "SQLITE_CONSTRAINT_PRIMARYKEY",
        ffi::SQLITE_CONSTRAINT_NOTNULL => "SQLITE_CONSTRAINT_NOTNULL",
        ffi::SQLITE_CONSTRAINT_CHECK => "SQLITE_CONSTRAINT_CHECK",
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "SQLITE_CONSTRAINT_FOREIGNKEY",
        ffi::SQLITE_CONSTRAINT_TRIGGER => "SQLITE_CONSTRAINT_TRIGGER",
        ffi::SQLITE_CONSTRAINT_DATATYPE => "SQLITE_CONSTRAINT_DATATYPE",
        _ => match extended & 0xff {
            ffi::SQLITE_ERROR => "SQLITE_ERROR",
            ffi::SQLITE_PERM => "SQLITE_PERM",
            ffi::SQLITE_BUSY => "SQLITE_BUSY",
            ffi::SQLITE_LOCKED => "SQLITE_LOCKED",
            ffi::SQLITE_READONLY => "SQLITE_READONLY",
            ffi::SQLITE_IOERR => "SQLITE_IOERR",
            ffi::SQLITE_CORRUPT => "SQLITE_CORRUPT",
            ffi::SQLITE_FULL => "SQLITE_FULL",
            ffi::SQLITE_CANTOPEN => "SQLITE_CANTOPEN",
            ffi::SQLITE_SCHEMA => "SQLITE_SCHEMA",
            ffi::SQLITE_TOOBIG => "SQLITE_TOOBIG",
            ffi::SQLITE_CONSTRAINT => "SQLITE_CONSTRAINT",
            ffi::SQLITE_MISMATCH => "SQLITE_MISMATCH",
            ffi::SQLITE_AUTH => "SQLITE_AUTH",
            ffi::SQLITE_NOTADB => "SQLITE_NOTADB",
            _ => "SQLITE_OTHER",
        },
    }
}
