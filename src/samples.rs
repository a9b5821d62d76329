//! Samples as they lie on disk, as what a network's inputs take.

use anyhow::Result;
use ndarray::{ArrayD, Axis};
use std::path::Path;
use tilewright_compiler::error::{self, Error};
use tilewright_compiler::graph::{Graph, Integer};
use tilewright_compiler::images::{self, Numbers};
use tilewright_compiler::npy::{self, Archive, Array, ArrayData};

/// An input of a network.
struct SampledInput<'a> {
    name: &'a str,
    shape: &'a [usize],
    /// The type of its whole numbers; `None` takes real numbers.
    integer: Option<Integer>,
}

/// The shape of the array of an input in an `.npz`, of its only one or of an `.npy` where the input is the `only` one;
/// `None` where there is none.
pub(crate) fn stored_shape(path: &Path, name: &str, only: bool) -> Option<Vec<usize>> {
    match path.extension()?.to_str()? {
        "npz" => {
            let archive = Archive::open(path).ok()?;
            let names: Vec<&str> = archive.names().collect();
            let found = names.iter().find(|n| **n == name).or(if only { names.first() } else { None })?;
            archive.shape(found).ok()
        }
        "npy" if only => Some(npy::read_npy(path).ok()?.shape),
        _ => None,
    }
}

/// Samples of a graph's inputs, in order: an `.npz` with an array for each input (by its name, or the
/// only one, or `x`), an `.npy`, an image, or a folder of images.
///
/// The first axis counts samples where the array has one axis more than the input, or the input's first
/// extent, the batch, is 1. An array of exactly the input's shape is one sample.
///
/// What the numbers become depends on the type that the source model gives the input:
/// * an input of **real numbers** (float32 in ONNX, Relay) takes bytes (uint8) and images divided by 255,
///   images of 16 bits divided by 65535; booleans are 0 and 1, all other numbers go in as they are;
/// * an input of **whole numbers** (uint8, int8, int16, uint16, int32, int64, bool) takes all numbers and images as they
///   are stored; what its type does not have is refused.
///
/// Numbers keep their value: a whole number that float32 does not have is refused; float64 is rounded to
/// the nearest float32. NaN and infinity are refused.
///
/// # Errors
/// A file that cannot be read or holds something else, naming file, array and input, with what to try.
pub fn samples(graph: &Graph, path: &Path) -> Result<Vec<Vec<ArrayD<f32>>>> {
    let inputs: Vec<SampledInput> = graph
        .inputs
        .iter()
        .map(|&id| graph.value(id))
        .map(|v| SampledInput { name: &v.name, shape: &v.shape, integer: v.integer })
        .collect();
    Ok(of(&inputs, path).map_err(|e| e.file(path.display().to_string()))?)
}

fn of(inputs: &[SampledInput], path: &Path) -> error::Result<Vec<Vec<ArrayD<f32>>>> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    let columns: Vec<Vec<ArrayD<f32>>> = match extension.as_str() {
        "npz" => {
            let archive = Archive::open(path)?;
            let column = |input: &SampledInput| -> error::Result<_> {
                let name = array_for(input, &archive, inputs.len())?;
                cuts(&archive.shape(name)?, input)?;
                split(&archive.read(name)?, input)
            };
            inputs.iter().map(column).collect::<error::Result<_>>()?
        }
        "npy" => {
            let input = only(inputs, "an .npy file feeds")?;
            vec![split(&npy::read_npy(path)?, input)?]
        }
        _ if path.is_dir() || matches!(extension.as_str(), "png" | "jpg" | "jpeg") => {
            let input = only(inputs, "images feed")?;
            let ([c, h, w] | [1, c, h, w]) = *input.shape else {
                let message = format!(
                    "images feed inputs of channels, rows and columns, this one is {:?}",
                    input.shape
                );
                return refuse(message, "an .npz file");
            };
            let numbers = if input.integer.is_some() { Numbers::Stored } else { Numbers::Share };
            let images = images::read(path, [c, h, w], numbers)?;
            let shape = images.shape().to_vec();
            let array = Array { shape, data: ArrayData::F32(images.into_iter().collect()) };
            vec![split(&array, input)?]
        }
        _ => {
            let message = "not an .npz or .npy file, an image or a folder of images";
            return refuse(message, "numpy.savez(file, x=samples)");
        }
    };
    let count = columns.iter().map(Vec::len).min().unwrap_or(0);
    if count == 0 || columns.iter().any(|c| c.len() != count) {
        let message = "the inputs have no or different numbers of samples";
        return refuse(message, "as many samples of each input");
    }
    let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
    Ok((0..count).map(|_| columns.iter_mut().filter_map(Iterator::next).collect()).collect())
}

