//! Files that are cut short, flipped, foreign or hostile: a sentence, never a panic, and nothing is run.

use std::fs;
use std::io::Write;
use std::path::Path;

use alexnet_lab::model::{ImportOptions, Shapes, import};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::tempdir;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::{fixture, refusal};

const FILES: [&str; 6] = [
    "narrow-zip.pth",
    "narrow-legacy.pth",
    "narrow-tar.pth",
    "narrow.safetensors",
    "new.caffemodel",
    "v1.caffemodel",
];

#[test]
fn files_that_are_cut_short_are_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("cut");
    for name in FILES {
        let whole = fs::read(fixture(name)).unwrap();
        // The last blocks of a tar archive are empty, and Caffe writes a last layer that holds nothing.
        let needed = match name {
            "narrow-tar.pth" => whole.len() - 16384,
            name if name.ends_with("caffemodel") => whole.len() - 2000,
            _ => whole.len() - 1,
        };
        for length in (0..needed).step_by(needed / 60).chain([needed]) {
            fs::write(&path, &whole[..length]).unwrap();
            let message = refusal(&path);
            assert!(message.len() < 6000, "{name} cut to {length}: {message}");
        }
    }
}

#[test]
fn flipped_bits_never_panic_and_never_give_half_a_network() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("flipped");
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for name in FILES {
        let whole = fs::read(fixture(name)).unwrap();
        // Most of a file is weights, where a flip is not to be noticed: half of the flips go to the ends.
        for round in 0..150 {
            let mut bytes = whole.clone();
            for _ in 0..=round % 3 {
                let position = match round % 4 {
                    0 => rng.random_range(0..bytes.len().min(1500)),
                    1 => bytes.len() - 1 - rng.random_range(0..bytes.len().min(2500)),
                    _ => rng.random_range(0..bytes.len()),
                };
                bytes[position] ^= 1 << rng.random_range(0..8);
            }
            fs::write(&path, &bytes).unwrap();
            match import(&path, &ImportOptions::default()) {
                Ok(imported) => {
                    let shapes = Shapes::of(&imported.file.spec).unwrap();
                    let wanted: Vec<usize> =
                        shapes.parameters.iter().map(|p| p.shape.iter().product()).collect();
                    let found: Vec<usize> = imported.file.weights.iter().map(Vec::len).collect();
                    assert_eq!(found, wanted, "{name}, round {round}");
                    assert!(imported.file.weights.iter().flatten().all(|w| w.is_finite()));
                }
                Err(error) => {
                    let message = error.to_string();
                    assert!(message.contains("flipped"), "{name}, round {round}: {message}");
                    assert!(message.len() < 8000, "{name}, round {round}: {message}");
                }
            }
        }
    }
}

#[test]
fn what_is_no_network_is_said_to_be_none() {
    let folder = tempdir().unwrap();
    assert!(refusal(folder.path()).contains("folder"));
    let path = folder.path().join("model.pth");
    assert!(refusal(&path).contains("cannot read"));
    let cases: [(&[u8], &str); 8] = [
        (b"", "empty"),
        (b"hello, I am a model", "neither"),
        (b"\nhello, I begin with a line break", "neither"),
        (b"\x89HDF\r\n\x1a\n0000", "HDF5"),
        (b"\x08\x07\x12\x07pytorch", "ONNX"),
        (b"\x89PNG\r\n\x1a\n", "neither"),
        (b"PK\x03\x04 and nothing more", "zip"),
        (&[0xff; 300], "neither"),
    ];
    for (bytes, words) in cases {
        fs::write(&path, bytes).unwrap();
        assert!(refusal(&path).contains(words), "{}", refusal(&path));
    }
}

#[test]
fn a_pickle_that_would_run_a_command_runs_nothing() {
    for name in ["command.pth", "command.pickle"] {
        let message = refusal(&fixture(name));
        assert!(!message.is_empty());
    }
    for folder in [Path::new("."), Path::new(env!("CARGO_MANIFEST_DIR"))] {
        assert!(!folder.join("pickle-was-run").exists(), "the command in the pickle was run");
    }
}

#[test]
fn bombs_are_refused_before_they_are_unpacked() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("bomb.pth");

    // A description of 200 MiB of nothing, packed to 200 KiB.
    let mut zip = ZipWriter::new(fs::File::create(&path).unwrap());
    let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file("bomb/data.pkl", packed).unwrap();
    let mebibyte = vec![b'N'; 1 << 20];
    for _ in 0..200 {
        zip.write_all(&mebibyte).unwrap();
    }
    zip.finish().unwrap();
    assert!(fs::metadata(&path).unwrap().len() < 1 << 20);
    assert!(refusal(&path).contains("200 MiB"), "{}", refusal(&path));

    // A view of one number as 2 GiB of them.
    let message = refusal(&fixture("expanded.pth"));
    assert!(message.contains("claims to hold 2048 MiB"), "{message}");

    // An archive with a hole of a terabyte.
    let mut header = tar::Header::new_gnu();
    header.set_path("storages").unwrap();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_size(512);
    let sparse = header.as_gnu_mut().unwrap();
    sparse.realsize[..12].copy_from_slice(b"017777777777");
    sparse.sparse[0].offset[..12].copy_from_slice(b"017777776777");
    sparse.sparse[0].numbytes[..12].copy_from_slice(b"000000001000");
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    archive.resize(512 * 4, 0);
    fs::write(&path, archive).unwrap();
    assert!(refusal(&path).contains("archive"), "{}", refusal(&path));

    // A Caffe model of nothing but empty layers.
    let mut layers = vec![0x0a, 1, b'x'];
    for _ in 0..100_000 {
        layers.extend([0xa2, 0x06, 0]);
    }
    fs::write(&path, layers).unwrap();
    assert!(refusal(&path).contains("layers"), "{}", refusal(&path));

    // A header that names 2^60 bytes, and a tensor of 2^60 numbers.
    let text =
        br#"{"features.0.weight":{"dtype":"F32","shape":[1073741824,1073741824],"data_offsets":[0,4]}}"#;
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text);
    bytes.extend([0; 4]);
    fs::write(&path, bytes).unwrap();
    refusal(&path);
}

#[test]
fn a_zip_of_something_else_is_no_state_dict() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("letters.zip");
    let mut zip = ZipWriter::new(fs::File::create(&path).unwrap());
    zip.start_file("letter.txt", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"dear reader").unwrap();
    zip.finish().unwrap();
    assert!(refusal(&path).contains("data.pkl"), "{}", refusal(&path));
}
