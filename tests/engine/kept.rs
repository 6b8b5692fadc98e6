//! What is kept of a run: which checkpoints, branches of them, and what is done when one is damaged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use alexnet_lab::engine::{Command, Event, StopReason};
use alexnet_lab::model::ModelFile;
use alexnet_lab::train::checkpoint::{Checkpoint, Parent, Shelf};
use tempfile::tempdir;

use super::resume::{assert_same, ended, info, refusal, refused, resumed, take_up, warnings};
use super::{endless, engine, is_step, quick, run, start, until};

/// A run of 12 updates with a checkpoint after each of the last 4.
pub fn kept(out: &Path) {
    // On a busy machine a checkpoint may take longer than several updates, and the tests need one in the first epoch.
    for _ in 0..20 {
        let mut config = quick(out);
        config.run.checkpoint_steps = 1;
        config.run.keep_checkpoints = 1000;
        let (_, summary) = run(config);
        assert_eq!(summary.step, 12);
        let all = Shelf::of_run(out).list();
        assert!(all.contains_key(&12), "{all:?}");
        if all.len() > 2 && all.range(2..6).next().is_some() {
            return;
        }
        fs::remove_dir_all(out).unwrap();
    }
    panic!("no checkpoint was written in time");
}

/// Every file below a folder with its bytes.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                all.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    all
}

