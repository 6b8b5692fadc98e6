//! How fast pictures are prepared and fed.
//!
//! ```text
//! prepare   files -> decoded, shorter side to 256, in a store on disk   photographs of two sizes, or a given source
//! copy      the bytes of a store, copied as one piece                   the most that memory allows
//! feed      store -> batches in random order, with their crops drawn    as a run takes them
//! input     store -> batches -> crops on the device, as floats          what the first layer is given
//! ```

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use image::RgbImage;
use serde::Serialize;

use super::photographs::Album;
use super::{BenchProgress, Machine, median};
use crate::config::DataConfig;
use crate::data::{
    self, Cabinet, Dataset, Description, Fault, Fingerprint, HostBatch, Loader, Next, PictureStore,
    Preparation, Refused, Split, TrainPlan, Watch,
};
use crate::device::{self, OpenDevice};
use crate::model::{Crop, Input, InputSpec};

/// What the paper's network is fed (section 4.1).
const SPEC: InputSpec = InputSpec { side: 224, stored_side: 256, scale: [1.0; 3] };
const BATCH: usize = 128;
/// Pictures that pass through that network at once on a processor.
const PASS: usize = 16;

/// Photographs as ImageNet has them on average, and as a telephone takes them.
const ALBUMS: [Album; 2] = [
    Album { width: 500, height: 375, train: 300, validation: 4 },
    Album { width: 2048, height: 1536, train: 40, validation: 2 },
];
/// Pictures that are fed: more bytes than a processor keeps near.
const FED: Album = Album { width: 256, height: 256, train: 1024, validation: 2 };
/// Pictures of a given source that are used at most, about.
const FROM_SOURCE: usize = 2000;
const VALIDATION_FROM_SOURCE: usize = 50;

/// Bytes of stored pictures that a measurement moves.
const FEED_BYTES: usize = 4 << 30;
const INPUT_BYTES: usize = 512 << 20;

/// What to measure.
#[derive(Clone, Debug)]
pub struct DataBenchRequest {
    /// Pictures to measure with; otherwise they are made.
    pub source: Option<String>,
    /// Where to leave the photographs that are made.
    pub keep: Option<PathBuf>,
    /// As for `--device`.
    pub device: String,
    /// Each figure is the median of so many.
    pub runs: usize,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct DataBench {
    pub machine: Machine,
    /// Where the crops were made.
    pub device: String,
    /// One for each kind of pictures.
    pub prepare: Vec<Rate>,
    pub copy: Rate,
    pub feed: Rate,
    pub input: Rate,
    /// Bytes a second of `feed` as a share of those of `copy`.
    pub feed_share_of_copy: f64,
}

/// A speed, as the median of several runs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Rate {
    /// What kind of pictures.
    pub pictures: String,
    /// Pictures of a run.
    pub count: usize,
    pub pictures_per_s: f64,
    /// Of stored pixels, in 10^9 bytes.
    pub gb_per_s: f64,
    /// Pictures a second of every run.
    pub runs: Vec<f64>,
}

impl Rate {
    fn new(pictures: &str) -> Self {
        Self { pictures: pictures.into(), ..Self::default() }
    }

    fn push(&mut self, count: usize, took: Duration) {
        self.count = count;
        self.runs.push(count as f64 / took.as_secs_f64());
        self.pictures_per_s = median(&self.runs);
        self.gb_per_s = self.pictures_per_s * square_bytes() as f64 / 1e9;
    }
}

fn square_bytes() -> usize {
    3 * SPEC.stored_side * SPEC.stored_side
}

