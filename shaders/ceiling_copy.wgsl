// A copy, four values a thread: as many bytes as a device can move.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
}

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread < params.threads {
        y[thread] = x[thread];
    }
}
