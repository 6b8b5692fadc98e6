//! What is laid over the picture: what the prediction hangs on (occlusion), what speaks for a class (Grad-CAM).

use egui::{
    Color32, Context, Mesh, Rect, RichText, ScrollArea, Sense, TextEdit, TextureHandle, Ui, WidgetInfo, vec2,
};

use crate::engine::{Activations, Patch, ranked};
use crate::gui::action::Action;
use crate::gui::format;
use crate::gui::inspect::LayersAction;
use crate::gui::layers::{Find, Look};
use crate::gui::layers_view::{Overlay, color};
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::view::View;
use crate::gui::widgets::{button_ui, progress_ui, small_button_ui};
use crate::vis::{self, Heat};

/// Classes listed at a time.
const LISTED: usize = 40;

/// The texture of the picture with what is laid over it.
pub(super) fn texture(ctx: &Context, state: &State, look: &Look, view: &mut View) -> TextureHandle {
    let (layers, seen) = (&state.layers, &look.activations.seen);
    let class = class_in(state, look, view);
    let side = seen.width() as usize;
    let plain = (layers.looks, 0, 0, 0);
    let textures = &mut view.layers.textures;
    match (view.layers.overlay, &layers.occlusion.found, &layers.grad_cam.found) {
        (Overlay::Occlusion, Some(found), _) if found.seen.dimensions() == seen.dimensions() => {
            let key = (layers.looks, 1, layers.occlusion.seen, class);
            textures.picture(ctx, key, || {
                let lost = found.loss(class);
                vis::overlay(&found.seen, &lost, Heat::TwoSided, vis::strongest(&lost))
            })
        }
        (Overlay::GradCam, _, Some(found)) if found.seen.dimensions() == seen.dimensions() => {
            let key = (layers.looks, 2, layers.grad_cam.seen, 0);
            textures.picture(ctx, key, || {
                vis::overlay(&found.seen, &found.spread(side), Heat::Rising, vis::strongest(&found.values))
            })
        }
        _ => textures.picture(ctx, plain, || seen.clone()),
    }
}

/// The class that the overlay is about.
fn class_in(state: &State, look: &Look, view: &View) -> usize {
    let known = view.layers.class.filter(|&class| class < look.activations.classes.len());
    let first = match (view.layers.overlay, &state.layers.occlusion.found) {
        (Overlay::Occlusion, Some(found)) => ranked(&found.uncovered).first().copied(),
        _ => ranked(look.activations.after.as_ref().unwrap_or(&look.activations.before)).first().copied(),
    };
    known.or(first).unwrap_or(0)
}

/// The choice, and what belongs to it.
pub(super) fn overlay_ui(
    ui: &mut Ui,
    state: &State,
    look: &Look,
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        let choices = [
            (Overlay::Nothing, "Picture", "The pixels that the network sees"),
            (
                Overlay::Occlusion,
                "Occlusion",
                "What the prediction hangs on: a grey patch covers one place after the other, and where that costs \
                 probability is marked",
            ),
            (
                Overlay::GradCam,
                "Grad-CAM",
                "Where the maps of a layer hold what speaks for a class, told by the gradient of the class's score",
            ),
        ];
        for (overlay, name, help) in choices {
            ui.selectable_value(&mut view.layers.overlay, overlay, name).on_hover_text(help);
        }
    });
    match view.layers.overlay {
        Overlay::Nothing => {}
        Overlay::Occlusion => occlusion_ui(ui, state, look, view, actions),
        Overlay::GradCam => grad_cam_ui(ui, state, look, view),
    }
}

