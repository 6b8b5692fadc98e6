// The core of every matrix product: a workgroup makes one tile of the result, `left` (rows m, terms k) times
// `right` (terms k, columns n).
//
// The file in front of this one says what the two matrices are: `left` gives four rows of one term, `right` one
// term of four columns, `store` takes four columns of one row, and `terms` tells which terms to add up. None of
// the matrices has to exist in memory. A slice of TILE_K terms of both is brought into workgroup memory, and
// each thread adds up THREAD_M x THREAD_N products from there in registers, always in the order of the terms.

const TILE_M: u32 = {{ tile_m }}u;
const TILE_N: u32 = {{ tile_n }}u;
const TILE_K: u32 = {{ tile_k }}u;
const THREADS: u32 = {{ workgroup }}u;
const THREAD_M: u32 = {{ thread_m }}u;
// Threads side by side in a tile; each has every ACROSS-th four columns.
const ACROSS: u32 = {{ across }}u;

const LEFT_ROW: u32 = TILE_M / 4u;
const RIGHT_ROW: u32 = TILE_N / 4u;
// One vector more in each row spreads the rows over the banks of the memory.
const LEFT_PITCH: u32 = LEFT_ROW + 1u;
const RIGHT_PITCH: u32 = RIGHT_ROW + 1u;

var<workgroup> left_slice: array<vec4<f32>, {{ left_vectors }}>;
var<workgroup> right_slice: array<vec4<f32>, {{ right_vectors }}>;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let first_m = group.y * TILE_M;
    let first_n = group.x * TILE_N;
    let down = {{ down }};
    let right = thread % ACROSS;
    let range = terms(group.z);
    {{ right_before }}
    {{ declare_sums }}

    for (var first_k = range.x; first_k < range.y; first_k += TILE_K) {
        for (var at = thread; at < LEFT_ROW * TILE_K; at += THREADS) {
            {{ left_at }}
            left_slice[k * LEFT_PITCH + m] = left_values(first_m + 4u * m, first_k + k, range.y, group.z);
        }
        for (var at = thread; at < RIGHT_ROW * TILE_K; at += THREADS) {
            {{ right_at }}
            right_slice[k * RIGHT_PITCH + n] = right_values(first_k + k, column, range.y, group.z);
        }
        workgroupBarrier();
        {{ multiply }}
        workgroupBarrier();
    }
    {{ store }}
}