/// Measures; nothing if `cancel` was set meanwhile.
///
/// # Errors
/// A source or a device that cannot be opened, a folder that cannot be written, pictures that cannot be read.
pub fn data(
    request: &DataBenchRequest,
    progress: &dyn Fn(BenchProgress<'_>),
    cancel: &AtomicBool,
) -> Result<Option<DataBench>, String> {
    let device = device::open(&request.device).map_err(|e| e.to_string())?;
    let runs = request.runs.max(1);
    let mut steps = Steps { progress, done: 0, total: 0 };
    let scratch = tempfile::tempdir().map_err(|e| format!("no temporary folder can be made: {e}"))?;
    let place = scratch.path();
    let (sources, fed) = match &request.source {
        Some(source) => (vec![(source.clone(), few_of(source)?)], None),
        None => {
            let folder = request.keep.as_deref().unwrap_or(place);
            let albums =
                ALBUMS.iter().map(|album| opened(album, folder, &steps)).collect::<Result<_, _>>()?;
            (albums, Some(opened(&FED, place, &steps)?))
        }
    };
    steps.total = runs * (sources.len() + 3) + 1;
    let (name, fed) = fed.as_ref().unwrap_or(&sources[0]);
    steps.next(&format!("preparing {name}, to be fed"));
    let Some(store) = prepared(fed, &place.join("fed"), cancel)? else { return Ok(None) };
    let bench = Bench::new(store, device);

    let mut speeds = Speeds {
        prepare: sources.iter().map(|(name, _)| Rate::new(name)).collect(),
        moved: [0; 3].map(|_| Rate::new(name)),
    };
    for run in 0..runs {
        for ((name, dataset), rate) in sources.iter().zip(&mut speeds.prepare) {
            steps.next(&format!("preparing {name}"));
            let cache = tempfile::tempdir_in(place).map_err(|e| e.to_string())?;
            let started = Instant::now();
            let Some(store) = prepared(dataset, cache.path(), cancel)? else { return Ok(None) };
            rate.push(store.len(Split::Train) + store.len(Split::Validation), started.elapsed());
        }
        for ((what, measure), rate) in MOVES.iter().zip(&mut speeds.moved) {
            steps.next(what);
            if cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let (count, took) = measure(&bench, run as u64)?;
            rate.push(count, took);
        }
    }
    Ok(Some(speeds.on(&bench.device)))
}

/// Pictures of a run and the time for them.
type Measure = fn(&Bench, u64) -> Result<(usize, Duration), String>;

const MOVES: [(&str, Measure); 3] =
    [("copying", Bench::copy), ("feeding", Bench::feed), ("making input", Bench::input)];

struct Speeds {
    prepare: Vec<Rate>,
    /// Of [`MOVES`].
    moved: [Rate; 3],
}

impl Speeds {
    fn on(self, device: &OpenDevice) -> DataBench {
        let Self { prepare, moved: [copy, feed, input] } = self;
        DataBench {
            machine: Machine::here(),
            device: device.info.name.clone(),
            feed_share_of_copy: feed.gb_per_s / copy.gb_per_s,
            prepare,
            copy,
            feed,
            input,
        }
    }
}

struct Steps<'a> {
    progress: &'a dyn Fn(BenchProgress<'_>),
    done: usize,
    total: usize,
}

impl Steps<'_> {
    fn tell(&self, what: &str) {
        (self.progress)(BenchProgress { what, done: self.done, total: self.total });
    }

    fn next(&mut self, what: &str) {
        self.tell(what);
        self.done += 1;
    }
}

/// Pictures and what they are called.
type Source = (String, Arc<dyn Dataset>);

/// Writes photographs and opens them.
fn opened(album: &Album, folder: &Path, steps: &Steps) -> Result<Source, String> {
    let name = album.name();
    steps.tell(&format!("making photographs of {name}"));
    let place = folder.join(&name);
    album.write(&place).map_err(|e| format!("cannot write photographs to `{}`: {e}", place.display()))?;
    let source = place.display().to_string();
    let dataset = data::open(&DataConfig { source, ..DataConfig::default() });
    Ok((name, dataset.map_err(|e| e.to_string())?))
}

/// Some pictures of every class of a source.
fn few_of(source: &str) -> Result<Arc<dyn Dataset>, String> {
    let mut config = DataConfig { source: source.into(), ..DataConfig::default() };
    let all = data::open(&config).map_err(|e| e.to_string())?;
    config.max_per_class = (FROM_SOURCE / all.description().classes.len().max(1)).max(1);
    Ok(Arc::new(FewToValidate(data::open(&config).map_err(|e| e.to_string())?)))
}

/// A data set with only the first of its validation pictures.
struct FewToValidate(Arc<dyn Dataset>);

impl Dataset for FewToValidate {
    fn description(&self) -> &Description {
        self.0.description()
    }

    fn len(&self, split: Split) -> usize {
        match split {
            Split::Train => self.0.len(split),
            Split::Validation => self.0.len(split).min(VALIDATION_FROM_SOURCE),
        }
    }

    fn label(&self, split: Split, index: usize) -> u32 {
        self.0.label(split, index)
    }

    fn name(&self, split: Split, index: usize) -> String {
        self.0.name(split, index)
    }

    fn read(&self, split: Split, index: usize, side: u32) -> Result<RgbImage, String> {
        self.0.read(split, index, side)
    }

    fn home(&self) -> Option<&Path> {
        self.0.home()
    }

    fn fingerprint(&self, split: Split, index: usize) -> Option<Fingerprint> {
        self.0.fingerprint(split, index)
    }

    fn fault(&self, split: Split, index: usize) -> Fault {
        self.0.fault(split, index)
    }

    fn left_out(&self) -> &[Refused] {
        self.0.left_out()
    }
}

