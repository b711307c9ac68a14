//! The command line as it is typed. Resolving what it means (folders, keys, targets) is `config`'s work.

pub(crate) mod decide;

use std::path::PathBuf;

use chartlift_engine::statement::Stage;
use clap::{Args, Parser, Subcommand, ValueEnum};

use decide::{APPROVE_HELP, Approve, DECIDE_HELP, Decide};

const EXIT_CODES: &str = "\
EXIT CODES
   0  done, or already done; all verdicts pass
   1  a later gate, or the verification, failed
   2  usage or rule errors; nothing was touched
   3  not feasible: identify failed, or a gate of check
   4  not done: no rows, no files, no checks, or stages that have not run
   5  transient: network, locks; try again
   6  failed and undone by itself
   7  suspended: a person must decide
   8  conflict: another worker, or something changed underneath
  70  our bug

EXAMPLE
  chartlift demo                            a sample clinic, end to end, into SQLite
  chartlift order create --id 77 --input /exports/77 --target clinic=sqlite:clinic.db
  chartlift target init --order 77 --with-tables
  chartlift run --order 77";

const REPORT_HELP: &str = "\
The operator's page holds no value of any row. The clinical one names patients: it goes into the order's folder
`clinical`, and elsewhere only with --identified. Both load nothing from elsewhere and can be printed.

EXIT CODES
   0  the page is written, whatever the order's verdict
   2  there is no such order, or the file cannot be written
   8  the order's log was changed

EXAMPLE
  chartlift report --order 77
  chartlift report --order 77 --out /tmp/77.html --json
  chartlift report --order 77 --edition clinical --language pt-BR
  chartlift report --order 77 --edition clinical --sample 59";

const ARCHIVE_HELP: &str = "\
The pages hold patient data; columns that are never kept are not among it. Only the owner can read them, and the names
of files say nothing about anybody. An earlier archive is replaced as a whole.

EXAMPLE
  chartlift archive --order 77
  chartlift archive --order 77 --out /secure/archive-77 --json";

const COMPLETIONS_HELP: &str = "\
EXAMPLE
  chartlift completions bash > ~/.local/share/bash-completion/completions/chartlift
  chartlift completions zsh > ~/.zfunc/_chartlift
  chartlift completions fish > ~/.config/fish/completions/chartlift.fish";

