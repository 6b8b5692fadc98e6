//! What a person asked for. Panels push these; [`App`](super::App) carries them out.

use std::path::PathBuf;

use egui::ThemePreference;

use super::downloads::KnownAction;
use super::inspect::LayersAction;
use super::tab::Tab;
use crate::data::Correction;
use crate::engine::{PictureSource, Remedy};

/// What can be written of the first layer's kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// The frame in view, as pixels.
    Png,
    /// The frame in view, as a vector drawing.
    Svg,
    /// The whole film.
    Gif,
}

impl Figure {
    /// The name of the file to propose.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Png => "kernels.png",
            Self::Svg => "kernels.svg",
            Self::Gif => "kernels.gif",
        }
    }
}

/// A wish, from a button, a key, a dropped file or a finished background task.
#[derive(Clone, Debug)]
pub enum Action {
    /// Use this data source and look at what is there.
    UseSource(String),
    /// About the data sets that are known by name.
    Known(KnownAction),
    PickFolder,
    PickArchive,
    /// Use an archive that was cut short as far as it goes.
    AcceptCut,
    /// Give up opening a data source.
    CancelOpening,
    /// Open the data source once more, because something there has changed.
    LookAgain,
    /// Read every picture of the data source.
    CheckData,
    StopCheck,
    /// Ask where to write a list, which is this text.
    PickList(String),
    WriteList(PathBuf, String),
    /// Bring a view to the front.
    Show(Tab),
    /// Show the files that are not used.
    ShowUnused,
    /// Say what the picture of that name is, or take back what was said.
    Correct(String, Option<Correction>),
    UndoCorrection,
    RedoCorrection,
    ShowCorrections,
    /// Ask where to save the list of corrections.
    PickCorrections,
    /// Ask which list of corrections to take in.
    PickCorrectionsToRead,
    ReadCorrections(PathBuf),
    /// Begin a run with the settings of the draft.
    Start,
    PickRun,
    /// Go on with the run in this folder.
    ResumeRun(PathBuf),
    DismissInterrupted,
    Pause,
    Resume,
    Step,
    Stop,
    /// Stop the run and close the window once it is saved.
    SaveAndClose,
    /// The window is not to be closed after all.
    StayOpen,
    SetRate(f64),
    /// Write a checkpoint of the run now.
    SaveNow,
    /// Show or hide the sheet of checkpoints to go on from.
    ToggleBranch,
    /// Begin a branch at this checkpoint, at this rate if one is given. A run going on is saved first.
    Branch(PathBuf, Option<f64>),
    /// Open the sheet of checkpoints of the run in this folder.
    BranchFrom(PathBuf),
    /// Choose the folder of runs to compare.
    PickRuns,
    /// List the runs of this folder.
    CompareIn(PathBuf),
    /// Ask where to write a report of the ticked runs.
    PickReport,
    WriteReport(PathBuf),
    /// Do what the diagnosis proposes.
    Cure(Remedy),
    DismissDiagnosis,
    /// Show every validation picture of the chosen set to the network at hand.
    Measure,
    /// Ask for a folder for the tables of the last measurement.
    PickTables,
    WriteTables(PathBuf),
    /// Search for a learning rate with the settings of the draft.
    FindRate,
    /// Take a rate into the draft.
    TakeRate(f64),
    DismissSearch,
    PickSave,
    PickModel,
    LoadModel(PathBuf),
    SaveModel(PathBuf),
    PickPictures,
    /// Read the kernels of the convolution of that name.
    ShowKernels(String),
    /// Something about the inside of the network.
    Layers(LayersAction),
    /// Choose a run whose film to show.
    PickFilm,
    ReadFilm(PathBuf),
    /// Show the film of the run at hand again.
    CloseFilm,
    /// Ask where to write kernels or film.
    PickFigure(Figure),
    WriteFigure(Figure, PathBuf),
    /// Take a picture, a file list or a path from the clipboard.
    Paste,
    /// Text that was pasted: paths or `file://` addresses, one a line.
    PasteText(String),
    Classify(PictureSource),
    /// Ask the network as it is now about a picture that it was asked about before.
    AskAgain(u64),
    /// The same, with ten views.
    AskTenViews(u64),
    PickAskedFolder,
    /// Ask about all pictures of these files and folders.
    AskAbout(Vec<PathBuf>),
    StopFolder,
    /// Ask where to write the answers about the folder.
    PickAnswers,
    /// Work out the last hidden layer's values of the training pictures.
    MakeIndex,
    StopIndex,
    /// Forget these values, and give their memory back.
    DropIndex,
    /// Search for the training pictures most like this one.
    FindAlike(u64),
    /// Sort out files that were dropped on the window: pictures, a model, a data source.
    Dropped(Vec<PathBuf>),
    /// Show an earlier prediction again.
    ShowPrediction(u64),
    RemovePrediction(u64),
    DismissNotice(u64),
    DismissSummary,
    CopyText(String),
    OpenFolder(PathBuf),
    SetTheme(ThemePreference),
    /// Multiply the size of everything by a step up (`true`) or down.
    Zoom(bool),
    ResetZoom,
    /// Show or hide the left column.
    ToggleSetup,
    ToggleShortcuts,
}
