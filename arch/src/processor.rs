//! Which instructions the kernels of compiler and simulator use of the processor they run on.
//!
//! Levels change how long a kernel takes, never what it computes: integer sums wrap, so their order
//! does not matter, and float sums have one order, with every product rounded before it is added.

use std::sync::OnceLock;

/// The environment variable that, set to anything but nothing or 0, forbids all levels but
/// [`Level::Portable`].
pub const PORTABLE: &str = "TILEWRIGHT_PORTABLE";

/// Which instructions the kernels use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Whatever the compiler was told to assume.
    Portable,
    /// AVX2 by automatic vectorisation.
    Avx2,
    /// AVX-512 with 8-bit dot products.
    Vnni,
}

impl Level {
    /// The best level of this processor, whatever the environment says.
    pub fn best() -> Level {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(detect)
    }

    /// The level to use: the best, unless [`PORTABLE`] forbids it. The variable is read once.
    pub fn chosen() -> Level {
        static CHOSEN: OnceLock<Level> = OnceLock::new();
        *CHOSEN.get_or_init(|| match std::env::var_os(PORTABLE) {
            Some(value) if !value.is_empty() && value != "0" => Level::Portable,
            _ => Level::best(),
        })
    }

    /// The levels that this processor has, for tests.
    pub fn available() -> Vec<Level> {
        [Level::Portable, Level::Avx2, Level::Vnni].into_iter().filter(|&l| l <= Level::best()).collect()
    }
}

fn detect() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        if has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512dq") && has!("avx512vnni") {
            return Level::Vnni;
        }
        if has!("avx2") {
            return Level::Avx2;
        }
    }
    Level::Portable
}
