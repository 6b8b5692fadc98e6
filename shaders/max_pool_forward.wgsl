// Max pooling, forward, with any window, stride and padding (paper section 3.4: 3x3 windows, stride 2).
//
// One thread makes one output value; neighbouring threads make neighbouring columns. Windows that hang
// over the edge use the pixels inside the picture.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
    input_height: u32,
    input_width: u32,
    output_height: u32,
    output_width: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
{{ declare_argmax }}
@group(0) @binding({{ params_binding }}) var<uniform> params: Params;

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    let column = thread % params.output_width;
    let line = (thread / params.output_width) % params.output_height;
    let plane = thread / params.output_width / params.output_height;
    let base = plane * params.input_height * params.input_width;

    let top = i32(line * {{ stride_y }}u) - {{ padding_y }};
    let left = i32(column * {{ stride_x }}u) - {{ padding_x }};
    let y0 = u32(max(top, 0));
    let x0 = u32(max(left, 0));
    let y1 = min(u32(top + {{ kernel_y }}), params.input_height);
    let x1 = min(u32(left + {{ kernel_x }}), params.input_width);

    var best = -0x7fffffff;
    var at = y0 * params.input_width + x0;
    for (var iy = y0; iy < y1; iy++) {
        for (var ix = x0; ix < x1; ix++) {
            let here = iy * params.input_width + ix;
            let candidate = rank(x[base + here]);
            // Strictly greater, in row-major order: the first of several equal maxima is kept.
            if candidate > best {
                best = candidate;
                at = here;
            }
        }
    }
    y[thread] = x[base + at];
    {{ store_argmax }}
}
