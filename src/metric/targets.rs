//! What is right for each evaluation sample: the array `y`, whose type decides what it means.

use super::Metric;
use ndarray::ArrayD;
use tilewright_compiler::error::{Error, Result};
use tilewright_compiler::float::math::log10;
use tilewright_compiler::npy::{Array, ArrayData};

/// Rows and columns at the border of an image that its score leaves out.
const BORDER: usize = 4;
/// Mean squared error below which images count as equal: 120 dB.
const EQUAL: f64 = 1e-12;

/// What is right for each sample.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Targets {
    /// A class for each sample.
    Labels(Vec<usize>),
    /// The classes of each sample in order, without blanks; an output has the classes along its last axis.
    Sequences(Vec<Vec<usize>>),
    /// Pixels that are in, sample after sample.
    Masks { samples: usize, pixels: Vec<bool> },
    /// Brightness from 0 to 1, sample after sample, in planes of height and width.
    Images { samples: usize, size: [usize; 2], pixels: Vec<f32> },
}

fn refuse<T>(message: impl Into<String>, hint: &str) -> Result<T> {
    Err(Error::new("metric", message).hint(hint))
}

impl Targets {
    /// Reads the array `y` for a network whose first output has shape `output`, batch included.
    ///
    /// # Errors
    /// A type, a shape or a value that means none of these; with what to write instead.
    pub fn new(array: Array, output: &[usize]) -> Result<Targets> {
        let Some(&samples) = array.shape.first() else {
            return refuse(
                "y is one number",
                "one label, mask or image for each sample along the first axis",
            );
        };
        match array.data {
            ArrayData::Bool(v) => {
                let pixels = v.iter().map(|&b| b == 1).collect();
                fits("masks", &array.shape, output).map(|()| Targets::Masks { samples, pixels })
            }
            ArrayData::F32(v) => real(&array.shape, v, output),
            ArrayData::F64(v) => real(&array.shape, v.iter().map(|&x| x as f32).collect(), output),
            ArrayData::U8(v) if array.shape.len() >= 3 => {
                fits("masks or images", &array.shape, output)?;
                // An image in which no byte is above 1 would be black: bytes of 0 and 1 are a mask.
                if v.iter().all(|&b| b <= 1) {
                    return Ok(Targets::Masks { samples, pixels: v.iter().map(|&b| b == 1).collect() });
                }
                images(&array.shape, v.iter().map(|&b| f32::from(b) / 255.0).collect())
            }
            ArrayData::U8(v) => whole(&array.shape, v.into_iter().map(i64::from).collect(), output),
            ArrayData::I8(v) => whole(&array.shape, v.into_iter().map(i64::from).collect(), output),
            ArrayData::I32(v) => whole(&array.shape, v.into_iter().map(i64::from).collect(), output),
            ArrayData::I64(v) => whole(&array.shape, v, output),
        }
    }

    /// Number of samples.
    pub fn count(&self) -> usize {
        match self {
            Targets::Labels(labels) => labels.len(),
            Targets::Sequences(all) => all.len(),
            Targets::Masks { samples, .. } | Targets::Images { samples, .. } => *samples,
        }
    }

    /// How they are scored.
    pub fn metric(&self) -> Metric {
        match self {
            Targets::Labels(_) => Metric::Top1,
            Targets::Sequences(_) => Metric::Sequence,
            Targets::Masks { .. } => Metric::Iou,
            Targets::Images { .. } => Metric::Psnr,
        }
    }

