//! The text form of a scenario. `tests/scenarios/README.md` describes it for those who write one.

use anyhow::{Context, bail, ensure};

use crate::database::Kind;

/// A scenario as written.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) base: Option<String>,
    pub(crate) databases: Vec<Kind>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug)]
pub(crate) struct Step {
    /// 0-based line in the file.
    pub(crate) line: usize,
    pub(crate) action: Action,
}

#[derive(Debug)]
pub(crate) enum Action {
    /// `$ chartlift ...` with everything that is said about its outcome.
    Run {
        command: String,
        expectations: Vec<Expectation>,
    },
    /// `sql ...`: a statement on the target, and the rows it gives.
    Sql {
        statement: String,
        rows: Block,
    },
    Write {
        path: String,
        content: Vec<u8>,
    },
    Append {
        path: String,
        content: Vec<u8>,
    },
    /// Replaces the one place where `old` stands.
    Edit {
        path: String,
        old: String,
        new: String,
    },
    Remove {
        path: String,
    },
    Exists {
        path: String,
    },
    Absent {
        path: String,
    },
    /// A file's content.
    Holds {
        path: String,
        text: String,
    },
    Environment {
        name: String,
        value: String,
    },
    /// The text stands in no file outside the data area, and in nothing that was printed.
    Nowhere {
        text: String,
    },
}

#[derive(Debug)]
pub(crate) struct Expectation {
    pub(crate) line: usize,
    pub(crate) what: Expected,
}

#[derive(Debug)]
pub(crate) enum Expected {
    Exit(i32),
    /// All of stdout.
    Stdout(Block),
    Has(Stream, String),
    Lacks(Stream, String),
    Json {
        path: String,
        value: String,
    },
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// Consecutive lines that begin with `|`.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// The first line after the directive.
    pub(crate) start: usize,
    pub(crate) lines: Vec<String>,
}

impl Block {
    fn bytes(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect()
    }
}

pub(crate) fn parse(text: &str) -> anyhow::Result<Script> {
    let lines: Vec<&str> = text.lines().collect();
    let mut script = Script { base: None, databases: vec![Kind::Sqlite], steps: Vec::new() };
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim_end();
        let block = block_after(&lines, at);
        let next = at + 1 + block.lines.len();
        if !line.is_empty() && !line.starts_with('#') {
            read_line(&mut script, at, line, block).with_context(|| format!("line {}", at + 1))?;
        }
        at = next;
    }
    Ok(script)
}

fn block_after(lines: &[&str], at: usize) -> Block {
    let inside = lines[at + 1..].iter().map_while(|line| line.strip_prefix('|'));
    let lines = inside.map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned()).collect();
    Block { start: at + 1, lines }
}

fn read_line(script: &mut Script, at: usize, line: &str, block: Block) -> anyhow::Result<()> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let takes_block =
        matches!(word, "file" | "bytes" | "append" | "append-bytes" | "edit" | "sql") || line == "stdout";
    ensure!(takes_block || block.lines.is_empty(), "`{word}` takes no lines with `|`");
    let path = rest.to_owned();
    let action = match word {
        "base:" => {
            script.base = Some(path);
            return Ok(());
        }
        "databases:" => {
            let kinds = rest.split_whitespace().map(|name| {
                Kind::named(name)
                    .with_context(|| format!("`{name}` is no database: expected `sqlite` or `postgres`"))
            });
            script.databases = kinds.collect::<anyhow::Result<_>>()?;
            return Ok(());
        }
        "exit" | "json" | "stdout" | "stderr" => {
            let what = expected(word, rest, block)?;
            let Some(Step { action: Action::Run { expectations, .. }, .. }) = script.steps.last_mut() else {
                bail!("`{word}` must follow a `$` line")
            };
            expectations.push(Expectation { line: at, what });
            return Ok(());
        }
        "$" => Action::Run { command: path, expectations: Vec::new() },
        "sql" => Action::Sql { statement: path, rows: block },
        "file" => Action::Write { path, content: block.bytes() },
        "bytes" => Action::Write { path, content: unescaped(&block)? },
        "append" => Action::Append { path, content: block.bytes() },
        "append-bytes" => Action::Append { path, content: unescaped(&block)? },
        "edit" => edit(path, &block)?,
        "remove" => Action::Remove { path },
        "exists" => Action::Exists { path },
        "absent" => Action::Absent { path },
        "holds" => {
            let (path, text) = rest.split_once(' ').context("expected `holds PATH TEXT`")?;
            Action::Holds { path: path.to_owned(), text: text.to_owned() }
        }
        "nowhere" => Action::Nowhere { text: path },
        "env" => {
            let (name, value) = rest.split_once('=').context("expected `env NAME=VALUE`")?;
            Action::Environment { name: name.to_owned(), value: value.to_owned() }
        }
        other => bail!("`{other}` is no directive"),
    };
    script.steps.push(Step { line: at, action });
    Ok(())
}

fn expected(word: &str, rest: &str, block: Block) -> anyhow::Result<Expected> {
    let stream = if word == "stderr" { Stream::Stderr } else { Stream::Stdout };
    Ok(match (word, rest.split_once(' ').unwrap_or((rest, ""))) {
        ("exit", _) => Expected::Exit(rest.parse().context("expected an exit code")?),
        ("json", _) => {
            let (path, value) = rest.split_once(" = ").context("expected `json PATH = VALUE`")?;
            Expected::Json { path: path.trim().to_owned(), value: value.trim().to_owned() }
        }
        ("stdout", ("", "")) => Expected::Stdout(block),
        (_, ("has", text)) => Expected::Has(stream, text.to_owned()),
        (_, ("lacks", text)) => Expected::Lacks(stream, text.to_owned()),
        _ => bail!("expected `{word} has TEXT` or `{word} lacks TEXT`"),
    })
}

fn edit(path: String, block: &Block) -> anyhow::Result<Action> {
    let side = |mark: &str| {
        let lines = block.lines.iter().filter_map(|line| line.strip_prefix(mark));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    };
    let stray = block.lines.iter().find(|line| !line.starts_with(['-', '+']));
    ensure!(stray.is_none(), "a line of an edit begins with neither `-` nor `+`");
    let (old, new) = (side("-"), side("+"));
    ensure!(!old.is_empty(), "expected `| - old text` and `| + new text`");
    Ok(Action::Edit { path, old, new })
}

/// Lines in which `\xE7`, `\r`, `\t` and `\\` stand for bytes; each line ends in a newline unless it ends in `\c`.
fn unescaped(block: &Block) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for line in &block.lines {
        let (line, end) = line.strip_suffix("\\c").map_or((line.as_str(), true), |line| (line, false));
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            if character != '\\' {
                bytes.extend(character.encode_utf8(&mut [0; 4]).bytes());
                continue;
            }
            bytes.push(match characters.next() {
                Some('x') => {
                    let digits: String = characters.by_ref().take(2).collect();
                    u8::from_str_radix(&digits, 16).with_context(|| format!("`\\x{digits}` is no byte"))?
                }
                Some('r') => b'\r',
                Some('t') => b'\t',
                Some('\\') => b'\\',
                other => bail!("unknown escape `\\{}`", other.map_or_else(String::new, String::from)),
            });
        }
        if end {
            bytes.push(b'\n');
        }
    }
    Ok(bytes)
}
