//! Changes bytes and texts in the ways in which files break, and in those of people who break them on purpose; the
//! same ones every time from the same seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub struct Mutator(ChaCha8Rng);

impl Mutator {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.0.next_u64() % bound.max(1) as u64) as usize
    }

    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Changes bytes in one of the ways in which files break.
    pub fn change(&mut self, bytes: &mut Vec<u8>) {
        const ODD: [u8; 8] = [0, 1, 0x7F, 0x80, 0xFF, b'\n', b',', b'/'];
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let length = self.below(12).min(bytes.len() - at.min(bytes.len()));
            match self.below(7) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at..at + length].iter_mut().for_each(|b| *b = 0xFF),
                2 => bytes[at..at + length].iter_mut().for_each(|b| *b = 0),
                3 => bytes.truncate(at),
                4 => {
                    let copy = bytes[at..at + length].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, copy);
                }
                5 => drop(bytes.drain(at..at + length)),
                _ if !bytes.is_empty() => bytes[at] = ODD[self.below(ODD.len())],
                _ => {}
            }
        }
    }

    /// Changes a text: puts a number or a word in the place of another, doubles or removes a part of it, or changes
    /// its bytes.
    pub fn change_text(&mut self, text: &str) -> String {
        const NUMBERS: [&str; 20] = [
            "0",
            "-1",
            "1",
            "255",
            "65536",
            "2147483648",
            "4294967295",
            "4294967296",
            "9223372036854775807",
            "18446744073709551615",
            "18446744073709551616",
            "1e308",
            "1e999",
            "-1e999",
            "0.0000001",
            "NaN",
            "null",
            "\"\"",
            "[]",
            "{}",
        ];
        let mut text = text.to_owned();
        for _ in 0..=self.below(3) {
            let numbers = spans(&text, |c| c.is_ascii_digit());
            let words = spans(&text, |c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            match self.below(6) {
                0..=2 if !numbers.is_empty() => {
                    let (from, to) = self.one_of(&numbers);
                    text.replace_range(from..to, self.one_of(&NUMBERS));
                }
                3 if !words.is_empty() => {
                    let (from, to) = self.one_of(&words);
                    let (other_from, other_to) = self.one_of(&words);
                    let other = text[other_from..other_to].to_owned();
                    text.replace_range(from..to, &other);
                }
                4 if !words.is_empty() => {
                    let deep = 1 << self.below(16);
                    let (from, to) = self.one_of(&words);
                    let nested = self.one_of(&["[", "{\"a\":", "(", "[["]).repeat(deep);
                    text.replace_range(from..to, &nested);
                }
                _ => {
                    let mut bytes = text.into_bytes();
                    self.change(&mut bytes);
                    text = String::from_utf8_lossy(&bytes).into_owned();
                }
            }
        }
        text
    }
}

/// Where the longest stretches of such characters lie.
fn spans(text: &str, wanted: impl Fn(char) -> bool) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut begin = None;
    for (at, c) in text.char_indices().chain([(text.len(), '\0')]) {
        match (begin, wanted(c)) {
            (None, true) => begin = Some(at),
            (Some(from), false) => {
                spans.push((from, at));
                begin = None;
            }
            _ => {}
        }
    }
    spans
}
