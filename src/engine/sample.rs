//! A part of a data set for a question about all of it: pictures at equal distances, read beside whatever else goes on.

use std::sync::Arc;

use crate::config::DataConfig;
use crate::data::{self, Dataset, Split, Stream};
use crate::device;

/// Pictures that wait for the network at most.
const AHEAD: usize = 32;

/// What is read.
pub(super) enum Fed<T> {
    /// The data set has been opened; so many pictures will come.
    Opened {
        dataset: Arc<dyn Dataset>,
        wanted: usize,
    },
    Picture(T),
}

/// A picture to read.
struct Job {
    dataset: Arc<dyn Dataset>,
    index: usize,
}

/// Opens a source, looks with `check` whether it is the right one, and calls `read` for `most` pictures of a split at
/// most, on threads of its own.
///
/// # Errors
/// No thread can be started. What is wrong with the source is told by the stream.
pub(super) fn start<T: Send + 'static>(
    config: DataConfig,
    split: Split,
    most: usize,
    check: impl FnOnce(&dyn Dataset) -> Result<(), String> + Send + 'static,
    read: impl Fn(&dyn Dataset, usize) -> T + Send + Sync + 'static,
) -> Result<Stream<Fed<T>>, String> {
    Stream::start(
        threads(),
        AHEAD,
        move |given_up| {
            let dataset = data::open_unless(&config, given_up).map_err(|e| e.to_string())?;
            check(&*dataset)?;
            let job = |index| Job { dataset: dataset.clone(), index };
            let jobs: Vec<Job> = spread(dataset.len(split), most).map(job).collect();
            if jobs.is_empty() { Err(format!("`{}` has no such pictures", config.source)) } else { Ok(jobs) }
        },
        |jobs: &[Job]| Fed::Opened { dataset: jobs[0].dataset.clone(), wanted: jobs.len() },
        move |job| Fed::Picture(read(&*job.dataset, job.index)),
    )
}

/// Threads that read pictures for a question: training has threads of its own.
pub(super) fn threads() -> usize {
    (device::worker_threads() / 2).clamp(1, 8)
}

/// `most` of `count` places at equal distances, so that a part of a set that is ordered by class has all classes.
fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let wanted = count.min(most);
    (0..wanted).map(move |place| (place as u128 * count as u128 / wanted as u128) as usize)
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn a_part_is_spread_over_the_whole() {
        assert_eq!(spread(10, 4).collect::<Vec<_>>(), [0, 2, 5, 7]);
        assert_eq!(spread(3, 5).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(spread(0, 5).count(), 0);
    }
}