fn refuse<T>(message: impl Into<String>, hint: impl Into<String>) -> error::Result<T> {
    Err(Error::new("samples", message).hint(hint))
}

/// The only input of a network.
fn only<'a, 'b>(inputs: &'a [SampledInput<'b>], what: &str) -> error::Result<&'a SampledInput<'b>> {
    match inputs {
        [input] => Ok(input),
        all => refuse(format!("{what} networks with one input, this one has {}", all.len()), "an .npz file"),
    }
}

/// The name of the array for an input: its own; for the only input also `x`, or that of the only array.
fn array_for<'a>(input: &SampledInput, archive: &'a Archive, inputs: usize) -> error::Result<&'a str> {
    let names: Vec<&str> = archive.names().collect();
    let named = |name: &str| names.iter().copied().find(|n| *n == name);
    let single = || named("x").or(if names.len() == 1 { names.first().copied() } else { None });
    match named(input.name).or_else(|| if inputs == 1 { single() } else { None }) {
        Some(name) => Ok(name),
        None => refuse(
            format!("has no array for input {:?}, only {names:?}", input.name),
            "name the array after the input",
        ),
    }
}

/// How an array of samples is cut.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Cuts {
    /// It is one sample.
    None,
    /// Along the first axis, which stays with extent 1.
    Batch,
    /// Along the first axis, which the input does not have.
    Leading,
}

fn cuts(shape: &[usize], input: &SampledInput) -> error::Result<Cuts> {
    if shape == input.shape {
        return Ok(Cuts::None);
    }
    match (shape, input.shape) {
        ([_, rest @ ..], [1, wanted @ ..]) if rest == wanted => Ok(Cuts::Batch),
        ([_, rest @ ..], wanted) if rest == wanted => Ok(Cuts::Leading),
        (_, wanted) => refuse(
            format!("input {:?}: the data has shape {shape:?}, the network takes {wanted:?}", input.name),
            "samples of that shape, one or several along a first axis",
        ),
    }
}

