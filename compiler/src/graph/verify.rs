//! Checks the invariants that the documentation of [`crate::graph`] lists.

use super::build::check_constant;
use super::{Graph, Op, Source, ValueId, elements, infer};
use crate::error::{Error, Result};

impl Graph {
    /// Checks every invariant of a graph.
    ///
    /// # Errors
    /// The first invariant that is broken, naming the node or the value.
    pub fn verify(&self) -> Result<()> {
        self.verify_values().and_then(|()| self.verify_nodes()).map_err(|e| e.file(&self.name))
    }

    fn verify_values(&self) -> Result<()> {
        let broken = |id: ValueId, text: &str| {
            Err(Error::new("graph", format!("{id} {text}")).node(&self.value(id).name))
        };
        for (index, value) in self.values.iter().enumerate() {
            let id = ValueId(
                u32::try_from(index)
                    .map_err(|_| Error::new("graph", "the graph holds more than 2^32 values"))?,
            );
            elements(&value.shape).map_err(|e| e.node(&value.name))?;
            if value.integer.is_some() && !matches!(value.source, Source::Input(_)) {
                return broken(id, "has an integer type and is no graph input");
            }
            match &value.source {
                Source::Input(n) if self.inputs.get(*n) != Some(&id) => {
                    return broken(id, "is not the graph input it says it is");
                }
                Source::Input(_) => {}
                Source::Constant(data) => {
                    check_constant(&value.shape, data)
                        .map_err(|e| e.node(&value.name).operator("constant"))?;
                }
                Source::Node { node, output } => {
                    let made = self.nodes.get(*node).and_then(|n| n.outputs.get(*output));
                    if made != Some(&id) {
                        return broken(id, "is not made by the node it names");
                    }
                }
            }
        }
        for (n, id) in self.inputs.iter().enumerate() {
            match self.values.get(id.0 as usize).map(|v| &v.source) {
                Some(Source::Input(m)) if *m == n => {}
                _ => return Err(Error::new("graph", format!("{id} is not graph input {n}"))),
            }
        }
        if let Some(id) = self.outputs.iter().find(|id| id.0 as usize >= self.values.len()) {
            return Err(Error::new("graph", format!("output {id} is not made")));
        }
        if self.outputs.is_empty() {
            return Err(Error::new("graph", "the graph has no outputs"));
        }
        Ok(())
    }

    fn verify_nodes(&self) -> Result<()> {
        for (index, node) in self.nodes.iter().enumerate() {
            let broken =
                |message: String| Err(Error::new("graph", message).node(&node.name).operator(node.op.name()));
            let mut shapes = Vec::with_capacity(node.inputs.len());
            for &id in &node.inputs {
                match self.values.get(id.0 as usize) {
                    None => return broken(format!("reads {id}, which is not made")),
                    Some(v) => {
                        if let Source::Node { node: maker, .. } = v.source
                            && maker >= index
                        {
                            return broken(format!("reads {id}, which is made later"));
                        }
                        shapes.push(v.shape.as_slice());
                    }
                }
            }
            let [output] = node.outputs[..] else {
                return broken(format!("makes {} values, not 1", node.outputs.len()));
            };
            let Some(value) = self.values.get(output.0 as usize) else {
                return broken(format!("makes {output}, which does not exist"));
            };
            let own = Source::Node { node: index, output: 0 };
            if value.source != own {
                return broken(format!("makes {output}, which has another maker"));
            }
            let declared = matches!(node.op, Op::Reshape).then_some(value.shape.as_slice());
            let shape = infer(&node.op, &shapes, declared)
                .map_err(|e| e.node(&node.name).operator(node.op.name()))?;
            if shape != value.shape {
                return broken(format!("{output} has shape {:?}, the operator gives {shape:?}", value.shape));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Integer;

    fn chain() -> Graph {
        let mut g = Graph::new("chain");
        let x = g.input("x", &[2, 3]).unwrap();
        let c = g.constant("c", &[3], vec![1.0, 2.0, 3.0]).unwrap();
        let y = g.node("add", Op::Add, &[x, c]).unwrap();
        let z = g.node("relu", Op::Relu, &[y]).unwrap();
        g.outputs = vec![z];
        g
    }

    /// Breaks one invariant at a time and expects the message to say which.
    #[test]
    fn finds_each_broken_invariant() {
        type Break = fn(&mut Graph);
        let rows: &[(Break, &str)] = &[
            (|g| g.values[0].shape[1] = 0, "extent of zero"),
            (|g| g.values[0].shape[1] = usize::MAX, "too large"),
            (|g| g.values[1].shape = vec![4], "needs 4 elements"),
            (|g| g.values[1].source = Source::Constant(vec![0.0, f32::NAN, 0.0]), "is NaN"),
            (|g| g.values[0].source = Source::Input(1), "not the graph input"),
            (|g| g.inputs.clear(), "not the graph input"),
            (|g| g.inputs.push(ValueId(1)), "not graph input 1"),
            (|g| g.values[3].source = Source::Node { node: 0, output: 0 }, "not made by"),
            (|g| g.values[3].source = Source::Node { node: 9, output: 0 }, "not made by"),
            (|g| g.nodes[0].inputs[0] = ValueId(3), "made later"),
            (|g| g.nodes[0].inputs[0] = ValueId(2), "made later"),
            (|g| g.nodes[0].inputs[0] = ValueId(99), "not made"),
            (|g| g.nodes[1].outputs = vec![ValueId(2)], "not made by"),
            (|g| g.nodes[1].outputs.push(ValueId(2)), "makes 2 values"),
            (|g| g.values[3].shape = vec![3, 2], "the operator gives"),
            (|g| g.outputs = vec![ValueId(4)], "output %4"),
            (|g| g.outputs.clear(), "no outputs"),
            (|g| g.values[2].integer = Some(Integer::Int8), "is no graph input"),
        ];
        chain().verify().unwrap();
        for (row, (damage, expected)) in rows.iter().enumerate() {
            let mut g = chain();
            damage(&mut g);
            let e = g.verify().expect_err(&format!("row {row}: {expected}"));
            assert!(e.to_string().contains(expected), "row {row}: {e}");
        }
    }
}