fn occlusion_ui(ui: &mut Ui, state: &State, look: &Look, view: &mut View, actions: &mut Vec<Action>) {
    let find = &state.layers.occlusion;
    let side = look.activations.seen.width() as usize;
    let usual = Patch::usual(side);
    let wrong = wrong_patch(&view.layers.patch, &view.layers.stride, side);
    ui.horizontal_wrapped(|ui| {
        number_ui(ui, "Patch", "Side of the patch in pixels", &mut view.layers.patch, usual.size);
        let step = view.layers.patch.trim().parse::<usize>().map_or(usual.stride, |size| (size / 2).max(1));
        number_ui(
            ui,
            "Step",
            "Pixels from one place to the next: smaller is finer and slower",
            &mut view.layers.stride,
            step,
        );
        let allowed = match (&wrong, find.going.is_some()) {
            (Some(reason), _) => Err(reason.as_str()),
            (None, true) => Err("It is sliding."),
            (None, false) => Ok(()),
        };
        let help = "Cover one place after the other and ask the network each time";
        if button_ui(ui, "Slide it", allowed, help).clicked() {
            actions.push(Action::Layers(LayersAction::Occlude));
        }
    });
    if let Some(reason) = wrong {
        ui.label(RichText::new(reason).small().color(Palette::of(ui).error));
    }
    going_ui(ui, find, "places", "Progress of the patch", actions);
    let Some(found) = &find.found else { return };
    class_ui(ui, &look.activations, class_in(state, look, view), view);
    let class = class_in(state, look, view);
    let most = vis::strongest(&found.loss(class));
    let points = |share: f32| format!("{:.1}", share * 100.0);
    legend_ui(ui, Heat::TwoSided, &format!("-{}", points(most)), &points(most));
    let text = format!(
        "Points that \"{}\" loses where it is covered; blue: gains.",
        format::shortened(&found.classes[class], 30)
    );
    ui.label(RichText::new(text).small().weak());
    age_ui(ui, find, look);
}

fn grad_cam_ui(ui: &mut Ui, state: &State, look: &Look, view: &mut View) {
    let find = &state.layers.grad_cam;
    let shown = find.found.as_ref().map_or("", |found| found.layer.as_str());
    let class = find.found.as_ref().map_or_else(|| class_in(state, look, view), |found| found.class);
    let mut changed = false;
    ui.horizontal_wrapped(|ui| {
        let combo = egui::ComboBox::from_id_salt("layer of grad-cam").selected_text(shown).width(80.0);
        let response = combo.show_ui(ui, |ui| {
            for layer in look.activations.layers.iter().filter(|layer| layer.field.is_some()) {
                if ui.selectable_label(shown == layer.name, &layer.name).clicked() {
                    view.layers.grad_cam_layer = Some(layer.name.clone());
                    changed = true;
                }
            }
        });
        response.response.accessible_name("Layer of Grad-CAM").on_hover_text("Whose maps are looked at");
        let before = view.layers.class;
        class_ui(ui, &look.activations, class, view);
        changed |= view.layers.class != before;
    });
    if changed {
        view.layers.again = true;
    }
    if let Some(problem) = &find.problem {
        ui.label(RichText::new(problem).small().color(Palette::of(ui).error));
    }
    let Some(found) = &find.found else { return };
    legend_ui(ui, Heat::Rising, "0", &format::figures(f64::from(vis::strongest(&found.values))));
    let text = format!(
        "How strongly {} speaks for \"{}\" ({}).",
        found.layer,
        format::shortened(&found.classes[found.class], 30),
        format::percent(f64::from(found.probabilities[found.class]))
    );
    ui.label(RichText::new(text).small().weak());
}

/// Why the patch cannot slide.
fn wrong_patch(patch: &str, stride: &str, side: usize) -> Option<String> {
    let number = |text: &str| match text.trim() {
        "" => Some(1),
        text => text.parse::<usize>().ok().filter(|&n| n > 0 && n <= side),
    };
    let fine = number(patch).is_some() && number(stride).is_some();
    (!fine).then(|| format!("Patch and step must be whole numbers from 1 to {side}."))
}

fn number_ui(ui: &mut Ui, label: &str, help: &str, text: &mut String, usual: usize) {
    let label = ui.label(RichText::new(label).small());
    let field = TextEdit::singleline(text).hint_text(usual.to_string()).desired_width(34.0);
    ui.add(field).labelled_by(label.id).on_hover_text(help);
}

