//! Small graphs operator by operator and in pairs, extreme ranges, and the model zoo with its metrics.

mod extremes;
mod finer;
mod fusion;
mod indices;
mod layout;
mod machine;
mod models;
mod normalisations;
mod operators;
mod statistics;
mod wide;
