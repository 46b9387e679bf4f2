//! The generator behind the search: `SplitMix64` (Steele, Lea, Flood 2014). Frozen: studies that people keep depend on it.

/// `SplitMix64`'s step.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of 64-bit numbers from a seed.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// Evenly from 0 to below `bound`: the upper half of a 128-bit product. For bounds up to 2^53 the share of each
    /// number is off by less than one in 2^11.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The upper half of a product of two 64-bit numbers fits into 64 bits.
        #[allow(clippy::cast_possible_truncation)]
        let upper = ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64;
        upper
    }

    /// The numbers below `n` in random order (Fisher and Yates, from the end).
    pub(crate) fn permutation(&mut self, n: u64) -> Vec<u64> {
        let mut order: Vec<u64> = (0..n).collect();
        for i in (1..order.len()).rev() {
            // Below the length of a vector.
            #[allow(clippy::cast_possible_truncation)]
            let j = self.below(i as u64 + 1) as usize;
            order.swap(i, j);
        }
        order
    }
}

/// The number of the stream of `seed` at `index`, without those before it, in 0 to below 1.
pub(super) fn uniform_at(seed: u64, index: u64) -> f64 {
    let bits = mix(seed.wrapping_add(GAMMA.wrapping_mul(index.wrapping_add(1))));
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
#[allow(clippy::float_cmp, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod tests {
    use super::*;

    #[test]
    fn the_published_stream() {
        // As other implementations give it for the seed 1234567.
        let mut generator = SplitMix64::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
        ];
        assert_eq!(std::array::from_fn::<_, 4, _>(|_| generator.next()), expected);
        assert_eq!(uniform_at(1_234_567, 2), (expected[2] >> 11) as f64 / (1_u64 << 53) as f64);
    }

    #[test]
    fn permutations_are_permutations_and_even() {
        let mut generator = SplitMix64::new(1);
        let mut first = [0_u32; 5];
        for _ in 0..10_000 {
            let mut order = generator.permutation(5);
            first[usize::try_from(order[0]).unwrap()] += 1;
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3, 4]);
        }
        assert!(first.iter().all(|n| (1800..2200).contains(n)), "{first:?}");
        assert_eq!(generator.permutation(1), [0]);
    }
}
