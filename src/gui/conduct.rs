//! Conducting a run: beginning it, going on with it, going back in it, and the cures that a diagnosis proposes.

use std::path::PathBuf;

use super::app::App;
use super::fields::Field;
use super::notice::Severity;
use super::state::{Closing, Found, Next, Phase};
use super::tab::Tab;
use super::view::BranchView;
use crate::config::Init;
use crate::engine::{Command, Event, RateRange, Remedy, TakeUp};

impl App {
    pub(super) fn start(&mut self) {
        if self.state.busy() || matches!(self.state.found, Found::Unusable(_)) {
            return;
        }
        // Errors are shown beside their fields.
        if let Ok(config) = self.draft.config() {
            self.state.asked_to_start();
            self.show(Tab::Train);
            self.view.fit_plots();
            self.send_when_free(Command::Start(Box::new(config)));
        }
    }

    pub(super) fn resume_run(&mut self, path: PathBuf) {
        if self.state.busy() {
            self.state.notices.push(Severity::Warning, "Stop the run before resuming another one.");
            return;
        }
        self.state.asked_to_start();
        self.show(Tab::Train);
        self.view.fit_plots();
        self.send(Command::TakeUp(Box::new(TakeUp { path, ..TakeUp::default() })));
    }

    pub(super) fn find_rate(&mut self) {
        if self.state.busy() || matches!(self.state.found, Found::Unusable(_)) {
            return;
        }
        if let Ok(config) = self.draft.config() {
            self.state.asked_to_find();
            let range = RateRange::default();
            self.send_when_free(Command::FindRate { config: Box::new(config), range });
        }
    }

    pub(super) fn measure(&mut self) {
        let is_free = !self.state.busy() || self.state.phase == Phase::Paused && !self.state.stopping;
        if !is_free || self.state.model.is_none() {
            return;
        }
        self.state.asked_to_measure();
        self.view.evaluate.forget();
        self.send_when_free(Command::Evaluate { data: self.draft.data(), views: self.views() });
    }

    pub(super) fn write_tables(&self, folder: PathBuf) {
        if let Some(measured) = &self.state.measured {
            self.background.write_tables(measured.evaluation.clone(), folder);
        }
    }

    pub(super) fn take_rate(&mut self, rate: f64) {
        let preset = self.state.preset(self.draft.base.model.preset.as_deref());
        self.draft.set(Field::LearningRate, &rate.to_string(), preset);
        self.state.search = None;
    }

    pub(super) fn stop(&mut self) {
        if self.take_back_start() {
            self.state.apply(Event::Cancelled);
        } else {
            self.state.stopping = true;
            self.send(Command::Stop);
        }
    }

    /// Opens or closes the sheet of checkpoints.
    pub(super) fn toggle_branch(&mut self) {
        let open = !self.view.branch.open;
        self.view.branch = BranchView { open, ..BranchView::default() };
        self.state.checkpoints = None;
    }

    /// The run that the sheet is about.
    pub(super) fn branch_run(&self) -> Option<PathBuf> {
        let at_hand = self.state.run.as_ref().map(|run| &run.folder);
        self.view.branch.run.as_ref().or(at_hand).cloned()
    }

    /// Reads what the sheet lists, and again when a checkpoint has come.
    pub(super) fn list_checkpoints(&mut self) {
        if !self.view.branch.open {
            return;
        }
        let Some(run) = self.branch_run() else { return };
        let newest = self.state.checkpoint.as_ref().map(|checkpoint| checkpoint.step);
        let key = (run.clone(), newest);
        if self.view.branch.listed.as_ref() != Some(&key) {
            self.view.branch.listed = Some(key);
            self.background.list_checkpoints(run);
        }
    }

    /// Begins a branch, as soon as the run going on has been saved.
    pub(super) fn branch(&mut self, path: PathBuf, rate: Option<f64>) {
        self.view.branch.open = false;
        self.next(Next::TakeUp(TakeUp { path, branch: true, ..TakeUp::default() }, rate));
    }

    /// Does what a diagnosis proposes.
    pub(super) fn cure(&mut self, remedy: Remedy) {
        self.state.dismiss_diagnosis();
        match remedy {
            Remedy::SetRate(rate) if self.state.running() => self.send(Command::SetRate(rate)),
            Remedy::SetRate(rate) => self.look_back(u64::MAX, rate),
            Remedy::GoBack { step, rate } => self.look_back(step, rate),
            Remedy::StartAgain { rate } => {
                self.take_rate(rate);
                self.next(Next::Start);
            }
            Remedy::OtherWeights => {
                self.draft.base.model.init = Some(Init::FanIn);
                self.next(Next::Start);
            }
            Remedy::FindRate => self.next(Next::FindRate),
        }
    }

    fn look_back(&self, step: u64, rate: f64) {
        if let Some(run) = &self.state.run {
            self.background.find_checkpoint(run.folder.clone(), step, rate);
        }
    }

    /// Goes on from the checkpoint that was found; from none, begins anew.
    pub(super) fn go_back(&mut self, path: Option<PathBuf>, rate: f64) {
        match path {
            Some(path) => self.branch(path, Some(rate)),
            None => self.cure(Remedy::StartAgain { rate }),
        }
    }

    fn next(&mut self, next: Next) {
        self.state.afterwards = Some(next);
        if self.state.busy() && !self.state.stopping {
            self.stop();
        }
        self.go_on_afterwards();
    }

    /// Begins what waits for the end of the run before.
    pub(super) fn go_on_afterwards(&mut self) {
        if self.state.busy() || self.state.closing == Closing::Saving {
            return;
        }
        match self.state.afterwards.take() {
            Some(Next::TakeUp(order, rate)) => {
                self.state.asked_to_start();
                self.show(Tab::Train);
                self.view.fit_plots();
                self.send(Command::TakeUp(Box::new(order)));
                // In force from the first update on, whatever the schedule says.
                if let Some(rate) = rate {
                    self.send(Command::SetRate(rate));
                }
            }
            Some(Next::Start) => self.start(),
            Some(Next::FindRate) => self.find_rate(),
            None => {}
        }
    }
}
