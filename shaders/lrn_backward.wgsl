// Local response normalisation across channels, backward.
//
//   dx_j = g_j S_j^-beta - 2 alpha beta x_j * sum over {i : j in window(i)} of g_i x_i S_i^(-beta-1)
//
// S is computed again from x: reading x costs 4 bytes a value, exactly what reading a stored S would, and
// storing S would cost the forward pass 4 bytes more and a whole activation's worth of memory until now.
//
// The walk is that of the forward pass with three windows in registers, each trailing the one before:
//   x0 .. x_last   values, newest channel n
//   t0 .. t_last   terms of the sum, newest channel n - RIGHT (its window of x is complete then)
//   u0 .. u_last   g S^-beta, from channel n - RIGHT - LEFT (the channel that is written) on

struct Params {
    threads: u32,
    row: u32,
    pixels: u32,
    channels: u32,
    segments: u32,
    segment: u32,
    alpha: f32,
    beta: f32,
    k: f32,
    two_alpha_beta: f32,
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const RIGHT: i32 = {{ right }};
const LEFT: i32 = {{ left }};
const SPAN: i32 = LEFT + RIGHT;

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
    {{ declare_t }}
    {{ declare_u }}
    for (var newest = first - SPAN; newest < end + SPAN; newest++) {
        {{ shift_x }}
        if newest >= 0 && newest < channels {
            {{ last_x }} = x[base + u32(newest) * params.pixels];
        }
        {{ shift_t }}
        {{ shift_u }}
        let middle = newest - RIGHT;
        if middle >= max(first - RIGHT, 0) && middle < channels {
            let s = params.k + params.alpha * ({{ sum_of_squares }});
            let scaled = grad[base + u32(middle) * params.pixels] * inverse_power(s);
            {{ last_u }} = scaled;
            {{ last_t }} = scaled * {{ centre_x }} / s;
        }
        let channel = newest - SPAN;
        if channel >= first {
            dx[base + u32(channel) * params.pixels] = u0 - params.two_alpha_beta * x0 * ({{ sum_of_t }});
        }
    }
}
