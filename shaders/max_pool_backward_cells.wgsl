// Max pooling, backward, for software Vulkan: one thread makes the gradients of {{ cells }} neighbouring cells, each as
// many pixels as a stride each way, whose windows are read once.
//
// Each pixel adds the windows whose maximum it was in row-major order, as `max_pool_backward` does.

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

const CELLS: u32 = {{ cells }}u;
const STRIDE_Y: u32 = {{ stride_y }}u;
const STRIDE_X: u32 = {{ stride_x }}u;
const PADDING_Y: u32 = {{ padding_y }}u;
const PADDING_X: u32 = {{ padding_x }}u;

fn store(plane: u32, padded_y: u32, padded_x: u32, value: f32) {
    let iy = padded_y - PADDING_Y;
    let ix = padded_x - PADDING_X;
    // Above and left of the picture these wrap round, far beyond its size.
    if iy < params.input_height && ix < params.input_width {
        dx[(plane * params.input_height + iy) * params.input_width + ix] = value;
    }
}

@compute @workgroup_size({{ workgroup }})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let thread = id.y * params.row + id.x;
    if thread >= params.threads {
        return;
    }
    // Cells are counted with the padding, so that the windows of cell i begin at cells i, i - 1, and so on.
    let rows = (params.input_height + PADDING_Y + STRIDE_Y - 1u) / STRIDE_Y;
    let columns = (params.input_width + PADDING_X + STRIDE_X - 1u) / STRIDE_X;
    let across = (columns + CELLS - 1u) / CELLS;
    let cell_x = thread % across * CELLS;
    let cell_y = thread / across % rows;
    let plane = thread / across / rows;
    let base = plane * params.output_height * params.output_width;
    let width = i32(params.input_width);
    // Where in its plane the first pixel stands; below 0 in the padding, which is no window's maximum.
    let corner = (i32(cell_y * STRIDE_Y) - i32(PADDING_Y)) * width + i32(cell_x * STRIDE_X) - i32(PADDING_X);
    {{ declare_sums }}
    {{ add }}
    {{ store }}
}
