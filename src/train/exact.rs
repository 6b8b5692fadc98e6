//! Numbers in JSON that come back bit for bit.
//!
//! JSON readers may miss the last bit of a number, and a run that goes on must compare its next validation
//! error with exactly the best one. Such numbers are written as text, in the shortest form that reads back
//! the same.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    parse(&String::deserialize(deserializer)?)
}

fn parse<E: Error>(text: &str) -> Result<f64, E> {
    text.parse().map_err(|_| E::custom(format!("`{text}` is no number")))
}

/// The same for a number that may be missing.
pub mod option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(|value| value.to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Option::<String>::deserialize(deserializer)?.map(|text| super::parse(&text)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Pair {
        #[serde(with = "super")]
        one: f64,
        #[serde(with = "super::option")]
        other: Option<f64>,
    }

    #[test]
    fn every_bit_comes_back() {
        let mut bits = 0x3fb9_9999_9999_999a_u64;
        for _ in 0..10_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let one = f64::from_bits(bits);
            if one.is_nan() {
                continue;
            }
            let text = serde_json::to_string(&Pair { one, other: Some(-one) }).expect("plain data");
            let back: Pair = serde_json::from_str(&text).expect("what was written");
            assert_eq!((back.one.to_bits(), back.other), (one.to_bits(), Some(-one)), "{text}");
        }
        let none: Pair = serde_json::from_str(r#"{"one": "inf", "other": null}"#).expect("plain data");
        assert_eq!((none.one, none.other), (f64::INFINITY, None));
        assert!(serde_json::from_str::<Pair>(r#"{"one": "a lot", "other": null}"#).is_err());
    }
}
