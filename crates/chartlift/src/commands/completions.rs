//! `completions SHELL`: what a shell needs to complete this program's commands and options.

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use crate::args::{Arguments, Completions, ShellName};
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(super) fn run(arguments: &Completions, output: &Output) -> Result<Exit, Failure> {
    let (shell, name) = match arguments.shell {
        ShellName::Bash => (Shell::Bash, "bash"),
        ShellName::Zsh => (Shell::Zsh, "zsh"),
        ShellName::Fish => (Shell::Fish, "fish"),
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "chartlift", &mut script);
    let script = String::from_utf8_lossy(&script);
    output.object(&json!({ "spec": "chartlift/v1", "shell": name, "script": script }));
    output.line(script.trim_end());
    Ok(Exit::Done)
}
