// Response normalisation over a window of the same map, first half of the backward pass: the terms
//
//   t_i = g_i x_i S_i^(-beta-1)
//
// that the second half sums over windows. Made inside the second half, each S would be summed again for every
// window that holds its pixel: size^4 reads a pixel instead of twice size^2.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> terms: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    let s = scale(window_of(thread));
    terms[thread] = grad[thread] * inverse_power(s) * x[thread] / s;
}
