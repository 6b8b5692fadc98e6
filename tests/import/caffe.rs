//! Caffe's models in both of their forms, against what PyTorch computes with Caffe's conventions.

use std::fs;
use std::path::Path;

use alexnet_lab::model::{ImportOptions, LayerKind, import};
use tempfile::tempdir;

use super::{assert_agrees, fixture, open, refusal, refusal_with};

#[test]
fn todays_form_with_a_mean_image() {
    let folder = tempdir().unwrap();
    let mean = folder.path().join("mean.any");
    fs::write(&mean, mean_image(256)).unwrap();
    let options = ImportOptions { mean: Some(mean), ..ImportOptions::default() };
    let imported = import(&fixture("new.caffemodel"), &options).unwrap();
    assert_agrees(&imported.file, "caffe.json", "new");
    assert!(imported.origin.contains("bvlc_alexnet"), "{}", imported.origin);
    let input = imported.file.spec.input;
    assert_eq!((input.side, input.stored_side, input.scale), (227, 256, [1.0; 3]));
}

#[test]
fn the_form_of_2014_with_pooling_before_normalisation() {
    let imported = open(&fixture("v1.caffemodel"));
    assert_agrees(&imported.file, "caffe.json", "v1");
    assert!(imported.origin.contains("CaffeNet") && imported.origin.contains("V1"), "{}", imported.origin);
    // 104, 117 and 123 stand in the file for blue, green and red.
    assert_eq!((imported.file.mean[0], *imported.file.mean.last().unwrap()), (123.0, 104.0));
}

#[test]
fn without_a_mean_image_the_customary_means_are_used_and_that_is_said() {
    let imported = open(&fixture("new.caffemodel"));
    assert!((imported.file.mean[0] - 122.679).abs() < 1e-3);
    assert!(
        imported.notes.iter().any(|note| note.contains("imagenet_mean.binaryproto")),
        "{:?}",
        imported.notes
    );
}

#[test]
fn a_file_stripped_to_its_weights_gets_the_customary_layers() {
    let bytes = fs::read(fixture("new.caffemodel")).unwrap();
    let mut stripped = Vec::new();
    for (tag, _, layer) in fields(&bytes).into_iter().filter(|(tag, ..)| *tag == 100) {
        let kept: Vec<u8> = fields(layer)
            .into_iter()
            .filter(|(t, ..)| [1, 2, 7].contains(t))
            .flat_map(|f| f.1)
            .copied()
            .collect();
        if fields(layer).iter().any(|(t, ..)| *t == 7) {
            put(&mut stripped, tag, &kept);
        }
    }
    let folder = tempdir().unwrap();
    let path = folder.path().join("weights");
    fs::write(&path, stripped).unwrap();
    let (mut found, wanted) = (open(&path).file, open(&fixture("new.caffemodel")).file);
    // The fixture has a large alpha, so that a wrong one shows.
    for layer in &mut found.spec.layers {
        if let LayerKind::Lrn { alpha, .. } = &mut layer.kind {
            assert_eq!(*alpha, 1e-4 / 5.0);
            *alpha = 0.5 / 5.0;
        }
    }
    assert_eq!(found, wanted);
}

#[test]
fn layers_that_are_missing_or_others_are_named() {
    let bytes = fs::read(fixture("new.caffemodel")).unwrap();
    let folder = tempdir().unwrap();
    let path = folder.path().join("changed");
    let named = |layer: &[u8], name: &str| {
        fields(layer).iter().any(|(t, _, text)| *t == 1 && *text == name.as_bytes())
    };

    // Without conv3, with fc7 under another name, and with a layer that joins two others.
    let mut changed = Vec::new();
    for (tag, _, layer) in
        fields(&bytes).into_iter().filter(|(tag, _, layer)| *tag == 100 && !named(layer, "conv3"))
    {
        let mut layer = layer.to_vec();
        if named(&layer, "fc7") {
            layer[2 + 2] = b'9';
        }
        put(&mut changed, tag, &layer);
    }
    let mut concat = Vec::new();
    put(&mut concat, 1, b"inception");
    put(&mut concat, 2, b"Concat");
    put(&mut changed, 100, &concat);
    fs::write(&path, changed).unwrap();
    let message = refusal(&path);
    for words in ["conv3 is missing", "fc7 is missing", "fc9 weight [20, 24]", "inception", "Concat"] {
        assert!(message.contains(words), "`{words}` is missing in {message}");
    }
}

#[test]
fn mean_images_must_fit() {
    let folder = tempdir().unwrap();
    let mean = folder.path().join("mean.binaryproto");
    let options = ImportOptions { mean: Some(mean.clone()), ..ImportOptions::default() };
    let model = fixture("new.caffemodel");
    fs::write(&mean, mean_image(100)).unwrap();
    let message = refusal_with(&model, &options);
    assert!(message.contains("mean.binaryproto") && message.contains("100, 100"), "{message}");
    let whole = mean_image(256);
    for bytes in [&whole[..whole.len() / 2], &b""[..], b"hello there"] {
        fs::write(&mean, bytes).unwrap();
        assert!(refusal_with(&model, &options).contains("mean.binaryproto"));
    }
    fs::remove_file(&mean).unwrap();
    let message = import(&model, &options).unwrap_err().to_string();
    assert!(message.contains("mean.binaryproto"), "{message}");
}

#[test]
fn the_text_of_a_network_is_told_from_its_weights() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("deploy.caffemodel");
    fs::write(&path, "name: \"AlexNet\"\nlayer { name: \"conv1\" }\n").unwrap();
    assert!(refusal(&path).contains("text"), "{}", refusal(&path));
}

/// What `mean_image` in make_caffe.py describes, as Caffe's tool `compute_image_mean` writes it.
fn mean_image(side: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tag, size) in [(1, 1), (2, 3), (3, side), (4, side)] {
        varint(&mut bytes, tag << 3);
        varint(&mut bytes, size.into());
    }
    let number = |c: u32, y: u32, x: u32| 90.0 + 10.0 * c as f32 + 0.125 * y as f32 + 0.0625 * x as f32;
    let places = (0..3).flat_map(|c| (0..side).flat_map(move |y| (0..side).map(move |x| (c, y, x))));
    let numbers: Vec<u8> = places.flat_map(|(c, y, x)| number(c, y, x).to_le_bytes()).collect();
    put(&mut bytes, 5, &numbers);
    bytes
}

/// The fields of a message that have a length: number, whole field, content. Others are left out.
fn fields(mut rest: &[u8]) -> Vec<(u64, &[u8], &[u8])> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let whole = rest;
        let key = read_varint(&mut rest);
        let length = match key & 7 {
            0 => {
                read_varint(&mut rest);
                continue;
            }
            2 => read_varint(&mut rest) as usize,
            5 => 4,
            other => panic!("wire type {other} does not occur in the fixtures"),
        };
        let (content, after) = rest.split_at(length);
        rest = after;
        if key & 7 == 2 {
            found.push((key >> 3, &whole[..whole.len() - rest.len()], content));
        }
    }
    found
}

fn read_varint(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = rest[0];
        *rest = &rest[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put(out: &mut Vec<u8>, tag: u64, content: &[u8]) {
    varint(out, tag << 3 | 2);
    varint(out, content.len() as u64);
    out.extend(content);
}

#[test]
fn the_helpers_of_this_file_read_what_they_write() {
    let mut bytes = Vec::new();
    put(&mut bytes, 100, &[7; 300]);
    assert_eq!(fields(&bytes), [(100, &bytes[..], &[7; 300][..])]);
    assert!(Path::new(&fixture("new.caffemodel")).exists());
}
