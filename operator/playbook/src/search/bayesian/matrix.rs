//! The linear algebra of the surrogate: a Cholesky factor that grows by rows.
//!
//! Written here, not taken from a crate: faer, matrixmultiply and nalgebra's backends choose their instructions (fused
//! multiply-add, vector width) by the machine they run on, so the last bits of a factor, and with them now and then the
//! point that a study tries next, would differ between a laptop and a cluster. These loops add in one fixed order, which
//! the compiler may vectorise but not change. A factor of 1,000 rows takes about a tenth of a second on one core.

/// Sums of products in eight lanes: a fixed order that fits vector registers.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7])) + rest
}

/// Adds `factor` times `from` to `to`.
fn add_scaled(to: &mut [f64], factor: f64, from: &[f64]) {
    for (t, f) in to.iter_mut().zip(from) {
        *t += factor * f;
    }
}

/// A lower triangle in rows of growing length.
#[derive(Clone, Debug, Default)]
pub(super) struct Triangle {
    rows: usize,
    values: Vec<f64>,
}

impl Triangle {
    /// With room for a number of rows.
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { rows: 0, values: Vec::with_capacity(rows * (rows + 1) / 2) }
    }

    /// Of zeros.
    pub(super) fn zeros(rows: usize) -> Self {
        Self { rows, values: vec![0.0; rows * (rows + 1) / 2] }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Row `i`: `i + 1` values.
    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.values[i * (i + 1) / 2..(i + 1) * (i + 2) / 2]
    }

    pub(super) fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.values[i * (i + 1) / 2..(i + 1) * (i + 2) / 2]
    }

    /// The symmetric matrix of which this is the lower triangle times a vector.
    pub(super) fn times(&self, x: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; x.len()];
        for i in 0..x.len() {
            let row = self.row(i);
            product[i] += dot(row, &x[..=i]);
            add_scaled(&mut product[..i], x[i], &row[..i]);
        }
        product
    }

    /// Adds a row of one value more than the last one.
    pub(super) fn push_row(&mut self, row: impl IntoIterator<Item = f64>) {
        self.rows += 1;
        self.values.extend(row);
        debug_assert_eq!(self.values.len(), self.rows * (self.rows + 1) / 2, "a row too short or too long");
    }
}

/// The Cholesky factor of a symmetric positive definite matrix.
#[derive(Clone, Debug, Default)]
pub(super) struct Cholesky(Triangle);

impl Cholesky {
    /// The factor of a matrix given by its lower triangle; `None` when it isn't positive definite in floating point.
    pub(super) fn new(matrix: &Triangle) -> Option<Self> {
        let mut factor = Triangle::with_capacity(matrix.rows);
        for i in 0..matrix.rows {
            let start = factor.values.len();
            factor.values.extend_from_slice(matrix.row(i));
            let (before, row) = factor.values.split_at_mut(start);
            let mut at = 0;
            for j in 0..i {
                let other = &before[at..=at + j];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
                at += j + 1;
            }
            let square = row[i] - dot(&row[..i], &row[..i]);
            if square <= 0.0 || !square.is_finite() {
                return None;
            }
            row[i] = square.sqrt();
            factor.rows += 1;
        }
        Some(Self(factor))
    }

    pub(super) fn rows(&self) -> usize {
        self.0.rows
    }

    /// The factor of the matrix with one more row, of which `cross` is all but the last value, `corner`. A corner too small
    /// for the row counts as the smallest that fits.
    pub(super) fn push(&mut self, cross: &[f64], corner: f64) {
        let row = self.forward(cross);
        let square = (corner - dot(&row, &row)).max(corner * 1e-12);
        self.0.push_row(row.into_iter().chain([square.sqrt()]));
    }

    /// The solution `x` of `L x = b`.
    pub(super) fn forward(&self, b: &[f64]) -> Vec<f64> {
        let mut x = Vec::with_capacity(b.len());
        for (i, b) in b.iter().enumerate() {
            let row = self.0.row(i);
            let value = (b - dot(&row[..i], &x)) / row[i];
            x.push(value);
        }
        x
    }

    /// The solution `x` of `Lᵀ x = b`.
    pub(super) fn backward(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        for i in (0..x.len()).rev() {
            let row = self.0.row(i);
            x[i] /= row[i];
            let value = x[i];
            add_scaled(&mut x[..i], -value, &row[..i]);
        }
        x
    }

    /// The solution `x` of `L Lᵀ x = b`.
    pub(super) fn solve(&self, b: &[f64]) -> Vec<f64> {
        self.backward(&self.forward(b))
    }

    /// Half the logarithm of the matrix's determinant.
    pub(super) fn half_log_determinant(&self) -> f64 {
        (0..self.0.rows).map(|i| libm::log(self.0.row(i)[i])).sum()
    }

    /// The lower triangle of the matrix's inverse.
    pub(super) fn inverse(&self) -> Triangle {
        let n = self.0.rows;
        let mut inverse_factor = Triangle::with_capacity(n);
        for i in 0..n {
            let row = self.0.row(i);
            let mut new = vec![0.0; i + 1];
            for (k, value) in row[..i].iter().enumerate() {
                add_scaled(&mut new[..=k], -value, inverse_factor.row(k));
            }
            new[..i].iter_mut().for_each(|x| *x /= row[i]);
            new[i] = 1.0 / row[i];
            inverse_factor.push_row(new);
        }
        let mut inverse = Triangle::zeros(n);
        for i in 0..n {
            let row = inverse_factor.row(i);
            for (a, value) in row.iter().enumerate() {
                add_scaled(inverse.row_mut(a), *value, &row[..=a]);
            }
        }
        inverse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(n: usize) -> Triangle {
        let mut triangle = Triangle::with_capacity(n);
        for i in 0..n {
            triangle.push_row((0..=i).map(|j| {
                let apart = i.abs_diff(j) as f64;
                (-0.3 * apart).exp() + if i == j { 0.5 } else { 0.0 }
            }));
        }
        triangle
    }

    fn times(matrix: &Triangle, x: &[f64]) -> Vec<f64> {
        let at = |i: usize, j: usize| matrix.row(i.max(j))[i.min(j)];
        let product: Vec<f64> = (0..x.len()).map(|i| (0..x.len()).map(|j| at(i, j) * x[j]).sum()).collect();
        assert!(product.iter().zip(matrix.times(x)).all(|(a, b)| (a - b).abs() < 1e-12));
        product
    }

    #[test]
    fn solves_inverts_and_grows() {
        let matrix = matrix(37);
        let factor = Cholesky::new(&matrix).unwrap();
        let b: Vec<f64> = (0..37).map(|i| f64::from(i).sin()).collect();
        for (got, b) in times(&matrix, &factor.solve(&b)).iter().zip(&b) {
            assert!((got - b).abs() < 1e-12);
        }
        let inverse = factor.inverse();
        for (got, b) in times(&inverse, &times(&matrix, &b)).iter().zip(&b) {
            assert!((got - b).abs() < 1e-12);
        }
        let mut grown = Cholesky::default();
        for i in 0..37 {
            let row = matrix.row(i);
            grown.push(&row[..i], row[i]);
        }
        assert!((grown.half_log_determinant() - factor.half_log_determinant()).abs() < 1e-12);
        assert_eq!(grown.rows(), 37);
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        let mut matrix = Triangle::default();
        matrix.push_row([1.0]);
        matrix.push_row([2.0, 1.0]);
        assert!(Cholesky::new(&matrix).is_none());
    }
}
