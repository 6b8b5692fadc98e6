//! The learning rate: where it begins, how it changes over the run, which layers it reaches, and the search
//! for a good one.

use egui::{CollapsingHeader, Grid, PopupCloseBehavior, RichText, Ui};

use crate::config::Schedule;
use crate::engine::PresetInfo;
use crate::gui::action::Action;
use crate::gui::draft::Draft;
use crate::gui::fields::Field;
use crate::gui::panels::controls::may_start;
use crate::gui::panels::network::{LABELS, field_ui};
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::widgets::{button_ui, choice_ui, dropdown_ui};

/// Every schedule with the name and the help of it.
const SCHEDULES: [(Schedule, &str, &str); 5] = [
    (Schedule::Steps, "divide at epochs", "Divided by 10 at the epochs below."),
    (
        Schedule::Plateau,
        "divide when stuck",
        "Divided by 10 when the validation error stops falling: the paper's rule (section 5), without a person \
         watching.",
    ),
    (
        Schedule::Dexp,
        "the author's four steps",
        "Four equal parts of the run, from the full rate down to 1/250 of it; the biases at the full rate, then a \
         tenth. The author used it later, for runs that nobody watches.",
    ),
    (Schedule::Cosine, "cosine to 0", "Falls smoothly to 0 over the run, as is usual today."),
    (Schedule::Constant, "only by hand", "Stays until you change it, as the paper's authors did."),
];

/// The rate at the start.
pub fn rate_ui(ui: &mut Ui, state: &State, draft: &mut Draft) {
    let preset = state.preset(draft.base.model.preset.as_deref()).cloned();
    ui.add_enabled_ui(!state.busy(), |ui| {
        grid("rate fields").show(ui, |ui| {
            field_ui(ui, Field::LearningRate, draft, preset.as_ref());
            ui.end_row();
        });
    });
}

/// How the rate changes over the run, folded away; the title says what is chosen.
pub fn schedule_ui(ui: &mut Ui, draft: &mut Draft, preset: Option<&PresetInfo>) {
    let title = format!("Schedule: {}", name(draft.schedule(preset)));
    CollapsingHeader::new(title).id_salt("schedule section").show_unindented(ui, |ui| {
        grid("schedule fields").show(ui, |ui| {
            schedule_choice_ui(ui, draft, preset);
            ui.end_row();
            let fields: &[Field] = match draft.schedule(preset) {
                Schedule::Steps => &[Field::RateDrops, Field::WarmUp],
                Schedule::Plateau => &[Field::Patience, Field::PlateauDrops, Field::WarmUp],
                Schedule::Dexp | Schedule::Cosine | Schedule::Constant => &[Field::WarmUp],
            };
            for &field in fields {
                field_ui(ui, field, draft, preset);
                ui.end_row();
            }
            let unknown = freeze_ui(ui, draft, preset);
            ui.end_row();
            for name in unknown {
                ui.label("");
                let text = format!("This network has no layer {name}");
                ui.label(RichText::new(text).small().color(Palette::of(ui).error));
                ui.end_row();
            }
        });
        switches_ui(ui, draft, preset);
    });
}

fn grid(id: &str) -> Grid {
    Grid::new(id).num_columns(2).min_col_width(LABELS).spacing([8.0, 5.0])
}

fn name(schedule: Schedule) -> &'static str {
    SCHEDULES.iter().find(|(s, _, _)| *s == schedule).map_or("", |(_, name, _)| name)
}

/// The way to a search for a good rate.
pub fn find_button_ui(ui: &mut Ui, state: &State, draft: &Draft, actions: &mut Vec<Action>) {
    let allowed = may_start(state, draft);
    let help = "Trains a copy of the network for about 100 updates while the rate rises, until the loss explodes, \
                and suggests a rate from the curve. Nothing else changes.";
    if button_ui(ui, "Find a rate", allowed.as_ref().copied().map_err(String::as_str), help).clicked() {
        actions.push(Action::FindRate);
    }
}

fn schedule_choice_ui(ui: &mut Ui, draft: &mut Draft, preset: Option<&PresetInfo>) {
    let help = "How the rate changes over the run. You can always change it by hand as well; what is planned \
                after that still happens.";
    let chosen = Some(draft.schedule(preset));
    if let Some(schedule) =
        choice_ui(ui, "Schedule", help, &SCHEDULES, preset.map(|preset| preset.schedule), chosen)
    {
        draft.set_schedule(schedule, preset);
    }
}

fn switches_ui(ui: &mut Ui, draft: &mut Draft, preset: Option<&PresetInfo>) {
    let mut follow = draft.bias_schedule(preset);
    let response = ui.checkbox(&mut follow, "Biases follow the schedule").on_hover_text(
        "If not, the biases keep their first rate to the end, as in the author's run 145, where only the rate of \
         the weights was lowered.",
    );
    if response.changed() {
        draft.set_bias_schedule(follow, preset);
    }
    let mut end_game = draft.end_game(preset);
    let response = ui.checkbox(&mut end_game, "The author's end game").on_hover_text(
        "The last quarter of the author's run 145: after 67 of 90 parts of the run no more colour noise and a \
         tenth of the rate for conv1, after 72 conv1 frozen.",
    );
    if response.changed() {
        draft.set_end_game(end_game, preset);
    }
    let planned = draft.base.optim.changes.len();
    if planned > 0 {
        let text = if planned == 1 {
            "1 more planned change".into()
        } else {
            format!("{planned} more planned changes")
        };
        ui.label(RichText::new(text).weak()).on_hover_text("From the setting optim.changes");
    }
}

/// A list of the layers that learn, each to be frozen or not. Returns those that the network does not have.
fn freeze_ui(ui: &mut Ui, draft: &mut Draft, preset: Option<&PresetInfo>) -> Vec<String> {
    let help = "Layers that keep their weights: neither learning nor decay moves them, and what is below the \
                lowest layer that learns costs no time on the way back.";
    let layers = learning_layers(draft, preset);
    let frozen = &mut draft.base.optim.freeze;
    let unknown: Vec<String> = frozen.iter().filter(|name| !layers.contains(name)).cloned().collect();
    let shown = if frozen.is_empty() { "none".to_owned() } else { frozen.join(", ") };
    dropdown_ui(ui, "Frozen layers", help, &shown, PopupCloseBehavior::CloseOnClickOutside, |ui| {
        for name in layers.iter().chain(&unknown) {
            let mut on = frozen.contains(name);
            if ui.checkbox(&mut on, name).changed() {
                frozen.retain(|other| other != name);
                if on {
                    frozen.push(name.clone());
                }
                // In the order of the network, whatever the order of the clicks.
                frozen.sort_by_key(|name| layers.iter().position(|layer| layer == name));
            }
        }
    });
    unknown
}

fn learning_layers(draft: &Draft, preset: Option<&PresetInfo>) -> Vec<String> {
    let Some(preset) = preset else { return Vec::new() };
    // The names do not depend on the classes. A network that cannot be built is told above.
    let Ok(sketch) = draft.network(preset, None) else { return Vec::new() };
    let layers = sketch.summary.layers.iter().filter(|layer| layer.parameters > 0);
    layers.map(|layer| layer.name.clone()).collect()
}
