//! The blocks that software Vulkan's threads make of matrix products, and the text of `shaders/product_blocks.wgsl` for a
//! block.

use std::fmt::Write;

use burn::backend::wgpu::CubeTensor;

use super::launch::{Shader, Word, as_u32, grid, launch_groups};
use super::tile::Along;

/// The part of the result that a thread makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    rows: usize,
    columns: usize,
}

/// Rows of a block by those of the result: each four of the right matrix, by far the larger one, is read once for them.
const ROWS: [(usize, usize); 4] = [(1, 1), (2, 2), (4, 4), (usize::MAX, 8)];

/// Columns of a block by how the right matrix lies in memory. Along the result, wider blocks read longer stretches of
/// each of its rows; along the terms every column is a stretch of its own.
const fn columns(right: Along) -> usize {
    match right {
        Along::Terms => 8,
        Along::Result => 16,
    }
}

/// Threads of a workgroup: one vector of llvmpipe's.
const THREADS: usize = 8;

const PARTS: [&str; 4] = ["x", "y", "z", "w"];

/// Sides of the matrices `[rows, terms]` and `[terms, columns]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides {
    pub(super) rows: usize,
    pub(super) terms: usize,
    pub(super) columns: usize,
}

impl Block {
    pub(super) const SHADER: &str = include_str!("../../shaders/product_blocks.wgsl");

    /// For many rows and columns: as large as compiles in a third of a second.
    pub(super) const LARGE: Self = Self { rows: 16, columns: 16 };

    /// For products with a few rows.
    pub(super) fn choose(rows: usize, right: Along) -> Self {
        let fits = ROWS.iter().find(|(most, _)| rows <= *most);
        let (_, rows) = *fits.expect("the last entry takes any number of rows");
        Self { rows, columns: columns(right) }
    }

    pub(super) fn all(right: Along) -> impl Iterator<Item = Self> {
        ROWS.into_iter().map(move |(_, rows)| Self { rows, columns: columns(right) })
    }

    pub(super) fn is_tallest(self) -> bool {
        self.rows == ROWS[ROWS.len() - 1].1
    }

    /// Launches `shader`, which [`Block::complete`] has filled in for this block, for `products` products.
    pub(super) fn launch(
        self,
        shader: Shader,
        inputs: &[&CubeTensor],
        result: &CubeTensor,
        Sides { rows, terms, columns }: Sides,
        products: usize,
    ) {
        let blocks = rows.div_ceil(self.rows) * columns.div_ceil(self.columns);
        let threads = as_u32(THREADS);
        let (across, down) = grid(blocks, threads);
        let params = [rows, terms, columns, (across * threads) as usize].map(Word::Size);
        launch_groups(shader, inputs, &[result], &params, [across, down, as_u32(products)]);
    }

    /// Fills in the core for matrices that lie along these in memory.
    pub(super) fn complete(self, shader: Shader, left: Along, right: Along) -> Shader {
        // As many terms a step as a four along them holds.
        let terms = if left == Along::Terms || right == Along::Terms { 4 } else { 1 };
        shader
            .of_threads(THREADS)
            .with("block_rows", self.rows)
            .with("block_columns", self.columns)
            .with("steps", if terms == 4 { "params.terms / 4u" } else { "params.terms" })
            .with("begin", self.begin(left, right))
            .with("declare_sums", self.each_sum(|i, j| format!("var sum{i}_{j} = vec4<f32>(0.0);"), "\n    "))
            .with("multiply", self.multiply(left, right, terms))
            .with(
                "store",
                self.each_sum(
                    |i, j| format!("store(first_m + {i}u, first_n + {}u, id.z, sum{i}_{j});", 4 * j),
                    "\n    ",
                ),
            )
    }

    /// Where the first four of each row, and of each column or four columns, is.
    fn begin(self, left: Along, right: Along) -> String {
        let mut text = "let before_left = id.z * (params.rows * params.terms / 4u);
    let before_right = id.z * (params.terms * params.columns / 4u);
    "
        .to_owned();
        let mut line = |name: &str, index: usize, place: String| {
            let _ = write!(text, "let {name}{index} = before_{name} + {place};\n    ");
        };
        match left {
            Along::Terms => (0..self.rows).for_each(|i| {
                line("left", i, format!("min(first_m + {i}u, params.rows - 1u) * (params.terms / 4u)"));
            }),
            Along::Result => (0..self.rows.div_ceil(4)).for_each(|i| {
                line("left", i, format!("min(first_m / 4u + {i}u, params.rows / 4u - 1u)"));
            }),
        }
        match right {
            Along::Terms => (0..self.columns).for_each(|j| {
                line("right", j, format!("min(first_n + {j}u, params.columns - 1u) * (params.terms / 4u)"));
            }),
            Along::Result => (0..self.columns / 4).for_each(|j| {
                line("right", j, format!("min(first_n / 4u + {j}u, params.columns / 4u - 1u)"));
            }),
        }
        text
    }

    /// The products of a step, written out: only named variables are sure to be registers.
    fn multiply(self, left: Along, right: Along, terms: usize) -> String {
        let between = "\n        ";
        let mut text = String::new();
        let term = |t: usize| if terms == 1 { "k".to_owned() } else { format!("(4u * k + {t}u)") };
        match right {
            Along::Terms => (0..self.columns).for_each(|j| {
                let _ = write!(text, "let b{j} = right[right{j} + k];{between}");
            }),
            Along::Result => {
                (0..terms).flat_map(|t| (0..self.columns / 4).map(move |j| (t, j))).for_each(|(t, j)| {
                    let place = format!("right{j} + {} * (params.columns / 4u)", term(t));
                    let _ = write!(text, "let b{t}_{j} = right[{place}];{between}");
                })
            }
        }
        match left {
            Along::Terms => (0..self.rows).for_each(|i| {
                let _ = write!(text, "let a{i} = left[left{i} + k];{between}");
            }),
            Along::Result => (0..self.rows.div_ceil(4)).for_each(|i| {
                let _ = write!(text, "let a{i} = left[left{i} + k * (params.rows / 4u)];{between}");
            }),
        }
        for (t, part) in PARTS.iter().enumerate().take(terms) {
            let sums = self.each_sum(
                |i, j| {
                    let one = match left {
                        Along::Terms => format!("a{i}.{part}"),
                        Along::Result => format!("a{}.{}", i / 4, PARTS[i % 4]),
                    };
                    let four = match right {
                        Along::Terms => {
                            let parts: Vec<String> =
                                (4 * j..4 * j + 4).map(|j| format!("b{j}.{part}")).collect();
                            format!("vec4<f32>({})", parts.join(", "))
                        }
                        Along::Result => format!("b{t}_{j}"),
                    };
                    format!("sum{i}_{j} = fma(vec4<f32>({one}), {four}, sum{i}_{j});")
                },
                between,
            );
            let _ = write!(text, "{sums}{between}");
        }
        text
    }

    /// A line for each row and four columns.
    fn each_sum(self, line: impl Fn(usize, usize) -> String, between: &str) -> String {
        let pairs = (0..self.rows).flat_map(|i| (0..self.columns / 4).map(move |j| (i, j)));
        pairs.map(|(i, j)| line(i, j)).collect::<Vec<_>>().join(between)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_never_taller_than_it_must_be() {
        let rows = [1, 2, 3, 4, 5, 100].map(|rows| Block::choose(rows, Along::Terms).rows);
        assert_eq!(rows, [1, 2, 4, 4, 8, 8]);
    }
}
