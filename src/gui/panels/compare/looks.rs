//! How the curves of a run look among others: each has a colour, a line and a mark of its own, so that no two need be
//! told apart by colour alone.

use egui::{
    Color32, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, TextStyle, Ui, WidgetInfo, pos2, vec2,
};
use egui_plot::{LineStyle, MarkerShape};

use crate::gui::format;

/// Okabe and Ito's colours, those that stand out from white and those that stand out from black, and grey.
const LIGHT: [Color32; 7] = [
    Color32::from_rgb(0, 114, 178),
    Color32::from_rgb(213, 94, 0),
    Color32::from_rgb(0, 138, 100),
    Color32::from_rgb(184, 92, 144),
    Color32::from_rgb(190, 128, 0),
    Color32::from_rgb(50, 150, 205),
    Color32::from_rgb(100, 100, 100),
];
const DARK: [Color32; 7] = [
    Color32::from_rgb(86, 180, 233),
    Color32::from_rgb(255, 138, 60),
    Color32::from_rgb(40, 190, 145),
    Color32::from_rgb(224, 150, 195),
    Color32::from_rgb(240, 228, 66),
    Color32::from_rgb(130, 150, 255),
    Color32::from_rgb(185, 190, 196),
];
const LINES: [LineStyle; 4] = [
    LineStyle::Solid,
    LineStyle::Dashed { length: 10.0 },
    LineStyle::Dotted { spacing: 5.0 },
    LineStyle::Dashed { length: 4.0 },
];
const MARKS: [MarkerShape; 5] =
    [MarkerShape::Circle, MarkerShape::Square, MarkerShape::Diamond, MarkerShape::Up, MarkerShape::Down];

/// Letters of a name in a legend.
const NAME: usize = 34;
const SAMPLE: f32 = 26.0;

/// The look of one run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub color: Color32,
    pub line: LineStyle,
    pub mark: MarkerShape,
}

impl Look {
    /// The look of the run at a place among those compared.
    pub fn of(ui: &Ui, place: usize) -> Self {
        let colors = if ui.visuals().dark_mode { &DARK } else { &LIGHT };
        Self {
            color: colors[place % colors.len()],
            line: LINES[place % LINES.len()],
            mark: MARKS[place % MARKS.len()],
        }
    }

    /// The line with its mark, as it is drawn in the plots.
    pub fn paint(self, painter: &Painter, rect: Rect) {
        let ends = [rect.left_center(), rect.right_center()];
        let stroke = Stroke::new(2.0, self.color);
        match self.line {
            LineStyle::Solid => {
                painter.line_segment(ends, stroke);
            }
            LineStyle::Dashed { length } => {
                painter.extend(Shape::dashed_line(&ends, stroke, length.min(7.0), length.min(7.0) * 0.6));
            }
            LineStyle::Dotted { .. } => painter.extend(Shape::dotted_line(&ends, self.color, 4.0, 1.2)),
        }
        self.paint_mark(painter, rect.center());
    }

    fn paint_mark(self, painter: &Painter, at: Pos2) {
        let corners = |corners: &[(f32, f32)]| {
            let corners = corners.iter().map(|(x, y)| at + vec2(*x, *y) * 4.5).collect();
            painter.add(Shape::convex_polygon(corners, self.color, Stroke::NONE));
        };
        match self.mark {
            MarkerShape::Square => corners(&[(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)]),
            MarkerShape::Diamond => corners(&[(0.0, -1.1), (1.1, 0.0), (0.0, 1.1), (-1.1, 0.0)]),
            MarkerShape::Up => corners(&[(0.0, -1.1), (1.0, 0.8), (-1.0, 0.8)]),
            MarkerShape::Down => corners(&[(0.0, 1.1), (-1.0, -0.8), (1.0, -0.8)]),
            _ => {
                painter.circle_filled(at, 3.8, self.color);
            }
        }
    }
}

/// A run's look beside its name, as one piece.
pub(super) fn name_ui(ui: &mut Ui, name: &str, look: Look) -> Response {
    let font = TextStyle::Small.resolve(ui.style());
    let color = ui.visuals().text_color();
    let shown = format::shortened(name, NAME).into_owned();
    let galley = ui.painter().layout_no_wrap(shown, font, color);
    let size = vec2(SAMPLE + 5.0 + galley.size().x + 6.0, galley.size().y.max(16.0));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, format!("Compared: {name}")));
    look.paint(ui.painter(), Rect::from_min_size(rect.min, vec2(SAMPLE, rect.height())));
    let top = rect.center().y - galley.size().y / 2.0;
    ui.painter().galley(pos2(rect.left() + SAMPLE + 5.0, top), galley, color);
    response
}
