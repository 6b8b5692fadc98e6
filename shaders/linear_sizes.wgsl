// The sizes of a linear layer, in front of each of its three shaders.

struct Params {
    pictures: u32,
    inputs: u32,
    out: u32,
}

const FOUR: vec4<u32> = vec4<u32>(0u, 1u, 2u, 3u);

