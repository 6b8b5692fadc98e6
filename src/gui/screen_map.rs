//! What stands where on the screen, for programs that drive the window: with `ALEXNET_LAB_SCREEN_MAP=FILE`, that file
//! always tells the newest frame, one part a line, as a screen reader would be told.
//!
//! ```text
//! left top right bottom (pixels), role, "disabled", "focused" or "", name, value; separated by tabs
//! ```

use std::fmt::Write as _;
use std::path::PathBuf;

use egui::accesskit::TreeUpdate;
use egui::{Context, FullOutput, Plugin, RawInput};

/// The variable that names the file.
const VARIABLE: &str = "ALEXNET_LAB_SCREEN_MAP";

/// Writes the map after each frame.
struct ScreenMap {
    path: PathBuf,
}

/// Writes the map from now on, if that was asked for.
pub fn draw_if_asked_for(ctx: &Context) {
    if let Some(path) = std::env::var_os(VARIABLE) {
        ctx.add_plugin(ScreenMap { path: path.into() });
    }
}

impl Plugin for ScreenMap {
    fn debug_name(&self) -> &'static str {
        "screen map"
    }

    fn input_hook(&mut self, ctx: &Context, _: &mut RawInput) {
        // Anew each time: a screen reader that leaves switches it off.
        ctx.enable_accesskit();
    }

    fn output_hook(&mut self, ctx: &Context, output: &mut FullOutput) {
        let Some(update) = &output.platform_output.accesskit_update else { return };
        // Whoever reads it finds a whole map, never half of one.
        let part = self.path.with_extension("part");
        let text = map(update, ctx.pixels_per_point());
        let written = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, &self.path));
        if let Err(e) = written {
            log::warn!("{VARIABLE}: `{}` cannot be written: {e}", self.path.display());
        }
    }
}

fn map(update: &TreeUpdate, pixels_per_point: f32) -> String {
    let mut text = String::new();
    for (id, node) in &update.nodes {
        let Some(bounds) = node.bounds() else { continue };
        let [left, top, right, bottom] =
            [bounds.x0, bounds.y0, bounds.x1, bounds.y1].map(|v| v * f64::from(pixels_per_point));
        // What stands beside a field names it.
        let beside = node.labelled_by().first().and_then(|label| {
            let (_, label) = update.nodes.iter().find(|(id, _)| id == label)?;
            label.label().or(label.value())
        });
        let name = line(node.label().or(beside).unwrap_or_default());
        let value = line(node.value().unwrap_or_default());
        let state = match (node.is_disabled(), *id == update.focus) {
            (true, _) => "disabled",
            (false, true) => "focused",
            (false, false) => "",
        };
        let role = format!("{:?}", node.role());
        let row =
            writeln!(text, "{left:.0}\t{top:.0}\t{right:.0}\t{bottom:.0}\t{role}\t{state}\t{name}\t{value}");
        row.expect("a string takes every line");
    }
    text
}

fn line(text: &str) -> String {
    text.replace(['\n', '\t'], " ")
}
