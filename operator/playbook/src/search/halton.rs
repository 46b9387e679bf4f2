//! Scrambled Halton points (arXiv 1706.03200; Playbook: "Why use quasi-random search …").
//!
//! Coordinate `c` writes the index in base `p`, the `c`-th prime from 2, permutes its digits by random permutations, one
//! for each position of a digit, zeros that never end included, and mirrors them behind the point. The permutations hold
//! the random shift: a digital one. A further shift modulo 1 was measured to make points less even by up to 70%. The
//! smallest primes: with large ones the first points are a line. Of four such scramblings of a coordinate the one is
//! taken that suits the coordinates before it best; where there are but one or two coordinates, whose points are judged by
//! few digits, it is of thirty-two the one whose worst number of points is best. All arithmetic is on whole numbers below 2^53 with one division at
//! the end, so every machine gives the same bits.

use super::{
    discrepancy::{Discrepancy, LOW_POINTS, POINTS},
    generator::SplitMix64,
};
use crate::seeds;

/// Scramblings of which the best is taken.
const CANDIDATES: u64 = 4;
/// The same for one and two coordinates.
const LOW_CANDIDATES: u64 = 32;

/// Numbers below this are exact as `f64`.
const EXACT: u64 = 1 << 53;

/// One coordinate of the sequence.
#[derive(Clone, Debug)]
pub(super) struct RadicalInverse {
    base: u64,
    /// By position of the digit, from the last; then by digit: the permuted digit times its weight behind the point.
    weighted: Vec<Vec<u64>>,
    /// Sum of the weighted zeros of all positions from this one on.
    zeros_from: Vec<u64>,
    /// The base to the number of positions: the weights' unit.
    whole: u64,
}

impl RadicalInverse {
    /// A scrambling of the coordinate `number`, from 0.
    fn candidate(seed: u64, number: usize, candidate: u64) -> Self {
        let base = prime(number);
        let mut generator = SplitMix64::new(seeds::derive_u64(seed, "halton", &[number as u64, candidate]));
        let (mut whole, mut positions) = (base, 1);
        while whole <= EXACT / base {
            whole *= base;
            positions += 1;
        }
        let mut weight = whole;
        let weighted: Vec<Vec<u64>> = (0..positions)
            .map(|_| {
                weight /= base;
                generator.permutation(base).into_iter().map(|digit| digit * weight).collect()
            })
            .collect();
        let mut zeros_from = vec![0; weighted.len() + 1];
        for position in (0..weighted.len()).rev() {
            zeros_from[position] = zeros_from[position + 1] + weighted[position][0];
        }
        Self { base, weighted, zeros_from, whole }
    }

    /// Its value at an index, in 0 to below 1.
    pub(super) fn at(&self, index: u64) -> f64 {
        let (mut rest, mut sum, mut position) = (index, 0, 0);
        while rest > 0 && position < self.weighted.len() {
            // A digit is below the base.
            #[allow(clippy::cast_possible_truncation)]
            let digit = (rest % self.base) as usize;
            sum += self.weighted[position][digit];
            rest /= self.base;
            position += 1;
        }
        sum += self.zeros_from[position];
        sum as f64 / self.whole as f64
    }
}

/// Whether a sequence of so many coordinates is one of few.
pub(super) fn are_few(count: usize) -> bool {
    count <= 2
}

/// The first coordinates of the sequence of a study's seed.
pub(super) fn coordinates(seed: u64, count: usize) -> Vec<RadicalInverse> {
    let few = are_few(count);
    let (candidates, points) = if few { (LOW_CANDIDATES, LOW_POINTS) } else { (CANDIDATES, POINTS) };
    let mut discrepancy = Discrepancy::new(points);
    let mut chosen = Vec::with_capacity(count);
    for number in 0..count {
        let mut best: Option<(f64, RadicalInverse, Discrepancy)> = None;
        for candidate in 0..candidates {
            let coordinate = RadicalInverse::candidate(seed, number, candidate);
            let values: Vec<f64> = (0..points as u64).map(|index| coordinate.at(index)).collect();
            let with = discrepancy.with(&values);
            let score = if few { with.worst(number + 1) } else { with.score() };
            if best.as_ref().is_none_or(|(least, ..)| score < *least) {
                best = Some((score, coordinate, with));
            }
        }
        if let Some((_, coordinate, with)) = best {
            chosen.push(coordinate);
            discrepancy = with;
        }
    }
    chosen
}

/// The prime at a place, from 2.
fn prime(place: usize) -> u64 {
    let mut found: Vec<u64> = Vec::with_capacity(place + 1);
    let mut candidate = 2;
    loop {
        if found.iter().take_while(|p| *p * *p <= candidate).all(|p| candidate % p != 0) {
            if found.len() == place {
                return candidate;
            }
            found.push(candidate);
        }
        candidate += 1;
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_primes() {
        assert_eq!([0, 1, 2, 3, 4, 63].map(prime), [2, 3, 5, 7, 11, 311]);
    }

    #[test]
    fn every_run_of_base_many_points_visits_every_digit() {
        // p consecutive indices from a multiple of p fall into p different cells of width 1/p.
        for coordinate in coordinates(3, 6) {
            for run in 0..10 {
                let mut cells: Vec<u64> = (0..coordinate.base)
                    .map(|i| (coordinate.at(run * coordinate.base + i) * coordinate.base as f64) as u64)
                    .collect();
                cells.sort_unstable();
                assert_eq!(cells, (0..coordinate.base).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn far_indices_stay_in_the_unit_interval() {
        for coordinate in [0, 1, 30, 63].map(|number| RadicalInverse::candidate(9, number, 0)) {
            for index in [0, 1, 1 << 20, u64::from(u32::MAX), 1 << 53, u64::MAX] {
                assert!((0.0..1.0).contains(&coordinate.at(index)));
            }
        }
    }
}
