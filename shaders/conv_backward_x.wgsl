// Convolution, backward to the input: kernels turned round [channels, out taps] times the gradients that each
// pixel takes part in [out taps, pictures pixels].
//
// Pixels STRIDE apart meet the same taps. One z is one of STRIDE x STRIDE such lattices of one group, and n
// counts the cells that hold one pixel of each. Of REACH x REACH taps those beyond the kernel are 0.

struct Params {
    pictures: u32,
}

@group(0) @binding(0) var<storage, read_write> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const REACH: u32 = (KERNEL - 1u) / STRIDE + 1u;
const LATTICES: u32 = STRIDE * STRIDE;
const CELL_ROWS: u32 = (HEIGHT + STRIDE - 1u) / STRIDE;
const CELL_COLUMNS: u32 = (WIDTH + STRIDE - 1u) / STRIDE;
const CELLS: u32 = CELL_ROWS * CELL_COLUMNS;

// The outputs that see the pixels of four cells with their first tap.
struct Column {
    base: vec4<u32>,
    y: vec4<i32>,
    x: vec4<i32>,
}

fn terms(z: u32) -> vec2<u32> {
    return vec2<u32>(0u, OUT * REACH * REACH);
}

// Row and column of the lattice, counted in the padded input.
fn lattice(z: u32) -> vec2<u32> {
    return vec2<u32>(z % LATTICES / STRIDE + TOP, z % STRIDE + LEFT);
}

fn left_values(m: u32, k: u32, end: u32, z: u32) -> vec4<f32> {
    let tap = lattice(z) % STRIDE + STRIDE * vec2<u32>(k % (REACH * REACH) / REACH, k % REACH);
    if k >= end || tap.x >= KERNEL || tap.y >= KERNEL {
        return vec4<f32>(0.0);
    }
    let out = z / LATTICES * OUT + k / (REACH * REACH);
    let channels = min(vec4<u32>(m) + FOUR, vec4<u32>(CHANNELS - 1u));
    let at = (vec4<u32>(out * CHANNELS) + channels) * TAPS + tap.x * KERNEL + tap.y;
    return vec4<f32>(weight[at.x], weight[at.y], weight[at.z], weight[at.w]);
}

fn column_at(n: u32, z: u32) -> Column {
    let at = min(vec4<u32>(n) + FOUR, vec4<u32>(params.pictures * CELLS - 1u));
    let cell = at % CELLS;
    let base = (at / CELLS * GROUPS + z / LATTICES) * (OUT * POSITIONS);
    let first = lattice(z) / STRIDE;
    return Column(base, vec4<i32>(cell / CELL_COLUMNS + first.x), vec4<i32>(cell % CELL_COLUMNS + first.y));
}

fn right_values(k: u32, column: Column, end: u32, z: u32) -> vec4<f32> {
    let row = column.y - vec4<i32>(i32(k % (REACH * REACH) / REACH));
    let place = column.x - vec4<i32>(i32(k % REACH));
    let inside = within(row, ROWS) & within(place, COLUMNS) & vec4<bool>(k < end);
    let position = vec4<u32>(row) * COLUMNS + vec4<u32>(place);
    let at = select(vec4<u32>(0u), column.base + k / (REACH * REACH) * POSITIONS + position, inside);
    return select(vec4<f32>(0.0), vec4<f32>(grad[at.x], grad[at.y], grad[at.z], grad[at.w]), inside);
}

fn store(m: u32, n: u32, values: vec4<f32>, z: u32) {
    if m >= CHANNELS {
        return;
    }
    let offset = vec2<u32>(z % LATTICES / STRIDE, z % STRIDE);
    for (var i = 0u; i < 4u; i++) {
        let at = n + i;
        let cell = at % CELLS;
        let row = cell / CELL_COLUMNS * STRIDE + offset.x;
        let place = cell % CELL_COLUMNS * STRIDE + offset.y;
        if at < params.pictures * CELLS && row < HEIGHT && place < WIDTH {
            let plane = (at / CELLS * GROUPS + z / LATTICES) * CHANNELS + m;
            dx[(plane * HEIGHT + row) * WIDTH + place] = values[i];
        }
    }
}
