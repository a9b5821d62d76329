//! Weight words in the order in which the array reads them.

use tilewright_arch::Config;

/// Words of dense columns: for each group, for each of `reduction` steps, one byte for each column
/// (zero for missing ones). `weights[channel * reduction + step]`; `lists` has the output channels
/// of each group in column order.
pub fn dense(weights: &[i8], reduction: usize, lists: &[Vec<usize>], config: &Config) -> Vec<u8> {
    let stride = config.weight_stride();
    let mut words = vec![0; lists.len() * reduction * stride];
    for (list, group) in lists.iter().zip(words.chunks_mut(reduction * stride)) {
        for (column, &channel) in list.iter().enumerate() {
            let row = &weights[channel * reduction..(channel + 1) * reduction];
            for (weight, word) in row.iter().zip(group.chunks_mut(stride)) {
                word[column] = weight.cast_unsigned();
            }
        }
    }
    words
}

/// Words of taps: each of `taps` becomes one word, padded with zeros.
pub fn taps(taps: impl Iterator<Item = Vec<i8>>, config: &Config) -> Vec<u8> {
    let stride = config.weight_stride();
    let mut words = vec![];
    for word in taps {
        let start = words.len();
        words.extend(word.iter().map(|t| t.cast_unsigned()));
        words.resize(start + stride, 0);
    }
    words
}
