//! `decide` and `approve` as they are typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub(crate) const DECIDE_HELP: &str = "\
Each decision is written at the end of its file in the order's folder decisions/, which may be edited by hand as well.
Reasons stand in logs and reports: write no patient's data into them.

EXAMPLE
  chartlift decide --order 77                    what is open, each with the command that releases it
  chartlift decide --order 77 waive --applies-to visits --stage check --held 3 --reason \"agreed with the clinic\"
  chartlift decide --order 77 answer --system synthea --version 3.3.0 --reason \"the vendor's letter\"";

const WAIVE_HELP: &str = "\
EXAMPLE
  chartlift decide --order 77 waive --applies-to visits --stage check --held 3 --reason \"agreed with the clinic\"
  chartlift decide --order 77 waive --applies-to visits --stage check --code foreign-key --held 2 --reason \"...\"
  chartlift decide --order 77 waive --applies-to visits --code condition-failed --rows 1 --reason \"...\"";

const ANSWER_HELP: &str = "\
EXAMPLE
  chartlift decide --order 77 answer --system synthea --version 3.3.0 --reason \"the vendor's letter\"
  chartlift decide --order 77 answer --rule visits --exclude deleted --unknown keep --reason \"empty means not deleted\"
  chartlift decide --order 77 answer --table visits --encoding windows-1252 --reason \"seen in the file\"
  chartlift decide --order 77 answer --table visits --column day --format \"%m/%d/%Y\" --reason \"a US export\"
  chartlift decide --order 77 answer --timezone America/Manaus --reason \"the clinic is in Manaus\"";

const MAP_HELP: &str = "\
EXAMPLE
  chartlift decide --order 77 map --map status --source 9 --source-text \"no show\" --target noshow --reason \"...\"";

const MATCH_HELP: &str = "\
Keys are patients' values, and arguments can be seen by others and stay in the shell's history: prefer --from with a
CSV file (or - for stdin) whose columns are table,source_key,target_key. A target key `new` is a row of its own.

EXAMPLE
  chartlift decide --order 77 match --from matches.csv --reason \"compared by the clinic\"
  chartlift decide --order 77 match --table patients --source-key 17 --target-key new --reason \"...\"";

const SCOPE_HELP: &str = "\
EXAMPLE
  chartlift decide --order 77 scope --name before-2015 --table visits --when \"day < '2015'\" --reason \"contract, 3\"
  chartlift decide --order 77 scope --name no-notes --category clinical_note --reason \"contract, annex 2\"";

const RULE_HELP: &str = "\
An order that follows another lists in delta/ of its folder which rows it waits for: conflicts.csv has those that were
edited in the target and in the export, absences.csv those that the export no longer has. Keys are patients' values, so
the lists are read from files: the order's own, or a copy in which somebody has filled the column `ruling`. A ruling in
the file counts more than --ruling. It holds for the row as it was listed: if it is edited again, it is asked again.

EXAMPLE
  chartlift decide --order 80 conflict --ruling keep --reason \"the clinic's own corrections\"
  chartlift decide --order 80 conflict --from filled.csv --reason \"compared with Dr Souza\"
  chartlift decide --order 80 absence --table visits --ruling delete --reason \"cancelled before the export\"";

pub(crate) const APPROVE_HELP: &str = "\
The approval binds inputs, rules, decisions, the rows to load and the target. If anything of it changes, the import
stops (exit 8) until somebody approves again. `approval: required` in chartlift.yaml lets no order in without one.

