//! Pictures whose headers lie, whose data bursts, or whose parts lead in circles: made by hand, format by format.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::{ImageFormat, Rgb, RgbImage};

use super::super::encode;

/// A name and a file; whether it must be refused or may be read as well.
pub struct Hostile {
    pub name: String,
    pub bytes: Vec<u8>,
    pub must_be_refused: bool,
}

#[derive(Default)]
struct Collection(Vec<Hostile>);

impl Collection {
    fn refused(&mut self, name: &str, bytes: Vec<u8>) {
        self.0.push(Hostile { name: name.into(), bytes, must_be_refused: true });
    }

    fn odd(&mut self, name: &str, bytes: Vec<u8>) {
        self.0.push(Hostile { name: name.into(), bytes, must_be_refused: false });
    }
}

pub fn everything() -> Vec<Hostile> {
    let mut all = Collection::default();
    jpegs(&mut all);
    pngs(&mut all);
    gifs(&mut all);
    bmps(&mut all);
    tiffs(&mut all);
    webps(&mut all);
    others(&mut all);
    all.0
}

fn small() -> RgbImage {
    RgbImage::from_fn(24, 17, |x, y| Rgb([(x * 10) as u8, (y * 15) as u8, (x * y) as u8]))
}

fn zeros(count: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let block = vec![0; 1 << 20];
    let mut left = count;
    while left > 0 {
        let part = left.min(block.len());
        encoder.write_all(&block[..part]).unwrap();
        left -= part;
    }
    encoder.finish().unwrap()
}

fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    [&[0xFF, marker], &(data.len() as u16 + 2).to_be_bytes()[..], data].concat()
}

fn jpegs(all: &mut Collection) {
    let good = encode(&small(), ImageFormat::Jpeg);
    let frame = good.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    let after_start = |extra: &[u8]| [&good[..2], extra, &good[2..]].concat();
    all.refused("65535 x 65535.jpg", with(&|b| b[frame + 5..frame + 9].fill(0xFF)));
    all.refused(
        "65535 x 65535 progressive.jpg",
        with(&|b| {
            b[frame + 1] = 0xC2;
            b[frame + 5..frame + 9].fill(0xFF);
        }),
    );
    all.refused("no height.jpg", with(&|b| b[frame + 5..frame + 7].fill(0)));
    all.refused("no width.jpg", with(&|b| b[frame + 7..frame + 9].fill(0)));
    all.refused("no colours.jpg", with(&|b| b[frame + 9] = 0));
    all.refused("255 colours.jpg", with(&|b| b[frame + 9] = 255));
    all.refused("sampling of 0.jpg", with(&|b| b[frame + 11] = 0));
    all.odd("sampling of 15.jpg", with(&|b| b[frame + 11] = 0xFF));
    all.odd("tables that are not there.jpg", with(&|b| b[frame + 12] = 3));
    for kind in [0xC1, 0xC3, 0xC5, 0xC9, 0xCB, 0xCF] {
        all.odd(&format!("frame of kind {kind:x}.jpg"), with(&|b| b[frame + 1] = kind));
    }
    all.refused("only a start.jpg", vec![0xFF, 0xD8, 0xFF]);
    all.refused("start and end.jpg", vec![0xFF, 0xD8, 0xFF, 0xD9]);
    all.refused("ten million times 255.jpg", [&[0xFF, 0xD8][..], &vec![0xFF; 10_000_000]].concat());
    all.odd("sixty thousand segments.jpg", after_start(&segment(0xE5, b"x").repeat(60_000)));
    all.odd("twenty thousand tables.jpg", after_start(&segment(0xC4, &[0; 17]).repeat(20_000)));
    all.odd("segment of no length.jpg", after_start(&[0xFF, 0xE3, 0, 0]));
    all.odd("ICC in 255 parts.jpg", after_start(&segment(0xE2, b"ICC_PROFILE\0\x01\xFFabc").repeat(2)));
    // Directories that lead to themselves, and an orientation of four thousand million values.
    let loops = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\xFF\xFF\xFF\xFF\0\0\0\x08\0\0\0\x08";
    all.odd("EXIF in circles.jpg", after_start(&segment(0xE1, loops)));
    all.odd("EXIF of nothing.jpg", after_start(&segment(0xE1, b"Exif\0\0")));
    // Many scans over a large area: each costs a pass over all of it.
    let scan = good.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    let mut scans = good[..scan].to_vec();
    scans[frame + 1] = 0xC2;
    scans[frame + 5..frame + 9].copy_from_slice(&[0x1F, 0x40, 0x1F, 0x40]);
    (0..3000).for_each(|_| scans.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0, 0x55]));
    scans.extend([0xFF, 0xD9]);
    all.odd("three thousand scans.jpg", scans);
    all.odd(
        "restarts everywhere.jpg",
        with(&|b| b.splice(scan..scan, segment(0xDD, &[0, 1])).for_each(drop)),
    );
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    [&(data.len() as u32).to_be_bytes()[..], kind, data, &crc.sum().to_be_bytes()].concat()
}

