//! Looking at pictures beside the engine: what is found, what is refused, what is given up.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alexnet_lab::config::{ColourNoise, DataConfig};
use alexnet_lab::data::Split;
use alexnet_lab::engine::{
    Among, BrowseNews, BrowseRequest, BrowseSet, Browser, DataCheck, LargePicture, Look, PictureProblem,
    Place, Preview, SmallPicture, Survey, VARIATIONS,
};
use image::{ImageFormat, Rgb, RgbImage};
use tempfile::{TempDir, tempdir};

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

const PREVIEW: Preview = Preview {
    stored_side: 40,
    crop_side: 32,
    augment: true,
    colour_noise: ColourNoise::Off,
    colour_strength: 0.1,
    seed: 7,
};

fn browser() -> Browser {
    Browser::spawn(|| {}).unwrap()
}

/// The first piece of news that `wanted` takes.
fn wait<T>(browser: &Browser, wanted: impl Fn(BrowseNews) -> Option<T>) -> T {
    loop {
        let news = browser.news().recv_timeout(PATIENCE).expect("the browser says something in time");
        if let Some(found) = wanted(news) {
            return found;
        }
    }
}

fn open_config(browser: &Browser, id: u64, config: DataConfig) -> BrowseSet {
    browser.send(BrowseRequest::Open { id, config: Box::new(config) });
    wait(browser, |news| match news {
        BrowseNews::Opened(set) => Some(*set),
        BrowseNews::Unusable { reason, .. } => panic!("cannot be used: {reason}"),
        _ => None,
    })
}

fn open(browser: &Browser, source: &Path) -> BrowseSet {
    open_config(browser, 1, DataConfig { source: source.display().to_string(), ..DataConfig::default() })
}

fn place(class: Option<u32>, position: usize) -> Place {
    Place { split: Split::Train, among: class.map_or(Among::Mixed, Among::Class), position }
}

fn small(browser: &Browser, set: u64, wanted: Place, look: Look) -> Result<SmallPicture, PictureProblem> {
    browser.send(BrowseRequest::Show { set, version: 1, places: vec![wanted], look });
    wait(browser, |news| match news {
        BrowseNews::Small { place, result, .. } if place == wanted => Some(result),
        _ => None,
    })
}

fn large(browser: &Browser, wanted: Place, preview: Preview, epoch: usize) -> LargePicture {
    browser.send(BrowseRequest::Enlarge { set: 1, place: wanted, preview, epoch });
    wait(browser, |news| match news {
        BrowseNews::Large { place, result, .. } if place == wanted => Some(*result.unwrap()),
        _ => None,
    })
}

fn surveyed(browser: &Browser) -> Survey {
    wait(browser, |news| match news {
        BrowseNews::Surveyed { survey, .. } => Some(*survey),
        _ => None,
    })
}

fn png(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(width, height, Rgb(colour)).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Two classes of six pictures of 60 x 50 pixels; the second of `dark` is broken.
fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    for (class, level) in [("dark", 10), ("light", 200)] {
        fs::create_dir(folder.path().join(class)).unwrap();
        for number in 0..6 {
            let broken = class == "dark" && number == 1;
            let bytes =
                if broken { b"no picture".to_vec() } else { png(60, 50, [level + number, level, level]) };
            fs::write(folder.path().join(class).join(format!("{number}.png")), bytes).unwrap();
        }
    }
    fs::write(folder.path().join("loose.txt"), "notes").unwrap();
    folder
}

/// All of them to train on but one of each class.
fn folder_config(folder: &Path) -> DataConfig {
    DataConfig { source: folder.display().to_string(), validation_share: 0.17, ..DataConfig::default() }
}

#[test]
fn the_sample_is_described_class_by_class() {
    let browser = browser();
    let set = open(&browser, Path::new("sample"));
    assert_eq!((set.description.classes.len(), set.description.train, set.preset), (10, 3000, "alexnet-64"));
    assert_eq!((set.train_balance.min, set.train_balance.max, set.validation_balance.median), (300, 300, 60));
    assert!(set.classes.iter().all(|class| (class.train, class.validation, class.few) == (300, 60, false)));
}

