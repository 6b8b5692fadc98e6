//! Every layout, in every kind of archive: good sets, odd ones and broken ones.

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{Split, open};

use super::makers::{
    CATS_AND_DOGS, Files, Place, caffe, cifar_10, cifar_100, every_layout, fashion_mnist, gzip, idx,
    idx_files, imagenette, kaggle, listed, mnist, named, open_bytes, open_folder, packed, refusal,
    tiny_imagenet, unreadable,
};
use super::{contents, png};

/// All of `words` are in `text`.
#[track_caller]
pub fn assert_tells(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{text:?} does not say {word:?}");
    }
}

pub fn replace(files: &mut Files, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let (_, bytes) = files.iter_mut().find(|(path, _)| path.ends_with(name)).expect("the file is there");
    change(bytes);
}

#[test]
fn every_layout_is_explained_and_the_same_in_every_archive() {
    for (files, sentence) in every_layout() {
        let (dataset, _place) = open_folder(&files);
        let dataset = dataset.unwrap_or_else(|e| panic!("{sentence}: {e}"));
        assert_eq!(dataset.description().layout, sentence);
        assert_eq!(unreadable(&*dataset), [], "{sentence}");
        for (kind, bytes) in packed(&files) {
            let other = open_bytes(&bytes).unwrap_or_else(|e| panic!("{sentence} in a {kind}: {e}"));
            assert_eq!(other.description().layout, sentence, "{kind}");
            assert_eq!(other.description().classes, dataset.description().classes, "{kind}");
            for split in [Split::Train, Split::Validation] {
                assert!(
                    contents(&*dataset, split, 6) == contents(&*other, split, 6),
                    "{sentence}: {split:?} of the {kind} differs from the folder"
                );
            }
        }
    }
}

#[test]
fn cifar_pictures_have_their_colours_and_labels() {
    let (dataset, _place) = open_folder(&cifar_10(2));
    let dataset = dataset.unwrap();
    assert_eq!(dataset.description().typical_side, 32);
    assert_eq!(dataset.description().classes[9], "truck");
    assert_eq!(dataset.name(Split::Train, 13), "cifar-10-batches-bin/data_batch_2.bin[3]");
    assert_eq!(dataset.label(Split::Train, 13), 3);
    assert_eq!(dataset.read(Split::Train, 13, 32).unwrap().get_pixel(31, 0).0, [3, 2, 99]);

    let (dataset, _place) = open_folder(&cifar_100());
    let dataset = dataset.unwrap();
    assert_eq!(dataset.description().classes[42], "kind 42");
    assert_eq!(dataset.label(Split::Validation, 42), 42, "the fine label, not the coarse one");
    // Rows and columns keep their order.
    let mut files = cifar_10(1);
    replace(&mut files, "data_batch_1.bin", |bytes| bytes[1 + 2 * 32 + 5] = 200);
    let (dataset, _place) = open_folder(&files);
    let picture = dataset.unwrap().read(Split::Train, 0, 32).unwrap();
    assert_eq!(picture.get_pixel(5, 2).0, [200, 1, 99], "row 2, column 5");
}

#[test]
fn broken_cifar_files_lose_only_what_is_broken() {
    let mut files = cifar_10(2);
    replace(&mut files, "data_batch_1.bin", |bytes| bytes.truncate(3073 * 4 + 100));
    replace(&mut files, "data_batch_2.bin", |bytes| bytes[3073 * 7] = 10);
    let (dataset, _place) = open_folder(&files);
    let bad = unreadable(&*dataset.unwrap());
    assert_eq!(bad.len(), 2, "{bad:?}");
    assert_tells(&bad[0].0, &["data_batch_1.bin"]);
    assert_tells(&bad[0].1, &["cut short after 4 whole pictures"]);
    assert_tells(&bad[1].0, &["data_batch_2.bin[7]"]);
    assert_tells(&bad[1].1, &["label is 10", "10 classes"]);

    let mut files = cifar_10(1);
    files.retain(|(name, _)| !name.contains("test"));
    let (dataset, _place) = open_folder(&files);
    assert_tells(&refusal(dataset), &["nothing to validate"]);

    let python: Files = ["data_batch_1", "data_batch_2", "batches.meta"]
        .map(|name| (format!("cifar-10-batches-py/{name}"), b"\x80\x02}q\x01".to_vec()))
        .into();
    assert_tells(&refusal(open_folder(&python).0), &["Python version of CIFAR", "cifar-10-binary.tar.gz"]);
}

