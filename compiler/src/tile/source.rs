//! What a reduction over channels reads: planes of bytes, and the weights that the bytes meet.
//!
//! The halves of 16-bit values are planes of their own that meet the same weights; the array counts
//! those at even steps of the outermost loop 256-fold. So that loop runs over all planes where these
//! lie evenly, and over the two halves alone where a loop is left for the channels.

use super::Job;
use crate::error::Result;
use std::borrow::Cow;
use tilewright_arch::instr::Step;

/// The reduction of some input channels and the window.
pub(super) struct Source<'w> {
    /// Loops, outermost first.
    pub steps: [Step; 3],
    /// A row for each output channel, in the loops' order.
    pub weights: Cow<'w, [i8]>,
    /// Whether the loops are planes, kernel rows, kernel columns.
    pub by_plane: bool,
}

impl<'w> Source<'w> {
    /// The reduction of `inputs` channels; `weights` has a row of `inputs` kernels for each output
    /// channel.
    ///
    /// # Errors
    /// 16-bit values whose channels do not follow each other, under a kernel of several rows and
    /// columns.
    pub fn new(job: &Job, weights: &'w [i8], inputs: usize) -> Result<Source<'w>> {
        let (input, window) = (job.at.input, &job.node.window);
        let ([kh, kw], [dy, dx]) = (window.kernel, window.dilation);
        let rows = Step { count: kh as u16, address: (dy * input.pitch) as i32, y: dy as i16, x: 0 };
        let columns = Step { count: kw as u16, address: (dx * input.pixel) as i32, y: 0, x: dx as i16 };
        let planes = |count: usize, bytes: usize| Step {
            count: count as u16,
            address: bytes as i32,
            ..Step::default()
        };
        if !job.node.wide {
            let steps = [planes(inputs, input.plane), rows, columns];
            return Ok(Source { steps, weights: Cow::Borrowed(weights), by_plane: true });
        }
        let twice = |part: usize| weights.chunks(part).flat_map(|part| [part, part]).flatten().copied();
        if inputs == 1 || input.plane == 2 * input.half {
            let steps = [planes(2 * inputs, input.half), rows, columns];
            return Ok(Source { steps, weights: twice(kh * kw).collect(), by_plane: true });
        }
        let kernel = match (kh, kw) {
            (_, 1) => rows,
            (1, _) => columns,
            _ => {
                return Err(job
                    .refuse("a kernel of several rows and columns over transposed 16-bit values")
                    .hint("--precision int8"));
            }
        };
        let steps = [planes(2, input.half), planes(inputs, input.plane), kernel];
        Ok(Source { steps, weights: twice(inputs * kh * kw).collect(), by_plane: false })
    }

    /// Steps of a tile, and weights of a row.
    pub fn reduction(&self) -> usize {
        self.steps.iter().map(|step| usize::from(step.count)).product()
    }
}
