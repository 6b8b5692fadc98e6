//! Numbers as the window shows them.

use std::borrow::Cow;

pub use crate::words::{count, duration};

/// A share as "8.3 %".
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A name with at most `room` characters: of a longer one the middle is left out, because long names often begin alike.
pub fn shortened(name: &str, room: usize) -> Cow<'_, str> {
    let count = name.chars().count();
    if count <= room {
        return name.into();
    }
    let (front, back) = (room.saturating_sub(1).div_ceil(2), room.saturating_sub(1) / 2);
    let begin: String = name.chars().take(front).collect();
    let end: String = name.chars().skip(count - back).collect();
    format!("{begin}…{end}").into()
}

/// A number that is whole when it is large.
pub fn rounded(value: f64) -> String {
    if value >= 10.0 { count(value.round() as usize) } else { format!("{value:.1}") }
}

/// Pictures a second.
pub fn pace(images_per_s: f64) -> String {
    format!("{} images/s", rounded(images_per_s))
}

/// Where whole numbers become too long to read: a loss that grows without bounds reaches 1e38.
pub const LARGE: f64 = 1e6;

/// A rate or another setting with three figures that count, as a person would type it.
pub fn figures(value: f64) -> String {
    let text = loss(value);
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text
    }
}

/// A loss with three figures that count, zeros too: numbers that change all the time keep their width, and beside
/// 0.412 stands 0.400.
pub fn loss(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    if value.abs() >= LARGE {
        return short_power(&format!("{value:.2e}"));
    }
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    format!("{value:.decimals$}")
}

/// "2.50e7" as "2.5e7".
pub fn short_power(text: &str) -> String {
    let (digits, power) = text.split_once('e').unwrap_or((text, "0"));
    let digits =
        if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    format!("{digits}e{power}")
}

/// A message with a capital first letter and a full stop: the terminal puts "error: " before the same text.
pub fn sentence(message: &str) -> String {
    let mut rest = message.trim().chars();
    let mut out: String = rest.next().into_iter().flat_map(char::to_uppercase).collect();
    out.push_str(rest.as_str());
    if !out.is_empty() && !out.ends_with(['.', '!', '?', '…']) {
        out.push('.');
    }
    out
}
