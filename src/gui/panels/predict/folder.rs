//! A whole folder: how far it is, how well the network does, and every picture with its guesses.

use egui::{Label, Rect, RichText, ScrollArea, Ui, vec2};

use super::card::{Card, HEIGHT, SPACE, card_ui, columns};
use crate::engine::InquiryEnd;
use crate::engine::PictureSource;
use crate::gui::action::Action;
use crate::gui::asked::Album;
use crate::gui::format;
use crate::gui::predict_view::{Listed, Shown};
use crate::gui::theme::Palette;
use crate::gui::view::View;
use crate::gui::widgets::{busy_ui, button_ui, empty_ui, progress_ui, warning_sign};
use crate::words;

/// With `indexed` there is an index of training pictures to search.
pub(super) fn folder_ui(
    ui: &mut Ui,
    album: &Album,
    indexed: bool,
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    if album.end.is_none() {
        progress(ui, album, actions);
    }
    ui.horizontal_wrapped(|ui| {
        ui.add(Label::new(RichText::new(summary(album)).strong()).wrap());
        let allowed = if album.answers.is_empty() { Err("There is nothing to save yet.") } else { Ok(()) };
        let help = "Every file with its most probable classes, its class where a folder is named after it, and the training \
                    pictures most like it where they were searched for, as comma-separated values";
        if button_ui(ui, "Save as CSV…", allowed, help).clicked() {
            actions.push(Action::PickAnswers);
        }
        if album.end.is_some()
            && button_ui(ui, "Ask about all again", Ok(()), "With the network as it is now").clicked()
        {
            actions.push(Action::AskAbout(album.inputs.clone()));
        }
        if indexed {
            let help = "When asked about all again, search the six training pictures most like each picture, too, with the \
                        network that has looked at them. They stand in the CSV. Takes longer.";
            ui.checkbox(&mut view.predict.folder_alike, "With training pictures").on_hover_text(help);
        }
    });
    if let Some(end) = album.end.as_ref().and_then(told_end) {
        ui.label(RichText::new(end).color(Palette::of(ui).warning));
    }
    ui.label(RichText::new(format!("answered by {}", album.asked_of)).small().weak());
    listed_ui(ui, album, view);
    if view.predict.listed == Listed::Unusable {
        unusable_ui(ui, album);
    } else {
        grid_ui(ui, album, view, actions);
    }
}

fn progress(ui: &mut Ui, album: &Album, actions: &mut Vec<Action>) {
    let (done, total) = (album.answers.len(), album.files.unwrap_or(0));
    ui.horizontal(|ui| {
        busy_ui(ui, "Asking about the folder");
        ui.label(match album.files {
            None => "Looking for files".to_owned(),
            Some(files) => format!("{} of {}", format::count(done), words::counted(files, "file")),
        });
        if button_ui(ui, "Stop asking", Ok(()), "What has been answered so far stays").clicked() {
            actions.push(Action::StopFolder);
        }
    });
    let size = vec2(ui.available_width(), 8.0);
    progress_ui(ui, "Files answered", done as f64, total as f64, size);
}

/// The figures in one sentence.
fn summary(album: &Album) -> String {
    let score = &album.score;
    let pictures = words::counted(score.pictures, "picture");
    let errors = match (score.top1_error(), score.top5_error()) {
        (Some(top1), Some(top5)) => {
            let labelled = if score.labelled == score.pictures {
                "named by their folders".to_owned()
            } else {
                format!("{} named by their folders", format::count(score.labelled))
            };
            format!(
                ", {labelled}: top-1 error {}, top-5 error {}",
                format::percent(top1),
                format::percent(top5)
            )
        }
        _ if score.pictures > 0 => "; no folder is named after a class, so errors cannot be told".to_owned(),
        _ => String::new(),
    };
    format!("{pictures}{errors}")
}

fn told_end(end: &InquiryEnd) -> Option<String> {
    match end {
        InquiryEnd::Done => None,
        InquiryEnd::Stopped => Some("It was stopped before all files were looked at.".into()),
        InquiryEnd::Failed(reason) => Some(format::sentence(reason)),
    }
}

