// Response normalisation over a window of the same map, forward (`rnorm` in the author's files).
//
// One thread makes one pixel. Its window is read from memory: neighbouring threads read almost the same
// pixels, so that nearly all of them come from the cache.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    y[thread] = x[thread] * inverse_power(scale(window_of(thread)));
}
