// Where the values of a tile stand in maps [pictures, groups channels, height, width], of inputs, outputs or gradients.
//
// A convolution of stride S is one of stride 1 over S x S phases of its input, of which each has every S-th pixel:
// channel c, phase p is channel c S S + p here.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
    lines: u32, // of a group
    fours: u32, // in a line
    groups: u32,
    channels: u32,
    height: u32,
    width: u32,
    stride: u32,
    top: i32, // lines of the padded maps above the first pixel
    left: i32,
    tiles_high: u32,
    tiles_wide: u32,
    first: u32, // picture
    pictures: u32,
}

// Of four values: their maps, and the first pixel of their tiles.
struct Place {
    map: vec4<u32>,
    y: vec4<i32>,
    x: vec4<i32>,
    exists: vec4<bool>,
}

fn place(channel: vec4<u32>, tile: vec4<u32>, group: u32) -> Place {
    let phases = params.stride * params.stride;
    let phase = channel % phases;
    let tiles = params.tiles_high * params.tiles_wide;
    let picture = min(tile / tiles, vec4<u32>(params.pictures - 1u)) + params.first;
    let within = min(channel / phases, vec4<u32>(params.channels - 1u));
    let map = ((picture * params.groups + group) * params.channels + within) * (params.height * params.width);
    let down = tile % tiles / params.tiles_wide * 2u * params.stride + phase / params.stride;
    let across = tile % params.tiles_wide * 2u * params.stride + phase % params.stride;
    let exists = (channel < vec4<u32>(params.channels * phases)) & (tile < vec4<u32>(tiles * params.pictures));
    return Place(map, vec4<i32>(down) - params.top, vec4<i32>(across) - params.left, exists);
}

fn cell(place: Place, i: u32, j: u32) -> Cell {
    let y = place.y + i32(i * params.stride);
    let x = place.x + i32(j * params.stride);
    let high = (y >= vec4<i32>(0)) & (y < vec4<i32>(i32(params.height)));
    let wide = (x >= vec4<i32>(0)) & (x < vec4<i32>(i32(params.width)));
    let exists = place.exists & high & wide;
    let at = place.map + vec4<u32>(y) * params.width + vec4<u32>(x);
    return Cell(select(vec4<u32>(0u), at, exists), exists);
}
