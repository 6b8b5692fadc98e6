//! Carrying out actions: the one place where a wish becomes a command to the engine.

use std::path::{Path, PathBuf};

use egui::{Context, OutputCommand};

use super::action::{Action, Figure};
use super::app::App;
use super::corrections::CorrectionList;
use super::data_view::Section;
use super::dialogs::Dialog;
use super::incoming;
use super::notice::Severity;
use super::state::Closing;
use super::tab::Tab;
use crate::engine::{BrowseRequest, Command, Inquiry, PictureSource, Views};

/// Pictures of one drop or one dialog that are asked about one by one; more are asked about together.
const AT_ONCE: usize = 24;
/// Smallest and largest size of everything.
const ZOOM: [f32; 2] = [0.6, 2.5];

impl App {
    /// Does what was asked. `frame` is the window that a dialog belongs to.
    pub fn carry_out(&mut self, action: Action, ctx: &Context, frame: Option<&eframe::Frame>) {
        match action {
            Action::UseSource(source) => self.use_source(source),
            Action::CancelOpening => self.browse(BrowseRequest::CancelOpening),
            Action::LookAgain => self.describe(),
            Action::AcceptCut => {
                self.draft.base.data.accept_cut = true;
                self.describe();
            }
            Action::CheckData => self.check_data(),
            Action::StopCheck => {
                self.state.gallery.asked_to_stop_check();
                self.browse(BrowseRequest::StopCheck);
            }
            Action::PickList(text) => self.background.ask(Dialog::SaveList("not-used.csv", text), frame),
            Action::WriteList(path, text) => self.background.write(path, text),
            Action::Show(tab) => self.show(tab),
            Action::ShowUnused => {
                (self.view.tab, self.view.data.section) = (Tab::Data, Section::Unused);
            }
            Action::Correct(name, correction) => self.correct(&name, correction),
            Action::UndoCorrection => self.change_corrections(CorrectionList::undo),
            Action::RedoCorrection => self.change_corrections(CorrectionList::redo),
            Action::ShowCorrections => {
                self.show(Tab::Data);
                self.view.data.section = Section::Corrections;
            }
            Action::PickCorrections => {
                let text = self.state.corrections.text();
                self.background.ask(Dialog::SaveList("corrections.csv", text), frame);
            }
            Action::PickCorrectionsToRead => self.background.ask(Dialog::Corrections, frame),
            Action::ReadCorrections(path) => self.read_corrections(&path),
            Action::Known(action) => self.carry_out_known(action, ctx),
            Action::Start => self.start(),
            Action::PickRun => self.background.ask(Dialog::Run, frame),
            Action::ResumeRun(path) => self.resume_run(path),
            Action::DismissInterrupted => self.state.interrupted = None,
            Action::Pause => self.send(Command::Pause),
            Action::Resume => self.send(Command::Resume),
            Action::Step => self.send(Command::Step),
            Action::Stop => self.stop(),
            Action::SaveAndClose => self.save_and_close(),
            Action::StayOpen => self.state.closing = Closing::No,
            Action::SetRate(rate) => self.send(Command::SetRate(rate)),
            Action::SaveNow => self.send(Command::Keep),
            Action::ToggleBranch => self.toggle_branch(),
            Action::Branch(path, rate) => self.branch(path, rate),
            Action::BranchFrom(run) => self.branch_from(run),
            Action::PickRuns => self.background.ask(Dialog::Runs, frame),
            Action::CompareIn(folder) => self.compare_in(&folder),
            Action::PickReport => self.background.ask(Dialog::SaveReport, frame),
            Action::WriteReport(path) => self.write_report(path),
            Action::Cure(remedy) => self.cure(remedy),
            Action::DismissDiagnosis => self.state.dismiss_diagnosis(),
            Action::ShowKernels(layer) => {
                self.view.film.layer = Some(layer.clone());
                self.send(Command::ShowKernels(layer));
            }
            Action::Layers(action) => self.carry_out_layers(action),
            Action::PickFilm => self.background.ask(Dialog::Film, frame),
            Action::CloseFilm => {
                self.state.opened_film = None;
                self.view.film.frame = None;
            }
            Action::ReadFilm(run) => self.background.read_film(run),
            Action::PickFigure(figure) => self.background.ask(Dialog::SaveFigure(figure), frame),
            Action::WriteFigure(figure, path) => self.write_figure(figure, path),
            Action::Measure => self.measure(),
            Action::PickTables => self.background.ask(Dialog::Tables, frame),
            Action::WriteTables(folder) => self.write_tables(folder),
            Action::FindRate => self.find_rate(),
            Action::TakeRate(rate) => self.take_rate(rate),
            Action::DismissSearch => self.state.search = None,
            Action::LoadModel(path) => self.load_model(path),
            Action::SaveModel(path) => self.send(Command::Save(path)),
            Action::Classify(source) => self.classify(source),
            Action::AskAgain(id) => self.ask_again(id, self.views()),
            Action::AskTenViews(id) => self.ask_again(id, Views::Ten),
            Action::PickAskedFolder => self.background.ask(Dialog::AskedFolder, frame),
            Action::AskAbout(inputs) => self.ask_about(inputs),
            Action::StopFolder => self.send(Command::Inquire(Inquiry::StopFolder)),
            Action::PickAnswers => self.pick_answers(frame),
            Action::MakeIndex => self.make_index(),
            Action::StopIndex => self.send(Command::Inquire(Inquiry::StopIndex)),
            Action::DropIndex => self.send(Command::Inquire(Inquiry::DropIndex)),
            Action::FindAlike(id) => self.find_alike(id),
            Action::Dropped(paths) => self.dropped(paths),
            Action::Paste => self.background.paste(),
            Action::PasteText(text) => self.paste_text(&text),
            Action::ShowPrediction(id) => self.state.shown_prediction = Some(id),
            Action::RemovePrediction(id) => self.state.remove_prediction(id),
            Action::DismissNotice(id) => self.state.notices.dismiss(id),
            Action::DismissSummary => self.state.summary = None,
            Action::OpenFolder(folder) => self.background.open_folder(folder),
            Action::PickFolder => self.background.ask(Dialog::Folder, frame),
            Action::PickArchive => self.background.ask(Dialog::Archive, frame),
            Action::PickPictures => self.background.ask(Dialog::Pictures, frame),
            Action::PickModel => self.background.ask(Dialog::Model, frame),
            Action::PickSave => {
                let name = self.state.model.as_ref().map_or("model", |model| &model.name);
                self.background.ask(Dialog::SaveModel(format!("{name}.safetensors")), frame);
            }
            Action::CopyText(text) => ctx.output_mut(|o| o.commands.push(OutputCommand::CopyText(text))),
            Action::SetTheme(theme) => ctx.set_theme(theme),
            Action::Zoom(larger) => {
                let step = if larger { 0.1 } else { -0.1 };
                let zoom = ((ctx.zoom_factor() + step) * 10.0).round() / 10.0;
                ctx.set_zoom_factor(zoom.clamp(ZOOM[0], ZOOM[1]));
            }
            Action::ResetZoom => ctx.set_zoom_factor(1.0),
            Action::ToggleSetup => self.view.setup_open = !self.view.setup_open,
            Action::ToggleShortcuts => self.view.shortcuts_open = !self.view.shortcuts_open,
        }
    }

