//! Numbers, addresses, paths and fields of tables as people read them: what the data layer, the terminal, the window and the files of a
//! run say alike.

use std::any::Any;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A whole number with its digits in threes: 999, 3,000, 60,965,224.
pub fn count(number: impl Display) -> String {
    let digits = number.to_string();
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    text.push_str(sign);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things, named in the singular: "1 picture", "3,000 pictures", "2 classes", "0 entries".
pub fn counted(number: impl Display, thing: &str) -> String {
    let number = count(number);
    if number == "1" { format!("{number} {thing}") } else { format!("{number} {}", plural(thing)) }
}

/// Several of a thing.
fn plural(thing: &str) -> String {
    if let Some(stem) = thing.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        return format!("{stem}ies");
    }
    let hisses = ["s", "x", "ch", "sh"].iter().any(|end| thing.ends_with(end));
    format!("{thing}{}", if hisses { "es" } else { "s" })
}

/// "is" or "are", "was" or "were": the word that fits `number` things.
pub fn verb<'a>(number: usize, one: &'a str, many: &'a str) -> &'a str {
    if number == 1 { one } else { many }
}

/// What a panic has said.
pub fn panic(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason was given")
}

/// Names in a row, of many the first few: "cat, dog and 198 more".
pub fn some_of<T: AsRef<str>>(names: &[T], shown: usize) -> String {
    let first: Vec<&str> = names.iter().take(shown).map(AsRef::as_ref).collect();
    match names.len() - first.len() {
        0 => first.join(", "),
        more => format!("{} and {} more", first.join(", "), count(more)),
    }
}

/// A number of bytes: "28.2 KiB", "162.2 MiB", "1.5 GiB".
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return counted(count, "byte");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    // What would be shown as 1024.0 belongs to the next unit.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Seconds as "8 s", "3 min 20 s" or "2 h 5 min".
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".into();
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", count(whole / 3600), whole % 3600 / 60),
    }
}

/// When something was, seen from `now`: "just now", "5 min ago", "3 h ago"; after two days the date, in universal time.
pub fn since(when: SystemTime, now: SystemTime) -> String {
    // A clock that was set back makes the future of a moment ago.
    let seconds = now.duration_since(when).map_or(0, |gone| gone.as_secs());
    match seconds {
        0..60 => "just now".into(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => date(when),
    }
}

/// The date in universal time, as "2012-12-03".
fn date(when: SystemTime) -> String {
    let days = when.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400);
    // Counted from the first of March of the year 0, a leap day is the last of its year, and of its 4 and 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Five months from March on have 153 days, and so do the five from August on.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + later)
}

/// An address without the name and the password in it, which belong into no message, log or file. One that is no
/// proper address loses all that might be a password.
pub fn address(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let rest = rest[..end].rfind('@').map_or(rest, |at| &rest[at + 1..]);
    let clean = match rest.rfind('@') {
        // A password with a slash in it, or a slash missing before it: nobody can say where it begins.
        Some(at) if rest[..at].contains(':') => format!("…{}", &rest[at..]),
        _ => rest.to_owned(),
    };
    if scheme.is_empty() { clean } else { format!("{scheme}://{clean}") }
}

/// An argument of a command as it is typed: in quotes where a shell would take it apart.
pub fn argument(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:,+=@%\\".contains(c);
    // A backslash means something to the shells of Unix, and nothing to those of Windows.
    if !text.is_empty() && text.chars().all(is_plain) && (cfg!(windows) || !text.contains('\\')) {
        return text.to_owned();
    }
    if cfg!(windows) { format!("\"{text}\"") } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The whole path, which alone is of use once it is copied elsewhere or the program stands elsewhere.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The last name of a path; all of it where it has none.
pub fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// A path as an argument of a command.
pub fn typed(path: &Path) -> String {
    argument(&path.display().to_string())
}

/// A field of comma-separated values, whatever is in it: in quotes, with every quote inside doubled.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_threes() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (60_965_224, "60,965,224"), (-4321, "-4,321")]
        {
            assert_eq!(count(number), text);
        }
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn one_thing_is_not_many() {
        for (number, thing, text) in [
            (1, "picture", "1 picture"),
            (0, "picture", "0 pictures"),
            (3000, "picture", "3,000 pictures"),
            (2, "class", "2 classes"),
            (7, "entry", "7 entries"),
            (2, "day", "2 days"),
            (1, "update", "1 update"),
        ] {
            assert_eq!(counted(number, thing), text);
        }
        assert_eq!(some_of(&["a", "b"], 2), "a, b");
        assert_eq!(some_of(&["a", "b", "c"], 2), "a, b and 1 more");
    }

    #[test]
    fn times_are_told_from_now_and_later_by_their_date() {
        let after = |seconds: u64| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        for (day, text) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (15_677, "2012-12-03"),
            (19_782, "2024-02-29"),
            (19_783, "2024-03-01"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(since(after(day * 86_400), after(u64::from(u32::MAX) * 4)), text);
        }
        let now = after(1_000_000);
        for (gone, text) in [(59, "just now"), (60, "1 min ago"), (7200, "2 h ago"), (172_799, "47 h ago")] {
            assert_eq!(since(after(1_000_000 - gone), now), text);
        }
        assert_eq!(since(after(1_000_500), now), "just now");
    }

    #[test]
    fn addresses_keep_their_passwords_to_themselves() {
        for (given, shown) in [
            ("http://example.org/a/b.zip", "http://example.org/a/b.zip"),
            ("http://ann:secret@example.org:80/a", "http://example.org:80/a"),
            ("ann:secret@example.org:80", "example.org:80"),
            ("http://ann:sec/ret@example.org", "http://…@example.org"),
            ("http:/ann:secret@example.org", "…@example.org"),
            ("http://ann:sec@ret@example.org", "http://example.org"),
            ("http://example.org/a@b.png", "http://example.org/a@b.png"),
            ("htp:ann:secret@example.org/x", "example.org/x"),
            ("http://ann:se?cret@example.org", "http://…@example.org"),
        ] {
            assert_eq!(address(given), shown, "{given}");
        }
    }

    #[test]
    fn a_field_keeps_its_commas_and_quotes() {
        assert_eq!(quoted("a, \"b\"\n"), "\"a, \"\"b\"\"\n\"");
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_takes_no_argument_apart() {
        for (given, typed) in [
            ("/data/pets", "/data/pets"),
            ("/my data/pets", "'/my data/pets'"),
            ("/it's", r"'/it'\''s'"),
            ("", "''"),
            ("a\\b", "'a\\b'"),
            ("~/x", "'~/x'"),
            ("Übung", "Übung"),
        ] {
            assert_eq!(argument(given), typed);
        }
    }
}
