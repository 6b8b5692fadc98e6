//! What is done to the colours of the pictures before the network sees them: a part of "Advanced".

use egui::{ComboBox, Grid, Ui};

use super::network::LABELS;
use crate::config::{ColourNoise, Mean};
use crate::engine::PresetInfo;
use crate::gui::draft::Draft;

/// Choosers of the mean and of the colour noise.
pub fn input_ui(ui: &mut Ui, draft: &mut Draft, preset: Option<&PresetInfo>) {
    let data = &mut draft.base.data;
    Grid::new("input choices").num_columns(2).min_col_width(LABELS).spacing([8.0, 5.0]).show(ui, |ui| {
        let choices = [(Mean::Image, "Mean picture"), (Mean::Channel, "Mean colour")];
        let help = "What is subtracted from every picture, so that the network sees how it differs from the usual: \
                    the average of all training pictures at each place, as in the paper (section 2), or one average \
                    colour for the whole picture, as is common today.";
        choice_ui(ui, "Subtract", help, &choices, preset.map(|p| p.mean), &mut data.mean);
        ui.end_row();

        let choices = [
            (ColourNoise::Off, "None"),
            (ColourNoise::Author, "As the author ran it"),
            (ColourNoise::Literal, "As printed"),
        ];
        let help = "Shifts the colours of each training picture a little, along the directions in which the colours \
                    of the pictures differ most, as if the light had changed (paper section 4.1). The author's \
                    program shifts about twice as far as the printed formula, and makes the picture a little paler \
                    to make up for it. Pictures that are only tested or classified stay as they are.";
        let standard = preset.map(|p| p.colour_noise);
        choice_ui(ui, "Colour noise", help, &choices, standard, &mut data.colour_noise);
        ui.end_row();
    });
}

/// A setting of which `standard` is what the preset says, if that is known.
fn choice_ui<T: Copy + PartialEq>(
    ui: &mut Ui,
    name: &str,
    help: &str,
    choices: &[(T, &str)],
    standard: Option<T>,
    chosen: &mut Option<T>,
) {
    let effective = chosen.or(standard);
    let shown = choices.iter().find(|(value, _)| Some(*value) == effective);
    let shown = shown.map_or("As the preset says", |(_, text)| text);
    let label = ui.label(name).on_hover_text(help);
    let combo = ComboBox::from_id_salt(name).width(ui.available_width()).selected_text(shown).truncate();
    let response = combo.show_ui(ui, |ui| {
        for &(value, text) in choices {
            let usual = Some(value) == standard;
            let text = if usual { format!("{text} (this preset)") } else { text.to_owned() };
            if ui.selectable_label(Some(value) == effective, text).clicked() {
                *chosen = (!usual).then_some(value);
            }
        }
    });
    response.response.labelled_by(label.id).on_hover_text(help);
}