#[test]
fn every_place_has_its_own_picture_of_the_right_class() {
    let browser = browser();
    let config = DataConfig { sample_train: 40, sample_validation: 10, ..DataConfig::default() };
    let set = open_config(&browser, 1, config);
    let places: Vec<Place> = (0..40).map(|position| place(None, position)).collect();
    browser.send(BrowseRequest::Show { set: 1, version: 3, places, look: Look::Square });
    let mut names = Vec::new();
    for _ in 0..40 {
        names.push(wait(&browser, |news| match news {
            BrowseNews::Small { version: 3, result, .. } => Some(result.unwrap().name),
            _ => None,
        }));
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 40, "a mix of all shows each picture once");
    for (class, counted) in set.classes.iter().enumerate() {
        assert_eq!(counted.train, 4);
        let last = small(&browser, 1, place(Some(class as u32), 3), Look::Square).unwrap();
        assert_eq!(last.label as usize, class);
        let beyond = small(&browser, 1, place(Some(class as u32), 4), Look::Square);
        assert_eq!(beyond.err().map(|problem| problem.reason), Some("there is no such picture".into()));
    }
}

#[test]
fn a_broken_picture_says_why_and_the_others_are_shown() {
    let folder = folder();
    let browser = browser();
    let set = open_config(&browser, 1, folder_config(folder.path()));
    assert_eq!(set.description.classes, ["dark", "light"]);
    let dark: Vec<_> = (0..set.classes[0].train)
        .map(|position| small(&browser, 1, place(Some(0), position), Look::Square))
        .collect();
    let problems: Vec<_> = dark.iter().filter_map(|result| result.as_ref().err()).collect();
    let [problem] = problems[..] else { panic!("one broken picture, not {problems:?}") };
    assert_eq!(problem.name, "dark/1.png");
    assert_eq!(problem.reason, "not a picture: the file starts with text");
    let good: Vec<_> = dark.into_iter().flatten().collect();
    assert!(good.iter().all(|small| small.size == (60, 50) && small.picture.dimensions() == (50, 50)));
}

#[test]
fn a_picture_is_enlarged_as_training_would_see_it() {
    let folder = folder();
    let browser = browser();
    open_config(&browser, 1, folder_config(folder.path()));
    let light = place(Some(1), 0);
    let picture = large(&browser, light, PREVIEW, 0);
    assert_eq!((picture.label, picture.size, picture.stored.dimensions()), (1, (60, 50), (40, 40)));
    assert!(picture.path.as_ref().is_some_and(|path| path.is_file() && path.ends_with(&picture.name)));
    assert_eq!(picture.variations.len(), VARIATIONS);
    for variation in &picture.variations {
        assert_eq!(variation.picture.dimensions(), (32, 32));
        assert!(variation.placement.left <= 8 && variation.placement.top <= 8);
        assert_eq!(variation.shift, [0.0; 3]);
    }
    let placements =
        |picture: &LargePicture| picture.variations.iter().map(|v| v.placement).collect::<Vec<_>>();
    assert_eq!(placements(&picture), placements(&large(&browser, light, PREVIEW, 0)), "the seed decides");
    let again = large(&browser, light, PREVIEW, VARIATIONS);
    assert_ne!(placements(&picture), placements(&again), "other epochs see other crops");
    let still = large(&browser, light, Preview { augment: false, ..PREVIEW }, 0);
    assert_eq!(still.variations.len(), 1);
    assert_eq!((still.variations[0].placement.left, still.variations[0].placement.flip), (4, false));
}

