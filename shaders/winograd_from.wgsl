// Winograd's convolution, back from its domain: SIDE x SIDE values, of a matrix each, become a tile of maps or a kernel.
//
// The file in front of this one says where the values of a tile belong. A thread works on four neighbours in the rows
// of the matrices.

@group(0) @binding(0) var<storage, read_write> matrices: array<vec4<f32>>;
{{ declare_bias }}
@group(0) @binding({{ values_binding }}) var<storage, read_write> values: array<f32>;
@group(0) @binding({{ params_binding }}) var<uniform> params: Params;

struct Cell {
    at: vec4<u32>,
    exists: vec4<bool>,
}

const FOUR: vec4<u32> = vec4<u32>(0u, 1u, 2u, 3u);

fn store(place: Place, i: u32, j: u32, tile: vec4<f32>) {
    let cell = cell(place, i, j);
    for (var lane = 0u; lane < 4u; lane++) {
        if cell.exists[lane] {
            let value = tile[lane];
            values[cell.at[lane]] = {{ finish }};
        }
    }
}

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    let line = thread / params.fours;
    let of_line = vec4<u32>(line % params.lines);
    let of_four = thread % params.fours * 4u + FOUR;
    let place = place({{ place }}, line / params.lines);
    let plus = {{ plus }};
    {{ read }}
    {{ transform }}
    {{ write }}
}
