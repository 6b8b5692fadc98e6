//! Which network, and how it learns.

use egui::{CollapsingHeader, ComboBox, Grid, RichText, TextEdit, Ui};

use crate::config::RunConfig;
use crate::engine::PresetInfo;
use crate::gui::action::Action;
use crate::gui::draft::Draft;
use crate::gui::fields::{ADVANCED_FIELDS, Field, MAIN_FIELDS};
use crate::gui::format;
use crate::gui::panels::input::input_ui;
use crate::gui::panels::rate::{find_button_ui, rate_ui, schedule_ui};
use crate::gui::state::{Found, State};
use crate::gui::tab::Tab;
use crate::gui::theme::{Palette, card};
use crate::gui::view::View;
use crate::gui::widgets::{heading_ui, small_button_ui};

/// Width of the labels, so that the fields of both grids stand in one line.
pub(super) const LABELS: f32 = 118.0;
const FIELD: f32 = 108.0;

/// The network and learning sections of the left panel.
pub fn network_ui(ui: &mut Ui, state: &State, draft: &mut Draft, view: &View, actions: &mut Vec<Action>) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        heading_ui(ui, "Network");
        ui.add_enabled_ui(!state.busy(), |ui| {
            further_ui(ui, state, draft);
            if draft.base.model.from.is_none() {
                preset_ui(ui, state, draft);
            }
            device_ui(ui, state, draft);
        });
        if draft.base.model.from.is_none() {
            drafted_ui(ui, state, draft, view, actions);
        }
    });
    ui.add_space(4.0);
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            heading_ui(ui, "Learning");
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let offered = draft.any_changed() && !state.busy();
                let help = "Take back every change: learn as the preset says";
                if offered && small_button_ui(ui, "Reset all", "Reset all", help).clicked() {
                    draft.reset_all();
                }
                if !state.running() {
                    find_button_ui(ui, state, draft, actions);
                }
            });
        });
        match &state.run {
            Some(run) if state.running() => settings_ui(ui, &run.config),
            _ => {
                if state.searching() {
                    ui.label(RichText::new("Fixed during the search for a rate.").small().weak());
                }
                rate_ui(ui, state, draft);
                ui.add_enabled_ui(!state.busy(), |ui| learning_ui(ui, state, draft));
            }
        }
    });
}

/// In a line what the choices make of the network; the view of the model tells the rest.
fn drafted_ui(ui: &mut Ui, state: &State, draft: &Draft, view: &View, actions: &mut Vec<Action>) {
    let Some(preset) = state.preset(draft.base.model.preset.as_deref()) else { return };
    match draft.network(preset, state.classes()) {
        Ok(sketch) => {
            let varied = if draft.model_changed() { ", varied" } else { "" };
            let text = format!("{} parameters{varied}", format::count(sketch.summary.parameters));
            ui.horizontal(|ui| {
                ui.label(RichText::new(text).small().weak());
                look_ui(ui, view, actions);
            });
        }
        Err(reason) => {
            ui.label(RichText::new(reason).color(Palette::of(ui).error));
            look_ui(ui, view, actions);
        }
    }
}

/// The way to the view of the network.
fn look_ui(ui: &mut Ui, view: &View, actions: &mut Vec<Action>) {
    if view.tab != Tab::Model && ui.link("Look at the network").clicked() {
        actions.push(Action::Show(Tab::Model));
    }
}

/// The settings of the run going on, which are fixed.
fn settings_ui(ui: &mut Ui, config: &RunConfig) {
    ui.label(RichText::new("Fixed during the run; change the rate below.").small().weak());
    let number = |value: Option<f64>| value.map(format::figures).unwrap_or_default();
    let whole = |value: Option<usize>| value.map(format::count).unwrap_or_default();
    let crops = if config.data.augment == Some(true) { "yes" } else { "no" };
    let rows = [
        ("First rate", number(config.optim.lr)),
        ("Batch size", whole(config.optim.batch)),
        ("Epochs", whole(config.run.epochs)),
        ("Momentum", number(config.optim.momentum)),
        ("Weight decay", number(config.optim.weight_decay)),
        ("Crops and mirror images", crops.into()),
        ("Seed", config.run.seed.to_string()),
    ];
    let grid = Grid::new("settings of the run").num_columns(2).min_row_height(15.0);
    grid.spacing([12.0, 1.0]).show(ui, |ui| {
        ui.spacing_mut().interact_size.y = 15.0;
        for (name, value) in rows {
            ui.label(RichText::new(name).small().weak());
            ui.label(RichText::new(value).small());
            ui.end_row();
        }
    });
}

/// Whether the next run begins with the model that is open. Nothing as long as none is.
fn further_ui(ui: &mut Ui, state: &State, draft: &mut Draft) {
    let from = draft.base.model.from.clone();
    // The model of a run that has ended lies in its folder.
    let of_run = || state.summary.as_ref().and_then(|summary| summary.model_file.clone());
    let open = state.model.as_ref().and_then(|model| Some((model, model.file.clone().or_else(of_run)?)));
    if open.is_none() && from.is_none() {
        return;
    }
    let mut further = from.is_some();
    let response = ui.checkbox(&mut further, "Start from the open model").on_hover_text(
        "Train this model further instead of beginning with random weights. When the pictures have other classes, its \
         last layer is replaced and all others are kept. The learning rate begins at a tenth.",
    );
    if response.changed() {
        match open {
            Some((model, file)) if further => draft.start_from(file, state.preset(Some(&model.name))),
            _ => draft.start_fresh(),
        }
    }
    if let Some(path) = &draft.base.model.from {
        ui.add(egui::Label::new(RichText::new(path.display().to_string()).small().weak()).truncate());
    }
}

