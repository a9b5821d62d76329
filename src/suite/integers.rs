//! The integers of a run, layer by layer: as they are stored, and where two runs differ first.

use crate::artefact::{self, Layer};
use crate::pipeline::Compiled;
use anyhow::{Context, Result};
use ndarray::ArrayD;
use std::collections::BTreeMap;
use tilewright_compiler::error::Error;
use tilewright_compiler::network::Stage;
use tilewright_compiler::npy::{self, ArrayData};
use tilewright_compiler::reference;

/// Bytes of all layers of a sample up to which they are kept; of larger networks the stages' outputs are.
const MOST_BYTES: usize = 16 << 20;

/// Tensors by sample, stage and number in the stage's graph.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Integers(BTreeMap<(usize, usize, usize), Vec<i8>>);

impl Integers {
    /// Runs a sample in the integer reference and keeps what it makes.
    pub fn add(&mut self, compiled: &Compiled, sample: usize, inputs: &[ArrayD<f32>]) -> Result<()> {
        let network = &compiled.network;
        let bytes: usize = network.machine().flat_map(|g| &g.tensors).map(|t| t.elements()).sum();
        let all = bytes <= MOST_BYTES && sample == 0;
        network.run(inputs, |stage, graph, inputs| -> std::result::Result<_, Error> {
            let tensors = reference::run(graph, &inputs);
            let made = |id: usize| {
                let outputs = || graph.outputs.iter().any(|(output, _)| output.0 as usize == id);
                let written = || graph.nodes.iter().any(|node| node.output.tensor.0 as usize == id);
                outputs() || all && written()
            };
            for (id, tensor) in tensors.iter().enumerate().filter(|(id, _)| made(*id)) {
                self.0.insert((sample, stage, id), tensor.clone());
            }
            Ok(graph.outputs.iter().map(|(id, _)| tensors[id.0 as usize].clone()).collect())
        })?;
        Ok(())
    }

    pub fn to_npz(&self) -> Vec<u8> {
        let array = |(&(sample, stage, tensor), list): (&(usize, usize, usize), &Vec<i8>)| {
            let bytes: Vec<u8> = list.iter().map(|&byte| byte as u8).collect();
            (format!("sample{sample}_stage{stage}_tensor{tensor}"), npy::npy_u8(&[bytes.len()], &bytes))
        };
        npy::npz(self.0.iter().map(array).collect())
    }

    pub fn from_npz(bytes: &[u8]) -> Result<Integers> {
        let mut all = BTreeMap::new();
        for (name, array) in npy::parse_npz(bytes)? {
            let wrong = || format!("array {name:?} is none of a suite's integers; try: --bless");
            let number = |word: Option<&str>, prefix: &str| -> Option<usize> {
                word?.strip_prefix(prefix)?.parse().ok()
            };
            let mut words = name.split('_');
            let key = number(words.next(), "sample").zip(number(words.next(), "stage"));
            let ((sample, stage), tensor) = key.zip(number(words.next(), "tensor")).with_context(wrong)?;
            let ArrayData::U8(bytes) = &array.data else { anyhow::bail!(wrong()) };
            all.insert((sample, stage, tensor), bytes.iter().map(|&byte| byte as i8).collect());
        }
        Ok(Integers(all))
    }

    /// Where `now` differs from these first, in the order in which layers run; nothing where they are equal.
    pub fn difference(&self, now: &Integers, compiled: &Compiled, layers: &[Layer]) -> Option<String> {
        if self == now {
            return None;
        }
        let tables = artefact::tables(compiled);
        let samples = now.0.keys().map(|key| key.0).max().map_or(0, |last| last + 1);
        for sample in 0..samples {
            for (stage, running) in compiled.network.stages.iter().enumerate() {
                let Stage::Machine { graph, .. } = running else { continue };
                for (n, node) in graph.nodes.iter().enumerate() {
                    let id = node.output.tensor.0 as usize;
                    let key = (sample, stage, id);
                    let (Some(now), before) = (now.0.get(&key), self.0.get(&key)) else { continue };
                    let Some(before) = before.filter(|before| before.len() == now.len()) else {
                        return Some(format!(
                            "sample {sample}: layer {:?} ({}) has another shape, or is new; try: --bless if it should",
                            node.name, node.operator
                        ));
                    };
                    let Some(place) = (0..now.len()).find(|&i| now[i] != before[i]) else { continue };
                    let [_, rows, columns] = graph.tensor(node.output.tensor).shape;
                    let (plane, row, column) =
                        (place / (rows * columns), place / columns % rows, place % columns);
                    let rows = &tables[stage][n];
                    let differ = now.iter().zip(before).filter(|(a, b)| a != b).count();
                    return Some(format!(
                        "sample {sample}, stage {stage}: first in layer {}{:?} ({}){}: plane {plane}, row {row}, \
                         column {column} is {}, was {}; {differ} of {} bytes of it differ",
                        layer_ids(layers, stage, rows),
                        node.name,
                        node.operator,
                        cycle(compiled, stage, rows),
                        now[place],
                        before[place],
                        now.len()
                    ));
                }
            }
        }
        Some("there are fewer samples or layers than were recorded; try: --bless if that is meant".to_owned())
    }
}

/// The ids of the layers that rows of a program's layer table are part of: mostly one.
fn layer_ids(layers: &[Layer], stage: usize, rows: &[usize]) -> String {
    let own = |layer: &&Layer| layer.programs.iter().any(|(s, row)| *s == stage && rows.contains(row));
    layers.iter().filter(own).map(|layer| format!("{}, ", layer.id)).collect()
}

/// When the last instruction of the rows is done.
fn cycle(compiled: &Compiled, stage: usize, rows: &[usize]) -> String {
    let schedule = compiled.schedules.get(stage).and_then(Option::as_ref);
    let report = schedule.and_then(|s| tilewright_timing::time(&s.program, false).ok());
    let done =
        report.iter().flat_map(|report| rows.iter().filter_map(|&row| report.layers.get(row)?.last_done));
    done.max().map_or(String::new(), |cycle| format!(", done in cycle {cycle}"))
}
