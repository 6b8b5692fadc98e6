//! The network as a drawing: the paper's Figure 2 made readable.
//!
//! From left to right stand the blocks. A block of maps is a slab: its face is as large as the maps are (on a scale of
//! square roots, or the later ones could not be seen), its depth grows with their number. Two columns lie one above
//! the other, and lines say who sees whom. Below each block stand its shape, its kernels, what follows, and two bars:
//! its share of all parameters and of all multiply-adds.

use egui::{
    Color32, FontId, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use crate::engine::{Block, Sketch};
use crate::gui::format;
use crate::gui::theme::Palette;
use crate::gui::widgets::{Mark, swatch_ui};
use crate::words;

/// Height of the slabs, of the words below, and of one more line of words.
const SLABS: f32 = 168.0;
const WORDS: f32 = 86.0;
const LINE: f32 = 14.0;
/// Size of the words that say what kernels a block has and what follows.
const SMALL: f32 = 11.5;
/// Least width of a block; a drawing that is wider than the view can be scrolled.
const LEAST: f32 = 88.0;
/// Longest side of a face, and greatest depth, in one column.
const FACE: f32 = 74.0;
const DEPTH: f32 = 26.0;
/// Height of a block without maps, at its greatest.
const BAR: f32 = 120.0;

/// The drawing.
pub fn diagram_ui(ui: &mut Ui, sketch: &Sketch) {
    let count = sketch.blocks.len() + 1;
    let width = (ui.available_width() / count as f32).max(LEAST);
    egui::ScrollArea::horizontal().id_salt("diagram").auto_shrink([false, true]).show(ui, |ui| {
        let fits = |block: &Block| {
            let words = block.then.join(", ");
            let font = FontId::proportional(SMALL);
            ui.painter().layout_no_wrap(words, font, Color32::PLACEHOLDER).size().x <= width - 6.0
        };
        let lines = if sketch.blocks.iter().all(fits) { 1 } else { 2 };
        let height = SLABS + WORDS + LINE * (lines - 1) as f32;
        let (rect, _) = ui.allocate_exact_size(vec2(width * count as f32, height), Sense::hover());
        let drawing = Drawing { sketch, palette: Palette::of(ui), rect, width, lines };
        let cells: Vec<Cell> = (0..count).map(|place| drawing.cell(place)).collect();
        for pair in cells.windows(2) {
            drawing.joints(ui.painter(), &pair[0], &pair[1]);
        }
        for cell in &cells {
            drawing.slabs(ui.painter(), cell);
            drawing.words(ui.painter(), cell);
        }
        for cell in &cells {
            drawing.told(ui, cell);
        }
    });
    ui.horizontal_wrapped(key_ui);
}

struct Drawing<'a> {
    sketch: &'a Sketch,
    palette: &'static Palette,
    rect: Rect,
    /// Of a block.
    width: f32,
    /// That what follows takes in every block, so that all bars stand at one height.
    lines: usize,
}

/// A block, or the picture at the beginning, with its place.
struct Cell<'a> {
    block: Option<&'a Block>,
    rect: Rect,
    /// Faces of the slabs, one for each column from the top; the depth goes right and up from them.
    faces: Vec<Rect>,
    depth: f32,
    /// It, or a block before it, cannot be built.
    failed: Option<bool>,
}

