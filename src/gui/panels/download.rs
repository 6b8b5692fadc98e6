//! The list of data sets that can be downloaded, with everything a person needs to choose one.

use egui::{CollapsingHeader, Context, Id, Label, RichText, ScrollArea, TextEdit, Ui, Vec2};

use crate::engine::{Progress, SetInfo, SetPresence};
use crate::gui::action::Action;
use crate::gui::downloads::{Active, Downloads, Failure, KnownAction};
use crate::gui::format;
use crate::gui::state::State;
use crate::gui::theme::{Palette, card};
use crate::gui::view::View;
use crate::gui::widgets::{busy_ui, button_ui, heading_ui, progress_ui, sheet};
use crate::words;

const WIDTH: f32 = 780.0;

/// The way to the list, for the data panel; below it a download that goes on.
pub fn known_sets_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let help = "CIFAR, Imagenette, Tiny ImageNet, MNIST and others: what they hold, and how to get them";
    if button_ui(ui, "Known data sets…", Ok(()), help).clicked() {
        actions.push(Action::Known(KnownAction::Open));
    }
    if let Some(active) = &state.downloads.active {
        active_ui(ui, &state.downloads, active);
    }
}

/// The list, if it is open.
pub fn download_ui(ctx: &Context, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    let downloads = &state.downloads;
    if !downloads.open {
        return;
    }
    let room = ctx.content_rect();
    let modal = sheet(ctx, "known data sets").show(ctx, |ui| {
        ui.set_width(WIDTH.min(room.width() - 60.0));
        let close = ui.horizontal(|ui| {
            heading_ui(ui, "Known data sets");
            let side = egui::Layout::right_to_left(egui::Align::Center);
            ui.with_layout(side, |ui| button_ui(ui, "Close", Ok(()), "A download goes on").clicked()).inner
        });
        let height = room.height() - 160.0;
        let list = ScrollArea::vertical()
            .id_salt("known data sets list")
            .max_height(height)
            .min_scrolled_height(height);
        list.auto_shrink([false, true]).show(ui, |ui| {
            sets_ui(ui, state, actions);
            connection_ui(ui, view);
        });
        close.inner
    });
    if modal.inner || modal.should_close() {
        actions.push(Action::Known(KnownAction::Close));
    }
}

fn sets_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    match &state.downloads.sets {
        None => busy_ui(ui, "Looking for data sets"),
        Some(Err(reason)) => {
            ui.add(Label::new(RichText::new(reason).color(Palette::of(ui).error)).wrap());
        }
        Some(Ok(sets)) => sets.iter().for_each(|set| set_ui(ui, state, set, actions)),
    }
}

fn set_ui(ui: &mut Ui, state: &State, set: &SetInfo, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(RichText::new(&set.title).strong());
            ui.label(RichText::new(words::bytes(set.bytes)).color(palette.muted));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                buttons_ui(ui, state, set, actions);
            });
        });
        ui.add(Label::new(format::sentence(&set.about)).wrap());
        let suits = format!("Good for {}. Network: {}.", set.good_for, set.preset);
        ui.add(Label::new(RichText::new(suits).small()).wrap());
        let licence = format!("Licence: {}", set.licence);
        ui.add(Label::new(RichText::new(licence).small().color(palette.muted)).wrap());
        match &state.downloads.active {
            Some(active) if active.name == set.name => active_ui(ui, &state.downloads, active),
            _ => {}
        }
        match &state.downloads.failed {
            Some(failure) if failure.name == set.name => failure_ui(ui, failure, actions),
            _ => by_hand_ui(ui, set, actions),
        }
    });
}

/// What can be done about a set; from right to left.
fn buttons_ui(ui: &mut Ui, state: &State, set: &SetInfo, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let mut known = |action| actions.push(Action::Known(action));
    let downloads = &state.downloads;
    if let Some(active) = downloads.active.as_ref().filter(|active| active.name == set.name) {
        let (label, allowed) =
            if active.stopping { ("Stopping…", Err("It stops at once")) } else { ("Stop", Ok(())) };
        let name = format!("Stop downloading {}", set.title);
        let response = button_ui(ui, label, allowed, "What is there is kept").accessible_name(name);
        if response.clicked() {
            known(KnownAction::Stop);
        }
        return;
    }
    let word = match set.state {
        SetPresence::Present | SetPresence::Unchecked => {
            let allowed =
                if state.busy() { Err("Stop the run before choosing other pictures") } else { Ok(()) };
            let help = if set.state == SetPresence::Present {
                "Train on it"
            } else {
                "Train on it; its files are checked first, because they were put there by hand"
            };
            let response = button_ui(ui, "Use", allowed, help).accessible_name(format!("Use {}", set.title));
            if response.clicked() {
                known(KnownAction::Use(set.name.clone()));
            }
            ui.label(RichText::new("here").color(palette.good));
            return;
        }
        SetPresence::Begun { here } => Some(format!("{} here", words::bytes(here))),
        SetPresence::Absent => None,
    };
    let allowed = match &downloads.active {
        Some(_) => Err("One download at a time: wait for the other one, or stop it"),
        None => Ok(()),
    };
    let (label, name) = match word {
        Some(_) => ("Go on", format!("Go on downloading {}", set.title)),
        None => ("Download", format!("Download {}", set.title)),
    };
    let help = format!("Into {}", set.folder.display());
    if button_ui(ui, label, allowed, &help).accessible_name(name).clicked() {
        known(KnownAction::Get(set.name.clone()));
    }
    by_hand_button_ui(ui, set);
    if let Some(word) = word {
        ui.label(RichText::new(word).color(palette.muted));
    }
}

