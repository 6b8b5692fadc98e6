//! Convolution in Winograd's domain, for software Vulkan: fewer products, and those as plain products of matrices.
//!
//! ```text
//! forward                  tiles of the input      x  kernels               ->  tiles of the output
//! backward to the input    tiles of the gradients  x  kernels turned round  ->  tiles of the input's gradients
//! backward to the weights  tiles of the gradients  x  tiles of the input    ->  kernels, over all tiles
//! ```
//! Two by two outputs are made of a tile of the input. Tile and kernel are transformed into SIDE x SIDE values each, which
//! are multiplied one by one and added up over the channels: SIDE x SIDE products of matrices. 3 x 3 kernels take 16
//! instead of 36 multiplications for four outputs, 5 x 5 ones 36 instead of 100. A stride is done away with first: every
//! phase of the input is a channel of its own (`shaders/winograd_maps.wgsl`).
//!
//! Sums are added up in another order than by the definition, and a number that is not finite reaches the whole of its
//! tile. What the domain needs of memory is bounded: pictures pass in shares.

mod matrices;
mod shaders;

use burn::backend::wgpu::CubeTensor;
use burn::tensor::Shape;

use self::matrices::{MOST_SIDE, Matrix};
use self::shaders::{
    Fours, from_maps_shader, from_weights_shader, into_maps_shader, into_weights_shader, product_shader,
};
use super::sizes::Sizes;
use crate::kernels::MAX_BINDING_BYTES;
use crate::kernels::block::{Block, Sides};
use crate::kernels::launch::{Shader, Word, empty_like, launch};

pub(super) use self::shaders::shaders;

/// Outputs of a tile each way.
const OUTPUTS: usize = 2;
/// Matrices with fewer channels or outputs are not worth the transforms.
const LEAST_CHANNELS: usize = 16;
/// What the pictures of a share may take in the domain, unless fewer do not make so many tiles,
const SHARE_BYTES: usize = 1 << 20;
/// which fill the blocks of a product well,
const SHARE_TILES: usize = 96;
/// and what a share, or the weights, may take at most: a quarter of what every device binds at once. Not by the device, so that
/// all of them give the same results.
const MOST_BYTES: usize = MAX_BINDING_BYTES / 4;

/// A convolution for which this way is worthwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Winograd {
    sizes: Sizes,
    /// Taps of a phase's kernel each way.
    taps: usize,
    /// Side of a tile in the domain.
    side: usize,
}

/// One of the maps that a convolution reads or makes, as `shaders/winograd_maps.wgsl` sees them.
#[derive(Clone, Copy, Debug)]
struct Maps {
    /// Channels of a group.
    channels: usize,
    height: usize,
    width: usize,
    stride: usize,
    /// Lines between the beginning of the first tile and the first pixel.
    top: i32,
    left: i32,
}

/// Tiles of a picture, down and across.
#[derive(Clone, Copy, Debug)]
struct Grid([usize; 2]);

/// The pictures of a share.
#[derive(Clone, Copy, Debug)]
struct Share {
    first: usize,
    pictures: usize,
}

/// The matrices of the domain: this many lines of so many fours for each group.
#[derive(Clone, Copy, Debug)]
struct Lines {
    lines: usize,
    fours: usize,
}

impl Winograd {
    /// None where products are not saved, or little else than transforms would be done, or a picture takes too much.
    pub(super) fn of(sizes: &Sizes) -> Option<Self> {
        let taps = sizes.kernel.div_ceil(sizes.stride);
        let side = taps + OUTPUTS - 1;
        let winograd = Self { sizes: *sizes, taps, side };
        let tiles = winograd.output_grid().tiles();
        let products = side * side * tiles * sizes.stride * sizes.stride;
        let worthwhile = taps > 1
            && side <= MOST_SIDE
            && 3 * products <= 2 * sizes.taps() * sizes.positions()
            && winograd.channels().min(sizes.out_each()) >= LEAST_CHANNELS;
        let grids = [winograd.output_grid(), winograd.input_grid().0];
        let pieces =
            [winograd.weight_bytes(), winograd.picture_bytes(grids[0]), winograd.picture_bytes(grids[1])];
        (worthwhile && pieces.iter().all(|piece| *piece <= MOST_BYTES)).then_some(winograd)
    }

