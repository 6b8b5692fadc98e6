//! The sizes of one convolution, worked out once for both paths.

use burn::tensor::Shape;

use super::ConvConfig;

/// All the sizes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) pictures: usize,
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) out: usize,
    /// Height of the output.
    pub(super) rows: usize,
    /// Width of the output.
    pub(super) columns: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    /// Zeros above the input.
    pub(super) top: usize,
    /// Zeros left of the input.
    pub(super) left: usize,
    pub(super) groups: usize,
}

impl Sizes {
    /// For an input `[C, H, W]`, which [`ConvConfig::check`] has passed.
    pub(super) fn new(pictures: usize, [channels, height, width]: [usize; 3], config: &ConvConfig) -> Self {
        let ConvConfig { out, kernel, stride, groups, .. } = *config;
        let [rows, columns] = config.output_size([height, width]);
        let (top, left) = (config.vertical[0], config.horizontal[0]);
        Self { pictures, channels, height, width, out, rows, columns, kernel, stride, top, left, groups }
    }

    /// For an input `[N, C, H, W]`.
    pub(super) fn of(x: &Shape, config: &ConvConfig) -> Self {
        Self::new(x[0], [x[1], x[2], x[3]], config)
    }

    /// `[N, C, H, W]`
    pub(super) fn input(&self) -> Shape {
        Shape::new([self.pictures, self.channels, self.height, self.width])
    }

    /// `[N, out, H', W']`
    pub(super) fn output(&self) -> Shape {
        Shape::new([self.pictures, self.out, self.rows, self.columns])
    }

    /// Input channels of a group.
    pub(super) fn channels_each(&self) -> usize {
        self.channels / self.groups
    }

    /// Output channels of a group.
    pub(super) fn out_each(&self) -> usize {
        self.out / self.groups
    }

    /// Weights of a kernel in one input channel.
    pub(super) fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Weights of one output channel.
    pub(super) fn fan_in(&self) -> usize {
        self.channels_each() * self.taps()
    }

    /// Pixels of an output channel.
    pub(super) fn positions(&self) -> usize {
        self.rows * self.columns
    }

    /// Pixels of an input channel.
    pub(super) fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Values of one group of one picture's input.
    pub(super) fn input_each(&self) -> usize {
        self.channels_each() * self.pixels()
    }

    /// Values of one group of one picture's output.
    pub(super) fn output_each(&self) -> usize {
        self.out_each() * self.positions()
    }
}
