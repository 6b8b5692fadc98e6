//! A whole lesson in the real window: the program is driven by mouse and keyboard, as a person would, on a display of
//! its own. What stands where it tells itself (`ALEXNET_LAB_SCREEN_MAP`), so that the lesson waits for what is to be
//! seen and never for a time.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::tempdir;

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const GLANCE: Duration = Duration::from_millis(30);

/// Ends a program whatever the test says.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A part of the window, as the map tells it.
#[derive(Clone, Debug)]
struct Part {
    rect: [f64; 4],
    role: String,
    /// It cannot be pressed, or has the focus.
    state: String,
    name: String,
    value: String,
}

impl Part {
    fn read(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[left, top, right, bottom, role, state, name, value] = fields.as_slice() else { return None };
        let mut rect = [0.0; 4];
        for (place, text) in rect.iter_mut().zip([left, top, right, bottom]) {
            *place = text.parse().ok()?;
        }
        let [role, state, name, value] = [role, state, name, value].map(str::to_owned);
        Some(Self { rect, role, state, name, value })
    }
}

/// The window with a hand on mouse and keyboard.
struct Lesson {
    map: PathBuf,
    display: String,
    program: Running,
    /// After the program, which draws on it.
    _display: Running,
}

impl Lesson {
    fn begin(home: &Path) -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let display = Running(server);
        let (map, display_name) = (home.join("map"), format!(":{}", number.trim()));
        let program = Command::new(env!("CARGO_BIN_EXE_alexnet-lab"))
            .arg("gui")
            .current_dir(home)
            .env("HOME", home)
            .env("XDG_DATA_HOME", home)
            .env("DISPLAY", &display_name)
            .env("ALEXNET_LAB_SCREEN_MAP", &map)
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut lesson = Self { map, display: display_name, program: Running(program), _display: display };
        lesson.wait("the window", |parts| named(parts, "Start training").map(|_| ()));
        lesson.see("red disc: 300 pictures");
        lesson.take_focus();
        lesson
    }

    /// Nobody manages windows on this display, so that the window has to be given the keyboard; it is taken away first,
    /// because a window that is just coming up may have missed the news. A key tells whether it has it.
    fn take_focus(&mut self) {
        let began = Instant::now();
        let find = ["search", "--onlyvisible", "--name", "AlexNet Lab"];
        while !self.parts().iter().any(|part| part.name == "Close") {
            assert!(began.elapsed() < PATIENCE, "the window cannot have the keyboard");
            self.try_xdotool(&[&find[..], &["windowunmap", "--sync", "windowmap", "--sync"]].concat());
            self.try_xdotool(&[&find[..], &["windowmove", "0", "0", "windowfocus", "--sync"]].concat());
            sleep(GLANCE * 10);
            self.try_xdotool(&["key", "F1"]);
            sleep(GLANCE * 30);
        }
        self.key("Escape");
        self.wait("the sheet gone", |parts| (!parts.iter().any(|part| part.name == "Close")).then_some(()));
    }

    fn parts(&self) -> Vec<Part> {
        let text = fs::read_to_string(&self.map).unwrap_or_default();
        text.lines().filter_map(Part::read).collect()
    }

    /// Waits until `found` finds something in the window.
    fn wait<T>(&mut self, what: &str, found: impl Fn(&[Part]) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            let parts = self.parts();
            if let Some(found) = found(&parts) {
                return found;
            }
            assert!(self.program.0.try_wait().unwrap().is_none(), "the program ended before {what} was seen");
            let names: Vec<_> = parts.iter().map(|part| &part.name).filter(|name| !name.is_empty()).collect();
            assert!(began.elapsed() < PATIENCE, "{what} was not seen; there are {names:?}");
            sleep(GLANCE);
        }
    }

    /// Waits until the window shows some words.
    fn see(&mut self, words: &str) {
        self.wait(words, |parts| {
            parts.iter().any(|part| part.name.contains(words) || part.value.contains(words)).then_some(())
        });
    }

    fn try_xdotool(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new("xdotool");
        let status = command.args(arguments).env("DISPLAY", &self.display).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    fn xdotool(&self, arguments: &[&str]) {
        assert!(self.try_xdotool(arguments), "xdotool {arguments:?}");
    }

    fn key(&self, key: &str) {
        self.xdotool(&["key", key]);
    }

    /// Clicks a part once it can be pressed and has come to rest.
    fn click(&mut self, name: &str) {
        let find = |parts: &[Part]| named(parts, name).filter(|part| part.state != "disabled");
        let mut part = self.wait(name, find);
        loop {
            sleep(GLANCE * 2);
            let again = self.wait(name, find);
            if again.rect == part.rect {
                break;
            }
            part = again;
        }
        let [left, top, right, bottom] = part.rect;
        let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
        self.xdotool(&["mousemove", &format!("{x:.0}"), &format!("{y:.0}"), "click", "1"]);
    }

    /// Clicks a part until something else is seen: of two windows that come up one after the other, the first may
    /// still take the click.
    fn click_for(&mut self, name: &str, words: &str) {
        self.click(name);
        self.see(words);
    }

    /// Replaces the text of a field and waits until it stands there.
    fn type_into(&mut self, field: &str, text: &str) {
        let focused = |parts: &[Part]| named(parts, field).is_some_and(|part| part.state == "focused");
        let began = Instant::now();
        // A list that is just being closed may take the first click.
        while !focused(&self.parts()) {
            assert!(began.elapsed() < PATIENCE, "{field} cannot have the focus");
            self.click(field);
            let clicked = Instant::now();
            while clicked.elapsed() < Duration::from_secs(2) && !focused(&self.parts()) {
                sleep(GLANCE);
            }
        }
        self.key("ctrl+a");
        self.xdotool(&["type", "--delay", "4", text]);
        self.wait(text, |parts| parts.iter().any(|part| part.value == text).then_some(()));
    }
}

