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
use crate::engine::sample::{self, Fed};
use crate::infer::{self, Features, KEPT_BYTES};
use crate::model::{Hidden, Input, Network};
use crate::train::micro_batch;

/// Pictures of one pass, however quick the device is.
const PASS: usize = 128;
/// Progress is told after so many pictures at most.
const TOLD_EVERY: usize = 64;

/// The index of a training picture, with its stored square, or why there is none.
type Read = (usize, Result<Vec<u8>, String>);

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
    stream: Stream<Fed<Read>>,
    pacer: Pacer,
    dataset: Option<Arc<dyn Dataset>>,
    wanted: usize,
    waiting: Vec<(usize, Vec<u8>)>,
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
        let stream = sample::start(
            config,
            Split::Train,
            most,
            |_| Ok(()),
            move |dataset, index| -> Read {
                let picture = dataset.read(Split::Train, index, side);
                (index, picture.map(|picture| data::planes(&picture)))
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
                Streamed::Item(Fed::Picture((index, Ok(square)))) => self.waiting.push((index, square)),
                Streamed::Item(Fed::Picture((_, Err(_)))) => self.unreadable += 1,
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
        self.places.extend(waiting.iter().map(|(index, _)| *index as u32));
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
        let neighbours = self.search(&values, count).into_iter();
        let neighbours =
            neighbours.map(|(index, near)| Neighbour { picture: self.seen(index), ..near }).collect();
        Ok(Nearest { neighbours, step: self.snapshot.step })
    }

    /// The training pictures most like each of some stored squares `[pictures, 3, side, side]`, without their pixels.
    ///
    /// # Errors
    /// Squares of another size than the network of the index takes, or a device that no longer answers.
    pub fn alike(
        &self,
        squares: &[u8],
        side: usize,
        pictures: usize,
        count: usize,
    ) -> Result<Vec<Vec<Neighbour>>, String> {
        if side != self.snapshot.input.spec().stored_side {
            return Err(
                "the training pictures were looked at by a network for pictures of another size".into()
            );
        }
        let values = self.snapshot.values(squares, pictures)?;
        let rows = values.chunks_exact(self.features.width());
        Ok(rows.map(|row| self.search(row, count).into_iter().map(|(_, near)| near).collect()).collect())
    }

    /// The training pictures closest to `[width]` values, with their indices, the closest first.
    fn search(&self, values: &[f32], count: usize) -> Vec<(usize, Neighbour)> {
        let found = self.features.nearest(values, count).into_iter();
        let neighbour = |(row, distance): (usize, f32)| {
            let index = self.places[row] as usize;
            let label = self.dataset.label(Split::Train, index) as usize;
            let class = self.dataset.description().classes.get(label).cloned().unwrap_or_default();
            let name = self.dataset.name(Split::Train, index);
            (index, Neighbour { name, class, distance, picture: None })
        };
        found.map(neighbour).collect()
    }

    /// Bytes that it takes: the values, and the weights of the network that made them.
    pub fn bytes(&self) -> usize {
        let weights: usize = self.snapshot.network.shapes().layers.iter().map(|layer| layer.parameters).sum();
        self.features.bytes() + size_of::<f32>() * weights
    }

    /// The middle of a training picture, which the network sees.
    fn seen(&self, index: usize) -> Option<RgbImage> {
        let spec = self.snapshot.input.spec();
        let square = self.dataset.read(Split::Train, index, spec.stored_side as u32).ok()?;
        let (side, margin) = (spec.side as u32, ((spec.stored_side - spec.side) / 2) as u32);
        Some(image::imageops::crop_imm(&square, margin, margin, side, side).to_image())
    }
}
