// Linear layer, forward: x [pictures, in] times the weights turned round [in, out], and the biases.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// Where the weights of four outputs begin.
struct Column {
    base: vec4<u32>,
}

fn terms(z: u32) -> vec2<u32> {
    return vec2<u32>(0u, params.inputs);
}

fn left_values(m: u32, k: u32, end: u32, z: u32) -> vec4<f32> {
    if k >= end {
        return vec4<f32>(0.0);
    }
    let at = min(vec4<u32>(m) + FOUR, vec4<u32>(params.pictures - 1u)) * params.inputs + k;
    return vec4<f32>(x[at.x], x[at.y], x[at.z], x[at.w]);
}

fn column_at(n: u32, z: u32) -> Column {
    return Column(min(vec4<u32>(n) + FOUR, vec4<u32>(params.out - 1u)) * params.inputs);
}

fn right_values(k: u32, column: Column, end: u32, z: u32) -> vec4<f32> {
    if k >= end {
        return vec4<f32>(0.0);
    }
    let at = column.base + k;
    return vec4<f32>(weight[at.x], weight[at.y], weight[at.z], weight[at.w]);
}

fn store(m: u32, n: u32, values: vec4<f32>, z: u32) {
    if m >= params.pictures {
        return;
    }
    for (var i = 0u; i < 4u; i++) {
        if n + i < params.out {
            let value = values[i] + bias[n + i];
            y[m * params.out + n + i] = {{ finish }};
        }
    }
}
