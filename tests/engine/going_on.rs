//! What stands between a run and going on: pictures that have changed, an end that lies behind, checkpoints that
//! this program cannot read. In each case nothing is lost and everything is said.

use std::fs;
use std::path::{Path, PathBuf};

use alexnet_lab::config::RunConfig;
use alexnet_lab::engine::{Event, TakeUp, interrupted_run};
use alexnet_lab::train::checkpoint::{Checkpoint, Shelf, read_state};
use tempfile::tempdir;

use super::kept::{contents, copy, kept};
use super::resume::{assert_same, ended, info, refusal, refused, resumed, take_up, warnings};
use super::{Command, engine, is_step, quick, run};
use crate::support::reseal;

/// Twenty pictures of two classes in a folder.
fn pictures(folder: &Path) -> PathBuf {
    let pictures = folder.join("pictures");
    for class in ["cat", "dog"] {
        fs::create_dir_all(pictures.join(class)).unwrap();
        for number in 0..10 {
            draw(&pictures.join(format!("{class}/{number}.png")), number * 20);
        }
    }
    pictures
}

fn draw(path: &Path, blue: u8) {
    let shade = |x: u32, y: u32| image::Rgb([(x * 7) as u8, (y * 9) as u8, blue]);
    image::RgbImage::from_fn(40, 40, shade).save(path).unwrap();
}

/// A run on them of two epochs.
fn on_pictures(folder: &Path, pictures: &Path) -> RunConfig {
    let mut config = quick(&folder.join("run"));
    config.data.source = pictures.display().to_string();
    config.data.cache_dir = Some(folder.join("cache"));
    config.optim.batch = Some(4);
    config
}

fn notes(events: &[Event]) -> Vec<&str> {
    fn text(event: &Event) -> Option<&str> {
        if let Event::Note(text) = event { Some(text) } else { None }
    }
    events.iter().filter_map(text).collect()
}

#[test]
fn a_picture_that_has_changed_is_named_whichever_it_is() {
    let folder = tempdir().unwrap();
    let pictures = pictures(folder.path());
    let config = on_pictures(folder.path(), &pictures);
    let out = config.run.out.clone().unwrap();
    run(config);
    for (number, path) in [("cat", 0), ("cat", 3), ("dog", 4), ("dog", 9)].into_iter().enumerate() {
        let name = format!("{}/{}.png", path.0, path.1);
        let path = pictures.join(&name);
        let before = fs::read(&path).unwrap();
        draw(&path, 7);
        // Kept on disk, in memory, and nowhere.
        let changes: &[&str] = match number {
            0 | 1 => &[],
            2 => &["data.prepared=false"],
            _ => &["data.prepared=false", "data.cache_mib=0"],
        };
        let message = refusal(&out, changes);
        assert!(message.contains("1 of 20 has changed") && message.contains(&name), "{message}");
        assert!(message.contains("--changed-pictures") && message.contains("--branch"), "{message}");
        fs::write(&path, before).unwrap();
    }
    // The files are others by their dates, but their pictures are those that they were.
    resumed(&out, &["run.epochs=3"]);
}

#[test]
fn changed_pictures_can_be_gone_on_with_if_that_is_wanted() {
    let folder = tempdir().unwrap();
    let pictures = pictures(folder.path());
    let config = on_pictures(folder.path(), &pictures);
    let out = config.run.out.clone().unwrap();
    run(config);
    (0..10).for_each(|number| draw(&pictures.join(format!("dog/{number}.png")), 7));
    let message = refusal(&out, &["run.epochs=3"]);
    assert!(message.contains("10 of 20 have changed") && message.contains("and 7 more"), "{message}");
    let engine = engine();
    let order = TakeUp {
        path: out.clone(),
        changes: vec!["run.epochs=3".into()],
        changed_pictures: true,
        ..TakeUp::default()
    };
    engine.send(Command::TakeUp(Box::new(order)));
    let (events, summary) = ended(&engine);
    assert_eq!(summary.step, 12);
    let told = warnings(&events);
    assert!(told.iter().any(|text| text.contains("10 of 20 have changed")), "{told:?}");
    // From now on these are the pictures of the run.
    let (events, _) = resumed(&out, &["run.epochs=4"]);
    assert_eq!(warnings(&events), [""; 0]);
    // Others in number are another run, whatever was asked for.
    fs::remove_file(pictures.join("cat/3.png")).unwrap();
    let order = TakeUp { path: out, changed_pictures: true, ..TakeUp::default() };
    engine.send(Command::TakeUp(Box::new(order)));
    let message = refused(&engine);
    assert!(message.contains("instead of") && !message.contains("--changed-pictures"), "{message}");
}

