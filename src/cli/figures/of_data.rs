//! Figures of a data set as the network sees it: the pictures that excite a layer's maps, and the confusion matrix.

use super::maker::Maker;
use crate::cli::output::Status;
use crate::engine::{self, Answer, Excites, Exciting, Question, Split};
use crate::vis::{self, Caption, PictureRow};
use crate::words::count;

/// Maps drawn of a layer; the table has all of them.
const MAPS: usize = 24;

/// The pictures that excite the maps of the layers that were named, or of the last convolution.
pub(super) fn exciting(maker: &mut Maker) -> Result<(), Status> {
    let Some(data) = maker.data() else {
        return maker.left_out(false, "exciting pictures are", "name the pictures to search with --data");
    };
    let layers = match maker.args.layers.as_slice() {
        [] => vec![None],
        layers => layers.iter().cloned().map(Some).collect(),
    };
    for layer in layers {
        let shown = layer.as_deref().unwrap_or("the last convolution");
        let what = format!("pictures that excite {shown}");
        let question = Question::Exciting {
            data: Box::new(data.clone()),
            split: Split::Validation,
            layer,
            most: maker.args.most,
        };
        match maker.ask(&what, question)? {
            Ok(Answer::Exciting { result, .. }) => draw(maker, &result)?,
            Ok(_) => {}
            Err(reason) => {
                let asked = maker.args.data.is_some() || !maker.args.layers.is_empty();
                maker.left_out(asked, "exciting pictures are", &reason)?;
            }
        }
    }
    Ok(())
}

fn draw(maker: &mut Maker, found: &Exciting) -> Result<(), Status> {
    let strongest = |map: &usize| found.maps[*map].first().map_or(f32::NEG_INFINITY, |one| one.value);
    let mut maps: Vec<usize> = (0..found.maps.len()).collect();
    maps.sort_by(|a, b| strongest(b).total_cmp(&strongest(a)));
    maps.truncate(MAPS);
    let what = if found.field.is_some() { "map" } else { "unit" };
    let rows: Vec<PictureRow> = maps
        .iter()
        .map(|&map| PictureRow {
            name: format!("{what} {}", map + 1),
            pictures: found.maps[map].iter().map(|one| picture(found, one)).collect(),
        })
        .collect();
    let title = format!("The pictures that excite {} most", found.layer);
    let text = format!(
        "The strongest of {} pictures for {} of its {} {what}s; the frame is what the strongest unit sees",
        count(found.seen),
        rows.len(),
        count(found.maps.len())
    );
    let path = maker.path(&format!("exciting-{}.png", found.layer));
    maker.told(
        "exciting pictures",
        &path,
        vis::write_rows(Caption { title: &title, text: &text }, &rows, &path),
    )?;
    let path = maker.path(&format!("exciting-{}.csv", found.layer));
    let table = engine::exciting_table(found, &maker.model.classes);
    maker.write("exciting pictures", &path, &table)
}

/// The picture with what its strongest unit sees, in pixels of the small picture, and its value.
fn picture(found: &Exciting, one: &Excites) -> (image::RgbImage, Option<[u32; 4]>, String) {
    let small = one.picture.small.clone();
    let frame = found.field.map(|field| {
        let [rows, columns] = field.window(one.place, found.side);
        let scaled = |pixels: usize| (pixels * small.width() as usize / found.side.max(1)) as u32;
        [scaled(columns.start), scaled(rows.start), scaled(columns.len()).max(2), scaled(rows.len()).max(2)]
    });
    (small, frame, format!("{:.3}", one.value))
}

/// The confusion matrix, measured now or read from the table of an earlier measurement.
pub(super) fn confusion(maker: &mut Maker) -> Result<(), Status> {
    let (classes, counts, source) = if maker.args.evaluate {
        let Some(data) = maker.data() else {
            return maker.left_out(true, "", "--evaluate needs pictures: name them with --data");
        };
        match maker.evaluate(data)? {
            Ok(found) => {
                (found.classes.clone(), found.confusion(), format!("validation pictures of {}", found.source))
            }
            Err(reason) => return maker.left_out(true, "", &reason),
        }
    } else {
        let path = maker.model_file.with_file_name("confusion.csv");
        if !path.is_file() {
            return Ok(());
        }
        match engine::read_confusion(&path) {
            Ok((classes, counts)) => (classes, counts, path.display().to_string()),
            Err(reason) => return maker.left_out(false, "the confusion matrix is", &reason),
        }
    };
    let total: u32 = counts.iter().sum();
    let text = format!(
        "Rows: the true class; columns: what the network takes it for. {} pictures; {source}",
        count(total as usize)
    );
    let caption = Caption { title: "Confusions", text: &text };
    let path = maker.path("confusion.png");
    maker.told("confusion matrix", &path, vis::write_confusion(caption, &classes, &counts, &path))
}
