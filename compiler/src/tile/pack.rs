//! Weight words in the order in which the array reads them.

use super::Job;
use std::sync::Arc;
use tilewright_arch::Config;

/// Weight words of an instruction, each padded to the external stride. Those of sketches have a length only: packing
/// them took most of the time of a search.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct WeightWords {
    /// Bytes.
    len: usize,
    /// Shared by the parts of one convolution.
    bytes: Option<Arc<Vec<u8>>>,
}

impl WeightWords {
    /// Their bytes, packed or not.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none, as for products.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes.
    ///
    /// # Panics
    /// Where they are those of a sketch.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref().expect("a sketch is not emitted")
    }
}

impl Job<'_> {
    /// Weight words that `pack` makes, where they are wanted.
    pub(super) fn words(&self, count: usize, pack: impl FnOnce() -> Vec<u8>) -> WeightWords {
        let len = count * self.config.weight_stride();
        let bytes = self.packs.then(|| Arc::new(pack()));
        debug_assert!(bytes.as_ref().is_none_or(|bytes| bytes.len() == len));
        WeightWords { len, bytes }
    }
}

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