/// How far a long investigation is, and the way to end it; or why there is nothing.
pub(super) fn going_ui<T>(ui: &mut Ui, find: &Find<T>, what: &str, name: &str, actions: &mut Vec<Action>) {
    if let Some(going) = find.going {
        ui.horizontal(|ui| {
            let text = match going.total {
                0 => format!("Getting the {what} ready"),
                total => format!("{} of {} {what}", format::count(going.done), format::count(total)),
            };
            ui.label(RichText::new(text).small());
            let help = "End it";
            if !going.stopping && small_button_ui(ui, "Stop", &format!("Stop: {name}"), help).clicked() {
                actions.push(Action::Layers(LayersAction::StopFind(going.id)));
            }
        });
        let size = vec2(ui.available_width().min(300.0), 6.0);
        progress_ui(ui, name, going.done as f64, going.total as f64, size);
    }
    if let Some(problem) = &find.problem {
        ui.label(RichText::new(problem).small().color(Palette::of(ui).error));
    }
}

/// What was found of an earlier state of the network says so.
fn age_ui<T>(ui: &mut Ui, find: &Find<T>, look: &Look) {
    if let Some((_, step)) = find.of.filter(|&(_, step)| step != look.step) {
        let text =
            format!("Made after {} updates; the network has learned since.", format::count(step as usize));
        ui.label(RichText::new(text).small().weak());
    }
}

/// Chooses a class, by its place among the most probable or by its name.
fn class_ui(ui: &mut Ui, found: &Activations, class: usize, view: &mut View) {
    let shown = format::shortened(&found.classes[class], 26).into_owned();
    let combo = egui::ComboBox::from_id_salt("class of the overlay")
        .selected_text(shown)
        .truncate()
        .width((ui.available_width() - 12.0).clamp(100.0, 230.0))
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
    let response = combo.show_ui(ui, |ui| {
        let search = &mut view.layers.class_search;
        if found.classes.len() > 10 {
            let field = TextEdit::singleline(search).hint_text("find a class");
            ui.add(field).accessible_name("Find a class");
        }
        let wanted = search.trim().to_lowercase();
        let order = ranked(&found.before);
        let fits = |class: &&usize| found.classes[**class].to_lowercase().contains(&wanted);
        ScrollArea::vertical().max_height(240.0).show(ui, |ui| {
            for &one in order.iter().filter(fits).take(LISTED) {
                let percent = format::percent(f64::from(found.before[one]));
                let text = format!("{} {percent}", format::shortened(&found.classes[one], 30));
                if ui.selectable_label(one == class, text).clicked() {
                    view.layers.class = Some(one);
                    ui.close();
                }
            }
        });
    });
    response.response.accessible_name("Class").on_hover_text("The class that it is about");
}

/// The colours and what their ends mean.
fn legend_ui(ui: &mut Ui, heat: Heat, low: &str, high: &str) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(low).small());
        let (rect, response) = ui.allocate_exact_size(vec2(120.0, 10.0), Sense::hover());
        response.widget_info(|| {
            WidgetInfo::labeled(egui::Role::Label, true, format!("Colours from {low} to {high}"))
        });
        let mut mesh = Mesh::default();
        let parts = 24;
        for part in 0..parts {
            let share = (part as f32 + 0.5) / parts as f32;
            let share = if heat == Heat::TwoSided { share * 2.0 - 1.0 } else { share };
            let (colour, hides) = heat.colour(share);
            let strip = rect.width() / parts as f32;
            let left = rect.left() + part as f32 * strip;
            let strip =
                Rect::from_min_max(egui::pos2(left, rect.top()), egui::pos2(left + strip, rect.bottom()));
            mesh.add_colored_rect(strip, Color32::GRAY.lerp_to_gamma(color(colour), hides));
        }
        ui.painter().add(mesh);
        ui.label(RichText::new(high).small());
    });
}
