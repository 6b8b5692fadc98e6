// Locally connected layer, backward to the weights: dw = sum over pictures of (gradient * what the tap saw).
//
// One thread makes four taps of four outputs at one position and goes through the pictures in their order, so
// that no atomics are needed and every run gives the same bits. Layouts as in the forward pass. Taps beyond
// the map saw zeros.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
    pictures: u32,
    channels: u32,
    height: u32,
    width: u32,
    out: u32,
    rows: u32,    // height of the output
    columns: u32, // width of the output
    blocks: u32,  // of four outputs
    lanes: u32,   // a quarter of a kernel's taps; a thread has those of lane, lane + lanes, ...
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const KERNEL: u32 = {{ kernel }}u;
const PADDING: u32 = {{ padding }}u;
const TAPS: u32 = KERNEL * KERNEL;

// Where `tap` of the kernels of `position` finds its value for the first picture, and whether it does: beyond
// the map it is sent to index 0.
fn source(tap: u32, position: u32) -> vec2<u32> {
    let channel = tap / TAPS;
    let padded_y = position / params.columns + tap % TAPS / KERNEL;
    let padded_x = position % params.columns + tap % KERNEL;
    let inside = padded_y >= PADDING && padded_y < params.height + PADDING
        && padded_x >= PADDING && padded_x < params.width + PADDING
        && channel < params.channels;
    if !inside {
        return vec2<u32>(0u, 0u);
    }
    let pixel = (channel * params.height + padded_y - PADDING) * params.width + padded_x - PADDING;
    return vec2<u32>(pixel * params.pictures, 1u);
}

// Writes the four taps of one output.
fn store(output: u32, position: u32, lane: u32, sums: vec4<f32>) {
    if output >= params.out {
        return;
    }
    let fan_in = params.channels * TAPS;
    for (var i = 0u; i < 4u; i++) {
        let tap = lane + i * params.lanes;
        if tap < fan_in {
            dw[(position * params.out + output) * fan_in + tap] = sums[i];
        }
    }
}

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    let lane = thread % params.lanes;
    let first = (thread / params.lanes) % params.blocks * 4u;
    let position = thread / params.lanes / params.blocks;

    let source0 = source(lane, position);
    let source1 = source(lane + params.lanes, position);
    let source2 = source(lane + 2u * params.lanes, position);
    let source3 = source(lane + 3u * params.lanes, position);
    let sources = vec4<u32>(source0.x, source1.x, source2.x, source3.x);
    let inside = vec4<u32>(source0.y, source1.y, source2.y, source3.y) == vec4<u32>(1u);

    // Past the last output a thread works on the last one again and stores nothing.
    let outputs = min(vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.out - 1u));
    let positions = params.rows * params.columns;
    let gradients = (outputs * positions + vec4<u32>(position)) * params.pictures;

    let zero = vec4<f32>(0.0);
    var sum0 = zero;
    var sum1 = zero;
    var sum2 = zero;
    var sum3 = zero;
    for (var picture = 0u; picture < params.pictures; picture++) {
        let at = sources + vec4<u32>(picture);
        let values = vec4<f32>(x[at.x], x[at.y], x[at.z], x[at.w]);
        sum0 += grad[gradients.x + picture] * values;
        sum1 += grad[gradients.y + picture] * values;
        sum2 += grad[gradients.z + picture] * values;
        sum3 += grad[gradients.w + picture] * values;
    }
    store(first, position, lane, select(zero, sum0, inside));
    store(first + 1u, position, lane, select(zero, sum1, inside));
    store(first + 2u, position, lane, select(zero, sum2, inside));
    store(first + 3u, position, lane, select(zero, sum3, inside));
}
