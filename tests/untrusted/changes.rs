//! How bytes are changed before they are read: anywhere, or so that what checks them first lets them through.

use std::io::{Cursor, Read, Write};

use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::mutator::Mutator;

/// Half of the time somewhere, else near the beginning or the end, where there is more than numbers.
pub fn ends(bytes: &[u8], mutator: &mut Mutator) -> Vec<u8> {
    let near = bytes.len().min(1 + mutator.below(3000));
    let (head, middle, tail) = match mutator.below(4) {
        0 => (0, near, bytes.len()),
        1 => (bytes.len() - near, bytes.len(), bytes.len()),
        _ => (0, bytes.len(), bytes.len()),
    };
    let mut part = bytes[head..middle].to_vec();
    mutator.change(&mut part);
    [&bytes[..head], &part, &bytes[middle..tail]].concat()
}

/// The text of the header, with a length that fits; or the bytes as they come.
pub fn safetensors(bytes: &[u8], mutator: &mut Mutator) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    if mutator.below(3) == 0 {
        return ends(bytes, mutator);
    }
    let header = mutator.change_text(std::str::from_utf8(&bytes[8..8 + length]).unwrap());
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &bytes[8 + length..]].concat()
}

pub fn text(bytes: &[u8], mutator: &mut Mutator) -> Vec<u8> {
    mutator.change_text(std::str::from_utf8(bytes).unwrap()).into_bytes()
}

/// The pickle inside, packed again so that its sum fits.
pub fn pickle(bytes: &[u8], mutator: &mut Mutator) -> Vec<u8> {
    /// Opcodes that call, build, store, fetch, mark and end; the numbers behind them come from what is there.
    const OPCODES: &[u8] =
        b"(.0123FNIJKLMPQRSTUVXabcdeghijlopqrstuB]}\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\
        \x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98";
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut packed = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if name.ends_with("data.pkl") {
            for _ in 0..mutator.below(3) {
                let at = mutator.below(content.len());
                content.insert(at, mutator.one_of(OPCODES));
            }
            mutator.change(&mut content);
        }
        packed.start_file(name, stored).unwrap();
        packed.write_all(&content).unwrap();
    }
    packed.finish().unwrap().into_inner()
}

/// A name as nobody should give it to an entry.
fn odd_name(mutator: &mut Mutator) -> String {
    const PARTS: [&str; 24] = [
        "..",
        ".",
        "",
        "/",
        "\\",
        "C:",
        "train",
        "cat",
        "dog",
        "a.png",
        "b.jpg",
        "con",
        "nul",
        "~",
        "\0",
        "\u{202e}",
        "😀",
        "//host/share",
        "\\\\?\\C:\\",
        "%2e%2e",
        "....",
        " ",
        "-rf",
        "$HOME",
    ];
    let mut name = String::new();
    for _ in 0..=mutator.below(6) {
        name += mutator.one_of(&PARTS);
        if mutator.below(3) > 0 {
            name += mutator.one_of(&["/", "\\", "/../"]);
        }
    }
    if mutator.below(20) == 0 { name.repeat(1 + mutator.below(400)) } else { name }
}

fn picture() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(4, 4, image::Rgb([1, 2, 3]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// An archive with honest and with odd entries, some of which are links to what lies outside.
pub fn tar_names(_: &[u8], mutator: &mut Mutator) -> Vec<u8> {
    use tar::EntryType as T;
    let picture = picture();
    let mut archive = tar::Builder::new(Vec::new());
    let honest = ["train/cat/1.png", "train/dog/2.png", "val/cat/3.png", "val/dog/4.png"].map(String::from);
    let count = 1 + mutator.below(6);
    let odd: Vec<String> = (0..count).map(|_| odd_name(mutator)).collect();
    for (number, name) in honest.iter().chain(&odd).enumerate() {
        let mut header = tar::Header::new_gnu();
        header.set_size(picture.len() as u64);
        header.set_mode(0o644);
        // The library refuses some names, so that they are written past it.
        let place = &mut header.as_old_mut().name;
        let length = name.len().min(place.len());
        place[..length].copy_from_slice(&name.as_bytes()[..length]);
        if number >= honest.len() {
            header.set_entry_type(mutator.one_of(&[
                T::Regular,
                T::Symlink,
                T::Link,
                T::Directory,
                T::Fifo,
                T::Char,
            ]));
            let link = odd_name(mutator);
            let place = &mut header.as_old_mut().linkname;
            let length = link.len().min(place.len());
            place[..length].copy_from_slice(&link.as_bytes()[..length]);
        }
        header.set_cksum();
        archive.append(&header, picture.as_slice()).unwrap();
    }
    archive.into_inner().unwrap()
}

pub fn zip_names(_: &[u8], mutator: &mut Mutator) -> Vec<u8> {
    let picture = picture();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let honest = ["train/cat/1.png", "train/dog/2.png", "val/cat/3.png", "val/dog/4.png"].map(String::from);
    let count = 1 + mutator.below(6);
    let odd: Vec<String> = (0..count).map(|_| odd_name(mutator)).collect();
    for name in honest.iter().chain(&odd) {
        // Some names are refused by the library that writes.
        let _ = match mutator.below(5) {
            0 => archive.add_symlink(name.as_str(), odd_name(mutator), stored),
            _ => archive.start_file(name.as_str(), stored).map(|()| {
                archive.write_all(&picture).unwrap();
            }),
        };
    }
    archive.finish().unwrap().into_inner()
}
