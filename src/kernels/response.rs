//! What the response normalisations share: S = k + alpha * (sum of squares), and its power -beta.

/// Why these constants cannot normalise, if they cannot.
pub(super) fn check_constants(alpha: f32, beta: f32, k: f32) -> Result<(), String> {
    // k > 0 keeps S above 0 where a whole window is 0.
    if k > 0.0 && k.is_finite() && alpha >= 0.0 && alpha.is_finite() && beta.is_finite() {
        return Ok(());
    }
    Err(format!("k is {k}, alpha {alpha}, beta {beta}, but k must be greater than 0 and alpha at least 0"))
}

/// `s` to the power `-params.beta` in WGSL.
pub(super) fn inverse_power_in_wgsl(beta: f32) -> &'static str {
    // Two square roots are several times cheaper than a general power, and exact to the last bits.
    if beta == 0.75 { "1.0 / (sqrt(s) * sqrt(sqrt(s)))" } else { "pow(s, -params.beta)" }
}

/// s^(-3/4) by two square roots, many times faster than a general power.
#[inline(always)]
pub(super) fn three_quarters(s: f32) -> f32 {
    1.0 / (s.sqrt() * s.sqrt().sqrt())
}
