//! A forest of regression trees, and what permuting a column costs it.
//!
//! Breiman 2001, "Random forests": each tree is grown on a bootstrap sample; the error on the rows it hasn't seen, with a
//! column permuted, less the error without, is what the column is worth to it.

use crate::search::Generator;

/// A leaf holds at least this many rows.
const LEAF: usize = 3;
/// Nodes deeper than this are leaves: 2^12 leaves are more than rows.
const DEPTH: usize = 12;

/// Rows of columns with a target each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    /// One list of columns for each row.
    pub(super) rows: &'a [Vec<f64>],
    pub(super) targets: &'a [f64],
}

enum TreeNode {
    Leaf(f64),
    Split { column: usize, at: f64, below: Box<TreeNode>, above: Box<TreeNode> },
}

impl TreeNode {
    fn predict(&self, value: impl Fn(usize) -> f64) -> f64 {
        let mut node = self;
        loop {
            match node {
                Self::Leaf(mean) => return *mean,
                Self::Split { column, at, below, above } => node = if value(*column) <= *at { below } else { above },
            }
        }
    }
}

/// Of each column the mean squared error that permuting it adds, over the trees and the rows that each hasn't seen.
pub(super) fn permutation_costs(table: Table<'_>, trees: usize, random: &mut Generator) -> Vec<f64> {
    let (n, columns) = (table.rows.len(), table.rows.first().map_or(0, Vec::len));
    let mut costs = vec![0.0; columns];
    let mut counted = 0_usize;
    for _ in 0..trees {
        let sample: Vec<usize> = (0..n).map(|_| below(random, n)).collect();
        let mut seen = vec![false; n];
        for i in &sample {
            seen[*i] = true;
        }
        let unseen: Vec<usize> = (0..n).filter(|i| !seen[*i]).collect();
        let tree = grow(table, sample, 0, random);
        if unseen.len() < 2 {
            continue;
        }
        counted += 1;
        let error = |value: &dyn Fn(usize, usize) -> f64| {
            let squares = unseen.iter().enumerate().map(|(place, row)| {
                let miss = tree.predict(|column| value(place, column)) - table.targets[*row];
                miss * miss
            });
            squares.sum::<f64>() / unseen.len() as f64
        };
        let before = error(&|place, column| table.rows[unseen[place]][column]);
        for (permuted, cost) in costs.iter_mut().enumerate() {
            let order = shuffled(&unseen, random);
            let after = error(&|place, column| {
                let row = if column == permuted { order[place] } else { unseen[place] };
                table.rows[row][column]
            });
            *cost += after - before;
        }
    }
    costs.iter().map(|cost| cost / counted.max(1) as f64).collect()
}

fn grow(table: Table<'_>, rows: Vec<usize>, depth: usize, random: &mut Generator) -> TreeNode {
    let mean = rows.iter().map(|i| table.targets[*i]).sum::<f64>() / rows.len().max(1) as f64;
    if rows.len() < 2 * LEAF || depth >= DEPTH {
        return TreeNode::Leaf(mean);
    }
    let columns = table.rows[rows[0]].len();
    // Two thirds of the columns are looked at in each node, so that trees differ.
    let tried = (2 * columns).div_ceil(3).max(1);
    let all: Vec<usize> = (0..columns).collect();
    let looked_at: Vec<usize> = shuffled(&all, random).into_iter().take(tried).collect();
    let Some((column, at)) = best_split(table, &rows, &looked_at) else { return TreeNode::Leaf(mean) };
    let (below, above): (Vec<usize>, Vec<usize>) = rows.into_iter().partition(|i| table.rows[*i][column] <= at);
    TreeNode::Split {
        column,
        at,
        below: Box::new(grow(table, below, depth + 1, random)),
        above: Box::new(grow(table, above, depth + 1, random)),
    }
}

/// The split that lowers the squared error most.
fn best_split(table: Table<'_>, rows: &[usize], columns: &[usize]) -> Option<(usize, f64)> {
    let total: f64 = rows.iter().map(|i| table.targets[*i]).sum();
    let nothing = total * total / rows.len() as f64;
    let mut best: Option<(f64, usize, f64)> = None;
    for &column in columns {
        let mut sorted: Vec<(f64, f64)> = rows.iter().map(|i| (table.rows[*i][column], table.targets[*i])).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut left = 0.0;
        for i in 0..sorted.len() - LEAF {
            left += sorted[i].1;
            let (here, next) = (sorted[i].0, sorted[i + 1].0);
            if i + 1 < LEAF || next <= here {
                continue;
            }
            let (n_left, n_right) = ((i + 1) as f64, (sorted.len() - i - 1) as f64);
            let right = total - left;
            let gain = left * left / n_left + right * right / n_right;
            if gain > nothing * (1.0 + 1e-12) + 1e-300 && best.is_none_or(|(b, _, _)| gain > b) {
                best = Some((gain, column, f64::midpoint(here, next)));
            }
        }
    }
    best.map(|(_, column, at)| (column, at))
}

/// A whole number below a bound that isn't 0.
fn below(random: &mut Generator, bound: usize) -> usize {
    usize::try_from(random.below(bound.max(1) as u64)).unwrap_or_default()
}

fn shuffled(all: &[usize], random: &mut Generator) -> Vec<usize> {
    let order = random.permutation(all.len() as u64);
    order.into_iter().filter_map(|i| all.get(usize::try_from(i).ok()?).copied()).collect()
}