/// Cuts an array into samples of an input.
fn split(array: &Array, input: &SampledInput) -> error::Result<Vec<ArrayD<f32>>> {
    let place = || format!("input {:?}", input.name);
    let cuts = cuts(&array.shape, input)?;
    let elements = array.exact_f32().map_err(|e| e.within(place()))?;
    let mut values = ArrayD::from_shape_vec(array.shape.as_slice(), elements)
        .expect("readers check that the elements fill the shape");
    match input.integer {
        None if matches!(array.data, ArrayData::U8(_)) => values /= 255.0,
        None => {}
        Some(integer) => {
            let (least, most) = integer.range();
            // The range of int32 ends between two float32 numbers: compare in f64.
            let fits = |v: f64| v.trunc() == v && (least as f64..=most as f64).contains(&v);
            if let Some(bad) = values.iter().find(|v| v.is_finite() && !fits(f64::from(**v))) {
                let (place, name) = (place(), integer.name());
                return refuse(
                    format!("{place}: the data contains {bad}, it takes {name} numbers ({least} to {most})"),
                    "the numbers that the network was made for, not normalised ones",
                );
            }
        }
    }
    if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
        return refuse(format!("{}: the data contains {bad}", place()), "finite numbers");
    }
    Ok(match cuts {
        Cuts::None => vec![values],
        Cuts::Batch => values.axis_iter(Axis(0)).map(|s| s.to_owned().insert_axis(Axis(0))).collect(),
        Cuts::Leading => values.axis_iter(Axis(0)).map(|s| s.to_owned()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(shape: &[usize], integer: Option<Integer>) -> SampledInput<'_> {
        SampledInput { name: "x", shape, integer }
    }

    fn array(shape: &[usize], data: ArrayData) -> Array {
        Array { shape: shape.to_vec(), data }
    }

    #[test]
    fn the_first_axis_counts_samples() {
        let rows: [(&[usize], &[usize], Option<Cuts>); 8] = [
            (&[1, 3], &[1, 3], Some(Cuts::None)),
            (&[8, 3], &[1, 3], Some(Cuts::Batch)),
            (&[8, 3, 4], &[3, 4], Some(Cuts::Leading)),
            (&[8, 1, 3], &[1, 3], Some(Cuts::Leading)),
            (&[8], &[], Some(Cuts::Leading)),
            (&[8, 3], &[2, 3], None),
            (&[3], &[1, 3], None),
            (&[], &[1], None),
        ];
        for (have, want, expected) in rows {
            assert_eq!(cuts(have, &input(want, None)).ok(), expected, "{have:?} {want:?}");
        }
    }

    #[test]
    fn bytes_are_divided_for_real_numbers_alone() {
        let first = |data: ArrayData, integer| {
            split(&array(&[1, 2], data), &input(&[1, 2], integer)).map(|s| s[0][[0, 1]])
        };
        assert_eq!(first(ArrayData::U8(vec![0, 51]), None).unwrap(), 0.2);
        assert_eq!(first(ArrayData::Bool(vec![0, 1]), None).unwrap(), 1.0);
        assert_eq!(first(ArrayData::I8(vec![0, -51]), None).unwrap(), -51.0);
        assert_eq!(first(ArrayData::U8(vec![0, 51]), Some(Integer::Uint8)).unwrap(), 51.0);
        assert_eq!(first(ArrayData::Bool(vec![0, 1]), Some(Integer::Int8)).unwrap(), 1.0);
        assert_eq!(first(ArrayData::U8(vec![0, 51]), Some(Integer::Int64)).unwrap(), 51.0);
        assert_eq!(first(ArrayData::U8(vec![0, 1]), Some(Integer::Bool)).unwrap(), 1.0);
        assert_eq!(first(ArrayData::F64(vec![0.0, -7.0]), Some(Integer::Int8)).unwrap(), -7.0);
        let refused = [
            (ArrayData::U8(vec![0, 200]), Some(Integer::Int8), "200"),
            (ArrayData::F32(vec![0.0, 0.5]), Some(Integer::Uint8), "0.5"),
            (ArrayData::I32(vec![0, -1]), Some(Integer::Uint8), "-1"),
            (ArrayData::U8(vec![0, 2]), Some(Integer::Bool), "2"),
            (ArrayData::I64(vec![0, (1 << 24) + 1]), Some(Integer::Int64), "16777217"),
            (ArrayData::I64(vec![0, (1 << 24) + 1]), None, "16777217"),
            (ArrayData::F32(vec![0.0, f32::NAN]), None, "NaN"),
            (ArrayData::F32(vec![0.0, f32::INFINITY]), Some(Integer::Uint8), "inf"),
        ];
        for (data, integer, part) in refused {
            let e = first(data, integer).unwrap_err().to_string();
            assert!(e.contains(part), "{e}");
        }
    }

    /// A grey pixel of 51.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\
        \0\0\0\nIDATx\xdac0\x06\0\x005\x004g<\xe3`\0\0\0\0IEND\xaeB`\x82";

    #[test]
    fn images_are_divided_for_real_numbers_alone() {
        let path = std::env::temp_dir().join(format!("tilewright-samples-{}.png", std::process::id()));
        std::fs::write(&path, PNG).unwrap();
        for (integer, want) in [(None, 0.2), (Some(Integer::Uint8), 51.0)] {
            let mut graph = Graph::new("pixel");
            graph.typed_input("x", &[1, 1, 1], integer).unwrap();
            let x = samples(&graph, &path).unwrap().remove(0).remove(0);
            assert_eq!(x[[0, 0, 0]], want, "{integer:?}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}
