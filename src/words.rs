//! Numbers as people read them: what the data layer, the terminal and the window say alike.

/// The digits of `number` in threes: 60965224 as 60,965,224 where `separator` is a comma.
pub fn grouped(number: usize, separator: char) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}