#[test]
fn idx_pictures_become_grey_colour_pictures() {
    let (dataset, _place) = open_folder(&mnist(true));
    let dataset = dataset.unwrap();
    assert_eq!(dataset.description().typical_side, 3);
    assert_eq!(dataset.label(Split::Train, 1), 0);
    assert_eq!(dataset.label(Split::Validation, 0), 7);
    let picture = dataset.read(Split::Train, 2, 3).unwrap();
    assert!(picture.pixels().all(|pixel| pixel.0 == [80; 3]));
    let (dataset, _place) = open_folder(&fashion_mnist());
    assert_eq!(dataset.unwrap().description().classes[9], "Ankle boot");
    // Unknown sets have numbers for classes.
    let (dataset, _place) = open_folder(&idx_files(&[0, 2, 1, 0, 2, 1], &[1, 2, 0], false));
    let description = dataset.unwrap().description().clone();
    assert_eq!(description.classes, ["0", "1", "2"]);
    assert!(description.layout.starts_with("idx files like MNIST's: 3 classes"), "{}", description.layout);
    // Labels that are counted from 1, as EMNIST's letters are, with one that no picture has.
    let (dataset, _place) = open_folder(&idx_files(&[1, 2, 4, 1, 2, 4], &[2, 4, 1], false));
    let dataset = dataset.unwrap();
    assert_eq!(dataset.description().classes, ["1", "2", "4"]);
    assert_eq!((dataset.label(Split::Train, 2), dataset.label(Split::Validation, 1)), (2, 2));
    assert_tells(&refusal(open_folder(&idx_files(&[3, 3], &[3], false)).0), &["only one class, `3`"]);
    // Plain and packed files of the same name count once.
    let mut both = mnist(false);
    both.extend(mnist(true));
    assert_eq!(open_folder(&both).0.unwrap().len(Split::Train), 12);
}

#[test]
fn broken_idx_files_are_named() {
    let with = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut files = mnist(false);
        replace(&mut files, name, change);
        open_folder(&files)
    };
    let images = "train-images-idx3-ubyte";
    let labels = "train-labels-idx1-ubyte";
    // Cut short: the whole pictures are used, the rest is told.
    let (dataset, _place) = with(images, &|bytes| bytes.truncate(16 + 12 * 7 + 3));
    let dataset = dataset.unwrap();
    assert_eq!(dataset.len(Split::Train), 8);
    assert_tells(&unreadable(&*dataset)[0].1, &["cut short", "7 of 12"]);
    let claimed = |count: u32| idx(&[count, 3, 4], &[7; 12]);
    let cases: [(&str, Vec<u8>, &[&str]); 7] = [
        (labels, idx(&[11], &[0; 11]), &["11 labels for the 12 pictures"]),
        (labels, idx(&[12], &[0; 3]), &["cut short", "12 labels"]),
        (images, claimed(u32::MAX), &["12 labels for the 4294967295 pictures"]),
        (images, idx(&[12, u32::MAX, u32::MAX], &[]), &["4294967295 x 4294967295 pixels"]),
        (images, idx(&[12, 0, 4], &[]), &["4 x 0 pixels"]),
        (images, vec![0, 0, 13, 3, 0, 0, 0, 1], &["not single bytes"]),
        (images, idx(&[3, 4], &[0; 12]), &["dimensions"]),
    ];
    for (name, bytes, words) in cases {
        let message = refusal(with(name, &|file| *file = bytes.clone()).0);
        assert_tells(&message, words);
        assert_tells(&message, &[if words[0].contains("labels for") { labels } else { name }]);
    }
    let mut alone = mnist(false);
    alone.retain(|(name, _)| !name.contains("labels"));
    assert_tells(&refusal(open_folder(&alone).0), &["t10k-images-idx3-ubyte", "no file of labels"]);
    let mut cut = mnist(true);
    replace(&mut cut, "train-images-idx3-ubyte.gz", |bytes| bytes.truncate(30));
    assert_tells(&refusal(open_folder(&cut).0), &["train-images-idx3-ubyte.gz", "cut short"]);
    // One file of the four.
    let single = gzip(&idx(&[2, 3, 4], &[0; 24]));
    assert_tells(&refusal(open_bytes(&single)), &["one file of an MNIST-like set", "choose the folder"]);
}

