// Local response normalisation across channels, forward (paper section 3.3).
//
// One thread owns one pixel of one picture and walks down a run of channels ("segment") of one group.
// Neighbouring threads own neighbouring pixels, so that every load and store is one contiguous line.
// The window lives in registers x0 (oldest) .. x_last (newest): each value is read once a segment, and
// the values beyond a segment's ends (window - 1 of them) once more.

struct Params {
    threads: u32,
    row: u32,      // threads in one row of workgroups
    pixels: u32,   // height * width
    channels: u32, // of one group
    segments: u32, // of one group
    segment: u32,  // channels of a segment; the last one may be shorter
    alpha: f32,
    beta: f32,
    k: f32,
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const RIGHT: i32 = {{ right }};
const LEFT: i32 = {{ left }};

// s to the power -beta.
fn inverse_power(s: f32) -> f32 {
    return {{ inverse_power }};
}

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    let pixel = thread % params.pixels;
    let part = (thread / params.pixels) % params.segments;
    let group = thread / params.pixels / params.segments;
    let base = group * params.channels * params.pixels + pixel;
    let channels = i32(params.channels);
    let first = i32(part * params.segment);
    let end = min(first + i32(params.segment), channels);

    {{ declare_x }}
    for (var newest = first - LEFT; newest < end + RIGHT; newest++) {
        {{ shift_x }}
        if newest >= 0 && newest < channels {
            {{ last_x }} = x[base + u32(newest) * params.pixels];
        }
        let channel = newest - RIGHT;
        if channel >= first {
            let s = params.k + params.alpha * ({{ sum_of_squares }});
            y[base + u32(channel) * params.pixels] = {{ centre_x }} * inverse_power(s);
        }
    }
}
