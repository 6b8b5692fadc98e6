//! The network's variants, each one choice.

use egui::{Grid, PopupCloseBehavior, Ui};

use crate::config::{Activation, Dropout, Init, ModelConfig, Norm, NormOrder, Pooling};
use crate::engine::PresetInfo;
use crate::gui::theme::GAP;
use crate::gui::widgets::{choice_ui, dropdown_ui};

/// Width of the labels.
const LABELS: f32 = 92.0;
/// Width of a label with its list.
const PAIR: f32 = 250.0;

/// The choices, in as many columns as there is room for.
pub fn variants_ui(ui: &mut Ui, model: &mut ModelConfig, preset: &PresetInfo) {
    let columns = ((ui.available_width() / PAIR) as usize).clamp(1, 4);
    let room = ui.available_width() / columns as f32;
    ui.spacing_mut().combo_width = 90.0;
    let leave_out = !preset.middle_convolutions.is_empty();
    let count = CHOICES.len() + usize::from(leave_out);
    let rows = count.div_ceil(columns);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for column in 0..columns {
            let layout = egui::Layout::top_down(egui::Align::Min);
            ui.allocate_ui_with_layout(egui::vec2(room - GAP, 0.0), layout, |ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                let grid = Grid::new(("variant choices", column)).num_columns(2).min_col_width(LABELS);
                grid.spacing([8.0, 5.0]).show(ui, |ui| {
                    for number in column * rows..((column + 1) * rows).min(count) {
                        match CHOICES.get(number) {
                            Some(choice) => choice.show(ui, model, &preset.standard),
                            None => leave_out_ui(ui, &mut model.without, &preset.middle_convolutions),
                        }
                        ui.end_row();
                    }
                });
            });
            ui.add_space(GAP);
        }
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
        let nothing = ModelConfig::default();
        let effective = if (self.same)(model, &nothing) { standard } else { &*model };
        let matches = |write: Write, config: &ModelConfig| {
            let mut tried = config.clone();
            write(&mut tried);
            (self.same)(&tried, config)
        };
        let position =
            |config: &ModelConfig| self.options.iter().position(|(_, write)| matches(*write, config));
        let options: Vec<(usize, &str, &str)> =
            self.options.iter().enumerate().map(|(number, (text, _))| (number, *text, "")).collect();
        let usual = position(standard);
        match choice_ui(ui, self.label, self.help, &options, usual, position(effective)) {
            Some(number) if Some(number) == usual => (self.clear)(model),
            Some(number) => (self.options[number].1)(model),
            None => {}
        }
    }
}

/// Which convolution, if any, the network goes without.
fn leave_out_ui(ui: &mut Ui, without: &mut Vec<String>, known: &[String]) {
    let help = "Without any one of its middle convolutions the network loses about 2 % (paper section 7).";
    let shown = if without.is_empty() { "No layer".to_owned() } else { without.join(", ") };
    dropdown_ui(ui, "Leave out", help, &shown, PopupCloseBehavior::CloseOnClick, |ui| {
        if ui.selectable_label(without.is_empty(), "No layer").clicked() {
            without.clear();
        }
        for layer in known {
            if ui.selectable_label(without.contains(layer), layer).clicked() {
                *without = vec![layer.clone()];
            }
        }
    });
}
