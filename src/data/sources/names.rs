//! Names of entries: made safe, ordered, and told apart from what systems leave behind.

use std::borrow::Cow;
use std::cmp::Ordering;

/// Longer paths are no data set.
const MAX_PATH_BYTES: usize = 4096;

/// The path of an archive's entry, with `/` between its names; empty for the top itself.
///
/// # Errors
/// Why an entry of this name is not looked at.
pub(super) fn entry_path(raw: &[u8]) -> Result<Box<str>, &'static str> {
    if raw.len() > MAX_PATH_BYTES {
        return Err("its name is too long");
    }
    if raw.contains(&0) {
        return Err("its name holds a zero byte");
    }
    let path = printable(&as_text(raw));
    let drive = path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic();
    if path.starts_with('/') || drive {
        return Err("its path starts at the root of a disk");
    }
    let mut clean = String::with_capacity(path.len());
    for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
        if name == ".." {
            return Err("its path leads out of the archive");
        }
        if !clean.is_empty() {
            clean.push('/');
        }
        clean.push_str(name);
    }
    Ok(clean.into())
}

/// A name in whatever encoding as text. Each byte that is no UTF-8 becomes a mark and its own number, so that two
/// names that differ stay two names.
pub(super) fn as_text(raw: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(raw) {
        return text.into();
    }
    let mut text = String::with_capacity(raw.len() + 8);
    for chunk in raw.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\u{FFFD}{byte:02X}"));
        }
    }
    text.into()
}

/// Which part of a data set a folder or archive is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Part {
    Train,
    /// With its place in the order of preference, 0 first.
    Validation(usize),
}

const TRAIN: &[&str] = &["train", "training"];
/// In order of preference. Pictures to test on come last: often they have no classes.
const VALIDATION: &[&str] = &["val", "valid", "validation", "dev", "eval", "test", "testing"];
/// What people write before and behind the name of a part.
const BEFORE: &[&str] = &["seg_"];
const BEHIND: &[&str] = &["_set", "-set", " set", "set", "_data", "_images"];

/// The part that a name without ending says, whatever its case: `train`, `Val`, `training_set`, or
/// `ILSVRC2012_img_train` as ImageNet's archives are called. ImageNet's test pictures have no classes and are no part.
pub(in crate::data) fn part_name(name: &str) -> Option<Part> {
    let lower = name.to_ascii_lowercase();
    let official =
        lower.strip_prefix("ilsvrc").and_then(|rest| rest.split_once("_img_")).map(|(_, part)| part);
    let part = official.unwrap_or(&lower);
    let part = BEFORE.iter().find_map(|before| part.strip_prefix(before)).unwrap_or(part);
    let part = BEHIND.iter().find_map(|behind| part.strip_suffix(behind)).unwrap_or(part);
    let place = VALIDATION.iter().position(|known| *known == part).filter(|_| official != Some("test"));
    if TRAIN.contains(&part) { Some(Part::Train) } else { place.map(Part::Validation) }
}

/// Endings that pictures have. What a file is shows in its bytes alone; this tells what its name promises.
const PICTURES: &[&str] = &["jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff", "jfif", "ppm"];

/// Whether a path ends as pictures do, whatever its case.
pub(in crate::data) fn is_picture_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| PICTURES.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Whether a part is one to test on, going by its place in the order of preference.
pub(in crate::data) fn is_for_tests(rank: usize) -> bool {
    VALIDATION.get(rank).is_some_and(|name| name.starts_with("test"))
}

/// Whether a name is a WordNet number: `n` and eight digits.
pub(in crate::data) fn is_wnid(name: &str) -> bool {
    name.len() == 9 && name.starts_with('n') && name.bytes().skip(1).all(|b| b.is_ascii_digit())
}

/// The text without characters that would break a line or steer a terminal.
pub(super) fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{FFFD}")
}

/// Whether any name of `path` is never part of a data set.
pub(super) fn holds_clutter(path: &str) -> bool {
    path.split('/').any(is_clutter)
}

/// Whether a file or folder of this name is never part of a data set.
pub(super) fn is_clutter(name: &str) -> bool {
    const CLUTTER: [&str; 6] =
        ["thumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "system volume information", "lost+found"];
    name.starts_with('.') || CLUTTER.iter().any(|clutter| name.eq_ignore_ascii_case(clutter))
}

/// The order of the names, folder by folder: `/` comes before every other character.
pub(super) fn in_tree_order(a: &str, b: &str) -> Ordering {
    let key = |byte: u8| if byte == b'/' { 0 } else { u16::from(byte) + 1 };
    a.bytes().map(key).cmp(b.bytes().map(key))
}
