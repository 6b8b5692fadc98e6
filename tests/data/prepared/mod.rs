//! Pictures kept on disk: the same as in memory, whatever happened to the files in between.

mod changes;
mod corrected;
mod damage;
mod passed;
mod readable;
mod refusals;
mod sharing;
mod sums;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{
    Cabinet, DataError, Dataset, PictureStore, Preparation, Report, Split, Watch, open, prepare,
};
use image::{Rgb, RgbImage};

use super::makers::{Files, Place};
use super::{class_files, encode, store_of};
use passed::Passed;

const SIDE: u32 = 7;
const SQUARE: usize = 3 * 7 * 7;

/// A source and a folder for what is prepared of it.
struct Rig {
    source: Place,
    cache: tempfile::TempDir,
    config: DataConfig,
}

/// What a preparation came to, and what it said.
struct Outcome {
    store: Result<Option<PictureStore>, DataError>,
    notes: Vec<String>,
    warnings: Vec<String>,
    progress: Vec<(usize, usize)>,
}

impl Outcome {
    #[track_caller]
    fn store(self) -> PictureStore {
        assert_eq!(self.warnings, Vec::<String>::new());
        self.store.expect("the data set can be prepared").expect("nobody cancelled")
    }
}

/// Pictures that all differ, in two classes; a few files that are none.
fn pets() -> Files {
    let mut files = class_files("train", &["ant", "bee"], 9);
    files.extend(class_files("val", &["ant", "bee"], 3));
    for (number, (_, bytes)) in files.iter_mut().enumerate() {
        *bytes = patterned(number as u8);
    }
    files.push(("train/bee/letter.png".into(), b"dear bee".to_vec()));
    files.push(("val/ant/page.jpg".into(), b"<html>".to_vec()));
    files
}

fn patterned(number: u8) -> Vec<u8> {
    let picture = RgbImage::from_fn(11, 8, |x, y| {
        Rgb([number, number.wrapping_mul(7) ^ (x * 20) as u8, (y * 30) as u8])
    });
    encode(&picture, image::ImageFormat::Png)
}

impl Rig {
    fn new(files: &[(String, Vec<u8>)]) -> Self {
        let source = Place::with(files);
        let config = source.config();
        Self { source, cache: tempfile::tempdir().unwrap(), config }
    }

    fn pets() -> Self {
        Self::new(&pets())
    }

    /// The same pictures, nothing prepared.
    fn with_empty_cache(&self) -> Self {
        Self { cache: tempfile::tempdir().unwrap(), source: Place::with(&[]), config: self.config.clone() }
    }

    fn cabinet(&self) -> Cabinet {
        Cabinet { folder: self.cache.path().join("prepared"), limit: 1 << 30 }
    }

    fn prepare(&self) -> Outcome {
        prepared(open(&self.config).unwrap(), &self.cabinet(), |how| how)
    }

    /// Cancels after so many more pictures.
    fn prepare_some(&self, pictures: usize) -> Outcome {
        stopped_after(open(&self.config).unwrap(), &self.cabinet(), pictures)
    }

    /// The only store there is.
    fn folder(&self) -> PathBuf {
        let stores = self.cabinet().list();
        assert_eq!(stores.len(), 1, "{stores:?}");
        stores[0].folder.clone()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Everything in the store but locks.
    fn bytes(&self) -> BTreeMap<String, Vec<u8>> {
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let paths = fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path());
        let paths = paths.filter(|path| path.extension().is_none_or(|ending| ending != "lock"));
        paths.map(|path| (name(&path), fs::read(&path).unwrap())).collect()
    }

    /// The store is what memory would hold.
    #[track_caller]
    fn assert_right(&self, store: &PictureStore) {
        assert_equal(store, &store_of(open(&self.config).unwrap(), SIDE, usize::MAX, 2));
    }
}

fn prepared(
    dataset: Arc<dyn Dataset>,
    cabinet: &Cabinet,
    with: impl FnOnce(Preparation) -> Preparation,
) -> Outcome {
    watched(dataset, cabinet, usize::MAX, with)
}

fn stopped_after(dataset: Arc<dyn Dataset>, cabinet: &Cabinet, pictures: usize) -> Outcome {
    watched(dataset, cabinet, pictures, |how| how)
}

fn watched(
    dataset: Arc<dyn Dataset>,
    cabinet: &Cabinet,
    pictures: usize,
    with: impl FnOnce(Preparation) -> Preparation,
) -> Outcome {
    let (cancel, pause) = (AtomicBool::new(false), AtomicBool::new(false));
    let reports = Mutex::new(Vec::new());
    let told = AtomicUsize::new(0);
    let tell = |report| {
        // The first report of progress tells where it begins.
        if matches!(report, Report::Progress { .. }) && told.fetch_add(1, Ordering::Relaxed) >= pictures {
            cancel.store(true, Ordering::Relaxed);
        }
        reports.lock().unwrap().push(report);
    };
    let how = Preparation {
        side: SIDE,
        threads: 2,
        // With some, so small a store would be read into memory, and not from its file.
        memory: 0,
        cabinet: Some(cabinet),
        whole: true,
        check: false,
        or_in_memory: true,
        watch: Watch { tell: &tell, cancel: &cancel, pause: &pause },
    };
    let store = prepare(dataset, &with(how));
    let mut outcome = Outcome { store, notes: Vec::new(), warnings: Vec::new(), progress: Vec::new() };
    for report in reports.into_inner().unwrap() {
        match report {
            Report::Note(text) => outcome.notes.push(text),
            Report::Warning(text) => outcome.warnings.push(text),
            Report::Progress { done, total } => outcome.progress.push((done, total)),
        }
    }
    outcome
}

