//! How matrix products are cut into tiles on a graphics card, and the text of `shaders/product.wgsl` for a tile.

use std::cell::Cell;
use std::fmt::Write;

use burn::backend::wgpu::CubeTensor;

use super::launch::{Shader, as_u32};

const PRODUCT: &str = include_str!("../../shaders/product.wgsl");

/// The part of the result that a workgroup makes, and the part of that which a thread makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    rows: usize,
    columns: usize,
    /// Terms that are brought into workgroup memory at once.
    terms: usize,
    thread_rows: usize,
    thread_columns: usize,
}

/// Tiles by the rows of the result, for cards: enough threads to hide the way to memory, few enough registers.
const CARD: [(usize, Tile); 3] =
    [(16, tile(16, 128, 16, [4, 4])), (32, tile(32, 64, 16, [4, 4])), (usize::MAX, tile(64, 64, 16, [8, 4]))];

/// The same for software Vulkan, where a read from memory costs as much as many products: the most products a
/// thread for each read. Eight threads make one vector there. Few rows are quick anyway, and their shaders should
/// also compile quickly.
const SOFTWARE: [(usize, Tile); 4] = [
    (16, tile(16, 128, 8, [8, 8])),
    (32, tile(32, 128, 8, [8, 8])),
    (64, tile(64, 128, 8, [16, 8])),
    (usize::MAX, tile(128, 128, 8, [16, 16])),
];

const fn tile(rows: usize, columns: usize, terms: usize, [thread_rows, thread_columns]: [usize; 2]) -> Tile {
    Tile { rows, columns, terms, thread_rows, thread_columns }
}

/// Which index of a matrix neighbouring threads go along when it is brought in: that of neighbours in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Along {
    /// The terms.
    Terms,
    /// The rows of the left matrix, or the columns of the right one.
    Result,
}

thread_local! {
    /// Whether this thread takes software for a card.
    static PRETEND: Cell<bool> = const { Cell::new(false) };
}

/// Whether the device of a tensor is software, such as Mesa's llvmpipe.
pub(super) fn is_software(tensor: &CubeTensor) -> bool {
    tensor.client.properties().identity.physical.is_none() && !PRETEND.get()
}

/// Does `work` with the tiles that a graphics card gets, on this thread and also on software Vulkan: tests run the
/// kernels of cards where there is none.
pub fn as_on_a_card<T>(work: impl FnOnce() -> T) -> T {
    let before = PRETEND.replace(true);
    let result = work();
    PRETEND.set(before);
    result
}

impl Tile {
    /// The tile for a result of this many rows.
    pub(super) fn choose(rows: usize, software: bool) -> Self {
        let table: &[(usize, Self)] = if software { &SOFTWARE } else { &CARD };
        let fits = table.iter().find(|(most, _)| rows <= *most);
        fits.expect("the last entry takes any number of rows").1
    }

