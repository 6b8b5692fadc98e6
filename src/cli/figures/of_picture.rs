//! Figures of one picture: what every layer makes of it, what the prediction hangs on, what speaks for the class.

use std::path::Path;

use super::maker::Maker;
use crate::cli::output::Status;
use crate::engine::{Activations, Answer, LayerActivations, PictureSource, Question, ranked};
use crate::vis::{self, Caption, Heat};

/// Guesses told, as in the paper's Figure 4.
const TOP: usize = 5;

/// All figures of a picture, in a folder of its name.
pub(super) fn write(maker: &mut Maker, picture: &Path) -> Result<(), Status> {
    let name =
        picture.file_stem().map_or_else(|| "picture".into(), |name| name.to_string_lossy().into_owned());
    let class = class(maker)?;
    let source = || PictureSource::File(picture.to_owned());
    let question = Question::Activations { source: source(), muted: Vec::new() };
    let found = match maker.ask(&format!("layers of {name}"), question)? {
        Ok(Answer::Activations { result, .. }) => result,
        Ok(_) => return Ok(()),
        Err(reason) => return Err(maker.bad_input(&reason)),
    };
    let folder = maker.folder(&name)?;
    let guesses = guesses(&found);
    let caption = Caption { title: &format!("{name} as the network sees it"), text: &guesses };
    let path = folder.join("seen.png");
    maker.told("picture", &path, vis::write_picture(caption, &found.seen, &path))?;
    for (place, layer) in found.layers.iter().enumerate() {
        let path = folder.join(format!("{:02}-{}.png", place + 1, layer.name));
        let drawn = draw(&found, layer, place + 1 == found.layers.len(), &path);
        maker.told("layer", &path, drawn)?;
    }
    let patch = None;
    let question = Question::Occlusion { source: source(), muted: Vec::new(), patch };
    match maker.ask(&format!("occlusion of {name}"), question)? {
        Ok(Answer::Occlusion(map)) => {
            let class = class.or_else(|| ranked(&map.uncovered).first().copied()).unwrap_or(0);
            let lost = map.loss(class);
            let points: Vec<f32> = lost.iter().map(|lost| lost * 100.0).collect();
            let text = format!(
                "How much of the {:.1} % for this class a patch of {side}x{side} pixels costs, place by place; blue: it gains",
                map.uncovered[class] * 100.0,
                side = map.patch.size
            );
            let title = format!("{name}: what \"{}\" hangs on", map.classes[class]);
            let path = folder.join("occlusion.png");
            let caption = Caption { title: &title, text: &text };
            let drawn =
                vis::write_overlay(caption, &map.seen, &points, Heat::TwoSided, "percentage points", &path);
            maker.told("occlusion", &path, drawn)?;
        }
        Ok(_) => {}
        Err(reason) => return Err(maker.bad_input(&reason)),
    }
    let layer = maker.args.layers.first().cloned();
    let asked = layer.is_some() || class.is_some();
    let question = Question::GradCam { source: source(), muted: Vec::new(), layer, class };
    match maker.ask(&format!("Grad-CAM of {name}"), question)? {
        Ok(Answer::GradCam(cam)) => {
            let title = format!("{name}: Grad-CAM of {} for \"{}\"", cam.layer, cam.classes[cam.class]);
            let text = format!(
                "Where the maps of {} hold what speaks for the class ({:.1} %)",
                cam.layer,
                cam.probabilities[cam.class] * 100.0
            );
            let path = folder.join("grad-cam.png");
            let values = cam.spread(cam.seen.width() as usize);
            let caption = Caption { title: &title, text: &text };
            let drawn = vis::write_overlay(caption, &cam.seen, &values, Heat::Rising, "of the score", &path);
            maker.told("Grad-CAM", &path, drawn)
        }
        Ok(_) => Ok(()),
        Err(reason) => maker.left_out(asked, "Grad-CAM is", &reason),
    }
}

/// The place of the class that was named.
fn class(maker: &Maker) -> Result<Option<usize>, Status> {
    let Some(name) = &maker.args.class else { return Ok(None) };
    let classes = &maker.model.classes;
    let alike = |class: &String| class.eq_ignore_ascii_case(name);
    let place = classes.iter().position(|class| class == name).or_else(|| classes.iter().position(alike));
    place.map(Some).ok_or_else(|| {
        let some: Vec<&str> = classes.iter().take(10).map(String::as_str).collect();
        let more = if classes.len() > some.len() { ", …" } else { "" };
        maker.bad_input(&format!("the network knows no class `{name}`; it knows {}{more}", some.join(", ")))
    })
}

/// "cat 83.1 %, dog 10.0 %".
fn guesses(found: &Activations) -> String {
    let told = |class: usize| format!("{} {:.1} %", found.classes[class], found.before[class] * 100.0);
    let best: Vec<String> = ranked(&found.before).into_iter().take(TOP).map(told).collect();
    best.join(", ")
}

fn draw(
    found: &Activations,
    layer: &LayerActivations,
    last: bool,
    path: &Path,
) -> Result<(), vis::FigureError> {
    let strongest = vis::strongest(&layer.values);
    let (maps, width, height) = (layer.maps, layer.width, layer.height);
    if layer.field.is_none() {
        let names = if last { found.classes.as_slice() } else { &[] };
        let text = format!("{maps} units; the strongest value is {strongest:.3}");
        return vis::write_units(Caption { title: &layer.name, text: &text }, names, &layer.values, path);
    }
    let text =
        format!("{maps} maps of {width}x{height}; black is 0, white is {strongest:.3}, blue is negative");
    vis::write_maps(Caption { title: &layer.name, text: &text }, &layer.values, [height, width], path)
}
