//! Convolution on a graphics card: which shader, which tile, how many workgroups.

use burn::backend::TensorMetadata;
use burn::backend::wgpu::{CubeBackend, CubeTensor, into_contiguous};
use burn::tensor::Shape;

use super::sizes::Sizes;
use super::winograd::{self, Winograd};
use super::{ConvConfig, ConvOps};
use crate::kernels::launch::{Shader, Word, as_u32, empty_like, launch, launch_groups};
use crate::kernels::relu::finish;
use crate::kernels::tile::{Along, Tile, is_software};

/// Workgroups that keep a card busy; software has a few processors.
const BUSY: [usize; 2] = [512, 16];
/// Parts of a gradient of the weights have at least this many terms,
const LEAST_SHARE: usize = 512;
/// and take at most this much memory together.
const PARTS_BYTES: usize = 32 << 20;

impl ConvOps for CubeBackend {
    fn conv(x: CubeTensor, weight: CubeTensor, bias: CubeTensor, config: ConvConfig) -> CubeTensor {
        let sizes = Sizes::of(&x.shape(), &config);
        let [x, weight, bias] = [x, weight, bias].map(into_contiguous);
        if let Some(winograd) = winograd(&sizes, &x) {
            return winograd.forward(&x, &weight, &bias, config.relu);
        }
        let y = empty_like(&x, sizes.output(), x.dtype);
        let tile = Tile::choose(sizes.out_each(), is_software(&x));
        let groups = tile.groups(sizes.out_each(), sizes.pictures * sizes.positions(), sizes.groups);
        let params = [Word::Size(sizes.pictures)];
        launch_groups(
            forward_shader(&sizes, config.relu, tile),
            &[&x, &weight, &bias],
            &[&y],
            &params,
            groups,
        );
        y
    }

    fn conv_backward_x(
        weight: CubeTensor,
        grad: CubeTensor,
        input: [usize; 3],
        config: ConvConfig,
    ) -> CubeTensor {
        let sizes = Sizes::new(grad.shape()[0], input, &config);
        let [weight, grad] = [weight, grad].map(into_contiguous);
        if let Some(winograd) = winograd(&sizes, &grad) {
            return winograd.backward_x(&weight, &grad);
        }
        let dx = empty_like(&grad, sizes.input(), grad.dtype);
        let tile = Tile::choose(sizes.channels_each(), is_software(&grad));
        let cells = sizes.height.div_ceil(sizes.stride) * sizes.width.div_ceil(sizes.stride);
        let lattices = sizes.groups * sizes.stride * sizes.stride;
        let groups = tile.groups(sizes.channels_each(), sizes.pictures * cells, lattices);
        let params = [Word::Size(sizes.pictures)];
        launch_groups(backward_x_shader(&sizes, tile), &[&weight, &grad], &[&dx], &params, groups);
        dx
    }

    fn conv_backward_weight(x: CubeTensor, grad: CubeTensor, config: ConvConfig) -> CubeTensor {
        let sizes = Sizes::of(&x.shape(), &config);
        let [x, grad] = [x, grad].map(into_contiguous);
        if let Some(winograd) = winograd(&sizes, &x) {
            return winograd.backward_weight(&x, &grad);
        }
        let software = is_software(&x);
        let tile = Tile::choose(sizes.out_each(), software);
        let [across, down, _] = tile.groups(sizes.out_each(), sizes.fan_in(), 1);
        let tiles = (across * down) as usize * sizes.groups;
        let (parts, share) = parts(&sizes, tiles, BUSY[usize::from(software)]);
        let weights = sizes.out * sizes.fan_in();
        let made = empty_like(&x, Shape::new([parts * weights]), x.dtype);
        let params = [sizes.pictures, parts, share].map(Word::Size);
        let groups = [across, down, as_u32(sizes.groups * parts)];
        launch_groups(backward_weight_shader(&sizes, tile), &[&x, &grad], &[&made], &params, groups);
        if parts == 1 {
            return made;
        }
        let dw = empty_like(&x, Shape::new([weights]), x.dtype);
        launch(sum_parts_shader(), &[&made], &[&dw], &[Word::Size(parts)], weights);
        dw
    }

    fn conv_backward_bias(grad: CubeTensor) -> CubeTensor {
        let grad = into_contiguous(grad);
        let shape = grad.shape();
        let sizes = [shape[0], shape[1], shape[2] * shape[3]];
        let sum = empty_like(&grad, Shape::new([sizes[1]]), grad.dtype);
        let groups = [as_u32(sizes[1]), 1, 1];
        launch_groups(sum_channels_shader(), &[&grad], &[&sum], &sizes.map(Word::Size), groups);
        sum
    }
}

