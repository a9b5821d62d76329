//! Selection: which of the machine's operations every operator of the graph becomes, on which tensors.
//!
//! `operators` says what an operator is on its own, a view of bytes that exist or the start of an operation with a `kernel`;
//! `plan` walks the graph, fuses what `follows` allows into an `epilogue`, and leaves the rest to the host.
//! No number is rounded here. Of a model that is quantised already, `annotations` takes out what it
//! prescribes, which nothing later changes; `tables` makes tables of its functions of one byte.

pub mod annotations;
pub mod candidate;
pub mod constants;
pub mod epilogue;
pub mod follows;
pub mod kernel;
pub mod moves;
pub mod operators;
pub mod parameters;
pub mod phases;
pub mod plan;
pub mod product;
pub mod relayout;
pub mod spoilt;
pub mod strided;
pub mod sum;
pub mod tables;
