//! What a network takes and gives: its parameters, and the types that its results should have.

use super::super::operand::{Constant, Lying, Operand, straight};
use super::super::ops;
use super::super::syntax::{Parameter, Type};
use super::super::token::{Pos, located};
use super::Lower;
use crate::error::{Error, Result};
use crate::graph::Integer;

impl Lower<'_> {
    /// A result type that the text declares must be the one that comes out.
    pub(super) fn check_result(&self, declared: Option<&Type>, place: Pos) -> Result<()> {
        let types = match declared {
            Some(Type::Tuple(types)) => types.as_slice(),
            Some(one @ Type::Tensor(..)) => std::slice::from_ref(one),
            _ => return Ok(()),
        };
        let shapes: Vec<&[usize]> = self.graph.outputs.iter().map(|&id| self.graph.shape(id)).collect();
        let fits = |(declared, shape): (&Type, &&[usize])| match declared {
            Type::Tensor(extents, _) => {
                let same = |(e, n): (&Option<i64>, &usize)| e.is_none_or(|e| usize::try_from(e) == Ok(*n));
                extents.len() == shape.len() && extents.iter().zip(shape.iter()).all(same)
            }
            _ => true,
        };
        if types.len() != shapes.len() || !types.iter().zip(&shapes).all(fits) {
            return self.refuse(place, format!("the results have shapes {shapes:?}, not those declared"));
        }
        Ok(())
    }

    /// A parameter of the network: a constant if the parameters name it, else an input.
    pub(super) fn parameter(&mut self, parameter: &Parameter) -> Result<Operand> {
        let place = parameter.place;
        let name = match &parameter.note {
            Some(note) if !note.name.is_empty() => note.name.clone(),
            _ => parameter.name.clone(),
        };
        if let Some(array) = self.params.array(&parameter.name) {
            if let Some(Type::Tensor(extents, _)) = &parameter.kind {
                let same = |(e, n): (&Option<i64>, &usize)| e.is_none_or(|e| usize::try_from(e) == Ok(*n));
                if extents.len() != array.shape.len() || !extents.iter().zip(&array.shape).all(same) {
                    let message = format!("the .params file gives %{name} the shape {:?}", array.shape);
                    return self.refuse(place, message);
                }
            }
            return Ok(Operand::Constant(Constant::new(&name, array.clone())));
        }
        let Some(Type::Tensor(extents, dtype)) = &parameter.kind else {
            let error = Error::new("import", format!("the input %{name} has no tensor type"));
            return Err(error
                .file(located(self.file, place))
                .hint("write %x: Tensor[(1, 3, 32, 32), float32], or bring its value in a .params file"));
        };
        if dtype != "float32" && Integer::named(dtype).is_none() {
            let error = Error::new("import", format!("the input %{name} has element type {dtype}"));
            return Err(error
                .file(located(self.file, place))
                .hint("float32, or bring its value in a .params file beside the text"));
        }
        let mut shape = Vec::new();
        for (axis, extent) in extents.iter().enumerate() {
            match extent.map(usize::try_from) {
                Some(Ok(extent)) => shape.push(extent),
                None if axis == 0 => {
                    self.warnings.push(format!("input %{name}: the open batch size becomes 1"));
                    shape.push(1);
                }
                _ => {
                    let error = Error::new("import", format!("axis {axis} of %{name} has no fixed extent"));
                    let at = located(self.file, place);
                    return Err(error
                        .file(at)
                        .hint("give the input a static shape: shape={\"x\": (1, ...)}"));
                }
            }
        }
        let at = |e: Error| e.file(located(self.file, place)).stage("import");
        let integer = Integer::named(dtype);
        if let Some(integer) = integer {
            self.warnings.push(format!("input {name:?} takes {} numbers, given as floats", integer.name()));
        }
        let id = self.graph.typed_input(name, &shape, integer).map_err(at)?;
        let whole = match integer {
            // Truths are computed with as comparisons make them.
            None | Some(Integer::Bool) => None,
            Some(integer @ (Integer::Int32 | Integer::Int64)) => {
                Some(ops::NumberKind::Scaled(ops::IntegerScale::unit(integer)))
            }
            Some(integer) => Some(ops::NumberKind::Type(integer, Some(ops::IntegerScale::unit(integer)))),
        };
        self.integers.extend(whole.map(|whole| (id, whole)));
        Ok(Operand::Value(Lying { id, order: straight(shape.len()) }))
    }
}