/// The way through Winograd's domain, where this convolution on this device should take it.
fn winograd(sizes: &Sizes, like: &CubeTensor) -> Option<Winograd> {
    if is_software(like) { Winograd::of(sizes) } else { None }
}

/// Into how many parts the sum over all positions is cut, and how many terms each has.
fn parts(sizes: &Sizes, tiles: usize, busy: usize) -> (usize, usize) {
    let terms = sizes.pictures * sizes.positions();
    let memory = PARTS_BYTES / (sizes.out * sizes.fan_in() * size_of::<f32>());
    let most = memory.min(terms / LEAST_SHARE).max(1);
    let share = terms.div_ceil(busy.div_ceil(tiles).min(most));
    (terms.div_ceil(share), share)
}

/// A shader's text with the sizes in front.
macro_rules! with_sizes {
    ($file:literal) => {
        concat!(
            include_str!("../../../shaders/conv_sizes.wgsl"),
            include_str!(concat!("../../../shaders/", $file))
        )
    };
}

fn forward_shader(sizes: &Sizes, relu: bool, tile: Tile) -> Shader {
    let shader = Shader::new("conv_forward", with_sizes!("conv_forward.wgsl")).with("finish", finish(relu));
    tile.complete(with_values(shader, sizes), Along::Terms, Along::Result)
}

fn backward_x_shader(sizes: &Sizes, tile: Tile) -> Shader {
    let shader = Shader::new("conv_backward_x", with_sizes!("conv_backward_x.wgsl"));
    tile.complete(with_values(shader, sizes), Along::Terms, Along::Result)
}

fn backward_weight_shader(sizes: &Sizes, tile: Tile) -> Shader {
    let shader = Shader::new("conv_backward_weight", with_sizes!("conv_backward_weight.wgsl"));
    tile.complete(with_values(shader, sizes), Along::Terms, Along::Terms)
}

fn sum_parts_shader() -> Shader {
    Shader::new("sum_parts", include_str!("../../../shaders/sum_parts.wgsl"))
}

fn sum_channels_shader() -> Shader {
    Shader::new("sum_channels", include_str!("../../../shaders/sum_channels.wgsl"))
}

fn with_values(shader: Shader, sizes: &Sizes) -> Shader {
    shader
        .with("channels", sizes.channels_each())
        .with("height", sizes.height)
        .with("width", sizes.width)
        .with("out", sizes.out_each())
        .with("rows", sizes.rows)
        .with("columns", sizes.columns)
        .with("kernel", sizes.kernel)
        .with("stride", sizes.stride)
        .with("top", sizes.top)
        .with("left", sizes.left)
        .with("groups", sizes.groups)
}

/// The paper's first convolution.
fn first_layer(relu: bool) -> ConvConfig {
    ConvConfig { out: 96, kernel: 11, stride: 4, vertical: [0, 3], horizontal: [0, 3], groups: 1, relu }
}

/// The shaders in every tile, for the paper's first two convolutions.
pub(in crate::kernels) fn shaders() -> Vec<Shader> {
    let first = first_layer(true);
    let second = ConvConfig {
        out: 256,
        kernel: 5,
        stride: 1,
        vertical: [2, 2],
        horizontal: [2, 2],
        groups: 2,
        relu: false,
    };
    let sizes = [Sizes::new(1, [3, 224, 224], &first), Sizes::new(1, [96, 27, 27], &second)];
    let products = Tile::all().flat_map(|tile| {
        sizes.iter().zip([true, false]).flat_map(move |(sizes, relu)| {
            [
                forward_shader(sizes, relu, tile),
                backward_x_shader(sizes, tile),
                backward_weight_shader(sizes, tile),
            ]
        })
    });
    let products: Vec<Shader> = products.collect();
    [products, winograd::shaders(), vec![sum_parts_shader(), sum_channels_shader()]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_every_term_and_do_not_grow_beyond_bounds() {
        let config = first_layer(false);
        for pictures in [1, 3, 8, 128] {
            let sizes = Sizes::new(pictures, [3, 224, 224], &config);
            for busy in BUSY {
                let (parts, share) = parts(&sizes, 12, busy);
                let terms = pictures * sizes.positions();
                assert!(
                    parts * share >= terms && (parts - 1) * share < terms,
                    "{pictures}: {parts} of {share}"
                );
                assert!(parts <= busy.div_ceil(12), "{pictures}: {parts} parts");
            }
        }
    }
}
