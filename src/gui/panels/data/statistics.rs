//! Figures about the pictures: balance, sizes, mean picture, colours.

use egui::{Grid, Image, Label, RichText, ScrollArea, TextureHandle, Ui, Vec2};

use super::header::going_ui;
use crate::data::ColourStatistics;
use crate::engine::{BrowseSet, ClassPictures, InputStatistics, Survey};
use crate::gui::action::Action;
use crate::gui::data_view::DataView;
use crate::gui::format;
use crate::gui::gallery::{CheckState, Gallery};
use crate::gui::state::State;
use crate::gui::widgets::{busy_ui, button_ui};
use crate::words;

/// Side of the mean picture.
const MEAN: f32 = 160.0;
/// Least width of the names, so that the figures of both lists stand below each other.
const NAMES: f32 = 96.0;

/// The section.
pub(super) fn statistics_ui(ui: &mut Ui, state: &State, data: &mut DataView, actions: &mut Vec<Action>) {
    let Some(set) = &state.gallery.set else { return };
    ScrollArea::vertical().id_salt("statistics").auto_shrink(false).show(ui, |ui| {
        ui.label(RichText::new("Counts").strong());
        counts_ui(ui, set, &state.gallery);
        ui.add_space(10.0);
        ui.label(RichText::new("Colours and sizes").strong());
        colours_ui(ui, state, data);
        ui.add_space(8.0);
        measure_ui(ui, state, actions);
    });
}

/// The way to the figures of all pictures: the check reads every one.
fn measure_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let check = &state.gallery.check;
    match check {
        CheckState::Going { .. } => going_ui(ui, check, actions),
        _ if exact(state).is_some() => {}
        _ => {
            let help = "Read every picture, for the exact mean picture and colours; on the way the files that cannot \
                        be used are found. It can be stopped at any time and changes nothing.";
            if button_ui(ui, "Measure all pictures", Ok(()), help).clicked() {
                actions.push(Action::CheckData);
            }
        }
    }
}

/// The figures of all pictures with their origin, from a run or from a check.
fn exact(state: &State) -> Option<(&InputStatistics, &'static str)> {
    let checked = match &state.gallery.check {
        CheckState::Done(found) => found.inputs.as_ref(),
        _ => None,
    };
    let run = state.inputs_of_run().map(|inputs| (inputs, "as the run has prepared them"));
    run.or_else(|| checked.map(|inputs| (inputs, "as the check has read them")))
}

/// The figures of all pictures if they are known; before that those of a survey.
fn colours_ui(ui: &mut Ui, state: &State, data: &mut DataView) {
    let survey = state.gallery.survey.as_deref();
    let drawn = state.gallery.set.as_ref().is_some_and(|set| set.is_drawn);
    let sides = survey.map(|survey| survey.sides).filter(|_| !drawn);
    if let Some((inputs, origin)) = exact(state) {
        let key = (state.gallery.order, inputs.pictures);
        let texture = data.mean_texture(ui.ctx(), key, &inputs.mean);
        let count = words::counted(inputs.pictures, "usable picture");
        let (width, height) = inputs.mean.dimensions();
        let note = format!("Of all {count} to train on at {width}x{height} pixels, {origin}.");
        figures_ui(ui, sides, &inputs.colours, &note, &texture);
    } else if let Some(survey) = survey {
        let texture = data.mean_texture(ui.ctx(), (state.gallery.order, 0), &survey.mean);
        figures_ui(ui, sides, &survey.colours, &origin(survey), &texture);
    } else {
        ui.horizontal(|ui| {
            busy_ui(ui, "Measuring");
            ui.label("Reading a few pictures of every kind…");
        });
    }
}

/// How many pictures a survey speaks for.
fn origin(survey: &Survey) -> String {
    let (read, of) = (format::count(survey.pictures), format::count(survey.of));
    let unreadable = match survey.refused {
        0 => String::new(),
        refused => format!(" {} of those tried cannot be read.", format::count(refused)),
    };
    if survey.pictures + survey.refused >= survey.of {
        return format!("Of all {read} readable pictures to train on.{unreadable}");
    }
    format!(
        "From {read} of {of} pictures to train on, spread over all classes: close to the figures of all of them.{unreadable}"
    )
}

fn counts_ui(ui: &mut Ui, set: &BrowseSet, gallery: &Gallery) {
    let (to_train, to_validate, train, validation, note) = match &gallery.check {
        CheckState::Done(found) => (
            found.train,
            found.validation,
            &found.train_balance,
            &found.validation_balance,
            "usable, as the check has found",
        ),
        _ => (
            set.description.train,
            set.description.validation,
            &set.train_balance,
            &set.validation_balance,
            "as listed; a check counts the usable ones",
        ),
    };
    rows_ui(
        ui,
        "counts",
        &[
            ("Classes", format::count(set.classes.len())),
            ("To train on", format!("{}; {train}", words::counted(to_train, "picture"))),
            ("To validate", format!("{}; {validation}", words::counted(to_validate, "picture"))),
            ("Few to train on", few(gallery.classes())),
        ],
    );
    ui.add(Label::new(RichText::new(format!("Pictures of a class {note}.")).small().weak()).wrap());
}

fn few(classes: &[ClassPictures]) -> String {
    let few = classes.iter().filter(|class| class.few).count();
    match few {
        0 => "no class".into(),
        few => words::counted(few, "class"),
    }
}

fn figures_ui(
    ui: &mut Ui,
    sides: Option<[u32; 3]>,
    colours: &ColourStatistics,
    note: &str,
    mean: &TextureHandle,
) {
    let mut rows = Vec::new();
    if let Some([least, median, most]) = sides {
        let range = format!("{least} to {most} pixels, median {median}");
        rows.push(("Shorter side", if least == most { format!("{least} pixels") } else { range }));
    }
    let [red, green, blue] = colours.means;
    let spread: Vec<String> = colours.pca.deviations.iter().rev().map(|d| format!("{d:.1}")).collect();
    rows.push(("Mean colour", format!("red {red:.1}, green {green:.1}, blue {blue:.1} of 255")));
    rows.push(("Colour spread", format!("{} along the three main directions", spread.join(", "))));
    rows_ui(ui, "figures", &rows);
    ui.add(Label::new(RichText::new(note).small().weak()).wrap());
    ui.add_space(8.0);
    let text = "It is subtracted from every picture, so that the network sees how it differs from the \
                usual (paper, section 2). The colour noise moves along the directions of the spread (section 4.1).";
    ui.horizontal_top(|ui| {
        let image = Image::from_texture((mean.id(), Vec2::splat(MEAN)));
        ui.add(image.fit_to_exact_size(Vec2::splat(MEAN)).alt_text("Mean picture"));
        ui.vertical(|ui| {
            ui.label("Mean picture");
            ui.add(Label::new(RichText::new(text).small().weak()).wrap());
        });
    });
}

fn rows_ui(ui: &mut Ui, id: &str, rows: &[(&str, String)]) {
    Grid::new(id).num_columns(2).min_col_width(NAMES).spacing([16.0, 4.0]).show(ui, |ui| {
        for (name, value) in rows {
            ui.label(RichText::new(*name).weak());
            ui.add(Label::new(value).wrap());
            ui.end_row();
        }
    });
}
