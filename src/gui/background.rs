//! Things that can take long, kept off the window's thread: file dialogs, the clipboard, asking the drivers.
//!
//! Each runs on a named thread of its own and hands back a [`Done`]. A thread that waits for a person is
//! not joined when the window closes: a dialog left open must not keep the program alive.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use image::RgbImage;
use rfd::{AsyncFileDialog, FileHandle};

use super::action::Figure;
use super::format::sentence;
use super::incoming::SOURCE_ENDINGS;
use super::runs::LoadedRun;
use super::state::DeviceChoice;
use crate::engine::{self, Interrupted, KeptCheckpoint, RunRecord, SetInfo, write_report};
use crate::vis::{self, Evaluation, FilterGrid, Scale};

/// No person answers a dialog faster than this: an earlier "cancelled" means that none was shown.
const NO_DIALOG: Duration = Duration::from_millis(250);

/// Endings of picture files that the dialog offers.
pub const PICTURE_ENDINGS: [&str; 10] =
    ["jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff", "JPEG", "JPG"];

/// Endings of model files: of this program, of PyTorch, of Caffe.
pub const MODEL_ENDINGS: [&str; 4] = ["safetensors", "pth", "pt", "caffemodel"];

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

/// What was on the clipboard.
#[derive(Debug)]
pub enum Pasted {
    Picture(RgbImage),
    Files(Vec<PathBuf>),
    Text(String),
}

/// Which file to ask for.
#[derive(Clone, Debug)]
pub enum Dialog {
    Folder,
    Archive,
    Pictures,
    Model,
    /// The folder of a run.
    Run,
    /// With the name to propose.
    SaveModel(String),
    /// With the name to propose and the text to write.
    SaveList(&'static str, String),
    /// A folder of pictures to ask about.
    AskedFolder,
    /// A list of corrections to take in.
    Corrections,
    SaveFigure(Figure),
    /// The folder of a run whose film is wanted.
    Film,
    /// A folder for the tables of a measurement.
    Tables,
    /// A folder of runs.
    Runs,
    SaveReport,
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

    /// Shows a file dialog. It is made here, on the window's thread, and awaited elsewhere.
    pub fn ask(&self, dialog: Dialog, parent: Option<&eframe::Frame>) {
        let mut files = AsyncFileDialog::new();
        if let Some(frame) = parent {
            files = files.set_parent(frame);
        }
        match dialog {
            Dialog::Folder => {
                let answer =
                    files.set_title("Folder with one folder of pictures for each class").pick_folder();
                self.await_answer(answer, |file: FileHandle| Done::Source(file.path().into()));
            }
            Dialog::Archive => {
                let files = files.set_title("Archive or list of pictures");
                let answer = files
                    .add_filter("Archives and lists", &SOURCE_ENDINGS)
                    .add_filter("All files", &["*"])
                    .pick_file();
                self.await_answer(answer, |file: FileHandle| Done::Source(file.path().into()));
            }
            Dialog::Pictures => {
                let files = files.set_title("Pictures to classify");
                let answer = files
                    .add_filter("Pictures", &PICTURE_ENDINGS)
                    .add_filter("All files", &["*"])
                    .pick_files();
                self.await_answer(answer, |files: Vec<FileHandle>| {
                    Done::Pictures(files.iter().map(|file| file.path().into()).collect())
                });
            }
            Dialog::Model => {
                let files = files.set_title("Model file").add_filter("Models", &MODEL_ENDINGS);
                self.await_answer(files.pick_file(), |file: FileHandle| Done::Model(file.path().into()));
            }
            Dialog::Run => {
                let answer = files.set_title("Folder of the run to resume").pick_folder();
                self.await_answer(answer, |file: FileHandle| Done::Run(file.path().into()));
            }
            Dialog::SaveModel(name) => {
                let files = files.set_title("Save the model as").add_filter("Models", &["safetensors"]);
                let answer = files.set_file_name(name).save_file();
                self.await_answer(answer, |file: FileHandle| Done::SaveTo(file.path().into()));
            }
            Dialog::SaveFigure(figure) => self.ask_for_figure(files, figure),
            Dialog::Film => {
                let answer = files.set_title("Folder of the run whose film to show").pick_folder();
                self.await_answer(answer, |file: FileHandle| Done::FilmOf(file.path().into()));
            }
            Dialog::Tables => {
                let answer = files.set_title("Folder for the tables").pick_folder();
                self.await_answer(answer, |file: FileHandle| Done::TablesTo(file.path().into()));
            }
            Dialog::Runs => {
                let answer = files.set_title("Folder of the runs to compare").pick_folder();
                self.await_answer(answer, |file: FileHandle| Done::RunsIn(file.path().into()));
            }
            Dialog::SaveReport => {
                let files = files.set_title("Save the report as").add_filter("Pages", &["html"]);
                let answer = files.set_file_name("report.html").save_file();
                self.await_answer(answer, |file: FileHandle| Done::ReportTo(file.path().into()));
            }
            Dialog::Corrections => {
                let files = files.set_title("List of corrections").add_filter("Tables", &["csv"]);
                self.await_answer(files.pick_file(), |file: FileHandle| {
                    Done::Corrections(file.path().into())
                });
            }
            Dialog::AskedFolder => {
                let answer = files.set_title("Folder of pictures to classify").pick_folder();
                self.await_answer(answer, |file: FileHandle| Done::AskedFolder(file.path().into()));
            }
            Dialog::SaveList(name, text) => {
                let files = files.set_title("Save the list as").add_filter("Tables", &["csv"]);
                let answer = files.set_file_name(name).save_file();
                self.await_answer(answer, |file: FileHandle| Done::List(file.path().into(), text));
            }
        }
    }

    fn ask_for_figure(&self, files: AsyncFileDialog, figure: Figure) {
        let answer = files.set_title("Save the kernels as").set_file_name(figure.file_name()).save_file();
        self.await_answer(answer, move |file: FileHandle| Done::Figure(figure, file.path().into()));
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
            let written = records.map_err(|p| format!("{}: {}", p.folder.display(), p.reason));
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
            Err(reason) => {
                Some(Done::Problem(format!("The list could not be written to {}: {reason}", path.display())))
            }
        });
    }

    fn await_answer<T: 'static>(
        &self,
        answer: impl Future<Output = Option<T>> + Send + 'static,
        done: impl FnOnce(T) -> Done + Send + 'static,
    ) {
        self.spawn("file dialog", move || {
            let asked = Instant::now();
            match pollster::block_on(answer) {
                Some(file) => Some(done(file)),
                None if asked.elapsed() < NO_DIALOG => Some(Done::Problem(
                    "The system could not show a file dialog. Drop the file on the window instead, or type its path. \
                     (On Linux, file dialogs need the package xdg-desktop-portal or zenity.)"
                        .into(),
                )),
                None => None,
            }
        });
    }

    /// Reads the clipboard.
    pub fn paste(&self) {
        self.spawn("clipboard", || Some(read_clipboard()));
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
                Done::Problem(format!("No file manager could be opened. The folder is {}", folder.display()))
            })
        });
    }
}

