//! Model files made of other programs' files, without a device.

use std::path::PathBuf;

use crate::model::{self, ImportOptions, Input, Shapes, is_same_file};

/// What to convert.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    pub file: PathBuf,
    /// The model file to write.
    pub out: PathBuf,
    pub options: ImportOptions,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportReport {
    /// What the file was.
    pub origin: String,
    /// Whether it came from another program.
    pub foreign: bool,
    /// What a user should know: what was assumed, what was left out.
    pub notes: Vec<String>,
    /// Name of the network.
    pub model: String,
    pub parameters: usize,
    pub classes: Vec<String>,
    /// Side of the pictures before cropping, and of the crops, in pixels.
    pub stored_side: usize,
    pub input_side: usize,
    /// Means of what is taken from red, green and blue, in 0 to 255.
    pub mean: [f64; 3],
    /// Factors of red, green and blue after that.
    pub scale: [f32; 3],
}

/// Converts a file.
///
/// # Errors
/// A file that cannot be used, with everything in it that does not fit; a place that cannot be written.
pub fn import(request: &ImportRequest) -> Result<ImportReport, String> {
    let ImportRequest { file, out, options } = request;
    if is_same_file(file, out) {
        return Err(format!("`{}` would be overwritten; choose another place with --out", file.display()));
    }
    let imported = model::import(file, options).map_err(|e| e.to_string())?;
    imported.file.write(out).map_err(|e| e.to_string())?;
    let spec = &imported.file.spec;
    let shapes = Shapes::of(spec).map_err(|e| e.to_string())?;
    let input = Input::new(spec.input, imported.file.mean);
    let plane = spec.input.side * spec.input.side;
    let mut mean = [0.0; 3];
    for (mean, values) in mean.iter_mut().zip(input.mean().chunks_exact(plane)) {
        *mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / plane as f64;
    }
    Ok(ImportReport {
        origin: imported.origin,
        foreign: imported.foreign,
        notes: imported.notes,
        model: spec.name.clone(),
        parameters: shapes.parameter_count(),
        classes: imported.file.classes,
        stored_side: spec.input.stored_side,
        input_side: spec.input.side,
        mean,
        scale: spec.input.scale,
    })
}
