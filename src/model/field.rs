//! Which pixels a unit of a layer sees: its receptive field, worked out from kernels, strides and paddings alone.

use std::ops::Range;

use super::spec::{LayerKind, ModelSpec};

/// The receptive fields of the units of a layer. The unit in row `y` and column `x` of a map sees a square of `size`
/// pixels whose first row is `top + y * jump` and whose first column is `left + x * jump`, as far as it lies inside
/// the picture; the rest are zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub size: usize,
    /// Pixels between the fields of neighbours.
    pub jump: usize,
    pub top: isize,
    pub left: isize,
}

impl Field {
    /// A pixel of the picture itself.
    const PIXEL: Self = Self { size: 1, jump: 1, top: 0, left: 0 };

    /// Rows and columns, in a picture of `side` x `side` pixels, that the unit at `[row, column]` sees.
    pub fn window(&self, [row, column]: [usize; 2], side: usize) -> [Range<usize>; 2] {
        let clipped = |first: isize, place: usize| {
            let first = first.saturating_add_unsigned(place.saturating_mul(self.jump));
            let inside = |at: isize| (at.max(0) as usize).min(side);
            inside(first)..inside(first.saturating_add_unsigned(self.size))
        };
        [clipped(self.top, row), clipped(self.left, column)]
    }

    /// The fields one window further on.
    fn behind(self, window: usize, stride: usize, top: usize, left: usize) -> Self {
        let back = |start: isize, padding: usize| start.saturating_sub_unsigned(padding * self.jump);
        Self {
            size: self.size + (window - 1) * self.jump,
            jump: self.jump * stride,
            top: back(self.top, top),
            left: back(self.left, left),
        }
    }
}

impl ModelSpec {
    /// What the units of layer `index` see; none for a layer whose units see the whole picture.
    pub fn receptive_field(&self, index: usize) -> Option<Field> {
        self.layers[..=index].iter().try_fold(Field::PIXEL, |field, layer| {
            Some(match layer.kind {
                LayerKind::Conv { kernel, stride, padding, .. } => {
                    field.behind(kernel, stride, padding.top, padding.left)
                }
                LayerKind::Local { kernel, padding, .. } => field.behind(kernel, 1, padding, padding),
                LayerKind::SpatialNorm { size, .. } => field.behind(size, 1, size / 2, size / 2),
                LayerKind::MaxPool { kernel, stride, .. } | LayerKind::AvgPool { kernel, stride, .. } => {
                    field.behind(kernel, stride, 0, 0)
                }
                LayerKind::Linear { .. } => return None,
                LayerKind::Relu
                | LayerKind::Tanh
                | LayerKind::Lrn { .. }
                | LayerKind::BatchNorm { .. }
                | LayerKind::Dropout { .. } => field,
            })
        })
    }
}
