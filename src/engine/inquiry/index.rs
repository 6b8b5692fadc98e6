//! The last hidden layer's values of many training pictures, and the search among them.
//!
//! The network that made them is kept with them: distances are told between values of one and the same network, also
//! when the run has trained on meanwhile. Nothing is copied for that until the run changes its weights.

use std::sync::Arc;

use image::RgbImage;

use super::{IndexInfo, InquiryEnd, InquiryNews, Nearest, Neighbour, Progress};
use crate::config::DataConfig;
use crate::data::{self, Dataset, Split, Stream, Streamed};
use crate::engine::command::PictureSource;
use crate::engine::event::Event;
use crate::engine::model::{View, open_picture};
use crate::engine::outbox::Outbox;
use crate::engine::pacer::Pacer;
use crate::infer::{self, Features, KEPT_BYTES};
use crate::model::{Hidden, Input, Network};
use crate::train::micro_batch;

/// Decoded pictures that wait for the network.
const AHEAD: usize = 32;
/// Pictures of one pass, however quick the device is.
const PASS: usize = 128;
/// Progress is told after so many pictures at most.
const TOLD_EVERY: usize = 64;

/// What the threads hand over.
enum Fed {
    Opened { dataset: Arc<dyn Dataset>, wanted: usize },
    Picture(u32, Result<Vec<u8>, String>),
}

/// A picture to read.
struct Job {
    dataset: Arc<dyn Dataset>,
    index: u32,
}

/// A network as it was when the index was asked for.
struct Snapshot {
    network: Network,
    input: Input,
    hidden: Hidden,
    step: u64,
}

impl Snapshot {
    fn values(&self, squares: &[u8], pictures: usize) -> Result<Vec<f32>, String> {
        let values = infer::hidden_values(&self.network, &self.input, squares, pictures)?;
        Ok(values.expect("there is a hidden layer"))
    }
}

/// An index that is being made.
pub(super) struct IndexJob {
    snapshot: Snapshot,
    stream: Stream<Fed>,
    pacer: Pacer,
    dataset: Option<Arc<dyn Dataset>>,
    wanted: usize,
    waiting: Vec<(u32, Vec<u8>)>,
    unreadable: usize,
    /// Training picture of each row.
    places: Vec<u32>,
    features: Features,
    told: usize,
}

/// A finished index.
pub(super) struct Index {
    pub info: IndexInfo,
    snapshot: Snapshot,
    dataset: Arc<dyn Dataset>,
    places: Vec<u32>,
    features: Features,
}

impl IndexJob {
    /// Begins to open the source and to read its training pictures.
    ///
    /// # Errors
    /// A network without a hidden layer; no thread can be started.
    pub fn begin(config: DataConfig, model: View<'_>) -> Result<Self, String> {
        let Some(hidden) = model.network.hidden() else {
            return Err("this network has no hidden layer whose values could be compared".into());
        };
        let most = KEPT_BYTES / (size_of::<f32>() * hidden.width.max(1));
        let side = model.input.spec().stored_side as u32;
        let stream = Stream::start(
            super::threads(),
            AHEAD,
            move |given_up| {
                let dataset = data::open_unless(&config, given_up).map_err(|e| e.to_string())?;
                let total = dataset.len(Split::Train);
                let wanted = total.min(most);
                let spread = (0..wanted).map(|place| (place as u64 * total as u64 / wanted as u64) as u32);
                Ok(spread.map(|index| Job { dataset: dataset.clone(), index }).collect())
            },
            |jobs: &[Job]| match jobs.first() {
                Some(job) => Fed::Opened { dataset: job.dataset.clone(), wanted: jobs.len() },
                None => Fed::Picture(0, Err("there are no training pictures".into())),
            },
            move |job| {
                let picture = job.dataset.read(Split::Train, job.index as usize, side);
                Fed::Picture(job.index, picture.map(|picture| data::planes(&picture)))
            },
        )?;
        let shapes = model.network.shapes();
        let pacer = Pacer::new(micro_batch(shapes, PASS).min(model.input.most_at_once()));
        let features = Features::new(hidden.width);
        let snapshot =
            Snapshot { network: model.network.clone(), input: model.input.clone(), hidden, step: model.step };
        Ok(Self {
            snapshot,
            stream,
            pacer,
            dataset: None,
            wanted: 0,
            waiting: Vec::new(),
            unreadable: 0,
            places: Vec::new(),
            features,
            told: 0,
        })
    }

