//! What is wrong with a text that is TOML and no machine: every field by itself.

use super::fields::{self, names};
use super::{Config, ParameterFault};
use crate::sdram::Sdram;
use serde::Deserialize;
use std::collections::BTreeSet;
use toml::{Table, Value};

/// A field's tables, and its name in the last one.
type FieldPath = Vec<String>;

/// All faults of a table, in the order of the list of fields: what is not known or missing, what holds something of
/// another type, and which of the other numbers are out of their ranges.
pub(super) fn faults(table: &Table) -> Vec<ParameterFault> {
    let model = model(table);
    let (mut given, mut whole) = (vec![], vec![]);
    leaves(table, Some(&model), &mut vec![], &mut given);
    leaves(&model, None, &mut vec![], &mut whole);
    let mut faults = vec![];
    let mut faulty = BTreeSet::new();
    let mut good = Table::new();
    for (path, value) in &given {
        let mut one = model.clone();
        set(&mut one, path, Some(value));
        let field = path.join(".");
        let is_table = whole.iter().any(|(known, _)| known.len() > path.len() && known.starts_with(path));
        let range = if is_table { Some("a table".to_owned()) } else { fields::words(&field) };
        match (is_config(one), range) {
            (true, _) => set(&mut good, path, Some(value)),
            (false, Some(range)) => {
                faults.push(ParameterFault::Illegal {
                    field: field.clone(),
                    value: value.to_string(),
                    range,
                });
                faulty.insert(field);
            }
            (false, None) => {
                let siblings = names().filter(|name| parent(name) == parent(&field));
                let known = siblings.collect::<Vec<_>>().join(", ");
                faults.push(ParameterFault::Unknown { field, known });
            }
        }
    }
    // What is missing or of another type has a legal number as long as the others are looked at.
    for (path, value) in &whole {
        let field = path.join(".");
        let mut rest = model.clone();
        set(&mut rest, path, None);
        let is_missing = !given.iter().any(|(own, _)| own == path) && !is_config(rest);
        if is_missing {
            let range = fields::words(&field).unwrap_or_default();
            faults.push(ParameterFault::Missing { field: field.clone(), range });
            faulty.insert(field.clone());
        }
        if is_missing || faulty.contains(&field) {
            set(&mut good, path, Some(value));
        }
    }
    if let Ok(config) = Config::deserialize(Value::Table(good)) {
        faults.extend(config.faults(faulty));
    }
    let order = |fault: &ParameterFault| names().position(|name| name == fault.field()).unwrap_or(usize::MAX);
    faults.sort_by_key(order);
    faults
}

/// A legal machine with all fields that the table may have.
fn model(table: &Table) -> Table {
    let mut config = Config::sized(9, 16);
    if table.get("memory").and_then(|memory| memory.get("sdram")).is_some() {
        config.memory.bus_bytes = 2;
        config.memory.sdram = Some(Sdram::default());
    }
    Table::try_from(config).expect("a Config holds only values TOML can hold")
}

fn is_config(table: Table) -> bool {
    Config::deserialize(Value::Table(table)).is_ok()
}

/// The values of a table; a table in it is one too where `model` has none of its name.
fn leaves(table: &Table, model: Option<&Table>, at: &mut FieldPath, all: &mut Vec<(FieldPath, Value)>) {
    for (name, value) in table {
        at.push(name.clone());
        let inner = model.map(|model| model.get(name).and_then(Value::as_table));
        match (value, inner) {
            (Value::Table(table), None) => leaves(table, None, at, all),
            (Value::Table(table), Some(Some(model))) => leaves(table, Some(model), at, all),
            _ => all.push((at.clone(), value.clone())),
        }
        at.pop();
    }
}

/// Puts a value into a table, with the tables around it, or takes it out.
fn set(table: &mut Table, path: &[String], value: Option<&Value>) {
    match (path, value) {
        ([name], Some(value)) => drop(table.insert(name.clone(), value.clone())),
        ([name], None) => drop(table.remove(name)),
        ([name, rest @ ..], value) => {
            let inner = table.entry(name.clone()).or_insert_with(|| Table::new().into());
            if let Some(inner) = inner.as_table_mut() {
                set(inner, rest, value);
            }
        }
        ([], _) => {}
    }
}

/// The table that a field stands in.
fn parent(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(parent, _)| parent)
}