/// How far the download is.
fn active_ui(ui: &mut Ui, downloads: &Downloads, active: &Active) {
    let title = downloads.set(&active.name).map_or(active.name.as_str(), |set| set.title.as_str());
    let (done, total, text) = match &active.progress {
        _ if active.stopping => (0.0, 0.0, "Stopping…".to_owned()),
        None => (0.0, 0.0, "Connecting…".into()),
        Some(Progress::Connecting { address, .. }) => (0.0, 0.0, format!("Connecting to {}", host(address))),
        Some(Progress::Checking { done, total, .. }) => {
            (*done as f64, *total as f64, "Checking what is there already".into())
        }
        Some(Progress::Receiving { received, total, bytes_per_s, eta_s, .. }) => {
            let rate =
                bytes_per_s.map_or_else(String::new, |rate| format!(", {}/s", words::bytes(rate as u64)));
            let left = eta_s.map_or_else(String::new, |left| format!(", {} left", words::duration(left)));
            let text = format!("{} of {}{rate}{left}", words::bytes(*received), words::bytes(*total));
            (*received as f64, *total as f64, text)
        }
        Some(Progress::Waiting { reason, failures, attempts, .. }) => {
            let text = format!("Trying again ({} of {attempts}): {reason}", failures + 1);
            (0.0, 0.0, format::sentence(&text))
        }
        Some(Progress::Note(text)) => (0.0, 0.0, text.clone()),
    };
    let size = Vec2::new(ui.available_width(), 8.0);
    progress_ui(ui, &format!("Download of {title}"), done, total, size);
    ui.add(Label::new(RichText::new(format!("{title}: {text}")).small()).wrap());
}

/// The part of an address that people know.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

fn failure_ui(ui: &mut Ui, failure: &Failure, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    ui.add(Label::new(RichText::new(&failure.message).color(palette.error)).wrap());
    if !failure.by_hand.is_empty() {
        ui.add(Label::new(RichText::new(&failure.by_hand).small().monospace()).wrap());
    }
    if button_ui(ui, "Copy message", Ok(()), "Copy the reason and how to do it by hand").clicked() {
        actions.push(Action::CopyText(failure.text()));
    }
}

/// Opens and closes the instructions for computers without a network.
fn by_hand_button_ui(ui: &mut Ui, set: &SetInfo) {
    let id = by_hand_id(set);
    let open = ui.data(|data| data.get_temp::<bool>(id).unwrap_or(false));
    let response = ui.selectable_label(open, RichText::new("By hand").small());
    let name = format!("How to get {} by hand", set.title);
    if response.on_hover_text("For computers without a network").accessible_name(name).clicked() {
        ui.data_mut(|data| data.insert_temp(id, !open));
    }
}

fn by_hand_ui(ui: &mut Ui, set: &SetInfo, actions: &mut Vec<Action>) {
    let open = ui.data(|data| data.get_temp::<bool>(by_hand_id(set)).unwrap_or(false));
    if !open || set.state.is_usable() {
        return;
    }
    ui.add(Label::new(RichText::new(&set.by_hand).small().monospace()).wrap());
    if ui.small_button("Copy").accessible_name(format!("Copy how to get {} by hand", set.title)).clicked() {
        actions.push(Action::CopyText(set.by_hand.clone()));
    }
}

fn by_hand_id(set: &SetInfo) -> Id {
    Id::unique("by hand").with(&set.name)
}

/// The way that downloads take.
fn connection_ui(ui: &mut Ui, view: &mut View) {
    CollapsingHeader::new("Mirror and proxy").id_salt("download connection").show(ui, |ui| {
        let field = |ui: &mut Ui, label: &str, hint: &str, text: &mut String| {
            ui.horizontal(|ui| {
                ui.add_sized([60.0, 20.0], Label::new(label));
                ui.add(TextEdit::singleline(text).hint_text(hint).desired_width(f32::INFINITY)).accessible_name(label);
            });
        };
        field(ui, "Mirror", "http://10.0.0.5:8000: instead of the authors' addresses", &mut view.mirror);
        field(ui, "Proxy", "http://host:port, socks5://host:port, or none; empty: as the system says", &mut view.proxy);
        let hint = "A teacher can serve a folder of data sets to a whole class with any web server, for example \
                    `python3 -m http.server`.";
        ui.add(Label::new(RichText::new(hint).small().weak()).wrap());
    });
}
