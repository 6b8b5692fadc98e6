//! Sources as large as ImageNet. They take seconds and hundreds of mebibytes of memory, so they are run by name:
//! `cargo test --release --test integration -- --ignored data::scale`

use std::fmt::Write;
use std::time::{Duration, Instant};

use alexnet_lab::data::Split;

use super::makers::{Place, open_at};
use super::png;

const PICTURES: usize = 1_300_000;

/// Most memory this process has held so far, in MiB; nothing where the system does not tell it.
fn peak_mib() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? / 1024)
}

fn name(number: usize) -> String {
    let class = number % 1000;
    format!("train/n{class:08}/n{class:08}_{number}.JPEG")
}

#[test]
#[ignore = "takes seconds and hundreds of MiB"]
fn a_list_of_1_300_000_files() {
    let mut list = String::new();
    for number in 0..PICTURES {
        let _ = writeln!(list, "{} {}", name(number), number % 1000);
    }
    let place = Place::with(&[("all.txt".into(), list.into_bytes()), (name(0), png(70, 64, [1, 2, 3]))]);
    measure(&place, "all.txt");
}

#[test]
#[ignore = "takes seconds and hundreds of MiB"]
fn a_tar_of_1_300_000_files() {
    let picture = png(70, 64, [1, 2, 3]);
    let place = Place::with(&[]);
    let file = std::fs::File::create(place.path("all.tar")).unwrap();
    let mut builder = tar::Builder::new(std::io::BufWriter::new(file));
    for number in 0..PICTURES {
        let mut header = tar::Header::new_gnu();
        // One picture is enough for the look at headers; the others are empty files.
        let bytes: &[u8] = if number == 0 { &picture } else { &[] };
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name(number), bytes).unwrap();
    }
    builder.into_inner().unwrap();
    measure(&place, "all.tar");
}

#[test]
#[ignore = "takes minutes and 1.3 million files on the disk"]
fn a_folder_of_1_300_000_files() {
    let place = Place::with(&[("all/readme.txt".into(), b"about".to_vec())]);
    for class in 0..1000 {
        std::fs::create_dir_all(place.path(&format!("all/train/n{class:08}"))).unwrap();
    }
    std::fs::write(place.path(&format!("all/{}", name(0))), png(70, 64, [1, 2, 3])).unwrap();
    for number in 1..PICTURES {
        std::fs::File::create(place.path(&format!("all/{}", name(number)))).unwrap();
    }
    measure(&place, "all");
}

fn measure(place: &Place, source: &str) {
    let started = Instant::now();
    let dataset = open_at(&place.path(source)).unwrap();
    let seconds = started.elapsed();
    assert_eq!(dataset.len(Split::Train) + dataset.len(Split::Validation), PICTURES);
    assert_eq!(dataset.description().classes.len(), 1000);
    let peak = peak_mib();
    eprintln!("{source}: {PICTURES} files in {seconds:.1?}, at most {peak:?} MiB");
    assert!(seconds < Duration::from_secs(60), "{seconds:?}");
    assert!(peak.is_none_or(|mib| mib < 1024), "{peak:?} MiB");
}
