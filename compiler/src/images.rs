//! Images (PNG, JPEG) as network inputs, for calibration and for trying a network out.
//!
//! Samples become float32 in the order NCHW: in 0..=1 (divided by 255, or by 65535 where 16 bits are
//! stored) for networks that take real numbers, as they are stored for those that take whole numbers. One
//! channel means luma, three mean red, green, blue. Nothing is resized or normalised silently: a network
//! that wants its inputs otherwise gets them from a `.npy` file.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageReader};
use ndarray::{Array3, ArrayD, Axis, stack};

use crate::error::{Error, Result};
use crate::{files, memory};

/// What a sample of an image becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Numbers {
    /// The share of full brightness, 0 to 1.
    Share,
    /// The number that is stored: 0 to 255, or to 65535 in images of 16 bits.
    Stored,
}

const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

fn error(path: &Path, message: impl Into<String>) -> Error {
    Error::new("images", message).file(path.display().to_string())
}

/// Reads an image, or all images of a folder in the order of their names, as (N, C, H, W).
///
/// `shape` is the (C, H, W) that the network wants.
///
/// # Errors
/// A path that cannot be read, a folder without images, a damaged image, an image of another size,
/// channels other than 1 and 3, more pixels than the budget of memory has.
pub fn read(path: &Path, shape: [usize; 3], numbers: Numbers) -> Result<ArrayD<f32>> {
    let paths = if path.is_dir() { in_folder(path)? } else { vec![path.to_owned()] };
    // The images, and the array of all of them.
    let bytes = memory::floats(shape.iter().product::<usize>().saturating_mul(2 * paths.len()));
    memory::check(bytes, &format!("{} images", paths.len()))
        .map_err(|e| e.file(path.display().to_string()))?;
    let images: Vec<Array3<f32>> = paths
        .iter()
        .map(|path| read_one(path, shape, numbers).map_err(|e| e.file(path.display().to_string())))
        .collect::<Result<_>>()?;
    let views: Vec<_> = images.iter().map(|i| i.view()).collect();
    let all = stack(Axis(0), &views).map_err(|e| error(path, e.to_string()))?;
    Ok(all.into_dyn())
}

/// The images of a folder, sorted, so that the same folder always gives the same array.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |e: std::io::Error| error(folder, format!("cannot be read: {e}"));
    let is_image = |path: &PathBuf| {
        let extension = path.extension().and_then(|e| e.to_str());
        extension.is_some_and(|e| EXTENSIONS.contains(&e.to_ascii_lowercase().as_str()))
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.retain(is_image);
    paths.sort();
    if paths.is_empty() {
        return Err(error(folder, "holds no .png, .jpg or .jpeg files"));
    }
    Ok(paths)
}

fn read_one(path: &Path, [channels, height, width]: [usize; 3], numbers: Numbers) -> Result<Array3<f32>> {
    let open = || {
        let file = files::open(path).map(|(file, _)| BufReader::new(file));
        let reader = file.and_then(|file| ImageReader::new(file).with_guessed_format());
        reader.map_err(|e| error(path, format!("cannot be read: {e}")))
    };
    // The size is checked before decoding: a bomb of an image never unfolds.
    let size = open()?.into_dimensions().map_err(|e| error(path, format!("is not an image: {e}")))?;
    if (size.0 as usize, size.1 as usize) != (width, height) {
        let message = format!("is {}x{}, the network wants {width}x{height}", size.0, size.1);
        return Err(error(path, message).hint("scale the images first"));
    }
    let image = open()?.decode().map_err(|e| error(path, format!("is damaged: {e}")))?;
    planes(&image, channels, numbers)
        .ok_or_else(|| error(path, format!("cannot become {channels} channels, only 1 or 3")))
}

/// (C, H, W).
fn planes(image: &DynamicImage, channels: usize, numbers: Numbers) -> Option<Array3<f32>> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    // 16 bits hold both depths exactly: 8-bit samples are multiplied by 257 = 65535 / 255.
    let samples = match channels {
        1 => image.to_luma16().into_raw(),
        3 => image.to_rgb16().into_raw(),
        _ => return None,
    };
    let at = |(c, y, x): (usize, usize, usize)| samples[(y * width + x) * channels + c];
    let color = image.color();
    let deep = color.bytes_per_pixel() > color.channel_count();
    let unit = match numbers {
        Numbers::Share => 65535.0,
        Numbers::Stored if deep => 1.0,
        Numbers::Stored => 257.0,
    };
    let float = |p| f32::from(at(p)) / unit;
    Some(Array3::from_shape_fn((channels, height, width), float))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage};

    fn folder(name: &str) -> PathBuf {
        let name = format!("tilewright-images-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_folder_becomes_one_sorted_batch() {
        let folder = folder("batch");
        for (name, red) in [("b.png", 51), ("a.PNG", 255)] {
            let pixel = |x, _| Rgb([red, x as u8, 0]);
            RgbImage::from_fn(3, 2, pixel).save(folder.join(name)).unwrap();
        }
        std::fs::write(folder.join("notes.txt"), "no image").unwrap();
        let x = read(&folder, [3, 2, 3], Numbers::Share).unwrap();
        assert_eq!(x.shape(), [2, 3, 2, 3]);
        assert_eq!(x[[0, 0, 1, 2]], 1.0);
        assert_eq!(x[[1, 0, 0, 0]], 0.2);
        assert_eq!(x[[1, 1, 1, 2]], 2.0 / 255.0);
        assert_eq!(x[[1, 2, 1, 2]], 0.0);
        let e = read(&folder, [3, 3, 2], Numbers::Share).unwrap_err().to_string();
        assert!(e.contains("a.PNG") && e.contains("is 3x2"), "{e}");
        assert!(read(&folder, [4, 2, 3], Numbers::Share).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn grey_images_and_damage() {
        let folder = folder("grey");
        let path = folder.join("g.png");
        let grey = GrayImage::from_fn(2, 2, |x, y| Luma([(x + 2 * y) as u8 * 85]));
        grey.save(&path).unwrap();
        let x = read(&path, [1, 2, 2], Numbers::Share).unwrap();
        assert_eq!(x[[0, 0, 1, 1]], 1.0);
        assert_eq!(x[[0, 0, 0, 1]], 85.0 / 255.0);
        let stored = read(&path, [1, 2, 2], Numbers::Stored).unwrap();
        assert_eq!(stored.into_iter().collect::<Vec<_>>(), [0.0, 85.0, 170.0, 255.0]);
        let deep = ImageBuffer::<Luma<u16>, _>::from_pixel(2, 2, Luma([1000]));
        deep.save(&path).unwrap();
        assert_eq!(read(&path, [1, 2, 2], Numbers::Stored).unwrap()[[0, 0, 0, 0]], 1000.0);
        assert_eq!(read(&path, [1, 2, 2], Numbers::Share).unwrap()[[0, 0, 0, 0]], 1000.0 / 65535.0);
        grey.save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for end in 0..bytes.len() - 12 {
            std::fs::write(&path, &bytes[..end]).unwrap();
            let _ = read(&path, [1, 2, 2], Numbers::Share);
        }
        std::fs::write(&path, b"nothing").unwrap();
        assert!(read(&path, [1, 2, 2], Numbers::Share).is_err());
        assert!(read(&folder.join("missing.png"), [1, 2, 2], Numbers::Share).is_err());
        std::fs::remove_file(&path).unwrap();
        assert!(read(&folder, [1, 2, 2], Numbers::Share).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