    pub(super) fn forward(
        &self,
        x: &CubeTensor,
        weight: &CubeTensor,
        bias: &CubeTensor,
        relu: bool,
    ) -> CubeTensor {
        let kernels = self.kernels(weight, Matrix::filter(self.side, self.taps), Fours::Others);
        let y = empty_like(x, self.sizes.output(), x.dtype);
        let (from, to) = (self.input_maps(), self.output_maps());
        self.convolve(&kernels, [(x, from), (&y, to)], Some((bias, relu)), self.output_grid());
        y
    }

    pub(super) fn backward_x(&self, weight: &CubeTensor, grad: &CubeTensor) -> CubeTensor {
        let (sizes, (grid, [down, across])) = (&self.sizes, self.input_grid());
        let kernels = self.kernels(weight, Matrix::filter(self.side, self.taps).turned(), Fours::Channels);
        // An input at this place of the padded maps was seen by outputs up to a kernel before it.
        let before = |first: usize| as_i32(self.taps - 1) - as_i32(first);
        let from = Maps { top: before(down), left: before(across), ..self.output_maps() };
        let to = self.input_maps();
        let start = |zeros: i32, first: usize| zeros - as_i32(sizes.stride * first);
        let to = Maps { top: start(to.top, down), left: start(to.left, across), ..to };
        let dx = empty_like(grad, sizes.input(), grad.dtype);
        self.convolve(&kernels, [(grad, from), (&dx, to)], None, grid);
        dx
    }

    pub(super) fn backward_weight(&self, x: &CubeTensor, grad: &CubeTensor) -> CubeTensor {
        let (sizes, grid) = (&self.sizes, self.output_grid());
        let (rows, columns) = (fours(sizes.out_each()), fours(self.channels()));
        let sums = self.domain(x, Lines { lines: rows, fours: columns / 4 });
        let inputs = into_maps_shader(&Matrix::data(self.side), Fours::Channels);
        let outputs = into_maps_shader(&Matrix::filter(self.side, OUTPUTS), Fours::Channels);
        // The first share's sums take the place of whatever the memory held, and later ones are added.
        let products = [false, true].map(product_shader);
        for share in self.shares(grid) {
            let inputs = self.tiles(&inputs, x, &self.input_maps(), grid, share, Fours::Channels);
            let outputs = self.tiles(&outputs, grad, &self.output_maps(), grid, share, Fours::Channels);
            let sides = Sides { rows, terms: share.pictures * grid.tiles(), columns };
            let shader = &products[usize::from(share.first > 0)];
            Block::LARGE.launch(shader.clone(), &[&outputs, &inputs], &sums, sides, self.products());
        }
        let dw = empty_like(x, Shape::new([sizes.out * sizes.fan_in()]), x.dtype);
        let lines = Lines { lines: rows, fours: columns / 4 };
        let outputs = Matrix::outputs(self.side, self.taps);
        self.launch(from_weights_shader(&outputs), &[&sums], &dw, lines, &self.weight_words());
        dw
    }

    /// Takes maps through the domain, share by share: their tiles, the products with the kernels, and the maps to be made of
    /// these, with biases and unit where there are any.
    fn convolve(
        &self,
        kernels: &CubeTensor,
        [(values, from), (made, to)]: [(&CubeTensor, Maps); 2],
        end: Option<(&CubeTensor, bool)>,
        grid: Grid,
    ) {
        // Their texts are long: they are written once.
        let into = into_maps_shader(&Matrix::data(self.side), Fours::Others);
        let product = product_shader(false);
        let back = from_maps_shader(&Matrix::outputs(self.side, OUTPUTS), end.map(|(_, relu)| relu));
        for share in self.shares(grid) {
            let tiles = self.tiles(&into, values, &from, grid, share, Fours::Others);
            let columns = fours(share.pictures * grid.tiles());
            let sides = Sides { rows: fours(to.phases()), terms: from.phases(), columns };
            let lines = Lines { lines: sides.rows, fours: columns / 4 };
            let products = self.domain(&tiles, lines);
            Block::LARGE.launch(product.clone(), &[kernels, &tiles], &products, sides, self.products());
            let inputs: Vec<&CubeTensor> = [&products].into_iter().chain(end.map(|(bias, _)| bias)).collect();
            self.launch(back.clone(), &inputs, made, lines, &self.map_words(&to, grid, share));
        }
    }

