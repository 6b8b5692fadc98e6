//! The network's variants, each one choice, and what they make of it layer by layer.

use egui::{Align, CollapsingHeader, ComboBox, Grid, Label, Layout, RichText, Ui};

use crate::config::{Activation, Dropout, Init, ModelConfig, Norm, NormOrder, Pooling};
use crate::engine::{NetworkSummary, PresetInfo};
use crate::gui::draft::Draft;
use crate::gui::format;
use crate::gui::theme::Palette;

/// Width of the labels.
const LABELS: f32 = 104.0;

/// The choices, and the layers that come of them. `classes` are those of the pictures, once they are known.
pub fn variants_ui(
    ui: &mut Ui,
    draft: &mut Draft,
    preset: Option<&PresetInfo>,
    classes: Option<usize>,
    fixed: bool,
) {
    let Some(preset) = preset else { return };
    let summary = draft.network(preset, classes);
    if let Err(reason) = &summary {
        ui.label(RichText::new(reason).color(Palette::of(ui).error));
    }
    let changed = draft.model_changed();
    let title = if changed { "Variants (changed)" } else { "Variants" };
    CollapsingHeader::new(title).id_salt("variants").show_unindented(ui, |ui| {
        ui.add_enabled_ui(!fixed, |ui| choices_ui(ui, &mut draft.base.model, preset));
    });
    if let Ok(summary) = summary {
        CollapsingHeader::new("Layers").id_salt("layers").show_unindented(ui, |ui| layers_ui(ui, &summary));
    }
}

fn choices_ui(ui: &mut Ui, model: &mut ModelConfig, preset: &PresetInfo) {
    Grid::new("variant choices").num_columns(2).min_col_width(LABELS).spacing([8.0, 5.0]).show(ui, |ui| {
        for choice in CHOICES {
            choice.show(ui, model, &preset.standard);
            ui.end_row();
        }
        leave_out_ui(ui, &mut model.without, &preset.middle_convolutions);
        ui.end_row();
    });
}

/// Writes a choice into a config.
type Write = fn(&mut ModelConfig);

/// A setting with a few values.
struct Choice {
    label: &'static str,
    help: &'static str,
    /// What can be chosen, with what it writes into the config.
    options: &'static [(&'static str, Write)],
    /// Takes the choice back.
    clear: Write,
    /// Whether two configs agree on it.
    same: fn(&ModelConfig, &ModelConfig) -> bool,
}

const CHOICES: &[Choice] = &[
    Choice {
        label: "Neurons",
        help: "max(0, x) learns several times faster than the older tanh (paper section 3.1, Figure 1).",
        options: &[
            ("ReLU, max(0, x)", |m| m.activation = Some(Activation::Relu)),
            ("tanh", |m| m.activation = Some(Activation::Tanh)),
        ],
        clear: |m| m.activation = None,
        same: |a, b| a.activation == b.activation,
    },
    Choice {
        label: "Normalisation",
        help: "Lets neighbouring kernels at the same place compete (paper section 3.3): with the alpha as printed, \
               divided by the size of the window as in the author's code, not at all, or the batch normalisation \
               that later networks use instead.",
        options: &[
            ("As printed", |m| m.norm = Some(Norm::Printed)),
            ("As the author ran it", |m| m.norm = Some(Norm::Author)),
            ("None", |m| m.norm = Some(Norm::Off)),
            ("Batch normalisation", |m| m.norm = Some(Norm::Batch)),
        ],
        clear: |m| m.norm = None,
        same: |a, b| a.norm == b.norm,
    },
    Choice {
        label: "Norm order",
        help: "Whether the normalisation stands after the neurons, as the paper says, or before; the author's code \
               has it before those of conv1 and after those of conv2.",
        options: &[
            ("After the neurons", |m| m.norm_order = Some(NormOrder::AfterRelu)),
            ("Before the neurons", |m| m.norm_order = Some(NormOrder::BeforeRelu)),
            ("As the author ran it", |m| m.norm_order = Some(NormOrder::Author)),
        ],
        clear: |m| m.norm_order = None,
        same: |a, b| a.norm_order == b.norm_order,
    },
    Choice {
        label: "Pooling",
        help: "Windows of 3x3 pixels, 2 apart, overlap and overfit a little less than 2x2 windows side by side \
               (paper section 3.4).",
        options: &[
            ("Overlapping, 3x3", |m| m.pooling = Some(Pooling::Overlapping)),
            ("Side by side, 2x2", |m| m.pooling = Some(Pooling::Plain)),
        ],
        clear: |m| m.pooling = None,
        same: |a, b| a.pooling == b.pooling,
    },
    Choice {
        label: "Columns",
        help: "The paper spread the network over two cards: two columns of kernels that meet only in some layers \
               (section 3.2). One of them learns colours, the other shapes.",
        options: &[("Two", |m| m.columns = Some(2)), ("One", |m| m.columns = Some(1))],
        clear: |m| m.columns = None,
        same: |a, b| a.columns == b.columns,
    },
    Choice {
        label: "Dropout",
        help: "Half of the hidden outputs are left out at random in every update, so that they cannot rely on each \
               other (paper section 4.2). The paper halves them in use; later programs double them while training.",
        options: &[
            ("As in the paper", |m| m.dropout = Some(Dropout::Original)),
            ("Doubled while training", |m| m.dropout = Some(Dropout::Inverted)),
            ("None", |m| m.dropout = Some(Dropout::Off)),
        ],
        clear: |m| m.dropout = None,
        same: |a, b| a.dropout == b.dropout,
    },
    Choice {
        label: "First weights",
        help: "Initialisation: how far from zero the random first weights lie: as printed (section 5), as the author ran it, or by \
               the number of inputs of each unit, which small data sets need.",
        options: &[
            ("As printed", |m| m.init = Some(Init::Paper)),
            ("As the author ran it", |m| m.init = Some(Init::Author)),
            ("By number of inputs", |m| m.init = Some(Init::FanIn)),
        ],
        clear: |m| m.init = None,
        same: |a, b| a.init == b.init,
    },
];

