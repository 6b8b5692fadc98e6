//! The view of the kernels: the film, its moments, later layers, what can be written.

use alexnet_lab::engine::{Command, Event, ModelInfo};
use alexnet_lab::gui::{Film, Tab};
use alexnet_lab::vis::{FilterGrid, LayerKernels, Scale, write_film, write_filters, write_filters_svg};
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;

use super::panels::{click, disabled, shows};
use super::rig::{Rig, model, stepped_grid};

fn frame(step: u64) -> FilterGrid {
    FilterGrid { step, ..stepped_grid(4, 3, 2) }
}

fn filmed(frames: u64) -> Rig {
    let mut rig = Rig::training();
    for step in 0..frames {
        rig.events.send(Event::Film(frame(step * 10))).unwrap();
    }
    rig.harness.state_mut().view.tab = Tab::Filters;
    rig.settle();
    rig
}

#[test]
fn before_there_are_kernels_the_view_says_how_to_get_them() {
    let mut rig = Rig::new();
    rig.harness.state_mut().view.tab = Tab::Filters;
    rig.settle();
    rig.harness.get_by_label("Kernels appear here");
    assert!(disabled(&rig, "Export"));
}

#[test]
fn the_film_has_a_slider_and_shows_the_moment_that_is_chosen() {
    let mut rig = filmed(5);
    rig.harness.get_by_label("update 40, epoch 4.00");
    rig.harness.state_mut().view.film.frame = Some(2);
    rig.settle();
    rig.harness.get_by_label("update 20, epoch 2.00");
    assert!(shows(&rig, "4 kernels of 3x3 pixels after 20 updates"));
    rig.harness.get_by_role_and_label(Role::Slider, "Moment of the film");
}

#[test]
fn the_film_plays_to_its_end_and_stays_there() {
    let mut rig = filmed(90);
    click(&mut rig, "Play the film");
    assert!(rig.harness.state().view.film.playing.is_some());
    rig.harness.run_steps(200);
    assert_eq!((rig.harness.state().view.film.playing, rig.harness.state().view.film.frame), (None, None));
    rig.harness.get_by_label("Play the film");
}

#[test]
fn frames_of_other_kernels_or_out_of_order_are_left_out() {
    let mut film = Film::default();
    for grid in [frame(1), frame(3), frame(2), FilterGrid { step: 9, ..stepped_grid(5, 3, 1) }] {
        film.push(grid);
    }
    film.push(FilterGrid { weights: vec![0.0], ..frame(7) });
    let steps: Vec<u64> = film.frames().iter().map(|grid| grid.step).collect();
    assert_eq!(steps, [1, 3]);
    assert_eq!([0, 1, 2, 3, 9].map(|step| film.at_step(step)), [Some(0), Some(0), Some(0), Some(1), Some(1)]);
    assert_eq!(Film::default().at_step(3), None);
}

#[test]
fn what_was_read_stands_before_what_has_come_since() {
    let mut film = Film::default();
    film.begin("runs/1".as_ref(), true);
    film.push(frame(30));
    film.read("runs/1".as_ref(), vec![frame(10), frame(20), frame(30), frame(40)]);
    let steps: Vec<u64> = film.frames().iter().map(|grid| grid.step).collect();
    assert_eq!((steps, film.to_read), (vec![10, 20, 30], false));
}

#[test]
fn the_film_of_another_run_does_not_mix_with_the_one_going_on() {
    let mut rig = filmed(3);
    rig.harness.state_mut().state.film_read("runs/0".as_ref(), vec![frame(0), frame(500)]);
    rig.settle();
    rig.harness.get_by_label("update 500");
    rig.send(Event::Film(frame(600)));
    assert_eq!(rig.harness.state().state.film_in_view().frames().len(), 2);
    click(&mut rig, "Close this film");
    rig.harness.get_by_label("update 600, epoch 60.00");
}

#[test]
fn later_layers_are_asked_for_and_shown_pair_by_pair() {
    let mut rig = filmed(2);
    rig.harness.get_by_role_and_label(Role::ComboBox, "Layer").click();
    rig.settle();
    rig.harness.get_by_label("conv2").click();
    rig.settle();
    assert!(matches!(rig.command(), Some(Command::ShowKernels(layer)) if layer == "conv2"));
    rig.harness.get_by_label("Reading the kernels");
    let kernels = LayerKernels {
        layer: "conv2".into(),
        step: 20,
        weights: (0..6 * 2 * 9).map(|w| w as f32 - 50.0).collect(),
        outputs: 6,
        inputs: 2,
        side: 3,
        columns: 2,
    };
    let picture = kernels.picture(0..6, Scale::Column);
    assert_eq!(picture.dimensions(), (9, 25));
    let [first, last] = [(1, 1), (7, 23)].map(|(x, y)| picture.get_pixel(x, y).0[0]);
    assert!(first < 20 && last == 255, "{first} {last}: darkest to brightest");
    rig.send(Event::Kernels(Box::new(kernels)));
    rig.harness.get_by_label("Kernels of conv2: 6 outputs, 2 inputs, 3x3 weights");
}

#[test]
fn another_network_has_no_film_and_other_kernels() {
    let mut rig = filmed(3);
    rig.send(Event::Loaded(Box::new(ModelInfo { file: Some("a.safetensors".into()), ..model() })));
    assert!(rig.harness.state().state.film_in_view().frames().is_empty());
}

#[test]
fn each_kernel_can_have_a_scale_of_its_own() {
    let mut grid = stepped_grid(2, 2, 1);
    grid.weights = (0..24).map(|w| if w < 12 { w as f32 * 0.001 } else { w as f32 }).collect();
    let [column, kernel] = [Scale::Column, Scale::Kernel].map(|scale| grid.picture(scale));
    assert_eq!(column.get_pixel(2, 2).0, [0, 0, 0], "faint beside the strong one");
    assert_eq!(kernel.get_pixel(2, 2).0[2], 255, "its own brightest");
    assert_eq!(column.dimensions(), kernel.dimensions());
}

#[test]
fn kernels_and_film_are_written_as_files_that_open_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let frames = [frame(0), frame(10)];
    write_film(&frames, Scale::Column, &path("a.gif")).unwrap();
    let gif = image::codecs::gif::GifDecoder::new(std::io::BufReader::new(
        std::fs::File::open(path("a.gif")).unwrap(),
    ));
    let shown = image::AnimationDecoder::into_frames(gif.unwrap()).collect_frames().unwrap();
    assert_eq!(shown.len(), 2);
    write_filters(&frames[0], Scale::Kernel, &path("a.png")).unwrap();
    assert_eq!(image::open(path("a.png")).unwrap().width() % frames[0].picture(Scale::Column).width(), 0);
    write_filters_svg(&frames[0], Scale::Column, &path("a.svg")).unwrap();
    let svg = std::fs::read_to_string(path("a.svg")).unwrap();
    assert_eq!(svg.matches("<rect x=").count(), 4 * 9, "a square for each place");
    assert!(write_film(&[], Scale::Column, &path("none.gif")).is_err());
    assert!(write_film(&frames, Scale::Column, &path("no/where.gif")).is_err());
}