#[test]
fn pictures_that_have_moved_are_asked_for_by_their_new_place() {
    let folder = tempdir().unwrap();
    let pictures = pictures(folder.path());
    let config = on_pictures(folder.path(), &pictures);
    let out = config.run.out.clone().unwrap();
    run(config);
    let moved = folder.path().join("elsewhere");
    fs::rename(&pictures, &moved).unwrap();
    let message = refusal(&out, &["run.epochs=3"]);
    assert!(message.contains(&format!("--resume {} --data NEW_PLACE", out.display())), "{message}");
    let source = format!("data.source={:?}", moved.display().to_string());
    let (events, summary) = resumed(&out, &["run.epochs=3", &source]);
    assert_eq!((warnings(&events).len(), summary.step), (0, 12), "{:?}", warnings(&events));
}

#[test]
fn an_end_that_lies_behind_is_refused_and_a_run_that_is_done_says_so() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("run");
    run(quick(&out));
    let before = contents(&out);
    for change in ["run.epochs=1", "run.max_steps=5"] {
        let message = refusal(&out, &[change]);
        assert!(message.contains("12 updates (2.0 epochs) have been made already"), "{message}");
        assert!(message.contains("count from the beginning"), "{message}");
    }
    assert_eq!(contents(&out), before, "something was touched");
    let branch = folder.path().join("branch");
    let place = format!("run.out={:?}", branch.display().to_string());
    for changes in [&["run.epochs=1"][..], &["optim.lr=0.002"]] {
        let engine = engine();
        take_up(&engine, &out, true, &[changes, &[place.as_str()]].concat());
        let message = refused(&engine);
        assert!(message.contains("12 updates") && message.contains("--epochs"), "{message}");
        assert!(!branch.exists(), "a folder was left");
    }
    let (events, _) = resumed(&out, &[]);
    assert!(!events.iter().any(is_step));
    let told = notes(&events);
    assert!(told.iter().any(|text| text.contains("which is all of the run")), "{told:?}");
}

/// Makes a checkpoint one of a version that is not out yet.
fn make_newer(path: &Path) {
    let state = fs::read_to_string(path.join("state.json")).unwrap();
    assert!(state.contains("\"format\": 1"), "{state}");
    fs::write(path.join("state.json"), state.replace("\"format\": 1", "\"format\": 99")).unwrap();
    reseal(path);
}

#[test]
fn a_checkpoint_of_a_newer_version_is_not_passed_over_and_never_removed() {
    let folder = tempdir().unwrap();
    let [whole, out] = ["whole", "run"].map(|name| folder.path().join(name));
    kept(&whole);
    copy(&whole, &out);
    let shelf = Shelf::of_run(&out);
    make_newer(&shelf.path(12));
    let before = contents(&out);
    let message = refusal(&out, &[]);
    assert!(message.contains("newer version") && message.contains("step-00000012"), "{message}");
    assert_eq!(contents(&out), before, "something was touched");
    let older = shelf.list().into_values().rev().nth(1).unwrap();
    assert!(message.contains(&older.display().to_string()), "none is offered: {message}");
    let (events, _) = resumed(&older, &[]);
    assert_same(&whole, &out);
    let told = notes(&events);
    assert!(told.iter().any(|text| text.contains("update 12 was put aside")), "{told:?}");
    assert!(Checkpoint::read(&shelf.path(12)).is_ok(), "not written anew");
    assert!(
        shelf.aside().join("step-00000012/model.safetensors").exists(),
        "what was not understood is gone"
    );
}

#[test]
fn a_disk_that_does_not_answer_is_no_damage() {
    let folder = tempdir().unwrap();
    kept(folder.path());
    let shelf = Shelf::of_run(folder.path());
    // A folder in the place of a file: opening or reading it fails, and not because it is missing.
    let file = shelf.path(12).join("training.safetensors");
    fs::rename(&file, folder.path().join("away")).unwrap();
    fs::create_dir(&file).unwrap();
    let message = refusal(folder.path(), &[]);
    assert!(message.contains("training.safetensors cannot be read"), "{message}");
    assert!(message.contains("just now") && message.contains("name "), "{message}");
    fs::remove_dir(&file).unwrap();
    fs::rename(folder.path().join("away"), &file).unwrap();
    let (events, _) = resumed(folder.path(), &[]);
    assert_eq!(info(&events).taken_up.as_ref().unwrap().step, 12);
}

#[test]
fn later_checkpoints_stay_until_the_run_has_come_past_them() {
    let folder = tempdir().unwrap();
    kept(folder.path());
    let shelf = Shelf::of_run(folder.path());
    let steps: Vec<u64> = shelf.list().into_keys().collect();
    // Another run in the same folder, which stops before the end.
    let early = shelf.path(steps[0]);
    let stop = steps[1].max(steps[0] + 1);
    let (events, summary) = resumed(&early, &[&format!("run.max_steps={stop}")]);
    assert_eq!(summary.step, stop);
    let told = notes(&events);
    assert!(told.iter().any(|text| text.contains("put aside")), "{told:?}");
    let aside: Vec<String> = fs::read_dir(shelf.aside())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(aside.contains(&"step-00000012".to_owned()), "{aside:?}");
    assert!(aside.iter().all(|name| name[5..].parse::<u64>().unwrap() > stop), "{aside:?} beside {stop}");
    // What lies aside still serves a branch.
    let engine = engine();
    let out = format!("run.out={:?}", folder.path().join("branch").display().to_string());
    take_up(&engine, &shelf.aside().join("step-00000012"), true, &["run.epochs=3", &out]);
    assert_eq!(ended(&engine).1.step, 18);
    drop(engine);
    resumed(folder.path(), &["run.max_steps=12"]);
    assert!(!shelf.aside().exists(), "what was overtaken is left");
}

