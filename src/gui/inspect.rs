//! Asking the engine about the inside of the network: what the view of the layers wants becomes questions here.

use egui::Context;

use super::app::App;
use super::layers_view::Overlay;
use super::notice::Severity;
use super::tab::Tab;
use crate::config::ColourNoise;
use crate::engine::{Command, Inspect, Muted, Patch, PictureSource, Place, Preview, Question};

/// While the network learns, it is looked at again this often, in seconds.
const FOLLOW_PAUSE: f64 = 1.0;

/// A wish of the view of the layers.
#[derive(Clone, Debug)]
pub enum LayersAction {
    /// Look at a picture of the data set.
    Pick(Place),
    /// Mute a map or a layer, or let it speak again.
    ToggleMute(Muted),
    UnmuteAll,
    /// Slide the patch.
    Occlude,
    /// Look for the pictures that excite the maps of the layer of that name.
    Search(String),
    /// End a long investigation.
    StopFind(u64),
}

impl App {
    pub(super) fn carry_out_layers(&mut self, action: LayersAction) {
        match action {
            LayersAction::Pick(place) => self.pick(place),
            LayersAction::ToggleMute(muted) => self.state.layers.toggle(muted),
            LayersAction::UnmuteAll => self.state.layers.unmute_all(),
            LayersAction::Occlude => self.occlude(),
            LayersAction::Search(layer) => self.search(layer),
            LayersAction::StopFind(id) => {
                self.state.layers.asked_to_stop(id);
                self.stop_question(id);
            }
        }
    }

    /// Looks at a picture in the view of the layers.
    pub(super) fn look_into(&mut self, name: String, source: PictureSource) {
        self.state.layers.look_at(name, source);
        self.view.layers.picking = false;
        self.view.layers.class = None;
    }

    fn pick(&mut self, place: Place) {
        let Some(model) = &self.state.model else { return };
        let preview = Preview {
            stored_side: model.stored_side,
            crop_side: model.input_side,
            augment: false,
            colour_noise: ColourNoise::Off,
            colour_strength: 0.0,
            seed: 0,
        };
        if let Some(request) = self.view.layers.fetch(&self.state.gallery, place, preview) {
            self.browse(request);
        }
    }

    /// Takes in the picture of the data set that was chosen, once the browser has read it.
    pub(super) fn take_in_picked(&mut self) {
        let Some(place) = self.view.layers.awaited else { return };
        let read = match &self.state.gallery.large {
            Some((found, _, Ok(large))) if *found == place => Ok((large.name.clone(), large.stored.clone())),
            Some((found, _, Err(problem))) if *found == place => {
                Err(format!("{} cannot be shown: {}", problem.name, problem.reason))
            }
            _ => return,
        };
        self.view.layers.awaited = None;
        match read {
            Ok((name, picture)) => {
                let short = name.rsplit(['/', '\\']).next().unwrap_or(&name).to_owned();
                self.look_into(short, PictureSource::Pixels { name, picture });
            }
            Err(text) => self.state.notices.push(Severity::Warning, text),
        }
    }

    /// Asks what is due after a frame: a look at the picture, what speaks for a class.
    pub(super) fn ask_about_layers(&mut self, ctx: &Context) {
        for id in std::mem::take(&mut self.state.layers.to_stop) {
            self.stop_question(id);
        }
        if self.view.tab != Tab::Layers || self.state.model.is_none() {
            return;
        }
        let now = ctx.input(|input| input.time);
        let newest = self.state.last.map(|point| point.step);
        let follows = self.state.running() && self.view.layers.follow;
        let due = now - self.view.layers.asked_at >= FOLLOW_PAUSE;
        if self.state.layers.wants_look(newest.filter(|_| follows && due)) {
            self.view.layers.asked_at = now;
            if let Some((source, muted)) = self.subject() {
                self.ask(Question::Activations { source, muted });
            }
        }
        if self.view.layers.overlay == Overlay::GradCam
            && (self.state.layers.wants_grad_cam() || self.view.layers.again)
            && self.state.layers.look.is_some()
            && let Some((source, muted)) = self.subject()
        {
            self.view.layers.again = false;
            let (layer, class) = (self.view.layers.grad_cam_layer.clone(), self.view.layers.class);
            self.ask(Question::GradCam { source, muted, layer, class });
        }
    }

    /// The picture that is looked at, and what is muted.
    fn subject(&self) -> Option<(PictureSource, Vec<Muted>)> {
        let layers = &self.state.layers;
        layers.picture.as_ref().map(|picture| (picture.source.clone(), layers.muted.clone()))
    }

    fn ask(&mut self, question: Question) {
        let id = self.state.layers.asked(&question);
        self.send(Command::Inspect(Box::new(Inspect { id, question })));
    }

    fn stop_question(&mut self, id: u64) {
        self.send(Command::Inspect(Box::new(Inspect { id, question: Question::Stop })));
    }

    fn occlude(&mut self) {
        let side = self.state.model.as_ref().map_or(0, |model| model.input_side as usize);
        let usual = Patch::usual(side);
        let number = |text: &str, usual: usize| text.trim().parse().ok().unwrap_or(usual);
        let size = number(&self.view.layers.patch, usual.size);
        let half = if self.view.layers.patch.trim().is_empty() { usual.stride } else { (size / 2).max(1) };
        let patch = Patch { size, stride: number(&self.view.layers.stride, half) };
        if let Some((source, muted)) = self.subject() {
            self.ask(Question::Occlusion { source, muted, patch: Some(patch) });
        }
    }

    fn search(&mut self, layer: String) {
        if let Some(going) = self.state.layers.exciting.going {
            self.stop_question(going.id);
        }
        let (split, most, layer) = (self.view.layers.split, self.view.layers.most, Some(layer));
        self.ask(Question::Exciting { data: Box::new(self.draft.data()), split, layer, most });
    }
}
