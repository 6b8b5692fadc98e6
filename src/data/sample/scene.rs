//! What stands in each picture of the built-in data set: background, clutter, and the thing itself.

use image::RgbImage;

use super::super::rng::Stream;
use super::draw::{Canvas, Colour, Form, Point, Shape, Turn, contrast, hsv, mix};

/// The largest rotation of things: tangent of half the angle, about 9 degrees either way.
const TILT: f32 = 0.08;

/// Draws one picture of `class` (an index of the class list).
pub(super) fn picture(class: usize, side: u32, stream: &mut Stream) -> RgbImage {
    let thing = Thing::choose(class, stream);
    let mut canvas = backdrop(side, &thing.colours(), stream);
    for _ in 0..1 + stream.below(4) {
        speck(&mut canvas, stream);
    }
    if stream.chance(0.4) {
        bystander(&mut canvas, &thing, stream);
    }
    thing.lay(&mut canvas);
    for _ in 0..stream.below(3) {
        speck(&mut canvas, stream);
    }
    let contrast = stream.between(0.82, 1.1);
    let brightness = stream.between(-0.06, 0.06);
    let grain = stream.between(0.005, 0.035);
    canvas.develop(contrast, brightness, grain, stream)
}

/// What a picture is of.
enum Thing {
    /// One shape in one colour.
    Solid { shape: Shape, colour: Colour },
    /// A patch with a pattern of two colours.
    Pattern { patch: Shape, pattern: Pattern, turn: Turn, cell: f32, phase: Point, colours: [Colour; 2] },
    /// A ball over or under a bar.
    Pair { ball: Shape, bar: Shape, colours: [Colour; 2] },
}

#[derive(Clone, Copy, PartialEq)]
enum Pattern {
    Horizontal,
    Vertical,
    Checkerboard,
}

impl Thing {
    fn choose(class: usize, stream: &mut Stream) -> Self {
        match class {
            0 => Self::solid(Form::Disc { radius: stream.between(0.2, 0.31) }, red(stream), stream),
            1 => Self::solid(Form::Disc { radius: stream.between(0.2, 0.31) }, blue(stream), stream),
            2 => {
                let radius = stream.between(0.19, 0.27);
                Self::solid(
                    Form::Ring { radius, width: radius * stream.between(0.42, 0.6) },
                    red(stream),
                    stream,
                )
            }
            3 | 4 => {
                let half = stream.between(0.26, 0.35);
                let form = Form::Triangle { half: (half * stream.between(0.95, 1.15), half) };
                let colour = vivid(stream);
                let mut thing = Self::solid(form, colour, stream);
                if let (4, Self::Solid { shape, .. }) = (class, &mut thing) {
                    // Half a turn more.
                    shape.turn = Turn { cos: -shape.turn.cos, sin: -shape.turn.sin };
                }
                thing
            }
            5 => Self::pattern(Pattern::Horizontal, stream),
            6 => Self::pattern(Pattern::Vertical, stream),
            7 => Self::pattern(Pattern::Checkerboard, stream),
            8 => Self::pair(-1.0, stream),
            _ => Self::pair(1.0, stream),
        }
    }

    fn solid(form: Form, colour: Colour, stream: &mut Stream) -> Self {
        let mut shape = Shape::new(form, (0.5, 0.5));
        shape.turn = Turn::by_half_tangent(stream.between(-TILT, TILT));
        let roam = (0.48 - 0.85 * shape.reach()).clamp(0.05, 0.16);
        shape.centre = (0.5 + stream.between(-roam, roam), 0.5 + stream.between(-roam, roam));
        Self::Solid { shape, colour }
    }

    fn pattern(pattern: Pattern, stream: &mut Stream) -> Self {
        let half = stream.between(0.27, 0.46);
        let form = match stream.below(3) {
            0 => Form::Disc { radius: half },
            1 => Form::Box { half: (half, half * stream.between(0.75, 1.2)), corner: 0.04 },
            _ => Form::Box { half: (1.0, 1.0), corner: 0.0 },
        };
        let centre = (stream.between(0.4, 0.6), stream.between(0.4, 0.6));
        let turn = Turn::by_half_tangent(stream.between(-TILT, TILT));
        let first = any_colour(stream);
        let second = far_from(&[first], 0.34, stream, any_colour);
        Self::Pattern {
            patch: Shape { form, centre, turn },
            pattern,
            turn,
            cell: stream.between(0.055, 0.12),
            phase: (stream.unit(), stream.unit()),
            colours: [first, second],
        }
    }

