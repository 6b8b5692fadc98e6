// Max pooling, backward.
//
// One thread makes the gradient of one input pixel: it looks at the windows that cover the pixel (four at
// most for 3x3 windows with stride 2) and adds the gradients of those whose maximum it was, always in
// row-major order. Nothing is scattered, so that no atomics are needed and every run gives the same bits.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
    input_height: u32,
    input_width: u32,
    output_height: u32,
    output_width: u32,
}

@group(0) @binding(0) var<storage, read_write> grad: array<f32>;
@group(0) @binding(1) var<storage, read_write> argmax: array<i32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

// The first window that covers `position` (counted with the padding).
fn first_window(position: u32, kernel: u32, stride: u32) -> u32 {
    return select(0u, (position - kernel) / stride + 1u, position >= kernel);
}

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    let ix = thread % params.input_width;
    let iy = (thread / params.input_width) % params.input_height;
    let plane = thread / params.input_width / params.input_height;
    let own = i32(iy * params.input_width + ix);
    let base = plane * params.output_height * params.output_width;

    let padded_y = iy + {{ padding_y }}u;
    let padded_x = ix + {{ padding_x }}u;
    let y0 = first_window(padded_y, {{ kernel_y }}u, {{ stride_y }}u);
    let x0 = first_window(padded_x, {{ kernel_x }}u, {{ stride_x }}u);
    let y1 = min(padded_y / {{ stride_y }}u + 1u, params.output_height);
    let x1 = min(padded_x / {{ stride_x }}u + 1u, params.output_width);

    var sum = 0.0;
    for (var line = y0; line < y1; line++) {
        for (var column = x0; column < x1; column++) {
            let window = base + line * params.output_width + column;
            if argmax[window] == own {
                sum += grad[window];
            }
        }
    }
    dx[thread] = sum;
}
