//! How the panels share the window.

use egui::{
    Align2, CentralPanel, Context, Frame, Id, LayerId, Margin, Order, Panel, ScrollArea, Stroke, StrokeKind,
    TextStyle, Ui,
};

use super::action::Action;
use super::draft::Draft;
use super::incoming;
use super::panels::{
    branch, closing, compare, controls, curves, data, diagnosis, download, evaluate, film, filters, layers,
    model, network, notices, predict, shortcuts, status, tabs, top,
};
use super::state::State;
use super::tab::Tab;
use super::theme::{GAP, Palette};
use super::view::View;
use super::widgets::{Direction, Pane, split_ui};

/// Width of the left column, and of a window that has no room for it beside a view.
const SETUP: f32 = 356.0;
const NARROW: f32 = 800.0;

/// Least heights of the views that are made of several parts: what a low window cannot show at once is scrolled to.
const TRAIN: f32 = 410.0;
const DATA: f32 = 420.0;
const EVALUATE: f32 = 400.0;
const COMPARE: f32 = 470.0;

/// The whole window.
pub fn window_ui(ui: &mut Ui, state: &State, draft: &mut Draft, view: &mut View, actions: &mut Vec<Action>) {
    let edge = bar_frame(ui);
    fit_width(ui, view);
    Panel::top("top").frame(edge).show(ui, |ui| top::top_ui(ui, state, actions));
    Panel::bottom("status").frame(edge).show(ui, |ui| status::status_ui(ui, state));
    if view.setup_open && !view.narrow {
        Panel::left("setup")
            .frame(plain_frame(ui))
            .default_size(SETUP)
            .size_range(290.0..=480.0)
            .show(ui, |ui| setup_ui(ui, state, draft, view, actions));
    }
    CentralPanel::default().frame(plain_frame(ui)).show(ui, |ui| {
        if view.setup_open && view.narrow {
            setup_ui(ui, state, draft, view, actions);
        } else {
            centre_ui(ui, state, draft, view, actions);
        }
    });
    let ctx = ui.ctx().clone();
    branch::branch_ui(&ctx, state, view, actions);
    drop_hint_ui(&ctx, ui, state, view);
    download::download_ui(&ctx, state, view, actions);
    shortcuts::shortcuts_ui(&ctx, view, actions);
    closing::closing_ui(&ctx, state, actions);
}

/// Notices whether there is room for the left column beside a view. A window that becomes narrow shows the view.
fn fit_width(ui: &Ui, view: &mut View) {
    let narrow = ui.available_width() < NARROW;
    if narrow != view.narrow {
        view.narrow = narrow;
        view.setup_open = !narrow;
    }
}

fn setup_ui(ui: &mut Ui, state: &State, draft: &mut Draft, view: &mut View, actions: &mut Vec<Action>) {
    Panel::bottom("run controls")
        .frame(Frame::new().inner_margin(Margin { top: GAP as i8, ..Margin::ZERO }))
        .show_separator_line(false)
        .show(ui, |ui| controls::controls_ui(ui, state, draft, view, actions));
    ScrollArea::vertical().id_salt("setup scroll").auto_shrink(false).show(ui, |ui| {
        data::source_ui(ui, state, draft, view, actions);
        ui.add_space(4.0);
        network::network_ui(ui, state, draft, view, actions);
    });
}

/// The messages, and below them the view in front.
fn centre_ui(ui: &mut Ui, state: &State, draft: &mut Draft, view: &mut View, actions: &mut Vec<Action>) {
    tabs::tabs_ui(ui, view.tab, actions);
    ui.add_space(GAP - ui.spacing().item_spacing.y);
    if !state.notices.list().is_empty() || state.summary.is_some() {
        ScrollArea::vertical().id_salt("messages").max_height(ui.available_height() * 0.4).show(ui, |ui| {
            notices::notices_ui(ui, state, actions);
            notices::summary_ui(ui, state, actions);
        });
        ui.add_space(GAP - ui.spacing().item_spacing.y);
    }
    // Only a grid that is drawn wants pictures.
    view.data.visible = 0..0;
    match view.tab {
        Tab::Data if state.gallery.set.is_some() => {
            tall_ui(ui, DATA, |ui| data::data_ui(ui, state, draft, view, actions));
        }
        Tab::Data => data::data_ui(ui, state, draft, view, actions),
        Tab::Model => model::model_ui(ui, state, draft),
        Tab::Train => train_ui(ui, state, view, actions),
        Tab::Filters => film::film_ui(ui, state, view, actions),
        Tab::Layers => layers::layers_ui(ui, state, view, actions),
        Tab::Predict => predict::predict_ui(ui, state, view, actions),
        Tab::Evaluate if state.measured.is_some() => {
            tall_ui(ui, EVALUATE, |ui| evaluate::evaluate_ui(ui, state, view, actions));
        }
        Tab::Evaluate => evaluate::evaluate_ui(ui, state, view, actions),
        Tab::Compare => tall_ui(ui, COMPARE, |ui| compare::compare_ui(ui, state, view, actions)),
    }
}