/// Moves a clinic's data from one health record system into another and proves that it arrived
#[derive(Debug, Parser)]
#[command(name = "chartlift", version, after_help = EXIT_CODES, arg_required_else_help = true)]
#[command(disable_help_subcommand = true, subcommand_required = true, max_term_width = 110)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// The project's folder [default: this folder or a parent with a chartlift.yaml]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// Where orders live [default: `storage` of chartlift.yaml, else the project's folder]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) storage: Option<String>,
    /// The target pack and where it is, e.g. clinic=sqlite:out.db or clinic=env:DATABASE_URL
    #[arg(long, global = true, value_name = "NAME[=URL]")]
    pub(crate) target: Option<String>,
    /// Print one JSON object on stdout, errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress, results only
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Say more: the balance of every rule
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a sample clinic, run the whole pipeline into SQLite, print the statement
    #[command(
        after_help = "EXAMPLE\n  chartlift demo\n  chartlift demo /tmp/clinic --json\n  chartlift demo /tmp/practice --system brindle --version 8.0"
    )]
    Demo(Demo),
    /// Start a new project with its own key
    #[command(after_help = "EXAMPLE\n  chartlift init my-clinic")]
    Init(Init),
    /// Create, list and show orders: one order moves one export of one clinic
    Order(OrderArguments),
    /// Do what is missing of an order, in order; what is done and unchanged is skipped
    #[command(after_help = "EXAMPLE\n  chartlift run --order 77\n  chartlift run --order 77 --until check")]
    Run(Run),
    /// Find out which system and version wrote each file
    #[command(after_help = "EXAMPLE\n  chartlift identify --order 77")]
    Identify(OfOrder),
    /// Land the files as rows of text and check them against the source's schemas
    #[command(after_help = "EXAMPLE\n  chartlift check --order 77")]
    Check(OfOrder),
    /// Bring checked rows into the common clinical form
    #[command(after_help = "EXAMPLE\n  chartlift categorize --order 77")]
    Categorize(OfOrder),
    /// Bring categorized rows into the target's form
    #[command(after_help = "EXAMPLE\n  chartlift convert --order 77")]
    Convert(OfOrder),
    /// Check converted rows against the target's catalogue and each other
    #[command(after_help = "EXAMPLE\n  chartlift validate --order 77 --target clinic=sqlite:clinic.db")]
    Validate(OfOrder),
    /// Load the rows in one transaction, all or nothing, once
    #[command(
        after_help = "EXAMPLE\n  chartlift import --order 77 --target clinic=env:DATABASE_URL\n  chartlift import --order 77 --dry-run"
    )]
    Import(Import),
    /// Read the target and compare every cell with what was converted
    #[command(after_help = "EXAMPLE\n  chartlift verify --order 77")]
    Verify(OfOrder),
    /// Show where an order stands: verdicts, findings, balance
    #[command(after_help = "EXAMPLE\n  chartlift status --order 77 --json")]
    Status(OfOrder),
    /// Write the rows that were held as CSV, or list every mark
    #[command(
        after_help = "EXAMPLE\n  chartlift rejects --order 77\n  chartlift rejects --order 77 --marks > marks.csv"
    )]
    Rejects(Rejects),
    /// List what an order waits for, or decide it
    #[command(after_help = DECIDE_HELP)]
    Decide(Decide),
    /// Approve an order's import, exactly as it is now
    #[command(after_help = APPROVE_HELP)]
    Approve(Approve),
    /// Take an order's load back out of the target; charts that somebody has worked on since stay whole
    #[command(
        after_help = "EXAMPLE\n  chartlift rollback --order 77 --dry-run\n  chartlift rollback --order 77"
    )]
    Rollback(Rollback),
    /// Write the order's report: one HTML page with verdict, balance, findings, timing and digests
    #[command(after_help = REPORT_HELP)]
    Report(Report),
    /// Write what the rules map nowhere as pages for people, one a patient
    #[command(after_help = ARCHIVE_HELP)]
    Archive(Archive),
    /// Prepare a target and compare its catalogue with the rules
    Target(TargetArguments),
    /// Report every problem in every rule file
    #[command(
        after_help = "EXAMPLE\n  chartlift lint\n  chartlift lint --project my-clinic --json\n  chartlift lint --order 77"
    )]
    Lint(Lint),
    /// Say what a code of a finding, a diagnostic or an error means
    #[command(after_help = "EXAMPLE\n  chartlift explain foreign-key")]
    Explain(Explain),
    /// List the functions that rules may use
    #[command(after_help = "EXAMPLE\n  chartlift functions\n  chartlift functions parse_date")]
    Functions(Functions),
    /// Print what a shell needs to complete commands and options
    #[command(after_help = COMPLETIONS_HELP)]
    Completions(Completions),
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// A new folder, or one that an earlier demo made
    #[arg(default_value = "chartlift-demo", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Which sample system's export: vidaclin (Brazil, the default) or brindle (United States)
    #[arg(long, value_name = "NAME")]
    pub(crate) system: Option<String>,
    /// Which version of it: vidaclin 2.1 (the default) or 2.2, brindle 7.4 (its default) or 8.0
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The new project's folder
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct OrderArguments {
    #[command(subcommand)]
    pub(crate) command: OrderCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OrderCommand {
    /// Create an order; its inputs are referenced, never copied
    #[command(
        after_help = "EXAMPLE\n  chartlift order create --id 77 --input /exports/77 --target clinic=sqlite:clinic.db\n  \
                      chartlift order create --id 78 --series clinic-9 --system synthea --version 3.3.0 --input /exports/78\n  \
                      chartlift order create --id 79 --input main=/exports/79 --input old=/exports/79-before-2015\n  \
                      chartlift order create --id 80 --follows 79 --input /exports/80"
    )]
    Create(OrderCreate),
    /// List the orders of the storage
    #[command(after_help = "EXAMPLE\n  chartlift order list")]
    List,
    /// Show what an order was created with and its log
    #[command(after_help = "EXAMPLE\n  chartlift order show 77")]
    Show(OrderShow),
}

