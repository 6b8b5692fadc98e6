//! The kernels of a later convolution: a row for each output map, a square for each input map. Only the rows in
//! view are drawn.

use egui::{EventFilter, Image, Key, Rect, ScrollArea, Sense, Ui, Vec2, WidgetInfo, vec2};

use crate::gui::view::View;
use crate::vis::LayerKernels;

/// Points a weight is drawn with.
const TEXEL: f32 = 4.0;
/// Side of an enlarged pair, in points.
const ENLARGED: f32 = 140.0;
/// Outputs drawn into one texture: no longer side than every graphics driver can bear.
const BLOCK: usize = 128;

/// The kernels, to be scrolled both ways.
pub fn pairs_ui(ui: &mut Ui, kernels: &LayerKernels, seen: u64, view: &mut View) {
    let cell = (kernels.side + 1) as f32 * TEXEL;
    let size = vec2(kernels.inputs as f32 * cell + TEXEL, kernels.outputs as f32 * cell + TEXEL);
    let scale = view.film.scale;
    ScrollArea::both().id_salt("pairs").auto_shrink(false).show_viewport(ui, |ui, window| {
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let name = format!(
            "Kernels of {}: {} outputs, {} inputs, {side}x{side} weights",
            kernels.layer,
            kernels.outputs,
            kernels.inputs,
            side = kernels.side
        );
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &name));
        // The block that the upper edge lies in, long enough to fill the window.
        let first = ((window.top() / cell) as usize).min(kernels.outputs.saturating_sub(1)) / BLOCK * BLOCK;
        let rows = first..(first + 2 * BLOCK).min(kernels.outputs);
        let texture = view.textures.kernels(ui.ctx(), kernels, seen, scale, rows.clone());
        let top = rect.top() + rows.start as f32 * cell;
        let texels = texture.size().map(|side| side as f32 * TEXEL);
        let place = Rect::from_min_size(egui::pos2(rect.left(), top), texels.into());
        Image::from_texture((texture.id(), place.size())).paint_at(ui, place);
        if response.clicked() {
            response.request_focus();
        }
        if response.has_focus() {
            scroll_by_keys(ui, response.id, cell);
        }
        let pair = response.hover_pos().and_then(|at| {
            let [input, output] = [at.x - rect.left(), at.y - rect.top()].map(|v| (v / cell) as usize);
            (input < kernels.inputs && rows.contains(&output)).then_some((output, input))
        });
        if let Some((output, input)) = pair {
            response.on_hover_ui_at_pointer(|ui| {
                let side = kernels.side as f32;
                let texels = Vec2::from(texture.size().map(|side| side as f32));
                let corner =
                    vec2(input as f32, (output - rows.start) as f32) * (side + 1.0) + Vec2::splat(1.0);
                let uv = Rect::from_min_size((corner / texels).to_pos2(), Vec2::splat(side) / texels);
                let image = Image::from_texture((texture.id(), Vec2::splat(ENLARGED))).uv(uv);
                ui.add(image.fit_to_exact_size(Vec2::splat(ENLARGED)));
                ui.label(told(kernels, output, input));
            });
        }
    });
}

/// Which maps a pair joins, counted over all columns, and its weights' extent.
fn told(kernels: &LayerKernels, output: usize, input: usize) -> String {
    let column = output * kernels.columns / kernels.outputs;
    let area = kernels.side * kernels.side;
    let first = (output * kernels.inputs + input) * area;
    let (low, high) = crate::vis::extent(&kernels.weights[first..first + area]);
    let from = column * kernels.inputs + input + 1;
    format!("From map {from} to map {}: {low:.3} to {high:.3}", output + 1)
}

fn scroll_by_keys(ui: &Ui, id: egui::Id, cell: f32) {
    let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, arrows));
    let step = 4.0 * cell;
    let moves = [
        (Key::ArrowUp, vec2(0.0, step)),
        (Key::ArrowDown, vec2(0.0, -step)),
        (Key::ArrowLeft, vec2(step, 0.0)),
        (Key::ArrowRight, vec2(-step, 0.0)),
    ];
    for (key, by) in moves {
        if ui.input(|input| input.key_pressed(key)) {
            ui.scroll_with_delta(by);
        }
    }
}
