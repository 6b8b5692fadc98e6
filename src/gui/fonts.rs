//! Letters that the window's own font lacks: names of classes and files come in every script.
//!
//! The fonts of the system are looked through once, on a thread of its own, for the characters they can draw; a font is
//! loaded when the first character needs it. Nothing of it has to be there at build time.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use egui::{Context, FallbackRequest, FontData, FontInsert};

/// Files looked at, folders below each other, and bytes of a table or a font that are read at most.
const MAX_FONTS: usize = 4000;
const MAX_DEPTH: usize = 6;
const MAX_TABLE: u32 = 4 << 20;
const MAX_FONT: u64 = 64 << 20;

/// A font file and the characters it has.
struct Font {
    path: PathBuf,
    characters: Vec<RangeInclusive<u32>>,
}

/// Lets the window draw characters with the fonts of the system.
pub fn use_system_fonts(ctx: &Context) {
    let fonts = Arc::new(OnceLock::<Vec<Font>>::new());
    let early = fonts.clone();
    let search = move || {
        early.get_or_init(|| list(&folders()));
    };
    if let Err(reason) = std::thread::Builder::new().name("fonts".into()).spawn(search) {
        log::warn!("fonts are looked for when they are needed: {reason}");
    }
    ctx.add_font_provider(Arc::new(move |request: &FallbackRequest<'_>| {
        let character = request.cluster.chars().next()?;
        let fonts = fonts.get_or_init(|| list(&folders()));
        let path = font_with(fonts, character)?;
        let bytes = fs::read(path).ok()?;
        let name = path.display().to_string();
        Some(FontInsert { name, data: FontData::from_owned(bytes), families: Vec::new() })
    }));
}

/// Where systems keep fonts.
fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        ["/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", "/Library/Fonts"]
            .map(PathBuf::from)
            .into();
    if let Some(windows) = std::env::var_os("WINDIR") {
        folders.push(Path::new(&windows).join("Fonts"));
    }
    if let Some(home) = std::env::home_dir() {
        folders.extend([".local/share/fonts", ".fonts", "Library/Fonts"].map(|below| home.join(below)));
    }
    folders
}

/// The fonts below some folders, the plainest first.
fn list(folders: &[PathBuf]) -> Vec<Font> {
    let mut paths = Vec::new();
    folders.iter().for_each(|folder| collect(folder, 0, &mut paths));
    paths.sort_by_cached_key(|path| (fanciness(path), path.clone()));
    let font = |path: PathBuf| Some(Font { characters: characters(&mut File::open(&path).ok()?)?, path });
    paths.into_iter().filter_map(font).collect()
}

fn collect(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        if paths.len() >= MAX_FONTS {
            return;
        }
        if matches!(ending.as_deref(), Some("ttf" | "otf" | "ttc" | "otc")) {
            paths.push(path);
        } else if depth < MAX_DEPTH && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&path, depth + 1, paths);
        }
    }
}

/// How far a font is from one for plain reading, by its name.
fn fanciness(path: &Path) -> usize {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let marks = [
        "bold",
        "italic",
        "oblique",
        "light",
        "black",
        "thin",
        "mono",
        "serif",
        "condensed",
        "emoji",
        "math",
    ];
    marks.iter().filter(|mark| name.contains(**mark)).count()
}

fn font_with(fonts: &[Font], character: char) -> Option<&Path> {
    let code = u32::from(character);
    let has = |font: &&Font| font.characters.iter().any(|range| range.contains(&code));
    fonts.iter().find(has).map(|font| font.path.as_path())
}

/// The characters that the first face of a font file has, by its table `cmap` (OpenType specification).
fn characters(file: &mut (impl Read + Seek)) -> Option<Vec<RangeInclusive<u32>>> {
    if file.seek(SeekFrom::End(0)).ok()? > MAX_FONT {
        return None;
    }
    let start = read(file, 0, 16)?;
    let face = if start.starts_with(b"ttcf") { u32_at(&start, 12)? } else { 0 };
    let tables = u32::from(u16_at(&read(file, face, 6)?, 4)?);
    let directory = read(file, face.checked_add(12)?, tables * 16)?;
    let entry = directory.chunks_exact(16).find(|entry| entry.starts_with(b"cmap"))?;
    let cmap = read(file, u32_at(entry, 8)?, u32_at(entry, 12)?)?;
    let count = usize::from(u16_at(&cmap, 2)?);
    let mut found = None;
    for record in cmap.get(4..4 + 8 * count)?.chunks_exact(8) {
        let table = cmap.get(u32_at(record, 4)? as usize..)?;
        match (u16_at(record, 0)?, u16_at(record, 2)?, u16_at(table, 0)?) {
            // All of Unicode: nothing better can come.
            (0 | 3, _, 12) => return groups(table),
            // The characters of 16 bits. (3, 0) is for symbols, which stand at places of their own.
            (platform, encoding, 4) if (platform, encoding) != (3, 0) && platform != 1 => {
                found = segments(table)
            }
            _ => {}
        }
    }
    found
}