#[derive(Debug, Args)]
pub(crate) struct OrderCreate {
    /// The order's id: letters, digits, `-` and `_`
    #[arg(long)]
    pub(crate) id: String,
    /// The folder of an export, or one file; several with names of their own, the leading system first
    /// [default: the order's input_files]
    #[arg(long, value_name = "[NAME=]PATH")]
    pub(crate) input: Vec<String>,
    /// The clinic that moves, over all its cycles [default: the order's id]
    #[arg(long)]
    pub(crate) series: Option<String>,
    /// The earlier order of the series that this one continues
    #[arg(long, value_name = "ID")]
    pub(crate) follows: Option<String>,
    /// The source system, when it is known: of all inputs, or of the one named
    #[arg(long, value_name = "[NAME=]SYSTEM")]
    pub(crate) system: Vec<String>,
    /// The source system's version, when it is known
    #[arg(long, value_name = "[NAME=]VERSION", requires = "system")]
    pub(crate) version: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct OrderShow {
    /// The order's id
    #[arg(value_name = "ORDER", required_unless_present = "order")]
    pub(crate) id: Option<String>,
    #[arg(long, hide = true, conflicts_with = "id")]
    pub(crate) order: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct OfOrder {
    /// The order's id
    #[arg(long)]
    pub(crate) order: String,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The order's id
    #[arg(long)]
    pub(crate) order: String,
    /// Do everything in the target, undo it, and say what would happen and why so
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The order's id
    #[arg(long)]
    pub(crate) order: String,
    /// The last stage to run
    #[arg(long, value_enum, value_name = "STAGE")]
    pub(crate) until: Option<StageName>,
}

#[derive(Debug, Args)]
pub(crate) struct Rejects {
    /// The order's id
    #[arg(long)]
    pub(crate) order: String,
    /// Print every mark on stdout as CSV: input,file,row,stage,code,column,disposition
    #[arg(long)]
    pub(crate) marks: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The order's id
    #[arg(long)]
    pub(crate) order: String,
    /// Do everything in the target, undo it, and say what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The order's id
    #[arg(long)]
    pub(crate) order: String,
    /// Where to write the page [default: reports/report.html or clinical/report-LANGUAGE.html in the order's folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// For whom: the operator's has no values, the clinical one names patients
    #[arg(long, value_enum, value_name = "EDITION", default_value = "operator")]
    pub(crate) edition: Edition,
    /// Clinical: the page's language [default: en]
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub(crate) language: Option<LanguageName>,
    /// Clinical: draw no more charts than this [default: as many as 95 % confidence and 1 % take]
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<u64>,
    /// Clinical: draw with this seed instead of the one that the order's log gives
    #[arg(long, value_name = "TEXT")]
    pub(crate) seed: Option<String>,
    /// Clinical: with --out, let a page that names patients leave the order's folder
    #[arg(long)]
    pub(crate) identified: bool,
}

/// Who a report is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Edition {
    Operator,
    Clinical,
}

/// A language as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LanguageName {
    #[value(name = "en")]
    English,
    #[value(name = "pt-BR")]
    BrazilianPortuguese,
}

#[derive(Debug, Args)]
pub(crate) struct Archive {
    /// The order's id
    #[arg(long)]
    pub(crate) order: String,
    /// The folder of the pages [default: archive in the order's folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TargetArguments {
    #[command(subcommand)]
    pub(crate) command: TargetCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TargetCommand {
    /// Make the bookkeeping tables in the target
    #[command(after_help = "EXAMPLE\n  chartlift target init --target clinic=sqlite:clinic.db --with-tables")]
    Init(TargetInit),
    /// Compare the target's catalogue with the rules, list its triggers and missing rights, change nothing
    #[command(after_help = "EXAMPLE\n  chartlift target check --target clinic=env:DATABASE_URL")]
    Check(OfTarget),
}

#[derive(Debug, Args)]
pub(crate) struct TargetInit {
    /// Make the pack's own tables as well
    #[arg(long)]
    pub(crate) with_tables: bool,
    #[command(flatten)]
    pub(crate) of: OfTarget,
}

#[derive(Debug, Args)]
pub(crate) struct OfTarget {
    /// Take the target from this order
    #[arg(long)]
    pub(crate) order: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Read this order's decisions too
    #[arg(long)]
    pub(crate) order: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A code such as foreign-key [default: list all codes]
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Functions {
    /// One function in detail
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Print the reference page in Markdown
    #[arg(long, conflicts_with = "name")]
    pub(crate) docs: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: ShellName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShellName {
    Bash,
    Zsh,
    Fish,
}

/// A stage as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StageName {
    Identify,
    Check,
    Categorize,
    Convert,
    Validate,
    Import,
    Verify,
}

impl From<StageName> for Stage {
    fn from(name: StageName) -> Self {
        match name {
            StageName::Identify => Self::Identify,
            StageName::Check => Self::Check,
            StageName::Categorize => Self::Categorize,
            StageName::Convert => Self::Convert,
            StageName::Validate => Self::Validate,
            StageName::Import => Self::Import,
            StageName::Verify => Self::Verify,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn visit(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            if command.get_subcommands().next().is_none() {
                assert!(help.contains("EXAMPLE"), "`{}` has no example", command.get_name());
            }
            command.get_subcommands().for_each(visit);
        }
        visit(&Arguments::command());
    }
}
