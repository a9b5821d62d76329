//! A failing model cut down to a small one that still fails.

use crate::model::Model;
use anyhow::Result;
use ndarray::{ArrayD, Axis, stack};
use std::collections::BTreeSet;
use tilewright_compiler::graph::part::between;
use tilewright_compiler::graph::{Graph, ValueId};
use tilewright_compiler::{float, npy, relay, simplify};

/// Calibration samples of a reduced model, at most.
const SAMPLES: usize = 16;

/// A part of a model with what it needs to be run alone.
#[derive(Clone, Debug)]
pub struct Reduced {
    /// The part.
    pub model: Model,
    /// One array for each of its inputs: what the whole model has there.
    pub inputs: Vec<ArrayD<f32>>,
    /// The same of the calibration samples, at most 16.
    pub calibration: Vec<Vec<ArrayD<f32>>>,
}

/// The smallest part found that ends in one of `ends` (values of the simplified graph, tried in turn) and
/// still `fails`: the last nodes first, then twice as far back each time, then all that the end depends on.
/// `None` when no part alone does.
///
/// # Errors
/// Inputs that do not fit the model.
pub fn reduce(
    model: &Model,
    inputs: &[ArrayD<f32>],
    calibration: &[Vec<ArrayD<f32>>],
    ends: &[ValueId],
    fails: &dyn Fn(&Reduced) -> bool,
) -> Result<Option<Reduced>> {
    let graph = &model.graph;
    let calibration = &calibration[..calibration.len().min(SAMPLES)];
    let mut depth = 0;
    loop {
        let mut whole = true;
        for &end in ends {
            let cut = cut(graph, end, depth);
            whole &= cut.iter().all(|id| graph.inputs.contains(id));
            let there = |sample: &[ArrayD<f32>]| -> Result<Vec<ArrayD<f32>>> {
                let values = float::run_all(graph, sample)?;
                Ok(cut.iter().map(|id| values[id.0 as usize].clone()).collect())
            };
            let imported = between(graph, &cut, &[end]);
            // What cannot be simplified alone is no smaller case of this failure.
            let Ok(simple) = simplify::run(imported.clone()) else { continue };
            let part = Reduced {
                model: Model { path: model.path.clone(), imported, graph: simple, warnings: vec![] },
                inputs: there(inputs)?,
                calibration: calibration.iter().map(|sample| there(sample)).collect::<Result<_>>()?,
            };
            if fails(&part) {
                return Ok(Some(part));
            }
        }
        if whole {
            return Ok(None);
        }
        depth = (2 * depth).max(1);
    }
}

/// The values read by what lies up to `depth` nodes before the maker of `end`; graph inputs where that
/// reaches them.
fn cut(graph: &Graph, end: ValueId, depth: usize) -> Vec<ValueId> {
    let mut inside: BTreeSet<ValueId> = [end].into();
    let mut border = inside.clone();
    let read = |id: &ValueId| graph.producer(*id).map_or(&[][..], |(_, node)| &node.inputs);
    for _ in 0..depth {
        border = border.iter().flat_map(read).copied().filter(|id| inside.insert(*id)).collect();
    }
    let made = |id: &ValueId| graph.producer(*id).is_some();
    let outside = |id: &ValueId| graph.constant_data(*id).is_none() && !(inside.contains(id) && made(id));
    // A value that is read inside and outside of the distance is cut once.
    let cut: BTreeSet<ValueId> =
        inside.iter().flat_map(read).chain(inside.iter()).copied().filter(outside).collect();
    cut.into_iter().collect()
}

