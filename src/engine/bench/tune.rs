//! Which tiles are the quickest on a card: measured once when somebody asks for it, kept, and used by every run from then
//! on. Nothing of it happens while a network trains.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use serde::Serialize;

use super::{BenchProgress, Machine};
use crate::device::{self, DeviceKind};
use crate::engine::tiles;
use crate::kernels::{
    ConvConfig, TILE_ROWS, Tile, TileEntry, Tiles, convolve, convolve_backward_weight, linear, use_tiles,
};

/// Another tile is taken only if it needs less than this share of the built-in one's time: measurements scatter.
const BETTER: f64 = 0.95;

/// What to measure.
#[derive(Clone, Debug)]
pub struct TuneRequest {
    /// As for `--device`.
    pub device: String,
    /// The best of so many runs counts.
    pub runs: usize,
}

/// What was found, and is used from now on.
#[derive(Clone, Debug, Serialize)]
pub struct Tuned {
    pub machine: Machine,
    pub device: String,
    pub rows: Vec<TunedRows>,
    /// Where the table lies. Without that file the built-in tiles are used again.
    pub file: PathBuf,
}

/// The tile for results of up to `rows` rows; no end to them without.
#[derive(Clone, Debug, Serialize)]
pub struct TunedRows {
    pub rows: Option<usize>,
    pub tile: Tile,
    /// Milliseconds with the built-in tile and with this one.
    pub built_in_ms: f64,
    pub ms: f64,
}

/// Measures, keeps the table and takes it up; nothing if `cancel` was set meanwhile.
///
/// # Errors
/// A device that does not exist or has no tiles, one that stops answering, a folder that cannot be written.
pub fn tune(
    request: &TuneRequest,
    progress: &dyn Fn(BenchProgress<'_>),
    cancel: &AtomicBool,
) -> Result<Option<Tuned>, String> {
    let open = device::open(&request.device).map_err(|e| e.to_string())?;
    let software = match open.info.kind {
        DeviceKind::Cpu => {
            return Err("the processor has no tiles to choose; name a card, for example --device gpu".into());
        }
        kind => kind == DeviceKind::SoftwareGpu,
    };
    let built_in = Tiles::built_in(software);
    let total = TILE_ROWS.len() * (1 + Tile::candidates().count());
    let mut done = 0;
    let mut found = Vec::new();
    for (index, entry) in built_in.entries.iter().enumerate() {
        let work = Work::new(TILE_ROWS[index], &open.device);
        let mut best: Option<TunedRows> = None;
        for tile in std::iter::once(entry.tile).chain(Tile::candidates()) {
            progress(BenchProgress { what: &tile.to_string(), done, total });
            done += 1;
            let only = Tiles { entries: vec![TileEntry { rows: usize::MAX, tile }] };
            use_tiles(software, Some(only)).map_err(|e| e.to_string())?;
            let ms = work.best_ms(request.runs, &open.device)?;
            if let Some(fault) = open.fault() {
                return Err(fault.to_owned());
            }
            if cancel.load(Ordering::Relaxed) {
                tiles::take_up(&open);
                return Ok(None);
            }
            let built_in_ms = best.as_ref().map_or(ms, |best| best.built_in_ms);
            let bar = best.as_ref().map_or(f64::INFINITY, |best| best.ms.min(built_in_ms * BETTER));
            if ms < bar {
                let rows = Some(entry.rows).filter(|&rows| rows != usize::MAX);
                best = Some(TunedRows { rows, tile, built_in_ms, ms });
            }
        }
        found.extend(best);
    }
    let entries = found.iter().zip(TILE_ROWS).map(|(found, rows)| TileEntry { rows, tile: found.tile });
    let table = Tiles { entries: entries.collect() };
    let file = tiles::keep(table, &open.info)?;
    tiles::take_up(&open);
    Ok(Some(Tuned { machine: Machine::here(), device: open.info.name.clone(), rows: found, file }))
}

/// Products whose results have so many rows: a convolution, the gradient of its weights, a linear layer.
struct Work {
    config: ConvConfig,
    x: Tensor<4>,
    grad: Tensor<4>,
    weight: Tensor<1>,
    flat: Tensor<2>,
    dense: Tensor<1>,
}

impl Work {
    const SIDE: usize = 27;
    const CHANNELS: usize = 48;
    const FEATURES: usize = 1024;
    /// Rows that stand for all above the last bound.
    const MANY: usize = 128;

    fn new(rows: usize, device: &Device) -> Self {
        let (rows, side) = (rows.min(Self::MANY), Self::SIDE);
        let around = [1, 1];
        let config = ConvConfig {
            out: rows,
            kernel: 3,
            stride: 1,
            vertical: around,
            horizontal: around,
            groups: 1,
            relu: false,
        };
        let map = |channels| Tensor::random([2, channels, side, side], Distribution::Default, device);
        let numbers = |count| Tensor::<1>::random([count], Distribution::Default, device);
        Self {
            x: map(Self::CHANNELS),
            grad: map(rows),
            weight: numbers(config.weights(Self::CHANNELS)),
            flat: Tensor::random([rows, Self::FEATURES], Distribution::Default, device),
            dense: numbers(Self::FEATURES * Self::FEATURES),
            config,
        }
    }

    fn best_ms(&self, runs: usize, device: &Device) -> Result<f64, String> {
        let once = || {
            let start = Instant::now();
            let bias = |count| Tensor::<1>::zeros([count], device);
            let y = convolve(self.x.clone(), self.weight.clone(), bias(self.config.out), self.config);
            let dw = convolve_backward_weight(self.x.clone(), self.grad.clone(), self.config);
            let dense = linear(self.flat.clone(), self.dense.clone(), bias(Self::FEATURES), false);
            device.sync().map_err(|e| format!("the device no longer answers: {e}"))?;
            drop((y, dw, dense));
            Ok::<f64, String>(start.elapsed().as_secs_f64() * 1e3)
        };
        // The first run compiles.
        let mut best = once().map(|_| f64::INFINITY)?;
        for _ in 0..runs {
            best = best.min(once()?);
        }
        Ok(best)
    }
}
