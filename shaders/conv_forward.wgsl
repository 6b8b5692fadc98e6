// Convolution, forward: kernels [out, channels taps] times what each position sees [channels taps, pictures
// positions], which is gathered on the way. One z is one group.

struct Params {
    pictures: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const FAN_IN: u32 = CHANNELS * TAPS;

// Where the windows of four positions begin.
struct Column {
    base: vec4<u32>,
    y: vec4<i32>,
    x: vec4<i32>,
}

fn terms(z: u32) -> vec2<u32> {
    return vec2<u32>(0u, FAN_IN);
}

fn left_values(m: u32, k: u32, end: u32, group: u32) -> vec4<f32> {
    if k >= end {
        return vec4<f32>(0.0);
    }
    // Past the last row or column the last one is worked on again and not stored; so in all these files.
    let rows = min(vec4<u32>(m) + FOUR, vec4<u32>(OUT - 1u));
    let at = (vec4<u32>(group * OUT) + rows) * FAN_IN + k;
    return vec4<f32>(weight[at.x], weight[at.y], weight[at.z], weight[at.w]);
}

fn column_at(n: u32, group: u32) -> Column {
    let at = min(vec4<u32>(n) + FOUR, vec4<u32>(params.pictures * POSITIONS - 1u));
    let position = at % POSITIONS;
    let base = (at / POSITIONS * GROUPS + group) * (CHANNELS * HEIGHT * WIDTH);
    let top = vec4<i32>(position / COLUMNS * STRIDE) - vec4<i32>(i32(TOP));
    return Column(base, top, vec4<i32>(position % COLUMNS * STRIDE) - vec4<i32>(i32(LEFT)));
}

fn right_values(k: u32, column: Column, end: u32, group: u32) -> vec4<f32> {
    let row = column.y + vec4<i32>(i32(k % TAPS / KERNEL));
    let place = column.x + vec4<i32>(i32(k % KERNEL));
    let inside = within(row, HEIGHT) & within(place, WIDTH) & vec4<bool>(k < end);
    let pixel = column.base + (k / TAPS) * (HEIGHT * WIDTH) + vec4<u32>(row) * WIDTH + vec4<u32>(place);
    let at = select(vec4<u32>(0u), pixel, inside);
    return select(vec4<f32>(0.0), vec4<f32>(x[at.x], x[at.y], x[at.z], x[at.w]), inside);
}

fn store(m: u32, n: u32, values: vec4<f32>, group: u32) {
    if m >= OUT {
        return;
    }
    let channel = group * OUT + m;
    let sums = values + vec4<f32>(bias[channel]);
    for (var i = 0u; i < 4u; i++) {
        let at = n + i;
        if at < params.pictures * POSITIONS {
            let value = sums[i];
            y[(at / POSITIONS * (GROUPS * OUT) + channel) * POSITIONS + at % POSITIONS] = {{ finish }};
        }
    }
}
