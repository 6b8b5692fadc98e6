// Locally connected layer, backward to the input.
//
// One thread makes four channels of four pictures at one pixel: it visits the positions whose kernels see the
// pixel and adds their gradients times the weights of the tap that sees it, always in row-major order.
// Nothing is scattered, so that no atomics are needed and every run gives the same bits. Layouts as in the
// forward pass.

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
    blocks: u32,  // of four channels
    lanes: u32,   // a quarter of the pictures; a thread has those of lane, lane + lanes, ...
}

@group(0) @binding(0) var<storage, read_write> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const KERNEL: u32 = {{ kernel }}u;
const PADDING: u32 = {{ padding }}u;
const TAPS: u32 = KERNEL * KERNEL;

// Writes the four pictures of one channel.
fn store(channel: u32, pixel: u32, lane: u32, sums: vec4<f32>) {
    if channel >= params.channels {
        return;
    }
    let at = (channel * params.height * params.width + pixel) * params.pictures;
    for (var i = 0u; i < 4u; i++) {
        let picture = lane + i * params.lanes;
        if picture < params.pictures {
            dx[at + picture] = sums[i];
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
    let pixel = thread / params.lanes / params.blocks;
    let padded_y = pixel / params.width + PADDING;
    let padded_x = pixel % params.width + PADDING;

    // Past the last picture or channel a thread works on the last one again and stores nothing.
    let four = vec4<u32>(0u, 1u, 2u, 3u);
    let pictures = min(vec4<u32>(lane) + four * params.lanes, vec4<u32>(params.pictures - 1u));
    let channels = min(vec4<u32>(first) + four, vec4<u32>(params.channels - 1u)) * TAPS;

    // The taps that see the pixel: line = padded_y - ky is a line of the output.
    let y0 = padded_y + 1u - min(padded_y + 1u, params.rows);
    let x0 = padded_x + 1u - min(padded_x + 1u, params.columns);
    let y1 = min(KERNEL, padded_y + 1u);
    let x1 = min(KERNEL, padded_x + 1u);

    let positions = params.rows * params.columns;
    var sum0 = vec4<f32>(0.0);
    var sum1 = vec4<f32>(0.0);
    var sum2 = vec4<f32>(0.0);
    var sum3 = vec4<f32>(0.0);
    for (var ky = y0; ky < y1; ky++) {
        for (var kx = x0; kx < x1; kx++) {
            let position = (padded_y - ky) * params.columns + padded_x - kx;
            for (var output = 0u; output < params.out; output++) {
                let at = vec4<u32>((output * positions + position) * params.pictures) + pictures;
                let values = vec4<f32>(grad[at.x], grad[at.y], grad[at.z], grad[at.w]);
                let kernel = (position * params.out + output) * params.channels * TAPS + ky * KERNEL + kx;
                sum0 += weight[kernel + channels.x] * values;
                sum1 += weight[kernel + channels.y] * values;
                sum2 += weight[kernel + channels.z] * values;
                sum3 += weight[kernel + channels.w] * values;
            }
        }
    }
    store(first, pixel, lane, sum0);
    store(first + 1u, pixel, lane, sum1);
    store(first + 2u, pixel, lane, sum2);
    store(first + 3u, pixel, lane, sum3);
}