#[test]
fn variations_are_the_crops_that_the_loader_deals() {
    let browser = browser();
    open(&browser, Path::new("sample"));
    let wanted = place(Some(2), 5);
    let picture = large(&browser, wanted, PREVIEW, 3);
    // Picture 5 of class 2 of ten classes in turn.
    let index = 52;
    let placement = alexnet_lab::data::augment::random_placement(7, 3, index, 40, 32);
    let first = &picture.variations[0];
    assert_eq!(first.placement, placement);
    for (x, y, pixel) in first.picture.enumerate_pixels() {
        let across = if placement.flip { 31 - x } else { x };
        assert_eq!(
            pixel,
            picture.stored.get_pixel(placement.left + across, placement.top + y),
            "at {x}, {y}"
        );
    }
}

#[test]
fn validation_pictures_stay_as_they_are() {
    let browser = browser();
    open(&browser, Path::new("sample"));
    let wanted = Place { split: Split::Validation, among: Among::Mixed, position: 0 };
    let noisy = Preview { colour_noise: ColourNoise::Author, ..PREVIEW };
    let picture = large(&browser, wanted, noisy, 0);
    assert_eq!(picture.variations.len(), 1);
    let only = &picture.variations[0];
    assert_eq!((only.placement.left, only.placement.top, only.placement.flip), (4, 4, false));
    assert_eq!(only.picture.get_pixel(0, 0), picture.stored.get_pixel(4, 4));
}

#[test]
fn colour_noise_is_shown_once_the_colours_are_known() {
    let folder = folder();
    let browser = browser();
    open_config(&browser, 1, folder_config(folder.path()));
    let survey = surveyed(&browser);
    assert_eq!((survey.pictures + survey.refused, survey.of), (10, 10));
    assert_eq!(survey.sides, [50, 50, 50]);
    let [red, green, _] = survey.colours.means;
    assert!(red > green && (90.0..130.0).contains(&green), "{:?}", survey.colours.means);
    assert_eq!(survey.mean.dimensions(), (64, 64));
    let noisy = Preview { colour_noise: ColourNoise::Literal, ..PREVIEW };
    let picture = large(&browser, place(Some(1), 0), noisy, 0);
    assert!(!picture.noise_missing);
    let moved = picture.variations.iter().filter(|variation| variation.shift != [0.0; 3]).count();
    assert_eq!(moved, VARIATIONS);
    let variation = &picture.variations[0];
    let value = f32::from(picture.stored.get_pixel(0, 0)[0]) + variation.shift[0];
    assert!((f32::from(variation.picture.get_pixel(0, 0)[0]) - value.clamp(0.0, 255.0)).abs() <= 0.51);
}

#[test]
fn what_is_scrolled_away_is_not_read() {
    let browser = browser();
    open(&browser, Path::new("sample"));
    // Large squares, drawn slowly enough that the list is exchanged long before its end.
    let slow = Look::AsTrained(Preview { stored_side: 1024, crop_side: 1024, ..PREVIEW }, 0);
    let many: Vec<Place> = (0..2000).map(|position| place(None, position)).collect();
    browser.send(BrowseRequest::Show { set: 1, version: 1, places: many, look: slow });
    let last = place(None, 2500);
    browser.send(BrowseRequest::Show { set: 1, version: 2, places: vec![last], look: Look::Square });
    let mut read = 0;
    loop {
        match browser.news().recv_timeout(PATIENCE).expect("an answer in time") {
            BrowseNews::Small { place, version: 2, .. } if place == last => break,
            BrowseNews::Small { .. } => read += 1,
            _ => {}
        }
    }
    assert!(read < 200, "{read} pictures were read that nobody wanted any more");
}

