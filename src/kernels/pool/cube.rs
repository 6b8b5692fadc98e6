//! Max pooling on a graphics card: which shader, and the text of those for software.

use std::fmt::Write;

use burn::backend::TensorMetadata;
use burn::backend::wgpu::{CubeBackend, CubeTensor, into_contiguous};
use burn::tensor::DType;

use super::{MaxPoolConfig, MaxPoolOps, height_and_width, pooled, with_size};
use crate::kernels::launch::{Shader, Word, empty_like, launch};
use crate::kernels::rank::RANK;
use crate::kernels::tile::is_software;

/// Outputs of a line that one of software's threads makes.
const OUTPUTS: usize = 4;
/// Pixels of a line that its windows may see, or the text becomes long.
const MOST_COLUMNS: usize = 24;
/// Cells that one of software's threads makes the gradient of.
const CELLS: usize = 4;
/// Windows times pixels that are written out for them at most.
const MOST_TERMS: usize = 256;

const PARTS: [&str; 4] = ["x", "y", "z", "w"];

impl MaxPoolOps for CubeBackend {
    fn max_pool(x: CubeTensor, config: MaxPoolConfig) -> CubeTensor {
        let x = into_contiguous(x);
        let y = empty_like(&x, pooled(&x.shape(), &config), x.dtype);
        launch_forward(&x, &[&y], &config);
        y
    }

    fn max_pool_with_argmax(x: CubeTensor, config: MaxPoolConfig) -> (CubeTensor, CubeTensor) {
        let x = into_contiguous(x);
        let shape = pooled(&x.shape(), &config);
        let y = empty_like(&x, shape.clone(), x.dtype);
        let argmax = empty_like(&x, shape, DType::I32);
        launch_forward(&x, &[&y, &argmax], &config);
        (y, argmax)
    }

    fn max_pool_backward(
        grad: CubeTensor,
        argmax: CubeTensor,
        input: [usize; 2],
        config: MaxPoolConfig,
    ) -> CubeTensor {
        let (grad, argmax) = (into_contiguous(grad), into_contiguous(argmax));
        let dx = empty_like(&grad, with_size(&grad.shape(), input), grad.dtype);
        let params = params(input, height_and_width(&grad.shape()));
        let (shader, threads) = if is_software(&grad) && terms(&config) <= MOST_TERMS {
            let cells = [0, 1].map(|axis| (input[axis] + config.padding[axis]).div_ceil(config.stride[axis]));
            let planes = grad.shape()[0] * grad.shape()[1];
            (cells_shader(&config), planes * cells[0] * cells[1].div_ceil(CELLS))
        } else {
            (backward_shader(&config), dx.shape().num_elements())
        };
        launch(shader, &[&grad, &argmax], &[&dx], &params, threads);
        dx
    }
}

fn launch_forward(x: &CubeTensor, outputs: &[&CubeTensor], config: &MaxPoolConfig) {
    let shape = outputs[0].shape();
    let with_argmax = outputs.len() == 2;
    let in_fours = x.shape().num_elements().is_multiple_of(4);
    let inside = config.padding == [0, 0] && columns(config) <= MOST_COLUMNS;
    let (shader, threads) = if is_software(x) && in_fours && inside {
        let lines = shape[0] * shape[1] * shape[2];
        (lines_shader(config, with_argmax), lines * shape[3].div_ceil(OUTPUTS))
    } else {
        (forward_shader(config, with_argmax), shape.num_elements())
    };
    launch(shader, &[x], outputs, &params(height_and_width(&x.shape()), height_and_width(&shape)), threads);
}

/// The uniform of the shaders after its first two words.
fn params(input: [usize; 2], output: [usize; 2]) -> [Word; 4] {
    [input[0], input[1], output[0], output[1]].map(Word::Size)
}

fn forward_shader(config: &MaxPoolConfig, with_argmax: bool) -> Shader {
    let shader = Shader::new("max_pool_forward", include_str!("../../../shaders/max_pool_forward.wgsl"));
    let shader = with_argmax_binding(shader, with_argmax);
    let store = if with_argmax { "argmax[thread] = i32(at);" } else { "" };
    with_windows(shader.followed_by(RANK).with("store_argmax", store), config)
}

fn backward_shader(config: &MaxPoolConfig) -> Shader {
    let template = include_str!("../../../shaders/max_pool_backward.wgsl");
    with_windows(Shader::new("max_pool_backward", template), config)
}

/// Columns that the windows of a thread see.
fn columns(config: &MaxPoolConfig) -> usize {
    ((OUTPUTS - 1) * config.stride[1]).saturating_add(config.kernel[1])
}