/// Curves above, kernels and guesses below.
fn train_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    diagnosis::diagnosis_ui(ui, state, actions);
    tall_ui(ui, TRAIN, |ui| panes_ui(ui, state, view, actions));
}

/// Contents that fill the space that is left, and scroll where it is lower than `least`.
fn tall_ui(ui: &mut Ui, least: f32, contents_ui: impl FnOnce(&mut Ui)) {
    let height = ui.available_height().max(least);
    ScrollArea::vertical().id_salt("tall view").auto_shrink(false).show(ui, |ui| {
        let room = egui::vec2(ui.available_width(), height);
        ui.allocate_ui_with_layout(room, egui::Layout::top_down(egui::Align::Min), contents_ui);
    });
}

fn panes_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    // Taken out, because the panes change the rest of the view.
    let (mut upper, mut left) = (view.curves_share, view.filters_share);
    split_ui(
        ui,
        "curves and pictures",
        Direction::OneAboveTheOther,
        &mut upper,
        [220.0, 180.0],
        |ui, pane| match pane {
            Pane::First => curves::curves_ui(ui, state, view),
            Pane::Second => {
                split_ui(
                    ui,
                    "kernels and guesses",
                    Direction::SideBySide,
                    &mut left,
                    [200.0, 280.0],
                    |ui, pane| match pane {
                        Pane::First => filters::filters_ui(ui, state, view),
                        Pane::Second => predict::small_ui(ui, state, view, actions),
                    },
                );
            }
        },
    );
    (view.curves_share, view.filters_share) = (upper, left);
}

/// While files hang over the window: what will happen to them.
fn drop_hint_ui(ctx: &Context, ui: &Ui, state: &State, view: &View) {
    let paths: Vec<_> = ctx.input(|i| i.raw.hovered_files.iter().map(|file| file.path.clone()).collect());
    if paths.is_empty() {
        return;
    }
    let path = paths.iter().flatten().next();
    let text = match path {
        Some(path) if incoming::is_model(path) && state.busy() => "Stop the run before opening a model",
        Some(path) if incoming::is_model(path) => "Drop to open this model",
        Some(path) if view.tab == Tab::Predict && state.model.is_some() && path.is_dir() => {
            "Drop to ask about all pictures of this folder"
        }
        Some(path) if incoming::is_data_source(path) && state.busy() => {
            "Stop the run before choosing other pictures"
        }
        Some(path) if incoming::is_data_source(path) => "Drop to open these pictures",
        _ if state.model.is_none() => "Start training or open a model before asking about a picture",
        _ if view.tab == Tab::Layers => "Drop to look into the network with this picture",
        _ => "Drop to ask the network",
    };
    let palette = Palette::of(ui);
    let painter = ctx.layer_painter(LayerId::new(Order::Foreground, Id::unique("drop hint")));
    let rect = ctx.content_rect().shrink(6.0);
    painter.rect_filled(rect, 12.0, palette.card.gamma_multiply(0.88));
    painter.rect_stroke(rect, 12.0, Stroke::new(3.0, palette.train), StrokeKind::Inside);
    let mut font = TextStyle::Heading.resolve(&ctx.global_style());
    font.size = 24.0;
    painter.text(rect.center(), Align2::CENTER_CENTER, text, font, palette.text);
}

fn bar_frame(ui: &Ui) -> Frame {
    Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin::symmetric(12, 6))
}

fn plain_frame(ui: &Ui) -> Frame {
    Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin::same(GAP as i8))
}