EXAMPLE
  chartlift run --order 77 --until validate
  chartlift approve --order 77 --reason \"seen with Dr Souza\"";

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The order's id
    #[arg(long)]
    pub(crate) order: String,
    #[command(subcommand)]
    pub(crate) command: Option<DecideCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DecideCommand {
    /// Accept held or blocked rows, so many and no more
    #[command(after_help = WAIVE_HELP)]
    Waive(Waive),
    /// Answer which system it is, what an undecided condition means, or how a file is written
    #[command(after_help = ANSWER_HELP)]
    Answer(Box<Answer>),
    /// Add a code to a map
    #[command(after_help = MAP_HELP)]
    Map(Map),
    /// Say which rows of the target rows of the source are
    #[command(after_help = MATCH_HELP)]
    Match(Match),
    /// Say whose values count where a row was edited in the target and in the export
    #[command(after_help = RULE_HELP)]
    Conflict(Conflict),
    /// Say whether rows that the export no longer has stay in the target
    #[command(after_help = RULE_HELP)]
    Absence(Absence),
    /// Leave out rows of a table or a category, by name
    #[command(after_help = SCOPE_HELP)]
    Scope(Scope),
}

#[derive(Debug, Args)]
pub(crate) struct By {
    /// Who decides [default: user@host]
    #[arg(long)]
    pub(crate) author: Option<String>,
    /// Why; it stands in logs and reports, so no patient's data
    #[arg(long)]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
#[group(id = "accepts", required = true, multiple = false, args = ["held", "share", "rows"])]
pub(crate) struct Waive {
    /// A source table, a category or a target table
    #[arg(long, value_name = "NAME")]
    pub(crate) applies_to: String,
    /// The stage that holds them
    #[arg(long, value_enum, required_unless_present = "rows")]
    pub(crate) stage: Option<GatedStage>,
    /// Only rows with this code
    #[arg(long, conflicts_with = "share", required_unless_present_any = ["held", "share"])]
    pub(crate) code: Option<String>,
    /// Accept so many held rows
    #[arg(long, value_name = "ROWS")]
    pub(crate) held: Option<u64>,
    /// Accept this share of all rows, e.g. 2 or "0.5 %"
    #[arg(long, value_name = "PERCENT")]
    pub(crate) share: Option<String>,
    /// Accept so many blocked rows: they stay held, and the order goes on
    #[arg(long)]
    pub(crate) rows: Option<u64>,
    #[command(flatten)]
    pub(crate) by: By,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GatedStage {
    Check,
    Categorize,
    Convert,
    Validate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnknownMeans {
    Exclude,
    Keep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnknownOrStop {
    Stop,
    Exclude,
    Keep,
}

#[derive(Debug, Args)]
#[group(id = "question", required = true, multiple = false, args = ["system", "rule", "table", "timezone"])]
pub(crate) struct Answer {
    /// The system that wrote the files
    #[arg(long)]
    pub(crate) system: Option<String>,
    /// Its version
    #[arg(long, requires = "system")]
    pub(crate) version: Option<String>,
    /// The input, where there are several
    #[arg(long, requires = "system")]
    pub(crate) input: Option<String>,
    /// The rule with an undecided condition
    #[arg(long, requires_all = ["exclude", "unknown"])]
    pub(crate) rule: Option<String>,
    /// The name of its exclusion
    #[arg(long, requires = "rule")]
    pub(crate) exclude: Option<String>,
    /// What a condition without an answer means
    #[arg(long, value_enum, requires = "rule")]
    pub(crate) unknown: Option<UnknownMeans>,
    /// The category or target table the rule makes, where several rules have the name
    #[arg(long, requires = "rule")]
    pub(crate) into: Option<String>,
    /// The table whose files are written otherwise than the pack says
    #[arg(long)]
    pub(crate) table: Option<String>,
    /// Its charset: utf-8, windows-1252, iso-8859-1
    #[arg(long, requires = "table")]
    pub(crate) encoding: Option<String>,
    /// Its delimiter, one character (\t for a tab)
    #[arg(long, requires = "table")]
    pub(crate) delimiter: Option<String>,
    /// Its quote character
    #[arg(long, requires = "table")]
    pub(crate) quote_char: Option<String>,
    /// The record with its header, from 1
    #[arg(long, requires = "table")]
    pub(crate) header_row: Option<u32>,
    /// A date or time column of the table
    #[arg(long, requires_all = ["table", "format"])]
    pub(crate) column: Option<String>,
    /// How the column is written, e.g. %d/%m/%Y
    #[arg(long, requires = "column")]
    pub(crate) format: Option<String>,
    /// The zone of times without an offset, e.g. America/Sao_Paulo
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    #[command(flatten)]
    pub(crate) by: By,
}

#[derive(Debug, Args)]
pub(crate) struct Map {
    /// The map's name, as in maps/NAME.csv
    #[arg(long, value_name = "NAME")]
    pub(crate) map: String,
    /// The source's code
    #[arg(long, value_name = "CODE")]
    pub(crate) source: String,
    /// What it means in the source
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) source_text: String,
    /// The target's code; none with the equivalence `unmatched`
    #[arg(long, value_name = "CODE", default_value = "")]
    pub(crate) target: String,
    /// FHIR ConceptMap equivalence
    #[arg(long, default_value = "equivalent")]
    pub(crate) equivalence: String,
    /// It may say otherwise than the project's map
    #[arg(long)]
    pub(crate) replaces: bool,
    #[command(flatten)]
    pub(crate) by: By,
}

#[derive(Debug, Args)]
pub(crate) struct Match {
    /// A CSV file with the columns table,source_key,target_key; - is stdin
    #[arg(long, value_name = "FILE", required_unless_present = "table")]
    pub(crate) from: Option<PathBuf>,
    /// The target table
    #[arg(long, conflicts_with = "from", requires_all = ["source_key", "target_key"])]
    pub(crate) table: Option<String>,
    /// The source row's key
    #[arg(long, requires = "table", value_name = "KEY")]
    pub(crate) source_key: Option<String>,
    /// The key of the row in the target, or `new`
    #[arg(long, requires = "table", value_name = "KEY")]
    pub(crate) target_key: Option<String>,
    #[command(flatten)]
    pub(crate) by: By,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConflictRuling {
    Keep,
    Overwrite,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AbsenceRuling {
    Keep,
    Delete,
}

#[derive(Debug, Args)]
pub(crate) struct Conflict {
    /// For all listed rows that the file has no ruling for: `keep` leaves them as edited, `overwrite` writes the export's values
    #[arg(long, value_enum, required_unless_present = "from")]
    pub(crate) ruling: Option<ConflictRuling>,
    #[command(flatten)]
    pub(crate) listed: Listed,
    #[command(flatten)]
    pub(crate) by: By,
}

#[derive(Debug, Args)]
pub(crate) struct Absence {
    /// For all listed rows that the file has no ruling for: `keep` leaves them in the target, `delete` takes them out
    #[arg(long, value_enum, required_unless_present = "from")]
    pub(crate) ruling: Option<AbsenceRuling>,
    #[command(flatten)]
    pub(crate) listed: Listed,
    #[command(flatten)]
    pub(crate) by: By,
}

/// Which rows a ruling is about.
#[derive(Debug, Args)]
pub(crate) struct Listed {
    /// Only rows of this target table
    #[arg(long)]
    pub(crate) table: Option<String>,
    /// A CSV file with the columns table,source_key,ruling,seen; - is stdin [default: the order's own listing]
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(id = "of", required = true, multiple = false, args = ["table", "category"])]
pub(crate) struct Scope {
    /// Under which name the rows are counted as excluded
    #[arg(long)]
    pub(crate) name: String,
    /// A source table
    #[arg(long)]
    pub(crate) table: Option<String>,
    /// A category
    #[arg(long)]
    pub(crate) category: Option<String>,
    /// A condition in SQL over its columns [default: all rows]
    #[arg(long, value_name = "SQL")]
    pub(crate) when: Option<String>,
    /// What a condition without an answer means
    #[arg(long, value_enum, requires = "when")]
    pub(crate) unknown: Option<UnknownOrStop>,
    #[command(flatten)]
    pub(crate) by: By,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The order's id
    #[arg(long)]
    pub(crate) order: String,
    /// Who approves [default: user@host]
    #[arg(long)]
    pub(crate) author: Option<String>,
    /// A remark; it stands in reports, so no patient's data
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

/// The word of a choice, as files have it.
pub(crate) fn word(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