pub fn copy(from: &Path, to: &Path) {
    for (path, bytes) in contents(from) {
        let path = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn the_last_ones_and_the_best_are_kept() {
    let folder = tempdir().unwrap();
    let mut config = quick(folder.path());
    config.run.epochs = Some(8);
    config.run.keep_checkpoints = 2;
    let (events, summary) = run(config);
    let mut best = (f64::INFINITY, 0);
    for event in &events {
        if let Event::Evaluation(point) = event
            && point.top1_error < best.0
        {
            best = (point.top1_error, point.step);
        }
    }
    let steps: Vec<u64> = Shelf::of_run(folder.path()).list().into_keys().collect();
    assert_eq!(*steps.last().unwrap(), 48);
    let expected = 2 + usize::from(best.1 < 42);
    assert!(steps.contains(&best.1) && steps.len() <= expected, "{steps:?}, the best is {best:?}");
    let (error, path) = summary.checkpoints.best.clone().unwrap();
    assert_eq!((error, path), (best.0, Shelf::of_run(folder.path()).path(best.1)));
    let told =
        events.iter().rev().find_map(|e| if let Event::Checkpoint(info) = e { Some(info) } else { None });
    let told = told.unwrap();
    let files = contents(&folder.path().join("checkpoints"));
    let bytes: usize = files.values().map(Vec::len).sum();
    assert_eq!((told.kept, told.total_bytes, told.step), (steps.len(), bytes as u64, 48));
    assert_eq!((summary.checkpoints.kept, summary.checkpoints.bytes), (steps.len(), bytes as u64));
    // No time nor temporary name is left behind.
    assert_eq!(fs::read_dir(folder.path().join("checkpoints")).unwrap().count(), steps.len());
}

#[test]
fn a_pause_keeps_the_state() {
    let folder = tempdir().unwrap();
    let engine = engine();
    start(&engine, endless(folder.path()));
    until(&engine, is_step);
    engine.send(Command::Pause);
    let events = until(&engine, |e| matches!(e, Event::Checkpoint(_)));
    let Some(Event::Checkpoint(kept)) = events.last() else { unreachable!() };
    let checkpoint = Checkpoint::read(&kept.path).unwrap();
    assert_eq!(checkpoint.state.step, kept.step);
    let rows = fs::read(folder.path().join("metrics.csv")).unwrap();
    assert_eq!(checkpoint.state.metrics.bytes, rows.len() as u64, "every row is on the disk");
}

/// What happens to a file.
type Damage = fn(&Path);

#[test]
fn each_damaged_file_is_named_and_the_checkpoint_before_is_used() {
    let folder = tempdir().unwrap();
    let whole = folder.path().join("whole");
    kept(&whole);
    let damages: [(&str, Damage); 3] = [
        ("bytes instead of", |path| {
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        }),
        ("has changed", |path| {
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
            fs::write(path, bytes).unwrap();
        }),
        ("is missing", |path| fs::remove_file(path).unwrap()),
    ];
    let files = ["model.safetensors", "training.safetensors", "state.json", "config.toml", "checksums.txt"];
    for (number, name) in files.into_iter().enumerate() {
        for (word, damage) in damages {
            let run = folder.path().join(format!("{number}-{}", &word[..3]));
            copy(&whole, &run);
            let last = Shelf::of_run(&run).path(12);
            damage(&last.join(name));
            // Half of the sums are still sums, of fewer files.
            let word = if name == "checksums.txt" && word != "is missing" { "" } else { word };
            let asked = refusal(&last, &[]);
            assert!(asked.contains(name) && asked.contains(word), "{name}: {asked}");
            assert!(asked.contains("step-000000"), "none is offered: {asked}");
            let (events, _) = resumed(&run, &[]);
            let told = warnings(&events);
            assert!(told.len() == 1 && told[0].contains(name) && told[0].contains(word), "{name}: {told:?}");
            let taken = info(&events).taken_up.as_ref().unwrap();
            assert!(taken.step < 12 && taken.replay_difference == Some(0.0));
            assert_same(&whole, &run);
            Checkpoint::read(&last).unwrap_or_else(|e| panic!("{name}: not written anew: {e}"));
        }
    }
}

#[test]
fn when_nothing_is_whole_all_of_it_is_named() {
    let folder = tempdir().unwrap();
    kept(folder.path());
    let all = Shelf::of_run(folder.path()).list();
    for path in all.values() {
        fs::write(path.join("model.safetensors"), "no model").unwrap();
    }
    let before = contents(folder.path());
    let message = refusal(folder.path(), &[]);
    assert!(all.keys().all(|step| message.contains(&format!("{step:08}"))), "{message}");
    assert!(message.contains("model.safetensors") && message.contains("--config"), "{message}");
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn figures_that_were_cut_or_changed_are_named() {
    let folder = tempdir().unwrap();
    let [whole, cut] = ["whole", "cut"].map(|name| folder.path().join(name));
    kept(&whole);
    copy(&whole, &cut);
    let metrics = cut.join("metrics.csv");
    let text = fs::read_to_string(&metrics).unwrap();
    // Without its last two rows, so that some checkpoints still fit.
    let rows: Vec<&str> = text.lines().collect();
    fs::write(&metrics, rows[..rows.len() - 2].join("\n") + "\n").unwrap();
    let (events, _) = resumed(&cut, &[]);
    assert!(warnings(&events).iter().all(|text| text.contains("metrics.csv")), "{:?}", warnings(&events));
    assert!(!warnings(&events).is_empty());
    assert_same(&whole, &cut);
    fs::write(&metrics, text.replace("train", "brain")).unwrap();
    let message = refusal(&cut, &[]);
    assert!(message.contains("metrics.csv has changed") && message.contains("--branch"), "{message}");
}

#[test]
fn an_older_checkpoint_leads_to_the_same_end() {
    let folder = tempdir().unwrap();
    let [whole, again] = ["whole", "again"].map(|name| folder.path().join(name));
    kept(&whole);
    copy(&whole, &again);
    let (step, path) = Shelf::of_run(&again).list().pop_first().unwrap();
    assert!(step < 6, "{step}");
    let (events, _) = resumed(&path, &[]);
    assert_eq!(info(&events).taken_up.as_ref().unwrap().step, step);
    assert_same(&whole, &again);
}

#[test]
fn a_branch_is_a_run_of_its_own() {
    let folder = tempdir().unwrap();
    let parent = folder.path().join("parent");
    kept(&parent);
    let before = contents(&parent);
    let shelf = Shelf::of_run(&parent);
    let (step, from) = shelf.list().into_iter().find(|(step, _)| (2..6).contains(step)).unwrap();

    let branch = |name: &str, changes: &[&str]| {
        let out = folder.path().join(name);
        let engine = engine();
        let changes: Vec<String> = changes
            .iter()
            .map(|c| (*c).to_owned())
            .chain([format!("run.out={:?}", out.display().to_string())])
            .collect();
        take_up(&engine, &from, true, &changes.iter().map(String::as_str).collect::<Vec<_>>());
        (ended(&engine), out)
    };
    // Unchanged, it makes the updates that its parent made.
    let ((events, summary), out) = branch("same", &[]);
    let taken = info(&events).taken_up.clone().unwrap();
    assert!(taken.branch && taken.step == step && taken.replay_difference == Some(0.0));
    assert_eq!(summary.step, 12);
    let rows = |run: &Path| -> Vec<String> {
        let text = fs::read_to_string(run.join("metrics.csv")).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    assert_eq!(rows(&out)[1..], rows(&parent)[1 + step as usize..]);
    let model = |run: &Path| ModelFile::read(&run.join("model.safetensors")).unwrap();
    assert_eq!(model(&out), model(&parent));
    let noted: Parent = serde_json::from_slice(&fs::read(out.join("parent.json")).unwrap()).unwrap();
    assert_eq!((noted.step, noted.checkpoint.as_path()), (step, from.as_path()));

    // With another rate, another batch and another length it goes its own way.
    let ((events, summary), out) = branch("other", &["optim.lr=0.002", "optim.batch=8", "run.epochs=3"]);
    assert_eq!(info(&events).steps_per_epoch, 12);
    let first = events.iter().find_map(|e| if let Event::Step(p, _) = e { Some(*p) } else { None }).unwrap();
    assert_eq!((first.step, first.lr, summary.step), (2 * step + 1, 0.002, 36));
    // It can be interrupted and taken up as any other, and still knows where it comes from.
    let last = Checkpoint::read(&summary.checkpoints.last.unwrap().1).unwrap();
    assert_eq!(last.state.parent.unwrap().changes[..2], ["optim.lr=0.002", "optim.batch=8"]);
    resumed(&out, &["run.epochs=4"]);

    let engine = engine();
    take_up(&engine, &from, true, &["model.activation=tanh"]);
    let message = refused(&engine);
    assert!(message.contains("model.activation"), "{message}");
    assert_eq!(contents(&parent), before, "the parent was touched");
}

#[test]
fn a_loss_that_is_no_number_leads_back_to_the_last_good_state() {
    let folder = tempdir().unwrap();
    let engine = engine();
    start(&engine, endless(folder.path()));
    until(&engine, is_step);
    engine.send(Command::Pause);
    let events = until(&engine, |e| matches!(e, Event::Checkpoint(_)));
    let Some(Event::Checkpoint(good)) = events.last() else { unreachable!() };
    engine.send(Command::SetRate(1e12));
    engine.send(Command::Resume);
    let (_, summary) = ended(&engine);
    assert_eq!(summary.reason, StopReason::Diverged);
    assert_eq!(summary.checkpoints.last, Some((good.step, good.path.clone())));
    let trouble = summary.trouble.unwrap();
    assert!(trouble.contains("layer") || trouble.contains("weights"), "{trouble}");
    let model = ModelFile::read(&summary.model_file.unwrap()).unwrap();
    assert_eq!(model.step, good.step);
    assert!(model.weights.iter().flatten().all(|weight| weight.is_finite()));
    // It ends with the row that tells, and nothing after it.
    let metrics = fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
    let nonsense = metrics.lines().skip(1).filter(|row| row.contains("NaN") || row.contains("inf")).count();
    assert_eq!(nonsense, 1, "{metrics}");
    // And a branch with a sane rate goes on from there.
    let out = format!("run.out={:?}", folder.path().join("branch").display().to_string());
    take_up(&engine, &good.path, true, &["optim.lr=0.001", "run.max_steps=20", &out]);
    let (_, summary) = ended(&engine);
    assert_eq!(summary.reason, StopReason::Finished);
}

#[test]
fn what_a_crash_in_the_middle_of_a_write_has_left_is_put_right() {
    let folder = tempdir().unwrap();
    let [whole, run] = ["whole", "run"].map(|name| folder.path().join(name));
    kept(&whole);
    copy(&whole, &run);
    let shelf = Shelf::of_run(&run);
    fs::create_dir(shelf.folder().join(".step-00000013.part")).unwrap();
    fs::write(shelf.folder().join(".step-00000013.part/model.safetensors"), "half").unwrap();
    fs::create_dir(shelf.folder().join(".step-00000001.gone")).unwrap();
    // Between the two renames of a replacement.
    fs::rename(shelf.path(12), shelf.folder().join(".step-00000012.old")).unwrap();
    resumed(&run, &[]);
    assert_same(&whole, &run);
    let hidden = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with('.');
    assert_eq!(fs::read_dir(shelf.folder()).unwrap().flatten().filter(hidden).count(), 0);
}

#[test]
fn a_folder_of_checkpoints_that_is_gone_is_made_again() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("run");
    let engine = engine();
    start(&engine, endless(&out));
    until(&engine, is_step);
    fs::remove_dir_all(out.join("checkpoints")).unwrap();
    engine.send(Command::Pause);
    let events = until(&engine, |e| matches!(e, Event::Checkpoint(_)));
    let Some(Event::Checkpoint(kept)) = events.last() else { unreachable!() };
    assert!(kept.path.exists());
    engine.send(Command::Stop);
    let (_, summary) = ended(&engine);
    assert!(summary.model_file.unwrap().exists());
}
