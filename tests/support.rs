//! What the test modules share: devices, real pictures, and a comparison that names every failing index.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use alexnet_lab::device;
use burn::tensor::Device;
use image::{Rgb, RgbImage};
use serde::Deserialize;

/// Software Vulkan, opened once. Without it the test says so on standard error and returns early; with
/// `ALEXNET_LAB_REQUIRE_GPU=1` that is a failure.
pub fn software_device() -> Option<Device> {
    static DEVICE: OnceLock<Option<Device>> = OnceLock::new();
    let device = DEVICE.get_or_init(|| match device::open("software") {
        Ok(open) => Some(open.device),
        Err(error) => {
            let required = std::env::var("ALEXNET_LAB_REQUIRE_GPU").is_ok_and(|value| value == "1");
            assert!(!required, "ALEXNET_LAB_REQUIRE_GPU=1, but {error}");
            None
        }
    });
    if device.is_none() {
        skip("its GPU part: there is no software Vulkan");
    }
    device.clone()
}

/// The archive `name` of real pictures, in `ALEXNET_LAB_DATA` or in `shared/data` beside the package.
pub fn real_data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ALEXNET_LAB_DATA")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    skip(&format!("{} does not exist (set ALEXNET_LAB_DATA)", path.display()));
    None
}

/// A file of `tests/fixtures`.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What `tests/fixtures/make_colour.py` writes.
#[derive(Deserialize)]
pub struct ColourFixture {
    pub pictures: usize,
    /// Sides of the pictures and of the crop.
    pub stored: u32,
    pub side: u32,
    /// Place of the crop, which is mirrored and from picture 2.
    pub left: u32,
    pub top: u32,
    pub means: [f64; 3],
    pub deviations: [f64; 3],
    pub vectors: [[f64; 3]; 3],
    pub normals: [f32; 3],
    pub strength: f64,
    pub scale: [f32; 3],
    pub author_shift: [f64; 3],
    /// The crop as the network is fed it.
    pub author: Vec<f64>,
    pub literal_shift: [f64; 3],
    pub literal: Vec<f64>,
}

pub fn colour_fixture() -> ColourFixture {
    serde_json::from_slice(&fixture("colour/pca.json")).expect("the fixture is as its script writes it")
}

/// Generated picture `index` of `make_colour.py`.
pub fn colour_picture(index: usize, side: u32) -> RgbImage {
    let i = index as u32;
    RgbImage::from_fn(side, side, |x, y| {
        let red = (37 * x + 11 * x * y + 53 * y + 29 * i) % 256;
        let green = (3 * red + (91 * x + 7 * y * y + 13 * i) % 256) / 4;
        let blue = (2 * red + (17 * x * y + 41 * y + 5 * i) % 256 + 255 - green) / 4;
        Rgb([red, green, blue].map(|value| value as u8))
    })
}

/// Says that a test, or a part of it, does not run. Written past the capture of the test runner, which would
/// swallow what `eprintln!` says in a test that passes.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let _ = writeln!(std::io::stderr(), "SKIPPED {}: {reason}", thread.name().unwrap_or("a test"));
}

/// Fails unless each value differs from the wanted one by at most `abs + rel * |wanted|`. Two NaN are equal.
/// Every failing index is reported (20 lines at most, and the count).
#[track_caller]
pub fn assert_close<A, B>(name: &str, got: &[A], want: &[B], rel: f64, abs: f64)
where
    A: Copy + Into<f64>,
    B: Copy + Into<f64>,
{
    assert_eq!(got.len(), want.len(), "{name}: number of values");
    let pairs = got.iter().zip(want).map(|(&got, &want)| (got.into(), want.into())).enumerate();
    let failing: Vec<String> = pairs
        .filter(|&(_, (got, want))| !is_close(got, want, rel, abs))
        .map(|(index, (got, want))| format!("  [{index}] got {got:e}, want {want:e}"))
        .collect();
    assert!(
        failing.is_empty(),
        "{name}: {} of {} values differ\n{}",
        failing.len(),
        got.len(),
        failing[..failing.len().min(20)].join("\n")
    );
}

fn is_close(got: f64, want: f64, rel: f64, abs: f64) -> bool {
    // Equality covers infinities, whose difference is NaN.
    got == want || (got.is_nan() && want.is_nan()) || (got - want).abs() <= abs + rel * want.abs()
}

#[test]
fn the_comparison_reports_what_differs() {
    assert_close("equal", &[1.0_f32, f32::NAN, f32::INFINITY], &[1.0, f64::NAN, f64::INFINITY], 0.0, 0.0);
    for (got, want) in [(1.1, 1.0), (f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, 1.0)] {
        let result = std::panic::catch_unwind(|| assert_close("pair", &[0.0, got], &[0.0, want], 0.05, 0.0));
        let message = *result.expect_err("the pair differs").downcast::<String>().expect("a message");
        assert!(message.contains("1 of 2 values differ") && message.contains("[1] got"), "{message}");
    }
}
