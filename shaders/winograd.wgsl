// The transforms of Winograd's convolution: SIDE x SIDE matrices have a value each of every tile or kernel.
//
// The files in front of this one say where the values of a tile are, and what is done with them. A thread works on four
// neighbours in the rows of the matrices, so that these are read and written in fours.

// Places of four values, and which of them there are.
struct Cell {
    at: vec4<u32>,
    exists: vec4<bool>,
}

const FOUR: vec4<u32> = vec4<u32>(0u, 1u, 2u, 3u);

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
