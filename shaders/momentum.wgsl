// One update of parameters with momentum (paper section 5): v := momentum v - rate gradient - decay rate w, and
// w := w + v.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
    rate: f32,
    decay: f32, // times the rate
    momentum: f32,
}

@group(0) @binding(0) var<storage, read_write> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> velocity: array<f32>;
@group(0) @binding(3) var<storage, read_write> new_weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> new_velocity: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    let pull = -params.rate * gradient[thread] - params.decay * weight[thread];
    let change = pull + params.momentum * velocity[thread];
    new_velocity[thread] = change;
    new_weight[thread] = weight[thread] + change;
}
