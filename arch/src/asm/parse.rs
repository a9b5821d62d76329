//! Reads the text of a program.

use super::fields::{self, KeyedNumbers};
use super::{MEMORIES, REDUCES, VERSION};
use crate::Config;
use crate::instr::{Reduce, Sync, TileOp, Transfer, Unit};
use crate::program::{Layer, Line, Program, TensorPort};
use std::str::FromStr;
use thiserror::Error;

/// Text that is no program.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("error[asm]: line {line}: {field}: {message}")]
pub struct AsmError {
    /// Line of the text, from 1.
    pub line: usize,
    /// The field, or the word where the field should be.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

/// An error that does not know its line yet.
type Wrong = (String, String);

fn wrong(field: &str, message: impl Into<String>) -> Wrong {
    let field = if field.is_empty() { "key" } else { field };
    (field.chars().take(40).collect(), message.into())
}

/// The program that a text describes. It is not validated beyond its configuration.
///
/// # Errors
/// Text of another version, a line that says something else, a value that does not fit its field: each with the
/// line and the field.
pub fn parse(text: &str) -> Result<Program, AsmError> {
    let at = |index: usize| move |(field, message): Wrong| AsmError { line: index + 1, field, message };
    let mut lines = text.lines().enumerate().map(|(i, line)| (i, line.trim_end()));
    match lines.next() {
        Some((_, VERSION)) => {}
        _ => return Err(at(0)(wrong("version", format!("the first line must be `{VERSION}`")))),
    }
    match lines.next() {
        Some((_, "config")) => {}
        _ => return Err(at(1)(wrong("config", "the second line must be `config`"))),
    }
    let mut toml = String::new();
    loop {
        match lines.next() {
            Some((_, "end")) => break,
            Some((_, line)) => {
                toml.push_str(line);
                toml.push('\n');
            }
            None => return Err(at(1)(wrong("config", "there is no `end`"))),
        }
    }
    let config = Config::from_toml(&toml).map_err(|e| at(1)(wrong("config", e.to_string())))?;
    let mut program = Program::empty(config);
    for (index, line) in lines {
        statement(&mut program, line).map_err(at(index))?;
    }
    Ok(program)
}

fn statement(program: &mut Program, line: &str) -> Result<(), Wrong> {
    let words = words(line)?;
    let Some((first, rest)) = words.split_first() else {
        return Ok(());
    };
    let one = |name: &str| match rest {
        [word] => number(name, word),
        _ => Err(wrong(name, "needs one number")),
    };
    match first.as_str() {
        "memory" => program.memory_bytes = one("memory")?,
        "stream" => match rest {
            [name, address] => program.stream_address[unit(name)? as usize] = number("stream", address)?,
            _ => return Err(wrong("stream", "needs a unit and an address")),
        },
        "layer" => layer(program, rest)?,
        "input" => program.inputs.push(port(rest)?),
        "output" => program.outputs.push(port(rest)?),
        "data" => program.data.push((one("data")?, vec![])),
        name @ ("compute" | "vector" | "load" | "store") => instruction(program, unit(name)?, rest)?,
        bytes if line.starts_with("  ") && rest.is_empty() => {
            let (_, data) = program.data.last_mut().ok_or_else(|| wrong(bytes, "bytes without `data`"))?;
            hexadecimal(bytes, data)?;
        }
        other => return Err(wrong(other, "is no statement")),
    }
    Ok(())
}

/// Words separated by spaces; quoted parts stay whole, with their escapes resolved. Ends at `;`.
fn words(line: &str) -> Result<Vec<String>, Wrong> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ';' => break,
            c if c.is_whitespace() => words.extend(word.take()),
            '"' => quoted(&mut chars, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// The rest of a quoted part.
fn quoted(chars: &mut std::str::Chars, word: &mut String) -> Result<(), Wrong> {
    let open = |word: &str| wrong(word, "a quote is not closed");
    loop {
        match chars.next().ok_or_else(|| open(word))? {
            '"' => return Ok(()),
            '\\' => match chars.next().ok_or_else(|| open(word))? {
                'u' => {
                    let code: String = chars.by_ref().skip(1).take_while(|&c| c != '}').collect();
                    let c = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                    word.push(c.ok_or_else(|| wrong(word, "an escape is no character"))?);
                }
                c => word.push(c),
            },
            c => word.push(c),
        }
    }
}

fn number<T: FromStr>(field: &str, word: &str) -> Result<T, Wrong> {
    word.parse().map_err(|_| wrong(field, format!("`{word}` is no number of its range")))
}

fn unit(name: &str) -> Result<Unit, Wrong> {
    let found = Unit::ALL.into_iter().find(|unit| unit.name() == name);
    found.ok_or_else(|| wrong(name, "is no unit"))
}

fn pair(word: &str) -> Result<(&str, &str), Wrong> {
    word.split_once('=').ok_or_else(|| wrong(word, "is not of the form key=value"))
}

fn hexadecimal(word: &str, bytes: &mut Vec<u8>) -> Result<(), Wrong> {
    let digits: Option<Vec<u32>> = word.chars().map(|c| c.to_digit(16)).collect();
    match digits {
        Some(digits) if digits.len() % 2 == 0 => {
            bytes.extend(digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8));
            Ok(())
        }
        _ => Err(wrong(word, "are no hexadecimal bytes")),
    }
}

fn layer(program: &mut Program, words: &[String]) -> Result<(), Wrong> {
    let (index, keys) = words.split_first().ok_or_else(|| wrong("layer", "needs its number"))?;
    if number::<usize>("layer", index)? != program.layers.len() {
        return Err(wrong("layer", format!("{index} should be {}", program.layers.len())));
    }
    let mut layer = Layer::default();
    for word in keys {
        match pair(word)? {
            ("macs", value) => layer.macs = number("macs", value)?,
            ("operator", value) => layer.operator = value.into(),
            ("name", value) => layer.name = value.into(),
            (key, _) => return Err(wrong(key, "is no field of a layer")),
        }
    }
    program.layers.push(layer);
    Ok(())
}

fn port(words: &[String]) -> Result<TensorPort, Wrong> {
    let mut port =
        TensorPort { name: String::new(), shape: vec![], address: 0, scale: 1.0, zero: 0, wide: false };
    for word in words {
        match pair(word)? {
            ("address", value) => port.address = number("address", value)?,
            ("shape", "") => port.shape = vec![],
            ("shape", value) => {
                port.shape = value.split(',').map(|n| number("shape", n)).collect::<Result<_, _>>()?;
            }
            ("scale", value) => port.scale = number("scale", value)?,
            ("zero", value) => port.zero = number("zero", value)?,
            ("wide", value) => port.wide = number::<u8>("wide", value)? != 0,
            ("name", value) => port.name = value.into(),
            (key, _) => return Err(wrong(key, "is no field of a tensor")),
        }
    }
    Ok(port)
}

fn instruction(program: &mut Program, unit: Unit, words: &[String]) -> Result<(), Wrong> {
    let (mnemonic, keys) = words.split_first().ok_or_else(|| wrong(unit.name(), "needs a mnemonic"))?;
    let mut layer = 0;
    match unit {
        Unit::Compute | Unit::Vector => {
            let reduce = REDUCES.iter().find(|(name, _)| name == mnemonic).map(|(_, reduce)| *reduce);
            let reduce = reduce.ok_or_else(|| wrong(mnemonic, "is no tile operation"))?;
            let op = tile(reduce, keys, &mut layer)?;
            let list = if unit == Unit::Compute { &mut program.compute } else { &mut program.vector };
            list.push(Line { op, layer });
        }
        Unit::Load | Unit::Store => {
            if mnemonic != unit.name() {
                return Err(wrong(mnemonic, format!("should be `{}`", unit.name())));
            }
            let op = transfer(keys, &mut layer)?;
            let list = if unit == Unit::Load { &mut program.load } else { &mut program.store };
            list.push(Line { op, layer });
        }
    }
    Ok(())
}

/// The keys that every instruction has; false for any other.
fn common(sync: &mut Sync, layer: &mut usize, key: &str, value: &str) -> Result<bool, Wrong> {
    let mask = match key {
        "wait" => &mut sync.wait,
        "signal" => &mut sync.signal,
        "layer" => {
            *layer = number("layer", value)?;
            return Ok(true);
        }
        _ => return Ok(false),
    };
    for word in value.split(',') {
        let semaphore: u32 = number(key, word)?;
        let bit = 1u16.checked_shl(semaphore);
        *mask |= bit.ok_or_else(|| wrong(key, format!("there is no semaphore {semaphore}")))?;
    }
    Ok(true)
}

/// Sets the numbers of a key; false when no place has it.
fn place(places: KeyedNumbers, key: &str, value: &str) -> Result<bool, Wrong> {
    let Some((_, numbers)) = places.into_iter().find(|(name, _)| *name == key) else {
        return Ok(false);
    };
    let words: Vec<&str> = value.split(',').collect();
    if words.len() != numbers.len() {
        return Err(wrong(key, format!("needs {} numbers, has {}", numbers.len(), words.len())));
    }
    for (place, word) in numbers.into_iter().zip(words) {
        let fits = place.set(number(key, word)?);
        fits.ok_or_else(|| wrong(key, format!("{word} is out of range")))?;
    }
    Ok(true)
}

fn tile(reduce: Reduce, words: &[String], layer: &mut usize) -> Result<TileOp, Wrong> {
    let mut op = TileOp { reduce, ..fields::default_tile() };
    for word in words {
        let (key, value) = pair(word)?;
        if common(&mut op.sync, layer, key, value)? || place(fields::tile(&mut op), key, value)? {
            continue;
        }
        if key == "table" {
            op.table = Some(number("table", value)?);
            continue;
        }
        let mut operand = op.operand.unwrap_or_else(fields::default_operand);
        if !place(fields::operand(&mut operand), key, value)? {
            return Err(wrong(key, "is no field of a tile operation"));
        }
        op.operand = Some(operand);
    }
    Ok(op)
}

fn transfer(words: &[String], layer: &mut usize) -> Result<Transfer, Wrong> {
    let mut op = fields::default_transfer();
    for word in words {
        let (key, value) = pair(word)?;
        if common(&mut op.sync, layer, key, value)? || place(fields::transfer(&mut op), key, value)? {
            continue;
        }
        if key != "memory" {
            return Err(wrong(key, "is no field of a transfer"));
        }
        let memory = MEMORIES.iter().find(|(name, _)| *name == value).map(|(_, memory)| *memory);
        op.memory = memory.ok_or_else(|| wrong("memory", format!("there is no memory `{value}`")))?;
    }
    Ok(op)
}
