//! Dense convolutions: output channels on columns.

use super::columns::Columns;
use super::source::ReductionSource;
use super::{Job, Part, cost, long, pack, rank, toeplitz};
use crate::error::Result;
use tilewright_arch::instr::{Channels, Gather, Reduce, Step, TileOp, Unit};

impl Job<'_> {
    /// Dense convolution: channels on columns. Split so that the weights of an instruction fit half
    /// the weight memory and can be loaded while the one before runs; where a tile's alone do not, [`long`].
    pub(super) fn convolution(&self, weights: &[i8], groups: usize) -> Result<Vec<Part>> {
        let config = self.config;
        let [channels, _, _] = self.graph.grid(self.node);
        let inputs = self.at.input.shape[0] / groups;
        let source = &ReductionSource::new(self, weights, inputs)?;
        let most = self.most_outputs(source);
        if groups == 1 && source.by_plane && source.reduction <= config.weight_words {
            // All channels with several rows on the columns; or only those that plain columns leave
            // over, which would run with columns idle.
            let spread = self.node.place.depth_to_space.0 > 1;
            let full = if spread { 0 } else { channels / config.columns * config.columns };
            let sketch = &self.sketch();
            let before = |job: &Job, full: usize| -> Vec<Part> {
                let lists = job.columns(0..full, most, config.columns);
                lists.iter().map(|columns| job.dense(source, 0, inputs, columns)).collect()
            };
            let sketched = before(sketch, full);
            let mut limit = rank(&sketch.plain(source, groups, inputs), config);
            let mut best = None;
            for rows in 2..=config.columns.min(self.rows.len()) {
                for first in if full > 0 { vec![0, full] } else { vec![0] } {
                    if first == channels {
                        continue;
                    }
                    let Some(part) = toeplitz::part(sketch, source, first..channels, rows) else { continue };
                    let before = if first > 0 { &sketched[..] } else { &[] };
                    if !limit.0 && part.cost(config).added() + cost(before, config) >= limit.1 {
                        continue;
                    }
                    let (head, tail) = (rank(before, config), rank(std::slice::from_ref(&part), config));
                    let both = (head.0 || tail.0, head.1 + tail.1);
                    if both < limit {
                        (best, limit) = (Some((first, rows)), both);
                    }
                }
            }
            let last = |(first, rows)| Some((first, toeplitz::part(self, source, first..channels, rows)?));
            if let Some((first, part)) = best.and_then(last) {
                return Ok([before(self, first), vec![part]].concat());
            }
        }
        Ok(self.plain(source, groups, inputs))
    }

    /// Output channels of an instruction, at most: whole groups of columns whose weights and parameters fit half their
    /// memories.
    fn most_outputs(&self, source: &ReductionSource) -> usize {
        let columns = self.config.columns;
        let most_words = (self.config.weight_words / 2 / source.reduction).max(1) * columns;
        most_words.min(self.most_channels().next_multiple_of(columns))
    }

    /// The instructions that have output channels on their columns.
    fn plain(&self, source: &ReductionSource, groups: usize, inputs: usize) -> Vec<Part> {
        let (config, reduction) = (self.config, source.reduction);
        let [channels, _, _] = self.graph.grid(self.node);
        let per_group = channels / groups;
        let mut parts = vec![];
        for group in 0..groups {
            let own = group * per_group..(group + 1) * per_group;
            let first_input = group * inputs;
            for columns in self.columns(own, self.most_outputs(source), config.columns) {
                if columns.group.count * reduction <= config.weight_words {
                    parts.push(self.dense(source, first_input, inputs, &columns));
                } else if reduction <= config.weight_words {
                    parts
                        .extend(columns.single_groups().map(|c| self.dense(source, first_input, inputs, &c)));
                } else {
                    parts.extend(
                        columns.single_groups().flat_map(|c| long::parts(self, source, first_input, &c)),
                    );
                }
            }
        }
        parts
    }

    /// The instruction that has output channels on its columns, whatever makes its weights.
    pub(super) fn dense_op(&self, columns: &Columns, steps: [Step; 3], input: Gather) -> TileOp {
        let width = columns.width();
        let plane = self.at.operand.map_or(0, |o| o.plane);
        let op = TileOp {
            reduce: Reduce::Dense,
            groups: columns.group.count,
            columns: width,
            last_columns: columns.last,
            inner_columns: columns.inner.count,
            width: self.width(),
            lines: self.rows.len(),
            line_step: 1,
            steps,
            input,
            channels: Channels { base: 0, column_step: 1, group_step: width },
            ..TileOp::default()
        };
        let loops = [columns.group, columns.outer, columns.inner].map(|l| l.channel * plane);
        self.finish(op, columns, loops, self.node.place.depth_to_space.0)
    }

    /// The instruction of some columns that reads the channels from `first_input` on.
    fn dense(&self, source: &ReductionSource, first_input: usize, inputs: usize, columns: &Columns) -> Part {
        let op = self.dense_op(columns, source.steps, self.input(first_input, 1, self.zero()));
        let lists = columns.channels();
        let [kh, kw] = self.node.window.kernel;
        let outputs = lists.iter().map(Vec::len).sum::<usize>() * self.rows.len() * self.width();
        Part {
            unit: Unit::Compute,
            op,
            weights: self.words(lists.len() * source.reduction, || {
                pack::dense(&source.weights, source.reduction, &lists, self.config)
            }),
            factors: None,
            channels: lists.iter().flatten().map(|&c| self.channel(c)).collect(),
            macs: (outputs * inputs * kh * kw) as u64,
        }
    }
}
