//! What the view of the layers shows, as PNG files that speak for themselves: a title, the picture, and what its colours
//! mean.

use std::path::Path;

use image::{Rgb, RgbImage, imageops};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::figures::{BLUE, FigureError, ORANGE, save};
use super::film::enlarged;
use super::maps::{Heat, MapScale, maps_picture, overlay, strongest};

/// Width of a sheet, in pixels, and space around what is on it.
const WIDTH: u32 = 1200;
const MARGIN: u32 = 20;
/// Room of the title and of a line below it.
const TITLE: u32 = 44;
const LINE: u32 = 28;
/// What lies between maps.
const BETWEEN: [u8; 3] = [96, 96, 96];
/// Units that are drawn as bars at most.
const BARS: usize = 100;
const BAR: u32 = 24;

type Sheet<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// Title and explanation of a sheet.
#[derive(Clone, Copy, Debug)]
pub struct Caption<'a> {
    pub title: &'a str,
    pub text: &'a str,
}

/// Draws all maps of a layer, `values` being `[maps, height, width]`.
///
/// # Errors
/// A file that cannot be written.
pub fn write_maps(
    caption: Caption,
    values: &[f32],
    [height, width]: [usize; 2],
    path: &Path,
) -> Result<(), FigureError> {
    let maps = values.len() / (height * width).max(1);
    // As wide as it is high, in pixels.
    let per_row = ((maps * (height + 1)) as f64 / (width + 1) as f64).sqrt().ceil() as usize;
    let picture =
        maps_picture(values, [height, width], per_row, MapScale::Layer, strongest(values), (1, BETWEEN));
    write_picture(caption, &picture, path)
}

/// Writes a picture, enlarged by a whole factor, below its caption.
///
/// # Errors
/// A file that cannot be written.
pub fn write_picture(caption: Caption, picture: &RgbImage, path: &Path) -> Result<(), FigureError> {
    let picture = enlarged(picture, WIDTH - 2 * MARGIN);
    let width = WIDTH.max(picture.width() + 2 * MARGIN);
    let height = TITLE + LINE + picture.height() + 2 * MARGIN;
    save(path, (width, height), |pixels| {
        let sheet = BitMapBackend::with_buffer(pixels, (width, height)).into_drawing_area();
        title(&sheet, caption)?;
        sheet.present().map_err(|e| e.to_string())?;
        drop(sheet);
        put(pixels, width, &picture, (MARGIN, TITLE + LINE + MARGIN));
        Ok(())
    })
}

/// Draws `values`, one a pixel of `picture`, over it, with a legend. The strongest colour means `most`; `unit` says of
/// what.
///
/// # Errors
/// A file that cannot be written.
pub fn write_overlay(
    caption: Caption,
    picture: &RgbImage,
    values: &[f32],
    heat: Heat,
    unit: &str,
    path: &Path,
) -> Result<(), FigureError> {
    let most = strongest(values);
    let both = (WIDTH - 3 * MARGIN) / 2;
    let plain = enlarged(picture, both);
    let laid = enlarged(&overlay(picture, values, heat, most), both);
    let below = TITLE + LINE + MARGIN + plain.height() + MARGIN;
    let height = below + 2 * LINE;
    save(path, (WIDTH, height), |pixels| {
        let sheet = BitMapBackend::with_buffer(pixels, (WIDTH, height)).into_drawing_area();
        title(&sheet, caption)?;
        legend(&sheet, heat, most, unit, below as i32)?;
        sheet.present().map_err(|e| e.to_string())?;
        drop(sheet);
        put(pixels, WIDTH, &plain, (MARGIN, TITLE + LINE + MARGIN));
        put(pixels, WIDTH, &laid, (2 * MARGIN + both, TITLE + LINE + MARGIN));
        Ok(())
    })
}

/// Draws the units of a fully connected layer as bars, with a name for each.
///
/// # Errors
/// A file that cannot be written.
pub fn write_units(
    caption: Caption,
    names: &[String],
    values: &[f32],
    path: &Path,
) -> Result<(), FigureError> {
    if values.len() > BARS {
        return write_maps(caption, values, [1, 1], path);
    }
    let height = TITLE + LINE + values.len() as u32 * BAR + 2 * MARGIN;
    save(path, (WIDTH, height), |pixels| {
        let sheet = BitMapBackend::with_buffer(pixels, (WIDTH, height)).into_drawing_area();
        title(&sheet, caption)?;
        bars(&sheet, names, values)?;
        sheet.present().map_err(|e| e.to_string())
    })
}

