//! Errors of a PostgreSQL server and of its connections, reduced to a code and the names of the objects concerned.

use tokio_postgres::error::{DbError, ErrorPosition};

use super::address::Address;
use super::{quoted, quoted_part, tls};
use crate::{Error, Refusal};

const NO_RIGHT: &str = "42501";

/// What went wrong in a session of this user.
pub(super) fn of(doing: &'static str, shown: &str, user: &str, error: tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(database) => {
            let mut refusal = Refusal {
                code: database.code().code().to_owned(),
                table: database.table().map(str::to_owned),
                constraint: database.constraint().map(str::to_owned),
                column: database.column().or_else(|| copied_column(database.where_()?)).map(str::to_owned),
                ..Refusal::default()
            };
            if refusal.code == NO_RIGHT {
                say_what_is_missing(&mut refusal, doing, user, database);
            }
            Error::Refused { doing, refusal: Box::new(refusal) }
        }
        None => match tls::distrust(&error) {
            Some(problem) => Error::Untrusted { target: shown.to_owned(), problem },
            None => Error::Connection { doing, target: shown.to_owned(), source: Box::new(error) },
        },
    }
}

/// The column of a binary COPY that a refusal came from: a domain's check does not name it otherwise. In binary the server
/// shows no data there.
fn copied_column(context: &str) -> Option<&str> {
    let (_, column) = context.lines().find(|line| line.starts_with("COPY "))?.split_once(", column ")?;
    (!column.contains(": ")).then_some(column)
}

/// What went wrong before there was a session.
pub(super) fn of_login(doing: &'static str, address: &Address, error: tokio_postgres::Error) -> Error {
    let shown = &address.shown;
    if let Some(database) = error.as_db_error() {
        if address.iam.is_some() && database.code().code().starts_with("28") {
            let problem = "the server did not take the token: the user needs the role `rds_iam`, the identity \
                           `rds-db:connect` for this user and database, keys that have not ended, and this machine \
                           the right time";
            return Error::Credentials { problem: problem.to_owned(), source: Some(Box::new(error)) };
        }
        return of(doing, shown, "", error);
    }
    // The driver does not tell kinds apart; none of these texts has a part of the address.
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    match (error.to_string().as_str(), cause.as_str()) {
        (_, "password missing") => {
            let problem =
                "the server asks for a password, and the address, its files and variables have none";
            Error::Credentials { problem: problem.to_owned(), source: None }
        }
        (_, "database does not allow writes") => Error::ReadOnly {
            target: shown.clone(),
            problem: "it takes no writes, and `target_session_attrs` asks for a server that does",
        },
        ("authentication error", _) => {
            let problem = "the server and this program know no way to log in that suits both";
            Error::Credentials { problem: problem.to_owned(), source: Some(Box::new(error)) }
        }
        _ => of(doing, shown, "", error),
    }
}

/// The line of a script that an error points at.
pub(super) fn line_of(error: &tokio_postgres::Error, script: &str) -> Option<usize> {
    let ErrorPosition::Original(position) = error.as_db_error()?.position()? else { return None };
    let characters = usize::try_from(*position).ok()?;
    Some(script.chars().take(characters.saturating_sub(1)).filter(|character| *character == '\n').count() + 1)
}

/// The message of a missing right has the object's kind and name and nothing else. It is read where it is English; a
/// server that speaks another language is believed to mean the table at hand.
fn say_what_is_missing(refusal: &mut Refusal, doing: &str, user: &str, database: &DbError) {
    let message = database.message();
    if let Some(rest) = message.strip_prefix("must be owner of ") {
        let (kind, name) = kind_and_name(rest);
        refusal.lacks = Some(format!("the user does not own the {kind} `{name}`"));
        refusal.remedy = Some(format!(
            "let its owner run the command, or make the user a member of its role: GRANT <owner> TO {}; the schema \
             `chartlift` must belong to the user that loads",
            role(user)
        ));
        return;
    }
    if message.contains("row-level security") {
        refusal.lacks = Some("a policy of row level security keeps the user from writing a row".to_owned());
        refusal.remedy =
            Some("give the user a policy that takes all rows, or the attribute BYPASSRLS".to_owned());
        return;
    }
    if let Some(rest) = message.strip_prefix("permission denied for ") {
        let (kind, name) = kind_and_name(rest);
        let name = if kind == "table" { refusal.table.get_or_insert(name).clone() } else { name };
        lacking(refusal, doing, user, kind, &name);
    }
}

/// The same once the table is known that a statement was about.
pub(super) fn at_table(refusal: &mut Refusal, doing: &str, user: &str, table: &str) {
    let known = refusal.table.get_or_insert_with(|| table.to_owned());
    // The server's message leaves out the schema.
    if refusal.code == NO_RIGHT && table.rsplit('.').next() == Some(known.as_str()) {
        table.clone_into(known);
    }
    let of_table = refusal.lacks.as_ref().is_none_or(|lacks| lacks.contains(" on the table "));
    if refusal.code == NO_RIGHT && of_table && refusal.table.as_deref() == Some(table) {
        lacking(refusal, doing, user, "table", table);
    }
}

fn lacking(refusal: &mut Refusal, doing: &str, user: &str, kind: &str, name: &str) {
    let user = role(user);
    let (rights, object) = match kind {
        "schema" if makes(doing) => ("USAGE, CREATE", format!("SCHEMA {}", quoted_part(name))),
        "schema" => ("USAGE", format!("SCHEMA {}", quoted_part(name))),
        "database" => ("CREATE", format!("DATABASE {}", quoted_part(name))),
        "sequence" => ("USAGE, SELECT", format!("SEQUENCE {}", quoted(name))),
        "table" | "view" => (rights_on_tables(doing), quoted(name)),
        _ => {
            refusal.lacks = Some(format!("the user has no right to the {kind} `{name}`"));
            return;
        }
    };
    refusal.lacks = Some(format!("the user lacks {rights} on the {kind} `{name}`"));
    let also = match (kind, name) {
        ("database", _) => {
            format!("; for the bookkeeping CREATE SCHEMA chartlift AUTHORIZATION {user} will do")
        }
        ("schema", "chartlift") => "; it must belong to the user that loads".to_owned(),
        _ => String::new(),
    };
    refusal.remedy = Some(format!("let the owner run: GRANT {rights} ON {object} TO {user}{also}"));
}

/// Statements that make tables say so.
fn makes(doing: &str) -> bool {
    ["make", "run", "finish"].iter().any(|word| doing.starts_with(word))
}

fn rights_on_tables(doing: &str) -> &'static str {
    match doing.split(' ').next().unwrap_or_default() {
        "insert" => "INSERT",
        "compute" | "read" | "look" | "reserve" | "compare" | "count" => "SELECT",
        "lock" => "UPDATE",
        "take" => "SELECT, DELETE",
        _ => "SELECT, INSERT, UPDATE, DELETE",
    }
}

/// `table people`, `foreign table people`: the name is what follows the kind.
fn kind_and_name(text: &str) -> (&str, String) {
    const KINDS: [&str; 8] =
        ["materialized view", "foreign table", "table", "view", "sequence", "schema", "database", "relation"];
    let found = KINDS.iter().find_map(|kind| Some((*kind, text.strip_prefix(kind)?.strip_prefix(' ')?)));
    let (kind, name) = found.or_else(|| text.split_once(' ')).unwrap_or(("object", text));
    let kind = if kind == "foreign table" || kind == "relation" { "table" } else { kind };
    (kind, name.trim_matches('"').to_owned())
}

fn role(user: &str) -> String {
    if user.is_empty() { "the user".to_owned() } else { quoted_part(user) }
}