/// Prepares pictures as a run does, in the folder `cache`.
fn prepared(
    dataset: &Arc<dyn Dataset>,
    cache: &Path,
    cancel: &AtomicBool,
) -> Result<Option<PictureStore>, String> {
    let config = DataConfig { cache_dir: Some(cache.into()), ..DataConfig::default() };
    let cabinet = Cabinet::of(&config).map_err(|e| e.to_string())?;
    let how = Preparation {
        side: SPEC.stored_side as u32,
        threads: device::worker_threads(),
        memory: usize::MAX,
        cabinet: Some(&cabinet),
        whole: true,
        check: false,
        or_in_memory: false,
        watch: Watch { tell: &|_| {}, cancel, pause: &AtomicBool::new(false) },
    };
    data::prepare(dataset.clone(), &how).map_err(|e| e.to_string())
}

/// What copying and feeding are measured with.
struct Bench {
    store: Arc<PictureStore>,
    device: OpenDevice,
    input: Input,
    threads: usize,
}

impl Bench {
    fn new(store: PictureStore, device: OpenDevice) -> Self {
        let input = Input::from_stored_mean(SPEC, store.mean_image());
        Self { store: Arc::new(store), device, input, threads: device::worker_threads() }
    }

    fn pictures(&self) -> usize {
        self.store.len(Split::Train)
    }

    /// How often all pictures go through to make so many bytes.
    fn rounds(&self, bytes: usize) -> usize {
        (bytes / (self.pictures() * square_bytes())).max(1)
    }

    /// Copies the pictures as one piece of memory, batch by batch, on as many threads as a loader has.
    fn copy(&self, _run: u64) -> Result<(usize, Duration), String> {
        let mut all = vec![0; self.pictures() * square_bytes()];
        for (index, square) in all.chunks_exact_mut(square_bytes()).enumerate() {
            self.store.copy_pixels(Split::Train, index, square)?;
        }
        let rounds = self.rounds(FEED_BYTES);
        let copy_some = |first: usize| {
            let mut batch = vec![0; (BATCH * square_bytes()).min(all.len())];
            for number in 0..rounds {
                let offset = (first + number) % self.threads;
                for squares in all.chunks(batch.len()).skip(offset).step_by(self.threads) {
                    batch[..squares.len()].copy_from_slice(squares);
                    black_box(&mut batch);
                }
            }
        };
        let started = Instant::now();
        std::thread::scope(|scope| {
            (0..self.threads).for_each(|first| drop(scope.spawn(move || copy_some(first))))
        });
        Ok((rounds * self.pictures(), started.elapsed()))
    }

    /// Takes every batch and does nothing with it.
    fn feed(&self, run: u64) -> Result<(usize, Duration), String> {
        self.deal(run, FEED_BYTES, |_| Ok(()))
    }

    /// Makes the input of the first layer from every batch.
    fn input(&self, run: u64) -> Result<(usize, Duration), String> {
        self.deal(run, INPUT_BYTES, |batch| {
            let squares = batch.pixels.chunks(PASS * square_bytes());
            for (squares, placements) in squares.zip(batch.placements.chunks(PASS)) {
                let crop = |(picture, place): (usize, &data::augment::Placement)| Crop {
                    picture,
                    left: place.left,
                    top: place.top,
                    flip: place.flip,
                    shift: [1.0; 3],
                };
                let crops: Vec<Crop> = placements.iter().enumerate().map(crop).collect();
                black_box(self.input.upload_crops(squares, &crops, 1.0, &self.device.device));
            }
            self.device.device.sync().map_err(|e| format!("the device no longer answers: {e}"))
        })
    }

    /// Hands `take` the batches of some epochs.
    fn deal(
        &self,
        run: u64,
        bytes: usize,
        mut take: impl FnMut(&HostBatch) -> Result<(), String>,
    ) -> Result<(usize, Duration), String> {
        let plan = TrainPlan {
            batch: BATCH,
            crop: SPEC.side as u32,
            augment: true,
            colour: true,
            seed: run,
            epochs: self.rounds(bytes),
            first_batch: 0,
            threads: self.threads,
        };
        let started = Instant::now();
        let loader = Loader::train(self.store.clone(), plan).map_err(|e| e.to_string())?;
        let mut pictures = 0;
        loop {
            match loader.recv_timeout(Duration::from_secs(1)) {
                Next::Batch(batch) => {
                    take(&batch)?;
                    pictures += batch.labels.len();
                    loader.reuse(batch);
                }
                Next::Pending => {}
                Next::End => return Ok((pictures, started.elapsed())),
                Next::Failed(reason) => return Err(reason),
            }
        }
    }
}
