//! The FPGAs that are known here, and how far open tools go for them.

use super::report::Used;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A device: a place for so many cells of each kind of its family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Device {
    /// How it is built for.
    pub family: Family,
    available: [u64; KINDS],
}

/// How devices are built for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Family {
    /// Lattice ECP5, to the bitstream; nextpnr's option for the device.
    Ecp5(&'static str),
    /// Xilinx of the seventh series, to the netlist and its cells: its maker's program places and routes it.
    Xilinx7,
}

/// Kinds of cells that are counted: logic, flip-flops, block memories, multipliers.
const KINDS: usize = 4;

/// A kind, and how many of it a cell of Yosys's takes.
type CellKind = (&'static str, &'static [(&'static str, u64)]);

/// What the makers' tables say (FPGA-DS-02012; DS180, DS190). The 12F is the 25F's die, and nextpnr takes it for that.
const DEVICES: [(&str, Device); 6] = [
    ("LFE5U-12F", ecp5("--12k", [24_288, 24_288, 56, 28])),
    ("LFE5U-25F", ecp5("--25k", [24_288, 24_288, 56, 28])),
    ("LFE5U-45F", ecp5("--45k", [43_848, 43_848, 108, 72])),
    ("LFE5U-85F", ecp5("--85k", [83_640, 83_640, 208, 156])),
    ("XC7A35T", Device { family: Family::Xilinx7, available: [20_800, 41_600, 100, 90] }),
    ("XC7Z020", Device { family: Family::Xilinx7, available: [53_200, 106_400, 280, 220] }),
];

const fn ecp5(option: &'static str, available: [u64; KINDS]) -> Device {
    Device { family: Family::Ecp5(option), available }
}

/// Named as nextpnr does. A carry cell takes two lookup tables, a memory of logic cells six.
const ECP5_KINDS: [CellKind; KINDS] = [
    ("TRELLIS_COMB", &[("LUT4", 1), ("CCU2C", 2), ("TRELLIS_DPR16X4", 6)]),
    ("TRELLIS_FF", &[("TRELLIS_FF", 1)]),
    ("DP16KD", &[("DP16KD", 1)]),
    ("MULT18X18D", &[("MULT18X18D", 1)]),
];

/// Memories and shift registers of logic cells are lookup tables (UG474); block memories of 18 Kbit.
const XILINX7_KINDS: [CellKind; KINDS] = [
    (
        "LUT6",
        &[
            ("LUT1", 1),
            ("LUT2", 1),
            ("LUT3", 1),
            ("LUT4", 1),
            ("LUT5", 1),
            ("LUT6", 1),
            ("INV", 1),
            ("SRL16E", 1),
            ("SRLC32E", 1),
            ("RAM16X1D", 2),
            ("RAM32X1D", 2),
            ("RAM64X1D", 2),
            ("RAM128X1D", 4),
            ("RAM32M", 4),
            ("RAM64M", 4),
        ],
    ),
    ("flip-flop", &[("FDRE", 1), ("FDSE", 1), ("FDCE", 1), ("FDPE", 1)]),
    ("RAMB18E1", &[("RAMB18E1", 1), ("RAMB36E1", 2)]),
    ("DSP48E1", &[("DSP48E1", 1)]),
];

/// Synthesis for the ECP5. Without wide functions: they are faster for paths that are not the slow ones, and take more
/// cells. Registers of the memory's pins go into the pads.
const ECP5_SYNTHESIS: &str = "synth_ecp5 -nowidelut -top TOP
select -set outputs t:TRELLIS_FF c:board.core.memory.*_pad_TRELLIS_FF_Q* %i c:board.core.memory.dq_oe_pad* %d
setattr -set syn_useioff 1 -set ioff_dir \"output\" @outputs
select -set inputs t:TRELLIS_FF c:board.core.memory.captured_TRELLIS_FF_Q* %i
setattr -set syn_useioff 1 -set ioff_dir \"input\" @inputs
";

#[derive(Deserialize)]
struct NetlistReport {
    modules: BTreeMap<String, ModuleStatistics>,
}

#[derive(Deserialize)]
struct ModuleStatistics {
    num_cells_by_type: BTreeMap<String, u64>,
}

impl Device {
    /// By its name, as its maker writes it.
    pub fn find(name: &str) -> Option<Device> {
        DEVICES.iter().find(|(known, _)| *known == name).map(|(_, device)| *device)
    }

    /// The script for Yosys that makes `TOP.json` of `TOP.v`, and reports of what is in it.
    pub fn synthesis(self, top: &str) -> String {
        let family = match self.family {
            Family::Ecp5(_) => ECP5_SYNTHESIS.replace("TOP", top),
            Family::Xilinx7 => format!("synth_xilinx -family xc7 -flatten -top {top}\n"),
        };
        let reports = "tee -q -o stat.txt stat\ntee -q -o stat.json stat -json\n";
        format!("read_verilog {top}.v\n{family}{reports}write_json {top}.json\n")
    }

    /// All names.
    pub fn names() -> String {
        DEVICES.map(|(name, _)| name).join(", ")
    }

    /// What a netlist takes of the device before it is packed, from what Yosys says of the top module (`stat -json`).
    ///
    /// # Errors
    /// Text of something else.
    pub fn used(&self, statistics: &[u8], top: &str) -> Result<Vec<Used>> {
        let wrong = || "error[build]: stat.json is no report of Yosys; try: the version that doctor names";
        let all: NetlistReport = serde_json::from_slice(statistics).with_context(wrong)?;
        let top = all.modules.get(&format!("\\{top}")).with_context(wrong)?;
        let kinds = match self.family {
            Family::Ecp5(_) => ECP5_KINDS,
            Family::Xilinx7 => XILINX7_KINDS,
        };
        let of = |((kind, cells), available): (CellKind, u64)| {
            let used = cells.iter().map(|(cell, each)| top.num_cells_by_type.get(*cell).unwrap_or(&0) * each);
            Used { kind: kind.to_owned(), used: used.sum(), available }
        };
        Ok(kinds.into_iter().zip(self.available).map(of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form of Yosys 0.23, cut down by hand.
    #[test]
    fn cells_are_counted_by_what_they_take() {
        let text = br#"{"creator": "Yosys", "modules": {"\\top": {"num_wires": 3, "num_cells_by_type": {
            "LUT6": 10, "LUT2": 5, "RAM32M": 2, "FDRE": 7, "FDSE": 1, "RAMB36E1": 3, "RAMB18E1": 1, "CARRY4": 9}}},
            "design": {"num_cells_by_type": {"LUT6": 10}}}"#;
        let artix = Device::find("XC7A35T").unwrap();
        let used = artix.used(text, "top").unwrap();
        let counts: Vec<(&str, u64)> = used.iter().map(|one| (one.kind.as_str(), one.used)).collect();
        assert_eq!(counts, [("LUT6", 23), ("flip-flop", 8), ("RAMB18E1", 7), ("DSP48E1", 0)]);
        assert_eq!(used[0].available, 20_800);
        assert!(artix.used(text, "other").is_err() && artix.used(b"{}", "top").is_err());
        assert_eq!(Device::find("LFE5U-12F").unwrap().family, Family::Ecp5("--12k"));
        assert_eq!(Device::find("XC7A36T"), None);
    }
}
