// The gradient before a rectified linear unit, from the unit's output: what was not above 0 lets nothing through.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
}

@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read_write> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    dx[thread] = select(grad[thread], 0.0, y[thread] <= 0.0);
}
