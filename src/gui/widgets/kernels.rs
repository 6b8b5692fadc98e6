//! The first layer's kernels as one picture that can be pointed at, key by key too.

use egui::{
    EventFilter, Image, Key, Rect, Response, Sense, Stroke, TextureHandle, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::gui::theme::Palette;
use crate::vis::FilterGrid;

/// Kernels a row, as in the paper's Figure 3.
const PER_ROW: usize = 16;

/// Where each kernel lies in [`FilterGrid::picture`], in texels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelGrid {
    pub kernels: usize,
    pub side: usize,
    pub columns: usize,
}

impl KernelGrid {
    pub fn of(grid: &FilterGrid) -> Self {
        Self { kernels: grid.kernels, side: grid.side, columns: grid.columns.clamp(1, grid.kernels.max(1)) }
    }

    fn in_column(self) -> usize {
        self.kernels.div_ceil(self.columns)
    }

    /// Column (from 0) that a kernel belongs to.
    pub fn column_of(self, kernel: usize) -> usize {
        kernel / self.in_column()
    }

    /// Left and top texel of a kernel.
    pub fn corner(self, kernel: usize) -> [usize; 2] {
        let cell = self.side + 1;
        let place = kernel % self.in_column();
        let rows = self.in_column().div_ceil(PER_ROW);
        [1 + place % PER_ROW * cell, self.column_of(kernel) * (rows * cell + 2) + 1 + place / PER_ROW * cell]
    }

    /// The kernel at a texel; none on the lines between.
    pub fn at(self, x: f32, y: f32) -> Option<usize> {
        (0..self.kernels).find(|&kernel| {
            let [left, top] = self.corner(kernel).map(|v| v as f32);
            let side = self.side as f32;
            (left..left + side).contains(&x) && (top..top + side).contains(&y)
        })
    }

    /// "Kernel 17 of 96, column 1".
    pub fn name(self, kernel: usize) -> String {
        let column =
            if self.columns > 1 { format!(", column {}", self.column_of(kernel) + 1) } else { String::new() };
        format!("Kernel {} of {}{column}", kernel + 1, self.kernels)
    }

    /// The kernel one step away, staying within the grid.
    fn moved(self, kernel: usize, by: isize) -> usize {
        kernel.checked_add_signed(by).filter(|&k| k < self.kernels).unwrap_or(kernel)
    }

    /// Part of the texture that shows a kernel.
    pub fn uv(self, kernel: usize, texture: [usize; 2]) -> Rect {
        let [left, top] = self.corner(kernel).map(|v| v as f32);
        let size = vec2(texture[0] as f32, texture[1] as f32);
        let min = vec2(left, top) / size;
        Rect::from_min_size(min.to_pos2(), Vec2::splat(self.side as f32) / size)
    }
}

/// Draws the grid at the largest whole number of screen pixels a weight that fits into `room`. A click, or the
/// arrow keys once it has the focus, choose a kernel; pointing at one enlarges it.
pub fn kernel_grid_ui(
    ui: &mut Ui,
    grid: KernelGrid,
    texture: &TextureHandle,
    room: Vec2,
    chosen: &mut Option<usize>,
) -> Response {
    let [width, height] = texture.size().map(|v| v as f32);
    let pixels_per_point = ui.ctx().pixels_per_point();
    let fit = (room.x / width).min(room.y / height) * pixels_per_point;
    let scale = fit.floor().max(1.0) / pixels_per_point;
    let (rect, response) = ui.allocate_exact_size(vec2(width, height) * scale, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, description(grid, *chosen)));
    Image::from_texture((texture.id(), rect.size())).paint_at(ui, rect);

    let pointed = response.hover_pos().and_then(|p| {
        let texel = (p - rect.min) / scale;
        grid.at(texel.x, texel.y)
    });
    if response.clicked() {
        *chosen = pointed;
        response.request_focus();
    }
    move_by_keys(ui, grid, &response, chosen);
    for kernel in pointed.iter().chain(chosen.iter()) {
        outline(ui, grid, rect, scale, *kernel);
    }
    if let Some(kernel) = pointed {
        let show = |ui: &mut Ui| {
            enlarged_ui(ui, grid, texture, kernel, 132.0);
            ui.label(grid.name(kernel));
        };
        return response.on_hover_ui_at_pointer(show);
    }
    response
}

/// One kernel, large.
pub fn enlarged_ui(ui: &mut Ui, grid: KernelGrid, texture: &TextureHandle, kernel: usize, side: f32) {
    let image = Image::from_texture((texture.id(), Vec2::splat(side)))
        .uv(grid.uv(kernel, texture.size()))
        .fit_to_exact_size(Vec2::splat(side))
        .alt_text(format!("Kernel {} enlarged", kernel + 1));
    ui.add(image);
}

fn description(grid: KernelGrid, chosen: Option<usize>) -> String {
    let chosen = chosen.map(|kernel| format!(". {} chosen", grid.name(kernel))).unwrap_or_default();
    format!("{} first-layer kernels of {}x{} weights{chosen}", grid.kernels, grid.side, grid.side)
}

fn move_by_keys(ui: &Ui, grid: KernelGrid, response: &Response, chosen: &mut Option<usize>) {
    if !response.has_focus() {
        return;
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let row = PER_ROW as isize;
    for (key, by) in [(Key::ArrowLeft, -1), (Key::ArrowRight, 1), (Key::ArrowUp, -row), (Key::ArrowDown, row)]
    {
        if ui.input(|input| input.key_pressed(key)) {
            *chosen = Some(chosen.map_or(0, |kernel| grid.moved(kernel, by)));
        }
    }
}

fn outline(ui: &Ui, grid: KernelGrid, rect: Rect, scale: f32, kernel: usize) {
    let [left, top] = grid.corner(kernel).map(|v| v as f32 * scale);
    let side = grid.side as f32 * scale;
    let frame =
        Rect::from_min_size(pos2(rect.left() + left, rect.top() + top), Vec2::splat(side)).expand(1.0);
    ui.painter().rect_stroke(
        frame,
        0.0,
        Stroke::new(2.0, Palette::of(ui).validation),
        egui::StrokeKind::Outside,
    );
}
