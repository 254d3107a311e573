//! Pseudo-random choices that a seed fixes.

/// A sequence of choices.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A sequence of its own for part `number` of what this seed decides.
    pub fn part(seed: u64, number: u64) -> Self {
        let mut random = Self(seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Self(random.number())
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 if that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit.max(1)
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of `choices`.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// Changes the order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// The seed that `LAB_SEED` names, else `otherwise`.
///
/// # Panics
/// If `LAB_SEED` is no number.
pub fn seed_from_environment(otherwise: u64) -> u64 {
    match std::env::var("LAB_SEED") {
        Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("LAB_SEED is {seed:?}, not a number")),
        Err(_) => otherwise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_fixes_the_sequence() {
        let take = |mut random: Random| (0..8).map(|_| random.below(100)).collect::<Vec<_>>();
        assert_eq!(take(Random::new(1)), take(Random::new(1)));
        assert_ne!(take(Random::new(1)), take(Random::new(2)));
        assert_ne!(take(Random::part(1, 0)), take(Random::part(1, 1)));
        let mut order: Vec<u32> = (0..20).collect();
        Random::new(3).shuffle(&mut order);
        assert!(order.windows(2).any(|pair| pair[0] > pair[1]));
        order.sort_unstable();
        assert!(order.into_iter().eq(0..20));
    }
}
