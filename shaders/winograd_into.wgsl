// Into the domain of Winograd's convolution: tiles of maps or kernels become values of the matrices.

@group(0) @binding(0) var<storage, read_write> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> matrices: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

fn value(place: Place, i: u32, j: u32) -> vec4<f32> {
    let cell = cell(place, i, j);
    let found = vec4<f32>(values[cell.at.x], values[cell.at.y], values[cell.at.z], values[cell.at.w]);
    return select(vec4<f32>(0.0), found, cell.exists);
}

