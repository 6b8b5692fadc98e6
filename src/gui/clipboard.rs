//! What is on the clipboard: a picture, files, or a text.

use std::path::PathBuf;

use image::RgbImage;

use super::background::Done;

/// What was on the clipboard.
#[derive(Debug)]
pub enum Pasted {
    Picture(RgbImage),
    Files(Vec<PathBuf>),
    Text(String),
}

/// Reads the clipboard, which can take long: not for the window's thread.
pub fn read() -> Done {
    let mut clipboard = match arboard::Clipboard::new() {
        Ok(clipboard) => clipboard,
        Err(reason) => return Done::Problem(format!("The clipboard cannot be read: {reason}")),
    };
    if let Ok(data) = clipboard.get_image()
        && let Some(picture) = rgb(data.width, data.height, &data.bytes)
    {
        return Done::Clipboard(Pasted::Picture(picture));
    }
    match clipboard.get().file_list() {
        Ok(files) if !files.is_empty() => return Done::Clipboard(Pasted::Files(files)),
        _ => {}
    }
    match clipboard.get_text() {
        Ok(text) if !text.trim().is_empty() => Done::Clipboard(Pasted::Text(text)),
        _ => Done::Problem(
            "The clipboard holds no picture. Copy a picture, or the path of one, and paste again.".into(),
        ),
    }
}

/// RGBA bytes as a picture on white; none if the sizes disagree.
pub fn rgb(width: usize, height: usize, rgba: &[u8]) -> Option<RgbImage> {
    if width == 0 || height == 0 || rgba.len() != width.checked_mul(height)?.checked_mul(4)? {
        return None;
    }
    let over_white = |pixel: &[u8]| {
        let alpha = u32::from(pixel[3]);
        [0, 1, 2].map(|c| ((u32::from(pixel[c]) * alpha + 255 * (255 - alpha)) / 255) as u8)
    };
    let pixels = rgba.chunks_exact(4).flat_map(over_white).collect();
    RgbImage::from_raw(u32::try_from(width).ok()?, u32::try_from(height).ok()?, pixels)
}
