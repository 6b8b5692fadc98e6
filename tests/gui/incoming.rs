//! Files that are dropped and text that is pasted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alexnet_lab::engine::{Command, Event, Inquiry, PictureSource, StopReason};
use alexnet_lab::gui::Tab;
use egui::{DroppedFile, HoveredFile};
use egui_kittest::kittest::Queryable as _;

use super::rig::{Rig, summary};

#[derive(Debug)]
struct File(PathBuf);

impl DroppedFile for File {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("only the path counts".into())
    }
}

fn drop_files(rig: &mut Rig, paths: &[&Path]) {
    for path in paths {
        rig.harness.input_mut().dropped_files.push(Arc::new(File((*path).to_owned())));
    }
    rig.settle();
}

/// Paths of the pictures that the window has asked about since the last call.
fn asked(rig: &mut Rig) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    while let Some(command) = rig.command() {
        match command {
            Command::Predict { source: PictureSource::File(path), top: 5, .. } => paths.push(path),
            other => panic!("not a prediction: {other:?}"),
        }
    }
    paths
}

#[test]
fn dropped_pictures_are_classified() {
    let mut rig = Rig::training();
    drop_files(&mut rig, &[Path::new("a.jpg"), Path::new("b.weird")]);
    assert_eq!(asked(&mut rig), [PathBuf::from("a.jpg"), PathBuf::from("b.weird")]);
    rig.harness.get_by_label("Show a.jpg: waiting");
}

#[test]
fn a_flood_of_pictures_is_asked_about_together() {
    let mut rig = Rig::training();
    let paths: Vec<PathBuf> = (0..100).map(|number| format!("{number}.jpg").into()).collect();
    drop_files(&mut rig, &paths.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    let Some(Command::Inquire(Inquiry::Folder { inputs, .. })) = rig.command() else { panic!("a folder") };
    assert_eq!(inputs, paths);
    assert_eq!(rig.harness.state().view.tab, Tab::Predict);
    rig.harness.get_by_label("Folder: 100 files");
}

#[test]
fn without_a_network_a_picture_is_not_lost_in_silence() {
    let mut rig = Rig::new();
    drop_files(&mut rig, &[Path::new("a.jpg")]);
    assert!(rig.command().is_none());
    rig.harness.get_by_label("There is no network to ask yet: start training, or open a model.");
}

#[test]
fn folders_archives_and_models_are_told_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut rig = Rig::new();
    drop_files(&mut rig, &[folder.path()]);
    let folder = folder.path().display().to_string();
    assert_eq!(rig.opened(), Some(folder.clone()));
    rig.tell_opened(&folder, Ok(()));
    drop_files(&mut rig, &[Path::new("set.TAR")]);
    assert_eq!(rig.opened().as_deref(), Some("set.TAR"));
    rig.tell_opened("set.TAR", Err("it is empty"));
    assert!(rig.harness.query_all_by_label("It is empty.").count() > 0);
    for name in ["net.safetensors", "net.PTH", "net.pt", "net.caffemodel"] {
        drop_files(&mut rig, &[Path::new(name)]);
        assert!(
            matches!(rig.command(), Some(Command::Load { path, .. }) if path == Path::new(name)),
            "{name}"
        );
    }
    assert_eq!(rig.harness.state().view.recent, [folder], "what cannot be used is not remembered");
}

#[test]
fn a_run_keeps_its_data_and_its_network() {
    let mut rig = Rig::training();
    drop_files(&mut rig, &[Path::new("set.tar"), Path::new("net.safetensors")]);
    assert!(rig.command().is_none());
    rig.harness.get_by_label("Stop the run before choosing other pictures to train on.");
    rig.harness.get_by_label("Stop the run before opening a model: the run is using the network.");
    rig.send(Event::Stopped(Box::new(summary(StopReason::Asked))));
    drop_files(&mut rig, &[Path::new("net.safetensors")]);
    assert!(matches!(rig.command(), Some(Command::Load { .. })));
}

#[test]
fn pasted_paths_are_classified() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a picture.jpg");
    std::fs::write(&path, "x").expect("a writable folder");
    let plain = path.display().to_string();
    let address = format!("file://{}", plain.replace(' ', "%20"));
    let mut rig = Rig::training();
    for text in
        [plain.clone(), format!("\"{plain}\""), address.clone(), format!("{address}\n/no/such/file.jpg\n")]
    {
        rig.harness.event(egui::Event::Paste(text.clone()));
        rig.settle();
        assert_eq!(asked(&mut rig), std::slice::from_ref(&path), "{text}");
    }
    rig.harness.event(egui::Event::Paste("a sentence, not a path".into()));
    rig.settle();
    assert!(rig.command().is_none());
    rig.harness
        .get_by_label("The pasted text is not the path of a file. Copy a picture, or the path of one.");
}

#[test]
fn text_pasted_into_a_field_belongs_to_the_field() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut rig = Rig::new();
    rig.harness.get_by_label("Path of a folder or archive").focus();
    rig.settle();
    let text = folder.path().display().to_string();
    rig.harness.event(egui::Event::Paste(text.clone()));
    rig.settle();
    assert!(rig.command().is_none());
    assert_eq!(rig.harness.state().draft.typed_source, text);
    rig.harness.key_press(egui::Key::Enter);
    rig.settle();
    assert_eq!(rig.opened(), Some(text));
}

#[test]
fn files_held_over_the_window_do_no_harm() {
    let mut rig = Rig::new();
    rig.harness
        .input_mut()
        .hovered_files
        .push(HoveredFile { path: Some("a.jpg".into()), mime: String::new() });
    rig.settle();
    assert!(rig.command().is_none());
}