impl<'a> Drawing<'a> {
    fn cell(&self, place: usize) -> Cell<'a> {
        let left = self.rect.left() + self.width * place as f32;
        let rect = Rect::from_min_size(pos2(left, self.rect.top()), vec2(self.width, self.rect.height()));
        let block = place.checked_sub(1).map(|place| &self.sketch.blocks[place]);
        let [channels, height, _] =
            block.map_or([3, self.sketch.summary.input_side, 1], |block| block.output);
        let columns = block.map_or(1, |block| block.columns).max(1);
        let largest = self.sketch.summary.input_side.max(1) as f32;
        let share = |value: f32, whole: f32| (value / whole).clamp(0.0, 1.0).sqrt();
        let room = (self.width - 22.0).min(FACE);
        let flat = block.is_some_and(|block| block.flat);
        let (size, depth) = if flat {
            let tall =
                share(channels as f32 / columns as f32, 4096.0 / columns as f32) * BAR / columns as f32;
            (vec2(11.0, tall.max(8.0)), 5.0)
        } else {
            let side = (share(height as f32, largest) * room / if columns > 1 { 1.25 } else { 1.0 }).max(7.0);
            let depth = share(channels as f32 / columns as f32, 256.0) * DEPTH.min(self.width - 16.0 - side);
            (Vec2::splat(side), depth.max(3.0))
        };
        let gap = 8.0 + depth * 0.5;
        let whole = size.y * columns as f32 + gap * (columns - 1) as f32;
        let top = rect.top() + depth * 0.25 + (SLABS - whole) / 2.0;
        let face = |column: usize| {
            let centre =
                pos2(rect.center().x - depth / 2.0, top + size.y / 2.0 + (size.y + gap) * column as f32);
            Rect::from_center_size(centre, size)
        };
        Cell { block, rect, faces: (0..columns).map(face).collect(), depth, failed: self.failed(place) }
    }

    /// Whether a block fails (true), or stands behind the one that does (false).
    fn failed(&self, place: usize) -> Option<bool> {
        let layer = self.sketch.fault.as_ref()?.layer.as_ref()?;
        let names = |block: &Block| {
            self.sketch.summary.layers[block.layers.clone()].iter().any(|other| other.name == *layer)
        };
        let fails = self.sketch.blocks.iter().position(names)? + 1;
        (place >= fails).then_some(place == fails)
    }

    /// The colour of a column; one column is blue.
    fn color(&self, cell: &Cell, column: usize) -> Color32 {
        let color = match (cell.failed, cell.block) {
            (Some(true), _) => return self.palette.error,
            (_, None) => self.palette.muted,
            (_, Some(_)) if column == 1 => self.palette.validation,
            _ => self.palette.train,
        };
        if cell.failed == Some(false) { color.gamma_multiply(0.35) } else { color }
    }

    /// Lines from every column to those that see it.
    fn joints(&self, painter: &Painter, from: &Cell, to: &Cell) {
        let apart = to.block.is_some_and(|block| block.apart);
        for (first, start) in from.faces.iter().enumerate() {
            for (second, end) in to.faces.iter().enumerate() {
                if apart && from.faces.len() > 1 && first != second {
                    continue;
                }
                let start = start.right_center() + vec2(from.depth + 2.0, -from.depth * 0.5);
                let end = end.left_center() - vec2(3.0, 0.0);
                let color = self.palette.muted.gamma_multiply(0.7);
                painter.line_segment([start, end], Stroke::new(1.0, color));
                let along = (end - start).normalized();
                let wing = |side: f32| end - along * 5.0 + along.rot90() * side;
                painter.add(Shape::line(vec![wing(2.5), end, wing(-2.5)], Stroke::new(1.0, color)));
            }
        }
    }

    fn slabs(&self, painter: &Painter, cell: &Cell) {
        for (column, face) in cell.faces.iter().enumerate().rev() {
            slab(painter, *face, cell.depth, self.color(cell, column), self.palette);
            if let Some((kernel, _)) = cell.block.and_then(|block| block.kernel) {
                self.kernel(painter, cell, *face, kernel);
            }
        }
    }

    /// The size of a kernel beside the maps that it makes.
    fn kernel(&self, painter: &Painter, cell: &Cell, face: Rect, kernel: usize) {
        let Some([_, height, _]) = cell.block.map(|block| block.output) else { return };
        let side = (kernel as f32 / height.max(kernel) as f32 * face.height()).max(2.5);
        let square = Rect::from_min_size(face.min + vec2(2.0, 2.0), Vec2::splat(side)).intersect(face);
        painter.rect_stroke(square, 0.0, Stroke::new(1.0, self.palette.text), StrokeKind::Inside);
    }

    /// Name, shape, kernels, what follows, and the two bars.
    fn words(&self, painter: &Painter, cell: &Cell) {
        let mut at = pos2(cell.rect.center().x, cell.rect.top() + SLABS + 2.0);
        let faint = cell.failed == Some(false);
        let mut line = |text: &str, size: f32, color: Color32| {
            let color = if faint { color.gamma_multiply(0.5) } else { color };
            let galley = fitted(painter, text, size, color, self.width - 6.0);
            let height = galley.size().y;
            painter.galley(at - vec2(galley.size().x / 2.0, 0.0), galley, color);
            at.y += height;
        };
        let (text, muted) = (self.palette.text, self.palette.muted);
        let Some(block) = cell.block else {
            let side = self.sketch.summary.input_side;
            line("picture", 13.5, text);
            line(&format!("{side}x{side}, RGB"), 12.0, text);
            return;
        };
        line(&block.name, 13.5, if cell.failed == Some(true) { self.palette.error } else { text });
        line(&shape(block), 12.0, text);
        line(&kernel_words(block), SMALL, muted);
        for then in in_lines(&block.then, self.lines) {
            line(if then.is_empty() { " " } else { &then }, SMALL, muted);
        }
        self.shares(painter, block, pos2(cell.rect.left() + 10.0, at.y + 5.0), faint);
    }

    fn shares(&self, painter: &Painter, block: &Block, at: Pos2, faint: bool) {
        let summary = &self.sketch.summary;
        let width = self.width - 20.0;
        for (row, (part, whole, color)) in [
            (block.parameters, summary.parameters, self.palette.good),
            (block.multiply_adds, summary.multiply_adds, self.palette.train),
        ]
        .into_iter()
        .enumerate()
        {
            let track = Rect::from_min_size(at + vec2(0.0, row as f32 * 8.0), vec2(width, 5.0));
            painter.rect_filled(track, 2.0, self.palette.line.gamma_multiply(0.7));
            let share = part as f32 / whole.max(1) as f32;
            let filled = Rect::from_min_size(track.min, vec2((width * share).max(1.0), 5.0));
            painter.rect_filled(filled, 2.0, if faint { color.gamma_multiply(0.4) } else { color });
        }
    }

    /// Everything about a block, for the pointer, the keyboard and screen readers.
    fn told(&self, ui: &mut Ui, cell: &Cell) {
        let Some(block) = cell.block else { return };
        let response = ui.interact(cell.rect.shrink(1.0), ui.scope_id().with(&block.name), Sense::click());
        let spoken = format!(
            "{}, {}, {}, {} parameters",
            block.name,
            shape(block),
            kernel_words(block),
            block.parameters
        );
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &spoken));
        if response.hovered() || response.has_focus() {
            let stroke = Stroke::new(1.0, self.palette.line);
            ui.painter().rect_stroke(cell.rect.shrink(1.0), 4.0, stroke, StrokeKind::Inside);
        }
        if response.has_focus() {
            response.show_tooltip_ui(|ui| self.details(ui, cell, block));
        } else {
            self.hovered(response, cell, block);
        }
    }

    fn hovered(&self, response: Response, cell: &Cell, block: &Block) {
        response.on_hover_ui_at_pointer(|ui| self.details(ui, cell, block));
    }

    fn details(&self, ui: &mut Ui, cell: &Cell, block: &Block) {
        let summary = &self.sketch.summary;
        ui.strong(&block.name);
        for layer in &summary.layers[block.layers.clone()] {
            ui.label(format!("{}: {}, gives {}", layer.name, layer.what, layer.output));
        }
        let share = |part: usize, whole: usize| format::percent(part as f64 / whole.max(1) as f64);
        let (parameters, multiply_adds) = (block.parameters, block.multiply_adds);
        ui.label(format!(
            "{} parameters, {} of all",
            format::count(parameters),
            share(parameters, summary.parameters)
        ));
        ui.label(format!(
            "{} multiply-adds a picture, {} of all",
            format::count(multiply_adds),
            share(multiply_adds, summary.multiply_adds)
        ));
        let bytes: usize = summary.layers[block.layers.clone()].iter().map(|layer| layer.output_bytes).sum();
        ui.label(format!("{} of maps for a batch of {}", words::bytes(bytes as u64), summary.batch));
        if block.columns > 1 {
            let text = if block.apart {
                "Two columns; each sees only its own half of the maps before."
            } else {
                "Two columns; both see all that comes before."
            };
            ui.label(text);
        }
        if let (Some(true), Some(fault)) = (cell.failed, &self.sketch.fault) {
            ui.colored_label(self.palette.error, &fault.reason);
        }
    }
}