impl Choice {
    fn show(&self, ui: &mut Ui, model: &mut ModelConfig, standard: &ModelConfig) {
        let label = ui.label(self.label).on_hover_text(self.help);
        let nothing = ModelConfig::default();
        let effective = if (self.same)(model, &nothing) { standard } else { &*model };
        let matches = |write: Write, config: &ModelConfig| {
            let mut tried = config.clone();
            write(&mut tried);
            (self.same)(&tried, config)
        };
        let shown = self.options.iter().find(|(_, write)| matches(*write, effective));
        let shown = shown.map_or("", |(name, _)| *name);
        let combo =
            ComboBox::from_id_salt(self.label).width(ui.available_width()).selected_text(shown).truncate();
        let mut chosen = None;
        let response = combo.show_ui(ui, |ui| {
            for (name, write) in self.options {
                let usual = matches(*write, standard);
                let text = if usual { format!("{name} (this preset)") } else { (*name).to_owned() };
                if ui.selectable_label(matches(*write, effective), text).clicked() {
                    chosen = Some((*write, usual));
                }
            }
        });
        response.response.labelled_by(label.id).on_hover_text(self.help);
        match chosen {
            Some((_, true)) => (self.clear)(model),
            Some((write, false)) => write(model),
            None => {}
        }
    }
}

/// Which convolution, if any, the network goes without.
fn leave_out_ui(ui: &mut Ui, without: &mut Vec<String>, known: &[String]) {
    let help = "Without any one of its middle convolutions the network loses about 2 % (paper section 7).";
    let label = ui.label("Leave out").on_hover_text(help);
    let shown = if without.is_empty() { "No layer".to_owned() } else { without.join(", ") };
    let combo =
        ComboBox::from_id_salt("leave out").width(ui.available_width()).selected_text(shown).truncate();
    let response = combo.show_ui(ui, |ui| {
        if ui.selectable_label(without.is_empty(), "No layer").clicked() {
            without.clear();
        }
        for layer in known {
            if ui.selectable_label(without.contains(layer), layer).clicked() {
                *without = vec![layer.clone()];
            }
        }
    });
    response.response.labelled_by(label.id).on_hover_text(help);
}

fn layers_ui(ui: &mut Ui, summary: &NetworkSummary) {
    let grid = Grid::new("layer list").num_columns(4).min_col_width(56.0).min_row_height(15.0);
    grid.spacing([10.0, 1.0]).show(ui, |ui| {
        ui.spacing_mut().interact_size.y = 15.0;
        for (column, title) in ["Layer", "Output", "Parameters", "Multiply-adds"].into_iter().enumerate() {
            cell_ui(ui, RichText::new(title).small().weak(), column > 1, "");
        }
        ui.end_row();
        let number = |n: usize| if n == 0 { String::new() } else { format::count(n) };
        for layer in &summary.layers {
            let (parameters, multiply_adds) = (number(layer.parameters), number(layer.multiply_adds));
            for (column, text) in
                [&layer.name, &layer.output, &parameters, &multiply_adds].into_iter().enumerate()
            {
                let text = RichText::new(text).small();
                // What has weights stands out.
                let text = if layer.parameters == 0 { text.weak() } else { text };
                cell_ui(ui, text, column > 1, &layer.what);
            }
            ui.end_row();
        }
    });
    let text = format!(
        "{} parameters, {} multiply-adds for a picture. Training with batches of {} {}.",
        format::count(summary.parameters),
        format::count(summary.multiply_adds),
        summary.batch,
        summary.memory.words()
    );
    ui.label(RichText::new(text).small().weak());
}

/// A cell of the list; numbers stand to the right.
fn cell_ui(ui: &mut Ui, text: RichText, right: bool, help: &str) {
    let layout =
        if right { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
    let response = ui.with_layout(layout, |ui| ui.add(Label::new(text).selectable(false))).inner;
    if !help.is_empty() {
        response.on_hover_text(help);
    }
}