    /// Every tile there is.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        CARD.into_iter().chain(SOFTWARE).map(|(_, tile)| tile)
    }

    /// Workgroups for a result of this size, `z` times.
    pub(super) fn groups(&self, rows: usize, columns: usize, z: usize) -> [u32; 3] {
        [columns.div_ceil(self.columns), rows.div_ceil(self.rows), z].map(as_u32)
    }

    /// Puts the core of the product behind a shader that says what its matrices are.
    pub(super) fn complete(&self, shader: Shader, left: Along, right: Along) -> Shader {
        let (left_row, right_row) = (self.rows / 4, self.columns / 4);
        let threads = self.threads();
        let whole_rows = right == Along::Result && threads.is_multiple_of(right_row);
        let column = format!("column_at(first_n + 4u * {}, group.z)", if whole_rows { "mine" } else { "n" });
        let (before, right_at) = if whole_rows {
            // A thread has the same columns in every slice: where they begin is worked out once.
            let before = format!("let mine = thread % {right_row}u;\n    let column = {column};");
            (before, format!("let k = at / {right_row}u;\n            let n = mine;"))
        } else {
            let at = Self::indices(right, "n", right_row, self.terms);
            (String::new(), format!("{at}\n            let column = {column};"))
        };
        shader
            .followed_by(PRODUCT)
            .of_threads(threads)
            .with("tile_m", self.rows)
            .with("tile_n", self.columns)
            .with("tile_k", self.terms)
            .with("thread_m", self.thread_rows)
            .with("across", self.across())
            .with("left_vectors", (left_row + 1) * self.terms)
            .with("right_vectors", (right_row + 1) * self.terms)
            .with("left_at", Self::indices(left, "m", left_row, self.terms))
            .with("right_before", before)
            .with("right_at", right_at)
            .with("declare_sums", self.each_sum("\n    ", |i, j| format!("var sum{i}_{j} = vec4<f32>(0.0);")))
            .with("multiply", self.multiply())
            .with("store", self.store())
    }

    /// Threads of a workgroup.
    fn threads(&self) -> usize {
        self.across() * (self.rows / self.thread_rows)
    }

    /// Threads side by side.
    fn across(&self) -> usize {
        self.columns / self.thread_columns
    }

    /// Which vector of a slice thread `at` brings in: `k`, and `m` or `n` in fours.
    fn indices(along: Along, name: &str, row: usize, terms: usize) -> String {
        match along {
            Along::Terms => format!("let k = at % {terms}u;\n            let {name} = at / {terms}u;"),
            Along::Result => format!("let k = at / {row}u;\n            let {name} = at % {row}u;"),
        }
    }

    /// A line for each row and four columns of a thread.
    fn each_sum(&self, between: &str, line: impl Fn(usize, usize) -> String) -> String {
        let pairs = (0..self.thread_rows).flat_map(|i| (0..self.thread_columns / 4).map(move |j| (i, j)));
        pairs.map(|(i, j)| line(i, j)).collect::<Vec<_>>().join(between)
    }

    /// One term of every sum. Written out, because only named variables are sure to be registers.
    fn multiply(&self) -> String {
        let between = "\n            ";
        let mut text = String::new();
        for i in 0..self.thread_rows / 4 {
            let _ = write!(text, "let left{i} = left_slice[k * LEFT_PITCH + down / 4u + {i}u];{between}");
        }
        for j in 0..self.thread_columns / 4 {
            let _ =
                write!(text, "let right{j} = right_slice[k * RIGHT_PITCH + right + {j}u * ACROSS];{between}");
        }
        text + &self.each_sum(between, |i, j| {
            let (vector, part) = (i / 4, ["x", "y", "z", "w"][i % 4]);
            format!("sum{i}_{j} = fma(vec4<f32>(left{vector}.{part}), right{j}, sum{i}_{j});")
        })
    }

    /// Stores the sums row by row. A loop, because `store` written out for every sum takes a driver seconds to
    /// compile; a `switch`, because an array of sums would not be in registers.
    fn store(&self) -> String {
        let each = self.thread_columns / 4;
        let row = |i: usize| {
            let parts: Vec<String> = (0..each).map(|j| format!("row{j} = sum{i}_{j};")).collect();
            parts.join(" ")
        };
        let mut text = format!("for (var i = 0u; i < {}u; i++) {{", self.thread_rows);
        for j in 0..each {
            let _ = write!(text, "\n        var row{j} = sum0_{j};");
        }
        text += "\n        switch i {";
        for i in 1..self.thread_rows {
            let _ = write!(text, "\n            case {i}u: {{ {} }}", row(i));
        }
        text += "\n            default: {}\n        }";
        for j in 0..each {
            let n = format!("first_n + (right + {j}u * ACROSS) * 4u");
            let _ = write!(text, "\n        store(first_m + down + i, {n}, row{j}, group.z);");
        }
        text + "\n    }"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tile_keeps_to_what_every_card_has() {
        for tile in Tile::all() {
            let bytes = (tile.rows + tile.columns + 8) * tile.terms * size_of::<f32>();
            assert!(bytes <= 16 << 10, "{tile:?}: {bytes} bytes of workgroup memory");
            assert!((1..=256).contains(&tile.threads()), "{tile:?}");
            assert_eq!(
                (tile.rows % tile.thread_rows, tile.columns % tile.thread_columns),
                (0, 0),
                "{tile:?}"
            );
            assert_eq!((tile.thread_rows % 4, tile.thread_columns % 4), (0, 0), "{tile:?}");
        }
    }

    #[test]
    fn few_rows_get_low_tiles() {
        for software in [false, true] {
            let rows = [1, 16, 17, 64, 1000].map(|rows| Tile::choose(rows, software).rows);
            assert!(rows.is_sorted() && rows[0] == 16 && rows[2] == 32, "{rows:?}");
        }
    }
}
