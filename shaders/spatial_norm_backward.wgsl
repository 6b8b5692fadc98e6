// Response normalisation over a window of the same map, second half of the backward pass:
//
//   dx_j = g_j S_j^-beta - 2 alpha beta x_j * sum of t_i over the window of j
//
// with the terms t of the first half. The window is symmetric, so that the pixels whose windows hold j are
// those of the window of j. S is summed again in the same loop: keeping it would take another whole
// activation's worth of memory.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> terms: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    let window = window_of(thread);

    var squares = 0.0;
    var sum = 0.0;
    for (var iy = window.y0; iy < window.y1; iy++) {
        for (var ix = window.x0; ix < window.x1; ix++) {
            let at = window.map + iy * params.width + ix;
            squares += x[at] * x[at];
            sum += terms[at];
        }
    }
    let s = params.k + params.alpha * squares;
    dx[thread] = grad[thread] * inverse_power(s) - params.two_alpha_beta * x[thread] * sum;
}
