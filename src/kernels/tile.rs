//! How matrix products are cut into tiles on a graphics card, and the text of `shaders/product.wgsl` for a tile.

use std::cell::Cell;
use std::fmt::Write;
use std::sync::{PoisonError, RwLock};

use burn::backend::wgpu::CubeTensor;
use serde::{Deserialize, Serialize};

use super::KernelError;
use super::launch::{Shader, as_u32};

const PRODUCT: &str = include_str!("../../shaders/product.wgsl");

/// The part of the result that a workgroup makes, and the part of that which a thread makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tile {
    rows: usize,
    columns: usize,
    /// Terms that are brought into workgroup memory at once.
    terms: usize,
    thread_rows: usize,
    thread_columns: usize,
    /// Whether the terms of a slice are written out one by one, and every thread makes all rows of the tile. The places
    /// of the left matrix are then the same for all threads, and software reads them once instead of once a thread.
    written_out: bool,
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

/// What a measurement tries besides the built-in tiles: lower and wider ones, more and fewer threads.
const CANDIDATES: [Tile; 10] = [
    tile(16, 64, 16, [4, 4]),
    tile(16, 128, 8, [8, 8]),
    tile(32, 128, 16, [8, 4]),
    tile(64, 128, 16, [8, 8]),
    tile(128, 64, 8, [8, 8]),
    side_by_side(64, 8, [8, 8]),
    side_by_side(64, 8, [16, 8]),
    side_by_side(32, 8, [32, 4]),
    side_by_side(64, 8, [32, 8]),
    side_by_side(32, 4, [64, 4]),
];

const fn tile(rows: usize, columns: usize, terms: usize, [thread_rows, thread_columns]: [usize; 2]) -> Tile {
    let written_out = false;
    Tile { rows, columns, terms, thread_rows, thread_columns, written_out }
}

/// A tile whose threads stand side by side, for software.
const fn side_by_side(columns: usize, terms: usize, [thread_rows, thread_columns]: [usize; 2]) -> Tile {
    Tile { rows: thread_rows, columns, terms, thread_rows, thread_columns, written_out: true }
}

/// Which index of a matrix neighbouring threads go along when it is brought in: that of neighbours in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Along {
    /// The terms.
    Terms,
    /// The rows of the left matrix, or the columns of the right one.
    Result,
}

/// A table of tiles: the first entry whose rows are not fewer than those of a result has its tile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tiles {
    pub entries: Vec<TileEntry>,
}

/// The tile for results of up to `rows` rows, and above those of the entry before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TileEntry {
    pub rows: usize,
    pub tile: Tile,
}

/// The rows at which tables change their tile.
pub const TILE_ROWS: [usize; 4] = [16, 32, 64, usize::MAX];

/// Tables that were measured, for cards and for software, in place of the built-in ones.
static MEASURED: RwLock<[Option<Tiles>; 2]> = RwLock::new([None, None]);

/// Takes the tiles of `table` from now on, for a card or for software; the built-in ones again without it.
///
/// # Errors
/// A tile that not every card can run, or rows that do not rise to the end. The tiles are left as they are then.
pub fn use_tiles(software: bool, table: Option<Tiles>) -> Result<(), KernelError> {
    if let Some(table) = &table {
        table.check()?;
    }
    let mut measured = MEASURED.write().unwrap_or_else(PoisonError::into_inner);
    measured[usize::from(software)] = table;
    Ok(())
}

impl Tiles {
    /// The built-in table.
    pub fn built_in(software: bool) -> Self {
        let entry = |rows| TileEntry { rows, tile: Tile::built_in(rows, software) };
        Self { entries: TILE_ROWS.map(entry).to_vec() }
    }