    pub(super) fn use_source(&mut self, source: String) {
        if self.state.busy() {
            let text = "Stop the run before choosing other pictures to train on.";
            self.state.notices.push(Severity::Warning, text);
            return;
        }
        if source != "sample" {
            self.draft.typed_source.clone_from(&source);
        }
        if source != self.draft.base.data.source {
            self.draft.base.data.corrections = None;
        }
        self.draft.base.data.source = source;
        self.draft.base.data.accept_cut = false;
        self.show(Tab::Data);
        self.describe();
    }

    fn check_data(&mut self) {
        let Some(set) = self.state.gallery.open_set() else { return };
        self.state.gallery.asked_to_check(self.state.corrections.version());
        // The statistics show how far it is as well, and gain by it.
        if self.view.data.section != Section::Statistics {
            self.view.data.section = Section::Check;
        }
        let corrections = self.state.corrections.file().map(Path::to_owned);
        self.browse(BrowseRequest::Check { set, near: self.view.data.near, corrections });
    }

    /// Brings a view to the front; in a narrow window it takes the place of the left column.
    pub(super) fn show(&mut self, tab: Tab) {
        self.view.tab = tab;
        if self.view.narrow {
            self.view.setup_open = false;
        }
    }

    fn write_figure(&self, figure: Figure, path: PathBuf) {
        let film = self.state.film_in_view();
        let frames = match figure {
            Figure::Gif => film.frames().to_vec(),
            Figure::Png | Figure::Svg => {
                let shown = film.frame(self.view.film.frame).map(|(_, grid)| grid);
                shown.or(self.state.filters.as_ref()).cloned().into_iter().collect()
            }
        };
        self.background.write_figure(figure, frames, self.view.film.scale, path);
    }

    fn load_model(&mut self, path: PathBuf) {
        if self.state.busy() {
            let text = "Stop the run before opening a model: the run is using the network.";
            self.state.notices.push(Severity::Warning, text);
            return;
        }
        let device = self.draft.base.run.device.clone();
        self.send_when_free(Command::Load { path, device });
    }

    /// A model is opened, a folder or an archive becomes the data source, everything else is a picture. In front of the
    /// view of predictions, a folder is asked about.
    fn dropped(&mut self, paths: Vec<PathBuf>) {
        if paths.iter().filter(|path| incoming::is_data_source(path)).count() > 1 {
            let text = "Drop one folder or archive at a time: the one that holds a folder for each class.";
            self.state.notices.push(Severity::Warning, text);
            return;
        }
        // With the view of predictions in front, a folder is meant for the network at hand.
        let asking = self.view.tab == Tab::Predict && self.state.model.is_some();
        let mut pictures = Vec::new();
        for path in paths {
            if incoming::is_model(&path) {
                self.load_model(path);
            } else if asking && path.is_dir() {
                self.ask_about(vec![path]);
            } else if incoming::is_data_source(&path) {
                self.use_source(path.display().to_string());
            } else {
                pictures.push(path);
            }
        }
        if pictures.len() > AT_ONCE {
            self.ask_about(pictures);
        } else {
            pictures.into_iter().for_each(|path| self.classify(PictureSource::File(path)));
        }
    }

    fn paste_text(&mut self, text: &str) {
        let paths = incoming::paths_in(text);
        if paths.is_empty() {
            let text = "The pasted text is not the path of a file. Copy a picture, or the path of one.";
            self.state.notices.push(Severity::Warning, text);
        } else {
            self.dropped(paths);
        }
    }
}