#[test]
fn opening_can_be_given_up() {
    let folder = folder();
    let browser = browser();
    let config = Box::new(folder_config(folder.path()));
    browser.send(BrowseRequest::Open { id: 1, config: config.clone() });
    browser.send(BrowseRequest::Open { id: 2, config });
    // The first is either done before the second is asked for, or given up; it is never the last word.
    let mut ends = Vec::new();
    while ends.len() < 2 {
        ends.extend(wait(&browser, |news| match news {
            BrowseNews::Opened(set) => Some(Some(set.id)),
            BrowseNews::Cancelled { id } => Some((id != 1).then_some(0)),
            _ => None,
        }));
        if ends.last() == Some(&2) {
            break;
        }
    }
    assert_eq!(ends.last(), Some(&2));
    // Requests for the first are answered by nobody: the second is open.
    browser.send(BrowseRequest::Show {
        set: 1,
        version: 9,
        places: vec![place(None, 0)],
        look: Look::Square,
    });
    assert!(small(&browser, 2, place(Some(1), 0), Look::Square).is_ok());
}

#[test]
fn a_source_that_cannot_be_used_says_why() {
    let browser = browser();
    let config = DataConfig { source: "/no/such/folder".into(), ..DataConfig::default() };
    browser.send(BrowseRequest::Open { id: 1, config: Box::new(config) });
    let reason = wait(&browser, |news| match news {
        BrowseNews::Unusable { id: 1, source, reason, .. } => Some((source, reason)),
        _ => None,
    });
    assert_eq!(reason.0, "/no/such/folder");
    assert!(reason.1.starts_with("there is no file or folder `/no/such/folder`"), "{}", reason.1);
}

#[test]
fn a_source_that_vanishes_is_told_from_a_broken_file() {
    let folder = folder();
    let browser = browser();
    open_config(&browser, 1, folder_config(folder.path()));
    surveyed(&browser);
    let root = folder.path().to_owned();
    fs::remove_file(root.join("light/0.png")).unwrap();
    let light: Vec<_> =
        (0..6).map(|position| small(&browser, 1, place(Some(1), position), Look::Square)).collect();
    let reasons: Vec<_> =
        light.iter().filter_map(|result| result.as_ref().err()).map(|p| &*p.reason).collect();
    assert!(
        reasons.contains(&"there is no such file") || reasons == ["there is no such picture"],
        "{reasons:?}"
    );
    drop(folder);
    let gone = small(&browser, 1, place(Some(1), 1), Look::Square).unwrap_err();
    assert!(gone.reason.contains("is no longer there: plug its disk in again"), "{}", gone.reason);
}

#[test]
fn a_check_reports_how_far_it_is_and_what_it_found() {
    let folder = folder();
    let browser = browser();
    open_config(&browser, 1, folder_config(folder.path()));
    browser.send(BrowseRequest::Check { set: 1, near: false, corrections: None });
    let mut told = 0;
    let found = loop {
        match browser.news().recv_timeout(PATIENCE).expect("a check ends") {
            BrowseNews::Checking { set: 1, done, total: 12 } => told = done,
            BrowseNews::Checked { set: 1, result } => break result.unwrap().expect("nobody stopped it"),
            _ => {}
        }
    };
    assert_eq!(told, 12);
    assert!(found.usable);
    assert_eq!((found.train + found.validation, found.refused_count), (11, 1));
    assert_eq!(found.refused[0].name, "dark/1.png");
    let rows = found.rows("--json lists them");
    assert!(
        rows.contains(&("Refused", "1 file".into())) && rows.contains(&("Verdict", "usable".into())),
        "{rows:?}"
    );
}