    /// `side` -1: the ball above the bar; 1: below.
    fn pair(side: f32, stream: &mut Stream) -> Self {
        let radius = stream.between(0.15, 0.2);
        let bar_half = (stream.between(0.26, 0.4), stream.between(0.045, 0.065));
        let gap = stream.between(0.0, 0.03);
        let apart = radius + gap + bar_half.1;
        // The pair as a whole stands anywhere; the bar may run out of the picture a little.
        let height = radius + 0.5 * apart;
        let middle = (stream.between(0.4, 0.6), 0.5 + stream.between(-0.4, 0.4) * (1.0 - 2.0 * height));
        let along = stream.between(-0.75, 0.75) * (bar_half.0 - 0.5 * radius);
        let turn = Turn::by_half_tangent(stream.between(-0.5 * TILT, 0.5 * TILT));
        let bar_centre = (middle.0, middle.1 - 0.5 * side * apart);
        let ball_centre = (
            bar_centre.0 + along * turn.cos - side * apart * turn.sin,
            bar_centre.1 + along * turn.sin + side * apart * turn.cos,
        );
        let bar = Shape { form: Form::Box { half: bar_half, corner: 0.015 }, centre: bar_centre, turn };
        let ball = Shape::new(Form::Disc { radius }, ball_centre);
        Self::Pair { ball, bar, colours: [vivid(stream), any_colour(stream)] }
    }

    /// The colours that must stand out from the background.
    fn colours(&self) -> Vec<Colour> {
        match self {
            Self::Solid { colour, .. } => vec![*colour],
            // A pattern is seen by its own two colours.
            Self::Pattern { .. } => Vec::new(),
            Self::Pair { colours, .. } => colours.to_vec(),
        }
    }

    /// Where it stands and how far it reaches.
    fn place(&self) -> (Point, f32) {
        match self {
            Self::Solid { shape, .. } => (shape.centre, shape.reach()),
            Self::Pattern { patch, .. } => (patch.centre, patch.reach()),
            Self::Pair { ball, bar, .. } => {
                let middle = (0.5 * (ball.centre.0 + bar.centre.0), 0.5 * (ball.centre.1 + bar.centre.1));
                (middle, bar.reach())
            }
        }
    }

    fn lay(&self, canvas: &mut Canvas) {
        match self {
            Self::Solid { shape, colour } => body(canvas, shape, *colour),
            Self::Pattern { patch, pattern, turn, cell, phase, colours } => {
                shadow(canvas, patch);
                let sharpness = cell * canvas.side();
                canvas.lay(patch, 0.0, 1.0, |p| {
                    let (x, y) = turn.local(p, (0.5, 0.5));
                    let (u, v) = (x / cell + phase.0, y / cell + phase.1);
                    let share = match pattern {
                        Pattern::Horizontal => wave(v, sharpness),
                        Pattern::Vertical => wave(u, sharpness),
                        Pattern::Checkerboard => {
                            let (a, b) = (wave(u, sharpness), wave(v, sharpness));
                            a + b - 2.0 * a * b
                        }
                    };
                    mix(colours[0], colours[1], share)
                });
            }
            Self::Pair { ball, bar, colours } => {
                body(canvas, bar, colours[1]);
                body(canvas, ball, colours[0]);
            }
        }
    }
}

/// 0 and 1 in turn for every whole number, with a slope of one pixel between. `sharpness`: pixels a cell.
fn wave(t: f32, sharpness: f32) -> f32 {
    let within = t * 0.5 - (t * 0.5).floor();
    let from_middle = (within - 0.5).abs() * 2.0;
    ((from_middle - 0.5) * sharpness.max(1.0) + 0.5).clamp(0.0, 1.0)
}

/// A shape with a soft shadow below it and light from above.
fn body(canvas: &mut Canvas, shape: &Shape, colour: Colour) {
    shadow(canvas, shape);
    let (centre, reach) = (shape.centre, shape.reach().max(0.01));
    canvas.lay(shape, 0.0, 1.0, |p| {
        let light = (centre.1 - p.1) / reach;
        if light > 0.0 {
            mix(colour, [1.0; 3], 0.25 * light.min(1.0))
        } else {
            mix(colour, [0.0; 3], -0.22 * light)
        }
    });
}

fn shadow(canvas: &mut Canvas, shape: &Shape) {
    let below = Shape { centre: (shape.centre.0, shape.centre.1 + 0.025), ..*shape };
    canvas.lay(&below, 0.07, 0.35, |_| [0.0; 3]);
}

