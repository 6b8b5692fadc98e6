//! The view of runs: what it lists of a folder, what is compared of the ticked ones, and what a click asks for.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use alexnet_lab::config::RunConfig;
use alexnet_lab::engine::{Command, RunList, RunNews, RunState, TakeUp};
use alexnet_lab::gui::{Column, Tab};
use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tempfile::{TempDir, tempdir};

use super::panels::{click, disabled, shows, type_into};
use super::rig::Rig;

/// Leaves a run of `steps` updates with a validation every tenth, ten of them an epoch.
pub fn run(root: &Path, name: &str, rate: f64, steps: u64, error: f64) -> PathBuf {
    let folder = root.join(name);
    fs::create_dir_all(&folder).unwrap();
    let mut config = RunConfig::default();
    config.model.preset = Some("alexnet-64".into());
    config.optim.lr = Some(rate);
    fs::write(folder.join("config.toml"), config.to_toml()).unwrap();
    let mut rows = "step,epoch,split,loss,top1_error,top5_error,lr\n".to_owned();
    for step in 1..=steps {
        let epoch = step as f64 / 10.0;
        rows += &format!("{step},{epoch},train,{},0.5,0.25,{rate}\n", 2.0 - epoch / 100.0);
        if step % 10 == 0 {
            rows += &format!("{step},{epoch},validation,1.5,{error},0.125,\n");
        }
    }
    fs::write(folder.join("metrics.csv"), rows).unwrap();
    folder
}

/// Two finished runs, one that was broken off, and one whose settings cannot be read.
fn some_runs() -> TempDir {
    let root = tempdir().unwrap();
    for (name, rate, steps, error) in [("0001-slow", 0.001, 30, 0.5), ("0002-fast", 0.02, 40, 0.25)] {
        let folder = run(root.path(), name, rate, steps, error);
        fs::write(folder.join("model.safetensors"), "weights").unwrap();
    }
    run(root.path(), "0003-cut", 0.02, 5, 0.5);
    let damaged = run(root.path(), "0004-bad", 0.02, 5, 0.5);
    fs::write(damaged.join("config.toml"), "data = 3").unwrap();
    fs::create_dir(root.path().join("holiday")).unwrap();
    root
}

