//! Makes small data sets in every layout and packs files in every way.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{Dataset, Split, open};
use flate2::Compression;
use flate2::write::GzEncoder;
use image::ImageFormat;
use zip::write::SimpleFileOptions;

use super::{config, picture_file, png, tar_of, write_tree};

pub type Files = Vec<(String, Vec<u8>)>;
type Opened = Result<Arc<dyn Dataset>, String>;

/// A folder with files that is removed again.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub fn with(files: &[(String, Vec<u8>)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_tree(folder.path(), files);
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn config(&self) -> DataConfig {
        config(self.root())
    }
}

pub fn open_at(path: &Path) -> Opened {
    open(&config(path)).map_err(|e| {
        let message = e.to_string();
        assert!(!message.contains('\n'), "{message:?} has more than one line");
        message
    })
}

/// Opens the files in a folder. What is read from it later may be gone.
pub fn open_folder(files: &[(String, Vec<u8>)]) -> (Opened, Place) {
    let place = Place::with(files);
    (open_at(place.root()), place)
}

/// Opens one file of these bytes, whose name says nothing.
pub fn open_bytes(bytes: &[u8]) -> Opened {
    let place = Place::with(&[("given".into(), bytes.to_vec())]);
    // The open archive outlives its name.
    open_at(&place.path("given"))
}

