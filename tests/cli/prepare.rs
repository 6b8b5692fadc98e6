//! `data prepare` and `data cache` from outside, also where the disk is full and where the program is killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::tempdir;

use super::{QUICK, call, events, objects, program};
use crate::support;

/// Class folders of pictures that take a while to decode.
fn noisy(folder: &Path, count: u32, side: u32) {
    for number in 0..count {
        let path = folder.join(format!("pets/{}/{number:03}.png", ["cat", "dog"][number as usize % 2]));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut state = number + 1;
        let picture = image::RgbImage::from_fn(side, side, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Rgb([(state >> 24) as u8, (state >> 16) as u8, number as u8])
        });
        picture.save(path).unwrap();
    }
}

/// Every file of the only store, but its locks.
fn stored(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let stores = fs::read_dir(folder.join("cache/alexnet-lab/prepared")).into_iter().flatten().flatten();
    for store in stores.filter(|entry| entry.path().is_dir()) {
        for file in fs::read_dir(store.path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "lock") {
                files.insert(path.strip_prefix(folder).unwrap().into(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn a_source_is_prepared_once_listed_and_removed() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    noisy(root, 12, 40);
    fs::write(root.join("pets/cat/letter.png"), "dear cat").unwrap();

    let output = call(root, &["data", "prepare", "pets", "--model", "cifar-80sec", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let first = objects(&output);
    let last = events(&first, "preparing").pop().unwrap();
    assert_eq!((&last["done"], &last["total"]), (&13.into(), &13.into()));
    let prepared = events(&first, "prepared")[0];
    assert_eq!((&prepared["side"], &prepared["decoded"]), (&32.into(), &13.into()));
    assert_eq!(prepared["train"].as_u64().unwrap() + prepared["validation"].as_u64().unwrap(), 12);
    assert_eq!(events(&first, "refused")[0]["name"], "cat/letter.png");

    let text = String::from_utf8(call(root, &["data", "prepare", "pets", "--side", "32"]).stdout).unwrap();
    assert!(text.contains("12 pictures at 32x32") && text.contains("there already"), "{text}");
    assert!(text.contains("cat/letter.png: not a picture"), "{text}");

    // A run finds them there.
    let args = [&["train", "--data", "pets", "--epochs", "1", "--out", "run"], QUICK].concat();
    let before = stored(root);
    assert!(call(root, &args).status.success());
    assert!(stored(root) == before);

    let listed = objects(&call(root, &["data", "cache", "--json"]));
    let store = events(&listed, "store")[0];
    assert_eq!((&store["pictures"], &store["refused"], &store["side"]), (&12.into(), &1.into(), &32.into()));
    assert!(store["source"].as_str().unwrap().ends_with("pets"));
    assert_eq!(events(&listed, "cache")[0]["bytes"], store["bytes"]);
    let text = String::from_utf8(call(root, &["data", "cache", "--clean"]).stdout).unwrap();
    assert!(text.contains("12 pictures") && text.contains("removed"), "{text}");
    assert!(stored(root).is_empty());
    assert_eq!(events(&objects(&call(root, &["data", "cache", "--json"])), "store").len(), 0);
}

#[test]
fn statuses_follow_the_contract() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    for args in
        [&["nowhere"][..], &["nowhere", "--json"], &["sample", "--model", "vgg"], &["sample", "--side", "4"]]
    {
        assert_eq!(call(root, &[&["data", "prepare"], args].concat()).status.code(), Some(2), "{args:?}");
    }
    let output = call(root, &["data", "prepare", "sample", "--side", "16", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(events(&objects(&output), "prepared")[0]["folder"].is_null(), "the sample is drawn anew");
    noisy(root, 4, 16);
    fs::write(root.join("file"), "").unwrap();
    let output = call(root, &["data", "prepare", "pets", "--set", "data.cache_dir=file"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("set data.cache_dir"));
    let args = [&["train", "--data", "pets", "--epochs", "1", "--out", "run"], QUICK].concat();
    let output = call(root, &[&args[..], &["--set", "data.cache_dir=file"]].concat());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("warning: prepared pictures cannot be kept"), "{text}");
    let args = [&["train", "--data", "pets", "--epochs", "1", "--out", "run2"], QUICK].concat();
    let output = call(root, &[&args[..], &["--set", "data.prepared=false"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!root.join("cache/alexnet-lab/prepared").exists(), "nothing is kept where that is switched off");
}

/// Runs the program in a shell that first does `before`; nothing if the system does not let it.
fn in_shell(root: &Path, before: &str, args: &str) -> Option<std::process::Output> {
    let script = format!("{before} && touch allowed && {} {args}", env!("CARGO_BIN_EXE_alexnet-lab"));
    let mut command = program(root);
    let environment: Vec<_> =
        command.get_envs().map(|(k, v)| (k.to_owned(), v.map(ToOwned::to_owned))).collect();
    command = std::process::Command::new("unshare");
    command.args(["--mount", "bash", "-c", &script]).current_dir(root).stdin(Stdio::null());
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output().ok()?;
    root.join("allowed").exists().then_some(output)
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_given_its_room_again_and_a_run_goes_on() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    noisy(root, 60, 40);
    fs::create_dir(root.join("disk")).unwrap();
    let small = "mount -t tmpfs -o size=96k none disk";
    let set = "--set data.cache_dir=disk";
    let after = "; status=$?; find disk -type f -size +0; exit $status";
    let Some(output) = in_shell(root, small, &format!("data prepare pets --side 32 {set}{after}")) else {
        return support::skip("a full disk: this system does not let tests mount one");
    };
    let (text, left) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert!(text.contains("is full") && text.contains("make room"), "{text}");
    assert_eq!(left, "", "nothing is left on the disk");
    assert_eq!(output.status.code(), Some(1));

    let args = [&["train", "--data", "pets", "--epochs", "1", "--out", "run"], QUICK].concat().join(" ");
    let output = in_shell(root, small, &format!("{args} {set}")).unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("is full") && text.contains("goes on without"),
        "{text}"
    );
    assert!(root.join("run/model.safetensors").exists());
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_can_only_be_read_serves_what_is_there() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    noisy(root, 12, 40);
    let prepare = ["data", "prepare", "pets", "--side", "32"];
    assert!(call(root, &prepare).status.success());
    let read_only = "mount --bind cache cache && mount -o remount,ro,bind cache";
    let Some(output) = in_shell(root, read_only, &prepare.join(" ")) else {
        return support::skip("a read-only folder: this system does not let tests mount one");
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("there already"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let output =
        in_shell(root, read_only, &[&prepare[..], &["--set", "data.split_seed=5"]].concat().join(" "));
    let text = String::from_utf8_lossy(&output.as_ref().unwrap().stdout).into_owned();
    assert!(output.unwrap().status.success() && text.contains("there already"), "another split: {text}");
    noisy(root, 14, 40);
    let args = [&["train", "--data", "pets", "--epochs", "1", "--out", "run"], QUICK].concat().join(" ");
    let output = in_shell(root, read_only, &args).unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("warning: prepared pictures cannot be kept"), "{text}");
    let output = in_shell(root, read_only, &prepare.join(" ")).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be kept"));
}

#[test]
fn ctrl_c_keeps_what_is_done() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    noisy(root, 40, 400);
    let mut child = program(root)
        .args(["data", "prepare", "pets", "--side", "64", "--json", "--set", "data.loader_threads=1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pixels =
        || stored(root).iter().find(|(path, _)| path.ends_with("pixels")).map_or(0, |(_, b)| b.len());
    let patience = Instant::now();
    while pixels() < 5 * 3 * 64 * 64 && patience.elapsed() < crate::support::in_time(Duration::from_secs(20))
    {
        std::thread::sleep(Duration::from_millis(2));
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let asked = Instant::now();
    let status = child.wait().unwrap();
    assert!(killed.success());
    if status.code() == Some(0) {
        return support::skip("stopping: this machine was done first");
    }
    assert_eq!(status.code(), Some(130));
    assert!(asked.elapsed() < crate::support::in_time(Duration::from_secs(2)), "{:?}", asked.elapsed());
    let again = objects(&call(root, &["data", "prepare", "pets", "--side", "64", "--json"]));
    let note = events(&again, "note")[0]["message"].as_str().unwrap();
    assert!(note.starts_with("resuming at ") && note.ends_with(" of 40 pictures"), "{note}");
    let decoded = events(&again, "prepared")[0]["decoded"].as_u64().unwrap();
    assert!(decoded <= 35, "{decoded} were decoded again");
}

/// Kills at random moments: as many as `ALEXNET_LAB_KILLS` says, or 5, which takes a few seconds.
#[test]
fn a_killed_preparation_is_absent_resumable_or_complete() {
    let kills: u32 = std::env::var("ALEXNET_LAB_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let folder = tempdir().unwrap();
    let root = folder.path();
    // A commit follows a quarter of a second after the last: so much work that there are some.
    let pictures = if kills > 5 { 200 } else { 60 };
    noisy(root, pictures, 500);
    let prepare = ["data", "prepare", "pets", "--side", "72", "--json", "--set", "data.loader_threads=1"];
    let started = Instant::now();
    assert!(call(root, &prepare).status.success());
    let whole = started.elapsed();
    let expected = stored(root);
    let cache = root.join("cache");
    fs::remove_dir_all(&cache).unwrap();

    let mut random =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64 | 1;
    eprintln!("killing {kills} times, random numbers from {random}");
    let mut seen = [0; 3];
    for kill in 0..kills {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = whole.mul_f64(0.9 * (random >> 40) as f64 / f64::from(1 << 24));
        let mut child =
            program(root).args(prepare).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        // What is there is made whole in a copy, which must end as if nothing had happened.
        let copy = tempdir().unwrap();
        let copied =
            std::process::Command::new("cp").arg("-a").arg(&cache).arg(copy.path()).status().unwrap();
        assert!(copied.success() || !cache.exists());
        let set = format!("data.cache_dir={}", copy.path().join("cache/alexnet-lab").display());
        let output = call(root, &[&prepare[..], &["--set", &set]].concat());
        assert_eq!(
            output.status.code(),
            Some(0),
            "kill {kill} after {moment:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let decoded = events(&objects(&output), "prepared")[0]["decoded"].as_u64().unwrap();
        seen[match decoded {
            count if count == u64::from(pictures) => 0,
            0 => 2,
            _ => 1,
        }] += 1;
        let got = stored(copy.path());
        assert!(
            got == expected,
            "kill {kill} after {moment:?}: the store differs from one made without interruption"
        );
        if decoded == 0 {
            fs::remove_dir_all(&cache).unwrap();
        }
    }
    eprintln!(
        "after {kills} kills: {} times nothing was kept, {} times a part, {} times all",
        seen[0], seen[1], seen[2]
    );
    assert!(kills <= 5 || seen[1] > 0, "no kill has left a part: the pictures are too few for this machine");
}

/// The lines of a report from one title to the next.
fn section(text: &str, title: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|line| !line.starts_with(title));
    lines.take_while(|line| line.starts_with(title) || line.starts_with(' ')).map(str::to_owned).collect()
}

#[test]
fn too_many_refused_files_are_listed_as_the_check_lists_them() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    noisy(root, 8, 20);
    for number in 0..30 {
        fs::write(root.join(format!("pets/cat/letter-{number:02}.png")), "dear cat, \"hello\"").unwrap();
    }
    let output = call(root, &["data", "prepare", "pets", "--side", "16", "--refused", "list.csv"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("cannot be used, more than data.max_refused_share allows"), "{error}");
    let listed = section(&String::from_utf8_lossy(&output.stdout), "Refused");
    let checked = call(root, &["data", "check", "pets", "--refused", "checked.csv"]);
    assert_eq!(checked.status.code(), Some(2));
    let wanted = section(&String::from_utf8_lossy(&checked.stdout), "Refused");
    // It stops early, so it may not have come to all of them.
    assert!(listed.len() > 10 && listed[1].contains("letter-00.png: not a picture"), "{listed:#?}");
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let (list, check) = (read("list.csv"), read("checked.csv"));
    assert!(list.lines().count() > 15, "{list}");
    assert!(list.lines().all(|line| check.lines().any(|other| other == line)), "{list}");

    let output = call(root, &["data", "prepare", "pets", "--side", "16", "--json"]);
    let told = objects(&output);
    assert!(events(&told, "refused").len() > 15 && events(&told, "failed").len() == 1);
    // As many as are allowed are no reason to stop; the report names the first and says where the others are.
    let set = ["--set", "data.max_refused_share=0.9", "--refused", "all.csv"];
    let output = call(root, &[&["data", "prepare", "pets", "--side", "16"], &set[..]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(section(&text, "Refused").len(), 22);
    assert_eq!(read("all.csv").lines().count(), 31);
    let set = ["--set", "data.max_refused_share=0.9"];
    let checked = call(root, &[&["data", "check", "pets"], &set[..]].concat());
    assert_eq!(section(&text, "Refused"), section(&String::from_utf8_lossy(&checked.stdout), "Refused"));
    assert!(wanted.len() > 10);
}

#[test]
fn one_new_file_is_told_as_one_new_file() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    noisy(root, 12, 20);
    let prepare = ["data", "prepare", "pets", "--side", "16"];
    assert!(call(root, &prepare).status.success());
    fs::copy(root.join("pets/cat/000.png"), root.join("pets/cat/new.png")).unwrap();
    let output = call(root, &prepare);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "1 new picture of 13\n");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 file was read in"));
}

#[test]
fn verifying_says_what_it_has_compared_and_found() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    noisy(root, 12, 20);
    let verify = ["data", "prepare", "pets", "--side", "16", "--verify"];
    let first = String::from_utf8(call(root, &verify).stdout).unwrap();
    assert!(first.contains("Compared     nothing: none of them was there before"), "{first}");
    let text = String::from_utf8(call(root, &verify).stdout).unwrap();
    assert!(text.contains("Compared     12 pictures with their files; all are the same"), "{text}");
    let before = stored(root);
    let pixels = before.keys().find(|path| path.ends_with("pixels")).unwrap();
    let mut bytes = before[pixels].clone();
    bytes[3 * 16 * 16 * 5 + 7] ^= 4;
    fs::write(root.join(pixels), bytes).unwrap();
    let output = call(root, &[&verify[..], &["--json"]].concat());
    let told = objects(&output);
    let verified = &events(&told, "prepared")[0]["verified"];
    assert_eq!((&verified["compared"], &verified["damaged"]), (&12.into(), &1.into()), "{verified}");
    assert_eq!((&verified["differing"], &verified["unread"]), (&0.into(), &0.into()), "{verified}");
    let last = events(&told, "preparing").pop().unwrap();
    assert_eq!((&last["done"], &last["total"]), (&12.into(), &12.into()));
    assert!(stored(root) == before);
}

#[test]
fn what_cannot_be_meant_is_said_plainly() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    noisy(root, 4, 20);
    let output = call(root, &["data", "prepare", "pets", "--set", "data.prepared=false"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("data.prepared is false") && text.contains("leave that setting out"), "{text}");
    assert!(!root.join("cache").exists());
    // What a preparation leaves that was killed at its very beginning.
    let store = root.join("cache/alexnet-lab/prepared/pets-16px-00000000");
    fs::create_dir_all(&store).unwrap();
    fs::write(store.join("writer.lock"), "").unwrap();
    let text = String::from_utf8(call(root, &["data", "cache"]).stdout).unwrap();
    assert!(text.contains("pets-16px-00000000` holds no pictures that can be used"), "{text}");
    assert!(!text.contains("0x0"), "{text}");
    assert!(call(root, &["data", "cache", "--clean"]).status.success());
    assert!(!store.exists());
}
