//! The text of the shaders into Winograd's domain, through its products, and back.

use super::OUTPUTS;
use super::matrices::{MOST_SIDE, Matrix};
use crate::kernels::block::Block;
use crate::kernels::launch::Shader;
use crate::kernels::relu::finish;
use crate::kernels::tile::Along;

/// Threads of a workgroup of the transforms: one vector of llvmpipe's.
const THREADS: usize = 8;

/// Along what the four neighbours lie that a thread of a transform works on; the other is a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fours {
    /// Channels, of maps or weights.
    Channels,
    /// Tiles of maps, or outputs of weights.
    Others,
}

impl Fours {
    /// The arguments of `place` in a shader.
    fn place(self) -> &'static str {
        match self {
            Self::Others => "of_line, of_four",
            Self::Channels => "of_four, of_line",
        }
    }
}

/// A transform's text: where its tiles are, what is done with them, and the transform itself.
macro_rules! transform {
    ($front:literal, $file:literal) => {
        concat!(
            include_str!(concat!("../../../../shaders/", $front)),
            include_str!(concat!("../../../../shaders/", $file)),
            include_str!("../../../../shaders/winograd.wgsl")
        )
    };
}

pub(super) fn into_maps_shader(matrix: &Matrix, along: Fours) -> Shader {
    into(
        Shader::new("winograd_into_maps", transform!("winograd_maps.wgsl", "winograd_into.wgsl")),
        matrix,
        along,
    )
}

pub(super) fn into_weights_shader(matrix: &Matrix, along: Fours) -> Shader {
    let text = transform!("winograd_weights.wgsl", "winograd_into.wgsl");
    into(Shader::new("winograd_into_weights", text), matrix, along)
}

fn into(shader: Shader, matrix: &Matrix, along: Fours) -> Shader {
    let read = each(matrix.columns(), |i, j| format!("let in{i}_{j} = value(place, {i}u, {j}u);"));
    let write = each(matrix.rows(), |i, j| {
        format!("matrices[{}u * params.threads + thread] = out{i}_{j};", i * matrix.rows() + j)
    });
    complete(shader, matrix, along).with("read", read).with("write", write)
}

/// With biases and unit where there are any.
pub(super) fn from_maps_shader(matrix: &Matrix, relu: Option<bool>) -> Shader {
    let shader = Shader::new("winograd_from_maps", transform!("winograd_maps.wgsl", "winograd_from.wgsl"));
    let bias = "bias[line / params.lines * params.channels + min(of_line.x, params.channels - 1u)]";
    from(shader, matrix, Fours::Others, relu.map(|relu| (bias, relu)))
}

pub(super) fn from_weights_shader(matrix: &Matrix) -> Shader {
    let text = transform!("winograd_weights.wgsl", "winograd_from.wgsl");
    from(Shader::new("winograd_from_weights", text), matrix, Fours::Channels, None)
}

fn from(shader: Shader, matrix: &Matrix, along: Fours, end: Option<(&str, bool)>) -> Shader {
    let side = matrix.columns();
    let read =
        each(side, |i, j| format!("let in{i}_{j} = matrices[{}u * params.threads + thread];", i * side + j));
    let write = each(matrix.rows(), |i, j| format!("store(place, {i}u, {j}u, out{i}_{j} + plus);"));
    let (declare, plus, relu) = match end {
        Some((bias, relu)) => {
            ("@group(0) @binding(1) var<storage, read_write> bias: array<f32>;", bias, relu)
        }
        None => ("", "0.0", false),
    };
    let first = 1 + usize::from(end.is_some());
    complete(shader, matrix, along)
        .with("read", format!("let plus = {plus};\n    {read}"))
        .with("write", write)
        .with("declare_bias", declare)
        .with("finish", finish(relu))
        .with("values_binding", first)
        .with("params_binding", first + 1)
}

fn complete(shader: Shader, matrix: &Matrix, along: Fours) -> Shader {
    shader.of_threads(THREADS).with("place", along.place()).with("transform", matrix.transform())
}

/// A line for each value of a tile.
fn each(side: usize, line: impl Fn(usize, usize) -> String) -> String {
    let cells = (0..side).flat_map(|i| (0..side).map(move |j| (i, j)));
    cells.map(|(i, j)| line(i, j)).collect::<Vec<_>>().join("\n    ")
}

/// Products of matrices whose terms are lines, added to what is there or put in its place.
pub(super) fn product_shader(add: bool) -> Shader {
    let shader = Shader::new("product_blocks", Block::SHADER)
        .with("declare_bias", "")
        .with("plus", if add { " + result[at]" } else { "" })
        .with("result_binding", 2)
        .with("params_binding", 3)
        .with("finish", "value");
    Block::LARGE.complete(shader, Along::Result, Along::Result)
}

/// Every shader, for tiles of every side.
pub(in crate::kernels::conv) fn shaders() -> Vec<Shader> {
    let sides = (OUTPUTS + 1..=MOST_SIDE).flat_map(|side| {
        let taps = side + 1 - OUTPUTS;
        let (data, filter) = (Matrix::data(side), Matrix::filter(side, taps));
        let outputs = Matrix::outputs(side, OUTPUTS);
        vec![
            into_maps_shader(&data, Fours::Others),
            into_maps_shader(&data, Fours::Channels),
            into_maps_shader(&Matrix::filter(side, OUTPUTS), Fours::Channels),
            into_weights_shader(&filter, Fours::Others),
            into_weights_shader(&filter.turned(), Fours::Channels),
            from_maps_shader(&outputs, Some(true)),
            from_maps_shader(&outputs, Some(false)),
            from_maps_shader(&outputs, None),
            from_weights_shader(&Matrix::outputs(side, taps)),
        ]
    });
    sides.chain([product_shader(false), product_shader(true)]).collect()
}
