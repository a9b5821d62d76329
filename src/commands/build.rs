//! `tilewright build`, `flash` and `doctor`: a board's bitstream and the programs that make it.

use crate::output::{self, note, say};
use crate::progress::during;
use anyhow::{Result, bail};
use serde_json::json;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use tilewright::artefact::Artefact;
use tilewright::build::tools::{self, Found, LOADER};
use tilewright::build::{Built, Design};
use tilewright::targets;
use tilewright_hdl::board::Top;
use tilewright_hdl::cosim;

/// The loader that knows all boards, and the board that both loaders know.
const GENERAL: &str = "openFPGALoader";
const ULX3S: &str = "ulx3s";

/// How far a build goes, and what it lets pass.
pub struct Bounds {
    /// To the netlist.
    pub synthesis_only: bool,
    /// A bitstream that does not reach its clock.
    pub allow_slow: bool,
}

/// Builds the bitstream of a board, with the machine of an artefact or of the target.
pub fn run(
    artefact: Option<&Path>,
    target: &str,
    out: &Path,
    seeds: Range<u32>,
    Bounds { synthesis_only, allow_slow }: Bounds,
    json: bool,
) -> Result<bool> {
    let site = targets::site(target)?;
    let config = match artefact {
        Some(path) => during("reading the artefact", || Artefact::read(path))?.compiled.config,
        None => site.machine.clone(),
    };
    let design = during("generating Verilog", || Design::new(site, config))?;
    let told = |what: &str| note!("{what}");
    let all = match synthesis_only {
        true => vec![design.synthesise(out, told)?],
        false => design.build(out, &cosim::cache(), seeds, told)?,
    };
    let built = &all[0];
    let slow: Vec<String> = built
        .slow()
        .map(|clock| {
            format!("{} reaches {:.1} of {:.1} MHz", clock.name, clock.reached_mhz, clock.wanted_mhz)
        })
        .collect();
    let bitstream = out.join(design.bitstream());
    if !slow.is_empty() && !allow_slow {
        // Nobody is to load it by mistake.
        std::fs::remove_file(&bitstream).ok();
    }
    if json {
        let mut object = serde_json::to_value(built)?;
        object["slow"] = json!(slow);
        let seed = |one: &Built| json!({ "seed": one.seed, "clocks": one.report.clocks });
        object["seeds"] = json!(all.iter().map(seed).collect::<Vec<_>>());
        object["model"] = json!(artefact.map(|path| path.display().to_string()));
        object["machine"] = json!(design.config.name);
        output::json(&object)?;
    } else {
        print(built)?;
        if all.len() > 1 {
            let seed = |one: &Built| {
                let clocks = one.report.clocks.iter().map(|clock| format!("{:.1}", clock.reached_mhz));
                Some(format!("{}: {}", one.seed?, clocks.collect::<Vec<_>>().join(" and ")))
            };
            say!("seeds, in MHz  {}", all.iter().filter_map(seed).collect::<Vec<_>>().join(", "))?;
        }
    }
    if !slow.is_empty() && !allow_slow {
        bail!("error[build]: too slow: {}; try: other seeds (--seeds 8), or --allow-slow", slow.join(", "));
    }
    if !json {
        match &design.script {
            None if synthesis_only => {
                say!("written        {}", out.join(format!("{}.json", design.top)).display())?
            }
            None => say!("written        {}", bitstream.display())?,
            Some((script, _)) => say!(
                "no bitstream   no open tool places and routes for {}; {} goes on with its maker's",
                design.site.board.device,
                out.join(script).display()
            )?,
        }
    }
    Ok(true)
}

