//! What the window knows of the inside of the network: the picture that is looked at, what the layers make of it, what
//! is muted, and the longer investigations with their progress.

use std::sync::Arc;

use super::format::sentence;
use crate::engine::{
    Activations, Answer, Exciting, GradCam, Inspected, Muted, Occlusion, PictureSource, Question,
};

/// An investigation that may take its time.
#[derive(Debug)]
pub struct Find<T> {
    pub found: Option<Arc<T>>,
    pub going: Option<Going>,
    pub problem: Option<String>,
    /// Counts what was found, so that textures are made only of what is new.
    pub seen: u64,
    /// The look that it belongs to, and the updates that the network had seen then.
    pub of: Option<(u64, u64)>,
}

/// An investigation that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Going {
    pub id: u64,
    pub done: usize,
    /// 0 until it is known.
    pub total: usize,
    pub stopping: bool,
}

impl<T> Default for Find<T> {
    fn default() -> Self {
        Self { found: None, going: None, problem: None, seen: 0, of: None }
    }
}

impl<T> Find<T> {
    fn asked(&mut self, id: u64, of: Option<(u64, u64)>) {
        self.going = Some(Going { id, done: 0, total: 0, stopping: false });
        self.problem = None;
        self.of = of;
    }

    fn is(&self, id: u64) -> bool {
        self.going.is_some_and(|going| going.id == id)
    }

    fn found(&mut self, found: Arc<T>) {
        self.found = Some(found);
        self.seen += 1;
        self.going = None;
    }

    /// What was found, or is being found, is of another picture or network. What goes on is to be stopped.
    fn forget(&mut self, to_stop: &mut Vec<u64>) {
        (self.found, self.problem) = (None, None);
        to_stop.extend(self.going.take().map(|going| going.id));
    }

    /// Takes in how far it is, or that it has ended without a result.
    fn note(&mut self, answer: Answer) {
        match answer {
            Answer::Progress { done, total } => {
                if let Some(going) = &mut self.going {
                    (going.done, going.total) = (done, total);
                }
            }
            Answer::Failed(reason) => (self.going, self.problem) = (None, Some(sentence(&reason))),
            _ => self.going = None,
        }
    }
}

/// A picture that is looked at.
#[derive(Clone, Debug)]
pub struct Looked {
    pub name: String,
    pub source: PictureSource,
}

/// What the layers make of the picture.
#[derive(Clone, Debug)]
pub struct Look {
    /// Updates that the network had seen.
    pub step: u64,
    pub activations: Arc<Activations>,
}

/// All that is known.
#[derive(Debug, Default)]
pub struct Layers {
    pub picture: Option<Looked>,
    pub muted: Vec<Muted>,
    pub look: Option<Look>,
    /// Counts the looks, so that textures are made only of new ones.
    pub looks: u64,
    /// The look that was asked for.
    asked: Option<u64>,
    /// What the look shows is not what it should show: another picture, network or mute.
    stale: bool,
    /// Why there is no look.
    pub problem: Option<String>,
    pub occlusion: Find<Occlusion>,
    pub grad_cam: Find<GradCam>,
    pub exciting: Find<Exciting>,
    /// Investigations that nobody waits for any more, until the engine is told.
    pub to_stop: Vec<u64>,
    next: u64,
}

impl Layers {
    /// Another picture is to be looked at.
    pub fn look_at(&mut self, name: String, source: PictureSource) {
        self.picture = Some(Looked { name, source });
        self.look = None;
        self.changed();
    }

    /// Another network is at hand. What is muted names its layers, so that is forgotten, too.
    pub fn network_changed(&mut self) {
        self.muted.clear();
        self.look = None;
        self.exciting.forget(&mut self.to_stop);
        self.changed();
    }

    /// The network at hand has learned, and stays as it is now.
    pub fn network_settled(&mut self) {
        self.changed();
    }

    fn changed(&mut self) {
        self.stale = true;
        self.problem = None;
        self.occlusion.forget(&mut self.to_stop);
        self.grad_cam.forget(&mut self.to_stop);
    }

    pub fn is_muted(&self, layer: &str, map: Option<usize>) -> bool {
        self.muted.iter().any(|muted| muted.layer == layer && muted.map == map)
    }

    /// Mutes a map or a layer, or lets it speak again.
    pub fn toggle(&mut self, muted: Muted) {
        match self.muted.iter().position(|known| *known == muted) {
            Some(place) => {
                self.muted.remove(place);
            }
            None => self.muted.push(muted),
        }
        self.changed();
    }

    pub fn unmute_all(&mut self) {
        self.muted.clear();
        self.changed();
    }

    /// Whether a look was asked for that has not come.
    pub fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    /// Whether a new look should be asked for; `newest` is the number of updates that the network has seen, if the
    /// look is to follow it.
    pub fn wants_look(&self, newest: Option<u64>) -> bool {
        let behind = newest.is_some_and(|newest| self.look.as_ref().is_none_or(|look| look.step < newest));
        self.picture.is_some() && self.asked.is_none() && (self.stale || (behind && self.problem.is_none()))
    }

    /// Whether what speaks for a class should be looked for again: the look is a newer one.
    pub fn wants_grad_cam(&self) -> bool {
        let find = &self.grad_cam;
        let of_this = find.of.is_some_and(|(look, _)| look == self.looks);
        let tried = of_this && (find.found.is_some() || find.problem.is_some());
        self.look.is_some() && find.going.is_none() && !tried
    }

    /// A question was sent; returns the id that its answers will carry.
    pub fn asked(&mut self, question: &Question) -> u64 {
        self.next += 1;
        let id = self.next;
        let of = self.look.as_ref().map(|look| (self.looks, look.step));
        match question {
            Question::Activations { .. } => {
                self.asked = Some(id);
                self.stale = false;
            }
            Question::Occlusion { .. } => self.occlusion.asked(id, of),
            Question::GradCam { .. } => self.grad_cam.asked(id, of),
            Question::Exciting { .. } => self.exciting.asked(id, of),
            Question::Stop => {}
        }
        id
    }

    /// The investigations that are to end were told so.
    pub fn asked_to_stop(&mut self, id: u64) {
        let going = [&mut self.occlusion.going, &mut self.grad_cam.going, &mut self.exciting.going];
        for going in going.into_iter().flatten().filter(|going| going.id == id) {
            going.stopping = true;
        }
    }

    /// Takes in a report of the engine.
    pub fn answered(&mut self, report: Inspected) {
        let Inspected { id, answer } = report;
        match answer {
            Answer::Activations { step, result } if self.asked == Some(id) => {
                self.asked = None;
                self.problem = None;
                // What was asked before the picture changed is of another picture.
                if !self.stale {
                    self.look = Some(Look { step, activations: result });
                    self.looks += 1;
                }
            }
            Answer::Failed(reason) if self.asked == Some(id) => {
                self.asked = None;
                if !self.stale {
                    (self.look, self.problem) = (None, Some(sentence(&reason)));
                }
            }
            Answer::Occlusion(found) if self.occlusion.is(id) => self.occlusion.found(found),
            Answer::GradCam(found) if self.grad_cam.is(id) => self.grad_cam.found(found),
            Answer::Exciting { result, .. } if self.exciting.is(id) => self.exciting.found(result),
            answer if self.occlusion.is(id) => self.occlusion.note(answer),
            answer if self.grad_cam.is(id) => self.grad_cam.note(answer),
            answer if self.exciting.is(id) => self.exciting.note(answer),
            // Of a question that nobody waits for any more.
            _ => {}
        }
    }
}