fn png(width: u32, height: u32, [depth, colour, interlaced]: [u8; 3], extra: &[u8], data: &[u8]) -> Vec<u8> {
    let header =
        [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, colour, 0, 0, interlaced]].concat();
    let parts =
        [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), extra.to_vec(), chunk(b"IDAT", data)];
    [parts.concat(), chunk(b"IEND", &[])].concat()
}

fn pngs(all: &mut Collection) {
    let plain = [8, 2, 0];
    for (width, height) in [(0x7FFF_FFFF, 0x7FFF_FFFF), (60_000, 60_000), (0x7FFF_FFFF, 1), (u32::MAX, 1)] {
        all.refused(&format!("{width} x {height}.png"), png(width, height, plain, &[], &zeros(100)));
    }
    all.refused("0 x 5.png", png(0, 5, plain, &[], &zeros(100)));
    all.refused("large without data.png", png(12_000, 12_000, plain, &[], &zeros(100)));
    all.refused("large, deep, without data.png", png(8_000, 8_000, [16, 6, 1], &[], &zeros(100)));
    all.odd("data that bursts, cut.png", png(4, 4, plain, &[], &zeros(64 << 20)[..2000]));
    all.odd("more data than pixels.png", png(4, 4, plain, &[], &zeros(64 << 20)));
    all.refused("depth 3.png", png(4, 4, [3, 2, 0], &[], &zeros(100)));
    all.refused("colour type 7.png", png(4, 4, [8, 7, 0], &[], &zeros(100)));
    all.refused("palette that is not there.png", png(4, 4, [8, 3, 0], &[], &zeros(100)));
    let burst = zeros(300 << 20);
    let named = |name: &[u8]| [name, b"\0\0", &burst].concat();
    let good = zeros(4 * 13);
    all.odd("colour profile that bursts.png", png(4, 4, plain, &chunk(b"iCCP", &named(b"profile")), &good));
    all.odd("text that bursts.png", png(4, 4, plain, &chunk(b"zTXt", &named(b"Comment")), &good));
    let text = [&b"Comment\0\x01\0\0\0"[..], &burst].concat();
    all.odd("translated text that bursts.png", png(4, 4, plain, &chunk(b"iTXt", &text), &good));
    all.odd(
        "a hundred thousand chunks.png",
        png(4, 4, plain, &chunk(b"tEXt", b"a\0b").repeat(100_000), &good),
    );
    let mut long = png(4, 4, plain, &[], &good);
    let place = long.windows(4).position(|w| w == b"IDAT").unwrap();
    long[place - 4..place].fill(0xFF);
    all.refused("chunk of 4 GiB.png", long);
    let animated = chunk(b"acTL", &[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]);
    all.odd("four thousand million frames.png", png(4, 4, plain, &animated, &good));
    all.odd("transparency for nothing.png", png(4, 4, plain, &chunk(b"tRNS", &[0; 600]), &good));
}

