// Locally connected layer, forward: every position has kernels and biases of its own.
//
// Maps have the pictures last, [C, H, W, N]; weights are [H', W', out, in, kernel, kernel]. One thread makes
// four outputs of four pictures at one position, so that each weight and each value that it reads is used four
// times. Neighbouring threads have neighbouring pictures: they read the same weights and whole lines of x.

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
    lanes: u32,   // a quarter of the pictures; a thread has those of lane, lane + lanes, ...
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const KERNEL: u32 = {{ kernel }}u;
const PADDING: u32 = {{ padding }}u;

// Writes the four pictures of one output.
fn store(output: u32, position: u32, lane: u32, sums: vec4<f32>) {
    if output >= params.out {
        return;
    }
    let at = output * params.rows * params.columns + position;
    let values = sums + vec4<f32>(bias[at]);
    for (var i = 0u; i < 4u; i++) {
        let picture = lane + i * params.lanes;
        if picture < params.pictures {
            y[at * params.pictures + picture] = values[i];
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
    let line = position / params.columns;
    let column = position % params.columns;

    // Past the last picture or output a thread works on the last one again and stores nothing.
    let four = vec4<u32>(0u, 1u, 2u, 3u);
    let pictures = min(vec4<u32>(lane) + four * params.lanes, vec4<u32>(params.pictures - 1u));
    let outputs = min(vec4<u32>(first) + four, vec4<u32>(params.out - 1u));
    let fan_in = params.channels * KERNEL * KERNEL;
    let kernels = (vec4<u32>(position * params.out) + outputs) * fan_in;

    // The taps inside the map: iy = line + ky - PADDING.
    let y0 = PADDING - min(line, PADDING);
    let x0 = PADDING - min(column, PADDING);
    let y1 = min(KERNEL, params.height + PADDING - line);
    let x1 = min(KERNEL, params.width + PADDING - column);

    var sum0 = vec4<f32>(0.0);
    var sum1 = vec4<f32>(0.0);
    var sum2 = vec4<f32>(0.0);
    var sum3 = vec4<f32>(0.0);
    for (var channel = 0u; channel < params.channels; channel++) {
        for (var ky = y0; ky < y1; ky++) {
            let iy = channel * params.height + line + ky - PADDING;
            for (var kx = x0; kx < x1; kx++) {
                let pixel = (iy * params.width + column + kx - PADDING) * params.pictures;
                let at = vec4<u32>(pixel) + pictures;
                let values = vec4<f32>(x[at.x], x[at.y], x[at.z], x[at.w]);
                let tap = (channel * KERNEL + ky) * KERNEL + kx;
                sum0 += weight[kernels.x + tap] * values;
                sum1 += weight[kernels.y + tap] * values;
                sum2 += weight[kernels.z + tap] * values;
                sum3 += weight[kernels.w + tap] * values;
            }
        }
    }
    store(first, position, lane, sum0);
    store(first + 1u, position, lane, sum1);
    store(first + 2u, position, lane, sum2);
    store(first + 3u, position, lane, sum3);
}
