//! That a network which was read from somewhere is one that the quantiser could have made.

use super::{Export, Network, Stage};
use crate::claims::{Location, Operation, RealWeights, StageNode};
use crate::error::{Error, Result};
use crate::fixed::{Tensor, TensorId, View};
use crate::graph::ValueId;
use std::collections::{BTreeMap, BTreeSet};

fn size(shape: &[usize]) -> usize {
    shape.iter().try_fold(1usize, |n, &e| n.checked_mul(e)).unwrap_or(usize::MAX)
}

/// Whether a view is of a tensor with these extents.
fn view_fits<T: Copy>(v: &View<T>, extents: [usize; 3]) -> bool {
    let axes = v.axes.iter().all(|&axis| axis < 3) && !v.shape.contains(&0);
    axes && {
        let last = (0..3).try_fold(v.origin, |mut at, i| {
            let step = v.step[i].checked_mul(v.shape[i] - 1)?;
            at[v.axes[i]] = at[v.axes[i]].checked_add(step)?;
            Some(at)
        });
        last.is_some_and(|last| last.iter().zip(extents).all(|(&at, extent)| at < extent))
    }
}

/// Whether all elements at an offset and strides lie among so many.
fn inside(offset: usize, strides: &[(usize, usize)], elements: usize) -> bool {
    let last = strides
        .iter()
        .try_fold(offset, |at, &(extent, step)| at.checked_add(extent.checked_sub(1)?.checked_mul(step)?));
    last.is_some_and(|last| last < elements)
}

fn extents(strides: &[(usize, usize)]) -> Vec<usize> {
    strides.iter().map(|stride| stride.0).collect()
}

fn wrong<T>(what: &str) -> Result<T> {
    Err(Error::new("network", format!("{what} is not there, or has another size"))
        .hint("compile the model again"))
}

/// Elements of the values that are known, and tensors that hold bytes, as stages go by.
#[derive(Default)]
struct Known {
    values: BTreeMap<ValueId, usize>,
    tensors: BTreeSet<TensorId>,
}

impl Network {
    /// That everything it names is there when it is read, with the size that it is read with.
    ///
    /// # Errors
    /// What is not, in words; a graph that breaks its invariants.
    pub fn verify(&self) -> Result<()> {
        let mut known = Known::default();
        for (_, id, shape) in &self.inputs {
            known.values.insert(*id, size(shape));
        }
        known.values.extend(self.constants.iter().map(|(id, x)| (*id, x.len())));
        for stage in &self.stages {
            self.import(&mut known)?;
            self.stage(stage, &mut known)?;
        }
        self.import(&mut known)?;
        match self.outputs.iter().all(|id| known.values.contains_key(id)) {
            true => Ok(()),
            false => wrong("an output"),
        }
    }

    fn tensor(&self, id: TensorId) -> Option<&Tensor> {
        self.tensors.get(id.0 as usize)
    }

    /// What is known enters its tensors.
    fn import(&self, known: &mut Known) -> Result<()> {
        for import in &self.imports {
            let Some(&elements) = known.values.get(&import.value) else { continue };
            let Some(tensor) = self.tensor(import.tensor) else { return wrong("a tensor") };
            if size(&tensor.shape) == usize::MAX || tensor.elements() / tensor.planes() != elements {
                return wrong("what enters a tensor");
            }
            known.tensors.insert(import.tensor);
        }
        Ok(())
    }

    fn stage(&self, stage: &Stage, known: &mut Known) -> Result<()> {
        match stage {
            Stage::Machine { graph, tensors } => {
                graph.verify()?;
                let same = |(own, id): (&Tensor, &TensorId)| {
                    self.tensor(*id).is_some_and(|t| t.shape == own.shape && t.wide == own.wide)
                };
                if graph.tensors.len() != tensors.len() || !graph.tensors.iter().zip(tensors).all(same) {
                    return wrong("a tensor of a stage");
                }
                let own = |id: &TensorId| tensors[id.0 as usize];
                if !graph.inputs.iter().all(|(id, _)| known.tensors.contains(&own(id))) {
                    return wrong("an input of a stage");
                }
                for id in graph.outputs.iter().map(|(id, _)| own(id)) {
                    known.tensors.insert(id);
                    for export in self.exports.iter().filter(|e| e.tensor == id) {
                        self.export(export)?;
                        known.values.insert(export.value, size(&export.shape));
                    }
                }
            }
            Stage::Host { graph, inputs, outputs } => {
                graph.verify()?;
                let fits = |(id, own): (&ValueId, &ValueId)| {
                    known.values.get(id).copied() == Some(size(graph.shape(*own)))
                };
                let counts = (inputs.len(), outputs.len()) == (graph.inputs.len(), graph.outputs.len());
                if !counts || !inputs.iter().zip(&graph.inputs).all(fits) {
                    return wrong("an input of the host");
                }
                let made = outputs.iter().zip(&graph.outputs);
                known.values.extend(made.map(|(id, own)| (*id, size(graph.shape(*own)))));
            }
        }
        Ok(())
    }

    /// That what the claims name is there: graph, nodes, values, tensors, parts, and every place in a tensor.
    ///
    /// # Errors
    /// What is not, in words; a graph that breaks its invariants.
    pub fn verify_claims(&self) -> Result<()> {
        let claims = &self.claims;
        let graph = &claims.graph;
        graph.verify()?;
        let value = |id: &ValueId| (id.0 as usize) < graph.values.len();
        let values = |id: TensorId| self.tensor(id).map_or(0, |t| t.elements() / t.planes());
        let placed = |p: &Location| {
            value(&p.value)
                && size(&extents(&p.strides)) == size(graph.shape(p.value))
                && inside(p.offset, &p.strides, values(p.tensor))
        };
        let rounded = |r: &RealWeights, grid: [usize; 3]| {
            self.tensor(r.from.tensor).is_some_and(|t| view_fits(&r.from, t.extents()))
                && view_fits(&r.to, grid)
        };
        let part = |p: &StageNode, grid: [usize; 3]| {
            let Some(Stage::Machine { graph, .. }) = self.stages.get(p.stage) else { return false };
            p.node < graph.nodes.len() && p.rounded.as_ref().is_none_or(|r| rounded(r, grid))
        };
        let operation = |o: &Operation| {
            let grid = size(&o.linear.shape);
            o.nodes.iter().all(|&n| n < graph.nodes.len())
                && placed(&o.output)
                && value(&o.linear.value)
                && inside(o.linear.offset, &o.linear.strides, grid)
                && o.table.is_none_or(|(id, ..)| value(&id))
                && o.parts.iter().all(|p| part(p, o.linear.shape))
                && o.constant.as_ref().is_none_or(|c| values(c.tensor) == c.elements.len())
        };
        let whole = claims.operations.iter().all(operation)
            && claims.imports.iter().all(placed)
            && claims.host.iter().all(|&n| n < graph.nodes.len())
            && claims.prescribed.iter().all(|(id, ..)| value(id))
            && claims.rounded.iter().all(|(id, _)| value(id));
        if whole { Ok(()) } else { wrong("what is claimed") }
    }

    fn export(&self, export: &Export) -> Result<()> {
        let values = self.tensor(export.tensor).map_or(0, |t| t.elements() / t.planes());
        let fits = size(&export.shape) == size(&extents(&export.strides));
        match fits && inside(export.offset, &export.strides, values) {
            true => Ok(()),
            false => wrong("what leaves a tensor"),
        }
    }
}
