//! The program's icon: a grid of small edge and colour detectors, as the first layer learns them.

use egui::IconData;

const TILES: u32 = 3;
const TILE: u32 = 40;
const GAP: u32 = 2;

/// Draws the icon.
pub fn icon() -> IconData {
    let side = TILES * TILE + (TILES + 1) * GAP;
    let mut rgba = vec![0; (side * side * 4) as usize];
    for y in 0..side {
        for x in 0..side {
            let pixel = pixel(x, y);
            let start = ((y * side + x) * 4) as usize;
            rgba[start..start + 4].copy_from_slice(&pixel);
        }
    }
    IconData { rgba, width: side, height: side }
}

fn pixel(x: u32, y: u32) -> [u8; 4] {
    let (column, left) = (x / (TILE + GAP), x % (TILE + GAP));
    let (row, top) = (y / (TILE + GAP), y % (TILE + GAP));
    if column >= TILES || row >= TILES || left < GAP || top < GAP {
        return [24, 26, 31, 255];
    }
    let tile = row * TILES + column;
    let centred = |v: u32| (f64::from(v - GAP) + 0.5) / f64::from(TILE) * 2.0 - 1.0;
    let [r, g, b] = gabor(tile, centred(left), centred(top));
    [r, g, b, 255]
}

/// A wave under a bell (a Gabor function), turned a little further for each tile; every third one in colour.
fn gabor(tile: u32, x: f64, y: f64) -> [u8; 3] {
    let angle = f64::from(tile) * std::f64::consts::PI / f64::from(TILES * TILES);
    let along = x * angle.cos() + y * angle.sin();
    let wave = (along * (4.0 + f64::from(tile % 3)) + f64::from(tile)).cos();
    let bell = (-(x * x + y * y) * 1.6).exp();
    let strength = wave * bell;
    let tint = match tile % 3 {
        0 => [1.0, 1.0, 1.0],
        1 => [-0.6, 0.5, 1.0],
        _ => [1.0, 0.35, -0.7],
    };
    tint.map(|t: f64| (128.0 + 120.0 * strength * t).clamp(0.0, 255.0) as u8)
}
