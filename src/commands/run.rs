//! `tilewright run`: an artefact on a board, or on the simulated Verilog of one.

use super::{grouped, written};
use crate::output::{self, note, say};
use crate::progress::{counted, during};
use anyhow::Result;
use ndarray::ArrayD;
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tilewright::artefact::{Artefact, Golden};
use tilewright::host::{self, Frame, Loaded, Pipes, Session};
use tilewright::proof;
use tilewright_compiler::npy;

/// What is wanted of a run.
pub struct RunOptions<'a> {
    /// Whether it is compared with the simulator.
    pub check: bool,
    /// Where outputs go.
    pub out: Option<&'a Path>,
    /// One JSON object instead of text.
    pub json: bool,
}

/// A serial port with a board at it.
pub struct SerialPort<'a> {
    /// Its name among the files.
    pub path: &'a Path,
    /// Bits a second.
    pub baud: u32,
    /// How long an answer is waited for.
    pub patience: Duration,
}

/// Runs all samples; false when a check finds a difference. Without a `port` the board is simulated.
pub fn run(path: &Path, port: Option<&SerialPort>, input: Option<&Path>, asked: &RunOptions) -> Result<bool> {
    asked.out.map_or(Ok(()), written::may_write)?;
    let artefact = during("reading the artefact", || Artefact::read(path))?;
    let samples = artefact.inputs(input)?;
    let link = match port {
        Some(port) => host::serial(port.path, port.baud)?.patient(port.patience),
        None => {
            let bytes = artefact.compiled.memory_map().1;
            let board =
                during("building the simulated board", || host::simulated(&artefact.compiled.config, bytes))?;
            host::switch_on(&board)?
        }
    };
    let mut session = Session::open(link, &artefact.compiled)?;
    if asked.check && !session.is_exact() {
        note!(
            "warning: the board's memory has another timing than the artefact's machine: cycles are not compared"
        );
    }
    let loaded = during("loading", || session.load())?;
    let (frames, differences) = frames(&mut session, &artefact, &samples, asked)?;
    if let Some(out) = asked.out {
        written::write(out, "run", &files(&frames))?;
    }
    let simulated = port.is_none();
    if asked.json {
        let mut object = object(&session, &loaded, &frames, asked, &differences, simulated);
        object["model"] = json!(path.display().to_string());
        object["machine"] = json!(artefact.compiled.config.name);
        output::json(&object)?;
    } else {
        print(&mut session, &loaded, &frames, asked, &differences, simulated)?;
    }
    Ok(differences.is_empty())
}

/// Runs the samples in turn, and compares each with the simulator where that is asked for.
fn frames(
    session: &mut Session<Pipes>,
    artefact: &Artefact,
    samples: &[Vec<ArrayD<f32>>],
    asked: &RunOptions,
) -> Result<(Vec<Frame>, Vec<String>)> {
    let exact = session.is_exact();
    counted("running", |watch| {
        let (mut frames, mut differences) = (vec![], vec![]);
        for (n, inputs) in samples.iter().enumerate() {
            let frame = session.run(inputs, &artefact.golden.stages)?;
            if asked.check {
                let mut want = Golden::new(inputs.clone(), proof::simulate(&artefact.compiled, inputs)?);
                let stages: Vec<_> = frame.stages.iter().map(|ran| ran.bytes.clone()).collect();
                if !exact {
                    let cycles = want.stages.iter_mut().zip(&stages);
                    cycles.for_each(|(want, got)| want.cycles = got.cycles);
                }
                let got = Golden { inputs: inputs.clone(), outputs: frame.outputs.clone(), stages };
                differences.extend(want.difference(&got).map(|what| format!("sample {n}: {what}")));
            }
            frames.push(frame);
            watch(n + 1, samples.len());
        }
        Ok((frames, differences))
    })
}

fn files(frames: &[Frame]) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![];
    for (sample, frame) in frames.iter().enumerate() {
        let prefix = if frames.len() > 1 { format!("sample_{sample}_") } else { String::new() };
        for (n, output) in frame.outputs.iter().enumerate() {
            let values: Vec<f32> = output.iter().copied().collect();
            files.push((format!("{prefix}output_{n}.npy"), npy::npy_f32(output.shape(), &values)));
        }
    }
    files
}

/// Seconds that a machine takes for the cycles of a frame, and seconds from its inputs to its outputs, on average.
fn seconds(session: &Session<Pipes>, frames: &[Frame]) -> (f64, f64) {
    let count = frames.len().max(1) as f64;
    let cycles: u64 = frames.iter().map(Frame::cycles).sum();
    let machine = cycles as f64 / count / f64::from(session.identity().clock_hz);
    (machine, frames.iter().map(|frame| frame.seconds).sum::<f64>() / count)
}

fn object(
    session: &Session<Pipes>,
    loaded: &Loaded,
    frames: &[Frame],
    asked: &RunOptions,
    differences: &[String],
    simulated: bool,
) -> serde_json::Value {
    let (machine, whole) = seconds(session, frames);
    json!({
        "simulated": simulated,
        "samples": frames.len(),
        "cycles": frames.iter().map(Frame::cycles).collect::<Vec<_>>(),
        "clock_hz": session.identity().clock_hz,
        "loaded_bytes": loaded.bytes,
        "load_seconds": loaded.seconds,
        "machine_seconds": machine,
        "frame_seconds": whole,
        "cycles_are_exact": session.is_exact(),
        "checked": asked.check,
        "differences": differences,
    })
}

fn print(
    session: &mut Session<Pipes>,
    loaded: &Loaded,
    frames: &[Frame],
    asked: &RunOptions,
    differences: &[String],
    simulated: bool,
) -> Result<()> {
    let (machine, whole) = seconds(session, frames);
    let clock = f64::from(session.identity().clock_hz) / 1e6;
    let cycles: Vec<u64> = frames.iter().map(Frame::cycles).collect();
    let (least, most) = (cycles.iter().min().unwrap_or(&0), cycles.iter().max().unwrap_or(&0));
    let range =
        if least == most { grouped(*most) } else { format!("{} to {}", grouped(*least), grouped(*most)) };
    say!("samples        {}", frames.len())?;
    say!("cycles         {range} a sample")?;
    say!(
        "machine        {:.3} ms a sample at {clock} MHz, {:.1} frames a second",
        1e3 * machine,
        1.0 / machine
    )?;
    let what = if simulated { " (of the computer that simulates the board)" } else { "" };
    say!("loading        {} bytes in {:.3} s{what}", grouped(loaded.bytes), loaded.seconds)?;
    say!(
        "end to end     {:.3} ms a sample over the link{what}, {:.1} frames a second",
        1e3 * whole,
        1.0 / whole
    )?;
    let again = session.link().sent_again();
    if again > 0 {
        say!("line           {again} requests were sent again")?;
    }
    if asked.check {
        let what = if session.is_exact() { "bytes, outputs and cycles" } else { "bytes and outputs" };
        match differences {
            [] => say!("check          {what} are the simulator's")?,
            _ => say!("check          {} SAMPLES DIFFER", differences.len())?,
        }
        differences.iter().try_for_each(|difference| say!("  {difference}"))?;
    }
    Ok(())
}
