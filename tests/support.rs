//! What the test modules share: devices, real pictures, and a comparison that names every failing index.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

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

/// How long something may take that is done within `limit` on an idle machine. One with other work needs more, as its
/// load says, and some more because the load is told late.
pub fn in_time(limit: Duration) -> Duration {
    let load = std::fs::read_to_string("/proc/loadavg").ok();
    let load = load.and_then(|text| text.split(' ').next()?.parse::<f64>().ok()).unwrap_or(1.0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    limit.mul_f64(5.0 * (load / cores).max(1.0))
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

/// Writes the checksums of a checkpoint's files anew, after somebody has changed one who knows how.
pub fn reseal(checkpoint: &Path) {
    let names = ["model.safetensors", "training.safetensors", "config.toml", "state.json"];
    let line = |name: &str| {
        let bytes = std::fs::read(checkpoint.join(name)).unwrap();
        format!("{:08x} {} {name}\n", crc32fast::hash(&bytes), bytes.len())
    };
    std::fs::write(checkpoint.join("checksums.txt"), names.map(line).concat()).unwrap();
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

/// A small disk of its own that can fill up, where this user may mount one; otherwise the test says that it is left
/// out.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// A disk of `mib` MiB at the new folder `place`.
    pub fn mount(place: &Path, mib: usize) -> Option<Self> {
        std::fs::create_dir(place).unwrap();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(place)
            .stderr(std::process::Stdio::null())
            .status();
        if cfg!(target_os = "linux") && mount.is_ok_and(|status| status.success()) {
            return Some(Self(place.into()));
        }
        skip("this user may not mount a small disk");
        None
    }

    /// Takes every byte that is left.
    pub fn fill(&self) {
        let mut ballast = std::fs::File::create(self.0.join("ballast")).unwrap();
        for size in [1 << 16, 1 << 10, 1] {
            while ballast.write(&vec![0; size]).is_ok_and(|written| written == size) {}
        }
    }

    /// Makes room again.
    pub fn clear(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because a test that fails may still have files open.
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Runs the body of `test`, given by its whole name, in a process of its own: it breaks devices that other tests use,
/// or has its own home. `home` is the home folder there.
pub fn alone(test: &str, home: &Path, body: impl FnOnce()) {
    const ALONE: &str = "ALEXNET_LAB_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "1")
        .env("HOME", home)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_CACHE_HOME")
        .output()
        .unwrap();
    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    for line in err.lines().filter(|line| line.starts_with("SKIPPED")) {
        skip(line);
    }
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
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