/// Draws until something is so.
fn wait(rig: &mut Rig, what: &str, is_so: impl Fn(&mut Rig) -> bool) {
    let began = Instant::now();
    loop {
        rig.settle();
        if is_so(rig) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn looking_at(folder: &Path) -> Rig {
    let mut rig = Rig::new();
    rig.harness.state_mut().view.compare.folder = Some(folder.to_owned());
    rig.harness.state_mut().view.tab = Tab::Compare;
    wait(&mut rig, "the first look", |rig| rig.harness.state().state.runs.looked);
    rig
}

/// Ticks the runs of these names and waits until their curves are there.
pub fn tick(rig: &mut Rig, names: &[&str]) {
    for name in names {
        click(rig, &format!("Compare {name}"));
    }
    wait(rig, "the curves", |rig| {
        let ticked = rig.harness.state().view.compare.ticked.clone();
        ticked.len() >= names.len()
            && ticked.iter().all(|run| rig.harness.state().state.runs.run(run).is_some())
    });
    rig.settle();
}

/// The names that the table lists, from top to bottom.
fn listed(rig: &Rig) -> Vec<String> {
    let mut rows: Vec<(f32, String)> = rig
        .harness
        .query_all_by_role(Role::ListItem)
        .map(|node| (node.rect().top(), node.accesskit_node().label().unwrap_or_default()))
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().map(|(_, told)| told.split(':').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn without_runs_the_view_says_how_to_get_some() {
    let root = tempdir().unwrap();
    let rig = looking_at(root.path());
    assert!(shows(&rig, "No runs yet") && shows(&rig, "Nothing to compare yet"));
    assert!(disabled(&rig, "Report…"));
    let rig = looking_at(&root.path().join("none"));
    assert!(shows(&rig, "No folder of runs here"));
}

#[test]
fn runs_are_listed_with_their_state_ordered_and_found() {
    let root = some_runs();
    let mut rig = looking_at(root.path());
    assert!(shows(&rig, "4 runs"), "{:?}", listed(&rig));
    assert!(shows(&rig, "0002-fast: finished; alexnet-64 on sample; 40 updates; best top-1 error 25.0 %"));
    assert!(shows(&rig, "0003-cut: interrupted") && shows(&rig, "0004-bad: damaged; config.toml"));
    click(&mut rig, "Column Run");
    assert_eq!(listed(&rig), ["0001-slow", "0002-fast", "0003-cut", "0004-bad"]);
    click(&mut rig, "Column Best top-1");
    assert_eq!(listed(&rig), ["0002-fast", "0001-slow", "0003-cut", "0004-bad"]);
    click(&mut rig, "Column Best top-1, ordered by it, smallest first");
    assert_eq!(
        listed(&rig),
        ["0001-slow", "0002-fast", "0003-cut", "0004-bad"],
        "what is not known stays last"
    );
    type_into(&mut rig, "Find runs", "finished alexnet slow");
    assert_eq!(listed(&rig), ["0001-slow"]);
    assert!(shows(&rig, "1 of 4 runs"));
}

#[test]
fn ticked_runs_are_compared() {
    let root = some_runs();
    let mut rig = looking_at(root.path());
    tick(&mut rig, &["0001-slow", "0002-fast"]);
    assert!(shows(&rig, "Top-1 error of 2 runs. 0001-slow train 50.0 % validation 50.0 %; 0002-fast"));
    click(&mut rig, "Updates");
    assert!(rig.harness.state().view.compare.by_update);
    click(&mut rig, "Settings");
    rig.harness.get_by_label("optim.lr");
    rig.harness.get_by_label("0.001");
    assert!(!shows(&rig, "optim.momentum") && !shows(&rig, "run.out"), "they are the same in both");
    click(&mut rig, "Kernels");
    assert!(shows(&rig, "This run has kept no kernels"));
    click(&mut rig, "Compare 0002-fast");
    click(&mut rig, "Settings");
    assert!(shows(&rig, "One more run, please"));
}

#[test]
fn what_is_asked_for_the_run_at_hand() {
    let root = some_runs();
    let cut = root.path().join("0003-cut");
    fs::create_dir_all(cut.join("checkpoints/step-00000005")).unwrap();
    // Its checkpoint holds nothing: the run is damaged until the checkpoint is gone.
    let mut rig = looking_at(root.path());
    assert!(disabled(&rig, "Resume") && disabled(&rig, "Open its model"));
    rig.harness.get_by_label_contains("0003-cut: damaged; none of its checkpoints can be read").click();
    rig.settle();
    assert!(disabled(&rig, "Resume"));
    click(&mut rig, "Branch from it…");
    wait(&mut rig, "the list of checkpoints", |rig| shows(rig, "update 5"));
    assert!(shows(&rig, "Branch from 0003-cut"));
    click(&mut rig, "update 5");
    click(&mut rig, "Go on from there");
    let Some(Command::TakeUp(order)) = rig.command() else { panic!("a branch was not asked for") };
    let path = cut.join("checkpoints/step-00000005");
    assert_eq!(*order, TakeUp { path, branch: true, ..TakeUp::default() });

    fs::remove_dir_all(cut.join("checkpoints")).unwrap();
    let mut rig = looking_at(root.path());
    rig.harness.get_by_label_contains("0003-cut: interrupted").click();
    rig.settle();
    assert!(disabled(&rig, "Open its model"));
    click(&mut rig, "Resume");
    assert!(matches!(rig.command(), Some(Command::TakeUp(order)) if order.path == cut && !order.branch));

    let mut rig = looking_at(root.path());
    rig.harness.get_by_label_contains("0001-slow: finished").click();
    rig.settle();
    assert!(disabled(&rig, "Resume"));
    click(&mut rig, "Open its model");
    let model = root.path().join("0001-slow/model.safetensors");
    assert!(matches!(rig.command(), Some(Command::Load { path, .. }) if path == model));
}

#[test]
fn the_table_is_walked_and_ticked_with_the_keys() {
    let root = some_runs();
    let mut rig = looking_at(root.path());
    click(&mut rig, "Column Run");
    rig.harness.get_by_role(Role::List).focus();
    rig.settle();
    for key in [Key::ArrowDown, Key::ArrowDown, Key::Space, Key::End] {
        rig.harness.key_press(key);
        rig.settle();
    }
    let view = &rig.harness.state().view.compare;
    assert_eq!(view.ticked, [root.path().join("0002-fast")]);
    assert_eq!(view.at_hand, Some(root.path().join("0004-bad")));
    assert!(rig.command().is_none(), "Space belongs to the table");
}

#[test]
fn a_run_that_grows_appears_or_goes_is_seen() {
    let root = some_runs();
    let mut rig = looking_at(root.path());
    tick(&mut rig, &["0003-cut"]);
    run(root.path(), "0003-cut", 0.02, 20, 0.125);
    run(root.path(), "0009-new", 0.02, 10, 0.5);
    fs::remove_dir_all(root.path().join("0001-slow")).unwrap();
    let lock = File::create(root.path().join("0009-new/run.lock")).unwrap();
    lock.lock().unwrap();
    wait(&mut rig, "the new run", |rig| shows(rig, "0009-new: running"));
    assert!(!shows(&rig, "0001-slow"));
    wait(&mut rig, "the longer curve", |rig| shows(rig, "0003-cut train 50.0 % validation 12.5 %"));
}

#[test]
fn a_report_of_the_ticked_runs_is_written() {
    let root = some_runs();
    let mut rig = looking_at(root.path());
    tick(&mut rig, &["0001-slow", "0002-fast"]);
    assert!(!disabled(&rig, "Report…"));
    click(&mut rig, "Report…");
    click(&mut rig, "Write no report");
    assert!(!shows(&rig, "Write report"));
    click(&mut rig, "Report…");
    let path = root.path().join("report.html");
    assert_eq!(rig.harness.state().view.compare.report.as_deref(), path.to_str());
    click(&mut rig, "Write report");
    wait(&mut rig, "the report", |rig| shows(rig, "The report is in"));
    let page = fs::read_to_string(path).unwrap();
    assert!(page.contains("2 runs compared") && page.contains("0001-slow") && !page.contains("0003-cut"));
}

#[test]
fn two_hundred_runs_are_listed_once_and_read_again_only_where_they_change() {
    let root = tempdir().unwrap();
    for number in 0..200 {
        run(root.path(), &format!("{number:04}-run"), 0.01, 3, 0.5);
    }
    let mut list = RunList::default();
    let look = |list: &mut RunList| {
        let (mut read, mut gone) = (Vec::new(), Vec::new());
        let looked = list.look(
            root.path(),
            || true,
            |news| match news {
                RunNews::Entry(entry) => read.push(entry),
                RunNews::Gone(folder) => gone.push(folder),
                RunNews::Reading { .. } => {}
            },
        );
        assert_eq!(looked, Ok(()));
        (read, gone)
    };
    let (read, _) = look(&mut list);
    assert!(read.len() == 200 && read.iter().all(|entry| entry.state == RunState::Interrupted));
    assert_eq!(look(&mut list), (Vec::new(), Vec::new()));
    run(root.path(), "0123-run", 0.01, 4, 0.5);
    fs::remove_dir_all(root.path().join("0007-run")).unwrap();
    let (read, gone) = look(&mut list);
    assert_eq!(read.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["0123-run"]);
    assert_eq!(gone, [root.path().join("0007-run")]);

    let mut rig = looking_at(root.path());
    click(&mut rig, "Column Run");
    assert!(listed(&rig).len() < 40, "only the rows in sight are drawn");
    assert_eq!(rig.harness.state().view.compare.order, Column::Run);
}
