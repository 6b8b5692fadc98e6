// The matrix product of a linear layer, in tiles: `left` [rows, terms] times `right` [terms, columns], either of which
// may lie in memory the other way round.
//
// forward                  x [pictures, in]                        times the weights turned round [in, out], plus biases
// backward to the input    gradients [pictures, out]               times the weights [out, in]
// backward to the weights  gradients turned round [out, pictures]  times x [pictures, in]

struct Params {
    rows: u32,
    terms: u32,
    columns: u32,
}

@group(0) @binding(0) var<storage, read_write> left: array<f32>;
@group(0) @binding(1) var<storage, read_write> right: array<f32>;
{{ declare_bias }}
@group(0) @binding({{ result_binding }}) var<storage, read_write> result: array<f32>;
@group(0) @binding({{ params_binding }}) var<uniform> params: Params;

const FOUR: vec4<u32> = vec4<u32>(0u, 1u, 2u, 3u);

// Where four columns begin.
struct Column {
    base: vec4<u32>,
}

fn terms(z: u32) -> vec2<u32> {
    return vec2<u32>(0u, params.terms);
}

fn left_values(m: u32, k: u32, end: u32, z: u32) -> vec4<f32> {
    if k >= end {
        return vec4<f32>(0.0);
    }
    let row = min(vec4<u32>(m) + FOUR, vec4<u32>(params.rows - 1u));
    let at = {{ left_index }};
    return vec4<f32>(left[at.x], left[at.y], left[at.z], left[at.w]);
}

fn column_at(n: u32, z: u32) -> Column {
    let column = min(vec4<u32>(n) + FOUR, vec4<u32>(params.columns - 1u));
    return Column({{ right_base }});
}

fn right_values(k: u32, column: Column, end: u32, z: u32) -> vec4<f32> {
    if k >= end {
        return vec4<f32>(0.0);
    }
    let at = column.base + {{ right_step }};
    return vec4<f32>(right[at.x], right[at.y], right[at.z], right[at.w]);
}

fn store(m: u32, n: u32, values: vec4<f32>, z: u32) {
    if m >= params.rows {
        return;
    }
    for (var i = 0u; i < 4u; i++) {
        if n + i < params.columns {
            let value = values[i]{{ plus }};
            result[m * params.columns + n + i] = {{ finish }};
        }
    }
}