#[test]
fn tiny_imagenet_takes_classes_from_its_annotations() {
    let (dataset, _place) = open_folder(&tiny_imagenet());
    let dataset = dataset.unwrap();
    assert_eq!(dataset.description().classes, ["tench", "English springer", "dragon"], "by wnid, by name");
    let validation = named(&*dataset, Split::Validation);
    let top = "tiny-imagenet-3/val/images";
    let expected = [("val_7.JPEG", "dragon"), ("val_8.JPEG", "English springer"), ("val_9.JPEG", "tench")];
    assert_eq!(validation, expected.map(|(name, class)| (format!("{top}/{name}"), class.to_owned())));

    // A picture without a line is left out and named.
    let mut files = tiny_imagenet();
    files.push((format!("{top}/val_77.JPEG"), png(4, 4, [1; 3])));
    let dataset = open_folder(&files).0.unwrap();
    assert_eq!(dataset.len(Split::Validation), 3);
    assert_eq!(dataset.left_out().len(), 1);
    assert_tells(
        &dataset.description().layout,
        &["val_77.JPEG", "val_annotations.txt does not say its class"],
    );

    // A class that is nowhere trained.
    let mut files = tiny_imagenet();
    replace(&mut files, "val_annotations.txt", |text| {
        *text = String::from_utf8(text.clone()).unwrap().replace("n09999999", "n05555555").into_bytes();
    });
    let message = refusal(open_folder(&files).0);
    assert_tells(&message, &["only in train: n09999999", "only in val_annotations.txt: n05555555"]);
}

#[test]
fn imagenet_lists_say_the_classes_of_flat_validation_pictures() {
    for files in [kaggle(), caffe()] {
        let dataset = open_folder(&files).0.unwrap();
        assert_eq!(dataset.description().classes, ["tench", "crane (n02012849)", "crane (n03126707)"]);
        let classes: Vec<String> = named(&*dataset, Split::Validation).into_iter().map(|(_, c)| c).collect();
        assert_eq!(classes, dataset.description().classes);
    }
    // Without any list the pictures cannot be used, and that is said.
    let mut files = caffe();
    files.retain(|(name, _)| !name.ends_with(".txt"));
    let dataset = open_folder(&files).0.unwrap();
    assert_tells(&dataset.description().layout, &["held back by seed 0", "not used: val"]);
    files.push(("devkit/data/ILSVRC2012_validation_ground_truth.txt".into(), b"490\n361\n".to_vec()));
    assert_tells(&refusal(open_folder(&files).0), &["ground truth", "val.txt and synset_words.txt"]);
    // Kaggle's own val.txt only counts the pictures: it must not pass for their classes.
    let mut files = kaggle();
    files.retain(|(name, _)| !name.contains("LOC_val"));
    let dataset = open_folder(&files).0.unwrap();
    assert_tells(&dataset.description().layout, &["held back", "not used: test, val"]);
    let mut files = caffe();
    replace(&mut files, "val.txt", |text| text.extend(b"ILSVRC2012_val_00000003.JPEG 3\n"));
    assert_tells(&open_folder(&files).0.unwrap().description().layout, &["held back", "not used: val"]);
    // A list of other pictures.
    let mut files = caffe();
    replace(&mut files, "val.txt", |text| *text = b"other.JPEG 1\n".to_vec());
    assert_tells(&refusal(open_folder(&files).0), &["val.txt", "names none of the pictures"]);
    // Imagenette's table of wrong labels changes nothing.
    let dataset = open_folder(&imagenette()).0.unwrap();
    assert_eq!(dataset.description().classes[2], "cassette player");
}

