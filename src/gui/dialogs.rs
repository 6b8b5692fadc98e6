//! File dialogs. They are made on the window's thread and awaited elsewhere.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rfd::{AsyncFileDialog, FileHandle};

use super::action::Figure;
use super::background::{Background, Done};
use super::incoming::SOURCE_ENDINGS;

/// No person answers a dialog faster than this: an earlier "cancelled" means that none was shown.
const NO_DIALOG: Duration = Duration::from_millis(250);

/// Endings of picture files that the dialog offers.
pub const PICTURE_ENDINGS: [&str; 10] =
    ["jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff", "JPEG", "JPG"];

/// Endings of model files: of this program, of PyTorch, of Caffe.
pub const MODEL_ENDINGS: [&str; 4] = ["safetensors", "pth", "pt", "caffemodel"];

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

impl Background {
    /// Shows a file dialog; what is chosen comes back as a [`Done`].
    pub fn ask(&self, dialog: Dialog, parent: Option<&eframe::Frame>) {
        let mut files = AsyncFileDialog::new();
        if let Some(frame) = parent {
            files = files.set_parent(frame);
        }
        match dialog {
            Dialog::Folder => {
                self.folder(files, "Folder with one folder of pictures for each class", Done::Source);
            }
            Dialog::Run => self.folder(files, "Folder of the run to resume", Done::Run),
            Dialog::Film => self.folder(files, "Folder of the run whose film to show", Done::FilmOf),
            Dialog::Tables => self.folder(files, "Folder for the tables", Done::TablesTo),
            Dialog::Runs => self.folder(files, "Folder of the runs to compare", Done::RunsIn),
            Dialog::AskedFolder => self.folder(files, "Folder of pictures to classify", Done::AskedFolder),
            Dialog::Archive => {
                let files =
                    files.add_filter("Archives and lists", &SOURCE_ENDINGS).add_filter("All files", &["*"]);
                self.file(files, "Archive or list of pictures", Done::Source);
            }
            Dialog::Model => {
                self.file(files.add_filter("Models", &MODEL_ENDINGS), "Model file", Done::Model);
            }
            Dialog::Corrections => {
                self.file(files.add_filter("Tables", &["csv"]), "List of corrections", Done::Corrections);
            }
            Dialog::Pictures => {
                let files = files.add_filter("Pictures", &PICTURE_ENDINGS).add_filter("All files", &["*"]);
                let answer = files.set_title("Pictures to classify").pick_files();
                self.await_answer(answer, |files: Vec<FileHandle>| {
                    Done::Pictures(files.iter().map(|file| file.path().into()).collect())
                });
            }
            Dialog::SaveModel(name) => {
                let files = files.add_filter("Models", &["safetensors"]).set_file_name(name);
                self.save(files, "Save the model as", Done::SaveTo);
            }
            Dialog::SaveReport => {
                let files = files.add_filter("Pages", &["html"]).set_file_name("report.html");
                self.save(files, "Save the report as", Done::ReportTo);
            }
            Dialog::SaveList(name, text) => {
                let files = files.add_filter("Tables", &["csv"]).set_file_name(name);
                self.save(files, "Save the list as", |path| Done::List(path, text));
            }
            Dialog::SaveFigure(figure) => {
                let files = files.set_file_name(figure.file_name());
                self.save(files, "Save the kernels as", move |path| Done::Figure(figure, path));
            }
        }
    }

    fn folder(&self, files: AsyncFileDialog, title: &str, done: fn(PathBuf) -> Done) {
        self.await_answer(files.set_title(title).pick_folder(), move |folder: FileHandle| {
            done(folder.path().into())
        });
    }

    fn file(&self, files: AsyncFileDialog, title: &str, done: fn(PathBuf) -> Done) {
        self.await_answer(files.set_title(title).pick_file(), move |file: FileHandle| {
            done(file.path().into())
        });
    }

    fn save(&self, files: AsyncFileDialog, title: &str, done: impl FnOnce(PathBuf) -> Done + Send + 'static) {
        self.await_answer(files.set_title(title).save_file(), |file: FileHandle| done(file.path().into()));
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
}
