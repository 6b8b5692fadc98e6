//! Reads pictures of a data set for a search, on a thread of its own that shares nothing with a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use crate::config::DataConfig;
use crate::data::{self, Dataset, Split};
use crate::infer::Candidate;

/// Pictures that wait for the network at most.
const AHEAD: usize = 64;

/// What is read.
pub(super) enum Fed {
    /// How many pictures there will be.
    Total(usize),
    Picture(Candidate),
    /// A picture that cannot be used.
    Refused,
    Failed(String),
    End,
}

/// The reader. Dropping it ends its thread after the picture that it is reading.
pub(super) struct Feeder {
    fed: Receiver<Fed>,
    cancel: Arc<AtomicBool>,
}

impl Feeder {
    /// Begins to read `most` pictures of a split at most, mixed, at `side` x `side` pixels.
    ///
    /// # Errors
    /// The system has no room for another thread.
    pub fn start(
        config: DataConfig,
        split: Split,
        side: u32,
        most: usize,
        classes: Vec<String>,
    ) -> Result<Self, String> {
        let (sender, fed) = bounded(AHEAD);
        let cancel = Arc::new(AtomicBool::new(false));
        let flag = cancel.clone();
        let read = move || {
            let last = match data::open_unless(&config, &flag) {
                Ok(set) if set.description().classes != classes => Fed::Failed(format!(
                    "the classes of {} are not those of the network: open the pictures that it was trained on",
                    config.source
                )),
                Ok(set) => {
                    feed(&*set, split, side, most, &sender);
                    Fed::End
                }
                Err(error) => Fed::Failed(error.to_string()),
            };
            // Fails only when nobody wants it any more.
            let _ = sender.send(last);
        };
        // Not joined: a thread may hang in a read from a disk that does not answer.
        let thread = std::thread::Builder::new().name("search".into()).spawn(read);
        thread.map_err(|e| format!("no thread can be started to read pictures: {e}"))?;
        Ok(Self { fed, cancel })
    }

    /// The next piece, if one is there. A thread that has broken has ended.
    pub fn next(&self) -> Option<Fed> {
        match self.fed.try_recv() {
            Ok(fed) => Some(fed),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(Fed::Failed("something broke inside the program while it read the pictures".into()))
            }
        }
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
}

/// Reads pictures until there are enough or nobody wants more: that is when the channel is closed.
fn feed(set: &dyn Dataset, split: Split, side: u32, most: usize, sender: &Sender<Fed>) {
    let count = set.len(split);
    let wanted = count.min(most);
    if sender.send(Fed::Total(wanted)).is_err() {
        return;
    }
    for index in spread(count, wanted) {
        let fed = match set.read(split, index, side) {
            Ok(stored) => Fed::Picture(Candidate {
                name: set.name(split, index),
                label: set.label(split, index),
                stored,
            }),
            Err(_) => Fed::Refused,
        };
        if sender.send(fed).is_err() {
            return;
        }
    }
}

/// `wanted` of `count` places at equal distances, so that a part of a set that is ordered by class has all classes.
fn spread(count: usize, wanted: usize) -> impl Iterator<Item = usize> {
    (0..wanted).map(move |place| (place as u128 * count as u128 / wanted.max(1) as u128) as usize)
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn a_part_is_spread_over_the_whole() {
        assert_eq!(spread(10, 4).collect::<Vec<_>>(), [0, 2, 5, 7]);
        assert_eq!(spread(3, 3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(spread(0, 0).count(), 0);
    }
}
