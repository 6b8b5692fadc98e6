//! The keys of `bench`, and what it refuses.

use image::{Rgb, RgbImage};
use serde_json::Value;
use tempfile::tempdir;

use super::{call, events, objects};

#[test]
fn data_tells_every_speed_with_the_machine() {
    let folder = tempdir().unwrap();
    for number in 0..20_u8 {
        let class = folder.path().join("pets").join(if number < 10 { "cat" } else { "dog" });
        std::fs::create_dir_all(&class).unwrap();
        let picture = RgbImage::from_fn(60, 40, |x, y| Rgb([number, x as u8, y as u8]));
        picture.save(class.join(format!("{number}.png"))).unwrap();
    }
    let args = ["bench", "data", "--source", "pets", "--runs", "2", "--device", "cpu", "--json"];
    let output = call(folder.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = objects(&output);
    let [found] = events(&objects, "bench")[..] else { panic!("{objects:?}") };
    assert_eq!(
        (&found["bench"], &found["machine"]["version"]),
        (&"data".into(), &env!("CARGO_PKG_VERSION").into())
    );
    assert!(found["machine"]["threads"].as_u64() >= Some(1) && found["device"].is_string());
    let prepare = found["prepare"].as_array().unwrap();
    assert_eq!(
        (prepare.len(), &prepare[0]["pictures"], &prepare[0]["count"]),
        (1, &"pets".into(), &20.into())
    );
    let number = |value: &Value| value.as_f64().expect("a number");
    for rate in [&prepare[0], &found["copy"], &found["feed"], &found["input"]] {
        let runs: Vec<f64> = rate["runs"].as_array().unwrap().iter().map(number).collect();
        assert_eq!(runs.len(), 2);
        assert!(
            (number(&rate["pictures_per_s"]) - (runs[0] + runs[1]) / 2.0).abs() < 1e-3 * runs[0],
            "{rate}"
        );
        let gigabytes = number(&rate["pictures_per_s"]) * f64::from(3 * 256 * 256) / 1e9;
        assert!((number(&rate["gb_per_s"]) - gigabytes).abs() < 1e-6 * gigabytes, "{rate}");
    }
    let share = number(&found["feed"]["gb_per_s"]) / number(&found["copy"]["gb_per_s"]);
    assert!((number(&found["feed_share_of_copy"]) - share).abs() < 1e-9);
    // Nothing is left in the working folder, and the pictures are as they were.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let folder = tempdir().unwrap();
    for (args, part) in [
        (&["bench", "data", "--source", "nowhere"][..], "nowhere"),
        (&["bench", "data", "--device", "toaster"], "toaster"),
        (&["bench", "data", "--runs", "0"], "--runs"),
        (&["bench"], "data"),
    ] {
        let output = call(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(part), "{args:?}: {text}");
    }
}