#[test]
fn a_check_looks_at_the_pictures_as_a_corrected_run_would() {
    let folder = folder();
    let browser = browser();
    let check = |corrections: Option<PathBuf>| {
        browser.send(BrowseRequest::Check { set: 1, near: false, corrections });
        wait(&browser, |news| match news {
            BrowseNews::Checked { result, .. } => Some(result),
            _ => None,
        })
    };
    open_config(&browser, 1, folder_config(folder.path()));
    let plain = check(None).unwrap().unwrap();
    assert_eq!(plain.corrections, None);
    assert_eq!(plain.refused[0].name, "dark/1.png");

    let lists = tempdir().unwrap();
    let list = lists.path().join("list.csv");
    std::fs::write(
        &list,
        "dark/1.png,leave out,\ndark/2.png,is,light\nlight/0.png,is,light\nnone.png,is,dark\n",
    )
    .unwrap();
    let corrected = check(Some(list.clone())).unwrap().unwrap();
    let counts = corrected.corrections.unwrap();
    assert_eq!((counts.listed, counts.relabelled, counts.left_out), (4, 1, 1));
    assert_eq!(corrected.refused_count, 0, "what is left out is not read");
    assert_eq!(corrected.train + corrected.validation, plain.train + plain.validation);
    let of = |found: &DataCheck, class: usize| found.classes[class].train + found.classes[class].validation;
    assert_eq!((of(&corrected, 0), of(&corrected, 1)), (of(&plain, 0) - 1, of(&plain, 1) + 1));
    let row = corrected.rows("").into_iter().find(|(title, _)| *title == "Corrections").unwrap();
    assert!(row.1.starts_with("2 of 4 hold: 1 relabelled, 1 left out; the others"), "{row:?}");

    std::fs::write(&list, "dark/1.png,is,green\n").unwrap();
    let reason = check(Some(list)).unwrap_err();
    assert!(reason.contains("list.csv") && reason.contains("`green`"), "{reason}");
}

#[test]
fn a_check_can_be_stopped() {
    let browser = browser();
    let config = DataConfig { sample_train: 200_000, ..DataConfig::default() };
    open_config(&browser, 1, config);
    browser.send(BrowseRequest::Check { set: 1, near: false, corrections: None });
    wait(&browser, |news| matches!(news, BrowseNews::Checking { .. }).then_some(()));
    browser.send(BrowseRequest::StopCheck);
    let outcome = wait(&browser, |news| match news {
        BrowseNews::Checked { result, .. } => Some(result),
        _ => None,
    });
    assert!(matches!(outcome, Ok(None)), "{outcome:?}");
}

#[test]
fn chance_deals_to_usable_pictures_once_the_others_are_known() {
    let folder = folder();
    let browser = browser();
    open_config(&browser, 1, folder_config(folder.path()));
    let light = place(Some(1), 0);
    let before = large(&browser, light, PREVIEW, 0);
    let file = before.name.clone();
    // The training pictures, of which the first class has a broken one.
    let set = alexnet_lab::data::open(&folder_config(folder.path())).unwrap();
    let names: Vec<String> = (0..set.len(Split::Train)).map(|index| set.name(Split::Train, index)).collect();
    let index = names.iter().position(|name| *name == file).unwrap();
    let is_before = |name: &str| names.iter().position(|other| other == name).is_some_and(|at| at < index);
    let deal = |number: usize| alexnet_lab::data::augment::random_placement(7, 0, number, 40, 32);
    assert_eq!(before.variations[0].placement, deal(index));
    browser.send(BrowseRequest::Refused { set: 1, names: vec!["dark/1.png".into()] });
    wait(&browser, |news| matches!(news, BrowseNews::RefusedKnown { set: 1 }).then_some(()));
    let number = index - usize::from(is_before("dark/1.png"));
    assert_eq!(large(&browser, light, PREVIEW, 0).variations[0].placement, deal(number));
    // The check finds the same by itself.
    browser.send(BrowseRequest::Refused { set: 1, names: Vec::new() });
    wait(&browser, |news| matches!(news, BrowseNews::RefusedKnown { set: 1 }).then_some(()));
    browser.send(BrowseRequest::Check { set: 1, near: false, corrections: None });
    let found = wait(&browser, |news| match news {
        BrowseNews::Checked { result, .. } => Some(result.unwrap().unwrap()),
        _ => None,
    });
    assert_eq!(found.refused_to_train.len(), usize::from(names.contains(&"dark/1.png".to_owned())));
    assert_eq!(large(&browser, light, PREVIEW, 0).variations[0].placement, deal(number));
    let inputs = found.inputs.unwrap();
    assert_eq!(inputs.pictures, names.len() - found.refused_to_train.len());
}
