//! What comes in from outside the panels: dropped files, pasted pictures and paths, answered dialogs.

use std::path::{Path, PathBuf};

use egui::{Context, Event, Key};

use super::action::Action;
use super::background::Done;
use super::clipboard::Pasted;
use super::dialogs::MODEL_ENDINGS;
use super::state::{Closing, State};
use crate::engine::PictureSource;

/// Name shown for a picture that has none.
const CLIPBOARD: &str = "from the clipboard";

/// Drops and pastes of this frame. Text pasted into a text field is left to that field.
pub fn read_input(ctx: &Context, state: &State) -> Vec<Action> {
    let mut actions = Vec::new();
    let dropped: Vec<PathBuf> =
        ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
    if !dropped.is_empty() {
        actions.push(Action::Dropped(dropped));
    }
    if !ctx.text_edit_focused() && state.closing != Closing::Saving {
        ctx.input(|input| read_pastes(&input.events, &mut actions));
    }
    actions
}

fn read_pastes(events: &[Event], actions: &mut Vec<Action>) {
    for event in events {
        match event {
            Event::Paste(text) => actions.push(Action::PasteText(text.clone())),
            // The picture is read again on a thread: converting a large one here would hold up the window.
            Event::PasteImage(_) => actions.push(Action::Paste),
            // On some systems copied files are neither text nor picture: then no paste event comes at all, and
            // only a pressed key tells.
            Event::Key { key: Key::Paste, pressed: true, .. } => actions.push(Action::Paste),
            _ => {}
        }
    }
}

/// The actions that a finished background task leads to.
pub fn actions_for(done: Done) -> Vec<Action> {
    match done {
        Done::Source(path) => vec![Action::UseSource(path.display().to_string())],
        Done::Model(path) => vec![Action::LoadModel(path)],
        Done::Run(path) => vec![Action::ResumeRun(path)],
        Done::SaveTo(path) => vec![Action::SaveModel(with_ending(path))],
        Done::List(path, text) => vec![Action::WriteList(path, text)],
        Done::Pictures(paths) => vec![Action::Dropped(paths)],
        Done::Corrections(path) => vec![Action::ReadCorrections(path)],
        Done::AskedFolder(path) => vec![Action::AskAbout(vec![path])],
        Done::Clipboard(Pasted::Picture(picture)) => {
            vec![Action::Classify(PictureSource::Pixels { name: CLIPBOARD.into(), picture })]
        }
        Done::Clipboard(Pasted::Files(paths)) => vec![Action::Dropped(paths)],
        Done::Clipboard(Pasted::Text(text)) => vec![Action::PasteText(text)],
        Done::Figure(figure, path) => vec![Action::WriteFigure(figure, path)],
        Done::FilmOf(run) => vec![Action::ReadFilm(run)],
        Done::RunsIn(folder) => vec![Action::CompareIn(folder)],
        Done::ReportTo(path) => vec![Action::WriteReport(path)],
        Done::TablesTo(folder) => vec![Action::WriteTables(folder)],
        // Taken in by the app itself.
        Done::Devices(_)
        | Done::Interrupted(_)
        | Done::KnownSets(_)
        | Done::Film(..)
        | Done::SmallPictures(_)
        | Done::Checkpoints(..)
        | Done::GoBack(..)
        | Done::Wrote(_)
        | Done::WroteKernels(_)
        | Done::WroteTables(_)
        | Done::LoadedRun(..)
        | Done::WroteReport(_)
        | Done::Problem(_) => Vec::new(),
    }
}

/// Adds the ending of model files if there is none.
fn with_ending(path: PathBuf) -> PathBuf {
    if path.extension().is_some() { path } else { path.with_extension("safetensors") }
}

/// Whether a path looks like a model file.
pub fn is_model(path: &Path) -> bool {
    MODEL_ENDINGS.iter().any(|ending| has_ending(path, ending))
}

/// Endings of archives and lists of pictures. What a file really is shows when it is opened.
pub const SOURCE_ENDINGS: [&str; 6] = ["tar", "gz", "tgz", "zip", "csv", "tsv"];

/// Whether a path is a folder, an archive or a list of pictures.
pub fn is_data_source(path: &Path) -> bool {
    SOURCE_ENDINGS.iter().any(|ending| has_ending(path, ending)) || path.is_dir()
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending))
}

/// The paths in a pasted text: plain, in quotes or as `file://` addresses, one a line. Only files that exist
/// count, so that a pasted sentence does not become a row of errors.
pub fn paths_in(text: &str) -> Vec<PathBuf> {
    text.lines().filter_map(path_in).filter(|path| path.exists()).collect()
}

fn path_in(line: &str) -> Option<PathBuf> {
    let line = line.trim().trim_matches(['"', '\'']);
    if line.is_empty() {
        return None;
    }
    match line.strip_prefix("file://") {
        Some(address) => {
            Some(PathBuf::from(percent_decoded(address.strip_prefix("localhost").unwrap_or(address))))
        }
        None => Some(PathBuf::from(line)),
    }
}

/// Turns `%20` back into a space, and so on.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = (first == b'%').then(|| tail.get(..2)).flatten();
        let value =
            code.and_then(|c| std::str::from_utf8(c).ok()).and_then(|c| u8::from_str_radix(c, 16).ok());
        match value {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
