// Softmax cross-entropy, backward: the probability of each class less 1 for the label's, times the gradient of the
// row's loss. One thread makes one value.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
    classes: u32,
    weight: f32,
}

@group(0) @binding(0) var<storage, read_write> scores: array<f32>;
@group(0) @binding(1) var<storage, read_write> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> standing: array<f32>;
@group(0) @binding(3) var<storage, read_write> grad: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    let row = thread / params.classes;
    let probability = exp(scores[thread] - standing[row * 5u + 3u]) / standing[row * 5u + 4u];
    let wanted = select(0.0, 1.0, thread % params.classes == labels[row]);
    dx[thread] = (probability - wanted) * (params.weight * grad[row]);
}
