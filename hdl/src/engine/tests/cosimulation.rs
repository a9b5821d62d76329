//! The engine's Verilog in Verilator.

use super::model::Memories;
use crate::check::folder;
use crate::emit::emit;
use crate::engine::{Shape, tile_engine};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::process::Command;
use tilewright_arch::fixed::CHANNEL_BYTES;
use tilewright_arch::instr::{TileOp, Unit};
use tilewright_arch::{Config, timing};

/// Cycles after which an operation is given up.
pub const LIMIT: u32 = 200_000;

/// A compiled engine, and what it is to be given.
pub struct Engine {
    config: Config,
    program: PathBuf,
    stimuli: Vec<u32>,
    /// Bytes of the feature memory: 2^RW rows.
    pub feature_bytes: usize,
    operations: usize,
}

/// What came out of an operation.
pub struct Outcome {
    /// From issue to done.
    pub cycles: u32,
    /// The feature memory.
    pub feature: Vec<i8>,
}

impl Engine {
    /// Builds (or finds built) the simulator of `unit`.
    pub fn new(config: &Config, unit: Unit) -> Engine {
        let shape = Shape::new(config, unit);
        let verilog = emit(&tile_engine(config, unit)).expect("the engine passes the checks");
        let bench = include_str!("bench.cpp");
        let mut options = format!(
            "-DP={} -DRW={} -DB={} -DLATENCY={} -DRESET={} -DLIMIT={LIMIT} -O1",
            config.lanes,
            shape.row_bits,
            config.memory.bus_bytes,
            timing::feature_read_latency(config),
            timing::overhead(unit, config),
        );
        if unit == Unit::Vector {
            options += " -DVECTOR";
        }
        let mut hash = DefaultHasher::new();
        (&verilog, bench, &options).hash(&mut hash);
        // Built in a folder of this process, then moved: other processes may build the same.
        let ready = std::env::temp_dir().join(format!("tilewright-engine-{:016x}", hash.finish()));
        if !ready.exists() {
            let folder = folder(&format!("build-{:016x}", hash.finish()));
            let write =
                |name, text: &str| std::fs::write(folder.join(name), text).expect("the folder is writable");
            write("engine.v", &verilog);
            write("bench.cpp", bench);
            let top = format!("{}_engine", shape.prefix());
            let output = Command::new("verilator")
                .args(["--cc", "--exe", "--build", "-O3", "-Wno-fatal", "-Wno-lint", "--prefix", "Vdut"])
                .args(["--Mdir", "obj", "--top-module", &top, "-CFLAGS", &options, "engine.v", "bench.cpp"])
                .current_dir(&folder)
                .output()
                .expect("Verilator runs");
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "Verilator: {text}");
            if std::fs::rename(&folder, &ready).is_err() {
                std::fs::remove_dir_all(&folder).ok();
            }
        }
        let program = ready.join("obj/Vdut");
        let feature_bytes = config.lanes << shape.row_bits;
        Engine { config: config.clone(), program, stimuli: vec![], feature_bytes, operations: 0 }
    }

    fn beat(&mut self, head: &[u32], bytes: &[u8]) {
        self.stimuli.extend(head);
        self.stimuli.extend(
            bytes.chunks(4).map(|c| c.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))),
        );
    }

    /// Fills all memories.
    pub fn load(&mut self, memories: &Memories) {
        let beat = self.config.memory.bus_bytes;
        let bytes: Vec<u8> = memories.feature.iter().map(|b| *b as u8).collect();
        self.beat(&[0], &bytes);
        for (w, word) in memories.weights.iter().enumerate() {
            let mut word: Vec<u8> = word.iter().map(|b| *b as u8).collect();
            word.resize(self.config.weight_stride(), 0x5a);
            for (k, bytes) in word.chunks(beat).enumerate() {
                self.beat(&[1, w as u32, k as u32], bytes);
            }
        }
        for (w, channel) in memories.channels.iter().enumerate() {
            let word: [u8; CHANNEL_BYTES] = channel.to_bytes();
            for (k, bytes) in word.chunks(beat).enumerate() {
                self.beat(&[2, w as u32, k as u32], bytes);
            }
        }
        for (t, table) in memories.tables.iter().enumerate() {
            let table: Vec<u8> = table.iter().map(|b| *b as u8).collect();
            for (k, bytes) in table.chunks(beat).enumerate() {
                self.beat(&[3, (256 * t + k * beat) as u32], bytes);
            }
        }
    }

    /// An operation, issued `gap` cycles after the one before was done; `goes_on`: that one kept its sums.
    pub fn operation(&mut self, op: &TileOp, gap: u32, goes_on: bool) {
        let bytes = op.encode(self.config.lanes).expect("the operation fits its fields");
        self.beat(&[if goes_on { 5 } else { 4 }, gap], &bytes);
        self.operations += 1;
    }

    /// Runs everything.
    pub fn run(self, name: &str) -> Vec<Outcome> {
        let folder = folder(name);
        let bytes: Vec<u8> = self.stimuli.iter().flat_map(|w| w.to_le_bytes()).collect();
        std::fs::write(folder.join("stimuli"), bytes).expect("the folder is writable");
        let status = Command::new(&self.program).current_dir(&folder).status().expect("the simulator runs");
        assert!(status.success(), "the simulator failed");
        let results = std::fs::read(folder.join("results")).expect("the simulator writes results");
        std::fs::remove_dir_all(&folder).ok();
        let outcome = |bytes: &[u8]| Outcome {
            cycles: u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            feature: bytes[4..].iter().map(|b| *b as i8).collect(),
        };
        let outcomes: Vec<_> = results.chunks(4 + self.feature_bytes).map(outcome).collect();
        assert_eq!(outcomes.len(), self.operations);
        outcomes
    }
}
