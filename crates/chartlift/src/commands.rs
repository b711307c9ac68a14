//! One module a command. Each answers with an exit code, or with why it could not do what was asked.

mod approve;
mod archive;
mod completions;
mod decide;
mod demo;
mod explain;
mod functions;
mod init;
mod lint;
mod order;
mod rehearsal;
mod rejects;
mod report;
mod rollback;
mod stage;
mod status;
mod target;

use chartlift_engine::statement::Stage;

use crate::args::{Arguments, Command};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Exit, Failure> {
    let global = &arguments.global;
    let config = || Config::load(global);
    let only = |order: &str, stage| stage::only(&config()?, output, order, stage);
    match &arguments.command {
        Command::Demo(demo) => demo::run(demo, global, output),
        Command::Init(init) => init::run(init, output),
        Command::Order(order) => order::run(&order.command, &config()?, output),
        Command::Run(run) => {
            stage::until(&config()?, output, &run.order, run.until.map_or(Stage::Verify, Into::into))
        }
        Command::Identify(of) => only(&of.order, Stage::Identify),
        Command::Check(of) => only(&of.order, Stage::Check),
        Command::Categorize(of) => only(&of.order, Stage::Categorize),
        Command::Convert(of) => only(&of.order, Stage::Convert),
        Command::Validate(of) => only(&of.order, Stage::Validate),
        Command::Import(import) if import.dry_run => rehearsal::run(&import.order, &config()?, output),
        Command::Import(import) => only(&import.order, Stage::Import),
        Command::Verify(of) => only(&of.order, Stage::Verify),
        Command::Status(of) => status::run(&config()?, output, &of.order),
        Command::Rejects(rejects) => rejects::run(rejects, &config()?, output),
        Command::Rollback(rollback) => rollback::run(rollback, &config()?, output),
        Command::Archive(archive) => archive::run(archive, &config()?, output),
        Command::Report(report) => report::run(report, &config()?, output),
        Command::Target(target) => target::run(&target.command, &config()?, output),
        Command::Decide(decide) => decide::run(decide, &config()?, output),
        Command::Approve(approve) => approve::run(approve, &config()?, output),
        Command::Lint(lint) => lint::run(lint, &config()?, output),
        Command::Explain(explain) => explain::run(explain, output),
        Command::Functions(functions) => functions::run(functions, output),
        Command::Completions(completions) => completions::run(completions, output),
    }
}
