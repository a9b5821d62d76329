//! What nextpnr reports, or of a netlist alone Yosys: cells against the device, clocks against what is wanted, the slowest
//! path.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Cells of a kind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Used {
    /// The kind, as the tool that counts calls it.
    pub kind: String,
    /// How many are used.
    pub used: u64,
    /// How many the device has.
    pub available: u64,
}

/// A clock.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Clock {
    /// Its net.
    pub name: String,
    /// What the routed design reaches, in megahertz.
    pub reached_mhz: f64,
    /// What it has to.
    pub wanted_mhz: f64,
}

/// The slowest path of a clock.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CriticalPath {
    /// Edge that it starts at.
    pub clock: String,
    /// Cell that it starts in, by our own names.
    pub from: String,
    /// And ends in.
    pub to: String,
    /// Nanoseconds in cells.
    pub logic_ns: f64,
    /// Nanoseconds on wires.
    pub routing_ns: f64,
}

/// What nextpnr reports.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RouteReport {
    /// Cells that are used at all.
    pub cells: Vec<Used>,
    /// Clocks.
    pub clocks: Vec<Clock>,
    /// The slowest path of each clock, within it.
    pub paths: Vec<CriticalPath>,
}

#[derive(Deserialize)]
struct Raw {
    utilization: BTreeMap<String, RawUsed>,
    fmax: BTreeMap<String, RawClock>,
    critical_paths: Vec<RawPath>,
}

#[derive(Deserialize)]
struct RawUsed {
    used: u64,
    available: u64,
}

#[derive(Deserialize)]
struct RawClock {
    achieved: f64,
    constraint: f64,
}

#[derive(Deserialize)]
struct RawPath {
    from: String,
    to: String,
    path: Vec<RawStep>,
}

#[derive(Deserialize)]
struct RawStep {
    delay: f64,
    #[serde(rename = "type")]
    kind: String,
    from: RawEnd,
    to: RawEnd,
}

#[derive(Deserialize)]
struct RawEnd {
    cell: String,
}

impl RouteReport {
    /// From nextpnr's `--report` file.
    ///
    /// # Errors
    /// Text of something else.
    pub fn parse(bytes: &[u8]) -> Result<RouteReport> {
        let raw: Raw = serde_json::from_slice(bytes).context(
            "error[build]: report.json is no report of nextpnr; try: the version that doctor names",
        )?;
        let cells = raw.utilization.into_iter().filter(|(_, cells)| cells.used > 0);
        let cells = cells.map(|(kind, RawUsed { used, available })| Used { kind, used, available }).collect();
        let clock = |(name, RawClock { achieved, constraint }): (String, RawClock)| Clock {
            name: name.trim_start_matches("$glbnet$").to_owned(),
            reached_mhz: achieved,
            wanted_mhz: constraint,
        };
        let clocks = raw.fmax.into_iter().map(clock).collect();
        let path = |path: &RawPath| {
            let sum = |routing: bool| {
                let steps = path.path.iter().filter(|step| (step.kind == "routing") == routing);
                steps.map(|step| step.delay).sum()
            };
            Some(CriticalPath {
                clock: path.from.trim_start_matches("posedge ").trim_start_matches("$glbnet$").to_owned(),
                from: path.path.first()?.from.cell.clone(),
                to: path.path.last()?.to.cell.clone(),
                logic_ns: sum(false),
                routing_ns: sum(true),
            })
        };
        let within = raw.critical_paths.iter().filter(|path| path.from == path.to);
        Ok(RouteReport { cells, clocks, paths: within.filter_map(path).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form of nextpnr 0.11, cut down by hand.
    #[test]
    fn reads_what_nextpnr_writes() {
        let text = br#"{
            "critical_paths": [
                {"from": "posedge $glbnet$machine_clock", "to": "posedge $glbnet$machine_clock", "path": [
                    {"delay": 0.5, "from": {"cell": "core.a", "loc": [1, 2], "port": "CLK"},
                     "to": {"cell": "core.a", "loc": [1, 2], "port": "Q"}, "type": "clk-to-q"},
                    {"delay": 2.25, "from": {"cell": "core.a", "loc": [1, 2], "port": "Q"}, "net": "x",
                     "to": {"cell": "core.b", "loc": [3, 4], "port": "DI"}, "type": "routing"},
                    {"delay": 0.25, "from": {"cell": "core.b", "loc": [3, 4], "port": "DI"},
                     "to": {"cell": "core.b", "loc": [3, 4], "port": "DI"}, "type": "setup"}]},
                {"from": "<async>", "to": "posedge $glbnet$machine_clock", "path": []}],
            "fmax": {"$glbnet$machine_clock": {"achieved": 98.5, "constraint": 100.0}},
            "utilization": {"DP16KD": {"available": 56, "used": 50}, "DCSC": {"available": 2, "used": 0}}
        }"#;
        let report = RouteReport::parse(text).unwrap();
        assert_eq!(report.cells, [Used { kind: "DP16KD".into(), used: 50, available: 56 }]);
        let clock = Clock { name: "machine_clock".into(), reached_mhz: 98.5, wanted_mhz: 100.0 };
        assert_eq!(report.clocks, [clock]);
        assert_eq!(report.paths.len(), 1);
        let path = &report.paths[0];
        assert_eq!((path.from.as_str(), path.to.as_str()), ("core.a", "core.b"));
        assert_eq!((path.logic_ns, path.routing_ns), (0.75, 2.25));
        assert!(RouteReport::parse(b"{}").is_err());
    }
}
