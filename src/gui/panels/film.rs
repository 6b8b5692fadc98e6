//! The kernels, large: as they are, how they formed, and those of later layers.

use egui::{Align, ComboBox, Layout, RichText, Slider, TextureHandle, Ui, vec2};

use crate::gui::action::{Action, Figure};
use crate::gui::film::FRAME_SECONDS;
use crate::gui::format;
use crate::gui::state::State;
use crate::gui::theme::{GAP, card};
use crate::gui::view::View;
use crate::gui::widgets::{
    KernelGrid, button_ui, empty_ui, enlarged_ui, heading_ui, kernel_grid_ui, pairs_ui, small_button_ui,
};
use crate::vis::{FilterGrid, Scale, extent};

/// Least side of an enlarged kernel, in points.
const ENLARGED: f32 = 72.0;

/// The view.
pub fn film_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    card(ui).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        header_ui(ui, state, view, actions);
        match view.film.layer.clone() {
            Some(layer) => later_ui(ui, state, view, &layer),
            None => first_ui(ui, state, view),
        }
    });
}

fn header_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        heading_ui(ui, "Kernels");
        layer_ui(ui, state, view, actions);
        scale_ui(ui, view);
        if view.film.layer.is_none() {
            export_ui(ui, state, actions);
            let help = "Choose the folder of a run, and see how its kernels formed";
            if button_ui(ui, "Film of a run…", Ok(()), help).clicked() {
                actions.push(Action::PickFilm);
            }
            let help = "Show the kernels of the network at hand again";
            if state.opened_film.is_some() && button_ui(ui, "Close this film", Ok(()), help).clicked() {
                actions.push(Action::CloseFilm);
            }
        }
    });
}

/// Which convolution: the first, or a later one.
fn layer_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    let layers = state.model.as_ref().map(|model| model.convolutions.as_slice()).unwrap_or_default();
    let first = layers.first().map_or("conv1", String::as_str);
    let shown = view.film.layer.clone().unwrap_or_else(|| first.to_owned());
    let response = ComboBox::from_id_salt("kernels of").selected_text(shown).width(90.0).show_ui(ui, |ui| {
        if ui.selectable_label(view.film.layer.is_none(), first).clicked() {
            view.film.layer = None;
        }
        for layer in layers.iter().skip(1) {
            let chosen = view.film.layer.as_ref() == Some(layer);
            if ui.selectable_label(chosen, layer).clicked() {
                actions.push(Action::ShowKernels(layer.clone()));
            }
        }
    });
    response.response.accessible_name("Layer").on_hover_text("Which convolution's kernels to show");
}

fn scale_ui(ui: &mut Ui, view: &mut View) {
    let choices = [
        (
            Scale::Column,
            "One scale",
            "Black and white mean the same in all kernels of a column, as in the paper's Figure 3: strong kernels look strong",
        ),
        (
            Scale::Kernel,
            "Each its own",
            "Each kernel from its own darkest to its own brightest: the shape of faint ones can be seen too",
        ),
    ];
    for (scale, name, help) in choices {
        ui.selectable_value(&mut view.film.scale, scale, name).on_hover_text(help);
    }
}

fn export_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let kernels = state.filters.is_some() || !state.film_in_view().frames().is_empty();
    let entries = [
        (Figure::Png, "Picture (PNG)…", kernels),
        (Figure::Svg, "Drawing (SVG)…", kernels),
        (Figure::Gif, "Film (GIF)…", state.film_in_view().frames().len() > 1),
    ];
    ui.add_enabled_ui(kernels, |ui| {
        ui.menu_button("Export", |ui| {
            for (figure, label, possible) in entries {
                if ui.add_enabled(possible, egui::Button::new(label)).clicked() {
                    actions.push(Action::PickFigure(figure));
                }
            }
        });
    });
}

/// The first layer: the film with its frames, or what there is of it.
fn first_ui(ui: &mut Ui, state: &State, view: &mut View) {
    play(ui, state, view);
    let Some((grid, number)) = shown(state, view) else {
        empty_ui(
            ui,
            "Kernels appear here",
            "Start training, or open a model. They start as noise; edges and colours emerge as the network learns, as in \
             the paper's Figure 3. The film of a run that has ended can be opened with the button above.",
        );
        return;
    };
    if state.film_in_view().frames().len() > 1 {
        scrub_ui(ui, state, view, grid);
    }
    let caption = caption(state, grid);
    ui.add(egui::Label::new(RichText::new(caption).small().weak()).wrap());
    let texture = view.textures.first_layer(ui.ctx(), grid, number, view.film.scale);
    grid_ui(ui, grid, &texture, view);
}

/// The kernels in view, with a number that no others have: the frame that was chosen, or else as they are now.
pub fn shown<'a>(state: &'a State, view: &View) -> Option<(&'a FilterGrid, u64)> {
    let frame = state.film_in_view().frame(view.film.frame).map(|(_, grid)| grid);
    // The kernels as they are now are newer than the last frame.
    let newer = |grid: &&FilterGrid| frame.is_none_or(|frame| grid.step >= frame.step);
    match state.filters.as_ref().filter(newer) {
        Some(grid) if view.film.frame.is_none() && state.opened_film.is_none() => {
            Some((grid, state.filters_seen | 1 << 63))
        }
        _ => frame.map(|grid| (grid, state.film_in_view().number_of(grid))),
    }
}

