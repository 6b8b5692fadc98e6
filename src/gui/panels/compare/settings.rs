//! The settings in which the ticked runs differ, and only those.

use egui::{Grid, RichText, ScrollArea, Ui};

use super::looks::{Look, name_ui};
use crate::engine::RunEntry;
use crate::gui::compare_view::CompareView;
use crate::gui::runs::told;
use crate::gui::state::State;
use crate::gui::widgets::empty_ui;

pub(super) fn settings_ui(ui: &mut Ui, state: &State, compare: &mut CompareView, compared: &[&RunEntry]) {
    let readable: Vec<(usize, &RunEntry)> =
        compared.iter().copied().enumerate().filter(|(_, run)| run.facts.is_some()).collect();
    if readable.len() < 2 {
        empty_ui(
            ui,
            "One more run, please",
            "Tick a second run: the settings in which they differ stand here.",
        );
        return;
    }
    let differing = compare.differing(&state.runs);
    if differing.is_empty() {
        empty_ui(
            ui,
            "The same settings",
            "These runs differ in none of their settings. What differs in their course comes from the program's version \
             or the device.",
        );
        return;
    }
    let now = std::time::SystemTime::now();
    ScrollArea::both().id_salt("differences").auto_shrink(false).show(ui, |ui| {
        Grid::new("differing settings").striped(true).spacing([24.0, 6.0]).show(ui, |ui| {
            ui.label(RichText::new("Setting").small().weak())
                .on_hover_text("As --set takes it on the command line and config.toml has it");
            for (place, run) in &readable {
                name_ui(ui, &run.name, Look::of(ui, *place))
                    .on_hover_text(told(run, now).replace("; ", "\n"));
            }
            ui.end_row();
            for difference in differing {
                ui.label(RichText::new(&difference.setting).monospace());
                for value in &difference.values {
                    let text = match value {
                        Some(value) => RichText::new(value).monospace(),
                        None => RichText::new("–").weak(),
                    };
                    ui.label(text);
                }
                ui.end_row();
            }
        });
    });
}
