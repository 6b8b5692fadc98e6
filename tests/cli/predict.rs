//! `alexnet-lab predict` on folders: the table, the figures, the training pictures most alike.

use std::fs;

use tempfile::tempdir;

use super::{call, events, objects};
use crate::tiny;

#[test]
fn a_folder_becomes_a_table_and_figures() {
    let home = tempdir().unwrap();
    let model = tiny::network_file(home.path());
    let model = model.to_str().unwrap();
    let classes = tiny::network().classes;
    let place = home.path().join("set").join(&classes[3]);
    fs::create_dir_all(&place).unwrap();
    image::RgbImage::from_pixel(20, 12, image::Rgb([200, 30, 30])).save(place.join("a, \"b\".png")).unwrap();
    fs::write(home.path().join("set/notes.txt"), "no picture").unwrap();

    let args = ["predict", "--model-file", model, "--device", "cpu", "--json", "--csv", "out.csv", "set"];
    let output = call(home.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = objects(&output);
    let told = events(&objects, "predict");
    assert_eq!(told.len(), 2);
    let picture = told.iter().find(|object| object["top"].is_array()).unwrap();
    assert_eq!(picture["truth"]["class"], classes[3].as_str());
    let rank = picture["truth"]["rank"].as_u64().unwrap();
    let score = events(&objects, "score")[0];
    assert_eq!((score["labelled"].as_u64(), score["unusable"].as_u64()), (Some(1), Some(1)));
    assert_eq!(score["top1_error"], if rank == 1 { 0.0 } else { 1.0 });
    let table = fs::read_to_string(home.path().join("out.csv")).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[0].starts_with("path,true_class,rank,probability,class_1,probability_1,"), "{}", lines[0]);
    let row = lines.iter().find(|line| line.contains("a, \"\"b\"\".png")).expect("a row for the picture");
    assert!(row.contains(&format!("\",\"{}\",{rank},0.", classes[3])), "{row}");
    assert!(lines.iter().any(|line| line.contains("notes.txt") && line.contains("not a picture")), "{table}");

    let args = ["predict", "--model-file", model, "--device", "cpu", "--csv", "none/out.csv", "set"];
    let output = call(home.path(), &args);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("none/out.csv"));
}

#[test]
fn the_training_pictures_most_alike_are_listed() {
    let home = tempdir().unwrap();
    let model = tiny::network_file(home.path());
    let source = home.path().join("pets");
    for (class, red) in [("cat", 20), ("dog", 220)] {
        fs::create_dir_all(source.join(class)).unwrap();
        for number in 0..4u8 {
            let picture = image::RgbImage::from_pixel(16, 16, image::Rgb([red + number, 90, 60]));
            picture.save(source.join(class).join(format!("{number}.png"))).unwrap();
        }
    }
    let args = [
        "predict",
        "--model-file",
        model.to_str().unwrap(),
        "--device",
        "cpu",
        "--json",
        "--nearest",
        "pets",
        "--csv",
        "out.csv",
    ];
    let output = call(home.path(), &[&args[..], &["pets/dog"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = objects(&output);
    let told = events(&objects, "predict");
    assert_eq!(told.len(), 4);
    for picture in told {
        let near = picture["nearest"].as_array().unwrap();
        assert!(near.len() >= 4, "{picture}");
        assert_eq!(near[0]["class"], "dog", "{picture}");
        let distances: Vec<f64> = near.iter().map(|one| one["distance"].as_f64().unwrap()).collect();
        assert!(distances.is_sorted(), "{distances:?}");
    }
    let table = fs::read_to_string(home.path().join("out.csv")).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    let end = ",nearest_6,nearest_class_6,distance_6,problem";
    assert!(
        lines[0].contains(",nearest_1,nearest_class_1,distance_1,") && lines[0].ends_with(end),
        "{}",
        lines[0]
    );
    let told: Vec<_> = events(&objects, "predict");
    for (line, picture) in lines[1..].iter().zip(told) {
        let first = &picture["nearest"][0];
        let name = first["name"].as_str().unwrap();
        let field = format!(",\"{name}\",\"dog\",{:.6},", first["distance"].as_f64().unwrap());
        assert!(line.contains(&field), "{field} is missing in {line}");
    }
}
