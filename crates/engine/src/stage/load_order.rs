//! The order in which tables are written: every one after those it refers to, by the references that the live database
//! has, also those that the pack does not tell.
//!
//! Where tables refer to one another in a circle, one of its references waits: a constraint that can is looked at when
//! the load ends, else a column that may be empty is filled in once both tables are in. Where nothing can wait, no order
//! is possible, and nothing is loaded.

use chartlift_io::target::{Catalog, CatalogTable, ForeignKey};
use chartlift_rules::{Target, TargetTable};

use super::loadable::in_load_order;
use crate::Error;

/// The tables in order, and what has to wait.
pub(super) struct LoadOrder<'a> {
    pub(super) tables: Vec<&'a TargetTable>,
    /// Constraints that are to be looked at when the load ends, as SQL.
    pub(super) deferred: Vec<String>,
    /// Columns that are filled in once all tables are in, by their table's name in the pack.
    pub(super) late: Vec<(String, String)>,
}

impl LoadOrder<'_> {
    /// The columns of a table that are filled in at the end.
    pub(super) fn late_of(&self, table: &TargetTable) -> Vec<&str> {
        let own = self.late.iter().filter(|(name, _)| *name == table.name.value);
        own.map(|(_, column)| column.as_str()).collect()
    }

    /// For loads that compare rows with earlier ones: a column that is still empty would differ.
    pub(super) fn demand_nothing_late(&self) -> Result<(), Error> {
        let Some((table, column)) = self.late.first() else { return Ok(()) };
        Err(Error::Usage {
            code: "reference-cycle",
            message: format!(
                "tables refer to one another, and rows of earlier orders cannot be compared while `{column}` of \
                 `{table}` waits"
            ),
            hint: "make the constraint of that column deferrable".into(),
        })
    }
}

/// One reference of a table to another of the pack's, as the database has it.
struct Edge<'a> {
    child: usize,
    parent: usize,
    key: &'a ForeignKey,
    entry: &'a CatalogTable,
}

pub(super) fn of<'a>(target: &'a Target, live: &Catalog) -> Result<LoadOrder<'a>, Error> {
    // The pack's own order decides where the database leaves it open.
    let tables = in_load_order(target);
    let mut edges = edges(&tables, live);
    let mut order = LoadOrder { tables: Vec::new(), deferred: Vec::new(), late: Vec::new() };
    let mut waiting: Vec<usize> = (0..tables.len()).collect();
    while !waiting.is_empty() {
        let held_back =
            |table: usize| edges.iter().any(|edge| edge.child == table && waiting.contains(&edge.parent));
        if let Some(ready) = waiting.iter().position(|table| !held_back(*table)) {
            let ready = waiting.remove(ready);
            order.tables.extend(tables.get(ready));
            continue;
        }
        let circle = circle(&edges, &waiting);
        let waits = |way: &dyn Fn(&Edge<'_>) -> bool| {
            circle.iter().copied().find(|at| edges.get(*at).is_some_and(way))
        };
        let unwritten = |edge: &Edge<'_>| unwritten(&tables, edge);
        let deferrable = |edge: &Edge<'_>| edge.key.deferrable.is_some();
        let empty = |edge: &Edge<'_>| late_column(&tables, edge).is_some();
        let Some(at) = waits(&unwritten).or_else(|| waits(&deferrable)).or_else(|| waits(&empty)) else {
            return Err(closed(&tables, &edges, &circle));
        };
        let edge = edges.remove(at);
        if unwritten(&edge) {
            continue;
        }
        match &edge.key.deferrable {
            Some(constraint) => order.deferred.push(constraint.clone()),
            None => {
                let late = late_column(&tables, &edge).zip(tables.get(edge.child));
                order.late.extend(late.map(|(column, table)| (table.name.value.clone(), column.to_owned())));
            }
        }
    }
    // Which constraints speak at once is nothing that SQLite has names for.
    order.deferred.retain(|constraint| !constraint.is_empty());
    Ok(order)
}

/// All references between different tables of the pack.
fn edges<'a>(tables: &[&TargetTable], live: &'a Catalog) -> Vec<Edge<'a>> {
    let mut edges = Vec::new();
    for (child, table) in tables.iter().enumerate() {
        let Some(entry) = live.table(table.database_name()) else { continue };
        for key in &entry.foreign_keys {
            let named = |table: &&TargetTable| same_table(table.database_name(), &key.table);
            let parent = tables.iter().position(named);
            edges.extend(parent.filter(|parent| *parent != child).map(|parent| Edge {
                child,
                parent,
                key,
                entry,
            }));
        }
    }
    edges
}

/// Whether a table's name in the pack is the one that the database gave; either may leave out the schema.
fn same_table(pack: &str, live: &str) -> bool {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    pack == live || (pack.contains('.') != live.contains('.') && last(pack) == last(live))
}

/// The places of references that lead from one waiting table to the next and back again.
fn circle(edges: &[Edge<'_>], waiting: &[usize]) -> Vec<usize> {
    let mut path: Vec<(usize, usize)> = Vec::new();
    let Some(mut table) = waiting.first().copied() else { return Vec::new() };
    loop {
        if let Some(from) = path.iter().position(|(child, _)| *child == table) {
            return path.iter().skip(from).map(|(_, edge)| *edge).collect();
        }
        let next = |edge: &Edge<'_>| edge.child == table && waiting.contains(&edge.parent);
        let found = edges.iter().enumerate().find(|(_, edge)| next(edge));
        let Some((at, edge)) = found else { return Vec::new() };
        path.push((table, at));
        table = edge.parent;
    }
}

/// The load writes nothing into it, so that it refers to nothing.
fn unwritten(tables: &[&TargetTable], edge: &Edge<'_>) -> bool {
    let Some(table) = tables.get(edge.child) else { return false };
    let left_out = |column: &String| table.schema.field(column).is_none();
    let no_default = |column: &String| edge.entry.column(column).is_some_and(|known| !known.has_default);
    edge.key.columns.iter().any(|column| left_out(column) && no_default(column))
}

/// The column of a reference that can be empty until both tables are in.
fn late_column<'e>(tables: &[&TargetTable], edge: &'e Edge<'_>) -> Option<&'e str> {
    let [column] = edge.key.columns.as_slice() else { return None };
    let key = tables.get(edge.child)?.schema.primary_key.first()?;
    let known = edge.entry.column(column)?;
    (known.nullable && key.value != *column).then_some(column.as_str())
}

fn closed(tables: &[&TargetTable], edges: &[Edge<'_>], circle: &[usize]) -> Error {
    let names: Vec<String> = circle
        .iter()
        .filter_map(|at| {
            let edge = edges.get(*at)?;
            let (child, parent) = (tables.get(edge.child)?, tables.get(edge.parent)?);
            let columns = edge.key.columns.join(", ");
            Some(format!("`{}` ({columns}) to `{}`", child.name.value, parent.name.value))
        })
        .collect();
    Error::Usage {
        code: "reference-cycle",
        message: format!("tables refer to one another and no reference can wait: {}", names.join(", ")),
        hint: "make one of the constraints deferrable, or one of the columns nullable".into(),
    }
}
