//! The command line.
//!
//! Results go to standard output, progress and notes to standard error. Exit status: 0 done, 1 the
//! input is at fault or something cannot be read or written, 2 the command line is at fault, 3 a verification
//! found a difference, 141 the reader of standard output has gone.

mod arguments;
mod commands;
mod limits;
mod output;
mod progress;

use anyhow::Context;
use arguments::{CompilerStage, Enough, Machine, ModelArguments, PrecisionArgument, seconds, shard, size};
use clap::{CommandFactory, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tilewright_compiler::error::Error;

/// Compiles trained vision networks to fixed-point programs and the Verilog of a machine.
#[derive(Parser, Debug)]
#[command(version = env!("TILEWRIGHT_VERSION"), propagate_version = true)]
struct Cli {
    /// Memory that may be used, such as 512M or 6G; 8G where the machine has it, if left out.
    #[arg(long, global = true, value_name = "SIZE", value_parser = size)]
    memory_limit: Option<u64>,
    /// Say nothing of progress.
    #[arg(short, long, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: CliCommand,
}

#[global_allocator]
static ALLOCATOR: limits::Budgeted = limits::Budgeted;

#[derive(Subcommand, Debug)]
enum CliCommand {
    /// The whole path on a network of handwritten digits.
    Demo {
        /// Model folder with model.onnx, calib.npz and eval.npz; a residual network that this program has in itself,
        /// and writes out, if left out.
        model: Option<PathBuf>,
        #[command(flatten)]
        machine: Machine,
        /// Where to write.
        #[arg(short, long, default_value = "out/demo")]
        out: PathBuf,
        /// Also run the Verilog (needs Verilator).
        #[arg(long)]
        rtl: bool,
    },
    /// Quantise and compile a model to a program.
    Compile {
        #[command(flatten)]
        source: ModelArguments,
        #[command(flatten)]
        machine: Machine,
        /// Where to write the artefact, a folder.
        #[arg(short, long)]
        out: PathBuf,
        /// Write one file (a zip archive) instead.
        #[arg(long)]
        pack: bool,
        /// Leave the float source out: what is compared with it is then not compared.
        #[arg(long)]
        no_source: bool,
        /// The golden sample (.npz, .npy, an image) instead of a synthetic one; whoever has the artefact has it.
        #[arg(long, value_name = "FILE")]
        golden: Option<PathBuf>,
        /// Measure range, error and saturation of every layer.
        #[arg(long)]
        layers: bool,
        /// One JSON object on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Run a model on an input: outputs, cycles, utilisation.
    Simulate {
        #[command(flatten)]
        source: ModelArguments,
        #[command(flatten)]
        machine: Machine,
        /// Inputs as .npy or .npz; the model folder's input_0.npy, or an artefact's golden sample, if left out.
        #[arg(long)]
        input: Option<PathBuf>,
        /// Write the outputs as output_N.npy into this folder.
        #[arg(short, long)]
        out: Option<PathBuf>,
        /// One JSON object on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Run an artefact on a board, or on the simulated Verilog of one: outputs, cycles, time.
    Run {
        /// What compile wrote.
        artefact: PathBuf,
        /// The serial port that the board is at.
        #[arg(long, value_name = "PATH", required_unless_present = "simulated")]
        port: Option<PathBuf>,
        /// Bits a second on the port: what the bitstream was built for.
        #[arg(long, default_value_t = tilewright::host::BAUD, requires = "port")]
        baud: u32,
        /// Seconds that an answer is waited for before a request is sent again: more than the board's time-out.
        #[arg(long, value_name = "SECONDS", default_value_t = 0.4, requires = "port", value_parser = seconds)]
        timeout: f64,
        /// Run the Verilog of a board instead, down to its serial line, with the artefact's memory (needs Verilator).
        #[arg(long, conflicts_with = "port")]
        simulated: bool,
        /// Inputs as .npy or .npz, each of its samples a frame; the golden sample if left out.
        #[arg(long)]
        input: Option<PathBuf>,
        /// Compare bytes, outputs and cycles with the simulator's; exit status 3 where they differ.
        #[arg(long)]
        check: bool,
        /// Write the outputs as output_N.npy into this folder, of several samples as sample_S_output_N.npy.
        #[arg(short, long)]
        out: Option<PathBuf>,
        /// One JSON object on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Check source operators, integer reference, simulator and Verilog against each other.
    Verify {
        #[command(flatten)]
        source: ModelArguments,
        #[command(flatten)]
        machine: Machine,
        /// Inputs as .npy or .npz; the model folder's input_0.npy, or an artefact's golden sample, if left out.
        #[arg(long)]
        input: Option<PathBuf>,
        /// Run the Verilog as well (needs Verilator).
        #[arg(long)]
        rtl: bool,
        /// Measure the metric of eval.npz beside the model, float and int8.
        #[arg(long)]
        metric: bool,
        #[command(flatten)]
        enough: Enough,
        /// Say of every layer how its integers stand to the source's operators.
        #[arg(long)]
        layers: bool,
        /// Where to write the smallest part of the model that fails alone, with its inputs, if the model fails.
        #[arg(long, value_name = "DIR")]
        reduce: Option<PathBuf>,
        /// One JSON object on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Write the Verilog of a machine, and a model's programs for it.
    Generate {
        /// A model, as for compile, or its artefact; the machine alone if left out.
        model: Option<PathBuf>,
        /// Calibration samples (.npz, .npy); calib.npz beside the model if left out.
        #[arg(long, requires = "model")]
        calib: Option<PathBuf>,
        /// Options of quantisation as TOML.
        #[arg(long, value_name = "FILE.toml", requires = "model")]
        quantisation: Option<PathBuf>,
        /// Which activations have 16 bits instead of 8 (goes before the file's); auto if neither says.
        #[arg(long, value_enum, requires = "model")]
        precision: Option<PrecisionArgument>,
        #[command(flatten)]
        machine: Machine,
        /// Write the machine with an AXI4-Lite slave in the place of its register port as well: module
        /// tilewright_axi_lite, around the other.
        #[arg(long)]
        axi_lite: bool,
        /// Write the target's whole board as well: its top module, host link and memory controller, and its pins.
        #[arg(long)]
        board: bool,
        /// Where to write.
        #[arg(short, long)]
        out: PathBuf,
    },
    /// Run a numeric regression suite.
    Test {
        /// The suite; what is recorded lies beside it in a folder of the same name, `.golden`.
        suite: PathBuf,
        #[command(flatten)]
        machine: Machine,
        /// Write the outcome as JUnit's XML as well.
        #[arg(long, value_name = "FILE.xml")]
        junit: Option<PathBuf>,
        /// Cases at a time; as many as there are processors if left out.
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
        jobs: Option<u16>,
        /// Run part I of N.
        #[arg(long, value_name = "I/N", value_parser = shard)]
        shard: Option<(usize, usize)>,
        /// Record what is made now, where a case's exact checks would compare it.
        #[arg(long)]
        bless: bool,
        /// Make the suite of these models first, with what is measured of them now.
        #[arg(long, value_name = "MODEL", num_args = 1..)]
        init: Vec<PathBuf>,
        /// One JSON object on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Build the bitstream of a board: Verilog, Yosys, nextpnr, ecppack.
    Build {
        /// An artefact whose machine the bitstream has; that of the target if left out. The network is not in it.
        artefact: Option<PathBuf>,
        /// A known target, or a board's folder.
        #[arg(long)]
        target: String,
        /// Where to write.
        #[arg(short, long)]
        out: PathBuf,
        /// Seed of placement: another one gives another clock.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(..=1_000_000_000))]
        seed: u32,
        /// How many seeds to try from there on, until one reaches its clock; the fastest is kept.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
        seeds: u32,
        /// Stop at the netlist, and count its cells against the device: minutes.
        #[arg(long)]
        synthesis_only: bool,
        /// Write the bitstream even if it does not reach its clock.
        #[arg(long)]
        allow_slow: bool,
        /// One JSON object on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Load a bitstream onto a board.
    Flash {
        /// A bitstream, or a folder that build wrote.
        bitstream: PathBuf,
        /// Keep it when the power is switched off.
        #[arg(long)]
        persist: bool,
    },
    /// Say which programs are there that build, run and verify need, and how to get the rest.
    Doctor {
        /// One JSON object on standard output.
        #[arg(long)]
        json: bool,
    },
    /// List the boards that --target knows.
    Targets {
        /// One JSON object on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or that of a command, in roff.
    Manual {
        /// A command.
        command: Option<String>,
    },
    /// Print a stage of the compilation.
    Inspect {
        #[command(flatten)]
        source: ModelArguments,
        #[command(flatten)]
        machine: Machine,
        /// What to print.
        #[arg(long, value_enum)]
        stage: CompilerStage,
    },
}

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

impl CliCommand {
    fn wants_json(&self) -> bool {
        match self {
            CliCommand::Compile { json, .. }
            | CliCommand::Simulate { json, .. }
            | CliCommand::Run { json, .. }
            | CliCommand::Verify { json, .. }
            | CliCommand::Test { json, .. }
            | CliCommand::Build { json, .. }
            | CliCommand::Doctor { json }
            | CliCommand::Targets { json } => *json,
            _ => false,
        }
    }
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
