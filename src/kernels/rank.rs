//! The order that maxima are taken in, the same in shaders and in their twins.

/// `rank` in WGSL, to be put behind a shader.
pub(super) const RANK: &str = include_str!("../../shaders/rank.wgsl");

/// The rank of infinity; only NaN stands above it.
pub(super) const INFINITY: i32 = 0x7f80_0000;

/// Where a value stands: as the numbers, with -0 equal to 0 and NaN above all.
pub(super) fn rank(value: f32) -> i32 {
    let magnitude = (value.to_bits() & 0x7fff_ffff) as i32;
    let signed = if value.is_sign_negative() { -magnitude } else { magnitude };
    if magnitude > INFINITY { i32::MAX } else { signed }
}
