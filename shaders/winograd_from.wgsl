// Back from the domain of Winograd's convolution: values of the matrices become tiles of maps or kernels.

@group(0) @binding(0) var<storage, read_write> matrices: array<vec4<f32>>;
{{ declare_bias }}
@group(0) @binding({{ values_binding }}) var<storage, read_write> values: array<f32>;
@group(0) @binding({{ params_binding }}) var<uniform> params: Params;

fn store(place: Place, i: u32, j: u32, tile: vec4<f32>) {
    let cell = cell(place, i, j);
    for (var lane = 0u; lane < 4u; lane++) {
        if cell.exists[lane] {
            let value = tile[lane];
            values[cell.at[lane]] = {{ finish }};
        }
    }
}