/// A row of a sheet of pictures: its name, and small pictures with a frame (left, top, width, height in pixels of the
/// picture, if there is one) and a text each.
#[derive(Clone, Debug)]
pub struct PictureRow {
    pub name: String,
    pub pictures: Vec<(RgbImage, Option<[u32; 4]>, String)>,
}

/// Draws rows of small pictures.
///
/// # Errors
/// A file that cannot be written.
pub fn write_rows(caption: Caption, rows: &[PictureRow], path: &Path) -> Result<(), FigureError> {
    const SIDE: u32 = 96;
    const NAME: u32 = 130;
    let row_height = SIDE + LINE;
    let most = rows.iter().map(|row| row.pictures.len() as u32).max().unwrap_or(0);
    let width = WIDTH.max(NAME + most * (SIDE + MARGIN) + 2 * MARGIN);
    let height = TITLE + LINE + rows.len() as u32 * row_height + 2 * MARGIN;
    let top = |row: usize| TITLE + LINE + MARGIN + row as u32 * row_height;
    let left = |place: usize| MARGIN + NAME + place as u32 * (SIDE + MARGIN);
    save(path, (width, height), |pixels| {
        let sheet = BitMapBackend::with_buffer(pixels, (width, height)).into_drawing_area();
        title(&sheet, caption)?;
        for (row, of_row) in rows.iter().enumerate() {
            text(&sheet, &of_row.name, (MARGIN as i32, (top(row) + SIDE / 2) as i32), 20, BLACK)?;
            for (place, (_, _, value)) in of_row.pictures.iter().enumerate() {
                text(&sheet, value, (left(place) as i32, (top(row) + SIDE + 2) as i32), 16, GREY)?;
            }
        }
        sheet.present().map_err(|e| e.to_string())?;
        drop(sheet);
        for (row, of_row) in rows.iter().enumerate() {
            for (place, (picture, frame, _)) in of_row.pictures.iter().enumerate() {
                let mut shown = imageops::resize(picture, SIDE, SIDE, imageops::FilterType::Nearest);
                if let Some(frame) = frame {
                    outline(&mut shown, frame.map(|v| v * SIDE / picture.width().max(1)));
                }
                put(pixels, width, &shown, (left(place), top(row)));
            }
        }
        Ok(())
    })
}

/// Draws how often pictures of each class (`counts`, a row for each true class) were taken for each other.
///
/// # Errors
/// A file that cannot be written.
pub fn write_confusion(
    caption: Caption,
    classes: &[String],
    counts: &[u32],
    path: &Path,
) -> Result<(), FigureError> {
    let number = classes.len().max(1) as u32;
    let named = number <= 60;
    let names = if named { 170 } else { 0 };
    let cell = ((WIDTH - 2 * MARGIN - names) / number).clamp(1, 72);
    let (left, top) = (MARGIN + names, TITLE + LINE + MARGIN + names);
    let (width, height) = (WIDTH.max(left + cell * number + MARGIN), top + cell * number + MARGIN);
    save(path, (width, height), |pixels| {
        let sheet = BitMapBackend::with_buffer(pixels, (width, height)).into_drawing_area();
        title(&sheet, caption)?;
        for (row, of_class) in counts.chunks_exact(classes.len().max(1)).enumerate() {
            let of = of_class.iter().sum::<u32>().max(1);
            for (column, &count) in of_class.iter().enumerate().filter(|(_, count)| **count > 0) {
                let corner = ((left + column as u32 * cell) as i32, (top + row as u32 * cell) as i32);
                let colour = if row == column { BLUE } else { ORANGE };
                // The root lets rare confusions be seen.
                let share = f64::from(count) / f64::from(of);
                let fill = colour.mix(0.12 + 0.88 * share.sqrt()).filled();
                let end = (corner.0 + cell as i32, corner.1 + cell as i32);
                sheet.draw(&Rectangle::new([corner, end], fill)).map_err(|e| e.to_string())?;
                if cell >= 26 {
                    let colour = if share > 0.4 { WHITE } else { BLACK };
                    text(
                        &sheet,
                        &count.to_string(),
                        (corner.0 + 4, corner.1 + cell as i32 / 2 - 8),
                        15,
                        colour,
                    )?;
                }
            }
            if named {
                let name = cut(&classes[row], 20);
                let size = cell.clamp(9, 17);
                text(
                    &sheet,
                    &name,
                    (MARGIN as i32, (top + row as u32 * cell + cell / 4) as i32),
                    size,
                    BLACK,
                )?;
                let style =
                    ("sans-serif", size).into_font().transform(FontTransform::Rotate270).color(&BLACK);
                let at = ((left + row as u32 * cell + cell / 4) as i32, top as i32 - 6);
                sheet.draw(&Text::new(name, at, style)).map_err(|e| e.to_string())?;
            }
        }
        sheet.present().map_err(|e| e.to_string())
    })
}

