//! The commands and what each of them takes, as clap parses and explains it.

use crate::arguments::{
    CompilerStage, Enough, Machine, ModelArguments, PrecisionArgument, seconds, shard, size,
};
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Compiles trained vision networks to fixed-point programs and the Verilog of a machine.
#[derive(Parser, Debug)]
#[command(version = env!("TILEWRIGHT_VERSION"), propagate_version = true)]
pub struct Cli {
    /// Memory that may be used, such as 512M or 6G; 8G where the machine has it, if left out.
    #[arg(long, global = true, value_name = "SIZE", value_parser = size)]
    pub memory_limit: Option<u64>,
    /// Say nothing of progress.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    pub command: CliCommand,
}

/// A command with its arguments.
#[derive(Subcommand, Debug)]
pub enum CliCommand {
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

impl CliCommand {
    /// Whether standard output is for one object.
    pub fn wants_json(&self) -> bool {
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
