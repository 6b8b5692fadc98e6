//! Colours, type and spacing of the window, light and dark.
//!
//! The two data colours are of the palette of Okabe and Ito, which people with any common colour blindness
//! can tell apart: blue for training, orange for validation. Colour is never the only sign: markers, line
//! styles and words say the same.

use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Theme, Ui, Vec2,
};

/// Colours that egui's visuals have no name for.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    pub train: Color32,
    pub validation: Color32,
    /// The one prominent button.
    pub accent: Color32,
    pub on_accent: Color32,
    pub good: Color32,
    pub warning: Color32,
    pub error: Color32,
    pub card: Color32,
    pub line: Color32,
    pub text: Color32,
    pub muted: Color32,
    background: Color32,
    field: Color32,
    button: Color32,
    hovered: Color32,
}

const LIGHT: Palette = Palette {
    train: Color32::from_rgb(0, 114, 178),
    validation: Color32::from_rgb(213, 94, 0),
    accent: Color32::from_rgb(0, 103, 165),
    on_accent: Color32::WHITE,
    good: Color32::from_rgb(0, 122, 90),
    warning: Color32::from_rgb(148, 92, 0),
    error: Color32::from_rgb(176, 42, 30),
    card: Color32::WHITE,
    line: Color32::from_rgb(218, 222, 228),
    text: Color32::from_rgb(27, 31, 38),
    muted: Color32::from_rgb(92, 100, 112),
    background: Color32::from_rgb(243, 245, 248),
    field: Color32::from_rgb(250, 251, 252),
    button: Color32::from_rgb(232, 236, 241),
    hovered: Color32::from_rgb(220, 227, 235),
};

const DARK: Palette = Palette {
    train: Color32::from_rgb(86, 180, 233),
    validation: Color32::from_rgb(240, 165, 40),
    accent: Color32::from_rgb(0, 114, 178),
    on_accent: Color32::WHITE,
    good: Color32::from_rgb(60, 190, 150),
    warning: Color32::from_rgb(240, 200, 90),
    error: Color32::from_rgb(255, 138, 116),
    card: Color32::from_rgb(31, 34, 41),
    line: Color32::from_rgb(55, 60, 70),
    text: Color32::from_rgb(228, 231, 236),
    muted: Color32::from_rgb(158, 166, 178),
    background: Color32::from_rgb(22, 24, 29),
    field: Color32::from_rgb(20, 22, 27),
    button: Color32::from_rgb(47, 52, 62),
    hovered: Color32::from_rgb(61, 68, 80),
};

impl Palette {
    /// The palette of the theme that `ui` is drawn in.
    pub fn of(ui: &Ui) -> &'static Self {
        Self::of_theme(ui.visuals().dark_mode)
    }

    /// The palette of the dark or the light theme.
    pub fn of_theme(dark: bool) -> &'static Self {
        if dark { &DARK } else { &LIGHT }
    }
}

/// Space between a card's edge and its contents, and between cards.
pub const GAP: f32 = 10.0;

/// The style of a number that matters.
pub fn large_number() -> TextStyle {
    TextStyle::Name("large number".into())
}

/// Sets fonts, spacing and colours of both themes.
pub fn install(ctx: &Context) {
    // egui takes a long press for no click, and measures it by its frames. On a busy computer that draws by itself,
    // a frame between press and release can take longer than that, and the click would be lost.
    ctx.options_mut(|options| options.input_options.max_click_duration = f64::INFINITY);
    for (theme, palette) in [(Theme::Light, &LIGHT), (Theme::Dark, &DARK)] {
        let mut style = (*ctx.style_of(theme)).clone();
        let proportional = |size| FontId::new(size, FontFamily::Proportional);
        style.text_styles = [
            (TextStyle::Heading, proportional(16.5)),
            (TextStyle::Body, proportional(14.0)),
            (TextStyle::Button, proportional(14.0)),
            (TextStyle::Small, proportional(12.0)),
            (TextStyle::Monospace, FontId::new(13.0, FontFamily::Monospace)),
            (large_number(), proportional(21.0)),
        ]
        .into();
        style.spacing.item_spacing = Vec2::new(8.0, 6.0);
        style.spacing.button_padding = Vec2::new(10.0, 4.0);
        style.spacing.interact_size.y = 24.0;
        style.spacing.tooltip_width = 340.0;
        style.spacing.scroll.floating = true;
        style.visuals = visuals(theme, palette);
        ctx.set_style_of(theme, style);
    }
}

fn visuals(theme: Theme, palette: &Palette) -> egui::Visuals {
    let mut visuals = theme.default_visuals();
    let radius = CornerRadius::same(6);
    visuals.panel_fill = palette.background;
    visuals.window_fill = palette.card;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.window_corner_radius = CornerRadius::same(10);
    visuals.window_shadow =
        Shadow { offset: [0, 6], blur: 24, spread: 0, color: Color32::from_black_alpha(60) };
    visuals.popup_shadow =
        Shadow { offset: [0, 4], blur: 12, spread: 0, color: Color32::from_black_alpha(50) };
    visuals.extreme_bg_color = palette.field;
    visuals.faint_bg_color = palette.button;
    visuals.hyperlink_color = palette.train;
    visuals.warn_fg_color = palette.warning;
    visuals.error_fg_color = palette.error;
    visuals.weak_text_color = Some(palette.muted);
    visuals.selection.bg_fill = palette.accent;
    visuals.selection.stroke = Stroke::new(1.0, palette.on_accent);
    let widgets = &mut visuals.widgets;
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, palette.line);
    widgets.noninteractive.fg_stroke = Stroke::new(1.0, palette.text);
    for (state, fill, edge) in [
        (&mut widgets.inactive, palette.button, palette.line),
        (&mut widgets.hovered, palette.hovered, palette.muted),
        (&mut widgets.active, palette.hovered, palette.text),
        (&mut widgets.open, palette.hovered, palette.line),
    ] {
        state.bg_fill = fill;
        state.weak_bg_fill = fill;
        state.bg_stroke = Stroke::new(1.0, edge);
        state.fg_stroke = Stroke::new(1.2, palette.text);
        state.corner_radius = radius;
        state.expansion = 0.0;
    }
    visuals
}

/// A frame that holds one subject.
pub fn card(ui: &Ui) -> egui::Frame {
    let palette = Palette::of(ui);
    egui::Frame::new()
        .fill(palette.card)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(CornerRadius::same(8))
        .inner_margin(Margin::same(GAP as i8))
}
