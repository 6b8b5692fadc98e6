// Linear layer, backward to the weights: gradients turned round [out, pictures] times x [pictures, in].

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

// Four inputs.
struct Column {
    index: vec4<u32>,
}

fn terms(z: u32) -> vec2<u32> {
    return vec2<u32>(0u, params.pictures);
}

fn left_values(m: u32, k: u32, end: u32, z: u32) -> vec4<f32> {
    if k >= end {
        return vec4<f32>(0.0);
    }
    let at = min(vec4<u32>(m) + FOUR, vec4<u32>(params.out - 1u)) + k * params.out;
    return vec4<f32>(grad[at.x], grad[at.y], grad[at.z], grad[at.w]);
}

fn column_at(n: u32, z: u32) -> Column {
    return Column(min(vec4<u32>(n) + FOUR, vec4<u32>(params.inputs - 1u)));
}

fn right_values(k: u32, column: Column, end: u32, z: u32) -> vec4<f32> {
    if k >= end {
        return vec4<f32>(0.0);
    }
    let at = column.index + k * params.inputs;
    return vec4<f32>(x[at.x], x[at.y], x[at.z], x[at.w]);
}

fn store(m: u32, n: u32, values: vec4<f32>, z: u32) {
    if m >= params.out {
        return;
    }
    for (var i = 0u; i < 4u; i++) {
        if n + i < params.inputs {
            dw[m * params.inputs + n + i] = values[i];
        }
    }
}
