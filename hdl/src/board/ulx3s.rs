//! The top of a ULX3S: module `ulx3s`, whose ports are those of `constraints/ulx3s-85f/pins.lpf`.

use super::{Options, sdram_core};
use crate::technology::Pll;
use crate::{Error, emit};
use tilewright_arch::Config;

const TOP: &str = include_str!("ulx3s.v");
/// The phase of the SDRAM's clock. It samples commands two thirds of a cycle after they change, and words come back
/// about a quarter of a cycle before they are taken (`docs/boards.md`).
const PHASE: u32 = 240;

/// The Verilog of a ULX3S whose oscillator has `clock_mhz`; the top module `ulx3s` is the last.
///
/// # Errors
/// A machine that is not valid or has no SDRAM; a clock that the PLL cannot make.
pub fn ulx3s(config: &Config, clock_mhz: f64, options: &Options) -> Result<String, Error> {
    let core = sdram_core(config, options)?;
    let wanted = f64::from(options.clock_hz) / 1e6;
    let pll = Pll::new(clock_mhz, wanted, PHASE).ok_or(Error::Clock { from: clock_mhz, to: wanted })?;
    let holes = [
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
    let top =
        holes.iter().fold(TOP.to_owned(), |text, (name, value)| text.replace(&format!("/*{name}*/"), value));
    Ok(crate::head(config) + &emit::emit(&core)? + &top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const BOARD: &str = include_str!("../../../constraints/ulx3s-25f/board.toml");
    const MACHINE: &str = include_str!("../../../constraints/ulx3s-25f/machine.toml");
    const PINS: &str = include_str!("../../../constraints/ulx3s-85f/pins.lpf");

    /// The machine of the small board, put together as text.
    fn config() -> Config {
        let port = BOARD.split("[memory.port]").nth(1).expect("the board's memory has a port");
        let memory = format!("[memory]{}", port.replace("memory.port.", "memory."));
        let config =
            Config::from_toml(&format!("technology = \"ecp5\"\n{MACHINE}\n{memory}")).expect("a machine");
        config.validate().expect("a legal machine");
        config
    }

    fn options() -> Options {
        Options { clock_hz: 100_000_000, divider: 33, memory_bytes: 1 << 25, timeout_cycles: 1 << 24 }
    }

    /// Every port has its pin, with a standard, and every pin its port.
    #[test]
    fn ports_are_pins() {
        let verilog = ulx3s(&config(), 25.0, &options()).expect("a board");
        let ports =
            verilog.split("module ulx3s (").nth(1).and_then(|rest| rest.split(");").next()).expect("ports");
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
            let lines = PINS.lines().filter(|line| line.starts_with(start));
            lines.filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect()
        };
        for start in ["LOCATE COMP", "IOBUF PORT"] {
            let pins = named(start);
            assert_eq!(pins.iter().cloned().collect::<BTreeSet<_>>(), bits, "{start}");
            assert_eq!(pins.len(), bits.len(), "{start}: twice");
        }
        let sites: Vec<&str> = PINS.lines().filter_map(|line| line.split("SITE \"").nth(1)).collect();
        assert_eq!(sites.iter().collect::<BTreeSet<_>>().len(), sites.len(), "one site, two pins");
    }
}
