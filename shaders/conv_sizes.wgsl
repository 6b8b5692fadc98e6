// The sizes of a convolution, put in front of its three shaders. They are constants because indices are divided
// by them. Channels and outputs are those of one group.

const CHANNELS: u32 = {{ channels }}u;
const HEIGHT: u32 = {{ height }}u;
const WIDTH: u32 = {{ width }}u;
const OUT: u32 = {{ out }}u;
const ROWS: u32 = {{ rows }}u;
const COLUMNS: u32 = {{ columns }}u;
const KERNEL: u32 = {{ kernel }}u;
const STRIDE: u32 = {{ stride }}u;
const TOP: u32 = {{ top }}u;
const LEFT: u32 = {{ left }}u;
const GROUPS: u32 = {{ groups }}u;
const TAPS: u32 = KERNEL * KERNEL;
const POSITIONS: u32 = ROWS * COLUMNS;
const FOUR: vec4<u32> = vec4<u32>(0u, 1u, 2u, 3u);

fn within(index: vec4<i32>, size: u32) -> vec4<bool> {
    return (index >= vec4<i32>(0)) & (index < vec4<i32>(i32(size)));
}
