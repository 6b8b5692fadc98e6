// Convolution, backward to the weights: gradients [out, pictures positions] times what the taps saw there
// [pictures positions, channels taps].
//
// The sum over all positions is long and the result small. So the positions are shared out over parts with
// results of their own, which `sum_parts` adds up in their order. One z is one part of one group.

struct Params {
    pictures: u32,
    parts: u32,
    share: u32, // terms of a part
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const FAN_IN: u32 = CHANNELS * TAPS;

// Four taps: their channel's first pixel, and how far they stand from the window's first position.
struct Column {
    base: vec4<u32>,
    y: vec4<i32>,
    x: vec4<i32>,
}

fn terms(z: u32) -> vec2<u32> {
    let first = z % params.parts * params.share;
    return vec2<u32>(first, min(first + params.share, params.pictures * POSITIONS));
}

fn left_values(m: u32, k: u32, end: u32, z: u32) -> vec4<f32> {
    if k >= end {
        return vec4<f32>(0.0);
    }
    let channels = z / params.parts * OUT + min(vec4<u32>(m) + FOUR, vec4<u32>(OUT - 1u));
    let at = (k / POSITIONS * (GROUPS * OUT) + channels) * POSITIONS + k % POSITIONS;
    return vec4<f32>(grad[at.x], grad[at.y], grad[at.z], grad[at.w]);
}

fn column_at(n: u32, z: u32) -> Column {
    let tap = min(vec4<u32>(n) + FOUR, vec4<u32>(FAN_IN - 1u));
    let base = (z / params.parts * CHANNELS + tap / TAPS) * (HEIGHT * WIDTH);
    let down = vec4<i32>(tap % TAPS / KERNEL) - vec4<i32>(i32(TOP));
    return Column(base, down, vec4<i32>(tap % KERNEL) - vec4<i32>(i32(LEFT)));
}

fn right_values(k: u32, column: Column, end: u32, z: u32) -> vec4<f32> {
    let position = k % POSITIONS;
    let row = column.y + vec4<i32>(i32(position / COLUMNS * STRIDE));
    let place = column.x + vec4<i32>(i32(position % COLUMNS * STRIDE));
    let inside = within(row, HEIGHT) & within(place, WIDTH) & vec4<bool>(k < end);
    let picture = k / POSITIONS * (GROUPS * CHANNELS * HEIGHT * WIDTH);
    let pixel = column.base + picture + vec4<u32>(row) * WIDTH + vec4<u32>(place);
    let at = select(vec4<u32>(0u), pixel, inside);
    return select(vec4<f32>(0.0), vec4<f32>(x[at.x], x[at.y], x[at.z], x[at.w]), inside);
}

fn store(m: u32, n: u32, values: vec4<f32>, z: u32) {
    if m >= OUT {
        return;
    }
    let row = (z % params.parts * GROUPS + z / params.parts) * OUT + m;
    for (var i = 0u; i < 4u; i++) {
        if n + i < FAN_IN {
            dw[row * FAN_IN + n + i] = values[i];
        }
    }
}
