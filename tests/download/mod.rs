//! Downloads of known data sets, against a server on this computer. No test asks the real addresses.

mod broken;
mod catalogue;
mod courses;
mod disk;
mod hostile;
mod stop;
mod ways;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use alexnet_lab::data::download::{DownloadError, DownloadSettings, Progress, ProxyChoice, fetch};
use alexnet_lab::data::known::{KnownFile, KnownSet, Shelf};
use md5::{Digest, Md5};
use tempfile::{TempDir, tempdir};

use crate::web::Web;

/// Bytes that look like an archive: no two blocks of them are the same.
pub fn content(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..bytes).map(|_| next()).collect()
}

pub fn md5_of(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file of a set, at these addresses.
pub fn file(name: &str, content: &[u8], addresses: &[String]) -> KnownFile {
    KnownFile {
        name: name.into(),
        bytes: content.len() as u64,
        md5: md5_of(content),
        addresses: addresses.to_vec(),
    }
}

/// The table of one set for a `catalogue.toml`.
pub fn catalogue(name: &str, title: &str, files: &[KnownFile]) -> String {
    let mut text = format!(
        "[[set]]\nname={name:?}\ntitle={title:?}\nabout='pictures of {name}'\ngood_for='tests'\npreset='alexnet-64'\nlicence='none stated'\n"
    );
    for KnownFile { name, bytes, md5, addresses } in files {
        text +=
            &format!("[[set.file]]\nname={name:?}\nbytes={bytes}\nmd5={md5:?}\naddresses={addresses:?}\n");
    }
    text
}

/// Settings of a hurried person.
pub fn quick() -> DownloadSettings {
    DownloadSettings {
        connect: Duration::from_secs(2),
        stall: Duration::from_millis(250),
        attempts: 4,
        first_wait: Duration::from_millis(2),
        longest_wait: Duration::from_millis(10),
        gain: 1000,
        proxy: ProxyChoice::Direct,
        ..DownloadSettings::default()
    }
}

/// A set in a folder of its own.
pub struct Rig {
    pub set: KnownSet,
    pub shelf: Shelf,
    pub settings: DownloadSettings,
    pub told: Vec<Progress>,
    pub cancel: AtomicBool,
    _folder: TempDir,
}

impl Rig {
    pub fn new(files: Vec<KnownFile>) -> Self {
        let folder = tempdir().unwrap();
        let shelf = Shelf::at(&folder.path().join("sets"));
        let set = KnownSet {
            name: "pets".into(),
            title: "Pets".into(),
            about: "pictures of pets".into(),
            good_for: "tests".into(),
            preset: "alexnet-64".into(),
            licence: "none".into(),
            files,
        };
        let cancel = AtomicBool::new(false);
        Self { set, shelf, settings: quick(), told: Vec::new(), cancel, _folder: folder }
    }

    /// One file named `pets.tgz`, at the addresses of these servers.
    pub fn with(content: &[u8], servers: &[&Web]) -> Self {
        let addresses: Vec<String> = servers.iter().map(|web| web.url("/pets.tgz")).collect();
        Self::new(vec![file("pets.tgz", content, &addresses)])
    }

    pub fn fetch(&mut self) -> Result<PathBuf, DownloadError> {
        let Self { set, shelf, settings, told, cancel, .. } = self;
        fetch(set, shelf, settings, cancel, &mut |progress| told.push(progress))
    }

    /// What a failed download says.
    #[track_caller]
    pub fn refusal(&mut self) -> String {
        let text = self.fetch().expect_err("this download cannot succeed").to_string();
        assert!(!text.contains('\n'), "{text}");
        text
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.shelf.folder(&self.set).join(name)
    }

    /// Names and lengths of the files in the set's folder, without what the program keeps for itself.
    pub fn on_disk(&self) -> Vec<(String, u64)> {
        let entries = fs::read_dir(self.shelf.folder(&self.set)).into_iter().flatten();
        let mut files: Vec<(String, u64)> = entries
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
            .filter(|(name, _)| !name.starts_with('.'))
            .collect();
        files.sort();
        files
    }

    /// Only the whole file lies there, with these bytes.
    #[track_caller]
    pub fn assert_whole(&self, content: &[u8]) {
        assert_eq!(self.on_disk(), [("pets.tgz".into(), content.len() as u64)]);
        assert!(fs::read(self.path("pets.tgz")).unwrap() == content, "the bytes differ");
    }

    /// Nothing lies there that could be taken for the file; the part has so many bytes.
    #[track_caller]
    pub fn assert_part(&self, bytes: usize) {
        let names = self.on_disk();
        assert_eq!(names[0], ("pets.tgz.part".into(), bytes as u64), "{names:?}");
        assert_eq!((names.len(), &names[1].0[..]), (2, "pets.tgz.part.json"), "{names:?}");
    }

    #[track_caller]
    pub fn assert_nothing(&self) {
        assert_eq!(self.on_disk(), []);
    }

    pub fn notes(&self) -> Vec<&str> {
        self.told
            .iter()
            .filter_map(|progress| match progress {
                Progress::Note(text) => Some(text.as_str()),
                Progress::Waiting { reason, .. } => Some(reason.as_str()),
                _ => None,
            })
            .collect()
    }
}