    /// The score of the first output for sample `index`, and what it counts for.
    pub fn score(&self, output: &ArrayD<f32>, index: usize) -> [f64; 2] {
        match self {
            Targets::Labels(labels) => {
                let best = output
                    .iter()
                    .enumerate()
                    .fold((0, f32::NEG_INFINITY), |best, (i, &v)| if v > best.1 { (i, v) } else { best });
                [f64::from(u8::from(best.0 == labels[index])), 1.0]
            }
            Targets::Sequences(all) => {
                let classes = *output.shape().last().expect("sequences were checked to have classes");
                let steps: Vec<f32> = output.iter().copied().collect();
                let largest = |step: &[f32]| (0..classes).max_by(|&a, &b| step[a].total_cmp(&step[b]));
                let mut read: Vec<usize> = steps.chunks_exact(classes).filter_map(largest).collect();
                read.dedup();
                read.retain(|&class| class + 1 != classes);
                [f64::from(u8::from(read == all[index])), 1.0]
            }
            Targets::Masks { samples, pixels } => {
                let size = pixels.len() / samples;
                let wanted = &pixels[index * size..(index + 1) * size];
                let pairs = || output.iter().zip(wanted).map(|(&value, &want)| (value > 0.5, want));
                let count = |f: fn(&(bool, bool)) -> bool| pairs().filter(f).count() as f64;
                [count(|(a, b)| *a && *b), count(|(a, b)| *a || *b)]
            }
            Targets::Images { samples, size: [height, width], pixels } => {
                let size = pixels.len() / samples;
                let wanted = &pixels[index * size..(index + 1) * size];
                let inside = |i: usize| {
                    let (y, x) = (i / width % height, i % width);
                    (BORDER..height - BORDER).contains(&y) && (BORDER..width - BORDER).contains(&x)
                };
                let (mut sum, mut count) = (0.0, 0.0);
                for (_, (value, want)) in output.iter().zip(wanted).enumerate().filter(|(i, _)| inside(*i)) {
                    let difference = f64::from(value.clamp(0.0, 1.0)) - f64::from(*want);
                    sum += difference * difference;
                    count += 1.0;
                }
                [-10.0 * log10((sum / count).max(EQUAL)), 1.0]
            }
        }
    }
}

/// That each sample's target has the shape of the output, but for axes of extent 1.
fn fits(what: &str, shape: &[usize], output: &[usize]) -> Result<()> {
    let long = |s: &[usize]| s.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
    if shape.len() < 3 || long(&shape[1..]) != long(output) {
        return refuse(
            format!(
                "y of shape {shape:?} is no array of {what}: each would have the shape of the output {output:?}"
            ),
            "masks (bool) or images (uint8, float32) as (N, channels, rows, columns)",
        );
    }
    Ok(())
}

fn images(shape: &[usize], pixels: Vec<f32>) -> Result<Targets> {
    let size = [shape[shape.len() - 2], shape[shape.len() - 1]];
    if size.iter().any(|&n| n <= 2 * BORDER) {
        return refuse(
            format!("y holds images of {size:?} pixels, of which {BORDER} on each side are left out"),
            "larger images",
        );
    }
    Ok(Targets::Images { samples: shape[0], size, pixels })
}

/// Floats: images.
fn real(shape: &[usize], pixels: Vec<f32>, output: &[usize]) -> Result<Targets> {
    if shape.len() < 3 {
        return refuse(
            format!("y of shape {shape:?} holds floats, which are images"),
            "labels as integers: y.astype('int64'), or numpy.argmax(y, 1) of scores or one-hot rows",
        );
    }
    fits("images", shape, output)?;
    if let Some(bad) = pixels.iter().find(|v| !(0.0..=1.0).contains(*v)) {
        return refuse(
            format!("y holds {bad}, the brightness of images in floats is 0 to 1"),
            "divide y by its peak, or write bytes as uint8",
        );
    }
    images(shape, pixels)
}

