// The same products as in `linear_tiles`, for software Vulkan: every thread makes one block of the result alone.
//
// There, a read costs as much as many products, one of four values hardly more than one of a single value, and
// workgroup memory is memory like any other, with barriers that move all registers out and in again. So every thread
// reads fours straight from the matrices, whose rows are whole fours, and multiplies all it can with them.

@group(0) @binding(0) var<storage, read_write> left: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> right: array<vec4<f32>>;
{{ declare_bias }}
@group(0) @binding({{ result_binding }}) var<storage, read_write> result: array<vec4<f32>>;
@group(0) @binding({{ params_binding }}) var<uniform> params: Params;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) group: vec3<u32>) {
    // Blocks of the same columns follow each other: what they read of the right matrix is still in a cache.
    let first_m = group.x * {{ block_rows }}u;
    let first_n = (group.y * {{ workgroup }}u + thread) * {{ block_columns }}u;
    if first_n >= params.columns {
        return;
    }
    // Past the last row or column the last one is worked on again and not stored.
    {{ begin }}
    {{ declare_sums }}
    for (var k = 0u; k < {{ steps }}; k++) {
        {{ multiply }}
    }
    {{ store }}
}

fn store(m: u32, n: u32, sums: vec4<f32>) {
    if m < params.rows && n < params.columns {
        let value = sums{{ plus_bias }};
        result[(m * params.columns + n) / 4u] = {{ finish }};
    }
}
