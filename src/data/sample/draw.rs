//! A small painter: shapes as signed distances, laid over each other with soft edges.
//!
//! Coordinates run from 0 to 1 across the picture, x to the right, y down, so a scene is the same at any side.
//! Only additions, products, quotients and square roots are used: those are exact to the last bit on every
//! platform, sines are not.

use image::RgbImage;

use super::super::rng::Stream;

/// Red, green, blue, each 0 to 1.
pub(super) type Colour = [f32; 3];

/// A point or a vector.
pub(super) type Point = (f32, f32);

/// A rotation: cosine and sine of its angle.
#[derive(Clone, Copy)]
pub(super) struct Turn {
    pub cos: f32,
    pub sin: f32,
}

impl Turn {
    pub(super) const NONE: Self = Self { cos: 1.0, sin: 0.0 };

    /// By the angle whose half has the tangent `half`.
    pub(super) fn by_half_tangent(half: f32) -> Self {
        let scale = 1.0 / (1.0 + half * half);
        Self { cos: (1.0 - half * half) * scale, sin: 2.0 * half * scale }
    }

    /// `p` as seen by a shape at `centre` with this rotation.
    pub(super) fn local(self, p: Point, centre: Point) -> Point {
        let (x, y) = (p.0 - centre.0, p.1 - centre.1);
        (x * self.cos + y * self.sin, y * self.cos - x * self.sin)
    }
}

/// What can be painted.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Disc {
        radius: f32,
    },
    Ring {
        radius: f32,
        width: f32,
    },
    /// A rectangle with rounded corners.
    Box {
        half: Point,
        corner: f32,
    },
    /// Isosceles, pointing up, its centre midway between tip and base.
    Triangle {
        half: Point,
    },
    /// Two bars across each other.
    Plus {
        reach: f32,
        width: f32,
    },
}

/// A form somewhere.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub form: Form,
    pub centre: Point,
    pub turn: Turn,
}

impl Shape {
    pub(super) fn new(form: Form, centre: Point) -> Self {
        Self { form, centre, turn: Turn::NONE }
    }

    /// The radius of a circle around the centre that holds the whole shape.
    pub(super) fn reach(&self) -> f32 {
        match self.form {
            Form::Disc { radius } => radius,
            Form::Ring { radius, width } => radius + width,
            Form::Box { half, .. } | Form::Triangle { half } => (half.0 * half.0 + half.1 * half.1).sqrt(),
            Form::Plus { reach, .. } => reach * 1.2,
        }
    }

    /// Distance of `p` from the edge, negative inside.
    fn distance(&self, p: Point) -> f32 {
        let (x, y) = self.turn.local(p, self.centre);
        match self.form {
            Form::Disc { radius } => (x * x + y * y).sqrt() - radius,
            Form::Ring { radius, width } => ((x * x + y * y).sqrt() - radius).abs() - 0.5 * width,
            Form::Box { half, corner } => box_distance((x, y), half, corner),
            Form::Triangle { half: (width, height) } => {
                // The slanted edge runs from the tip (0, -height) to (width, height); x is mirrored onto it.
                let slant = (2.0 * height * x.abs() - width * (y + height))
                    / (4.0 * height * height + width * width).sqrt();
                slant.max(y - height)
            }
            Form::Plus { reach, width } => {
                box_distance((x, y), (reach, width), 0.0).min(box_distance((x, y), (width, reach), 0.0))
            }
        }
    }
}

fn box_distance((x, y): Point, half: Point, corner: f32) -> f32 {
    let (dx, dy) = (x.abs() - half.0 + corner, y.abs() - half.1 + corner);
    let (ox, oy) = (dx.max(0.0), dy.max(0.0));
    (ox * ox + oy * oy).sqrt() + dx.max(dy).min(0.0) - corner
}

/// A square picture in the making.
pub(super) struct Canvas {
    side: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    /// `paint` gives the colour at a point.
    pub(super) fn new(side: u32, paint: impl Fn(Point) -> Colour) -> Self {
        let side = side as usize;
        let step = 1.0 / side as f32;
        let mut pixels = Vec::with_capacity(side * side);
        for row in 0..side {
            for column in 0..side {
                pixels.push(paint(((column as f32 + 0.5) * step, (row as f32 + 0.5) * step)));
            }
        }
        Self { side, pixels }
    }

    /// Pixels a side.
    pub(super) fn side(&self) -> f32 {
        self.side as f32
    }

    /// Lays `shape` over the picture. Its edge fades over `softness`, but at least over a pixel.
    pub(super) fn lay(
        &mut self,
        shape: &Shape,
        softness: f32,
        opacity: f32,
        paint: impl Fn(Point) -> Colour,
    ) {
        let side = self.side as f32;
        let step = 1.0 / side;
        let fade = softness.max(step);
        let reach = shape.reach() + fade;
        let range = |centre: f32| {
            let low = ((centre - reach) * side).max(0.0) as usize;
            let high = ((centre + reach) * side + 1.0).clamp(0.0, side) as usize;
            low.min(self.side)..high
        };
        let columns = range(shape.centre.0);
        for row in range(shape.centre.1) {
            for column in columns.clone() {
                let p = ((column as f32 + 0.5) * step, (row as f32 + 0.5) * step);
                let cover = (0.5 - shape.distance(p) / fade).clamp(0.0, 1.0) * opacity;
                if cover > 0.0 {
                    let pixel = &mut self.pixels[row * self.side + column];
                    *pixel = mix(*pixel, paint(p), cover);
                }
            }
        }
    }

    /// The picture in 8 bits, with contrast and brightness changed and grain of the given strength.
    pub(super) fn develop(self, contrast: f32, brightness: f32, grain: f32, stream: &mut Stream) -> RgbImage {
        let side = self.side as u32;
        let mut picture = RgbImage::new(side, side);
        for (target, colour) in picture.pixels_mut().zip(&self.pixels) {
            let noise = stream.bits().to_le_bytes();
            // Grey grain, and a weaker one in colour, as cameras have.
            let grey = f32::from(noise[3]) - 127.5;
            for channel in 0..3 {
                let speck = (grey + 0.5 * (f32::from(noise[channel]) - 127.5)) * (grain / 127.5);
                let value = (colour[channel] - 0.5) * contrast + 0.5 + brightness + speck;
                target.0[channel] = (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
            }
        }
        picture
    }
}

/// From `a` (share 0) to `b` (share 1).
pub(super) fn mix(a: Colour, b: Colour, share: f32) -> Colour {
    [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * share)
}

/// How different two colours look, roughly; black and white are 1 apart.
pub(super) fn contrast(a: Colour, b: Colour) -> f32 {
    let weights = [0.3, 0.5, 0.2];
    (0..3).map(|i| weights[i] * (a[i] - b[i]) * (a[i] - b[i])).sum::<f32>().sqrt()
}

/// A colour from its hue (turns of the colour circle: 0 red, 1/3 green, 2/3 blue), saturation and value.
pub(super) fn hsv(hue: f32, saturation: f32, value: f32) -> Colour {
    let hue = (hue - hue.floor()) * 6.0;
    [5.0_f32, 3.0, 1.0].map(|shift| {
        let k = (shift + hue) % 6.0;
        value * (1.0 - saturation * k.min(4.0 - k).clamp(0.0, 1.0))
    })
}
