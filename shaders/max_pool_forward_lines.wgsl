// Max pooling without padding, forward, for software Vulkan: one thread makes {{ outputs }} neighbouring outputs.
//
// There, a read costs as much as many other instructions, and one of four values hardly more than one of a single value.
// So the pixels that these windows see are read once, in fours, and moved to their places.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
    input_height: u32,
    input_width: u32,
    output_height: u32,
    output_width: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
{{ declare_argmax }}
@group(0) @binding({{ params_binding }}) var<uniform> params: Params;

// The largest value of a window so far: its rank, its place in the plane, itself.
struct Best {
    rank: i32,
    at: u32,
    value: f32,
}

// Strictly greater, in row-major order: the first of several equal maxima is kept.
fn better(best: Best, next: Best) -> Best {
    let is_better = next.rank > best.rank;
    return Best(
        select(best.rank, next.rank, is_better),
        select(best.at, next.at, is_better),
        select(best.value, next.value, is_better),
    );
}

// A pixel; one beyond the right edge never wins.
fn pixel(value: f32, place: u32, column: u32) -> Best {
    return Best(select(-0x7fffffff, rank(value), column < params.input_width), place + column, value);
}

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    let across = (params.output_width + {{ outputs }}u - 1u) / {{ outputs }}u;
    let column = thread % across * {{ outputs }}u;
    let line = thread / across % params.output_height;
    let plane = thread / across / params.output_height;
    let last = arrayLength(&x) - 1u;
    let base = plane * params.input_height * params.input_width;
    let left = column * {{ stride_x }}u;
    {{ declare_bests }}
    for (var tap = 0u; tap < {{ kernel_y }}u; tap++) {
        let iy = line * {{ stride_y }}u + tap;
        if iy < params.input_height {
            let place = iy * params.input_width;
            let start = base + place + left;
            let four = start / 4u;
            let one = (start & 1u) != 0u;
            let two = (start & 2u) != 0u;
            {{ look }}
        }
    }
    let to = (plane * params.output_height + line) * params.output_width;
    {{ store }}
}