fn lines_shader(config: &MaxPoolConfig, with_argmax: bool) -> Shader {
    let template = include_str!("../../../shaders/max_pool_forward_lines.wgsl");
    let (kernel, stride, columns) = (config.kernel[1], config.stride[1], columns(config));
    let mut look = String::new();
    let mut line = |text: String| {
        let _ = write!(look, "{text}\n            ");
    };
    // Three pixels more, for a start at the last of four.
    let fours = (columns + 3).div_ceil(4);
    (0..fours).for_each(|at| line(format!("let four{at} = x[min(four + {at}u, last)];")));
    let loaded = |at: usize| format!("four{}.{}", at / 4, PARTS[at % 4]);
    let past_end = 4 * fours - 1;
    for at in 0..columns + 2 {
        let (stay, move_up) = (loaded(at), loaded((at + 1).min(past_end)));
        line(format!("let moved{at} = select({stay}, {move_up}, one);"));
    }
    for at in 0..columns {
        line(format!("let pixel{at} = pixel(select(moved{at}, moved{}, two), place, left + {at}u);", at + 2));
    }
    for output in 0..OUTPUTS {
        (0..kernel).for_each(|tap| {
            line(format!("best{output} = better(best{output}, pixel{});", output * stride + tap));
        });
    }
    let each = |text: &dyn Fn(usize) -> String| (0..OUTPUTS).map(text).collect::<Vec<_>>().join("\n    ");
    let store = |output: usize| {
        let at = format!("to + column + {output}u");
        let argmax =
            if with_argmax { format!(" argmax[{at}] = i32(best{output}.at);") } else { String::new() };
        format!("if column + {output}u < params.output_width {{ y[{at}] = best{output}.value;{argmax} }}")
    };
    let shader = Shader::new("max_pool_forward_lines", template).followed_by(RANK);
    with_windows(with_argmax_binding(shader, with_argmax), config)
        .with("outputs", OUTPUTS)
        .with("declare_bests", each(&|output| format!("var best{output} = Best(-0x7fffffff, 0u, 0.0);")))
        .with("look", look)
        .with("store", each(&store))
}

/// How many cells before its own a window may begin, down and across.
fn reach(config: &MaxPoolConfig) -> [usize; 2] {
    [0, 1].map(|axis| (config.kernel[axis] - 1) / config.stride[axis])
}

/// Windows of a thread's cells, times the pixels of a cell.
fn terms(config: &MaxPoolConfig) -> usize {
    let [down, right] = reach(config);
    let windows = (down + 1).saturating_mul(right + CELLS);
    windows.saturating_mul(config.stride[0]).saturating_mul(config.stride[1])
}

fn cells_shader(config: &MaxPoolConfig) -> Shader {
    let template = include_str!("../../../shaders/max_pool_backward_cells.wgsl");
    let ([down, right], [stride_y, stride_x]) = (reach(config), config.stride);
    let pixels = (0..CELLS)
        .flat_map(|cell| (0..stride_y * stride_x).map(move |at| (cell, at / stride_x, at % stride_x)));
    let each = |text: &dyn Fn(usize, usize, usize) -> String| {
        pixels.clone().map(|(cell, y, x)| text(cell, y, x)).collect::<Vec<_>>().join("\n    ")
    };
    let mut add = String::new();
    // The windows in row-major order, each from `before` cells above and from cell `first - right` of the thread's.
    for (above, first) in
        (0..=down).rev().flat_map(|above| (0..CELLS + right).map(move |first| (above, first)))
    {
        let mut sums = String::new();
        for (cell, y, x) in pixels.clone() {
            let (tap_y, Some(apart)) = (above * stride_y + y, (cell + right).checked_sub(first)) else {
                continue;
            };
            if tap_y < config.kernel[0] && apart * stride_x + x < config.kernel[1] {
                let place = format!("corner + {y} * width + {}", cell * stride_x + x);
                let _ = write!(sums, " sum{cell}_{y}_{x} += select(0.0, gradient, place == {place});");
            }
        }
        if sums.is_empty() {
            continue;
        }
        let row = format!("cell_y - {above}u");
        let column = format!("cell_x + {first}u - {right}u");
        let _ = write!(
            add,
            "if {row} < params.output_height && {column} < params.output_width {{\n        \
             let window = base + ({row}) * params.output_width + {column};\n        \
             let place = argmax[window];\n        let gradient = grad[window];\n       {sums}\n    }}\n    "
        );
    }
    let store = |cell: usize, y: usize, x: usize| {
        let column = format!("cell_x * STRIDE_X + {}u", cell * stride_x + x);
        format!("store(plane, cell_y * STRIDE_Y + {y}u, {column}, sum{cell}_{y}_{x});")
    };
    with_windows(Shader::new("max_pool_backward_cells", template), config)
        .with("cells", CELLS)
        .with("declare_sums", each(&|cell, y, x| format!("var sum{cell}_{y}_{x} = 0.0;")))
        .with("add", add)
        .with("store", each(&store))
}

/// The binding of the places of the maxima, if they are asked for, and the one behind it.
fn with_argmax_binding(shader: Shader, with_argmax: bool) -> Shader {
    let declare = "@group(0) @binding(2) var<storage, read_write> argmax: array<i32>;";
    let (declare, params) = if with_argmax { (declare, 3) } else { ("", 2) };
    shader.with("declare_argmax", declare).with("params_binding", params)
}

/// The windows are constants of the shader, so that the compiler can unroll the loops over them.
fn with_windows(shader: Shader, config: &MaxPoolConfig) -> Shader {
    let MaxPoolConfig { kernel, stride, padding, .. } = *config;
    shader
        .with("kernel_y", kernel[0])
        .with("kernel_x", kernel[1])
        .with("stride_y", stride[0])
        .with("stride_x", stride[1])
        .with("padding_y", padding[0])
        .with("padding_x", padding[1])
}

/// The shaders with the paper's windows, and with padded ones that are not square.
pub(in crate::kernels) fn shaders() -> Vec<Shader> {
    let paper = MaxPoolConfig { kernel: [3, 3], stride: [2, 2], padding: [0, 0], ceil: false };
    let other = MaxPoolConfig { kernel: [2, 5], stride: [1, 3], padding: [1, 2], ceil: true };
    let both = [paper, other].into_iter().flat_map(|config| {
        let forward = [true, false].map(|with_argmax| forward_shader(&config, with_argmax));
        let lines = [true, false].map(|with_argmax| lines_shader(&config, with_argmax));
        [forward.to_vec(), lines.to_vec(), vec![backward_shader(&config), cells_shader(&config)]].concat()
    });
    both.collect()
}