impl Reduced {
    /// Files that every command reads again: `model.relay`, `input_0.npz`, `calib.npz`.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let graph = &self.model.imported;
        let named = |arrays: Vec<ArrayD<f32>>| {
            let one = |(id, array): (&ValueId, ArrayD<f32>)| {
                let data: Vec<f32> = array.iter().copied().collect();
                (graph.value(*id).name.clone(), npy::npy_f32(array.shape(), &data))
            };
            npy::npz(graph.inputs.iter().zip(arrays).map(one).collect())
        };
        let all = |input: usize| {
            let samples: Vec<_> = self.calibration.iter().map(|sample| sample[input].view()).collect();
            stack(Axis(0), &samples).expect("samples have the shape of their input")
        };
        let mut files = vec![
            ("model.relay".to_string(), relay::print(graph, relay::Data::Full).into_bytes()),
            ("input_0.npz".to_string(), named(self.inputs.clone())),
        ];
        // A model that is quantised already needs no samples.
        if !self.calibration.is_empty() {
            files.push(("calib.npz".to_string(), named((0..graph.inputs.len()).map(all).collect())));
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::IxDyn;
    use std::path::PathBuf;
    use tilewright_compiler::graph::{Op, UnaryKind};

    /// `abs(x), sigmoid, tanh, + abs(x)`: four nodes in a row, the first read twice.
    fn model() -> Model {
        let mut graph = Graph::new("chain");
        let x = graph.input("x", &[1, 2]).unwrap();
        let unary =
            |graph: &mut Graph, name: &str, kind, x| graph.node(name, Op::Unary { kind }, &[x]).unwrap();
        let a = unary(&mut graph, "abs", UnaryKind::Abs, x);
        let b = unary(&mut graph, "sigmoid", UnaryKind::Sigmoid, a);
        let c = unary(&mut graph, "tanh", UnaryKind::Tanh, b);
        let d = graph.node("add", Op::Add, &[c, a]).unwrap();
        graph.outputs.push(d);
        Model { path: PathBuf::from("chain"), imported: graph.clone(), graph, warnings: vec![] }
    }

    fn sample(x: [f32; 2]) -> Vec<ArrayD<f32>> {
        vec![ArrayD::from_shape_vec(IxDyn(&[1, 2]), x.to_vec()).unwrap()]
    }

    fn reduced(fails: &dyn Fn(&Reduced) -> bool) -> Option<Reduced> {
        let model = model();
        let ends = model.graph.outputs.clone();
        let calibration = [sample([0.5, -1.0]), sample([2.0, 0.25])];
        reduce(&model, &sample([-0.5, 1.0]), &calibration, &ends, fails).unwrap()
    }

    fn has(part: &Reduced, name: &str) -> bool {
        part.model.imported.nodes.iter().any(|node| node.name == name)
    }

    #[test]
    fn the_least_part_that_fails_is_found() {
        let last = reduced(&|part| has(part, "add")).unwrap();
        assert_eq!((last.model.imported.nodes.len(), last.inputs.len()), (1, 2));
        let two = reduced(&|part| has(part, "tanh")).unwrap();
        let names: Vec<&str> = two.model.imported.nodes.iter().map(|n| n.name.as_str()).collect();
        assert!(names.contains(&"tanh") && names.contains(&"add"), "{names:?}");
        assert!(reduced(&|part| has(part, "sigmoid")).is_some());
        assert!(reduced(&|_| false).is_none());
    }

    /// Inputs and samples of a part are the values that the whole has there.
    #[test]
    fn a_part_computes_what_the_whole_computes() {
        for name in ["add", "tanh", "sigmoid", "abs"] {
            let part = reduced(&|part| has(part, name)).unwrap();
            let got = float::run(&part.model.imported, &part.inputs).unwrap();
            assert_eq!(got, float::run(&model().graph, &sample([-0.5, 1.0])).unwrap(), "{name}");
            let samples = [[0.5, -1.0], [2.0, 0.25]].map(sample);
            for (own, whole) in part.calibration.iter().zip(&samples) {
                let got = float::run(&part.model.imported, own).unwrap();
                assert_eq!(got, float::run(&model().graph, whole).unwrap(), "{name}");
            }
        }
    }

    #[test]
    fn the_files_read_back() {
        let part = reduced(&|part| has(part, "tanh")).unwrap();
        let folder = std::env::temp_dir().join(format!("tilewright-reduce-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in part.files() {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        let model = Model::read(&folder).unwrap();
        let inputs = crate::model::samples(&model.graph, &folder.join("input_0.npz")).unwrap().remove(0);
        assert_eq!(model.calibration(None).unwrap(), part.calibration);
        assert_eq!(inputs, part.inputs);
        let want = float::run(&part.model.imported, &part.inputs).unwrap();
        assert_eq!(float::run(&model.imported, &inputs).unwrap(), want);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
