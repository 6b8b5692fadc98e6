//! Warnings, errors and the end of the run, at the top of the centre until they are dismissed.

use std::path::Path;

use egui::{Align, Layout, RichText, Stroke, TextStyle, Ui, WidgetInfo};

use crate::engine::{RunSummary, StopReason};
use crate::gui::action::Action;
use crate::gui::format;
use crate::gui::notice::{Notice, Severity};
use crate::gui::state::State;
use crate::gui::theme::{Palette, card, large_number};
use crate::gui::widgets::{button_ui, heading_ui, one_line};
use crate::words;

/// Notices shown at once; the others are counted.
const SHOWN: usize = 3;

/// The list of messages.
pub fn notices_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let list = state.notices.list();
    // Above the messages, so that long ones cannot push it out of sight.
    if list.len() > SHOWN {
        ui.horizontal(|ui| {
            ui.label(RichText::new(format!("and {} earlier messages", list.len() - SHOWN)).weak());
            if ui.small_button("Copy all messages").clicked() {
                actions.push(Action::CopyText(state.notices.as_text()));
            }
            if ui.small_button("Dismiss all messages").clicked() {
                actions.extend(list.iter().map(|notice| Action::DismissNotice(notice.id)));
            }
        });
    }
    for notice in list.iter().take(SHOWN) {
        notice_ui(ui, notice, actions);
    }
}

fn notice_ui(ui: &mut Ui, notice: &Notice, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let color = match notice.severity {
        Severity::Info => palette.train,
        Severity::Warning => palette.warning,
        Severity::Error => palette.error,
    };
    card(ui).stroke(Stroke::new(1.0, color)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
            if ui.small_button("×").accessible_name("Dismiss message").on_hover_text("Dismiss").clicked() {
                actions.push(Action::DismissNotice(notice.id));
            }
            if ui.small_button("Copy").accessible_name("Copy message").clicked() {
                actions.push(Action::CopyText(notice.text.clone()));
            }
            ui.with_layout(Layout::left_to_right(Align::TOP), |ui| {
                ui.label(RichText::new(notice.severity.word()).strong().color(color));
                let times =
                    if notice.count > 1 { format!(" ({} times)", notice.count) } else { String::new() };
                ui.add(egui::Label::new(format!("{}{times}", notice.text)).wrap());
            });
        });
    });
}

/// How the last run ended and what it left behind.
pub fn summary_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let Some(summary) = &state.summary else { return };
    let palette = Palette::of(ui);
    let edge = if summary.reason == StopReason::Diverged { palette.warning } else { palette.good };
    card(ui).stroke(Stroke::new(1.0, edge)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            heading_ui(ui, title(summary.reason));
            let steps = format!(
                "{} in {}",
                words::counted(summary.step, "update"),
                format::duration(summary.seconds)
            );
            ui.label(RichText::new(steps).weak());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.small_button("×").accessible_name("Dismiss summary").on_hover_text("Dismiss").clicked()
                {
                    actions.push(Action::DismissSummary);
                }
            });
        });
        ui.horizontal(|ui| result_ui(ui, summary, state.top5_counts(), actions));
    });
}

fn result_ui(ui: &mut Ui, summary: &RunSummary, top5_counts: bool, actions: &mut Vec<Action>) {
    if let Some(evaluation) = &summary.evaluation {
        let errors = [(evaluation.top1_error, "top-1 error"), (evaluation.top5_error, "top-5 error")];
        for (share, words) in errors.into_iter().take(if top5_counts { 2 } else { 1 }) {
            ui.label(RichText::new(format::percent(share)).text_style(large_number()));
            ui.label(RichText::new(words).small().weak());
            ui.add_space(6.0);
        }
        let pictures = format!("on {}", words::counted(evaluation.n, "validation picture"));
        ui.label(RichText::new(pictures).small().weak());
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if button_ui(ui, "Show folder", Ok(()), "Open the run folder: model, curves, settings").clicked() {
            actions.push(Action::OpenFolder(summary.folder.clone()));
        }
        let path: &Path = summary.model_file.as_deref().unwrap_or(&summary.folder);
        let label = if summary.model_file.is_some() { "Copy model path" } else { "Copy folder path" };
        if button_ui(ui, label, Ok(()), &path.display().to_string()).clicked() {
            actions.push(Action::CopyText(path.display().to_string()));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let (style, color) = (TextStyle::Small.resolve(ui.style()), Palette::of(ui).muted);
            // The end of a path tells most, and little room is left here.
            let run = summary.folder.file_name().unwrap_or(summary.folder.as_os_str()).to_string_lossy();
            let shown =
                one_line(ui.painter(), &format!("kept as {run}"), &style, color, ui.available_width());
            let whole = path.display().to_string();
            let response = ui.add(egui::Label::new(shown));
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &whole));
            response.on_hover_text(whole);
        });
    });
}

fn title(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Finished => "Training finished",
        StopReason::Asked => "Training stopped",
        StopReason::Diverged => "Training diverged",
    }
}
