// Winograd's convolution, into its domain: every tile of maps or weights, or every kernel, becomes SIDE x SIDE values, each of
// which belongs to a matrix of its own.
//
// The file in front of this one says where the values of a tile are. A thread works on four neighbours in the rows
// of the matrices, so that they are written in fours.

@group(0) @binding(0) var<storage, read_write> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> matrices: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

struct Cell {
    at: vec4<u32>,
    exists: vec4<bool>,
}

const FOUR: vec4<u32> = vec4<u32>(0u, 1u, 2u, 3u);

fn value(place: Place, i: u32, j: u32) -> vec4<f32> {
    let cell = cell(place, i, j);
    let found = vec4<f32>(values[cell.at.x], values[cell.at.y], values[cell.at.z], values[cell.at.w]);
    return select(vec4<f32>(0.0), found, cell.exists);
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
    {{ read }}
    {{ transform }}
    {{ write }}
}