fn gifs(all: &mut Collection) {
    let screen = |width: u16, height: u16| {
        [&b"GIF89a"[..], &width.to_le_bytes(), &height.to_le_bytes(), &[0x80, 0, 0, 255, 0, 0, 0, 255, 0]]
            .concat()
    };
    let frame = |[left, top, width, height]: [u16; 4], code_size: u8, data: &[u8]| {
        let sizes: Vec<u8> = [left, top, width, height].into_iter().flat_map(u16::to_le_bytes).collect();
        let mut bytes = [&[0x2C][..], &sizes, &[0, code_size]].concat();
        data.chunks(255).for_each(|part| {
            bytes.push(part.len() as u8);
            bytes.extend(part);
        });
        bytes.push(0);
        bytes
    };
    let gif = |parts: &[Vec<u8>]| [parts.concat(), vec![0x3B]].concat();
    let dot: &[u8] = &[0x44, 0x01];
    all.refused("giant screen, small frame.gif", gif(&[screen(65_535, 65_535), frame([0, 0, 1, 1], 2, dot)]));
    all.odd("small screen, giant frame.gif", gif(&[screen(1, 1), frame([0, 0, 65_535, 65_535], 2, dot)]));
    all.odd("frame beside the screen.gif", gif(&[screen(9, 9), frame([65_000, 65_000, 5, 5], 2, dot)]));
    all.odd("no screen.gif", gif(&[screen(0, 0), frame([0, 0, 1, 1], 2, dot)]));
    all.refused("no frame.gif", gif(&[screen(9, 9)]));
    for size in [0, 1, 12, 13, 255] {
        all.odd(
            &format!("codes of {size} bits.gif"),
            gif(&[screen(9, 9), frame([0, 0, 9, 9], size, &[0x5A; 90])]),
        );
    }
    all.odd(
        "a million empty blocks.gif",
        gif(&[screen(9, 9), b"\x21\xFE\0".repeat(1_000_000), frame([0, 0, 1, 1], 2, dot)]),
    );
    all.odd(
        "a hundred thousand frames.gif",
        gif(&[screen(9, 9), frame([0, 0, 1, 1], 2, dot).repeat(100_000)]),
    );
    all.refused("comment without end.gif", [screen(9, 9), b"\x21\xFE".to_vec(), vec![0xFF; 5000]].concat());
}

