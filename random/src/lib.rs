//! Repeatable random numbers for tests: the same on every machine, not good ones.
#![forbid(unsafe_code)]

/// A stream of numbers, a pure function of its seed (xorshift64*: Vigna, "An experimental exploration of
/// Marsaglia's xorshift generators, scrambled", 2016).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream that starts from `seed`.
    pub fn new(seed: u64) -> Random {
        // The multiplication spreads small seeds; xorshift must not start from zero.
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Uniform in `0..n`; 0 where that is empty.
    pub fn below(&mut self, n: usize) -> usize {
        // The lowest bits are the worst.
        ((self.bits() >> 16) % (n as u64).max(1)) as usize
    }

    /// Uniform in `low..=high`, less than 2^48 numbers; `low` where that is empty.
    ///
    /// # Panics
    /// If a bound is no `i64`.
    pub fn within<T: TryFrom<i64> + TryInto<i64>>(&mut self, low: T, high: T) -> T {
        let whole = |x: T| x.try_into().ok().expect("a bound is beyond 64 bits");
        let (low, high) = (whole(low), whole(high));
        let n = usize::try_from(high - low + 1).unwrap_or(0);
        T::try_from(low + self.below(n) as i64).ok().expect("between two numbers of a type lie others of it")
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// True `percent` of the time.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    ///
    /// # Panics
    /// If there are none.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Uniform in -1..1, a multiple of 2^-19.
    pub fn float(&mut self) -> f32 {
        self.below(1 << 20) as f32 / (1 << 19) as f32 - 1.0
    }

    /// `count` floats in -1..1.
    pub fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.float()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let first = |seed| Random::new(seed).floats(8);
        assert_eq!(first(3), first(3));
        assert_ne!(first(3), first(4));
        assert!(Random::new(0).floats(1000).iter().all(|x| (-1.0..1.0).contains(x)));
    }

    #[test]
    fn all_of_a_range_is_drawn() {
        let mut random = Random::new(1);
        let mut seen: Vec<i8> = (0..5000).map(|_| random.within(-128, 127)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, (-128..=127).collect::<Vec<i8>>());
        assert_eq!(random.within(u64::from(u32::MAX), u64::from(u32::MAX)), u64::from(u32::MAX));
    }
}
