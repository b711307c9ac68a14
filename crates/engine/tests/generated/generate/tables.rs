//! Source tables and their dirty data.

use crate::model::{Failed, Field, File, Kind, Line, Table, Test, Value};
use crate::random::Random;

const WORDS: [&str; 11] = ["", " ", "x", "y", "X", "x y", "-", "LÃ\u{AD}ma", "007", "it's, \"so\"", " x "];
const LISTS: [&str; 12] =
    ["", "x", "x|y", "x|y|z", "x||y", "|", " ", "x | y", "1|2", "1", "a|x|x", "05/01/2024|31/02/2024"];
const DATES: [&str; 8] =
    ["05/01/2024", "06/02/2023", "31/02/2024", "29/02/2000", "1998", "2024-01-05", "2024-02-30", "soon"];
const NUMBERS: [&str; 8] = ["1", "2", "10", "-3", "007", "1.5", "many", "2"];
const TEST_WORDS: [&str; 5] = ["x", "y", "X", "007", " x "];

pub(super) fn tables(random: &mut Random) -> Vec<Table> {
    let count = random.between(2, 4);
    let key = if random.percent(25) { Kind::Integer } else { Kind::Text };
    let mut tables: Vec<Table> = (0..count).map(|at| table(random, &format!("t{at}"), key)).collect();
    for at in 0..count {
        let parent = random.below(count);
        let unique = tables[parent].primary == ["id"] || is_unique(&tables[parent]);
        if unique && random.percent(60) {
            let parent = tables[parent].name.clone();
            tables[at].references.push(("p".into(), parent));
            if random.percent(30) {
                let means = *random.of(&["note", "degrade", "quarantine"]);
                tables[at].failed.push(("foreignKey", means));
            }
        }
    }
    for table in &mut tables {
        fill(random, table);
    }
    tables
}

fn is_unique(table: &Table) -> bool {
    table.field("id").is_some_and(|field| field.tests.contains(&Test::Unique))
}

fn table(random: &mut Random, name: &str, key: Kind) -> Table {
    let mut fields = vec![Field::new("id", key), Field::new("p", key)];
    fields.extend(["a", "b"].map(|name| Field::new(name, Kind::Text)));
    for (name, kind) in [
        ("d", Kind::Date),
        ("n", Kind::Integer),
        ("l1", Kind::Text),
        ("l2", Kind::Text),
        ("odd name", Kind::Text),
    ] {
        if random.percent(60) {
            fields.push(Field::new(name, kind));
        }
    }
    for field in &mut fields {
        field.day_first = field.kind == Kind::Date && random.percent(60);
        tests(random, field);
    }
    let mut table = Table {
        name: name.into(),
        fields,
        primary: Vec::new(),
        row_key: Vec::new(),
        references: Vec::new(),
        missing: random.of(&[vec![""], vec![""], vec![""], vec!["", "-"], vec!["-"]]).clone(),
        failed: Failed::new(),
        ignored: false,
        files: Vec::new(),
    };
    match random.below(10) {
        0..6 => table.primary.push("id".into()),
        6 => table.primary.extend(["id".to_owned(), "a".into()]),
        7 => table.row_key.extend(["id".to_owned(), "b".into()]),
        8 => table.fields[0].tests.push(Test::Unique),
        _ => {}
    }
    if !table.primary.is_empty() && random.percent(20) {
        table.failed.push(("primaryKey", if random.percent(95) { "note" } else { "block" }));
    }
    table
}

fn tests(random: &mut Random, field: &mut Field) {
    if random.percent(12) {
        field.tests.push(Test::Required);
    }
    if field.kind == Kind::Text && random.percent(15) {
        let test = match random.below(3) {
            0 => Test::MaxLength(random.between(1, 4)),
            1 => Test::MinLength(random.between(1, 2)),
            _ => Test::OneOf(TEST_WORDS[random.below(3)..].to_vec()),
        };
        field.tests.push(test);
    }
    if field.kind == Kind::Integer && random.percent(15) {
        field.tests.push(Test::Minimum(2));
    }
    let mut names: Vec<&'static str> = field.tests.iter().map(Test::name).collect();
    if field.kind != Kind::Text {
        names.push("type");
    }
    for name in names {
        if random.percent(40) {
            let means = match random.below(40) {
                0 => "block",
                1..15 => "quarantine",
                15..25 => "degrade",
                _ => "note",
            };
            field.failed.push((name, means));
        }
    }
}

fn fill(random: &mut Random, table: &mut Table) {
    let files = if random.percent(15) { 2 } else { 1 };
    // Mostly few rows, that keys meet; sometimes many.
    let most = if random.percent(15) { 30 } else { 9 };
    for number in 0..files {
        let mut order: Vec<usize> = (0..table.fields.len()).collect();
        if random.percent(20) {
            order.rotate_left(1);
        }
        let name =
            if files > 1 { format!("{}_{number}.csv", table.name) } else { format!("{}.csv", table.name) };
        let rows = random.below(most + 1);
        let mut lines: Vec<Line> = Vec::new();
        for _ in 0..rows {
            lines.push(line(random, table, &order, &lines, most));
        }
        table.files.push(File { name, order, lines });
    }
}

fn line(random: &mut Random, table: &Table, order: &[usize], before: &[Line], most: usize) -> Line {
    let earlier: Vec<&Vec<Value>> =
        before.iter().filter_map(|line| if let Line::Row(row) = line { Some(row) } else { None }).collect();
    let mut row: Vec<Value> = if !earlier.is_empty() && random.percent(18) {
        (*random.of(&earlier)).clone()
    } else {
        table.fields.iter().map(|field| cell(random, &field.name, most)).collect()
    };
    if random.percent(15) {
        let at = random.below(row.len());
        row[at] = cell(random, &table.fields[at].name, most);
    }
    if random.percent(4) {
        let mut cells: Vec<Value> = order.iter().map(|at| row[*at].clone()).collect();
        if random.percent(50) {
            cells.push(Some("more".into()));
        } else {
            cells.truncate(random.between(2, cells.len() - 1));
        }
        return Line::Damaged(cells);
    }
    Line::Row(row)
}

fn cell(random: &mut Random, column: &str, most: usize) -> Value {
    let text = match column {
        "id" => match random.below(40) {
            0 => return None,
            1 => "x".to_owned(),
            _ => random.between(1, most + most / 3).to_string(),
        },
        "p" => match random.below(12) {
            0 => return None,
            _ => random.between(1, most + most / 4).to_string(),
        },
        "d" => (*random.of(&DATES)).to_owned(),
        "n" => (*random.of(&NUMBERS)).to_owned(),
        "l1" | "l2" => (*random.of(&LISTS)).to_owned(),
        _ => (*random.of(&WORDS)).to_owned(),
    };
    if random.percent(10) { None } else { Some(text) }
}