/// While the film plays: the frame that is due.
fn play(ui: &Ui, state: &State, view: &mut View) {
    let (Some(since), Some((frame, _))) = (view.film.playing, state.film_in_view().frame(view.film.frame))
    else {
        return;
    };
    let now = ui.input(|input| input.time);
    let due = ((now - since) / FRAME_SECONDS) as usize;
    if due > 0 {
        let next = frame + due;
        let ended = next + 1 >= state.film_in_view().frames().len();
        view.film.frame = (!ended).then_some(next);
        view.film.playing = (!ended).then_some(since + due as f64 * FRAME_SECONDS);
    }
    ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(FRAME_SECONDS));
}

/// Play, and a slider over the frames.
fn scrub_ui(ui: &mut Ui, state: &State, view: &mut View, grid: &FilterGrid) {
    let frames = state.film_in_view().frames();
    let (mut number, _) = state.film_in_view().frame(view.film.frame).expect("there are frames");
    ui.horizontal(|ui| {
        let playing = view.film.playing.is_some();
        let (label, help) =
            if playing { ("Stop", "Stay at this moment") } else { ("Play", "Watch the kernels form") };
        if small_button_ui(ui, label, &format!("{label} the film"), help).clicked() {
            let at_end = number + 1 >= frames.len();
            view.film.playing = (!playing).then(|| ui.input(|input| input.time));
            if !playing && at_end {
                view.film.frame = Some(0);
            }
        }
        let epoch = match state.opened_film {
            None => format!(", epoch {:.2}", state.curves.epoch_of(grid.step)),
            Some(_) => String::new(),
        };
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let text = format!("update {}{epoch}", format::count(grid.step as usize));
            ui.label(RichText::new(text).monospace());
            ui.spacing_mut().slider_width = (ui.available_width() - 12.0).max(60.0);
            let slider = Slider::new(&mut number, 0..=frames.len() - 1).show_value(false);
            let response = ui.add(slider).accessible_name("Moment of the film");
            if response.on_hover_text("The moment; the curves show it with a line").changed() {
                view.film.playing = None;
                view.film.frame = Some(number).filter(|&number| number + 1 < frames.len());
            }
        });
    });
}

fn caption(state: &State, grid: &FilterGrid) -> String {
    let columns = if grid.columns > 1 { ", one block for each column of the network" } else { "" };
    let other = state.opened_film.as_ref().and_then(|film| film.run.as_ref());
    let of = other.map(|run| format!(" From `{}`.", run.display())).unwrap_or_default();
    format!(
        "{} kernels of {side}x{side} pixels after {} updates{columns}.{of} Point at one to enlarge it, click to keep it.",
        grid.kernels,
        format::count(grid.step as usize),
        side = grid.side
    )
}

/// The grid and, where there is room, one kernel enlarged below it: the chosen one, or the first.
pub fn grid_ui(ui: &mut Ui, filters: &FilterGrid, texture: &TextureHandle, view: &mut View) {
    let grid = KernelGrid::of(filters);
    let room = vec2(ui.available_width(), (ui.available_height() - 4.0).max(40.0));
    ui.vertical_centered(|ui| kernel_grid_ui(ui, grid, texture, room, &mut view.kernel));
    let left = ui.available_height() - GAP;
    let kernel = view.kernel.filter(|&kernel| kernel < grid.kernels).unwrap_or(0);
    if left >= ENLARGED {
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            enlarged_ui(ui, grid, texture, kernel, left.min(2.0 * ENLARGED));
            ui.vertical(|ui| {
                ui.label(grid.name(kernel));
                let area = 3 * filters.side * filters.side;
                let (low, high) = extent(&filters.weights[kernel * area..(kernel + 1) * area]);
                ui.label(RichText::new(format!("weights from {low:.3} to {high:.3}")).small().weak());
            });
        });
    }
}

/// A later layer, pair by pair of maps.
fn later_ui(ui: &mut Ui, state: &State, view: &mut View, layer: &str) {
    let Some(kernels) = state.kernels.as_ref().filter(|kernels| kernels.layer == layer) else {
        empty_ui(ui, "Reading the kernels", "They come as soon as the update in hand is finished.");
        return;
    };
    let columns = if kernels.columns > 1 { " of its own column" } else { "" };
    let text = format!(
        "{layer} after {} updates: a row for each of its {} outputs, in it one square of {side}x{side} weights for each of \
         the {} maps{columns} that it sees. Grey is 0, bright is positive, dark is negative.",
        format::count(kernels.step as usize),
        kernels.outputs,
        kernels.inputs,
        side = kernels.side
    );
    ui.add(egui::Label::new(RichText::new(text).small().weak()).wrap());
    pairs_ui(ui, kernels, state.kernels_seen, view);
}
