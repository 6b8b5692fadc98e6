//! Things that can take long, kept off the window's thread: file dialogs, the clipboard, asking the drivers.
//!
//! Each runs on a named thread of its own and hands back a [`Done`]. A thread that waits for a person is
//! not joined when the window closes: a dialog left open must not keep the program alive.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use image::RgbImage;

use super::action::Figure;
use super::clipboard::{self, Pasted};
use super::format::sentence;
use super::runs::LoadedRun;
use super::state::DeviceChoice;
use crate::engine::{self, Interrupted, KeptCheckpoint, RunRecord, SetInfo, write_report};
use crate::vis::{self, Evaluation, FilterGrid, Scale};

/// The result of a task.
#[derive(Debug)]
pub enum Done {
    Source(PathBuf),
    Pictures(Vec<PathBuf>),
    /// A folder of pictures to ask about.
    AskedFolder(PathBuf),
    /// A list of corrections to take in.
    Corrections(PathBuf),
    /// Small pictures of files; nothing where a file cannot be read.
    SmallPictures(Vec<(PathBuf, Option<RgbImage>)>),
    Model(PathBuf),
    Run(PathBuf),
    /// A run of an earlier time that was interrupted.
    Interrupted(Interrupted),
    SaveTo(PathBuf),
    Devices(Vec<DeviceChoice>),
    Clipboard(Pasted),
    /// Where to write a list, and its text.
    List(PathBuf, String),
    Wrote(PathBuf),
    /// Kernels, or their film, were written.
    WroteKernels(PathBuf),
    /// Where to write a figure.
    Figure(Figure, PathBuf),
    /// A folder for the tables of a measurement.
    TablesTo(PathBuf),
    WroteTables(PathBuf),
    /// The folder of a run whose film is wanted.
    FilmOf(PathBuf),
    /// A run's film, or why there is none.
    Film(PathBuf, Result<Vec<FilterGrid>, String>),
    /// The checkpoints in a run's folder.
    Checkpoints(PathBuf, Vec<KeptCheckpoint>),
    /// The checkpoint to go back to, if there is one, and the rate to go on with.
    GoBack(Option<PathBuf>, f64),
    /// A folder of runs to compare.
    RunsIn(PathBuf),
    /// Curves and kernels of a run, or why they cannot be read.
    LoadedRun(PathBuf, Result<Box<LoadedRun>, String>),
    /// Where to write a report.
    ReportTo(PathBuf),
    WroteReport(PathBuf),
    KnownSets(Result<Vec<SetInfo>, String>),
    Problem(String),
}

/// Starts tasks and collects what they hand back.
pub struct Background {
    ctx: egui::Context,
    outbox: Sender<Done>,
    inbox: Receiver<Done>,
}

impl Background {
    pub fn new(ctx: egui::Context) -> Self {
        let (outbox, inbox) = unbounded();
        Self { ctx, outbox, inbox }
    }

    /// What has been finished since the last call.
    pub fn finished(&self) -> Vec<Done> {
        self.inbox.try_iter().collect()
    }