fn bmps(all: &mut Collection) {
    let bmp = |width: i32, height: i32, bits: u16, compression: u32, colours: u32, data: &[u8]| {
        let mut bytes = b"BM".to_vec();
        bytes.extend((54 + data.len() as u32).to_le_bytes());
        bytes.extend([0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0]);
        bytes.extend(width.to_le_bytes());
        bytes.extend(height.to_le_bytes());
        bytes.extend([1, 0]);
        bytes.extend(bits.to_le_bytes());
        bytes.extend(compression.to_le_bytes());
        bytes.extend([0; 12]);
        bytes.extend(colours.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(data);
        bytes
    };
    all.refused("50000 x 50000.bmp", bmp(50_000, 50_000, 1, 0, 0, &[0; 99]));
    all.refused("large without data.bmp", bmp(12_000, 12_000, 24, 0, 0, &[0; 99]));
    all.refused("width below 0.bmp", bmp(-5, 5, 24, 0, 0, &[0; 99]));
    all.refused("lowest height.bmp", bmp(5, i32::MIN, 24, 0, 0, &[0; 99]));
    all.refused("no width.bmp", bmp(0, 5, 24, 0, 0, &[0; 99]));
    all.odd("upside down.bmp", bmp(5, -5, 24, 0, 0, &[7; 99]));
    for bits in [0, 2, 7, 64, 65_535] {
        all.odd(&format!("{bits} bits.bmp"), bmp(5, 5, bits, 0, 0, &[0; 99]));
    }
    for compression in [1, 2, 3, 4, 5, 6, 99] {
        let data = [0, 2, 255, 255, 9, 9, 0, 2, 255, 255, 0, 0].repeat(20);
        all.odd(&format!("packing {compression}.bmp"), bmp(30, 30, 8, compression, 0, &data));
    }
    all.odd("leaps without end.bmp", bmp(30, 30, 8, 1, 2, &[0, 2, 255, 255].repeat(100_000)));
    all.refused("four thousand million colours.bmp", bmp(5, 5, 8, 0, u32::MAX, &[0; 99]));
    let mut offset = bmp(5, 5, 24, 0, 0, &[0; 99]);
    offset[10..14].fill(0xFF);
    all.refused("data behind the end.bmp", offset.clone());
    offset[14..18].fill(0xFF);
    all.refused("endless header.bmp", offset);
}

/// A TIFF of one directory: tag, kind, count, value or place.
pub fn tiff(entries: &[(u16, u16, u32, u32)], next: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(next.to_le_bytes());
    bytes.extend(data);
    bytes
}

fn tiffs(all: &mut Collection) {
    const NAMES: [(&str, u16); 9] = [
        ("width", 256),
        ("height", 257),
        ("bits", 258),
        ("packing", 259),
        ("colour", 262),
        ("place", 273),
        ("samples", 277),
        ("rows", 278),
        ("bytes", 279),
    ];
    // 5 x 5 grey pixels right behind the directory.
    let plain = |change: &[(&str, u32)]| -> Vec<(u16, u16, u32, u32)> {
        let usual = [5, 5, 8, 1, 1, 8 + 2 + 9 * 12 + 4, 1, 5, 25];
        let value = |name, usual| change.iter().find(|(n, _)| *n == name).map_or(usual, |(_, value)| *value);
        NAMES.iter().zip(usual).map(|((name, tag), usual)| (*tag, 4, 1, value(*name, usual))).collect()
    };
    let with = |change: &[(&str, u32)], data: &[u8]| tiff(&plain(change), 0, data);
    let pixels = [9; 25];
    all.odd("plain.tif", with(&[], &pixels));
    all.odd("directory in circles.tif", tiff(&plain(&[]), 8, &pixels));
    for (name, value) in [
        ("width", u32::MAX),
        ("height", u32::MAX),
        ("width", 0),
        ("height", 0),
        ("rows", 0),
        ("bytes", u32::MAX),
        ("place", u32::MAX),
        ("samples", 65_535),
        ("samples", 0),
        ("bits", 0),
        ("bits", 63),
        ("packing", 5),
        ("packing", 7),
        ("packing", 4),
        ("packing", 8),
        ("packing", 32_773),
        ("packing", 34_712),
        ("colour", 2),
        ("colour", 6),
        ("colour", 8),
        ("rows", u32::MAX),
    ] {
        all.odd(&format!("{name} {value}.tif"), with(&[(name, value)], &pixels));
    }
    all.refused("65535 x 65535.tif", with(&[("width", 65_535), ("height", 65_535)], &pixels));
    all.refused(
        "large without data.tif",
        with(&[("width", 14_000), ("height", 14_000), ("rows", 14_000), ("bytes", u32::MAX)], &pixels),
    );
    let burst = zeros(1 << 30);
    let bytes = burst.len() as u32;
    all.odd("strip that bursts.tif", with(&[("packing", 8), ("bytes", bytes)], &burst));
    let mut entries = plain(&[]);
    entries[5] = (273, 4, 1 << 30, 8);
    entries[8] = (279, 4, 1 << 30, 8);
    all.refused("a thousand million strips.tif", tiff(&entries, 0, &pixels));
    let mut entries = plain(&[]);
    entries[2] = (258, 3, u32::MAX, 8);
    all.refused("four thousand million depths.tif", tiff(&entries, 0, &pixels));
    all.refused("65535 entries.tif", b"II*\0\x08\0\0\0\xFF\xFF".iter().copied().chain([7; 900]).collect());
    // The library believes what a JPEG inside says of itself.
    let mut inside = encode(&small(), ImageFormat::Jpeg);
    let frame = inside.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    inside[frame + 5..frame + 9].copy_from_slice(&[0x3F, 0xFF, 0x3F, 0xFF]);
    let bytes = inside.len() as u32;
    for colour in [2, 6] {
        let mut entries = plain(&[("packing", 7), ("bytes", bytes), ("samples", 3), ("colour", colour)]);
        entries[2] = (258, 4, 1, 8);
        all.refused(&format!("giant JPEG inside, colour {colour}.tif"), tiff(&entries, 0, &inside));
    }
    all.refused("large TIFF.tif", b"II+\0\x08\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF".to_vec());
    all.refused("directory behind the end.tif", b"MM\0*\xFF\xFF\xFF\xFF".to_vec());
}

fn webps(all: &mut Collection) {
    let riff = |parts: &[u8]| [b"RIFF", &(parts.len() as u32 + 4).to_le_bytes()[..], b"WEBP", parts].concat();
    let part = |kind: &[u8; 4], data: &[u8]| {
        let mut bytes = [&kind[..], &(data.len() as u32).to_le_bytes(), data].concat();
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes
    };
    let lossless = |width: u32, height: u32| {
        let size = (width - 1) | (height - 1) << 14;
        [&[0x2F][..], &size.to_le_bytes(), &[0x88, 0x88, 8, 0, 0, 0]].concat()
    };
    all.refused("16383 x 16383 lossless.webp", riff(&part(b"VP8L", &lossless(16_383, 16_383))));
    all.odd("large lossless of one colour.webp", riff(&part(b"VP8L", &lossless(9_000, 7_000))));
    let lossy = |width: u16, height: u16| {
        [&[0x10, 0, 0, 0x9D, 1, 0x2A][..], &width.to_le_bytes(), &height.to_le_bytes(), &[0; 40]].concat()
    };
    all.odd("16383 x 16383 lossy.webp", riff(&part(b"VP8 ", &lossy(16_383, 16_383))));
    all.odd("no size.webp", riff(&part(b"VP8 ", &lossy(0, 0))));
    let canvas = |side: u32, flags: u8| {
        let side = (side - 1).to_le_bytes();
        part(b"VP8X", &[&[flags, 0, 0, 0][..], &side[..3], &side[..3]].concat())
    };
    all.refused("giant canvas.webp", riff(&[canvas(1 << 24, 2), part(b"VP8L", &lossless(5, 5))].concat()));
    all.refused("animated giant canvas.webp", riff(&[canvas(16_384, 2), part(b"ANIM", &[0; 6])].concat()));
    let good = encode(&small(), ImageFormat::WebP);
    let mut long = good.clone();
    long[4..8].fill(0xFF);
    all.odd("claims 4 GiB.webp", long);
    let mut long = good.clone();
    long[16..20].fill(0xFF);
    all.odd("part of 4 GiB.webp", long);
    let mut short = good;
    short[4..8].fill(0);
    all.odd("claims nothing.webp", short);
    all.refused("nothing inside.webp", riff(&[]));
    all.odd(
        "many parts.webp",
        riff(&[canvas(5, 0), part(b"XXXX", b"").repeat(200_000), part(b"VP8L", &lossless(5, 5))].concat()),
    );
}

fn others(all: &mut Collection) {
    for (name, bytes) in [
        ("empty.jpg", &b""[..]),
        ("one byte.jpg", b"\xFF"),
        ("half a page.png", b"<svg xmlns='http://www.w3.org/2000/svg'>"),
        ("map.jpg", b"P6 99999999 99999999 255\n"),
        ("qoi.png", b"qoif\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x04\0"),
        ("hdr.png", b"#?RADIANCE\n\n-Y 99999999 +X 99999999\n"),
        ("dds.png", b"DDS \x7C\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
        ("ff.png", b"farbfeld\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
        ("exr.png", b"\x76\x2f\x31\x01\x02\0\0\0"),
        ("psd.jpg", b"8BPS\0\x01\0\0\0\0\0\0\0\x03"),
        ("iphone.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("film.jpg", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"),
        ("jpeg xl.jpg", b"\xFF\x0A\xFA\x1F\x01"),
        ("jpeg 2000.jpg", b"\0\0\0\x0CjP  \r\n\x87\n"),
    ] {
        all.refused(name, bytes.to_vec());
    }
    all.refused("ten million zeros.jpg", vec![0; 10_000_000]);
}