/// "96 maps of 55x55", "4096 numbers".
fn shape(block: &Block) -> String {
    let [channels, height, width] = block.output;
    if block.flat {
        format!("{} numbers", format::count(channels))
    } else {
        format!("{channels} x {height}x{width}")
    }
}

fn kernel_words(block: &Block) -> String {
    match block.kernel {
        Some((kernel, 1)) => format!("{kernel}x{kernel} kernels"),
        Some((kernel, stride)) => format!("{kernel}x{kernel}, every {stride}"),
        None => "sees everything".into(),
    }
}

/// Words in that many lines; the first ones hold as many as the last one or one more.
fn in_lines(words: &[String], lines: usize) -> Vec<String> {
    let each = words.len().div_ceil(lines).max(1);
    let line = |line: usize| {
        let of = words.get(line * each..).unwrap_or_default();
        let ends_the_words = of.len() <= each;
        let text = of.iter().take(each).map(String::as_str).collect::<Vec<_>>().join(", ");
        if ends_the_words { text } else { format!("{text},") }
    };
    (0..lines).map(line).collect()
}

/// One line that is made smaller, and cut in the end, until it fits.
fn fitted(
    painter: &Painter,
    text: &str,
    size: f32,
    color: Color32,
    width: f32,
) -> std::sync::Arc<egui::Galley> {
    let whole = painter.layout_no_wrap(text.to_owned(), FontId::proportional(size), color);
    if whole.size().x <= width {
        return whole;
    }
    let smaller = FontId::proportional((size * width / whole.size().x).max(9.5));
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), smaller, color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width);
    painter.layout_job(job)
}

