//! Small graphs operator by operator, and the model zoo with its metrics.

mod fusion;
mod models;
mod operators;
mod wide;
