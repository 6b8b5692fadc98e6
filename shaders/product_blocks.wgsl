// Matrix products for software Vulkan, one for each z: every thread makes one block of a result alone.
//
// There, a read costs as much as many products, one of four values hardly more than one of a single value, and
// workgroup memory is memory like any other, with barriers that move all registers out and in again. So every thread
// reads fours straight from the matrices, whose rows are whole fours, and multiplies all it can with them.

struct Params {
    rows: u32,
    terms: u32,
    columns: u32,
    row: u32, // threads in one row of workgroups
}

@group(0) @binding(0) var<storage, read_write> left: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> right: array<vec4<f32>>;
{{ declare_bias }}
@group(0) @binding({{ result_binding }}) var<storage, read_write> result: array<vec4<f32>>;
@group(0) @binding({{ params_binding }}) var<uniform> params: Params;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    // Blocks of the same columns follow each other: what they read of the right matrix is still in a cache.
    let down = (params.rows + {{ block_rows }}u - 1u) / {{ block_rows }}u;
    let block = id.y * params.row + id.x;
    let first_m = block % down * {{ block_rows }}u;
    let first_n = block / down * {{ block_columns }}u;
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

fn store(m: u32, n: u32, z: u32, sums: vec4<f32>) {
    if m < params.rows && n < params.columns {
        let at = ((z * params.rows + m) * params.columns + n) / 4u;
        let value = sums{{ plus }};
        result[at] = {{ finish }};
    }
}
