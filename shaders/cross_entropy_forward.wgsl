// Softmax cross-entropy, forward: for each row of scores its loss and where its label stands.
//
// One workgroup has one row and reads it once. A thread takes every 64th score and keeps the largest so far with
// the sum of exponentials relative to it; the threads' results meet in pairs, always in the same order.

struct Params {
    rows: u32,
    across: u32, // workgroups in one row of them
    classes: u32,
    weight: f32, // of each row in the sum that is made small
    no_number: f32, // a NaN, which WGSL cannot write down
}

@group(0) @binding(0) var<storage, read_write> scores: array<f32>;
@group(0) @binding(1) var<storage, read_write> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> standing: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const THREADS: u32 = {{ workgroup }}u;
const NAN: i32 = 0x7fffffff;
const INFINITY: i32 = 0x7f800000;

var<workgroup> bests: array<f32, {{ workgroup }}>;
var<workgroup> sums: array<f32, {{ workgroup }}>;
// The highest rank, how many scores stand above the label's, how many beside it.
var<workgroup> counts: array<vec3<i32>, {{ workgroup }}>;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let row = group.y * params.across + group.x;
    if row >= params.rows {
        return;
    }
    let first = row * params.classes;
    let own = scores[first + labels[row]];
    let own_rank = rank(own);

    var best = -3.4028235e38;
    var sum = 0.0;
    var count = vec3<i32>(-NAN, 0, 0);
    for (var index = thread; index < params.classes; index += THREADS) {
        let score = scores[first + index];
        if score > best {
            sum = fma(sum, exp(best - score), 1.0);
            best = score;
        } else {
            sum += exp(score - best);
        }
        let place = rank(score);
        let passed = vec2<i32>(i32(place > own_rank), i32(place == own_rank));
        count = vec3<i32>(max(count.x, place), count.yz + passed);
    }
    bests[thread] = best;
    sums[thread] = sum;
    counts[thread] = count;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        if thread < half {
            let other = thread + half;
            best = max(bests[thread], bests[other]);
            sums[thread] = sums[thread] * exp(bests[thread] - best) + sums[other] * exp(bests[other] - best);
            bests[thread] = best;
            count = counts[thread];
            counts[thread] = vec3<i32>(max(count.x, counts[other].x), count.yz + counts[other].yz);
        }
        workgroupBarrier();
    }
    if thread != 0u {
        return;
    }
    // Whether there are infinities and NaN is told by ranks: a compiler may assume that no float is one.
    let broken = counts[0].x >= INFINITY || abs(own_rank) >= INFINITY;
    let loss = select(log(sums[0]) + (bests[0] - own), params.no_number, broken);
    losses[row] = loss * params.weight;
    standing[row * 5u] = loss;
    // Everything stands above a score that is no number.
    standing[row * 5u + 1u] = select(f32(counts[0].y), f32(params.classes), own_rank == NAN);
    standing[row * 5u + 2u] = f32(counts[0].z);
    standing[row * 5u + 3u] = select(bests[0], params.no_number, broken);
    standing[row * 5u + 4u] = sums[0];
}