/// A box seen from the front, the right and above.
fn slab(painter: &Painter, face: Rect, depth: f32, color: Color32, palette: &Palette) {
    let away = vec2(depth, -depth * 0.5);
    let stroke = Stroke::new(1.0, color);
    let fill = |share: f32| mix(palette.card, color, share);
    let top = vec![face.left_top(), face.left_top() + away, face.right_top() + away, face.right_top()];
    let side =
        vec![face.right_top(), face.right_top() + away, face.right_bottom() + away, face.right_bottom()];
    painter.add(Shape::convex_polygon(top, fill(0.42), stroke));
    painter.add(Shape::convex_polygon(side, fill(0.30), stroke));
    painter.rect(face, 0.0, fill(0.18), stroke, StrokeKind::Middle);
}

/// A colour between two others.
fn mix(from: Color32, to: Color32, share: f32) -> Color32 {
    let between = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share).round() as u8;
    Color32::from_rgb(between(from.r(), to.r()), between(from.g(), to.g()), between(from.b(), to.b()))
}

/// What the bars mean.
fn key_ui(ui: &mut Ui) {
    let palette = Palette::of(ui);
    let help = "The upper bar below a block";
    swatch_ui(ui, "share of parameters", palette.good, Mark::Line, help);
    swatch_ui(ui, "share of multiply-adds", palette.train, Mark::Line, "The lower bar below a block");
}
