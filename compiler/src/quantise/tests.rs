//! Small graphs operator by operator, and the model zoo with its metrics.

mod models;
mod operators;
mod wide;
