//! Ranges and widths: scale, zero point and number of bytes of every tensor, from what calibration sees.

pub mod calibrate;
pub mod entropy;
pub mod equalisation_groups;
pub mod equalise;
pub mod histogram;
pub mod least;
pub mod range;
pub mod scale_classes;
pub mod scales;
pub mod sentinels;
pub mod width;
