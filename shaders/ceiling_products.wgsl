// As many multiply-adds as a device can do: eight chains in registers, nothing read between.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
    rounds: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    // All chains begin differently, or a compiler would work out one for all of them.
    let factor = x[thread] * vec4<f32>(0.25, 0.5, 0.75, 1.0);
    let term = factor * 0.5;
    var a = factor;
    var b = term;
    for (var round = 0u; round < params.rounds; round++) {
        {{ products }}
    }
    let sum = a + b;
    y[thread] = sum.x + sum.y + sum.z + sum.w;
}