fn read_clipboard() -> Done {
    let mut clipboard = match arboard::Clipboard::new() {
        Ok(clipboard) => clipboard,
        Err(reason) => return Done::Problem(format!("The clipboard cannot be read: {reason}")),
    };
    if let Ok(data) = clipboard.get_image()
        && let Some(picture) = rgb(data.width, data.height, &data.bytes)
    {
        return Done::Clipboard(Pasted::Picture(picture));
    }
    match clipboard.get().file_list() {
        Ok(files) if !files.is_empty() => return Done::Clipboard(Pasted::Files(files)),
        _ => {}
    }
    match clipboard.get_text() {
        Ok(text) if !text.trim().is_empty() => Done::Clipboard(Pasted::Text(text)),
        _ => Done::Problem(
            "The clipboard holds no picture. Copy a picture, or the path of one, and paste again.".into(),
        ),
    }
}

/// RGBA bytes as a picture on white; none if the sizes disagree.
pub fn rgb(width: usize, height: usize, rgba: &[u8]) -> Option<RgbImage> {
    if width == 0 || height == 0 || rgba.len() != width.checked_mul(height)?.checked_mul(4)? {
        return None;
    }
    let over_white = |pixel: &[u8]| {
        let alpha = u32::from(pixel[3]);
        [0, 1, 2].map(|c| ((u32::from(pixel[c]) * alpha + 255 * (255 - alpha)) / 255) as u8)
    };
    let pixels = rgba.chunks_exact(4).flat_map(over_white).collect();
    RgbImage::from_raw(u32::try_from(width).ok()?, u32::try_from(height).ok()?, pixels)
}
