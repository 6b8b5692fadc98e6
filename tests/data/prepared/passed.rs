//! A data set that is another one, watched, or said to lie on a disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{Dataset, Description, Fault, Fingerprint, Refused, Split, open};
use image::RgbImage;

/// Passes another data set on, and counts how many of its pictures are read.
pub struct Passed {
    inner: Arc<dyn Dataset>,
    /// The folder in which its pictures claim to be files, and what is to blame for those that are refused.
    claim: Option<(PathBuf, Fault)>,
    reads: AtomicUsize,
}

impl Passed {
    /// A source that is there.
    pub fn open(config: &DataConfig) -> Arc<Self> {
        Arc::new(Self { inner: open(config).unwrap(), claim: None, reads: AtomicUsize::new(0) })
    }

    /// Pictures that are no files and claim to be.
    pub fn claimed(home: &Path, fault: Fault, inner: Arc<dyn Dataset>) -> Arc<Self> {
        Arc::new(Self { inner, claim: Some((home.into(), fault)), reads: AtomicUsize::new(0) })
    }

    /// Pictures read since the last look.
    pub fn reads(&self) -> usize {
        self.reads.swap(0, Ordering::Relaxed)
    }
}

impl Dataset for Passed {
    fn description(&self) -> &Description {
        self.inner.description()
    }

    fn len(&self, split: Split) -> usize {
        self.inner.len(split)
    }

    fn label(&self, split: Split, index: usize) -> u32 {
        self.inner.label(split, index)
    }

    fn name(&self, split: Split, index: usize) -> String {
        self.inner.name(split, index)
    }

    fn read(&self, split: Split, index: usize, side: u32) -> Result<RgbImage, String> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.read(split, index, side)
    }

    fn most_refused(&self) -> usize {
        self.inner.most_refused()
    }

    fn home(&self) -> Option<&Path> {
        self.claim.as_ref().map(|(home, _)| home.as_path()).or_else(|| self.inner.home())
    }

    fn fingerprint(&self, split: Split, index: usize) -> Option<Fingerprint> {
        if self.claim.is_none() {
            return self.inner.fingerprint(split, index);
        }
        let position = (split == Split::Validation) as u64 * 1_000_000 + index as u64;
        Some(Fingerprint { name: position.into(), content: 1, around: 2, order: position })
    }

    fn fault(&self, split: Split, index: usize) -> Fault {
        self.claim.as_ref().map_or_else(|| self.inner.fault(split, index), |(_, fault)| *fault)
    }

    fn left_out(&self) -> &[Refused] {
        self.inner.left_out()
    }
}
