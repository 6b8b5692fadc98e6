//! Carrying out what is said of pictures: the list is changed, written down, and put into the settings of the next run.

use std::path::{Path, PathBuf};

use super::app::App;
use super::corrections::CorrectionList;
use super::format::sentence;
use super::notice::Severity;
use crate::data::{Correction, Corrections};

impl App {
    /// Keeps the lists of corrections in a folder, one for each source.
    pub fn keep_corrections_in(&mut self, folder: PathBuf) {
        self.state.corrections.folder = Some(folder);
        self.open_corrections();
    }

    /// Takes up the list of the chosen source.
    pub(super) fn open_corrections(&mut self) {
        let data = &self.draft.base.data;
        let opened = self.state.corrections.open(&data.source, data.corrections.as_deref());
        self.corrections_changed(opened);
    }

    pub(super) fn correct(&mut self, name: &str, correction: Option<Correction>) {
        let changed = self.state.corrections.correct(name, correction);
        self.corrections_changed(changed);
    }

    pub(super) fn change_corrections(
        &mut self,
        change: impl FnOnce(&mut CorrectionList) -> Result<(), String>,
    ) {
        let changed = change(&mut self.state.corrections);
        self.corrections_changed(changed);
    }

    pub(super) fn read_corrections(&mut self, path: &Path) {
        let other = Corrections::read(path).map_err(|e| e.to_string());
        let changed = other.and_then(|other| self.state.corrections.take_in(&other));
        self.corrections_changed(changed);
    }

    /// The next run uses the list as it is now.
    fn corrections_changed(&mut self, changed: Result<(), String>) {
        if let Err(reason) = changed {
            self.state.notices.push(Severity::Error, sentence(&reason));
        }
        self.draft.base.data.corrections = self.state.corrections.file().map(Path::to_owned);
    }
}
