//! How long frames take, for engineers: with `ALEXNET_LAB_FRAME_TIMES=FILE`, every frame leaves a row there.
//!
//! A row tells when a frame began and ended (seconds since 1970, so that a program that moves the mouse can compare
//! them with its own clock), how long the panels took, what painting the frame before took besides, how many clicks and
//! keys it answers, and which view it shows.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::time::{Instant, SystemTime};

use egui::{Context, Event};

use super::tab::Tab;

/// The variable that names the file.
const VARIABLE: &str = "ALEXNET_LAB_FRAME_TIMES";

/// The table being written.
pub struct FrameTimes {
    file: BufWriter<File>,
    began: (Instant, SystemTime),
    inputs: usize,
    /// The panels are drawn once more in this frame, because they show something new.
    again: bool,
    /// What the panels of the last frame took, in milliseconds.
    last_panels: f64,
}

impl FrameTimes {
    /// The table that was asked for, if any. One that cannot be written is told in the log.
    pub fn asked_for() -> Option<Self> {
        let path = std::env::var_os(VARIABLE)?;
        let file = File::create(&path).and_then(|mut file| {
            writeln!(file, "begin_s,end_s,panels_ms,painting_before_ms,inputs,view")?;
            Ok(file)
        });
        match file {
            Ok(file) => Some(Self {
                file: BufWriter::new(file),
                began: (Instant::now(), SystemTime::now()),
                inputs: 0,
                again: false,
                last_panels: 0.0,
            }),
            Err(e) => {
                log::warn!("{VARIABLE}: `{}` cannot be written: {e}", path.display());
                None
            }
        }
    }

    /// A frame begins, or the panels are drawn once more in it.
    pub fn begin(&mut self, ctx: &Context) {
        if !self.again {
            (self.began, self.inputs) = ((Instant::now(), SystemTime::now()), 0);
        }
        self.inputs += ctx.input(|input| input.events.iter().filter(|event| is_wish(event)).count());
    }

    /// The panels have been drawn; `whole` is what the frame before took in seconds, its painting included.
    pub fn end(&mut self, ctx: &Context, view: Tab, whole: Option<f32>) {
        self.again = ctx.will_discard();
        if self.again {
            return;
        }
        let panels = self.began.0.elapsed().as_secs_f64() * 1e3;
        let begin =
            self.began.1.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
        let painting = whole.map_or(0.0, |whole| (f64::from(whole) * 1e3 - self.last_panels).max(0.0));
        self.last_panels = panels;
        let (end, inputs, view) = (begin + panels / 1e3, self.inputs, view.title());
        let row = format!("{begin:.4},{end:.4},{panels:.2},{painting:.2},{inputs},{view}");
        // What cannot be written is missed by whoever asked for it, and by nobody else.
        let _ = writeln!(self.file, "{row}").and_then(|()| self.file.flush());
    }
}

/// A click or a key, of which somebody waits for the answer.
fn is_wish(event: &Event) -> bool {
    matches!(event, Event::Key { pressed: true, .. } | Event::PointerButton { .. } | Event::Text(_))
}
