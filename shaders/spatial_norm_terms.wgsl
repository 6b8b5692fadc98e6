// Response normalisation over a window of the same map, first half of the backward pass: the terms
//
//   t_i = g_i x_i S_i^(-beta-1)
//
// that the second half sums over windows. Made inside the second half, each S would be summed again for every
// window that holds its pixel: size^4 reads a pixel instead of twice size^2.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
    height: u32,
    width: u32,
    radius: u32, // pixels of the window on each side of its centre
    alpha: f32,
    beta: f32,
    k: f32,
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> terms: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

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
    let column = thread % params.width;
    let line = (thread / params.width) % params.height;
    let map = thread - line * params.width - column;
    let y0 = line - min(line, params.radius);
    let x0 = column - min(column, params.radius);
    let y1 = min(line + params.radius + 1u, params.height);
    let x1 = min(column + params.radius + 1u, params.width);

    var squares = 0.0;
    for (var iy = y0; iy < y1; iy++) {
        for (var ix = x0; ix < x1; ix++) {
            let value = x[map + iy * params.width + ix];
            squares += value * value;
        }
    }
    let s = params.k + params.alpha * squares;
    terms[thread] = grad[thread] * inverse_power(s) * x[thread] / s;
}
