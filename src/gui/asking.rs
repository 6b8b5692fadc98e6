//! Asking the network: about a picture, a folder, the training pictures most alike.

use std::path::PathBuf;

use super::app::App;
use super::asked::{Alike, Index};
use super::dialogs::Dialog;
use super::notice::Severity;
use super::predict_view::Shown;
use super::tab::Tab;
use crate::engine::{Command, FolderQuestion, Inquiry, PictureSource, Views, folder_table};
use crate::words;

/// Guesses asked for, as in the paper's Figure 4.
const TOP: usize = 5;
/// Training pictures shown, as there.
const ALIKE: usize = 6;

impl App {
    pub(super) fn views(&self) -> Views {
        if self.view.ten_views { Views::Ten } else { Views::One }
    }

    /// Says so if there is no network to ask.
    fn has_network(&mut self) -> bool {
        let found = self.state.model.is_some();
        if !found {
            let text = "There is no network to ask yet: start training, or open a model.";
            self.state.notices.push(Severity::Warning, text);
        }
        found
    }

    pub(super) fn classify(&mut self, source: PictureSource) {
        if !self.has_network() {
            return;
        }
        let name = match &source {
            PictureSource::File(path) => words::file_name(path),
            PictureSource::Bytes { name, .. }
            | PictureSource::Pixels { name, .. }
            | PictureSource::Labelled { name, .. } => name.clone(),
        };
        // Whoever looks into the network wants to look into it with this picture.
        if self.view.tab == Tab::Layers {
            return self.look_into(name, source);
        }
        // The curves have a small place for the answer beside them.
        if self.view.tab != Tab::Train {
            self.show(Tab::Predict);
        }
        let id = self.state.asked_to_classify(name);
        self.view.predict.shown =
            if self.state.predictions.len() == 1 || self.view.predict.shown == Shown::Large {
                Shown::Large
            } else {
                Shown::Pictures
            };
        if let Some(entry) = self.state.predictions.last_mut() {
            entry.source = Some(source.clone());
        }
        self.send(Command::Predict { id, source, views: self.views(), top: TOP });
    }

    pub(super) fn ask_again(&mut self, id: u64, views: Views) {
        if self.has_network()
            && let Some(source) = self.state.asked_again(id)
        {
            self.view.textures.forget_picture(id);
            self.view.predict.forget_answer();
            self.send(Command::Predict { id, source, views, top: TOP });
        }
    }

    /// Asks about everything in some files and folders.
    pub(super) fn ask_about(&mut self, inputs: Vec<PathBuf>) {
        if !self.has_network() {
            return;
        }
        self.show(Tab::Predict);
        self.view.predict.shown = Shown::Folder;
        self.view.predict.listed = Default::default();
        let id = self.state.asked_about_many(inputs.clone());
        let indexed = matches!(self.state.asked.index, Index::Ready { .. });
        let nearest = if self.view.predict.folder_alike && indexed { ALIKE } else { 0 };
        let asked = FolderQuestion { views: self.views(), top: TOP, nearest };
        self.send(Command::Inquire(Inquiry::Folder { id, inputs, asked }));
    }

    pub(super) fn pick_answers(&self, frame: Option<&eframe::Frame>) {
        if let Some(album) = &self.state.asked.album {
            let table = folder_table(album.answers.iter());
            self.background.ask(Dialog::SaveList("predictions.csv", table), frame);
        }
    }

    pub(super) fn make_index(&mut self) {
        if self.state.model.is_none() {
            return;
        }
        self.state.asked.index = Index::Making { done: 0, total: 0 };
        self.view.predict.forget_answer();
        self.send(Command::Inquire(Inquiry::Index(Box::new(self.draft.data()))));
    }

    pub(super) fn find_alike(&mut self, id: u64) {
        let asked = self.state.predictions.iter().find(|one| one.id == id);
        if let Some(source) = asked.and_then(|one| one.source.clone()) {
            self.state.asked.alike.insert(id, Alike::Waiting);
            self.view.predict.forget_answer();
            self.send(Command::Inquire(Inquiry::Nearest { id, source, count: ALIKE }));
        }
    }
}
