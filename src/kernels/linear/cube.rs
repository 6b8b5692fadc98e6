//! Linear layers on a graphics card: which shader, which tile or block, how many workgroups.

use burn::backend::TensorMetadata;
use burn::backend::wgpu::{CubeBackend, CubeTensor, into_contiguous};
use burn::tensor::Shape;

use super::LinearOps;
use crate::kernels::block::{Block, Sides};
use crate::kernels::launch::{Shader, Word, empty_like, launch_groups};
use crate::kernels::relu::finish;
use crate::kernels::tile::{Along, Tile, is_software};

/// One of a layer's three matrix products: along what its two matrices lie in memory, and what is done at its end.
#[derive(Clone, Copy, Debug)]
struct Product {
    left: Along,
    right: Along,
    bias: bool,
    relu: bool,
}

const BACKWARD_X: Product = Product { left: Along::Terms, right: Along::Result, bias: false, relu: false };
const BACKWARD_WEIGHT: Product =
    Product { left: Along::Result, right: Along::Result, bias: false, relu: false };

const fn forward(relu: bool) -> Product {
    Product { left: Along::Terms, right: Along::Terms, bias: true, relu }
}

impl LinearOps for CubeBackend {
    fn dense(x: CubeTensor, weight: CubeTensor, bias: CubeTensor, relu: bool) -> CubeTensor {
        let shape = x.shape();
        let sides = Sides { rows: shape[0], terms: shape[1], columns: bias.shape()[0] };
        let y = Shape::new([sides.rows, sides.columns]);
        forward(relu).run([x, weight].map(into_contiguous), Some(into_contiguous(bias)), sides, y)
    }

    fn dense_backward_x(weight: CubeTensor, grad: CubeTensor) -> CubeTensor {
        let shape = grad.shape();
        let inputs = weight.shape().num_elements() / shape[1];
        let sides = Sides { rows: shape[0], terms: shape[1], columns: inputs };
        let dx = Shape::new([sides.rows, sides.columns]);
        BACKWARD_X.run([grad, weight].map(into_contiguous), None, sides, dx)
    }

    fn dense_backward_weight(x: CubeTensor, grad: CubeTensor) -> CubeTensor {
        let shape = x.shape();
        let sides = Sides { rows: grad.shape()[1], terms: shape[0], columns: shape[1] };
        let dw = Shape::new([sides.rows * sides.columns]);
        BACKWARD_WEIGHT.run([grad, x].map(into_contiguous), None, sides, dw)
    }
}

impl Product {
    fn run(
        &self,
        [left, right]: [CubeTensor; 2],
        bias: Option<CubeTensor>,
        sides: Sides,
        shape: Shape,
    ) -> CubeTensor {
        let Sides { rows, terms, columns } = sides;
        let result = empty_like(&left, shape, left.dtype);
        let software = is_software(&left);
        let inputs: Vec<&CubeTensor> = [&left, &right].into_iter().chain(&bias).collect();
        if software && self.in_fours(sides) {
            let block = Block::choose(rows, self.right);
            block.launch(self.in_blocks(block), &inputs, &result, sides, 1);
        } else {
            let tile = Tile::choose(rows, software);
            let groups = tile.groups(rows, columns, 1);
            let params = [rows, terms, columns].map(Word::Size);
            launch_groups(self.in_tiles(tile), &inputs, &[&result], &params, groups);
        }
        result
    }

    /// Whether the rows of all three matrices, as they lie in memory, are whole fours.
    fn in_fours(&self, Sides { rows, terms, columns }: Sides) -> bool {
        let pitch = |along, result| if along == Along::Terms { terms } else { result };
        let pitches = [pitch(self.left, rows), pitch(self.right, columns), columns];
        pitches.iter().all(|pitch| pitch.is_multiple_of(4))
    }

    fn in_tiles(&self, tile: Tile) -> Shader {
        let left = if self.left == Along::Terms { "row * params.terms + k" } else { "k * params.rows + row" };
        let (base, step) = match self.right {
            Along::Terms => ("column * params.terms", "k"),
            Along::Result => ("column", "k * params.columns"),
        };
        let shader = Shader::new("linear_tiles", include_str!("../../../shaders/linear_tiles.wgsl"))
            .with("left_index", left)
            .with("right_base", base)
            .with("right_step", step);
        let shader = self.with_end(shader, "f32", "bias[n + i]");
        tile.complete(shader.with("finish", finish(self.relu)), self.left, self.right)
    }

    fn in_blocks(&self, block: Block) -> Shader {
        let shader = Shader::new("product_blocks", Block::SHADER);
        let shader = self.with_end(shader, "vec4<f32>", "bias[n / 4u]");
        let finish =
            if self.relu { "select(value, vec4<f32>(0.0), value < vec4<f32>(0.0))" } else { "value" };
        block.complete(shader.with("finish", finish), self.left, self.right)
    }

    /// The biases, if there are any, and the numbers of the bindings behind them.
    fn with_end(&self, shader: Shader, values: &str, bias: &str) -> Shader {
        let declare = format!("@group(0) @binding(2) var<storage, read_write> bias: array<{values}>;");
        let (declare, plus) = if self.bias { (declare, format!(" + {bias}")) } else { Default::default() };
        let first = 2 + usize::from(self.bias);
        shader
            .with("declare_bias", declare)
            .with("plus", plus)
            .with("result_binding", first)
            .with("params_binding", first + 1)
    }
}

/// The three products in every tile and block.
pub(in crate::kernels) fn shaders() -> Vec<Shader> {
    let products = [forward(true), forward(false), BACKWARD_X, BACKWARD_WEIGHT];
    let in_tiles = Tile::all().flat_map(|tile| products.map(|product| product.in_tiles(tile)));
    let in_blocks = products.iter().flat_map(|product| {
        // Every height there is; of the gradient of the weights only the tallest comes about.
        let tallest = product.left == Along::Result;
        let blocks = Block::all(product.right).filter(move |block| !tallest || block.is_tallest());
        blocks.map(|block| product.in_blocks(block))
    });
    in_tiles.chain(in_blocks).collect()
}
