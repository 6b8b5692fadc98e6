//! What is done to the colours of the pictures before the network sees them: a part of "Advanced".

use egui::{Grid, Ui};

use super::network::LABELS;
use crate::config::{ColourNoise, Mean};
use crate::engine::PresetInfo;
use crate::gui::draft::Draft;
use crate::gui::widgets::choice_ui;

/// Choosers of the mean and of the colour noise.
pub fn input_ui(ui: &mut Ui, draft: &mut Draft, preset: Option<&PresetInfo>) {
    let data = &mut draft.base.data;
    Grid::new("input choices").num_columns(2).min_col_width(LABELS).spacing([8.0, 5.0]).show(ui, |ui| {
        let choices = [(Mean::Image, "Mean picture", ""), (Mean::Channel, "Mean colour", "")];
        let help = "What is subtracted from every picture, so that the network sees how it differs from the usual: \
                    the average of all training pictures at each place, as in the paper (section 2), or one average \
                    colour for the whole picture, as is common today.";
        let usual = preset.map(|p| p.mean);
        if let Some(mean) = choice_ui(ui, "Subtract", help, &choices, usual, data.mean.or(usual)) {
            data.mean = Some(mean).filter(|_| usual != Some(mean));
        }
        ui.end_row();

        let choices = [
            (ColourNoise::Off, "None", ""),
            (ColourNoise::Author, "As the author ran it", ""),
            (ColourNoise::Literal, "As printed", ""),
        ];
        let help = "Shifts the colours of each training picture a little, along the directions in which the colours \
                    of the pictures differ most, as if the light had changed (paper section 4.1). The author's \
                    program shifts about twice as far as the printed formula, and makes the picture a little paler \
                    to make up for it. Pictures that are only tested or classified stay as they are.";
        let usual = preset.map(|p| p.colour_noise);
        if let Some(noise) = choice_ui(ui, "Colour noise", help, &choices, usual, data.colour_noise.or(usual)) {
            data.colour_noise = Some(noise).filter(|_| usual != Some(noise));
        }
        ui.end_row();
    });
}
