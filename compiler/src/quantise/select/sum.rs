//! The reduction of a fused operation in the making and what calibration observes of it, rewritten together: a
//! statistic that describes another value than the machine's sum corrects biases by what never was an error.

use super::kernel::{COPY, Kernel};
use super::strided::StridedLayout;
use crate::graph::{ValueId, Window};

/// What calibration observes of a reduction.
#[derive(Clone, PartialEq, Debug)]
pub struct Observed {
    /// The value observed.
    pub value: ValueId,
    /// Where in the tensor that the fused operation writes its elements lie, before DepthToSpace.
    pub held: StridedLayout,
    /// The reduction's result, before slope, operand and clamp, is this times the value.
    pub factor: f64,
}

/// A reduction, which changes only together with what is observed of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Sum {
    kernel: Kernel,
    observed: Observed,
}

impl Sum {
    /// The reduction `kernel`, whose result is `value`.
    pub fn new(kernel: Kernel, value: ValueId, held: StridedLayout) -> Sum {
        Sum { kernel, observed: Observed { value, held, factor: 1.0 } }
    }

    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    pub fn into_parts(self) -> (Kernel, Observed) {
        (self.kernel, self.observed)
    }

    /// scale * x + offset for the result x, where the reduction's parameters can express it: the value
    /// `made`, which lies as `held` says.
    pub fn affine(&mut self, scale: f64, offset: f64, made: ValueId, held: &StridedLayout) -> bool {
        let able = self.scale(scale, offset);
        if able {
            self.observed = Observed { value: made, held: held.clone(), factor: 1.0 };
        }
        able
    }

    /// Adds a constant to every channel, where the reduction has biases: the value `made`, which lies as
    /// `held` says.
    pub fn add(&mut self, more: &[f64], made: ValueId, held: &StridedLayout) -> bool {
        let bias = match &mut self.kernel {
            Kernel::Linear { bias, .. } => bias,
            Kernel::Phases { phases, bias, .. } => {
                // A copy's bias would be whole steps of its input: a weight makes it finer.
                for phase in phases.iter_mut().filter(|phase| phase.weights.is_empty()) {
                    phase.weights = vec![1.0; more.len()];
                }
                bias
            }
            _ => return false,
        };
        bias.iter_mut().zip(more).for_each(|(b, m)| *b += m);
        self.observed = Observed { value: made, held: held.clone(), factor: 1.0 };
        true
    }

    /// Changes the sign of the result, where it can be; that is no value of the graph.
    pub fn negate(&mut self) -> bool {
        let able = self.scale(-1.0, 0.0);
        if able {
            self.observed.factor = -self.observed.factor;
        }
        able
    }

    /// Copies `read`, which the reduction reads element by element and which lies as the result does.
    pub fn become_copy(&mut self, read: ValueId) {
        self.kernel = COPY;
        (self.observed.value, self.observed.factor) = (read, 1.0);
    }

    /// Factor and offset where the reduction is the same scaling of every element.
    pub fn uniform(&self) -> Option<(f64, f64)> {
        let Kernel::Linear { window, weights, bias, groups } = &self.kernel else { return None };
        let alike = weights.iter().all(|w| *w == weights[0]) && bias.iter().all(|b| *b == bias[0]);
        let one = *window == Window::UNIT && weights.len() == bias.len() && *groups == bias.len();
        (alike && one).then(|| (f64::from(weights[0]), bias[0]))
    }

    fn scale(&mut self, scale: f64, offset: f64) -> bool {
        match &mut self.kernel {
            Kernel::Linear { weights, bias, .. } => {
                if weights.iter().any(|&w| !((f64::from(w) * scale) as f32).is_finite()) {
                    return false;
                }
                weights.iter_mut().for_each(|w| *w = (f64::from(*w) * scale) as f32);
                bias.iter_mut().for_each(|b| *b = *b * scale + offset);
                true
            }
            Kernel::Mean { factor, .. } | Kernel::Product { factor, .. } if offset == 0.0 => {
                *factor *= scale;
                true
            }
            _ => false,
        }
    }
}
