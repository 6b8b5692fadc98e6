//! `data list` and `data get` from outside, against a server on this computer.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::tempdir;

use super::{QUICK, call, events, objects, program};
use crate::download::{catalogue, content, file};
use crate::web::{Answer, Web};

/// A `.tgz` of two classes of coloured squares.
fn pets() -> Vec<u8> {
    let mut builder =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for class in ["cat", "dog"] {
        for number in 0..12_u8 {
            let mut png = std::io::Cursor::new(Vec::new());
            let colour = if class == "cat" { [200, number, 0] } else { [0, number, 200] };
            image::RgbImage::from_pixel(32, 32, image::Rgb(colour))
                .write_to(&mut png, image::ImageFormat::Png)
                .unwrap();
            let mut header = tar::Header::new_gnu();
            header.set_size(png.get_ref().len() as u64);
            header.set_mode(0o644);
            builder
                .append_data(&mut header, format!("pets/{class}/{number}.png"), &png.get_ref()[..])
                .unwrap();
        }
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// Makes the set "pets" known in `folder`.
fn know(folder: &Path, bytes: &[u8], web: &Web) {
    fs::create_dir_all(folder.join("datasets")).unwrap();
    let files = [file("pets.tgz", bytes, &[web.url("/pets.tgz")])];
    fs::write(folder.join("datasets/catalogue.toml"), catalogue("pets", "Pets", &files)).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("datasets/pets")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

#[test]
fn the_list_says_what_there_is() {
    let folder = tempdir().unwrap();
    let output = call(folder.path(), &["data", "list"]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.starts_with("cifar-10 ")).unwrap();
    assert!(line.contains("162.2 MiB") && line.contains("not here"), "{line}");

    let output = call(folder.path(), &["data", "list", "mnist"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for words in [
        "Licence",
        "train-images-idx3-ubyte.gz",
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "cifar-80sec",
        "by hand",
    ] {
        assert!(text.contains(words), "{words} is missing in\n{text}");
    }
    let objects = objects(&call(folder.path(), &["data", "list", "--json"]));
    let sets = events(&objects, "known_set");
    assert!(sets.len() >= 8);
    for set in sets {
        for key in ["name", "title", "about", "good_for", "preset", "licence", "state", "folder", "source"] {
            assert!(set[key].is_string(), "{key}");
        }
        assert_eq!(set["state"], "absent");
        assert!(set["files"][0]["md5"].is_string() && set["bytes"].is_u64());
    }
    let output = call(folder.path(), &["data", "list", "nothing"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_downloaded_set_is_a_source_by_its_name() {
    let folder = tempdir().unwrap();
    let bytes = pets();
    let web = Web::of(&bytes);
    know(folder.path(), &bytes, &web);
    // Before, the program says how to get it.
    let output = call(folder.path(), &["data", "check", "pets"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    for words in ["alexnet-lab data get pets", "pets.tgz", &web.url("/pets.tgz"), "datasets/pets", "md5"] {
        assert!(text.contains(words), "{words} is missing in {text}");
    }

    let output = call(folder.path(), &["data", "get", "PETS", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = objects(&output);
    let downloads = events(&objects, "download");
    assert!(downloads.iter().all(|object| object["phase"].is_string() && object["name"] == "PETS"));
    let last = downloads.last().unwrap();
    assert_eq!((&last["phase"], &last["received"]), (&"receiving".into(), &bytes.len().into()));
    assert_eq!(last["total"], bytes.len());
    let end = objects.last().unwrap();
    assert_eq!(end["event"], "downloaded");
    assert!(end["path"].as_str().unwrap().ends_with("datasets/pets/pets.tgz"));

    let output = call(folder.path(), &["data", "check", "pets", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let output = call(
        folder.path(),
        &[&["train", "--data", "pets", "--max-steps", "1", "--out", "run"], &QUICK[..6]].concat(),
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(fs::read_to_string(folder.path().join("run/config.toml")).unwrap().contains("source = \"pets\""));
    // A folder of that name here goes before it.
    fs::create_dir(folder.path().join("pets")).unwrap();
    let output = call(folder.path(), &["data", "check", "pets"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("holds no pictures"));
    assert_eq!(web.asked().len(), 1);
}

/// An idx file of bytes, packed.
fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(values);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn a_set_of_four_files_is_opened_as_one() {
    let folder = tempdir().unwrap();
    let labels = |count: u8| (0..count).map(|number| number % 3).collect::<Vec<u8>>();
    let contents = [
        ("train-images-idx3-ubyte.gz", idx(&[30, 28, 28], &content(30 * 784, 1))),
        ("train-labels-idx1-ubyte.gz", idx(&[30], &labels(30))),
        ("t10k-images-idx3-ubyte.gz", idx(&[9, 28, 28], &content(9 * 784, 2))),
        ("t10k-labels-idx1-ubyte.gz", idx(&[9], &labels(9))),
    ];
    let served = contents.clone();
    let web = Web::serve(move |asked| {
        let found = served.iter().find(|(name, _)| asked.path.ends_with(name));
        found.map_or_else(|| Answer::status(404), |(_, bytes)| Answer::file(bytes, "\"v1\"", asked))
    });
    let files: Vec<_> =
        contents.iter().map(|(name, bytes)| file(name, bytes, &[web.url(&format!("/{name}"))])).collect();
    fs::create_dir_all(folder.path().join("datasets")).unwrap();
    fs::write(folder.path().join("datasets/catalogue.toml"), catalogue("strokes", "Strokes", &files))
        .unwrap();
    let output = call(folder.path(), &["data", "get", "strokes"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let output = call(folder.path(), &["data", "check", "strokes"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("30 pictures to train on, 9 to validate"), "{text}");
    // One of them goes missing: the set is not opened without it.
    fs::remove_file(folder.path().join("datasets/strokes/t10k-labels-idx1-ubyte.gz")).unwrap();
    let output = call(folder.path(), &["data", "check", "strokes"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not downloaded yet"));
}

#[test]
fn what_does_not_come_ends_with_the_right_status() {
    let folder = tempdir().unwrap();
    let bytes = content(50_000, 1);
    let mut corrupt = bytes.clone();
    corrupt[9] ^= 4;
    let web = Web::of(&corrupt);
    know(folder.path(), &bytes, &web);
    let failed = |args: &[&str], status: i32, words: &str| {
        for json in [&[][..], &["--json"]] {
            let output = call(folder.path(), &[args, json].concat());
            let text = String::from_utf8(output.stderr.clone()).unwrap();
            assert_eq!(output.status.code(), Some(status), "{text}");
            let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error:")).collect();
            assert!(errors.len() == 1 && errors[0].contains(words), "{text}");
            if !json.is_empty() {
                assert_eq!(objects(&output).last().unwrap()["event"], "failed");
            }
        }
    };
    failed(&["data", "get", "pets"], 1, "md5 differs");
    assert!(names(folder.path()).is_empty());
    failed(&["data", "get", "nothing"], 2, "choose one of pets, cifar-10");
    failed(&["data", "get", "pets", "--mirror", "nowhere"], 2, "mirror");
    failed(&["data", "get", "pets", "--proxy", "gopher://x"], 2, "proxy");
    let output = call(folder.path(), &["data", "get", "pets"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("To do it by hand"));
}

#[test]
fn another_folder_and_a_mirror_are_obeyed() {
    let folder = tempdir().unwrap();
    let bytes = pets();
    let (authors, mirror) = (Web::of(&bytes), Web::of(&bytes));
    know(folder.path(), &bytes, &authors);
    fs::create_dir(folder.path().join("stick")).unwrap();
    fs::copy(folder.path().join("datasets/catalogue.toml"), folder.path().join("stick/catalogue.toml"))
        .unwrap();
    let args = ["data", "get", "pets", "--to", "stick", "--mirror", &mirror.url("/sets")];
    let output = call(folder.path(), &args);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let place = folder.path().canonicalize().unwrap().join("stick/pets/pets.tgz");
    assert!(text.contains(&format!("--data {}", place.display())), "{text}");
    assert_eq!((authors.asked().len(), &mirror.asked()[0].path[..]), (0, "/sets/pets/pets.tgz"));
    let output = call(folder.path(), &["data", "check", place.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_there_and_leaves_130() {
    let folder = tempdir().unwrap();
    let bytes = content(200_000, 2);
    let served = bytes.clone();
    let web = Web::serve(move |asked| {
        let answer = Answer::file(&served, "\"v1\"", asked);
        if asked.number == 0 { answer.dripping(1000, Duration::from_millis(10)) } else { answer }
    });
    know(folder.path(), &bytes, &web);
    let mut command = program(folder.path());
    let child = command.args(["data", "get", "pets", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    wait_for_part(folder.path(), 5000);
    let start = Instant::now();
    super::contract::interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert!(start.elapsed() < crate::support::in_time(Duration::from_secs(1)));
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(objects(&output).last().unwrap()["event"], "download_stopped");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the same command goes on"));
    assert_eq!(names(folder.path()), ["pets.tgz.part", "pets.tgz.part.json"]);
    let output = call(folder.path(), &["data", "get", "pets"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(web.ranges()[1].is_some_and(|from| from >= 5000));
    assert_eq!(fs::read(folder.path().join("datasets/pets/pets.tgz")).unwrap(), bytes);
}

/// Ends the program with force again and again: what lies there is never taken for whole, and in the end it is.
#[cfg(unix)]
#[test]
fn a_download_killed_again_and_again_comes_to_its_end() {
    let folder = tempdir().unwrap();
    let bytes = content(120_000, 3);
    let served = bytes.clone();
    let web = Web::serve(move |asked| {
        Answer::file(&served, "\"v1\"", asked).dripping(2000, Duration::from_millis(3))
    });
    know(folder.path(), &bytes, &web);
    let whole = folder.path().join("datasets/pets/pets.tgz");
    let mut kills = 0_u64;
    while !whole.exists() {
        assert!(kills < 40, "it never ended");
        let mut child = program(folder.path())
            .args(["data", "get", "pets"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Not at the same moment each time.
        let end = Instant::now() + Duration::from_millis(40 + kills * 37 % 90);
        while Instant::now() < end && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = child.kill();
        child.wait().unwrap();
        kills += 1;
        if !whole.exists() {
            let output = call(folder.path(), &["data", "check", "pets"]);
            let text = String::from_utf8(output.stderr).unwrap();
            assert!(text.contains("not downloaded yet"), "{text}");
        }
    }
    assert!(kills > 1, "nothing was interrupted");
    assert_eq!(fs::read(&whole).unwrap(), bytes);
    // The last kill may have come between the name and the note that the sum is right.
    assert_eq!(call(folder.path(), &["data", "get", "pets"]).status.code(), Some(0));
    assert_eq!(names(folder.path()), ["pets.tgz"]);
}

#[cfg(unix)]
fn wait_for_part(folder: &Path, bytes: u64) {
    let part = folder.join("datasets/pets/pets.tgz.part");
    let start = Instant::now();
    while !fs::metadata(&part).is_ok_and(|found| found.len() > bytes) {
        assert!(start.elapsed() < crate::support::in_time(Duration::from_secs(5)), "nothing comes");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Systems without any certificates, such as small containers, use those that come with the program; a stranger
/// is refused with them all the same.
#[cfg(target_os = "linux")]
#[test]
fn a_system_without_certificates_is_helped_but_trusts_no_stranger() {
    use std::io::Read;

    let folder = tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        // The first call ends before a word is said, because there is nothing to check the server with.
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 This is no TLS\r\n\r\n");
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    let files = [file("pets.tgz", &content(1000, 4), &[format!("https://{address}/pets.tgz")])];
    fs::create_dir_all(folder.path().join("datasets")).unwrap();
    fs::write(folder.path().join("datasets/catalogue.toml"), catalogue("pets", "Pets", &files)).unwrap();
    let output = program(folder.path())
        .args(["data", "get", "pets"])
        .env("SSL_CERT_FILE", folder.path().join("none.pem"))
        .env("SSL_CERT_DIR", folder.path().join("none"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("the system has no certificates"), "{text}");
    assert!(text.contains("no safe connection"), "{text}");
    server.join().unwrap();
}

#[cfg(unix)]
#[test]
fn the_command_that_uses_a_set_can_be_typed_as_it_stands() {
    let folder = tempdir().unwrap();
    let bytes = content(50_000, 1);
    let web = Web::of(&bytes);
    know(folder.path(), &bytes, &web);
    let place = folder.path().join("my sets");
    fs::create_dir(&place).unwrap();
    fs::copy(folder.path().join("datasets/catalogue.toml"), place.join("catalogue.toml")).unwrap();
    let output = call(folder.path(), &["data", "get", "pets", "--to", "my sets"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let path = text.lines().next().unwrap().split(" is here").next().unwrap();
    assert!(path.contains("my sets"), "{text}");
    assert!(text.contains(&format!("Use it: alexnet-lab train --data '{path}'")), "{text}");
}
