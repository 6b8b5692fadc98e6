//! Keeping a folder of runs in sight while the view of them is in front, and what is asked for there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use egui::Context;

use super::app::App;
use super::notice::Severity;
use super::run_reader::RunReader;
use super::tab::Tab;
use super::view::BranchView;
use crate::engine::usual_runs_folder;
use crate::words;

/// How long news may wait until it is drawn: drawing can take time from a run.
const REDRAW: Duration = Duration::from_millis(150);

impl App {
    /// After each frame: the folder is looked at while its view is in front, and no longer.
    pub(super) fn watch_runs(&mut self, ctx: &Context) {
        if self.view.tab != Tab::Compare {
            if let Some(reader) = &mut self.runs {
                reader.watch(false);
            }
            return;
        }
        if self.runs.is_none() {
            let waker = ctx.clone();
            match RunReader::spawn(move || waker.request_repaint_after(REDRAW)) {
                Ok(reader) => self.runs = Some(reader),
                Err(reason) => {
                    let text = format!("The system refused to start a thread: {reason}");
                    self.state.runs.problem = Some(text);
                    self.state.runs.looked = true;
                    return;
                }
            }
        }
        let folder = self.runs_folder();
        if let Some(reader) = &mut self.runs
            && reader.look_at(&folder)
        {
            self.view.compare.forget(&folder);
            self.state.runs.look_at(folder);
            ctx.request_repaint();
        }
        for run in self.state.runs.to_load(&self.view.compare.ticked) {
            self.background.load_run(run);
        }
    }

    /// The folder that was chosen; else that of the runs of this time or of the last one, or where runs are kept.
    fn runs_folder(&self) -> PathBuf {
        if let Some(folder) = &self.view.compare.folder {
            return folder.clone();
        }
        let run = self.state.run.as_ref().map(|run| run.folder.as_path()).or(self.view.last_run.as_deref());
        let beside = run.and_then(Path::parent).filter(|folder| folder.is_dir());
        beside.map_or_else(usual_runs_folder, words::absolute)
    }

    pub(super) fn take_in_runs(&mut self) {
        let Some(reader) = &self.runs else { return };
        for report in reader.reports() {
            self.state.runs.take_in(report);
        }
    }

    /// Lists the runs of another folder.
    pub(super) fn compare_in(&mut self, folder: &Path) {
        self.view.compare.folder = Some(words::absolute(folder));
    }

    /// Opens the sheet of checkpoints of a run of the table.
    pub(super) fn branch_from(&mut self, run: PathBuf) {
        self.state.checkpoints = None;
        self.view.branch = BranchView { open: true, run: Some(run), ..BranchView::default() };
    }

    pub(super) fn write_report(&mut self, path: PathBuf) {
        let runs = self.view.compare.ticked.clone();
        if runs.is_empty() {
            self.state.notices.push(Severity::Warning, "Tick the runs that the report is to be about first.");
            return;
        }
        self.background.write_report(runs, path);
    }
}