#[test]
fn classes_can_be_kept_small_or_left_out() {
    let mut files = super::class_files("train", &["ant", "bee", "cat"], 6);
    files.extend(super::class_files("val", &["ant", "bee", "cat"], 2));
    files.extend((10..14).map(|i| (format!("train/bee/{i}.png"), png(4, 4, [i, 1, 1]))));
    files.retain(|(name, _)| !(name.starts_with("train/ant") && name.ends_with("05.png")));
    let place = Place::with(&files);
    let with = |max_per_class, min_per_class, split_seed| {
        open(&DataConfig { max_per_class, min_per_class, split_seed, ..place.config() })
    };
    let names = |dataset: &dyn alexnet_lab::data::Dataset| named(dataset, Split::Train);
    let capped = with(4, 0, 1).unwrap();
    let count = |class: &str| names(&*capped).iter().filter(|(_, c)| c == class).count();
    assert_eq!(["ant", "bee", "cat"].map(count), [4; 3]);
    assert_eq!(capped.len(Split::Validation), 6, "validation keeps everything");
    assert_tells(&capped.description().layout, &["at most 4 a class", "leaves 12 to train on"]);
    assert_eq!(names(&*with(4, 0, 1).unwrap()), names(&*capped), "the same seed, the same pictures");
    assert_ne!(names(&*with(4, 0, 2).unwrap()), names(&*capped), "another seed, others");

    let large = with(0, 6, 0).unwrap();
    assert_eq!(large.description().classes, ["bee", "cat"]);
    assert_tells(&large.description().layout, &["not wanted (ant)", "leaves 2 classes, 16 and 4 pictures"]);
    for (name, class) in named(&*large, Split::Train).into_iter().chain(named(&*large, Split::Validation)) {
        assert!(name.contains(&format!("/{class}/")), "{name} is labelled {class}");
    }
    let error = with(0, 7, 0).err().unwrap().to_string();
    assert_tells(&error, &["fewer than two classes with 7", "data.min_per_class"]);
}

#[cfg(unix)]
#[test]
fn names_cannot_break_lines_or_steer_a_terminal() {
    let mut files = super::class_files("train", &["cat\n1", "dog\u{1b}[31m"], 3);
    files.extend(super::class_files("val", &["cat\n1", "dog\u{1b}[31m"], 1));
    let (dataset, _place) = open_folder(&files);
    let dataset = dataset.unwrap();
    assert_eq!(unreadable(&*dataset), [], "files are found under their real names");
    for (_, bytes) in packed(&files) {
        let other = open_bytes(&bytes).unwrap();
        assert_eq!(other.description().classes, dataset.description().classes);
        assert_eq!(unreadable(&*other), []);
    }
    let mut texts = dataset.description().classes.clone();
    texts.extend(named(&*dataset, Split::Train).into_iter().map(|(name, _)| name));
    assert!(texts.iter().all(|text| !text.contains(char::is_control)), "{texts:?}");
    let list = CATS_AND_DOGS.replace("cat", "c\u{7}at").replace("dog", "d\rog");
    let dataset = open_folder(&listed(&list)).0.unwrap();
    assert!(dataset.description().classes.iter().all(|class| !class.contains(char::is_control)));
}
