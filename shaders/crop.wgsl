// Crops of stored pictures as the first layer sees them: mirrored or not, with the mean subtracted, the colour noise
// added and the scale applied (paper sections 2 and 4.1).
//
// One thread makes one pixel with its three channels; neighbouring threads make neighbouring columns.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
    stored: u32, // side of the stored pictures
    side: u32, // side of the crops
    red_factor: f32,
    green_factor: f32,
    blue_factor: f32,
}

struct Crop {
    picture: u32,
    left: u32,
    top: u32,
    flip: u32,
    red_shift: f32,
    green_shift: f32,
    blue_shift: f32,
    unused: u32, // makes it 32 bytes
}

@group(0) @binding(0) var<storage, read_write> mean: array<f32>;
@group(0) @binding(1) var<storage, read_write> pixels: array<u32>;
@group(0) @binding(2) var<storage, read_write> crops: array<Crop>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// Four pixels stand in a word, the first in its lowest byte.
fn pixel(at: u32) -> f32 {
    return f32((pixels[at / 4u] >> (8u * (at % 4u))) & 0xffu);
}

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    let plane = params.side * params.side;
    // A division costs more than the rest of an address: remainders are made by subtraction.
    let number = thread / plane;
    let at = thread - number * plane;
    let line = at / params.side;
    let column = at - line * params.side;

    let crop = crops[number];
    let mirrored = params.side - 1u - column;
    let x = crop.left + select(column, mirrored, crop.flip != 0u);
    let stored_plane = params.stored * params.stored;
    let source = crop.picture * 3u * stored_plane + (crop.top + line) * params.stored + x;
    let place = number * 3u * plane + at;

    let red = pixel(source) - mean[at];
    let green = pixel(source + stored_plane) - mean[at + plane];
    let blue = pixel(source + 2u * stored_plane) - mean[at + 2u * plane];
    y[place] = (red + crop.red_shift) * params.red_factor;
    y[place + plane] = (green + crop.green_shift) * params.green_factor;
    y[place + 2u * plane] = (blue + crop.blue_shift) * params.blue_factor;
}
