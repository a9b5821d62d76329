//! The tops of boards: modules whose ports are those of the boards' pins, around module `sdram_board`, or the machine with
//! AXI ports for a block design of the maker's program.

use super::{Options, sdram_core};
use crate::technology::Pll;
use crate::{Error, axi_lite, emit, generate_axi_lite};
use serde::Deserialize;
use tilewright_arch::Config;

const BOARD: &str = include_str!("sdram_board.v");
const CREATE_IP: &str = include_str!("create_ip.tcl");
/// The phase of the SDRAM's clock. It samples commands two thirds of a cycle after they change, and words come back
/// about a quarter of a cycle before they are taken (`docs/boards.md`).
const PHASE: u32 = 240;

/// A board that has a top.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Top {
    /// The ULX3S.
    Ulx3s,
    /// The Colorlight i5.
    ColorlightI5,
    /// The Colorlight i9: the i5's circuit with a larger chip and its light elsewhere.
    ColorlightI9,
    /// The machine alone, both ports AXI, for boards whose memory and host other circuits serve.
    Axi,
}

impl Top {
    /// All of them.
    pub const ALL: [Top; 4] = [Top::Ulx3s, Top::ColorlightI5, Top::ColorlightI9, Top::Axi];

    /// Name of the module, and of its files.
    pub fn name(self) -> &'static str {
        match self {
            Top::Ulx3s => "ulx3s",
            Top::ColorlightI5 => "colorlight_i5",
            Top::ColorlightI9 => "colorlight_i9",
            Top::Axi => axi_lite::TOP,
        }
    }

    /// Whether a host is connected by a serial line.
    pub fn has_link(self) -> bool {
        self != Top::Axi
    }

    /// A script that packages the top for the program of the FPGA's maker: name of its file, and text. `part` is the
    /// FPGA as that program names it. None where open tools need none.
    pub fn script(self, config: &Config, part: &str) -> Option<(&'static str, String)> {
        (self == Top::Axi).then(|| {
            let text = CREATE_IP.replace("/*PART*/", part).replace("/*TOP*/", self.name());
            ("create_ip.tcl", text.replace("/*MACHINE*/", &config.name))
        })
    }

    /// The Verilog of a board whose oscillator has `clock_mhz`; its top module is the last.
    ///
    /// # Errors
    /// A machine that is not valid or has no SDRAM; a clock that the PLL cannot make.
    pub fn verilog(self, config: &Config, clock_mhz: f64, options: &Options) -> Result<String, Error> {
        let text = match self {
            Top::Ulx3s => include_str!("ulx3s.v"),
            Top::ColorlightI5 | Top::ColorlightI9 => include_str!("colorlight.v"),
            Top::Axi => return generate_axi_lite(config),
        };
        let core = sdram_core(config, options)?;
        let wanted = f64::from(options.clock_hz) / 1e6;
        let pll = Pll::new(clock_mhz, wanted, PHASE).ok_or(Error::Clock { from: clock_mhz, to: wanted })?;
        let holes = [
            ("TOP", self.name().to_owned()),
            ("IN_MHZ", clock_mhz.to_string()),
            ("OUT_MHZ", wanted.to_string()),
            ("PHASE", PHASE.to_string()),
            ("CLKI_DIV", pll.input_divider.to_string()),
            ("CLKFB_DIV", pll.feedback_divider.to_string()),
            ("CLKOP_DIV", pll.output_divider.to_string()),
            ("CLKOP_CPHASE", pll.coarse_phase.to_string()),
            ("CLKOS_CPHASE", pll.second_coarse_phase.to_string()),
            ("CLKOS_FPHASE", pll.second_fine_phase.to_string()),
        ];
        let fill = |text: String, (name, value): &(&str, String)| text.replace(&format!("/*{name}*/"), value);
        let board = holes.iter().fold(BOARD.to_owned() + text, fill);
        Ok(crate::head(config) + &emit::emit(&core)? + &board)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A top with `board.toml`, `machine.toml` and `pins.lpf` of a board that has it.
    const BOARDS: [(Top, [&str; 3]); 3] = [
        (
            Top::Ulx3s,
            [
                include_str!("../../../constraints/ulx3s-25f/board.toml"),
                include_str!("../../../constraints/ulx3s-25f/machine.toml"),
                include_str!("../../../constraints/ulx3s-85f/pins.lpf"),
            ],
        ),
        (
            Top::ColorlightI5,
            [
                include_str!("../../../constraints/colorlight-i5/board.toml"),
                include_str!("../../../constraints/colorlight-i5/machine.toml"),
                include_str!("../../../constraints/colorlight-i5/pins.lpf"),
            ],
        ),
        (
            Top::ColorlightI9,
            [
                include_str!("../../../constraints/colorlight-i9/board.toml"),
                include_str!("../../../constraints/colorlight-i9/machine.toml"),
                include_str!("../../../constraints/colorlight-i9/pins.lpf"),
            ],
        ),
    ];

    /// The machine of a board, put together as text.
    fn config(board: &str, machine: &str) -> Config {
        let port = board.split("[memory.port]").nth(1).expect("the board's memory has a port");
        let memory = format!("[memory]{}", port.replace("memory.port.", "memory."));
        let config =
            Config::from_toml(&format!("technology = \"ecp5\"\n{machine}\n{memory}")).expect("a machine");
        config.validate().expect("a legal machine");
        config
    }

    fn options() -> Options {
        Options { clock_hz: 100_000_000, divider: 33, memory_bytes: 1 << 25, timeout_cycles: 1 << 24 }
    }

    /// Every port has its pin, with a standard, and every pin its port.
    #[test]
    fn ports_are_pins() {
        for (top, [board, machine, pins]) in BOARDS {
            let verilog = top.verilog(&config(board, machine), 25.0, &options()).expect("a board");
            let start = format!("module {} (", top.name());
            let ports = verilog.split(&start).nth(1).and_then(|rest| rest.split(");").next()).expect("ports");
            assert!(!verilog.contains("/*"), "a hole is left");
            compare(ports, pins);
        }
    }

    fn compare(ports: &str, pins: &str) {
        let mut bits = BTreeSet::new();
        for port in ports.split(',') {
            let words: Vec<&str> = port.split_whitespace().collect();
            let name = words[words.len() - 1];
            match words.iter().find_map(|word| word.strip_prefix('[')) {
                None => drop(bits.insert(name.to_owned())),
                Some(range) => {
                    let high: usize = range.split(':').next().and_then(|n| n.parse().ok()).expect("a range");
                    bits.extend((0..=high).map(|bit| format!("{name}[{bit}]")));
                }
            }
        }
        let named = |start: &str| -> Vec<String> {
            let lines = pins.lines().filter(|line| line.starts_with(start));
            lines.filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect()
        };
        for start in ["LOCATE COMP", "IOBUF PORT"] {
            let all = named(start);
            assert_eq!(all.iter().cloned().collect::<BTreeSet<_>>(), bits, "{start}");
            assert_eq!(all.len(), bits.len(), "{start}: twice");
        }
        let sites: Vec<&str> = pins.lines().filter_map(|line| line.split("SITE \"").nth(1)).collect();
        assert_eq!(sites.iter().collect::<BTreeSet<_>>().len(), sites.len(), "one site, two pins");
    }
}
