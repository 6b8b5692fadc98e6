//! The choosers of mean and colour noise.

use alexnet_lab::config::{ColourNoise, Mean, RunConfig};
use alexnet_lab::gui::Field;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;

use super::rig::Rig;

fn choose(rig: &mut Rig, chooser: &str, choice: &str) {
    rig.harness.get_by_role_and_label(Role::ComboBox, chooser).click();
    rig.settle();
    rig.harness.get_by_label(choice).click();
    rig.settle();
}

#[test]
fn mean_and_colour_noise_can_be_chosen_and_taken_back() {
    // Tall enough for the whole left side: what is scrolled away cannot be clicked.
    let mut rig = Rig::with(RunConfig::default(), [1280.0, 1400.0]);
    let config = |rig: &Rig| rig.harness.state().draft.config().expect("good settings");
    rig.harness.get_by_label("Advanced").click();
    rig.settle();
    choose(&mut rig, "Subtract", "Mean colour");
    choose(&mut rig, "Colour noise", "As printed");
    let data = config(&rig).data;
    assert_eq!((data.mean, data.colour_noise), (Some(Mean::Channel), Some(ColourNoise::Literal)));
    assert!(rig.harness.state().draft.any_changed());
    // What the preset says anyway is not a change.
    choose(&mut rig, "Subtract", "Mean picture (this preset)");
    assert_eq!(config(&rig).data.mean, None);
    rig.harness.get_by_label("Reset all").click();
    rig.settle();
    assert_eq!(config(&rig), RunConfig::default());
}

#[test]
fn the_strength_of_the_noise_is_a_number_that_is_not_negative() {
    let mut rig = Rig::new();
    let draft = &mut rig.harness.state_mut().draft;
    draft.set(Field::ColourStrength, "0,2", None);
    assert_eq!(draft.config().expect("good settings").data.colour_strength, 0.2);
    draft.set(Field::ColourStrength, "-1", None);
    assert_eq!(draft.error(Field::ColourStrength).as_deref(), Some("Must be at least 0"));
}