/// A gradient with a few large soft spots of neighbouring colours, all different enough from those of the thing.
fn backdrop(side: u32, avoid: &[Colour], stream: &mut Stream) -> Canvas {
    let mut hue = 0.0;
    let from = far_from(avoid, 0.34, stream, |stream| {
        hue = a_hue(stream);
        calm(hue, stream)
    });
    let near = |stream: &mut Stream| {
        far_from(avoid, 0.3, stream, |stream| {
            let neighbour = hue + stream.between(-0.12, 0.12);
            calm(neighbour, stream)
        })
    };
    let to = near(stream);
    let to = mix(from, to, stream.between(0.4, 0.9));
    let direction = (stream.between(-1.0, 1.0), stream.between(-1.0, 1.0));
    let mut canvas = Canvas::new(side, |p| {
        mix(from, to, (0.5 + (p.0 - 0.5) * direction.0 + (p.1 - 0.5) * direction.1).clamp(0.0, 1.0))
    });
    for _ in 0..2 + stream.below(3) {
        let radius = stream.between(0.1, 0.35);
        let spot = Shape::new(Form::Disc { radius }, (stream.unit(), stream.unit()));
        let colour = near(stream);
        canvas.lay(&spot, 0.5 * radius, stream.between(0.15, 0.4), |_| colour);
    }
    canvas
}

/// A tiny mark of any colour, anywhere.
fn speck(canvas: &mut Canvas, stream: &mut Stream) {
    let size = stream.between(0.012, 0.032);
    let form = match stream.below(4) {
        0 => Form::Disc { radius: size },
        1 => Form::Ring { radius: size * 1.3, width: size * 0.7 },
        2 => Form::Plus { reach: size * 1.5, width: size * 0.4 },
        _ => Form::Box { half: (size * 2.0, size * 0.4), corner: 0.0 },
    };
    let mut shape = Shape::new(form, (stream.unit(), stream.unit()));
    shape.turn = Turn::by_half_tangent(stream.between(-1.0, 1.0));
    let colour = any_colour(stream);
    canvas.lay(&shape, 0.0, stream.between(0.6, 1.0), |_| colour);
}

/// Something of no class, smaller than the thing and beside it: a plus or a slanted dash.
fn bystander(canvas: &mut Canvas, thing: &Thing, stream: &mut Stream) {
    let size = stream.between(0.06, 0.1);
    let form = if stream.chance(0.5) {
        Form::Plus { reach: size, width: size * 0.3 }
    } else {
        Form::Box { half: (size * 1.4, size * 0.25), corner: 0.01 }
    };
    let slant = stream.between(0.25, 0.5) * if stream.chance(0.5) { 1.0 } else { -1.0 };
    let colour = any_colour(stream);
    let (centre, reach) = thing.place();
    for _ in 0..8 {
        let at = (stream.between(0.08, 0.92), stream.between(0.08, 0.92));
        let (x, y) = (at.0 - centre.0, at.1 - centre.1);
        let clear = reach + size;
        if x * x + y * y > clear * clear {
            body(canvas, &Shape { form, centre: at, turn: Turn::by_half_tangent(slant) }, colour);
            return;
        }
    }
}

/// A colour of `kind` at least `distance` from all of `others`, or the farthest of a few.
fn far_from(
    others: &[Colour],
    distance: f32,
    stream: &mut Stream,
    mut kind: impl FnMut(&mut Stream) -> Colour,
) -> Colour {
    let nearest = |colour: Colour| others.iter().map(|&other| contrast(colour, other)).fold(2.0, f32::min);
    let mut best = kind(stream);
    for _ in 0..16 {
        if nearest(best) >= distance {
            break;
        }
        let other = kind(stream);
        if nearest(other) > nearest(best) {
            best = other;
        }
    }
    best
}

/// Red, orange, amber, yellow, lime, green, teal, sky, blue, violet, magenta, pink: even to the eye, where even
/// numbers would be a third green.
const HUES: [f32; 12] = [0.0, 0.06, 0.105, 0.145, 0.23, 0.37, 0.475, 0.545, 0.61, 0.73, 0.84, 0.93];

fn a_hue(stream: &mut Stream) -> f32 {
    HUES[stream.below(12) as usize] + stream.between(-0.015, 0.015)
}

fn red(stream: &mut Stream) -> Colour {
    hsv(stream.between(-0.025, 0.025), stream.between(0.74, 0.95), stream.between(0.7, 0.97))
}

fn blue(stream: &mut Stream) -> Colour {
    hsv(stream.between(0.57, 0.66), stream.between(0.7, 0.95), stream.between(0.62, 0.97))
}

fn vivid(stream: &mut Stream) -> Colour {
    hsv(a_hue(stream), stream.between(0.6, 0.95), stream.between(0.65, 1.0))
}

/// Anything from pale to deep.
fn any_colour(stream: &mut Stream) -> Colour {
    hsv(a_hue(stream), stream.between(0.1, 0.9), stream.between(0.2, 1.0))
}

/// A background colour: less saturated, from dusk to day.
fn calm(hue: f32, stream: &mut Stream) -> Colour {
    hsv(hue, stream.between(0.1, 0.5), stream.between(0.25, 0.98))
}