    /// Runs `work` on a thread of that name; the window wakes when it is done.
    pub fn spawn(&self, name: &str, work: impl FnOnce() -> Option<Done> + Send + 'static) {
        let (outbox, ctx) = (self.outbox.clone(), self.ctx.clone());
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
            if let Some(done) = work() {
                // Fails only when the window is gone, and then nobody wants the answer.
                let _ = outbox.send(done);
                ctx.request_repaint();
            }
        });
        if let Err(reason) = thread {
            let problem = format!("The system refused to start the thread \"{name}\": {reason}");
            let _ = self.outbox.send(Done::Problem(problem));
        }
    }

    /// Writes kernels as a picture, or their film: `frames` holds the one in view, or all.
    pub fn write_figure(&self, figure: Figure, frames: Vec<FilterGrid>, scale: Scale, path: PathBuf) {
        self.spawn("write kernels", move || {
            let written = match (figure, frames.first()) {
                (Figure::Gif, _) => vis::write_film(&frames, scale, &path),
                (Figure::Png, Some(grid)) => vis::write_filters(grid, scale, &path),
                (Figure::Svg, Some(grid)) => vis::write_filters_svg(grid, scale, &path),
                (Figure::Png | Figure::Svg, None) => return None,
            };
            Some(match written {
                Ok(()) => Done::WroteKernels(path),
                Err(error) => Done::Problem(error.to_string()),
            })
        });
    }

    /// Writes the tables of a measurement.
    pub fn write_tables(&self, evaluation: Arc<Evaluation>, folder: PathBuf) {
        self.spawn("write tables", move || {
            Some(match engine::write_evaluation(&evaluation, &folder) {
                Ok(_) => Done::WroteTables(folder),
                Err(error) => Done::Problem(sentence(&error.to_string())),
            })
        });
    }

    /// Reads small pictures of files.
    pub fn read_small(&self, paths: Vec<PathBuf>) {
        self.spawn("small pictures", move || {
            let read = |path: PathBuf| {
                let picture = engine::small_picture(&path).ok();
                (path, picture)
            };
            Some(Done::SmallPictures(paths.into_iter().map(read).collect()))
        });
    }

    /// Reads the film of a run.
    pub fn read_film(&self, run: PathBuf) {
        self.spawn("read a film", move || {
            let film = engine::film(&run);
            Some(Done::Film(run, film))
        });
    }

    /// Lists the checkpoints of a run.
    pub fn list_checkpoints(&self, run: PathBuf) {
        self.spawn("list checkpoints", move || {
            let kept = engine::kept_checkpoints(&run);
            Some(Done::Checkpoints(run, kept))
        });
    }

    /// Looks for the newest checkpoint of a run that is not later than `step`.
    pub fn find_checkpoint(&self, run: PathBuf, step: u64, rate: f64) {
        self.spawn("find a checkpoint", move || {
            let kept = engine::kept_checkpoints(&run);
            let found = kept.into_iter().rev().find(|kept| kept.step <= step);
            Some(Done::GoBack(found.map(|kept| kept.path), rate))
        });
    }

    /// Reads the curves and kernels of a run.
    pub fn load_run(&self, run: PathBuf) {
        self.spawn("read a run", move || {
            let loaded = LoadedRun::read(&run);
            Some(Done::LoadedRun(run, loaded))
        });
    }

    /// Writes a report of some runs.
    pub fn write_report(&self, runs: Vec<PathBuf>, path: PathBuf) {
        self.spawn("write a report", move || {
            let records: Result<Vec<RunRecord>, _> = runs.iter().map(|run| RunRecord::read(run)).collect();
            let written = records.map_err(|p| format!("`{}`: {}", p.folder.display(), p.reason));
            let written = written.and_then(|runs| write_report(&runs, &path).map_err(|e| e.to_string()));
            Some(match written {
                Ok(()) => Done::WroteReport(path),
                Err(reason) => Done::Problem(sentence(&reason)),
            })
        });
    }

    /// Writes a text file.
    pub fn write(&self, path: PathBuf, text: String) {
        self.spawn("write a list", move || match std::fs::write(&path, text) {
            Ok(()) => Some(Done::Wrote(path)),
            Err(reason) => Some(Done::Problem(format!(
                "The list could not be written to `{}`: {reason}",
                path.display()
            ))),
        });
    }

    /// Reads the clipboard.
    pub fn paste(&self) {
        self.spawn("clipboard", || Some(clipboard::read()));
    }

    /// Opens a folder in the system's file manager.
    pub fn open_folder(&self, folder: PathBuf) {
        self.spawn("open folder", move || {
            let opener = if cfg!(target_os = "windows") {
                "explorer"
            } else if cfg!(target_os = "macos") {
                "open"
            } else {
                "xdg-open"
            };
            let status = std::process::Command::new(opener).arg(&folder).status();
            // Explorer's exit status says nothing about success.
            let shown = status.is_ok_and(|status| status.success() || cfg!(target_os = "windows"));
            (!shown).then(|| {
                Done::Problem(format!(
                    "No file manager could be opened. The folder is `{}`",
                    folder.display()
                ))
            })
        });
    }
}