/// Subtable of format 12.
fn groups(table: &[u8]) -> Option<Vec<RangeInclusive<u32>>> {
    let count = u32_at(table, 12)? as usize;
    let groups = table.get(16..16_usize.checked_add(count.checked_mul(12)?)?)?;
    groups.chunks_exact(12).map(|group| Some(u32_at(group, 0)?..=u32_at(group, 4)?)).collect()
}

/// Subtable of format 4.
fn segments(table: &[u8]) -> Option<Vec<RangeInclusive<u32>>> {
    let bytes = usize::from(u16_at(table, 6)?);
    let ends = table.get(14..14 + bytes)?;
    let starts = table.get(16 + bytes..16 + 2 * bytes)?;
    let pairs = starts.chunks_exact(2).zip(ends.chunks_exact(2));
    // The last segment is 0xFFFF, which is no character.
    pairs
        .map(|(start, end)| Some(u32::from(u16_at(start, 0)?)..=u32::from(u16_at(end, 0)?)))
        .filter(|range| range.as_ref().is_none_or(|range| *range.start() != 0xFFFF))
        .collect()
}

fn read(file: &mut (impl Read + Seek), at: u32, length: u32) -> Option<Vec<u8>> {
    if length > MAX_TABLE {
        return None;
    }
    file.seek(SeekFrom::Start(at.into())).ok()?;
    let mut bytes = vec![0; length as usize];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A font file of nothing but a `cmap` with one subtable.
    fn font(platform: u16, encoding: u16, subtable: &[u8]) -> Vec<u8> {
        let mut cmap = Vec::new();
        for number in [0, 1, platform, encoding] {
            cmap.extend(u16::to_be_bytes(number));
        }
        cmap.extend(12_u32.to_be_bytes());
        cmap.extend(subtable);
        let mut file = b"\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00cmap\x00\x00\x00\x00".to_vec();
        file.extend(28_u32.to_be_bytes());
        file.extend((cmap.len() as u32).to_be_bytes());
        file.extend(cmap);
        file
    }

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn both_kinds_of_tables_are_read() {
        // Format 4: two segments, and the end.
        let short =
            words(&[4, 40, 0, 6, 0, 0, 0, 0x7A, 0x4E10, 0xFFFF, 0, 0x61, 0x4E00, 0xFFFF, 0, 0, 0, 0, 0, 0]);
        assert_eq!(
            characters(&mut Cursor::new(font(3, 1, &short))),
            Some(vec![0x61..=0x7A, 0x4E00..=0x4E10])
        );
        assert_eq!(characters(&mut Cursor::new(font(3, 0, &short))), None, "a font of symbols");
        // Format 12: one group.
        let long = words(&[12, 0, 0, 28, 0, 0, 0, 1, 1, 0xF600, 1, 0xF64F, 0, 5]);
        assert_eq!(characters(&mut Cursor::new(font(3, 10, &long))), Some(vec![0x1F600..=0x1F64F]));
    }

    #[test]
    fn damaged_fonts_are_no_fonts() {
        let whole = font(3, 10, &words(&[12, 0, 0, 28, 0, 0, 0xFFFF, 0xFFFF, 1, 0xF600, 1, 0xF64F, 0, 5]));
        assert_eq!(characters(&mut Cursor::new(&whole)), None, "more groups than there are bytes");
        for length in 0..whole.len() {
            assert_eq!(characters(&mut Cursor::new(&whole[..length])), None);
        }
        for byte in 0..whole.len() {
            let mut odd = whole.clone();
            odd[byte] ^= 0xFF;
            // Whatever comes out: no panic, no hang.
            let _ = characters(&mut Cursor::new(odd));
        }
    }

    #[test]
    fn plain_fonts_come_first() {
        let order = ["NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "NotoSerif-BoldItalic.ttf"];
        let fancy: Vec<usize> = order.iter().map(|name| fanciness(Path::new(name))).collect();
        assert!(fancy.is_sorted_by(|a, b| a < b), "{fancy:?}");
    }
}
