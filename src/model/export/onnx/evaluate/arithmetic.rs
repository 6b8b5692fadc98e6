//! Operators that act on values alone, and matrix products.

use rayon::prelude::*;

use super::tensor::Tensor;

/// Applies `operation` to each value.
pub(super) fn each(x: &Tensor, operation: impl Fn(f32) -> f32) -> Result<Tensor, String> {
    let values = x.as_floats()?.iter().map(|&value| operation(value)).collect();
    Ok(Tensor::floats(x.shape.clone(), values))
}

/// Applies `operation` to pairs of values. Shapes are aligned at their ends; sizes of 1 are repeated.
pub(super) fn broadcast(
    a: &Tensor,
    b: &Tensor,
    operation: impl Fn(f32, f32) -> f32,
) -> Result<Tensor, String> {
    let rank = a.shape.len().max(b.shape.len());
    let padded = |shape: &[usize]| [vec![1; rank - shape.len()], shape.to_vec()].concat();
    let (left, right) = (padded(&a.shape), padded(&b.shape));
    let mut shape = Vec::with_capacity(rank);
    for (&left, &right) in left.iter().zip(&right) {
        if left != right && left != 1 && right != 1 {
            return Err(format!("shapes {:?} and {:?} do not fit", a.shape, b.shape));
        }
        shape.push(if left == 1 { right } else { left });
    }
    let (left, right) = (repeated_strides(&left, &shape), repeated_strides(&right, &shape));
    let (a, b) = (a.as_floats()?, b.as_floats()?);
    let count = shape.iter().product();
    let mut values = Vec::with_capacity(count);
    let mut index = vec![0; rank];
    let (mut at_a, mut at_b) = (0, 0);
    for _ in 0..count {
        values.push(operation(a[at_a], b[at_b]));
        for axis in (0..rank).rev() {
            index[axis] += 1;
            at_a += left[axis];
            at_b += right[axis];
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
            at_a -= left[axis] * shape[axis];
            at_b -= right[axis] * shape[axis];
        }
    }
    Ok(Tensor::floats(shape, values))
}

/// Distance between neighbours along each axis; 0 where one value is repeated.
fn repeated_strides(own: &[usize], shape: &[usize]) -> Vec<usize> {
    let mut stride = 1;
    let mut strides = vec![0; own.len()];
    for axis in (0..own.len()).rev() {
        strides[axis] = if own[axis] == 1 && shape[axis] != 1 { 0 } else { stride };
        stride *= own[axis];
    }
    strides
}

/// `exp(x) / sum(exp(x))` over the rows of a matrix.
pub(super) fn softmax(x: &Tensor, axis: i64) -> Result<Tensor, String> {
    let [_, classes] = x.sizes()?;
    if axis != 1 {
        return Err(format!("axis {axis} is not the last one"));
    }
    let mut values = x.as_floats()?.to_vec();
    for row in values.chunks_exact_mut(classes.max(1)) {
        let best = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|value| *value = (*value - best).exp());
        let sum: f32 = row.iter().sum();
        row.iter_mut().for_each(|value| *value /= sum);
    }
    Ok(Tensor::floats(x.shape.clone(), values))
}

/// `a * b^T + c` for `a` `[N, K]`, `b` `[M, K]`, `c` `[M]`.
pub(super) fn gemm(a: &Tensor, b: &Tensor, c: &Tensor, transposed: i64) -> Result<Tensor, String> {
    let [rows, inner] = a.sizes()?;
    let [columns, inner_of_b] = b.sizes()?;
    let [biases] = c.sizes()?;
    if transposed != 1 || inner != inner_of_b || biases != columns || inner == 0 {
        return Err(format!("shapes {:?}, {:?} and {:?} do not fit", a.shape, b.shape, c.shape));
    }
    let (a, b, c) = (a.as_floats()?, b.as_floats()?, c.as_floats()?);
    let output = |i: usize| {
        let (row, column) = (i / columns, i % columns);
        let pairs = a[row * inner..][..inner].iter().zip(&b[column * inner..][..inner]);
        let sum: f64 = pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
        (sum + f64::from(c[column])) as f32
    };
    let values = (0..rows * columns).into_par_iter().map(output).collect();
    Ok(Tensor::floats(vec![rows, columns], values))
}

/// `[B, N, K] x [B, K, M] = [B, N, M]`
pub(super) fn matmul(a: &Tensor, b: &Tensor) -> Result<Tensor, String> {
    let [batch, rows, inner] = a.sizes()?;
    let [batch_of_b, inner_of_b, columns] = b.sizes()?;
    if batch != batch_of_b || inner != inner_of_b {
        return Err(format!("shapes {:?} and {:?} do not fit", a.shape, b.shape));
    }
    let (a, b) = (a.as_floats()?, b.as_floats()?);
    let mut values = Vec::with_capacity(batch * rows * columns);
    for block in 0..batch {
        for row in 0..rows {
            let row = &a[(block * rows + row) * inner..][..inner];
            let mut sums = vec![0.0; columns];
            for (k, &left) in row.iter().enumerate() {
                let right = &b[(block * inner + k) * columns..][..columns];
                sums.iter_mut()
                    .zip(right)
                    .for_each(|(sum, &right)| *sum += f64::from(left) * f64::from(right));
            }
            values.extend(sums.iter().map(|&sum| sum as f32));
        }
    }
    Ok(Tensor::floats(vec![batch, rows, columns], values))
}

/// `(x - mean) / sqrt(variance + epsilon) * scale + bias` for each channel of `[N, C, H, W]`. `parameters` are
/// scale, bias, mean, variance.
pub(super) fn batch_normalization(
    x: &Tensor,
    parameters: &[&Tensor],
    epsilon: f32,
) -> Result<Tensor, String> {
    let [_, channels, height, width] = x.sizes()?;
    let [scale, bias, mean, variance] = parameters else {
        return Err("it needs scale, bias, mean and variance".into());
    };
    let of_channels = |tensor: &Tensor| {
        let [count] = tensor.sizes()?;
        if count == channels {
            Ok(tensor.as_floats()?.to_vec())
        } else {
            Err(format!("not {channels} numbers"))
        }
    };
    let (scale, bias) = (of_channels(scale)?, of_channels(bias)?);
    let (mean, variance) = (of_channels(mean)?, of_channels(variance)?);
    let mut values = x.as_floats()?.to_vec();
    for (index, map) in values.chunks_exact_mut((height * width).max(1)).enumerate() {
        let c = index % channels;
        let deviation = (variance[c] + epsilon).sqrt();
        map.iter_mut().for_each(|value| *value = (*value - mean[c]) / deviation * scale[c] + bias[c]);
    }
    Ok(Tensor::floats(x.shape.clone(), values))
}
