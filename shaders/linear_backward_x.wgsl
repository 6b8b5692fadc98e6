// Linear layer, backward to the input: gradients [pictures, out] times the weights [out, in].

@group(0) @binding(0) var<storage, read_write> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

// Four inputs.
struct Column {
    index: vec4<u32>,
}

fn terms(z: u32) -> vec2<u32> {
    return vec2<u32>(0u, params.out);
}

fn left_values(m: u32, k: u32, end: u32, z: u32) -> vec4<f32> {
    if k >= end {
        return vec4<f32>(0.0);
    }
    let at = min(vec4<u32>(m) + FOUR, vec4<u32>(params.pictures - 1u)) * params.out + k;
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
    return vec4<f32>(weight[at.x], weight[at.y], weight[at.z], weight[at.w]);
}

fn store(m: u32, n: u32, values: vec4<f32>, z: u32) {
    if m >= params.pictures {
        return;
    }
    for (var i = 0u; i < 4u; i++) {
        if n + i < params.inputs {
            dx[m * params.inputs + n + i] = values[i];
        }
    }
}