    /// The weights in the domain, `[SIDE SIDE, groups, terms, results]`: in fours of outputs or of channels.
    fn kernels(&self, weight: &CubeTensor, filter: Matrix, along: Fours) -> CubeTensor {
        let lines = match along {
            Fours::Others => Lines { lines: self.channels(), fours: self.sizes.out_each().div_ceil(4) },
            Fours::Channels => Lines { lines: self.sizes.out_each(), fours: self.channels().div_ceil(4) },
        };
        let kernels = self.domain(weight, lines);
        self.launch(into_weights_shader(&filter, along), &[weight], &kernels, lines, &self.weight_words());
        kernels
    }

    /// The tiles of a share's maps in the domain, `[SIDE SIDE, groups, channels, tiles]` or the last two swapped.
    fn tiles(
        &self,
        shader: &Shader,
        values: &CubeTensor,
        maps: &Maps,
        grid: Grid,
        share: Share,
        along: Fours,
    ) -> CubeTensor {
        let (channels, tiles) = (maps.phases(), share.pictures * grid.tiles());
        let lines = match along {
            Fours::Others => Lines { lines: channels, fours: tiles.div_ceil(4) },
            Fours::Channels => Lines { lines: tiles, fours: channels.div_ceil(4) },
        };
        let made = self.domain(values, lines);
        self.launch(shader.clone(), &[values], &made, lines, &self.map_words(maps, grid, share));
        made
    }

    fn launch(
        &self,
        shader: Shader,
        inputs: &[&CubeTensor],
        result: &CubeTensor,
        lines: Lines,
        words: &[Word],
    ) {
        let threads = self.sizes.groups * lines.lines * lines.fours;
        let params = [&[lines.lines, lines.fours].map(Word::Size), words].concat();
        launch(shader, inputs, &[result], &params, threads);
    }

    /// Memory for matrices of these lines.
    fn domain(&self, like: &CubeTensor, Lines { lines, fours }: Lines) -> CubeTensor {
        empty_like(like, Shape::new([self.products() * lines * 4 * fours]), like.dtype)
    }

    fn map_words(&self, maps: &Maps, Grid([down, across]): Grid, share: Share) -> Vec<Word> {
        let Maps { channels, height, width, stride, top, left } = *maps;
        let sizes = [self.sizes.groups, channels, height, width, stride].map(Word::Size);
        let rest = [down, across, share.first, share.pictures].map(Word::Size);
        [&sizes[..], &[Word::Int(top), Word::Int(left)], &rest].concat()
    }

    fn weight_words(&self) -> Vec<Word> {
        let Sizes { kernel, stride, .. } = self.sizes;
        [self.sizes.out_each(), self.sizes.channels_each(), kernel, stride].map(Word::Size).to_vec()
    }

    /// Matrix products that a share takes.
    fn products(&self) -> usize {
        self.side * self.side * self.sizes.groups
    }

    /// Channels of a group, each phase counted.
    fn channels(&self) -> usize {
        self.input_maps().phases()
    }

    fn input_maps(&self) -> Maps {
        let Sizes { height, width, stride, top, left, .. } = self.sizes;
        let channels = self.sizes.channels_each();
        Maps { channels, height, width, stride, top: as_i32(top), left: as_i32(left) }
    }

    fn output_maps(&self) -> Maps {
        let Sizes { rows, columns, .. } = self.sizes;
        Maps { channels: self.sizes.out_each(), height: rows, width: columns, stride: 1, top: 0, left: 0 }
    }

    /// Tiles of the output.
    fn output_grid(&self) -> Grid {
        Grid([self.sizes.rows, self.sizes.columns].map(|side| side.div_ceil(OUTPUTS)))
    }

