//! A sample of a line or a marker beside its name: the legend of a plot, outside the plot.

use egui::{Color32, Painter, Rect, Response, Sense, Shape, Stroke, TextStyle, Ui, Vec2, WidgetInfo, pos2};

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Line,
    DashedLine,
    Dot,
    Diamond,
}

/// Width of the sample, and its distance from the name.
const SAMPLE: f32 = 16.0;
const SPACE: f32 = 4.0;

/// Draws the sample and the name as one piece that is never torn apart; `help` says what is drawn so.
pub fn swatch_ui(ui: &mut Ui, name: &str, color: Color32, mark: Mark, help: &str) -> Response {
    let font = TextStyle::Small.resolve(ui.style());
    let text_color = ui.visuals().text_color();
    let galley = ui.painter().layout_no_wrap(name.to_owned(), font, text_color);
    let size = Vec2::new(SAMPLE + SPACE + galley.size().x + SPACE, galley.size().y.max(14.0));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, name));
    let sample = Rect::from_min_size(rect.min, Vec2::new(SAMPLE, rect.height()));
    draw_mark(ui.painter(), sample, color, mark);
    let baseline = rect.center().y - galley.size().y / 2.0;
    ui.painter().galley(pos2(sample.right() + SPACE, baseline), galley, text_color);
    response.on_hover_text(help)
}

fn draw_mark(painter: &Painter, rect: Rect, color: Color32, mark: Mark) {
    let stroke = Stroke::new(2.0, color);
    let (left, right) = (rect.left_center(), rect.right_center());
    match mark {
        Mark::Line => {
            painter.line_segment([left, right], stroke);
        }
        Mark::DashedLine => painter.extend(Shape::dashed_line(&[left, right], stroke, 4.0, 3.0)),
        Mark::Dot => {
            painter.circle_filled(rect.center(), 4.0, color);
        }
        Mark::Diamond => {
            let (c, r) = (rect.center(), 5.5);
            let corners =
                vec![pos2(c.x, c.y - r), pos2(c.x + r, c.y), pos2(c.x, c.y + r), pos2(c.x - r, c.y)];
            painter.add(Shape::convex_polygon(corners, Color32::TRANSPARENT, stroke));
        }
    }
}