fn preset_ui(ui: &mut Ui, state: &State, draft: &mut Draft) {
    let chosen = draft.base.model.preset.clone();
    let effective = state.preset(chosen.as_deref());
    let shown = match (&chosen, effective) {
        (Some(name), _) => name.clone(),
        (None, Some(preset)) => format!("Automatic ({})", preset.name),
        (None, None) => "Automatic".into(),
    };
    let combo = ComboBox::from_id_salt("preset").width(ui.available_width()).selected_text(shown).truncate();
    let response = combo.show_ui(ui, |ui| {
        let automatic = ui.selectable_label(chosen.is_none(), "Automatic");
        if automatic.on_hover_text("The network that fits the size of the pictures").clicked() {
            draft.base.model.preset = None;
        }
        for preset in &state.presets {
            let this = chosen.as_deref() == Some(preset.name);
            if ui.selectable_label(this, preset.name).on_hover_text(preset.title).clicked() {
                draft.base.model.preset = Some(preset.name.into());
            }
        }
    });
    response.response.accessible_name("Network").on_hover_text("Which network to train");
    if let Some(preset) = effective {
        ui.label(RichText::new(preset.title).small().weak());
    } else if let Some(name) = chosen {
        let unknown = format!("There is no preset named {name}. Choose another.");
        ui.label(RichText::new(unknown).color(Palette::of(ui).error));
    } else if !matches!(state.found, Found::Unusable(_)) {
        ui.label(RichText::new("Chosen to fit the pictures, once they are known.").small().weak());
    }
}

fn device_ui(ui: &mut Ui, state: &State, draft: &mut Draft) {
    let device = &mut draft.base.run.device;
    let known = state.devices.as_deref().unwrap_or_default();
    let shown = match known.iter().find(|choice| choice.value == *device) {
        Some(choice) => choice.label.clone(),
        None if device == "auto" => "Automatic".into(),
        None => device.clone(),
    };
    ui.horizontal(|ui| {
        ui.label("Device");
        let combo =
            ComboBox::from_id_salt("device").width(ui.available_width()).selected_text(shown).truncate();
        let response = combo.show_ui(ui, |ui| {
            let automatic = "The best graphics card, or the processor if there is none";
            if ui.selectable_label(device == "auto", "Automatic").on_hover_text(automatic).clicked() {
                *device = "auto".into();
            }
            for choice in known {
                if ui.selectable_label(*device == choice.value, &choice.label).clicked() {
                    device.clone_from(&choice.value);
                }
            }
            if state.devices.is_none() {
                ui.label(RichText::new("Looking for graphics cards…").weak());
            }
        });
        response
            .response
            .accessible_name("Device")
            .on_hover_text("What computes: the processor or a graphics card");
    });
}

fn learning_ui(ui: &mut Ui, state: &State, draft: &mut Draft) {
    let preset = state.preset(draft.base.model.preset.as_deref()).cloned();
    let preset = preset.as_ref();
    fields_ui(ui, "main fields", &MAIN_FIELDS, draft, preset);
    let mut augment = draft.augment(preset);
    let response = ui.checkbox(&mut augment, "Random crops and mirror images");
    let response = response.on_hover_text(
        "Shows each picture a little shifted and sometimes mirrored, so that the network cannot learn the pictures by \
         heart (paper section 4.1).",
    );
    if response.changed() {
        draft.set_augment(augment, preset);
    }
    schedule_ui(ui, draft, preset);
    CollapsingHeader::new("Advanced").id_salt("advanced").show_unindented(ui, |ui| {
        fields_ui(ui, "advanced fields", &ADVANCED_FIELDS, draft, preset);
        input_ui(ui, draft, preset);
    });
}

fn fields_ui(ui: &mut Ui, id: &str, fields: &[Field], draft: &mut Draft, preset: Option<&PresetInfo>) {
    Grid::new(id).num_columns(2).min_col_width(LABELS).spacing([8.0, 5.0]).show(ui, |ui| {
        for &field in fields {
            field_ui(ui, field, draft, preset);
            ui.end_row();
        }
    });
}

/// A number with its label, its reset button and what is wrong with it, in two cells of a grid.
pub(super) fn field_ui(ui: &mut Ui, field: Field, draft: &mut Draft, preset: Option<&PresetInfo>) {
    let label = ui.label(field.label()).on_hover_text(field.help());
    let error = draft.error(field);
    ui.vertical(|ui| {
        ui.horizontal(|ui| {
            let mut text = draft.text(field, preset);
            let mut edit = TextEdit::singleline(&mut text).hint_text(field.hint()).desired_width(FIELD);
            if error.is_some() {
                edit = edit.text_color(Palette::of(ui).error);
            }
            let response = ui.add(edit).labelled_by(label.id).on_hover_text(field.help());
            if response.changed() {
                draft.set(field, &text, preset);
            }
            if response.lost_focus() && text.trim().is_empty() {
                draft.reset(field);
            }
            if draft.is_changed(field) {
                let name = format!("Reset {}", field.label().to_lowercase());
                let standard = field.standard(preset);
                let help = if standard.is_empty() { name.clone() } else { format!("{name} to {standard}") };
                if small_button_ui(ui, "Reset", &name, &help).clicked() {
                    draft.reset(field);
                }
            }
        });
        if let Some(error) = error {
            ui.add(egui::Label::new(RichText::new(error).small().color(Palette::of(ui).error)).wrap());
        }
    });
}
