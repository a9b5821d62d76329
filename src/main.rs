//! The command line.
//!
//! Results go to standard output, progress and notes to standard error. Exit status: 0 done, 1 the
//! input is at fault or something cannot be read or written, 2 the command line is at fault, 3 a verification
//! found a difference, 141 the reader of standard output has gone.

mod arguments;
mod cli;
mod commands;
mod limits;
mod output;
mod progress;

use anyhow::Context;
use arguments::ModelArguments;
use clap::{CommandFactory, Parser};
use cli::{Cli, CliCommand};
use std::process::ExitCode;
use std::time::Duration;
use tilewright_compiler::error::Error;

#[global_allocator]
static ALLOCATOR: limits::Budgeted = limits::Budgeted;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are results, everything else is a mistake.
        Err(e) if e.use_stderr() => {
            let _ = e.print();
            return ExitCode::from(2);
        }
        Err(e) => return status(output::failed(e.print()).map(|()| true)),
    };
    progress::quiet(cli.quiet);
    let done = limits::set(cli.memory_limit).and_then(|()| run(&cli.command));
    if let (Err(error), true) = (&done, cli.command.wants_json())
        && !(error.is::<output::Closed>() || output::has_object())
    {
        // Who reads objects gets one, that of the result where there is one; what goes wrong with it is no other error than this one.
        let _ = output::json(&object(error));
    }
    status(done)
}

/// An error as an object: its parts where it is one of the compiler's, and the exit status.
fn object(error: &anyhow::Error) -> serde_json::Value {
    let report = error.downcast_ref::<Error>().map(Error::report);
    let message = format!("{error:#}");
    serde_json::json!({ "error": message, "report": report, "exit_status": blame(error) })
}

/// Runs a command; false when a verification found a difference.
fn run(command: &CliCommand) -> anyhow::Result<bool> {
    match command {
        CliCommand::Demo { model, machine, out, rtl } => {
            commands::demo::run(model.as_deref(), machine, out, *rtl)
        }
        CliCommand::Compile { source, machine, out, pack, no_source, golden, layers, json } => {
            let form =
                commands::compile::Form { pack: *pack, no_source: *no_source, golden: golden.as_deref() };
            commands::compile::run(source, machine, out, &form, *layers, *json)
        }
        CliCommand::Simulate { source, machine, input, out, json } => {
            commands::simulate::run(source, machine, input.as_deref(), out.as_deref(), *json)
        }
        CliCommand::Run { artefact, port, baud, timeout, simulated: _, input, check, out, json } => {
            let asked = commands::run::RunOptions { check: *check, out: out.as_deref(), json: *json };
            let patience = Duration::from_secs_f64(*timeout);
            let port = port.as_deref().map(|path| commands::run::SerialPort { path, baud: *baud, patience });
            commands::run::run(artefact, port.as_ref(), input.as_deref(), &asked)
        }
        CliCommand::Verify { source, machine, input, rtl, metric, enough, layers, reduce, json } => {
            let (input, reduce) = (input.as_deref(), reduce.as_deref());
            let asked =
                commands::verify::VerifyOptions { rtl: *rtl, metric: *metric, layers: *layers, json: *json };
            commands::verify::run(source, machine, input, enough, reduce, &asked)
        }
        CliCommand::Generate { model, calib, quantisation, precision, machine, axi_lite, board, out } => {
            let (calib, quantisation, precision) = (calib.clone(), quantisation.clone(), *precision);
            let source = model.clone().map(|model| ModelArguments {
                model,
                calib,
                quantisation,
                precision,
                shape: vec![],
                deny_host: false,
                unchecked: true,
            });
            commands::generate::run(source.as_ref(), machine, *axi_lite, *board, out)
        }
        CliCommand::Test { suite, machine, junit, jobs, shard, bless, init, json } => {
            let (junit, jobs) = (junit.as_deref(), jobs.map(usize::from));
            let asked =
                commands::test::SuiteOptions { junit, jobs, shard: *shard, bless: *bless, init, json: *json };
            commands::test::run(suite, machine, &asked)
        }
        CliCommand::Build { artefact, target, out, seed, seeds, synthesis_only, allow_slow, json } => {
            let seeds = *seed..seed + seeds;
            let bounds = commands::build::Bounds { synthesis_only: *synthesis_only, allow_slow: *allow_slow };
            commands::build::run(artefact.as_deref(), target, out, seeds, bounds, *json)
        }
        CliCommand::Flash { bitstream, persist } => commands::build::flash(bitstream, *persist),
        CliCommand::Doctor { json } => commands::build::doctor(*json),
        CliCommand::Targets { json } => commands::targets::run(*json),
        CliCommand::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "tilewright", &mut text);
            output::raw(&text).map(|()| true)
        }
        CliCommand::Manual { command } => {
            let mut text = Vec::new();
            clap_mangen::Man::new(manual(command.as_deref())?).render(&mut text)?;
            output::raw(&text).map(|()| true)
        }
        CliCommand::Inspect { source, machine, stage } => commands::inspect::run(source, machine, *stage),
    }
}

/// What the manual page of a command is made of, or that of all.
fn manual(command: Option<&str>) -> anyhow::Result<clap::Command> {
    let mut all = Cli::command();
    // Commands get the options of all, and names of their own.
    all.build();
    let Some(name) = command else { return Ok(all) };
    let names: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
    let missing = || format!("error[manual]: there is no command {name:?}; try: {}", names.join(", "));
    all.find_subcommand(name).cloned().with_context(missing)
}

/// The exit status of an error: 1 when it is about what was given, 3 when what was made is wrong.
fn blame(error: &anyhow::Error) -> u8 {
    let defect = error.downcast_ref::<Error>().is_some_and(|e| e.report().defect);
    if defect { 3 } else { 1 }
}

/// The exit status of what was done, once all of it is written; says what went wrong.
fn status(done: anyhow::Result<bool>) -> ExitCode {
    match done.and_then(|holds| output::flush().map(|()| holds)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) if error.is::<output::Closed>() => ExitCode::from(output::CLOSED),
        Err(error) => {
            // The innermost errors are complete sentences; what surrounds them says where.
            output::note!("{error:#}");
            ExitCode::from(blame(&error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defects_are_not_the_users_errors() {
        assert_eq!(blame(&Error::defect("compile", "nothing is right").into()), 3);
        assert_eq!(blame(&Error::new("import", "no such node").into()), 1);
        assert_eq!(blame(&anyhow::anyhow!("no such file")), 1);
    }
}
