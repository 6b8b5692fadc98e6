// The gradient of the biases: the sum over pictures and positions of each channel of `[pictures, channels,
// positions]`.
//
// One workgroup has one channel. Its threads take every 64th value, and their sums meet in pairs, so that the
// order is always the same.

struct Params {
    pictures: u32,
    channels: u32,
    positions: u32,
}

@group(0) @binding(0) var<storage, read_write> grad: array<f32>;
@group(0) @binding(1) var<storage, read_write> sum: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const THREADS: u32 = {{ workgroup }}u;

var<workgroup> sums: array<f32, {{ workgroup }}>;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let channel = group.x;
    var total = 0.0;
    for (var picture = 0u; picture < params.pictures; picture++) {
        let first = (picture * params.channels + channel) * params.positions;
        // Summed for each picture first: long sums lose less.
        var part = 0.0;
        for (var position = thread; position < params.positions; position += THREADS) {
            part += grad[first + position];
        }
        total += part;
    }
    sums[thread] = total;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        if thread < half {
            sums[thread] += sums[thread + half];
        }
        workgroupBarrier();
    }
    if thread == 0u {
        sum[channel] = sums[0];
    }
}