const GREY: RGBColor = RGBColor(92, 100, 112);

fn title(sheet: &Sheet, caption: Caption) -> Result<(), String> {
    sheet.fill(&WHITE).map_err(|e| e.to_string())?;
    text(sheet, caption.title, (MARGIN as i32, MARGIN as i32 / 2), 28, BLACK)?;
    text(sheet, caption.text, (MARGIN as i32, TITLE as i32), 18, GREY)
}

fn text(sheet: &Sheet, text: &str, at: (i32, i32), size: u32, colour: RGBColor) -> Result<(), String> {
    let style = ("sans-serif", size).into_font().color(&colour);
    sheet.draw(&Text::new(text.to_owned(), at, style)).map_err(|e| e.to_string())
}

/// The colours, and what their ends mean.
fn legend(sheet: &Sheet, heat: Heat, most: f32, unit: &str, top: i32) -> Result<(), String> {
    const STRIP: i32 = 400;
    let low = if heat == Heat::TwoSided { -most } else { 0.0 };
    let left = MARGIN as i32 + 90;
    for step in 0..STRIP {
        let share = (step as f32 + 0.5) / STRIP as f32;
        let share = if heat == Heat::TwoSided { share * 2.0 - 1.0 } else { share };
        let (colour, hides) = heat.colour(share);
        let [r, g, b] = colour.map(|c| (128.0 * (1.0 - hides) + f32::from(c) * hides) as u8);
        let strip =
            Rectangle::new([(left + step, top), (left + step + 1, top + 18)], RGBColor(r, g, b).filled());
        sheet.draw(&strip).map_err(|e| e.to_string())?;
    }
    text(sheet, &format!("{low:.3}"), (MARGIN as i32, top), 18, BLACK)?;
    text(sheet, &format!("{most:.3}  {unit}"), (left + STRIP + 10, top), 18, BLACK)
}

/// A bar for each value: to the right of the middle where it is positive.
fn bars(sheet: &Sheet, names: &[String], values: &[f32]) -> Result<(), String> {
    let most = strongest(values);
    let (left, right) = (MARGIN as i32 + 260, WIDTH as i32 - 120);
    let middle = (left + right) / 2;
    for (place, &value) in values.iter().enumerate() {
        let top = (TITLE + LINE + MARGIN + place as u32 * BAR) as i32;
        let share = if most > 0.0 && value.is_finite() { value / most } else { 0.0 };
        let end = middle + (share * (right - left) as f32 / 2.0) as i32;
        let colour = if value >= 0.0 { BLUE } else { ORANGE };
        let corners = [(middle.min(end), top + 3), (middle.max(end), top + BAR as i32 - 3)];
        sheet.draw(&Rectangle::new(corners, colour.filled())).map_err(|e| e.to_string())?;
        let name = names.get(place).map_or_else(|| format!("unit {}", place + 1), |name| cut(name, 30));
        text(sheet, &name, (MARGIN as i32, top + 2), 17, BLACK)?;
        text(sheet, &format!("{value:.3}"), (right + 12, top + 2), 17, BLACK)?;
    }
    let ends = [
        (middle, (TITLE + LINE + MARGIN) as i32),
        (middle, (TITLE + LINE + MARGIN) as i32 + values.len() as i32 * BAR as i32),
    ];
    sheet.draw(&PathElement::new(ends, GREY)).map_err(|e| e.to_string())
}

/// A name with at most so many letters.
fn cut(name: &str, letters: usize) -> String {
    if name.chars().count() <= letters {
        return name.to_owned();
    }
    name.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}

