//! The training pictures that the network finds most like a picture (paper section 6.1, Figure 4 right).

use egui::{Image, Label, Rect, RichText, Sense, TextStyle, Ui, Vec2, WidgetInfo, vec2};

use crate::engine::{IndexInfo, Neighbour};
use crate::gui::action::Action;
use crate::gui::asked::{Alike, Index};
use crate::gui::format;
use crate::gui::state::{Classified, Found, State};
use crate::gui::theme::Palette;
use crate::gui::view::View;
use crate::gui::widgets::{busy_ui, button_ui, progress_ui};
use crate::words;

/// Side of a picture, and height of the three lines below it.
const SIDE: f32 = 104.0;
const LINES: f32 = 50.0;

pub(super) fn nearest_ui(
    ui: &mut Ui,
    state: &State,
    classified: &Classified,
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    ui.label(RichText::new("Training pictures most like it").strong());
    let index = &state.asked.index;
    if !matches!(index, Index::Ready { .. }) {
        let text = "Pictures are alike to the network when its last hidden layer answers alike, even where the pixels \
                    differ. To find them, that layer's answer to every training picture is worked out once.";
        ui.add(Label::new(RichText::new(text).weak()).wrap());
    }
    match index {
        Index::None => {
            make_ui(ui, state, "Look at the training pictures", actions);
        }
        Index::Failed(reason) => {
            ui.add(Label::new(RichText::new(reason).color(Palette::of(ui).error)).wrap());
            make_ui(ui, state, "Try again", actions);
        }
        &Index::Making { done, total } => making_ui(ui, done, total, actions),
        Index::Ready { info, outdated } => {
            let told = told(info);
            ui.horizontal_wrapped(|ui| {
                ui.add(Label::new(RichText::new(told).small().weak()).wrap());
                let label = format!("Free {}", words::bytes(info.bytes as u64));
                let help =
                    "Forget these values and give their memory back. A run that needs it does so by itself.";
                if button_ui(ui, &label, Ok(()), help).clicked() {
                    actions.push(Action::DropIndex);
                }
            });
            if *outdated {
                let text =
                    "The network has changed since: these are the answers of the network as it was then.";
                ui.horizontal_wrapped(|ui| {
                    ui.label(RichText::new(text).color(Palette::of(ui).warning));
                    make_ui(ui, state, "Look again", actions);
                });
            }
            alike_ui(ui, state, classified, view, actions);
        }
    }
}

/// The button that begins it.
fn make_ui(ui: &mut Ui, state: &State, label: &str, actions: &mut Vec<Action>) {
    let allowed = match &state.found {
        _ if state.model.is_none() => Err(super::NO_MODEL),
        Found::Ready(..) => Ok(()),
        Found::Looking => Err("The pictures are being opened."),
        Found::Nothing | Found::Unusable(_) => {
            Err("Choose the training pictures first, in the column on the left.")
        }
    };
    let source = if state.source == "sample" { "the built-in sample" } else { &state.source };
    let help = format!("Show the training pictures of {source} to the network, once");
    ui.horizontal_wrapped(|ui| {
        if button_ui(ui, label, allowed, &help).clicked() {
            actions.push(Action::MakeIndex);
        }
        let others = state.found_classes().zip(state.model.as_ref());
        let strange = others.is_some_and(|(found, model)| *found != model.classes);
        let of = if strange {
            format!(
                "those of {source}, which has other classes than the network; choose its pictures on the left"
            )
        } else {
            format!("those of {source}")
        };
        ui.add(Label::new(RichText::new(of).small().weak()).wrap());
    });
}

fn making_ui(ui: &mut Ui, done: usize, total: usize, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        busy_ui(ui, "Looking at the training pictures");
        ui.label(match total {
            0 => "Opening the training pictures".to_owned(),
            _ => format!("{} of {} training pictures", format::count(done), format::count(total)),
        });
        if button_ui(ui, "Stop looking", Ok(()), "Give it up").clicked() {
            actions.push(Action::StopIndex);
        }
    });
    let size = vec2(ui.available_width().min(420.0), 8.0);
    progress_ui(ui, "Training pictures looked at", done as f64, total as f64, size);
}

/// What the index holds.
fn told(info: &IndexInfo) -> String {
    let of = if info.pictures + info.unreadable < info.of {
        format!(" (of {}, spread evenly: as many as fit)", format::count(info.of))
    } else {
        String::new()
    };
    format!(
        "Among {}{of} of {}, by the {} values of {} · {} after step {}",
        words::counted(info.pictures, "training picture"),
        info.source,
        format::count(info.width),
        info.layer,
        info.network,
        info.step
    )
}

fn alike_ui(ui: &mut Ui, state: &State, classified: &Classified, view: &mut View, actions: &mut Vec<Action>) {
    match state.asked.alike.get(&classified.id) {
        None if classified.source.is_none() => {
            ui.label("The picture itself is not kept.");
        }
        None => actions.push(Action::FindAlike(classified.id)),
        Some(Alike::Waiting) => {
            busy_ui(ui, "Searching");
        }
        Some(Alike::Failed(reason)) => {
            ui.add(Label::new(RichText::new(reason).color(Palette::of(ui).error)).wrap());
        }
        Some(Alike::Found(found)) => {
            let pictures = found.neighbours.iter().map(|near| near.picture.as_ref());
            let textures = view.predict.neighbours(ui.ctx(), classified.id, pictures);
            ui.horizontal_wrapped(|ui| {
                for (near, texture) in found.neighbours.iter().zip(&textures) {
                    neighbour_ui(ui, near, texture.as_ref());
                }
            });
        }
    }
}

/// Picture, class, distance, file.
fn neighbour_ui(ui: &mut Ui, near: &Neighbour, texture: Option<&egui::TextureHandle>) {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(SIDE + 10.0, SIDE + LINES), Sense::hover());
    let distance = format!("distance {:.2}", near.distance);
    let told = format!("{}, {distance}: {}", near.class, near.name);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &told));
    let picture = Rect::from_min_size(rect.min, Vec2::splat(SIDE));
    match texture {
        Some(texture) => {
            Image::from_texture((texture.id(), picture.size())).corner_radius(3).paint_at(ui, picture);
        }
        None => {
            ui.painter().rect_filled(picture, 3.0, palette.line.gamma_multiply(0.45));
        }
    }
    let font = TextStyle::Small.resolve(ui.style());
    let file = near.name.rsplit('/').next().unwrap_or(&near.name);
    let lines = [(near.class.as_str(), palette.text), (&distance, palette.text), (file, palette.muted)];
    for (line, (text, color)) in lines.into_iter().enumerate() {
        let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font.clone(), color);
        job.wrap = egui::text::TextWrapping::truncate_at_width(SIDE + 6.0);
        let galley = ui.painter().layout_job(job);
        ui.painter().galley(picture.left_bottom() + vec2(0.0, 2.0 + 15.0 * line as f32), galley, color);
    }
    response.on_hover_text(told);
}
