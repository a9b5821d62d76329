//! How much of a machine's feature memory one value may take.

use tilewright_arch::Config;

/// Elements of the input of a mean over a whole map, at most, for it to be taken in one operation. That holds the map
/// whole, a quarter of the memory; the rest is for what makes the map and for what else is alive.
fn mean(config: &Config) -> usize {
    share(config, 4)
}

/// Whether a mean of maps of such a `shape`, which gives a `grid` of positions, is taken of the means of the rows, which pass
/// through in stripes.
pub fn by_rows(grid: [usize; 3], shape: [usize; 3], config: &Config) -> bool {
    grid[1..] == [1, 1] && shape.iter().product::<usize>() > mean(config)
}

/// Elements of a product of activations and of each of its operands, at most, for copies to be made for it: two
/// operands, the copy of one of them and the result are on chip together, a quarter each. Its rows are lines, which
/// cannot pass through the machine in stripes.
pub fn multiplied(config: &Config) -> usize {
    share(config, 4)
}

/// Elements of a value that is copied as a whole, at most; larger ones only in stripes of rows. Value and copy take a
/// quarter of the memory together, as one value does elsewhere.
pub fn copied(config: &Config) -> usize {
    share(config, 8)
}

/// One of so many parts of the feature memory, rounded up to a power of two: maps have such sizes more often than
/// others, and memories such as the default machine's 252 KiB are a little less than one.
fn share(config: &Config, parts: usize) -> usize {
    (config.feature_bytes() / parts).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_the_memory() {
        let mut config = Config::sized(9, 16);
        assert_eq!([mean(&config), multiplied(&config), copied(&config)], [1 << 16, 1 << 16, 1 << 15]);
        config.feature.page_rows /= 4;
        assert_eq!([mean(&config), multiplied(&config), copied(&config)], [1 << 14, 1 << 14, 1 << 13]);
    }
}