/// The part of that name; of several, one that takes input.
fn named(parts: &[Part], name: &str) -> Option<Part> {
    let called: Vec<&Part> = parts.iter().filter(|part| part.name == name).collect();
    let input = called.iter().find(|part| !["Label", "Heading", "Unknown"].contains(&part.role.as_str()));
    input.or(called.first()).map(|part| (*part).clone())
}

/// Three classes of plain pictures, and one picture more.
fn pictures(root: &Path) -> (PathBuf, PathBuf) {
    let folder = root.join("colours");
    for (class, color) in [("blue", [30, 60, 200u8]), ("green", [30, 170, 60]), ("red", [200, 40, 40])] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for number in 0..12u8 {
            let rgb = color.map(|value| value + number * 3);
            image::RgbImage::from_pixel(32, 32, image::Rgb(rgb))
                .save(folder.join(class).join(format!("{number:02}.png")))
                .unwrap();
        }
    }
    let picture = root.join("asked.png");
    image::RgbImage::from_pixel(32, 32, image::Rgb([190, 50, 45])).save(&picture).unwrap();
    (folder, picture)
}

fn has(program: &str, argument: &str) -> bool {
    let output = Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status();
    output.is_ok()
}

#[cfg(target_os = "linux")]
#[test]
fn a_lesson_from_pictures_to_a_report() {
    let tools = has("xdotool", "version") && has("Xvfb", "-help");
    if !tools || crate::support::software_device().is_none() {
        let required = std::env::var("ALEXNET_LAB_REQUIRE_DISPLAY").is_ok_and(|value| value == "1");
        assert!(!required, "ALEXNET_LAB_REQUIRE_DISPLAY=1, but there is no xdotool, Xvfb or software Vulkan");
        crate::support::skip("it needs xdotool, Xvfb and a graphics driver");
        return;
    }
    let home = tempdir().unwrap();
    let (folder, picture) = pictures(home.path());
    let mut lesson = Lesson::begin(home.path());

    // Pick data.
    lesson.type_into("Path of a folder or archive", &folder.display().to_string());
    lesson.key("Return");
    lesson.see("3 classes in folders");

    // Choose a preset and train.
    lesson.click("Network");
    lesson.click("cifar-80sec");
    lesson.wait("the list closed", |parts| named(parts, "cifar-13pct").is_none().then_some(()));
    lesson.type_into("Batch size", "6");
    lesson.type_into("Epochs", "2000");
    lesson.click("Start training");
    lesson.see("epoch 1");

    // Change the rate, pause.
    lesson.click("÷ 10");
    lesson.see("0.0001");
    lesson.click_for("Pause", "Resume");

    // Look at the film.
    lesson.click("Filters");
    lesson.see("first-layer kernels of 5x5");

    // Ask about a picture. Nothing can be dropped from here; its path is pasted instead, out of a field of the window.
    lesson.type_into("New learning rate", &picture.display().to_string());
    lesson.key("ctrl+a");
    lesson.key("ctrl+x");
    let field = |parts: &[Part]| named(parts, "New learning rate");
    lesson.wait("the path cut out", |parts| field(parts).filter(|field| field.value.is_empty()));
    lesson.click("Train");
    lesson.wait("the field left", |parts| field(parts).filter(|field| field.state != "focused"));
    lesson.key("ctrl+v");
    lesson.see("Remove asked.png");

    // Evaluate the paused run.
    lesson.click("Evaluate");
    lesson.click_for("Measure", "Top-1 error");
    lesson.click("Stop");
    lesson.see("Training stopped");

    // A second run, with another rate.
    lesson.type_into("Learning rate", "0.0005");
    lesson.click("Start training");
    // While it gets ready another button says "Stop", and the epochs are still those of the first run.
    lesson.see("Pause");
    lesson.see("epoch 1");
    lesson.click("Stop");
    lesson.see("Training stopped");

    // Compare both.
    lesson.click("Compare");
    lesson.click("Tick all listed runs");
    lesson.see("Loss of 2 runs");
    lesson.click("Settings");
    lesson.see("optim.lr");

    // Export a report.
    lesson.click("Report…");
    lesson.click_for("Write report", "The report is in");
    let page = fs::read_to_string(home.path().join("runs/report.html")).unwrap();
    assert!(page.contains("2 runs compared") && page.contains("optim.lr"));
    assert_eq!(page.matches("data:image/png").count(), 2, "the kernels of both");
    assert!(lesson.program.0.try_wait().unwrap().is_none(), "the program still runs");
}
