//! The real window on a real display: it opens and stays.

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::tempdir;

/// Ends the program whatever the test says.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the X server shows a window of that title.
fn is_shown(title: &str) -> bool {
    let output = Command::new("xwininfo").args(["-root", "-tree"]).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(title))
}

#[cfg(target_os = "linux")]
#[test]
fn the_window_opens_and_stays() {
    let has_display = std::env::var_os("DISPLAY").is_some();
    let has_tool = Command::new("xwininfo").arg("-version").output().is_ok();
    if !has_display || !has_tool || crate::support::software_device().is_none() {
        let required = std::env::var("ALEXNET_LAB_REQUIRE_DISPLAY").is_ok_and(|value| value == "1");
        assert!(
            !required,
            "ALEXNET_LAB_REQUIRE_DISPLAY=1, but there is no display, xwininfo or software Vulkan"
        );
        crate::support::skip("it needs an X display, xwininfo and a graphics driver");
        return;
    }
    // Settings of earlier windows must not decide what this one shows.
    let home = tempdir().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_alexnet-lab"))
        .arg("gui")
        .current_dir(home.path())
        .env("HOME", home.path())
        .env("XDG_DATA_HOME", home.path())
        .env_remove("WAYLAND_DISPLAY")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let began = Instant::now();
    while !is_shown("AlexNet Lab") {
        assert!(running.0.try_wait().unwrap().is_none(), "the program ended before it showed a window");
        assert!(began.elapsed() < Duration::from_secs(300), "no window after five minutes");
        sleep(Duration::from_millis(50));
    }
    sleep(Duration::from_secs(3));
    assert!(running.0.try_wait().unwrap().is_none(), "the window did not stay");
    assert!(is_shown("AlexNet Lab"), "the window went away");
}
