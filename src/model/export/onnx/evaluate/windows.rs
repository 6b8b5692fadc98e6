//! Operators that look at windows: convolution, pooling, response normalisation.

use rayon::prelude::*;

use super::attributes::Attributes;
use super::tensor::Tensor;

/// Where the windows of a node stand.
struct Windows {
    kernel: [usize; 2],
    stride: [usize; 2],
    /// Top, left.
    begin: [usize; 2],
    /// Rows and columns of the input, and of the output.
    input: [usize; 2],
    output: [usize; 2],
}

impl Windows {
    fn of(attributes: &Attributes, height: usize, width: usize) -> Result<Self, String> {
        let kernel = attributes.sizes::<2>("kernel_shape")?;
        let stride = attributes.sizes::<2>("strides")?;
        let [top, left, bottom, right] = attributes.sizes::<4>("pads")?;
        let padded = [height + top + bottom, width + left + right];
        let fits = |axis: usize| stride[axis] > 0 && (1..=padded[axis]).contains(&kernel[axis]);
        if !(fits(0) && fits(1)) {
            return Err(format!("a window of {kernel:?} does not fit into {padded:?}"));
        }
        let output = [0, 1].map(|axis| (padded[axis] - kernel[axis]) / stride[axis] + 1);
        Ok(Self { kernel, stride, begin: [top, left], input: [height, width], output })
    }

    /// The first pixel of output `index` along `axis`; negative in the padding.
    fn start(&self, axis: usize, index: usize) -> isize {
        (index * self.stride[axis]) as isize - self.begin[axis] as isize
    }

    /// The pixels of the picture that output `index` sees along `axis`.
    fn seen(&self, axis: usize, index: usize) -> std::ops::Range<usize> {
        let start = self.start(axis, index);
        let end = (start + self.kernel[axis] as isize).clamp(0, self.input[axis] as isize);
        (start.max(0) as usize).min(end as usize)..end as usize
    }

    /// One value for each window of each map of `x` `[N, C, H, W]`, from the pixels it sees.
    fn pool(
        &self,
        x: &Tensor,
        combine: impl Fn(&mut dyn Iterator<Item = f32>) -> f32,
    ) -> Result<Tensor, String> {
        let [pictures, channels, height, width] = x.sizes()?;
        let [rows, columns] = self.output;
        let mut values = Vec::with_capacity(pictures * channels * rows * columns);
        for map in x.as_floats()?.chunks_exact((height * width).max(1)) {
            for row in 0..rows {
                for column in 0..columns {
                    let mut pixels =
                        self.seen(0, row).flat_map(|r| self.seen(1, column).map(move |c| map[r * width + c]));
                    values.push(combine(&mut pixels));
                }
            }
        }
        Ok(Tensor::floats(vec![pictures, channels, rows, columns], values))
    }
}

/// Correlation with `weight` `[M, C / group, k, k]`; zeros in the padding.
pub(super) fn conv(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    attributes: &Attributes,
) -> Result<Tensor, String> {
    let [pictures, channels, height, width] = x.sizes()?;
    let [out, inner, rows, columns] = weight.sizes()?;
    let [biases] = bias.sizes()?;
    let windows = Windows::of(attributes, height, width)?;
    let groups = usize::try_from(attributes.integer("group")?).unwrap_or(0);
    let fits = groups > 0 && inner * groups == channels && out % groups == 0 && biases == out;
    if !fits || windows.kernel != [rows, columns] {
        return Err(format!("weights {:?} do not fit {:?} in {groups} groups", weight.shape, x.shape));
    }
    let (x, weight, bias) = (x.as_floats()?, weight.as_floats()?, bias.as_floats()?);
    let area = windows.output[0] * windows.output[1];
    let mut values = vec![0.0; pictures * out * area];
    values.par_chunks_exact_mut(area).enumerate().for_each(|(index, map)| {
        let (picture, m) = (index / out, index % out);
        map.fill(bias[m]);
        let first = picture * channels + m / (out / groups) * inner;
        for c in 0..inner {
            let input = &x[(first + c) * height * width..][..height * width];
            let kernel = &weight[(m * inner + c) * rows * columns..][..rows * columns];
            accumulate(&windows, input, kernel, map);
        }
    });
    Ok(Tensor::floats(vec![pictures, out, windows.output[0], windows.output[1]], values))
}

/// Adds the correlation of one map with one kernel.
fn accumulate(windows: &Windows, input: &[f32], kernel: &[f32], output: &mut [f32]) {
    let ([height, width], [rows, columns]) = (windows.input, windows.output);
    for (k, &factor) in kernel.iter().enumerate() {
        let (i, j) = ((k / windows.kernel[1]) as isize, (k % windows.kernel[1]) as isize);
        for row in 0..rows {
            let source = windows.start(0, row) + i;
            if source < 0 || source >= height as isize {
                continue;
            }
            let line = &input[source as usize * width..][..width];
            for (column, sum) in output[row * columns..][..columns].iter_mut().enumerate() {
                let source = windows.start(1, column) + j;
                // A negative index becomes a huge one.
                if let Some(pixel) = line.get(source as usize) {
                    *sum += factor * pixel;
                }
            }
        }
    }
}

/// The largest pixel; the padding never is.
pub(super) fn max_pool(x: &Tensor, attributes: &Attributes) -> Result<Tensor, String> {
    let [_, _, height, width] = x.sizes()?;
    Windows::of(attributes, height, width)?.pool(x, |pixels| pixels.fold(f32::NEG_INFINITY, f32::max))
}

/// The mean of the pixels, or with `count_include_pad` of the whole window with zeros in the padding.
pub(super) fn average_pool(x: &Tensor, attributes: &Attributes) -> Result<Tensor, String> {
    let [_, _, height, width] = x.sizes()?;
    let windows = Windows::of(attributes, height, width)?;
    let whole = match attributes.integer("count_include_pad")? {
        0 => None,
        _ => Some(windows.kernel[0] * windows.kernel[1]),
    };
    windows.pool(x, |pixels| {
        let (sum, seen) = pixels.fold((0.0, 0), |(sum, seen), pixel| (sum + pixel, seen + 1));
        sum / whole.unwrap_or(seen) as f32
    })
}

/// `x / (bias + alpha / size * sum of squares)^beta` over `size` channels around each.
pub(super) fn lrn(x: &Tensor, attributes: &Attributes) -> Result<Tensor, String> {
    let [_, channels, height, width] = x.sizes()?;
    let size = attributes.integer("size")?;
    let size = usize::try_from(size).ok().filter(|&size| size > 0).ok_or("its size is not above 0")?;
    let (alpha, beta) = (attributes.float("alpha")?, attributes.float("beta")?);
    let bias = attributes.float("bias")?;
    let (before, after) = ((size - 1) / 2, size / 2);
    let area = height * width;
    let x_values = x.as_floats()?;
    let mut values = Vec::with_capacity(x_values.len());
    for picture in x_values.chunks_exact((channels * area).max(1)) {
        for c in 0..channels {
            let window = c.saturating_sub(before)..(c + after + 1).min(channels);
            for p in 0..area {
                let sum: f32 = window.clone().map(|j| picture[j * area + p].powi(2)).sum();
                values.push(picture[c * area + p] / (bias + alpha / size as f32 * sum).powf(beta));
            }
        }
    }
    Ok(Tensor::floats(x.shape.clone(), values))
}