fn decoded(store: &PictureStore) -> usize {
    store.kept().expect("the pictures are on disk").decoded()
}

#[track_caller]
fn assert_equal(store: &PictureStore, reference: &PictureStore) {
    for split in [Split::Train, Split::Validation] {
        assert_eq!(store.len(split), reference.len(split));
        for index in 0..store.len(split) {
            assert_eq!(store.name(split, index), reference.name(split, index));
            assert_eq!(store.label(split, index), reference.label(split, index));
            let mut batch = vec![0xEE; 2 * SQUARE];
            store.copy_pixels(split, index, &mut batch[..SQUARE]).unwrap();
            assert_eq!(
                batch[..SQUARE],
                *reference.pixels(split, index).unwrap(),
                "picture {index} of {split:?}"
            );
            assert!(batch[SQUARE..].iter().all(|&b| b == 0xEE), "nothing else is written");
        }
    }
    assert_eq!(store.refused(), reference.refused());
    assert_eq!(store.description(), reference.description());
    assert_eq!(store.mean_image(), reference.mean_image());
    assert_eq!(store.colours(), reference.colours());
}

#[test]
fn what_is_kept_is_what_memory_would_hold() {
    let rig = Rig::pets();
    let first = rig.prepare();
    assert_eq!(first.progress.last(), Some(&(26, 26)));
    let first = first.store();
    assert_eq!(decoded(&first), 26);
    rig.assert_right(&first);
    let before = rig.bytes();
    assert_eq!(before["pixels"].len(), 24 * SQUARE);
    assert_eq!(before.len(), 3, "{:?}", before.keys());

    let second = rig.prepare().store();
    assert_eq!(decoded(&second), 0, "nothing is decoded twice, nor a refused file looked at again");
    rig.assert_right(&second);
    assert!(rig.bytes() == before);
}

#[test]
fn archives_lists_and_records_are_kept_like_folders() {
    use super::makers::{cifar_10, idx_files, listed, packed};
    let pets = pets();
    let mut sources: Vec<(String, Files)> = packed(&pets)
        .into_iter()
        .map(|(kind, bytes)| (format!("a.{kind}"), vec![(format!("a.{kind}"), bytes)]))
        .collect();
    sources.push((String::new(), cifar_10(2)));
    sources.push((String::new(), idx_files(&[2, 0, 1, 0, 2, 1], &[1, 0, 2], true)));
    sources.push(("set/labels.csv".into(), listed("image,label\nimages/0.png,cat\nimages/1.png,dog\nimages/2.png,cat\nimages/3.png,dog\nimages/none.png,cat\n")));
    for (name, files) in sources {
        let mut rig = Rig::new(&files);
        rig.config.source = rig.source.path(&name).display().to_string();
        let first = rig.prepare().store();
        rig.assert_right(&first);
        assert!(decoded(&first) >= first.len(Split::Train) + first.len(Split::Validation), "{name}");
        let second = rig.prepare().store();
        rig.assert_right(&second);
        assert_eq!(decoded(&second), 0, "{name}");
    }
}

#[test]
fn any_number_of_threads_makes_the_same_bytes() {
    let rig = Rig::pets();
    rig.prepare().store();
    let expected = rig.bytes();
    for threads in [1, 3, 16] {
        let other = rig.with_empty_cache();
        let dataset = open(&rig.config).unwrap();
        prepared(dataset, &other.cabinet(), |how| Preparation { threads, ..how }).store();
        assert!(other.bytes() == expected, "{threads} threads");
    }
}

#[test]
fn work_that_was_stopped_goes_on_where_it_was_and_ends_in_the_same_bytes() {
    let rig = Rig::pets();
    rig.prepare().store();
    let expected = rig.bytes();
    for step in [3, 5, 25] {
        let other = rig.with_empty_cache();
        let mut done = 0;
        let store = loop {
            let outcome = other.prepare_some(done + step);
            if done > 0 {
                assert_eq!(outcome.notes, [format!("resuming at {done} of 26 pictures")]);
            }
            match outcome.store.unwrap() {
                Some(store) => break store,
                None => {
                    let kept = &other.cabinet().list()[0];
                    let now = kept.pictures + kept.refused;
                    assert!(now > done, "steps of {step}: {done}, then {now} are kept");
                    done = now;
                }
            }
        };
        assert_eq!(decoded(&store), 26 - done);
        rig.assert_right(&store);
        assert!(other.bytes() == expected, "steps of {step}");
    }
}