    fn check(&self) -> Result<(), KernelError> {
        let fail = |reason| Err(KernelError { operation: "table of tiles", reason });
        if let Some(entry) = self.entries.iter().find(|entry| !entry.tile.runs_everywhere()) {
            return fail(format!("not every card can run {:?}", entry.tile));
        }
        let rises = self.entries.is_sorted_by(|one, next| one.rows < next.rows);
        if !rises || self.entries.last().is_none_or(|entry| entry.rows != usize::MAX) {
            return fail("its rows do not rise to the end of all numbers".into());
        }
        Ok(())
    }
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
        let measured = MEASURED.read().unwrap_or_else(PoisonError::into_inner);
        let table = measured[usize::from(software)].as_ref().filter(|_| !PRETEND.get());
        let entry = table.and_then(|table| table.entries.iter().find(|entry| rows <= entry.rows));
        entry.map_or_else(|| Self::built_in(rows, software), |entry| entry.tile)
    }

    fn built_in(rows: usize, software: bool) -> Self {
        let table: &[(usize, Self)] = if software { &SOFTWARE } else { &CARD };
        let fits = table.iter().find(|(most, _)| rows <= *most);
        fits.expect("the last entry takes any number of rows").1
    }

    /// Every tile there is.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        CARD.into_iter().chain(SOFTWARE).map(|(_, tile)| tile).chain(Self::candidates())
    }

    /// Tiles worth measuring for a device.
    pub fn candidates() -> impl Iterator<Item = Self> {
        CANDIDATES.into_iter()
    }

    /// Whether it keeps to what WebGPU promises of every card, and to what `shaders/product.wgsl` counts on.
    fn runs_everywhere(&self) -> bool {
        let Self { rows, columns, terms, thread_rows, thread_columns, written_out } = *self;
        let sizes = [rows, columns, terms, thread_rows, thread_columns];
        let fours = [rows, columns, thread_rows, thread_columns].iter().all(|side| side.is_multiple_of(4));
        // Bounds first, so that nothing below overflows or divides by 0.
        sizes.iter().all(|size| (1..=256).contains(size))
            && fours
            && rows.is_multiple_of(thread_rows)
            && columns.is_multiple_of(thread_columns)
            && thread_rows * thread_columns <= 256
            && (!written_out || (rows == thread_rows && terms <= 16))
            && (1..=256).contains(&self.threads())
            && (rows + columns + 8) * terms * size_of::<f32>() <= 16 << 10
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
            .with("down", if self.written_out { "0u" } else { "thread / ACROSS * THREAD_M" })
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

    /// All terms of a slice.
    fn multiply(&self) -> String {
        if !self.written_out {
            return format!(
                "for (var k = 0u; k < TILE_K; k++) {{\n            {}\n        }}",
                self.term("k")
            );
        }
        let each = |k: usize| format!("{{\n            {}\n        }}", self.term(&format!("{k}u")));
        (0..self.terms).map(each).collect::<Vec<_>>().join("\n        ")
    }

    /// One term of every sum. Written out, because only named variables are sure to be registers.
    fn term(&self, k: &str) -> String {
        let between = "\n            ";
        let down = if self.written_out { "0u" } else { "down / 4u" };
        let mut text = String::new();
        for i in 0..self.thread_rows / 4 {
            let _ = write!(text, "let left{i} = left_slice[{k} * LEFT_PITCH + {down} + {i}u];{between}");
        }
        for j in 0..self.thread_columns / 4 {
            let _ = write!(
                text,
                "let right{j} = right_slice[{k} * RIGHT_PITCH + right + {j}u * ACROSS];{between}"
            );
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

impl std::fmt::Display for Tile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rows, columns, terms, thread_rows, thread_columns, written_out } = self;
        let kind = if *written_out { ", written out" } else { "" };
        write!(f, "{rows} x {columns}, {terms} terms, {thread_rows} x {thread_columns} a thread{kind}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tile_keeps_to_what_every_card_has() {
        for tile in Tile::all() {
            assert!(tile.runs_everywhere(), "{tile:?}");
        }
    }

    #[test]
    fn a_measured_table_is_used_and_an_impossible_one_refused() {
        let built_in = Tiles::built_in(true);
        let other = tile(64, 64, 16, [8, 4]);
        let table = |tile| Tiles { entries: vec![TileEntry { rows: usize::MAX, tile }] };
        for tile in [
            Tile { terms: 0, ..other },
            Tile { columns: 1 << 40, ..other },
            Tile { thread_rows: 6, ..other },
            Tile { terms: 256, ..other },
            Tile { written_out: true, ..other },
        ] {
            let error = use_tiles(false, Some(table(tile))).expect_err("an impossible tile");
            assert!(error.to_string().contains("not every card"), "{error}");
        }
        let mut unordered = built_in.clone();
        unordered.entries.swap(0, 1);
        for wrong in
            [unordered, Tiles { entries: built_in.entries[..3].to_vec() }, Tiles { entries: Vec::new() }]
        {
            assert!(use_tiles(true, Some(wrong)).is_err());
        }
        // Of cards: no other test of this process has one.
        use_tiles(false, Some(table(other))).expect("a possible table");
        assert_eq!(Tile::choose(7, false), other);
        use_tiles(false, None).expect("the built-in table");
        assert_ne!(Tile::choose(7, false), other);
    }

    #[test]
    fn few_rows_get_low_tiles() {
        for software in [false, true] {
            let rows = [1, 16, 17, 64, 1000].map(|rows| Tile::built_in(rows, software).rows);
            assert!(rows.is_sorted() && rows[0] == 16 && rows[2] == 32, "{rows:?}");
        }
    }
}