fn listed_ui(ui: &mut Ui, album: &Album, view: &mut View) {
    ui.horizontal_wrapped(|ui| {
        let choices = [
            (Listed::All, "All", album.answers.len()),
            (Listed::Wrong, "Taken for something else", album.wrong.len()),
            (Listed::Unusable, "Cannot be used", album.unusable.len()),
        ];
        for (listed, name, count) in choices {
            let text = format!("{name} ({})", format::count(count));
            ui.selectable_value(&mut view.predict.listed, listed, text);
        }
    });
}

/// Cards; only those in sight are drawn.
fn grid_ui(ui: &mut Ui, album: &Album, view: &mut View, actions: &mut Vec<Action>) {
    let count = view.predict.count(album);
    if count == 0 {
        let (title, hint) = match (view.predict.listed, album.end.is_none()) {
            (_, true) => ("Nothing yet", "The answers appear here as they come."),
            (Listed::Wrong, _) if album.score.labelled == 0 => {
                ("Nothing can be told", "No folder is named after a class that the network knows.")
            }
            (Listed::Wrong, _) => ("None", "Every picture of a known class is taken for what it is."),
            _ => ("No pictures", "Nothing in this folder can be used."),
        };
        empty_ui(ui, title, hint);
        return;
    }
    let scroll = ScrollArea::vertical().id_salt("folder answers").auto_shrink(false);
    scroll.show_viewport(ui, |ui, viewport| {
        let (columns, width) = columns(ui.available_width() - 10.0);
        let row = HEIGHT + SPACE;
        let rows = count.div_ceil(columns);
        ui.set_height(row * rows as f32);
        let origin = ui.max_rect().min;
        let first = (viewport.min.y / row).floor().max(0.0) as usize;
        let last = ((viewport.max.y / row).ceil() as usize).min(rows);
        let range = (first * columns).min(count)..(last * columns).min(count);
        for position in range.clone() {
            let corner =
                vec2((position % columns) as f32 * (width + SPACE), (position / columns) as f32 * row);
            let rect = Rect::from_min_size(origin + corner, vec2(width, HEIGHT));
            let Some(index) = view.predict.answer(album, position) else { continue };
            let answer = &album.answers[index];
            let name = answer.path.file_name().unwrap_or_default().to_string_lossy();
            let content = match &answer.result {
                Ok(classified) => Ok((classified.top.as_slice(), classified.truth.as_ref())),
                Err(reason) => Err(reason.as_str()),
            };
            let texture = view.predict.picture(ui.ctx(), &answer.path);
            let card = Card { name: &name, texture, content };
            let id = ui.scope_id().with(("folder", index));
            if card_ui(ui, rect, id, &card).clicked() {
                view.predict.shown = Shown::Large;
                actions.push(Action::Classify(PictureSource::File(answer.path.clone())));
            }
        }
        view.predict.visible = range;
    });
}

/// Files with their reasons.
fn unusable_ui(ui: &mut Ui, album: &Album) {
    if album.unusable.is_empty() {
        empty_ui(ui, "None", "Every file so far is a picture that can be used.");
        return;
    }
    let height = ui.text_style_height(&egui::TextStyle::Body) + 4.0;
    let scroll = ScrollArea::vertical().id_salt("unusable files").auto_shrink(false);
    scroll.show_rows(ui, height, album.unusable.len(), |ui, rows| {
        for &index in &album.unusable[rows] {
            let answer = &album.answers[index];
            let reason = answer.result.as_ref().err().map_or("", String::as_str);
            ui.horizontal(|ui| {
                let (rect, _) = ui.allocate_exact_size(vec2(16.0, height - 4.0), egui::Sense::hover());
                warning_sign(ui.painter(), rect.center(), 13.0, Palette::of(ui).warning);
                ui.add(Label::new(reason).truncate()).on_hover_text(reason);
            });
        }
    });
}