fn print(built: &Built) -> Result<()> {
    for used in &built.report.cells {
        let share = 100.0 * used.used as f64 / used.available.max(1) as f64;
        say!("{:<14} {:>6} of {:>6}, {share:.0} %", used.kind, used.used, used.available)?;
    }
    for clock in &built.report.clocks {
        say!("{:<14} {:.1} MHz, {:.1} wanted", clock.name, clock.reached_mhz, clock.wanted_mhz)?;
    }
    for path in &built.report.paths {
        let (logic, routing) = (path.logic_ns, path.routing_ns);
        say!("slowest path   {}: {logic:.1} ns in cells and {routing:.1} ns between them", path.clock)?;
        say!("               from {}", path.from)?;
        say!("               to   {}", path.to)?;
    }
    let [synthesis, route, pack] = built.seconds;
    let Some(bytes) = built.bitstream_bytes else {
        return say!("seconds        {synthesis:.0} to synthesise");
    };
    say!("bitstream      {bytes} bytes, key {}", built.key)?;
    say!("seconds        {synthesis:.0} to synthesise, {route:.0} to place and route, {pack:.0} to pack")
}

/// Loads a bitstream with whatever loader is there, or says how to.
pub fn flash(path: &Path, persist: bool) -> Result<bool> {
    let bitstream = if path.is_dir() { only_bitstream(path)? } else { path.to_path_buf() };
    if !bitstream.is_file() {
        bail!("error[flash]: {} is no file; try: a bitstream of build", bitstream.display());
    }
    let board = loaded_on(&bitstream);
    let of = |program: &str| -> Vec<String> {
        let options: &[&str] = match (program.contains(GENERAL), persist) {
            (true, false) => &["-b", &board],
            (true, true) => &["-b", &board, "-f"],
            (false, false) => &[],
            (false, true) => &["-j", "flash"],
        };
        let options = options.iter().map(|&option| option.to_owned());
        options.chain([bitstream.display().to_string()]).collect()
    };
    // The other one is of the ULX3S alone.
    let fits = |found: &Found| board == ULX3S || found.command[0].contains(GENERAL);
    let Some(found) = LOADER.find().filter(fits) else {
        bail!(
            "error[flash]: no program is there that loads bitstreams; try: {}, and then: openFPGALoader {}",
            LOADER.get,
            of(GENERAL).join(" ")
        );
    };
    let program = &found.command[0];
    let arguments = of(program);
    note!("{program} {}", arguments.join(" "));
    match Command::new(program).args(&arguments).status() {
        Ok(status) if status.success() => Ok(true),
        Ok(status) => {
            bail!("error[flash]: {program} failed ({status}); try: the board's cable, or its permissions")
        }
        Err(e) => bail!("error[flash]: {program} cannot be started: {e}; try: {}", LOADER.get),
    }
}

/// The board that a bitstream of `build` is for, as loaders name it: its top module's name. Of another name it is taken
/// for a ULX3S's.
fn loaded_on(bitstream: &Path) -> String {
    let name = bitstream.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
    let known = Top::ALL.iter().any(|top| top.name().replace('_', "-") == name);
    if known { name } else { ULX3S.to_owned() }
}

fn only_bitstream(folder: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "bit")).collect();
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => bail!("error[flash]: {} does not hold one bitstream; try: the file", folder.display()),
    }
}

/// Lists the programs around this one.
pub fn doctor(json: bool) -> Result<bool> {
    let all: Vec<_> = tools::ALL.iter().map(|tool| (tool, tool.find())).collect();
    if json {
        let object = |(tool, found): &(&tools::Tool, Option<tools::Found>)| {
            json!({
                "purpose": tool.purpose,
                "program": found.as_ref().map(|found| &found.command[0]),
                "version": found.as_ref().map(|found| &found.version),
                "get": tool.get,
            })
        };
        output::json(&json!({ "tools": all.iter().map(object).collect::<Vec<_>>() }))?;
        return Ok(true);
    }
    for (tool, found) in &all {
        let names: Vec<&str> = tool.ways.iter().map(|way| way.program).collect();
        match found {
            Some(found) => say!("found    {:<58} {}", tool.purpose, found.version)?,
            None => say!("missing  {:<58} {}: {}", tool.purpose, names.join(" or "), tool.get)?,
        }
    }
    Ok(true)
}