/// The message for what cannot be opened.
#[track_caller]
pub fn refusal(opened: Opened) -> String {
    match opened {
        Ok(dataset) => panic!("it was accepted: {}", dataset.description().layout),
        Err(message) => message,
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A zip archive, every other file packed.
pub fn zip_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (number, (name, bytes)) in files.iter().enumerate() {
        let method =
            if number % 2 == 0 { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
        writer.start_file(name.as_str(), SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The same files as `.tar`, `.tar.gz` and `.zip`, in another order than a folder has them.
pub fn packed(files: &[(String, Vec<u8>)]) -> [(&'static str, Vec<u8>); 3] {
    let reversed: Files = files.iter().rev().cloned().collect();
    let tar = tar_of(&reversed);
    [("tar.gz", gzip(&tar)), ("zip", zip_of(&reversed)), ("tar", tar)]
}

/// Names of the pictures of a split, with the names of their classes.
pub fn named(dataset: &dyn Dataset, split: Split) -> Vec<(String, String)> {
    let classes = &dataset.description().classes;
    (0..dataset.len(split))
        .map(|i| (dataset.name(split, i), classes[dataset.label(split, i) as usize].clone()))
        .collect()
}

/// Pictures that cannot be read, with the reason.
pub fn unreadable(dataset: &dyn Dataset) -> Vec<(String, String)> {
    [Split::Train, Split::Validation]
        .into_iter()
        .flat_map(|split| (0..dataset.len(split)).map(move |i| (split, i)))
        .filter_map(|(split, i)| Some((dataset.name(split, i), dataset.read(split, i, 8).err()?)))
        .collect()
}

/// A 32x32 record whose planes are `colour`, after its labels.
pub fn record(labels: &[u8], colour: [u8; 3]) -> Vec<u8> {
    let mut record = labels.to_vec();
    colour.iter().for_each(|&value| record.extend([value; 1024]));
    record
}

/// `batches` training batches of ten pictures, one a class, and a test batch of ten.
pub fn cifar_10(batches: u8) -> Files {
    let batch = |number: u8| (0..10).flat_map(|class| record(&[class], [class, number, 99])).collect();
    let mut files: Files = (1..=batches)
        .map(|number| (format!("cifar-10-batches-bin/data_batch_{number}.bin"), batch(number)))
        .collect();
    files.push(("cifar-10-batches-bin/test_batch.bin".into(), batch(77)));
    let names = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
    files.push(("cifar-10-batches-bin/batches.meta.txt".into(), names.into()));
    files.push(("cifar-10-batches-bin/readme.html".into(), b"<html></html>".to_vec()));
    files
}

pub fn cifar_100() -> Files {
    let set = |shade: u8| (0..100).flat_map(|class| record(&[class / 5, class], [class, shade, 5])).collect();
    let names: String = (0..100).map(|class| format!("kind {class}\n")).collect();
    vec![
        ("cifar-100-binary/train.bin".into(), set(1)),
        ("cifar-100-binary/test.bin".into(), set(2)),
        ("cifar-100-binary/fine_label_names.txt".into(), names.into()),
        ("cifar-100-binary/coarse_label_names.txt".into(), b"a\nb\n".to_vec()),
    ]
}

/// An idx file of bytes.
pub fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    dimensions.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

pub const MNIST: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// Pictures of 4 wide x 3 high pixels whose values are their labels times 20.
pub fn idx_files(train: &[u8], test: &[u8], packed: bool) -> Files {
    let pictures = |labels: &[u8]| {
        let values: Vec<u8> = labels.iter().flat_map(|&label| [label * 20; 12]).collect();
        idx(&[labels.len() as u32, 3, 4], &values)
    };
    let labels = |labels: &[u8]| idx(&[labels.len() as u32], labels);
    let contents = [pictures(train), labels(train), pictures(test), labels(test)];
    let pack = |(name, bytes): (&str, Vec<u8>)| {
        if packed { (format!("raw/{name}.gz"), gzip(&bytes)) } else { (format!("raw/{name}"), bytes) }
    };
    MNIST.into_iter().zip(contents).map(pack).collect()
}

const MNIST_TRAIN: [u8; 12] = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 6, 7];
const MNIST_TEST: [u8; 12] = [7, 2, 1, 0, 4, 1, 4, 9, 5, 9, 3, 8];

pub fn mnist(packed: bool) -> Files {
    idx_files(&MNIST_TRAIN, &MNIST_TEST, packed)
}

pub fn fashion_mnist() -> Files {
    idx_files(&[9, 0, 0, 3, 0, 2, 7, 2, 5, 5, 1], &[9, 2, 1, 1, 6, 1, 4, 6, 5, 7, 0], true)
}

fn jpeg(shade: u8) -> Vec<u8> {
    picture_file(9, 7, [shade, 100, 200], ImageFormat::Jpeg)
}

pub const WNIDS: [&str; 3] = ["n01440764", "n02102040", "n09999999"];

/// Three classes whose folders sort otherwise than their lines in `wnids.txt`.
pub fn tiny_imagenet() -> Files {
    let top = "tiny-imagenet-3";
    let mut files: Files = Vec::new();
    let mut annotations = String::new();
    for (label, wnid) in WNIDS.into_iter().enumerate() {
        for number in 0..4 {
            let name = format!("{top}/train/{wnid}/images/{wnid}_{number}.JPEG");
            files.push((name, jpeg((label * 60 + number * 5) as u8)));
        }
        let boxes = format!("{wnid}_0.JPEG\t0\t0\t62\t63\n");
        files.push((format!("{top}/train/{wnid}/{wnid}_boxes.txt"), boxes.into()));
        let picture = format!("val_{}.JPEG", 9 - label);
        annotations += &format!("{picture}\t{wnid}\t0\t32\t44\t62\n");
        files.push((format!("{top}/val/images/{picture}"), jpeg(250 - label as u8)));
    }
    files.push((format!("{top}/val/val_annotations.txt"), annotations.into()));
    files.push((format!("{top}/test/images/test_0.JPEG"), jpeg(1)));
    files.push((format!("{top}/wnids.txt"), b"n09999999\nn02102040\nn01440764\n".to_vec()));
    let words = "n01440764\ttench, Tinca tinca\nn02102040\tEnglish springer\nn09999999\tdragon, wyvern\nn00000001\tthing\n";
    files.push((format!("{top}/words.txt"), words.into()));
    files
}

/// Training folders of `wnids`, and flat validation pictures, one a class in turn.
fn flat_validation(base: &str, wnids: &[&str]) -> Files {
    let mut files: Files = Vec::new();
    for (label, wnid) in wnids.iter().enumerate() {
        for number in 0..3 {
            files.push((
                format!("{base}train/{wnid}/{wnid}_{number}.JPEG"),
                jpeg((label * 40 + number) as u8),
            ));
        }
        files.push((format!("{base}val/ILSVRC2012_val_0000000{}.JPEG", label + 1), jpeg(200 + label as u8)));
    }
    files
}

const SYNSETS: &str = "n01440764 tench, Tinca tinca\nn02012849 crane\nn03126707 crane\n";
const CRANES: [&str; 3] = ["n01440764", "n02012849", "n03126707"];

pub fn kaggle() -> Files {
    let mut files = flat_validation("ILSVRC/Data/CLS-LOC/", &CRANES);
    files.push(("ILSVRC/Data/CLS-LOC/test/ILSVRC2012_test_00000001.JPEG".into(), jpeg(3)));
    files.push(("ILSVRC/ImageSets/CLS-LOC/val.txt".into(), b"ILSVRC2012_val_00000001 1\n".to_vec()));
    files.push(("LOC_synset_mapping.txt".into(), SYNSETS.into()));
    let mut solution = "ImageId,PredictionString\n".to_owned();
    for (label, wnid) in CRANES.iter().enumerate() {
        solution += &format!("ILSVRC2012_val_0000000{},{wnid} 1 2 3 4 {wnid} 5 6 7 8 \n", label + 1);
    }
    files.push(("LOC_val_solution.csv".into(), solution.into()));
    files
}

pub fn caffe() -> Files {
    let mut files = flat_validation("", &CRANES);
    files.push(("synset_words.txt".into(), SYNSETS.into()));
    let list: String =
        (0..3).map(|label| format!("ILSVRC2012_val_0000000{}.JPEG {label}\n", label + 1)).collect();
    files.push(("val.txt".into(), list.into()));
    files
}

pub fn imagenette() -> Files {
    const CLASSES: [&str; 10] = [
        "n01440764",
        "n02102040",
        "n02979186",
        "n03000684",
        "n03028079",
        "n03394916",
        "n03417042",
        "n03425413",
        "n03445777",
        "n03888257",
    ];
    let mut files: Files =
        vec![("imagenette2/noisy_imagenette.csv".into(), b"path,noisy_labels_0\n".to_vec())];
    for (label, wnid) in (0_u8..).zip(CLASSES) {
        files.push((format!("imagenette2/train/{wnid}/{wnid}_1.JPEG"), jpeg(label * 10)));
        files.push((format!("imagenette2/val/{wnid}/ILSVRC2012_val_1.JPEG"), jpeg(label * 10 + 5)));
    }
    files
}

/// Pictures in one folder, and a list that says their classes.
pub fn listed(list: &str) -> Files {
    let mut files: Files =
        (0..8).map(|i| (format!("set/images/{i}.png"), png(6, 5, [i * 30, 1, 2]))).collect();
    files.push(("set/labels.csv".into(), list.as_bytes().to_vec()));
    files
}

pub const CATS_AND_DOGS: &str =
    "image,label\n0.png,cat\n1.png,dog\n2.png,cat\n3.png,dog\n4.png,cat\n5.png,dog\n6.png,cat\n7.png,dog\n";

/// Every layout with the sentence that explains it.
pub fn every_layout() -> Vec<(Files, &'static str)> {
    vec![
        (cifar_10(5), "CIFAR-10: 10 classes, 50 pictures to train on, 10 to validate"),
        (cifar_100(), "CIFAR-100: 100 classes, 100 pictures to train on, 100 to validate"),
        (mnist(false), "MNIST: 10 classes, 12 pictures to train on, 12 to validate"),
        (mnist(true), "MNIST: 10 classes, 12 pictures to train on, 12 to validate"),
        (fashion_mnist(), "Fashion-MNIST: 10 classes, 11 pictures to train on, 11 to validate"),
        (tiny_imagenet(), "Tiny ImageNet: 3 classes, 12 pictures to train on, 3 to validate; not used: test"),
        (kaggle(), "ImageNet: 3 classes, 9 pictures to train on, 3 to validate; not used: test"),
        (caffe(), "ImageNet: 3 classes, 9 pictures to train on, 3 to validate"),
        (imagenette(), "Imagenette: 10 classes, 10 pictures to train on, 10 to validate"),
        (
            listed(CATS_AND_DOGS),
            "2 classes listed in labels.csv, 6 pictures to train on, 2 held back by seed 0 to validate",
        ),
        (
            super::class_files("", &["cat", "dog"], 5),
            "2 classes in folders, 8 pictures to train on, 2 held back by seed 0 to validate",
        ),
    ]
}
