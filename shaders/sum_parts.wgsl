// Adds up results that were made in parts, `[parts, count]`, in the order of the parts.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
    parts: u32,
}

@group(0) @binding(0) var<storage, read_write> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> sum: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    var total = 0.0;
    for (var part = 0u; part < params.parts; part++) {
        total += parts[part * params.threads + thread];
    }
    sum[thread] = total;
}