/// Integers: a label, or several in a row, for each sample.
fn whole(shape: &[usize], data: Vec<i64>, output: &[usize]) -> Result<Targets> {
    let class = |value: i64, classes: usize| match usize::try_from(value) {
        Ok(class) if class < classes => Ok(class),
        _ => refuse(
            format!(
                "y holds the label {value}, the output {output:?} has the classes 0 to {}",
                classes.saturating_sub(1)
            ),
            "labels that count from 0",
        ),
    };
    match *shape {
        [_] | [_, 1] => {
            let classes = output.iter().product();
            Ok(Targets::Labels(data.into_iter().map(|v| class(v, classes)).collect::<Result<_>>()?))
        }
        [_, length] if length > 0 => {
            let one_hot = |row: &[i64]| row.iter().all(|&v| v == 0 || v == 1) && row.iter().sum::<i64>() == 1;
            if length == output.iter().product::<usize>() && data.chunks_exact(length).all(one_hot) {
                return refuse(
                    format!(
                        "y of shape {shape:?} is one-hot: a row of {length} for each sample, one of them 1"
                    ),
                    "the labels themselves: numpy.argmax(y, 1)",
                );
            }
            let (Some(&classes), true) = (output.last(), output.len() >= 2) else {
                return refuse(
                    format!(
                        "y of shape {shape:?} holds sequences of labels, the output {output:?} has no steps"
                    ),
                    "one label for each sample: shape (N,)",
                );
            };
            let steps = output.iter().product::<usize>() / classes;
            if steps < 2 {
                return refuse(
                    format!(
                        "y of shape {shape:?} holds sequences of labels, the output {output:?} has one step"
                    ),
                    "one label for each sample: shape (N,)",
                );
            }
            let sequence = |row: &[i64]| {
                // -1 fills up what is shorter than the longest.
                let end = row.iter().rposition(|&v| v != -1).map_or(0, |last| last + 1);
                // The last class is the blank between labels.
                row[..end].iter().map(|&v| class(v, classes - 1)).collect::<Result<Vec<_>>>()
            };
            Ok(Targets::Sequences(data.chunks_exact(length).map(sequence).collect::<Result<_>>()?))
        }
        _ => refuse(
            format!("y of shape {shape:?} holds integers, which are labels"),
            "labels of shape (N,), sequences of shape (N, length), masks as bool, images as uint8 or float32",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::IxDyn;

    fn new(shape: &[usize], data: ArrayData, output: &[usize]) -> Result<Targets> {
        Targets::new(Array { shape: shape.to_vec(), data }, output)
    }

    fn output(shape: &[usize], data: Vec<f32>) -> ArrayD<f32> {
        ArrayD::from_shape_vec(IxDyn(shape), data).unwrap()
    }

    #[test]
    fn the_type_decides() {
        let image = [2, 1, 9, 9];
        let rows: [(&[usize], ArrayData, &[usize], Metric); 10] = [
            (&[2], ArrayData::I64(vec![0, 3]), &[1, 4], Metric::Top1),
            (&[2, 1], ArrayData::I32(vec![0, 3]), &[1, 4, 1, 1], Metric::Top1),
            (&[2], ArrayData::U8(vec![0, 1]), &[1, 4], Metric::Top1),
            (&[2, 3], ArrayData::I64(vec![0, 1, 2, 0, 1, -1]), &[1, 5, 4], Metric::Sequence),
            (&image, ArrayData::Bool(vec![0; 162]), &[1, 1, 9, 9], Metric::Iou),
            (&image, ArrayData::U8([vec![1; 100], vec![0; 62]].concat()), &[1, 1, 9, 9], Metric::Iou),
            (&image, ArrayData::U8([vec![1; 161], vec![2]].concat()), &[1, 1, 9, 9], Metric::Psnr),
            (&image, ArrayData::F32([vec![1.0; 100], vec![0.0; 62]].concat()), &[1, 1, 9, 9], Metric::Psnr),
            (&[2, 9, 9], ArrayData::F64(vec![0.5; 162]), &[1, 1, 9, 9], Metric::Psnr),
            // Not every row has exactly one 1.
            (&[1, 8], ArrayData::I64(vec![1, 0, 1, 0, 0, 0, 0, 0]), &[1, 2, 4], Metric::Sequence),
        ];
        for (shape, data, output, metric) in rows {
            assert_eq!(new(shape, data, output).unwrap().metric(), metric, "{shape:?} {output:?}");
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let image = [2, 1, 9, 9];
        let rows: [(&[usize], ArrayData, &[usize], &str); 12] = [
            (&[], ArrayData::I64(vec![1]), &[1, 4], "one number"),
            (&[2], ArrayData::F32(vec![0.0, 3.0]), &[1, 4], "astype('int64')"),
            (&[2, 4], ArrayData::F32(vec![0.25; 8]), &[1, 4], "numpy.argmax"),
            (&[2, 4], ArrayData::I64(vec![0, 1, 0, 0, 1, 0, 0, 0]), &[1, 4], "one-hot"),
            (&[2, 4], ArrayData::U8(vec![0, 1, 0, 0, 1, 0, 0, 0]), &[1, 4], "one-hot"),
            (&[2], ArrayData::I64(vec![0, 4]), &[1, 4], "the label 4"),
            (&[2], ArrayData::I64(vec![0, -1]), &[1, 4], "the label -1"),
            (&[2, 2], ArrayData::I64(vec![0, 1, 2, 3]), &[1, 4], "one step"),
            (&[1, 2], ArrayData::I64(vec![0, 3]), &[1, 5, 4], "the label 3"),
            (&image, ArrayData::Bool(vec![0; 162]), &[1, 1, 9, 8], "shape of the output"),
            (&image, ArrayData::F32(vec![9.0; 162]), &[1, 1, 9, 9], "0 to 1"),
            (&image, ArrayData::I64(vec![0; 162]), &[1, 1, 9, 9], "are labels"),
        ];
        for (shape, data, output, part) in rows {
            let e = new(shape, data, output).unwrap_err().to_string();
            assert!(e.contains(part) && e.contains("try:"), "{shape:?}: {e}");
        }
        assert!(new(&[1, 1, 8, 9], ArrayData::F32(vec![0.0; 72]), &[1, 1, 8, 9]).is_err());
    }

    #[test]
    fn sequences_and_masks() {
        // Three classes, the last one blank: 0 0 - 0 1 reads 0 0 1.
        let steps = [[1., 0., 0.], [1., 0., 0.], [0., 0., 1.], [1., 0., 0.], [0., 1., 0.]].concat();
        let read = output(&[1, 5, 3], steps);
        let score = |labels: [i64; 4]| {
            let targets = new(&[1, 4], ArrayData::I64(labels.to_vec()), &[1, 5, 3]).unwrap();
            targets.score(&read, 0)
        };
        assert_eq!(score([0, 0, 1, -1]), [1.0, 1.0]);
        assert_eq!(score([0, 1, 1, -1]), [0.0, 1.0]);
        assert_eq!(score([0, 0, 1, 1]), [0.0, 1.0]);
        let mask = new(&[1, 1, 2, 2], ArrayData::Bool(vec![1, 1, 0, 0]), &[1, 1, 2, 2]).unwrap();
        assert_eq!(mask.score(&output(&[1, 1, 2, 2], vec![0.9, 0.1, 0.8, 0.2]), 0), [1.0, 3.0]);
    }

    /// An error of 0.001 everywhere is 60 dB, whether the images come as floats or not.
    #[test]
    fn images_have_peak_one() {
        let image = |shift: f32| -> Vec<f32> { (0..144).map(|i| (i % 12) as f32 / 15.0 + shift).collect() };
        let targets = new(&[1, 1, 12, 12], ArrayData::F32(image(0.0)), &[1, 1, 12, 12]).unwrap();
        let near = targets.score(&output(&[1, 1, 12, 12], image(0.001)), 0);
        assert!((near[0] - 60.0).abs() < 0.01, "{near:?}");
        assert_eq!(targets.score(&output(&[1, 1, 12, 12], image(0.0)), 0), [120.0, 1.0]);
        let bytes = (0..144).map(|i| (i % 12) as u8 * 17).collect();
        let targets = new(&[1, 1, 12, 12], ArrayData::U8(bytes), &[1, 1, 12, 12]).unwrap();
        assert!(targets.score(&output(&[1, 1, 12, 12], image(0.0)), 0)[0] > 100.0);
    }
}