    /// Takes some more pictures in.
    ///
    /// # Errors
    /// It has ended: how.
    pub fn advance(&mut self, outbox: &Outbox) -> Result<Progress, InquiryEnd> {
        let mut ended = None;
        while ended.is_none() && self.waiting.len() < self.pacer.pictures() {
            match self.stream.next() {
                Streamed::Item(Fed::Opened { dataset, wanted }) => {
                    (self.dataset, self.wanted) = (Some(dataset), wanted);
                    self.tell(outbox);
                }
                Streamed::Item(Fed::Picture(index, Ok(square))) => self.waiting.push((index, square)),
                Streamed::Item(Fed::Picture(..)) => self.unreadable += 1,
                Streamed::Pending => break,
                Streamed::End => ended = Some(InquiryEnd::Done),
                Streamed::Failed(reason) => ended = Some(InquiryEnd::Failed(reason)),
            }
        }
        if self.waiting.is_empty() {
            return ended.map_or(Ok(Progress::Waiting), Err);
        }
        let waiting = std::mem::take(&mut self.waiting);
        let squares: Vec<u8> = waiting.iter().flat_map(|(_, square)| square).copied().collect();
        let snapshot = &self.snapshot;
        let values = self.pacer.pass(waiting.len(), || snapshot.values(&squares, waiting.len()));
        self.features.push(&values.map_err(InquiryEnd::Failed)?);
        self.places.extend(waiting.iter().map(|(index, _)| index));
        if self.features.len() >= self.told + TOLD_EVERY {
            self.tell(outbox);
        }
        ended.map_or(Ok(Progress::Worked), Err)
    }

    fn tell(&mut self, outbox: &Outbox) {
        self.told = self.features.len();
        let done = self.told + self.unreadable;
        outbox.send(Event::Inquiry(InquiryNews::Indexing { done, total: self.wanted }));
    }

    /// The finished index.
    ///
    /// # Errors
    /// There is nothing in it.
    pub fn finish(self) -> Result<Index, String> {
        let Self { snapshot, dataset, places, features, unreadable, .. } = self;
        let Some(dataset) = dataset.filter(|_| !features.is_empty()) else {
            return Err("no training picture could be read".into());
        };
        let info = IndexInfo {
            source: dataset.description().source.clone(),
            pictures: features.len(),
            of: dataset.len(Split::Train),
            unreadable,
            layer: snapshot.hidden.layer.clone(),
            width: features.width(),
            bytes: features.bytes(),
            network: snapshot.network.spec().name.clone(),
            step: snapshot.step,
        };
        Ok(Index { info, snapshot, dataset, places, features })
    }
}

impl Index {
    /// The training pictures most like this one, by the network that the index was made with.
    ///
    /// # Errors
    /// A picture that cannot be used, or a device that no longer answers.
    pub fn nearest(&self, source: PictureSource, count: usize) -> Result<Nearest, String> {
        let (_, picture) = open_picture(source);
        let side = self.snapshot.input.spec().stored_side as u32;
        let square = data::planes(&data::square(&picture?, side));
        let values = self.snapshot.values(&square, 1)?;
        let found = self.features.nearest(&values, count);
        let neighbours = found.into_iter().map(|(row, distance)| self.neighbour(row, distance)).collect();
        Ok(Nearest { neighbours, step: self.snapshot.step })
    }

    fn neighbour(&self, row: usize, distance: f32) -> Neighbour {
        let index = self.places[row] as usize;
        let label = self.dataset.label(Split::Train, index) as usize;
        let class = self.dataset.description().classes.get(label).cloned().unwrap_or_default();
        Neighbour { name: self.dataset.name(Split::Train, index), class, distance, picture: self.seen(index) }
    }

    /// The middle of a training picture, which the network sees.
    fn seen(&self, index: usize) -> Option<RgbImage> {
        let spec = self.snapshot.input.spec();
        let square = self.dataset.read(Split::Train, index, spec.stored_side as u32).ok()?;
        let (side, margin) = (spec.side as u32, ((spec.stored_side - spec.side) / 2) as u32);
        Some(image::imageops::crop_imm(&square, margin, margin, side, side).to_image())
    }
}
