// Put behind the shaders that take maxima.

// Where a value stands in the order that maxima are taken in: as the numbers, with -0 equal to 0 and
// NaN above all. It is an integer because a shader compiler may assume that a float is never NaN.
fn rank(value: f32) -> i32 {
    let bits = bitcast<u32>(value);
    let magnitude = bits & 0x7fffffffu;
    if magnitude > 0x7f800000u {
        return 0x7fffffff;
    }
    return select(i32(magnitude), -i32(magnitude), bits != magnitude);
}
