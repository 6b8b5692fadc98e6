//! What a person asked for. Panels push these; [`App`](super::App) carries them out.

use std::path::PathBuf;

use egui::ThemePreference;

use super::downloads::KnownAction;
use super::tab::Tab;
use crate::engine::PictureSource;

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
    SetRate(f64),
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
    /// Take a picture, a file list or a path from the clipboard.
    Paste,
    /// Text that was pasted: paths or `file://` addresses, one a line.
    PasteText(String),
    Classify(PictureSource),
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
    ToggleShortcuts,
}
