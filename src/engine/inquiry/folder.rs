//! Every picture of a folder, classified in the order of their names. A file that cannot be used is answered with its
//! reason and stops nothing.

use std::path::PathBuf;

use super::files::{self, Job};
use super::index::Index;
use super::{FolderAnswer, FolderQuestion, InquiryEnd, InquiryNews, NO_INDEX, Neighbour, Progress};
use crate::data::{Stream, Streamed};
use crate::engine::event::Event;
use crate::engine::model::View;
use crate::engine::outbox::Outbox;
use crate::engine::pacer::Pacer;
use crate::engine::sample;
use crate::infer;
use crate::model::{Input, Network};
use crate::train::micro_batch;

/// Decoded pictures that wait for the network.
const AHEAD: usize = 32;
/// Pictures of one pass, however quick the device is.
const PASS: usize = 128;

/// What the threads hand over.
enum Fed {
    Listed(usize),
    File(Job, Result<Vec<u8>, String>),
}

/// A folder in hand.
pub(super) struct FolderJob {
    pub id: u64,
    asked: FolderQuestion,
    /// The network as it was when it was asked: all answers are of one and the same, also when a run trains on.
    network: Network,
    input: Input,
    classes: Vec<String>,
    stream: Stream<Fed>,
    waiting: Vec<(Job, Result<Vec<u8>, String>)>,
    pacer: Pacer,
}

impl FolderJob {
    /// Begins to list and to read the files.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn begin(
        id: u64,
        inputs: Vec<PathBuf>,
        asked: FolderQuestion,
        model: View<'_>,
    ) -> Result<Self, String> {
        let side = model.input.spec().stored_side as u32;
        let stream = Stream::start(
            sample::threads(),
            AHEAD,
            move |given_up| files::collect(&inputs, given_up),
            |jobs: &[Job]| Fed::Listed(jobs.len()),
            move |job| Fed::File(job.clone(), files::square(&job.path, side)),
        )?;
        let most = micro_batch(model.network.shapes(), PASS).min(model.input.most_at_once());
        let pacer = Pacer::new(most / asked.views.count());
        let (network, input) = (model.network.clone(), model.input.clone());
        let classes = model.classes.to_vec();
        Ok(Self { id, asked, network, input, classes, stream, waiting: Vec::new(), pacer })
    }

    /// Classifies some more, and searches `index` where that was asked for.
    ///
    /// # Errors
    /// It has ended: how.
    pub fn advance(&mut self, outbox: &Outbox, index: Option<&Index>) -> Result<Progress, InquiryEnd> {
        let mut ended = None;
        while ended.is_none() && self.waiting.len() < self.pacer.pictures() {
            match self.stream.next() {
                Streamed::Item(Fed::Listed(files)) => {
                    outbox.send(Event::Inquiry(InquiryNews::FolderListed { id: self.id, files }));
                }
                Streamed::Item(Fed::File(job, square)) => self.waiting.push((job, square)),
                Streamed::Pending => break,
                Streamed::End => ended = Some(InquiryEnd::Done),
                Streamed::Failed(reason) => ended = Some(InquiryEnd::Failed(reason)),
            }
        }
        if self.waiting.is_empty() {
            return ended.map_or(Ok(Progress::Waiting), Err);
        }
        let answers = self.pass(index).map_err(InquiryEnd::Failed)?;
        outbox.send(Event::Inquiry(InquiryNews::FolderAnswers { id: self.id, answers }));
        ended.map_or(Ok(Progress::Worked), Err)
    }

    /// One pass of those that wait.
    fn pass(&mut self, index: Option<&Index>) -> Result<Vec<FolderAnswer>, String> {
        let waiting = std::mem::take(&mut self.waiting);
        let squares: Vec<u8> =
            waiting.iter().filter_map(|(_, square)| square.as_ref().ok()).flatten().copied().collect();
        let usable = waiting.iter().filter(|(_, square)| square.is_ok());
        let truths: Vec<Option<usize>> =
            usable.map(|(job, _)| infer::class_of_path(&job.path, &self.classes)).collect();
        let Self { network, input, classes, pacer, .. } = self;
        let FolderQuestion { views, top, nearest } = self.asked;
        let (pictures, side) = (truths.len(), input.spec().stored_side);
        let alike = || -> Option<Result<Vec<Vec<Neighbour>>, String>> {
            let index = index.ok_or_else(|| NO_INDEX.to_owned());
            (nearest > 0).then(|| index?.alike(&squares, side, pictures, nearest))
        };
        let (classified, alike) = match pictures {
            0 => (Vec::new(), None),
            _ => pacer.pass(pictures, || {
                infer::classify_squares(network, input, classes, &squares, &truths, views, top)
                    .map(|classified| (classified, alike()))
            })?,
        };
        let mut answers = classified.into_iter().enumerate().map(|(place, classified)| {
            let nearest = alike.as_ref().map(|found| match found {
                Ok(rows) => Ok(rows[place].clone()),
                Err(reason) => Err(reason.clone()),
            });
            (Ok(classified), nearest)
        });
        let answer = |(Job { path, named }, square): (Job, Result<Vec<u8>, String>)| {
            let (result, nearest) = match square {
                Ok(_) => answers.next().expect("an answer for each usable picture"),
                Err(reason) => (Err(reason), None),
            };
            FolderAnswer { path, named, result, nearest }
        };
        Ok(waiting.into_iter().map(answer).collect())
    }
}
