//! Checksums of what the ledger stores, so that a damaged file is noticed instead of read.
//!
//! SQLite checks the structure of its file, not the values in it. So every row carries a digest of its columns, and the
//! values of one metric of one stream, which may be millions, have one digest together: the sum of their rows' digests.
//! The sum does not depend on the order of rows and follows an overwritten value without reading the others.
//!
//! This finds accidents (disks, copies, other programs), not forgery: the function is public and has no key. It is part of
//! the file format.

/// A digest in the making. Every step is a bijection of the state for a given word, so that one changed word always changes
/// the digest; several are missed with a probability of 2⁻⁶⁴.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest(u64);

/// Of rows that were written before digests were: they are not checked.
pub(crate) const UNCHECKED: i64 = 0;

impl Digest {
    /// Begins the digest of a row of `kind`.
    pub(crate) fn of(kind: &str) -> Self {
        Self(0x243f_6a88_85a3_08d3).text(kind)
    }

    /// Takes a number in.
    pub(crate) fn number(self, number: u64) -> Self {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(mixed ^ (mixed >> 29))
    }

    /// Takes a number in that may be missing.
    pub(crate) fn optional(self, number: Option<u64>) -> Self {
        match number {
            None => self.number(0),
            Some(number) => self.number(1).number(number),
        }
    }

    /// Takes a text in.
    pub(crate) fn text(self, text: &str) -> Self {
        text.as_bytes().chunks(8).fold(self.number(text.len() as u64), |digest, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            digest.number(u64::from_le_bytes(word))
        })
    }

    /// Takes a value in; nothing stands for NaN. SQLite does not keep the sign of zero.
    pub(crate) fn value(self, value: Option<f64>) -> Self {
        self.optional(value.map(|value| (value + 0.0).to_bits()))
    }

    /// As it is stored, and never [`UNCHECKED`].
    pub(crate) fn finish(self) -> i64 {
        match self.number(0).0.cast_signed() {
            UNCHECKED => 1,
            digest => digest,
        }
    }
}

/// Whether a stored digest is that of the row that was read.
pub(crate) fn matches(stored: i64, row: Digest) -> bool {
    stored == UNCHECKED || stored == row.finish()
}

/// The digest of all values of one metric of one stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct SeriesDigest {
    name: u64,
    sum: u64,
}

impl SeriesDigest {
    /// Of a metric without values.
    pub(crate) fn new(metric: &str) -> Self {
        Self { name: Digest::of("value").text(metric).0, sum: 0 }
    }

    /// Continues from what is stored.
    pub(crate) fn stored(metric: &str, sum: i64) -> Self {
        Self { sum: sum.cast_unsigned(), ..Self::new(metric) }
    }

    /// A value is added.
    pub(crate) fn add(&mut self, step: u64, value: Option<f64>) {
        self.sum = self.sum.wrapping_add(self.of(step, value));
    }

    /// A value is taken away.
    pub(crate) fn remove(&mut self, step: u64, value: Option<f64>) {
        self.sum = self.sum.wrapping_sub(self.of(step, value));
    }

    /// As it is stored.
    pub(crate) fn sum(self) -> i64 {
        self.sum.cast_signed()
    }

    fn of(self, step: u64, value: Option<f64>) -> u64 {
        Digest(self.name).number(step).value(value).number(0).0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOLDEN_ROW: i64 = -6_242_608_480_020_797_112;
    const GOLDEN_SERIES: i64 = 1_344_468_926_317_375_863;

    /// The function is part of the file format.
    #[test]
    fn digests_never_change() {
        assert_eq!(Digest::of("trial").text("a").text("").number(7).optional(None).finish(), GOLDEN_ROW);
        let mut series = SeriesDigest::new("loss");
        series.add(10, Some(0.5));
        series.add(20, None);
        assert_eq!(series.sum(), GOLDEN_SERIES);
    }

    #[test]
    fn the_sign_of_zero_is_not_kept() {
        assert_eq!(Digest::of("x").value(Some(0.0)).finish(), Digest::of("x").value(Some(-0.0)).finish());
    }

    proptest! {
        #[test]
        fn one_flipped_bit_of_a_row_is_seen(text in "[a-z]{1,40}", number: u64, at in 0_usize..40, bit in 0_u32..7) {
            let digest = |text: &[u8]| Digest::of("row").text(&String::from_utf8_lossy(text)).number(number).finish();
            let mut damaged = text.clone().into_bytes();
            let at = at % damaged.len();
            damaged[at] ^= 1 << bit;
            prop_assert_ne!(digest(text.as_bytes()), digest(&damaged));
        }

        #[test]
        fn a_series_follows_its_values_in_any_order(values in proptest::collection::vec((0_u64..9, -3.0_f64..3.0), 0..30)) {
            let mut kept = std::collections::BTreeMap::new();
            let mut digest = SeriesDigest::new("m");
            for (step, value) in values {
                digest.add(step, Some(value));
                if let Some(old) = kept.insert(step, value) {
                    digest.remove(step, Some(old));
                }
            }
            let mut again = SeriesDigest::new("m");
            kept.iter().rev().for_each(|(step, value)| again.add(*step, Some(*value)));
            prop_assert_eq!(digest, again);
        }
    }
}
