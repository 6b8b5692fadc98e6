//! The list of the layers: what each does, gives and costs.

use egui::{Align, Label, Layout, RichText, Sense, Ui};
use egui_extras::{Column, TableBuilder};

use crate::engine::{LayerSummary, Sketch};
use crate::gui::format;
use crate::gui::theme::Palette;
use crate::words;

const ROW: f32 = 19.0;

/// The list, as high as there is room.
pub fn layer_table_ui(ui: &mut Ui, sketch: &Sketch, height: f32) {
    let summary = &sketch.summary;
    let failing = sketch.fault.as_ref().and_then(|fault| fault.layer.as_deref());
    let memory = format!("Maps for {}", summary.batch);
    let titles = ["Layer", "Does", "Gives", "Parameters", "Multiply-adds", &memory];
    let wide = ui.available_width() > 620.0;
    let table = TableBuilder::new(ui)
        .id_salt("layers of the network")
        .striped(true)
        .cell_layout(Layout::left_to_right(Align::Center))
        .max_scroll_height(height)
        .auto_shrink(false)
        .column(Column::auto().at_least(64.0))
        .column(Column::remainder().clip(true))
        .column(Column::auto().at_least(70.0))
        .columns(Column::auto().at_least(if wide { 92.0 } else { 60.0 }), 3);
    let table = table.header(ROW, |mut header| {
        for (place, title) in titles.into_iter().enumerate() {
            header.col(|ui| cell_ui(ui, RichText::new(title).small().weak(), place > 2));
        }
    });
    table.body(|body| {
        body.rows(ROW, summary.layers.len(), |mut row| {
            let layer = &summary.layers[row.index()];
            let failed = failing == Some(layer.name.as_str());
            for (place, text) in cells(layer).into_iter().enumerate() {
                row.col(|ui| {
                    let mut text = RichText::new(text).small();
                    if failed {
                        text = text.color(Palette::of(ui).error);
                    } else if layer.parameters == 0 {
                        // What has weights stands out.
                        text = text.weak();
                    }
                    cell_ui(ui, text, place > 2);
                });
            }
        });
    });
}

fn cells(layer: &LayerSummary) -> [String; 6] {
    let number = |n: usize| if n == 0 { String::new() } else { format::count(n) };
    [
        layer.name.clone(),
        layer.what.clone(),
        layer.output.clone(),
        number(layer.parameters),
        number(layer.multiply_adds),
        words::bytes(layer.output_bytes as u64),
    ]
}

/// A cell; numbers stand to the right.
fn cell_ui(ui: &mut Ui, text: RichText, right: bool) {
    let layout =
        if right { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
    // What is cut shows on hover.
    ui.with_layout(layout, |ui| ui.add(Label::new(text).selectable(false).sense(Sense::hover()).truncate()));
}