#[cfg(unix)]
#[test]
fn a_folder_with_links_to_elsewhere_is_refused_and_nothing_is_written_there() {
    let folder = tempdir().unwrap();
    let whole = folder.path().join("whole");
    kept(&whole);
    let precious = folder.path().join("precious.txt");
    for name in ["metrics.csv", "run.lock", "config.toml.part", "checkpoints/.step-00000013.part"] {
        fs::write(&precious, "not yours").unwrap();
        let out = folder.path().join(name.replace(['/', '.'], "-"));
        copy(&whole, &out);
        let _ = fs::remove_file(out.join(name));
        std::os::unix::fs::symlink(&precious, out.join(name)).unwrap();
        let message = refusal(&out, &["run.epochs=3"]);
        assert!(message.contains(name) && message.contains("link"), "{message}");
        assert_eq!(fs::read_to_string(&precious).unwrap(), "not yours", "{name}");
    }
}

#[test]
fn the_best_stays_although_a_better_one_could_not_be_written() {
    let folder = tempdir().unwrap();
    kept(folder.path());
    let shelf = Shelf::of_run(folder.path());
    let best = read_state(&shelf.path(12)).unwrap().best.unwrap().step;
    // Two later ones, so that the best is among neither of the last.
    if best == 12 {
        let first = read_state(&shelf.path(6)).unwrap().best.unwrap().step;
        assert_eq!(first, 6);
        fs::remove_dir_all(shelf.path(12)).unwrap();
        shelf.prune(1, Some(12));
        assert!(shelf.path(6).exists(), "the best that is there was removed");
    } else {
        shelf.prune(1, Some(999));
        assert!(shelf.path(best).exists(), "the best that is there was removed");
        assert!(shelf.list().len() <= 2);
    }
}

#[test]
fn what_is_done_to_the_model_beside_the_tables_does_not_reach_the_checkpoints() {
    let folder = tempdir().unwrap();
    let (_, summary) = run(quick(folder.path()));
    let path = folder.path().join("model.safetensors");
    // In place, as `cp` and many libraries write.
    fs::write(&path, "something else").unwrap();
    let (_, last) = summary.checkpoints.last.unwrap();
    Checkpoint::read(&last).unwrap();
    resumed(folder.path(), &[]);
    assert_eq!(fs::read(path).unwrap(), fs::read(last.join("model.safetensors")).unwrap());
}

#[test]
fn looking_for_an_interrupted_run_finds_it_where_it_was_kept_and_leaves_no_trace() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("0003-of-mine");
    let mut config = quick(&out);
    config.run.max_steps = Some(3);
    run(config);
    // As if it had been meant to be longer.
    let last = Shelf::of_run(&out).path(3);
    let state = fs::read_to_string(last.join("state.json")).unwrap();
    fs::write(last.join("state.json"), state.replace("\"total_steps\": 3", "\"total_steps\": 30")).unwrap();
    reseal(&last);
    fs::remove_file(out.join("run.lock")).unwrap();
    let before = contents(folder.path());
    let remembered = folder.path().join("0002-before");
    for last in [&out, &remembered] {
        let found = interrupted_run(Some(last)).expect("it was interrupted");
        assert_eq!((found.folder.as_path(), found.step, found.total_steps), (out.as_path(), 3, 30));
    }
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn a_run_of_the_first_version_goes_on() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("run");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/run-0.1"), &out);
    let [checkpoint] = &Shelf::of_run(&out).list().into_values().collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!(read_state(checkpoint).unwrap().data.pixels_crc32, None, "the fixture was written anew");
    let place = format!("data.cache_dir={:?}", folder.path().join("cache").display().to_string());
    let (events, summary) = resumed(&out, &["run.epochs=3", &place]);
    let taken = info(&events).taken_up.clone().unwrap();
    assert_eq!((taken.step, taken.history.steps.len(), summary.step), (12, 12, 18));
    // Figures of another machine may differ in their last digits, but no more.
    assert!(taken.replay_difference.unwrap() < 1e-4, "{:?}", taken.replay_difference);
    let rows = fs::read_to_string(out.join("metrics.csv")).unwrap();
    assert_eq!(rows.lines().filter(|row| row.contains(",train,")).count(), 18);
}