    /// Tiles of the input, of every phase alike, and where in the padded input the first of them begins.
    fn input_grid(&self) -> (Grid, [usize; 2]) {
        let Sizes { height, width, stride, top, left, .. } = self.sizes;
        let span = |zeros: usize, side: usize| (zeros / stride, (zeros + side - 1) / stride);
        let spans = [span(top, height), span(left, width)];
        (Grid(spans.map(|(first, last)| (last + 1 - first).div_ceil(OUTPUTS))), spans.map(|(first, _)| first))
    }

    /// What one picture takes at most in the domain, of its input or its output.
    fn picture_bytes(&self, grid: Grid) -> usize {
        let channels = fours(self.channels().max(self.sizes.out_each()));
        size_of::<f32>() * self.products() * channels * fours(grid.tiles())
    }

    /// What the weights take there.
    fn weight_bytes(&self) -> usize {
        size_of::<f32>() * self.products() * fours(self.channels()) * fours(self.sizes.out_each())
    }

    fn shares(&self, grid: Grid) -> impl Iterator<Item = Share> + use<> {
        let all = self.sizes.pictures;
        // Tiles of several pictures fill their fours, so that a share never takes more than its pictures alone would.
        let within = |bytes: usize| bytes / self.picture_bytes(grid);
        let enough = SHARE_TILES.div_ceil(grid.tiles()).min(within(MOST_BYTES));
        let most = within(SHARE_BYTES).max(enough).clamp(1, all);
        let each = all.div_ceil(all.div_ceil(most));
        (0..all).step_by(each).map(move |first| Share { first, pictures: each.min(all - first) })
    }
}

impl Maps {
    /// Channels of a group, each phase counted.
    fn phases(&self) -> usize {
        self.channels * self.stride * self.stride
    }
}

impl Grid {
    fn tiles(self) -> usize {
        let Self([down, across]) = self;
        down * across
    }
}

fn fours(count: usize) -> usize {
    count.next_multiple_of(4)
}

fn as_i32(size: usize) -> i32 {
    i32::try_from(size).expect("sides of maps fit into 31 bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::ConvConfig;

    fn sizes(pictures: usize, input: [usize; 3], [out, kernel, stride, zeros]: [usize; 4]) -> Sizes {
        let around = [zeros, zeros];
        let config =
            ConvConfig { out, kernel, stride, vertical: around, horizontal: around, groups: 1, relu: true };
        Sizes::new(pictures, input, &config)
    }

    #[test]
    fn it_is_taken_where_it_saves_products() {
        let taken = |input, numbers| Winograd::of(&sizes(2, input, numbers)).map(|winograd| winograd.side);
        // The paper's first, second and third.
        assert_eq!(taken([3, 224, 224], [96, 11, 4, 2]), Some(4));
        assert_eq!(taken([48, 27, 27], [128, 5, 1, 2]), Some(6));
        assert_eq!(taken([256, 13, 13], [384, 3, 1, 1]), Some(4));
        // One output, one tap, few channels, a kernel that is too large, maps that are too large.
        assert_eq!(taken([64, 3, 3], [64, 3, 1, 0]), None);
        assert_eq!(taken([64, 8, 8], [64, 1, 1, 0]), None);
        assert_eq!(taken([3, 32, 32], [32, 5, 1, 2]), None);
        assert_eq!(taken([64, 32, 32], [64, 7, 1, 3]), None);
        assert_eq!(taken([64, 1024, 1024], [64, 3, 1, 1]), None);
    }

    #[test]
    fn shares_hold_every_picture_once() {
        for pictures in [1, 2, 7, 128] {
            let winograd = Winograd::of(&sizes(pictures, [48, 16, 16], [32, 5, 1, 2])).expect("worthwhile");
            let shares: Vec<Share> = winograd.shares(winograd.output_grid()).collect();
            let mut next = 0;
            for share in &shares {
                assert_eq!(share.first, next);
                next += share.pictures;
            }
            assert_eq!(next, pictures);
        }
    }
}
