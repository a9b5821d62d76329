//! Random loads and stores.

use super::{Any, OUTPUT, ProgramBuilder, Tensor};
use crate::check::access::word_bytes;
use tilewright_arch::fixed::{CHANNEL_BYTES, Channel, Half, MAX_MANTISSA};
use tilewright_arch::instr::{LocalMemory, Ring, Transfer, Unit};

impl ProgramBuilder<'_> {
    /// Appends random constants and returns their address.
    fn constants(&mut self, bytes: usize, align: usize) -> usize {
        while !self.data.len().is_multiple_of(align) {
            self.data.push(0x55);
        }
        let at = self.data.len();
        for _ in 0..bytes {
            let byte = self.rng.bits() as u8;
            self.data.push(byte);
        }
        at
    }

    /// A free-standing place for a tensor: random pitch, plane, page and sometimes a ring.
    pub fn place(&mut self, shape: [usize; 3]) -> Option<Tensor> {
        let [c, h, w] = shape;
        let p = self.config.lanes;
        // A pitch that runs on over line ends, one of whole rows, or any.
        let pitch = match self.rng.below(3) {
            0 => w,
            1 => w.next_multiple_of(p),
            _ => w + self.rng.below(p),
        };
        let ring = h > 1 && self.rng.percent(25);
        // A ring holds whole rows of P bytes.
        let pitch = if ring { w.next_multiple_of(p) } else { pitch };
        let slots = if ring { h + self.rng.below(3) } else { h };
        let plane = slots * pitch + self.rng.below(p + 1);
        let span = (c - 1) * plane + slots * pitch;
        let bytes = self.config.feature_bytes();
        if span > bytes {
            return None;
        }
        let page = self.config.feature.page_rows * p;
        let base = match self.rng.below(4) {
            // Anywhere, also across pages.
            0 => self.rng.below(bytes - span + 1),
            _ if span <= page => {
                self.rng.below(self.config.feature.pages) * page + self.rng.below(page - span + 1)
            }
            _ => bytes - span,
        };
        let first = if ring { self.rng.within(slots - h + 1, slots - 1) } else { 0 };
        Some(Tensor {
            shape,
            base: (base + first * pitch) as i64,
            plane: plane as i64,
            pitch: pitch as i64,
            line: if ring { slots - first } else { Ring::NEVER },
            bytes: if ring { slots * pitch } else { 0 },
            fresh: false,
        })
    }

    /// Loads a tensor, from constants or from something stored before.
    pub fn load_tensor(&mut self) {
        if self.rng.percent(25) && !self.stored.is_empty() {
            let (address, shape) = self.rng.pick(&self.stored);
            self.load_from(shape, Some(address));
        } else {
            let shape = [self.rng.within(1, 5), self.rng.within(1, 8), self.rng.within(1, 11)];
            self.load_shape(shape);
        }
    }

    /// Loads a tensor of constants.
    pub fn load_shape(&mut self, shape: [usize; 3]) {
        self.load_from(shape, None);
    }

    fn load_from(&mut self, shape: [usize; 3], stored: Option<usize>) {
        let [c, h, w] = shape;
        let Some(tensor) = self.place(shape) else {
            return;
        };
        let (external, line, plane) = match stored {
            Some(address) => (address, w, h * w),
            None => {
                let line = w + self.rng.pick(&[0, 0, 1, 5]);
                let plane = h * line + self.rng.pick(&[0, 0, 3]);
                let align = self.rng.pick(&[1, 1, 4]);
                (self.constants(c * plane, align), line, plane)
            }
        };
        if self.move_tensor(Unit::Load, &tensor, external, [line, plane], h) {
            self.tensors.push(tensor);
        }
    }

    /// One transfer for the rows before the end of a ring and one for those after it.
    fn move_tensor(
        &mut self,
        unit: Unit,
        t: &Tensor,
        external: usize,
        [line, plane]: [usize; 2],
        rows: usize,
    ) -> bool {
        let turn = t.line.min(rows);
        let mut ok = true;
        for (from, to) in [(0, turn), (turn, rows)] {
            if from == to {
                continue;
            }
            let wrap = if from > 0 { t.bytes as i64 } else { 0 };
            ok &= self.push(
                unit,
                Any::Transfer(Transfer {
                    external: external + (from * line),
                    external_line: line as i64,
                    external_plane: plane as i64,
                    local: t.base + from as i64 * t.pitch - wrap,
                    local_line: t.pitch,
                    local_plane: t.plane,
                    line_bytes: t.shape[2],
                    lines: (to - from),
                    planes: t.shape[0],
                    ..Transfer::default()
                }),
            );
        }
        ok
    }

    /// Stores any tensor, or some of its rows.
    pub fn store_any(&mut self) {
        if !self.tensors.is_empty() {
            let i = self.rng.below(self.tensors.len());
            self.store(i);
        }
    }

    /// Stores tensor `i`.
    pub fn store(&mut self, i: usize) {
        let t = self.tensors[i];
        let [c, h, w] = t.shape;
        let whole = t.fresh || self.rng.percent(60);
        let rows = if whole { h } else { self.rng.within(1, h) };
        let line = w + self.rng.pick(&[0, 0, 0, 2]);
        let plane = rows * line;
        let at = OUTPUT + self.output + self.rng.below(9);
        if self.move_tensor(Unit::Store, &t, at, [line, plane], rows) {
            self.tensors[i].fresh = false;
            if line == w {
                self.stored.push((at, [c, rows, w]));
            }
        } else {
            self.tensors.remove(i);
        }
        self.output = at - OUTPUT + (c * plane);
    }

    /// Words that some later instruction may use.
    pub fn load_words_early(&mut self) {
        let memory = self.rng.pick(&[
            LocalMemory::Weights,
            LocalMemory::ComputeChannels,
            LocalMemory::VectorChannels,
            LocalMemory::Tables,
        ]);
        let count = self.rng.within(1, 12);
        self.words(memory, count, 8);
    }

    /// First of `count` words that hold something: old ones or newly loaded ones. `reduction` sets
    /// the size of channels' factors.
    pub fn words(&mut self, memory: LocalMemory, count: usize, reduction: usize) -> Option<usize> {
        let kind = match memory {
            LocalMemory::Feature => return None,
            LocalMemory::Weights => 0,
            LocalMemory::ComputeChannels => 1,
            LocalMemory::VectorChannels => 2,
            LocalMemory::Tables => 3,
        };
        let (bytes, size) = word_bytes(memory, self.config);
        let count = if memory == LocalMemory::Tables { 1 } else { count };
        if count > size {
            return None;
        }
        let old: Vec<(usize, usize)> =
            self.loaded[kind].iter().copied().filter(|&(_, n)| n >= count).collect();
        if !old.is_empty() && self.rng.percent(35) {
            let (first, n) = self.rng.pick(&old);
            return Some((first + self.rng.below(n - count + 1)) % size);
        }
        let first = match memory {
            // Weights wrap at the end of their memory.
            LocalMemory::Weights if self.rng.percent(30) => size - 1 - self.rng.below(count.min(size - 1)),
            LocalMemory::Weights => self.rng.below(size),
            _ => self.rng.below(size - count + 1),
        };
        let split = if count > 1 && self.rng.percent(30) { self.rng.within(1, count - 1) } else { count };
        for (from, to) in [(0, split), (split, count)] {
            if from == to {
                continue;
            }
            let external = match memory {
                LocalMemory::ComputeChannels | LocalMemory::VectorChannels => {
                    self.channels(to - from, reduction)
                }
                _ => self.constants((to - from) * bytes, self.config.memory.bus_bytes),
            };
            if memory == LocalMemory::Weights {
                // Weights are symmetric: -128 is none.
                let new = external..;
                self.data[new].iter_mut().filter(|b| **b == 0x80).for_each(|b| *b = 0x81);
            }
            let op = Transfer {
                memory,
                external,
                local: ((first + from) % size) as i64,
                line_bytes: ((to - from) * bytes),
                lines: 1,
                planes: 1,
                ..Transfer::default()
            };
            if !self.push(Unit::Load, Any::Transfer(op)) {
                return None;
            }
        }
        if self.loaded[kind].len() > 3 {
            self.loaded[kind].remove(0);
        }
        self.loaded[kind].push((first, count));
        Some(first)
    }

    /// Channels whose outputs spread over the byte range for sums of `reduction` products.
    fn channels(&mut self, count: usize, reduction: usize) -> usize {
        let at = self.constants(0, CHANNEL_BYTES.max(self.config.memory.bus_bytes));
        let spread = 12 + (usize::BITS - reduction.leading_zeros()) as usize / 2;
        for _ in 0..count {
            let sign = |v: i32, negative: bool| if negative { -v } else { v };
            let mantissa = self.rng.within(1 << 23, MAX_MANTISSA as usize) as i32;
            let other = self.rng.within(0, MAX_MANTISSA as usize) as i32;
            let wild = self.rng.percent(5);
            let half = self.rng.pick(&[Half::None, Half::None, Half::None, Half::High, Half::Low]);
            // A sum of about 2^spread times 2^24 becomes about 2^22 (with 16 fractional bits), or
            // 2^26 (with 12) for a half.
            let shift = spread + 1 + self.rng.below(3) - if half == Half::None { 0 } else { 4 };
            let channel = Channel {
                bias: if wild {
                    self.rng.bits() as i32
                } else {
                    self.rng.below(2 << spread) as i32 - (1 << spread)
                },
                mantissa: sign(mantissa, self.rng.percent(20)),
                negative_mantissa: if self.rng.percent(60) {
                    mantissa
                } else {
                    sign(other, self.rng.percent(50))
                },
                shift: if wild { self.rng.below(64) } else { shift } as u8,
                half,
            };
            self.data.extend(channel.to_bytes());
        }
        at
    }
}
