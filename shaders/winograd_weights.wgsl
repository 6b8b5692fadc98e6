// Where the values of a kernel stand in weights [groups out, channels, kernel, kernel].
//
// The kernel of a convolution of stride S is cut into S x S smaller ones, one for each phase of the input (see
// `winograd_maps`); taps beyond its last are 0.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
    lines: u32, // of a group
    fours: u32, // in a line
    out: u32,
    channels: u32,
    kernel: u32,
    stride: u32,
}

// Of four values: their kernels, and the first tap of their phases.
struct Place {
    kernel: vec4<u32>,
    y: vec4<u32>,
    x: vec4<u32>,
    exists: vec4<bool>,
}

fn place(channel: vec4<u32>, out: vec4<u32>, group: u32) -> Place {
    let phases = params.stride * params.stride;
    let phase = channel % phases;
    let one = group * params.out + min(out, vec4<u32>(params.out - 1u));
    let within = min(channel / phases, vec4<u32>(params.channels - 1u));
    let kernel = (one * params.channels + within) * (params.kernel * params.kernel);
    let exists = (channel < vec4<u32>(params.channels * phases)) & (out < vec4<u32>(params.out));
    return Place(kernel, phase / params.stride, phase % params.stride, exists);
}

fn cell(place: Place, i: u32, j: u32) -> Cell {
    let y = place.y + i * params.stride;
    let x = place.x + j * params.stride;
    let exists = place.exists & (y < vec4<u32>(params.kernel)) & (x < vec4<u32>(params.kernel));
    let at = place.kernel + y * params.kernel + x;
    return Cell(select(vec4<u32>(0u), at, exists), exists);
}
