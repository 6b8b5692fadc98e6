//! The classes as a table: how many pictures, which error, what they are mistaken for.

use std::cmp::Ordering;

use egui::{Align, Label, Layout, RichText, Sense, TextStyle, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder};

use crate::gui::evaluate_view::{EvaluateView, Order};
use crate::gui::format;
use crate::gui::measured::{Chosen, Measured};
use crate::gui::widgets::one_line;
use crate::vis::ClassResult;

/// Height of a row.
const ROW: f32 = 22.0;

/// The table. A click on a class shows the pictures of it that are taken for something else.
pub(super) fn classes_ui(ui: &mut Ui, measured: &Measured, view: &mut EvaluateView) {
    let order = ordered(&measured.classes, view.order);
    let table = TableBuilder::new(ui)
        .id_salt("class results")
        .striped(true)
        .sense(Sense::click())
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::remainder().at_least(90.0).clip(true))
        .columns(Column::exact(68.0), 3)
        .column(Column::remainder().at_least(90.0).clip(true))
        .auto_shrink(false);
    let table = table.header(24.0, |mut header| {
        let titles = [
            (Some(Order::Label), "Class", "In the order in which the network counts the classes"),
            (Some(Order::Pictures), "Pictures", "Validation pictures of the class"),
            (Some(Order::Error), "Error", "Share of them that is taken for another class"),
            (
                Some(Order::Precision),
                "Precision",
                "Share of the pictures taken for this class that belong to it",
            ),
            (None, "Mostly taken for", "The class that its pictures are most often mistaken for"),
        ];
        for (order, title, help) in titles {
            header.col(|ui| title_ui(ui, view, order, title, help));
        }
    });
    let chosen = &mut view.chosen;
    let mut clicked = None;
    table.body(|body| {
        body.rows(ROW, order.len(), |mut row| {
            let label = order[row.index()];
            row.set_selected(*chosen == Chosen::Class(label));
            cells(&mut row, measured, label);
            if row.response().clicked() {
                clicked = Some(label);
            }
        });
    });
    if let Some(label) = clicked {
        view.choose(Chosen::Class(label));
    }
}

fn title_ui(ui: &mut Ui, view: &mut EvaluateView, order: Option<Order>, title: &str, help: &str) {
    match order {
        Some(order) => {
            let text = RichText::new(title).small();
            let response = ui.selectable_label(view.order == order, text);
            if response.on_hover_text(format!("{help}. Click to order by it.")).clicked() {
                view.order = order;
            }
        }
        None => {
            ui.label(RichText::new(title).small().strong()).on_hover_text(help);
        }
    }
}

fn cells(row: &mut egui_extras::TableRow<'_, '_>, measured: &Measured, label: u32) {
    let result = &measured.classes[label as usize];
    let percent = |share: Option<f64>| share.map_or("–".to_owned(), format::percent);
    let text = |row: &mut egui_extras::TableRow<'_, '_>, text: String, name: String| {
        row.col(|ui| {
            let (font, color) = (TextStyle::Body.resolve(ui.style()), ui.visuals().text_color());
            let shown = one_line(ui.painter(), &text, &font, color, ui.available_width());
            let is_whole = shown.text() == text;
            let response = ui.add(Label::new(shown).selectable(false));
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &name));
            if !is_whole {
                response.on_hover_text(&text);
            }
        });
    };
    let class = measured.class(label);
    text(row, class.to_owned(), class.to_owned());
    text(row, format::count(result.pictures), format!("{} pictures", result.pictures));
    let error = percent(result.top1_error());
    text(row, error.clone(), format!("error {error}"));
    let precision = percent(result.precision());
    text(row, precision.clone(), format!("precision {precision}"));
    let other = result
        .mistaken_for
        .map(|(other, times)| format!("{} ({})", measured.class(other), format::count(times)))
        .unwrap_or_default();
    text(
        row,
        other.clone(),
        if other.is_empty() { "never mistaken".into() } else { format!("mostly taken for {other}") },
    );
}

/// Labels in the order that was asked for.
fn ordered(classes: &[ClassResult], order: Order) -> Vec<u32> {
    let mut labels: Vec<u32> = (0..classes.len() as u32).collect();
    let of = |label: &u32| &classes[*label as usize];
    let larger_first = |a: Option<f64>, b: Option<f64>| b.partial_cmp(&a).unwrap_or(Ordering::Equal);
    match order {
        Order::Label => {}
        Order::Pictures => labels.sort_by_key(|label| std::cmp::Reverse(of(label).pictures)),
        Order::Error => labels.sort_by(|a, b| larger_first(of(a).top1_error(), of(b).top1_error())),
        Order::Precision => labels.sort_by(|a, b| larger_first(of(b).precision(), of(a).precision())),
    }
    labels
}
