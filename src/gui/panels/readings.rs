//! The numbers of a run that matter now, in a line of their own.

use egui::text::{LayoutJob, TextWrapping};
use egui::{Color32, Sense, TextStyle, Ui, WidgetInfo, pos2, vec2};

use super::status::doing;
use crate::gui::format;
use crate::gui::state::{Phase, State};
use crate::gui::theme::{Palette, card, large_number};

/// Width of a number with its name.
const CELL: f32 = 124.0;
/// Above this share the pictures come too slowly.
const WAITING: f64 = 0.25;

/// A number, its name, and what it says.
struct Reading {
    value: String,
    name: &'static str,
    help: String,
    alarming: bool,
}

/// The line; nothing before the first update. Where there is no room, the last ones are left out.
pub fn readings_ui(ui: &mut Ui, state: &State) {
    if state.curves.is_empty() {
        return;
    }
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let readings = readings(state);
        let fitting = ((ui.available_width() / CELL) as usize).clamp(1, readings.len());
        let width = ui.available_width() / fitting as f32;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            for reading in readings.into_iter().take(fitting) {
                reading_ui(ui, &reading, width);
            }
        });
    });
}

fn reading_ui(ui: &mut Ui, reading: &Reading, width: f32) {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 38.0), Sense::hover());
    let line = |text: &str, style: TextStyle, color: Color32| {
        let mut job = LayoutJob::simple_singleline(text.to_owned(), style.resolve(ui.style()), color);
        job.wrap = TextWrapping::truncate_at_width(width - 8.0);
        ui.painter().layout_job(job)
    };
    let color = if reading.alarming { palette.warning } else { palette.text };
    let value = line(&reading.value, large_number(), color);
    let name = line(reading.name, TextStyle::Small, palette.muted);
    let below = rect.bottom() - name.size().y;
    ui.painter().galley(rect.min - vec2(0.0, 2.0), value, color);
    ui.painter().galley(pos2(rect.left(), below), name, palette.muted);
    let spoken = format!("{}: {}", reading.name, reading.value);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &spoken));
    response.on_hover_text(&reading.help);
}

/// What there is to say, the most important first.
fn readings(state: &State) -> Vec<Reading> {
    let plain = |value: String, name, help: &str| Reading { value, name, help: help.into(), alarming: false };
    let none = || "–".to_owned();
    let curves = &state.curves;
    let loss = curves.loss.last_smooth().map_or_else(none, format::loss);
    let last = curves.evaluations.last();
    let error = last.map_or_else(none, |point| format::percent(point.top1_error));
    let mut readings = vec![
        plain(loss, "training loss", "Running mean of the cross-entropy, in nats"),
        plain(error, "validation error", "Top-1 error of the last validation"),
    ];
    if let Some(best) = curves.best() {
        let help = format!("Lowest top-1 error so far, after epoch {:.1}", best.epoch);
        readings.push(plain(format::percent(best.top1_error), "best so far", &help));
    }
    if let Some(pace) = state.pace {
        if state.phase == Phase::Training {
            let help = "Until the end of the run at this pace, validation included";
            readings.push(plain(format::duration(pace.eta_s), "left", help));
        } else {
            readings.push(plain(doing(state).into(), "now", "What the run is doing"));
        }
        readings.push(plain(
            format::rounded(pace.images_per_s),
            "images a second",
            "Training pictures a second",
        ));
        let alarming = pace.waiting > WAITING;
        let advice = if alarming {
            " The device often has nothing to do: give reading more threads or prepare the pictures first."
        } else {
            ""
        };
        let help = format!("Share of the time in which the device waits for pictures.{advice}");
        let value = format!("{:.0} %", pace.waiting * 100.0);
        readings.push(Reading { value, name: "waiting for data", help, alarming });
    }
    if let Some(bytes) = state.memory {
        let help = "Memory that this program takes: on the processor, the training included";
        readings.push(plain(crate::words::bytes(bytes), "memory", help));
    }
    readings
}
