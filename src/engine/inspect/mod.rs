//! Looking inside the network at hand: what its layers make of a picture, what a prediction hangs on, which pictures
//! excite a map. It is served between two passes of a run as well as while nothing goes on.
//!
//! ```text
//! Command::Inspect -> activations, Grad-CAM: answered at once, one or two passes
//!                  -> occlusion, search for pictures: a chore, done bit by bit between commands and passes
//! ```
//! A chore keeps the network as it was when it was asked for, so that all of it is about the same weights and a run
//! may end or fail meanwhile.

mod chores;
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub(super) use self::chores::Chores;
pub use self::table::exciting_table;
use super::Event;
use super::command::PictureSource;
use super::model::{View, open_picture};
use super::outbox::Outbox;
use crate::config::DataConfig;
use crate::data::Split;
use crate::infer::{self, Activations, Exciting, GradCam, Muted, Occlusion, OcclusionWork, Patch, Search};
use crate::words;

/// Something to find out about the network at hand.
#[derive(Clone, Debug)]
pub struct Inspect {
    /// Comes back with every answer.
    pub id: u64,
    pub question: Question,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Question {
    /// What every layer makes of a picture, and what the prediction is with these maps muted.
    Activations { source: PictureSource, muted: Vec<Muted> },
    /// What a prediction hangs on. Without a patch, one that fits the network.
    Occlusion { source: PictureSource, muted: Vec<Muted>, patch: Option<Patch> },
    /// Where a layer (the last convolution) finds what speaks for a class (the most probable one).
    GradCam { source: PictureSource, muted: Vec<Muted>, layer: Option<String>, class: Option<usize> },
    /// The pictures that excite the maps of a layer (the last convolution) most, among so many of a split at most.
    Exciting { data: Box<DataConfig>, split: Split, layer: Option<String>, most: usize },
    /// End the question of that id if it is still being worked on; what it has found so far is told.
    Stop,
}

/// A report about a question.
#[derive(Clone, Debug)]
pub struct Inspected {
    pub id: u64,
    pub answer: Answer,
}

/// What is reported.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The network after so many updates.
    Activations {
        step: u64,
        result: Arc<Activations>,
    },
    Occlusion(Arc<Occlusion>),
    GradCam(Arc<GradCam>),
    /// Found among all that were to be looked at, or among those looked at until it was stopped.
    Exciting {
        result: Arc<Exciting>,
        stopped: bool,
    },
    /// How far it is. A `total` of 0 is not known yet.
    Progress {
        done: usize,
        total: usize,
    },
    /// It was stopped before there was anything to tell.
    Stopped,
    Failed(String),
}

/// Serves one question with the model at hand.
pub(super) fn inspect(outbox: &Outbox, chores: &mut Chores, model: Option<View<'_>>, order: Inspect) {
    let Inspect { id, question } = order;
    let answer = match (question, model) {
        (Question::Stop, _) => {
            chores.stop(outbox, id);
            return;
        }
        (_, None) => Answer::Failed("there is no network yet: train one, or open a model".into()),
        (question, Some(model)) => match unbroken(|| begin(outbox, chores, model, id, question)) {
            Ok(Some(answer)) => answer,
            Ok(None) => return,
            Err(reason) => Answer::Failed(reason),
        },
    };
    tell(outbox, id, answer);
}

/// What `work` says. A library or a driver may panic in it: that is told, and whatever else goes on goes on.
fn unbroken<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(format!("something broke inside the program: {}", words::panic(&*panic))))
}

fn tell(outbox: &Outbox, id: u64, answer: Answer) {
    outbox.send(Event::Inspected(Box::new(Inspected { id, answer })));
}

/// Answers what can be answered at once, and takes up the rest as a chore.
fn begin(
    outbox: &Outbox,
    chores: &mut Chores,
    model: View<'_>,
    id: u64,
    question: Question,
) -> Result<Option<Answer>, String> {
    let View { network, input, classes, step } = model;
    match question {
        Question::Activations { source, muted } => {
            let picture = open_picture(source).1?;
            let result = Arc::new(infer::activations(network, input, classes, &picture, &muted)?);
            Ok(Some(Answer::Activations { step, result }))
        }
        Question::GradCam { source, muted, layer, class } => {
            let picture = open_picture(source).1?;
            let layer = layer.as_deref();
            let found = infer::grad_cam(network, input, classes, &picture, &muted, layer, class)?;
            Ok(Some(Answer::GradCam(Arc::new(found))))
        }
        Question::Occlusion { source, muted, patch } => {
            let picture = open_picture(source).1?;
            let work = OcclusionWork::new(network, input, classes, &picture, &muted, patch)?;
            chores.occlude(outbox, id, work);
            Ok(None)
        }
        Question::Exciting { data, split, layer, most } => {
            let layer = layer.as_deref().or_else(|| infer::usual_layer(network));
            let layer = layer.ok_or("the network has no convolution: name a layer")?;
            let search = Search::new(network, input, layer)?;
            let pictures = chores::candidates(*data, split, search.stored_side(), most, classes)?;
            chores.search(outbox, id, search, pictures);
            Ok(None)
        }
        Question::Stop => Ok(None),
    }
}