/// Puts a picture on a sheet of `width` pixels.
fn put(pixels: &mut [u8], width: u32, picture: &RgbImage, (left, top): (u32, u32)) {
    let row_bytes = picture.width() as usize * 3;
    for (row, bytes) in picture.as_raw().chunks_exact(row_bytes.max(1)).enumerate() {
        let start = ((top as usize + row) * width as usize + left as usize) * 3;
        if let Some(place) = pixels.get_mut(start..start + row_bytes) {
            place.copy_from_slice(bytes);
        }
    }
}

/// A frame of orange within black.
fn outline(picture: &mut RgbImage, [left, top, width, height]: [u32; 4]) {
    let (side, orange) = (picture.width(), Rgb([240, 165, 40]));
    for (grown, colour) in [(0, Rgb([0, 0, 0])), (1, orange)] {
        let (x0, y0) = (left + grown, top + grown);
        let (x1, y1) = ((left + width).saturating_sub(1 + grown), (top + height).saturating_sub(1 + grown));
        for (x, y) in
            (x0..=x1).flat_map(|x| [(x, y0), (x, y1)]).chain((y0..=y1).flat_map(|y| [(x0, y), (x1, y)]))
        {
            if x < side && y < side {
                picture.put_pixel(x, y, colour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPTION: Caption = Caption { title: "conv1", text: "four maps" };

    #[test]
    fn sheets_hold_their_picture_whatever_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let values: Vec<f32> = (0..36).map(|v| v as f32 - 12.0).collect();
        write_maps(CAPTION, &values, [3, 3], &at("maps.png")).unwrap();
        write_maps(CAPTION, &vec![0.5; 96 * 55 * 55], [55, 55], &at("large.png")).unwrap();
        write_units(CAPTION, &["cat".into()], &[1.0, -2.0, f32::NAN], &at("units.png")).unwrap();
        write_units(CAPTION, &[], &vec![1.0; 4096], &at("tiles.png")).unwrap();
        let picture = RgbImage::from_pixel(5, 5, Rgb([200, 10, 10]));
        write_overlay(CAPTION, &picture, &[0.5; 25], Heat::Rising, "score", &at("overlay.png")).unwrap();
        let names: Vec<String> =
            (0..3).map(|class| format!("a class with a very long name {class}")).collect();
        write_confusion(CAPTION, &names, &[5, 1, 0, 0, 9, 0, 2, 0, 3], &at("confusion.png")).unwrap();
        let many: Vec<String> = (0..300).map(|class| class.to_string()).collect();
        write_confusion(CAPTION, &many, &vec![1; 300 * 300], &at("many.png")).unwrap();
        let one = (picture.clone(), Some([3, 3, 4, 4]), "4.5".to_owned());
        write_rows(CAPTION, &[PictureRow { name: "map 1".into(), pictures: vec![one] }], &at("rows.png"))
            .unwrap();
        let maps = image::open(at("maps.png")).unwrap().into_rgb8();
        // The last of 36 values is the strongest: it is white, and lies at the right end of the lower row.
        let factor = ((WIDTH - 2 * MARGIN) / 9).min(12);
        let last = (MARGIN + 8 * factor - factor / 2, TITLE + LINE + MARGIN + 8 * factor - factor / 2);
        assert_eq!(maps.get_pixel(last.0, last.1).0, [255; 3]);
        let overlay = image::open(at("overlay.png")).unwrap().into_rgb8();
        assert_eq!(overlay.get_pixel(MARGIN + 2, TITLE + LINE + MARGIN + 2).0, [200, 10, 10]);
        let units = image::open(at("units.png")).unwrap().into_rgb8();
        let row = TITLE + LINE + MARGIN + BAR + BAR / 2;
        let middle = (MARGIN + 260 + WIDTH - 120) / 2;
        assert_eq!(units.get_pixel(middle - 50, row).0, [213, 94, 0], "negative ones go to the left");
        let confusion = image::open(at("confusion.png")).unwrap().into_rgb8();
        assert_eq!(
            confusion.get_pixel(MARGIN + 170 + 72 + 60, TITLE + LINE + MARGIN + 170 + 72 + 60).0,
            [0, 114, 178]
        );
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let error = write_maps(CAPTION, &[1.0], [1, 1], Path::new("/nowhere/at/all.png")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all.png"), "{error}");
    }
}
