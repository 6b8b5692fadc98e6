//! Tiles that were measured for a card (`bench kernels --tune`), kept from then on in a small file that people can read.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::device::{DeviceInfo, DeviceKind, OpenDevice};
use crate::kernels::{Tiles, use_tiles};
use crate::model::replace_file;

/// What the file holds: the tiles, and what they were measured on.
#[derive(Serialize, Deserialize)]
struct Kept {
    device: String,
    driver: String,
    #[serde(flatten)]
    tiles: Tiles,
}

/// Lets the kernels use the tiles that were measured for this device, or the built-in ones if none were. A file that
/// is damaged or of another driver is left aside.
pub(super) fn take_up(device: &OpenDevice) {
    let software = device.info.kind == DeviceKind::SoftwareGpu;
    let Some(path) = file(&device.info) else { return };
    let tiles = std::fs::read_to_string(&path).ok().and_then(|text| read(&text, &device.info));
    if let Err(error) = use_tiles(software, tiles) {
        log::warn!("`{}` is not used: {error}", path.display());
    }
}

fn read(text: &str, info: &DeviceInfo) -> Option<Tiles> {
    let kept: Kept =
        serde_json::from_str(text).map_err(|e| log::warn!("measured tiles are not used: {e}")).ok()?;
    (kept.device == info.name && kept.driver == info.driver).then_some(kept.tiles)
}

/// Keeps tiles for a device; the next run uses them.
///
/// # Errors
/// A folder that cannot be written.
pub(super) fn keep(tiles: Tiles, info: &DeviceInfo) -> Result<PathBuf, String> {
    let path = file(info).ok_or("this system has no folder for caches")?;
    let failed = |e: std::io::Error| format!("cannot write `{}`: {e}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let kept = Kept { device: info.name.clone(), driver: info.driver.clone(), tiles };
    let text = serde_json::to_string_pretty(&kept).map_err(|e| e.to_string())?;
    replace_file(&path, |temporary| std::fs::write(temporary, &text).map_err(failed), failed)?;
    Ok(path)
}

/// Where the tiles of a device lie. None for the processor, which has none.
fn file(info: &DeviceInfo) -> Option<PathBuf> {
    if info.kind == DeviceKind::Cpu {
        return None;
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = info.name.chars().map(plain).take(60).collect();
    Some(dirs::cache_dir()?.join("alexnet-lab").join("tiles").join(format!("{name}.json")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_tables_of_this_device_are_read() {
        let info = DeviceInfo {
            id: "gpu:0".into(),
            name: "A card/1".into(),
            kind: DeviceKind::DiscreteGpu,
            api: "Vulkan".into(),
            driver: "5".into(),
            max_binding_mib: 128,
        };
        let tiles = Tiles::built_in(false);
        let text = |driver: &str| {
            let kept = Kept { device: info.name.clone(), driver: driver.into(), tiles: tiles.clone() };
            serde_json::to_string(&kept).expect("plain values")
        };
        assert_eq!(read(&text("5"), &info), Some(tiles.clone()));
        assert_eq!(read(&text("6"), &info), None, "another driver");
        assert_eq!(read(&text("5")[..40], &info), None, "cut short");
        let path = file(&info).map(|path| path.file_name().map(|name| name.to_os_string()));
        assert!(path.is_none_or(|name| name == Some("a-card-1.json".into())));
    }
}
