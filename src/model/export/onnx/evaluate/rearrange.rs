//! Operators that move values without changing them.

use super::tensor::{Tensor, Values};

/// All axes before `axis` become one, and all others.
pub(super) fn flatten(x: &Tensor, axis: i64) -> Result<Tensor, String> {
    let axis = usize::try_from(axis).ok().filter(|&axis| axis <= x.shape.len());
    let axis = axis.ok_or("its axis does not exist")?;
    let (rows, columns) = x.shape.split_at(axis);
    Ok(Tensor { shape: vec![rows.iter().product(), columns.iter().product()], values: x.values.clone() })
}

/// One size may be -1: what is left.
pub(super) fn reshape(x: &Tensor, sizes: &Tensor) -> Result<Tensor, String> {
    let sizes = sizes.as_integers()?;
    let misfit = || format!("shape {:?} cannot become {sizes:?}", x.shape);
    let count: usize = x.shape.iter().product();
    let mut shape = Vec::with_capacity(sizes.len());
    let known: i64 = sizes.iter().filter(|&&size| size != -1).product();
    let rest = usize::try_from(known).ok().filter(|&known| known > 0).map_or(0, |known| count / known);
    for &size in sizes {
        // 0 would mean "as in the input"; our files do not use it.
        let size = if size == -1 { rest } else { usize::try_from(size).unwrap_or(0) };
        shape.push(size);
    }
    if shape.iter().product::<usize>() != count || shape.contains(&0) {
        return Err(misfit());
    }
    Ok(Tensor { shape, values: x.values.clone() })
}

/// Axis `i` of the output is axis `order[i]` of the input.
pub(super) fn transpose(x: &Tensor, order: &[i64]) -> Result<Tensor, String> {
    let rank = x.shape.len();
    let order: Vec<usize> = order.iter().filter_map(|&axis| usize::try_from(axis).ok()).collect();
    if order.len() != rank || (0..rank).any(|axis| !order.contains(&axis)) {
        return Err(format!("{order:?} is no order of the axes of {:?}", x.shape));
    }
    let mut strides = vec![1; rank];
    for axis in (1..rank).rev() {
        strides[axis - 1] = strides[axis] * x.shape[axis];
    }
    let shape: Vec<usize> = order.iter().map(|&axis| x.shape[axis]).collect();
    let source = x.as_floats()?;
    let values = (0..source.len()).map(|mut index| {
        let mut from = 0;
        for axis in (0..rank).rev() {
            from += index % shape[axis] * strides[order[axis]];
            index /= shape[axis];
        }
        source[from]
    });
    let values = values.collect();
    Ok(Tensor::floats(shape, values))
}

/// Picks entries along `axis`; the shape of `indices` takes the place of that axis.
pub(super) fn gather(x: &Tensor, indices: &Tensor, axis: i64) -> Result<Tensor, String> {
    let axis = usize::try_from(axis).ok().filter(|&axis| axis < x.shape.len());
    let axis = axis.ok_or("its axis does not exist")?;
    let size = x.shape[axis];
    let inner: usize = x.shape[axis + 1..].iter().product();
    let picks = indices.as_integers()?.iter().map(|&i| usize::try_from(i).ok().filter(|&i| i < size));
    let picks = picks.collect::<Option<Vec<usize>>>().ok_or("an index is out of range")?;
    let source = x.as_floats()?;
    let mut values = Vec::new();
    for block in source.chunks_exact((size * inner).max(1)) {
        for &pick in &picks {
            values.extend_from_slice(&block[pick * inner..][..inner]);
        }
    }
    let shape = [&x.shape[..axis], &indices.shape, &x.shape[axis + 1..]].concat();
    Ok(Tensor::floats(shape, values))
}

/// Zeros around; `pads` lists what goes before each axis, then what goes after each.
pub(super) fn pad(x: &Tensor, pads: &Tensor) -> Result<Tensor, String> {
    let rank = x.shape.len();
    let pads = pads.as_integers()?.iter().map(|&pad| usize::try_from(pad));
    let pads = pads.collect::<Result<Vec<usize>, _>>().map_err(|_| "a pad is negative")?;
    if pads.len() != 2 * rank {
        return Err(format!("{} pads for {rank} axes", pads.len()));
    }
    let shape: Vec<usize> = (0..rank).map(|axis| pads[axis] + x.shape[axis] + pads[rank + axis]).collect();
    let Values::Floats(source) = &x.values else { return Err("integers where floats belong".into()) };
    let mut values = vec![0.0; shape.iter().product()];
    for (mut index, &value) in source.iter().enumerate() {
        let (mut to, mut stride) = (0, 1);
        for axis in (0..rank).rev() {
            to += (index % x.shape[axis] + pads[axis]) * stride;
            index /= x.shape[axis];
            stride *= shape[axis];
        }
        values[to] = value;
    }
    Ok(Tensor::floats(shape, values))
}
