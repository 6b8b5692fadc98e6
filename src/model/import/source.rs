//! Tensors of a foreign file: known by name and shape, read when they are wanted.

use std::collections::BTreeMap;

/// Tensors by the name that the other program gave them.
pub(super) type Tensors<'a> = BTreeMap<String, SourceTensor<'a>>;

/// A tensor that has not been read yet.
pub(super) struct SourceTensor<'a> {
    pub shape: Vec<usize>,
    /// The kind of its numbers if they cannot be weights, for example `I64`.
    pub unusable: Option<String>,
    /// Its numbers, row-major.
    pub read: Box<dyn Fn() -> Result<Vec<f32>, String> + 'a>,
}

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    F64,
    F32,
    F16,
    Bf16,
}

impl Number {
    /// Numbers in single precision from little-endian bytes; a rest that is no whole number is dropped.
    pub fn to_f32(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F64 => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
            Self::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Self::F16 => bytes.as_chunks().0.iter().map(|b| from_half(u16::from_le_bytes(*b))).collect(),
            Self::Bf16 => {
                let bits = |b: &[u8; 2]| u32::from(u16::from_le_bytes(*b)) << 16;
                bytes.as_chunks().0.iter().map(|b| f32::from_bits(bits(b))).collect()
            }
        }
    }
}

impl SourceTensor<'_> {
    /// The numbers.
    ///
    /// # Errors
    /// Numbers that cannot be read, are too few or too many, or are not finite.
    pub fn values(&self) -> Result<Vec<f32>, String> {
        let values = (self.read)()?;
        let wanted: usize = self.shape.iter().product();
        if values.len() != wanted {
            return Err(format!("holds {} numbers instead of {wanted}", values.len()));
        }
        match values.iter().filter(|value| !value.is_finite()).count() {
            0 => Ok(values),
            bad => Err(format!("holds {bad} numbers that are infinite or not numbers at all")),
        }
    }
}

/// IEEE 754 half precision: 1 sign, 5 exponent and 10 fraction bits.
fn from_half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f32::from(bits & 0x3ff);
    let magnitude = match exponent {
        0 => fraction * (-24_f32).exp2(),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * ((exponent - 25) as f32).exp2(),
    };
    sign * magnitude
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_read_as_ieee_754_says() {
        let cases = [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x83ff, -6.097_555e-5),
            (0xfc00, f32::NEG_INFINITY),
        ];
        for (bits, value) in cases {
            assert_eq!(from_half(bits), value, "{bits:#x}");
        }
        assert!(from_half(0x7e00).is_nan());
        assert_eq!(Number::Bf16.to_f32(&[0x80, 0x3f, 0x49, 0xc0]), [1.0, -3.140_625]);
        assert_eq!(Number::F64.to_f32(&0.1_f64.to_le_bytes()), [0.1]);
    }
}
