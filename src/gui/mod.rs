//! The window: choose pictures and a network, watch it learn, ask it about pictures.
//!
//! ```text
//! engine -- Event --> App::logic --> State --> panels (read only) -- Action --> App::carry_out -- Command --> engine
//! ```
//! Events are taken in even while the window is hidden. Panels draw what the state says and push actions;
//! only [`App`] talks to the engine. Whatever can take long (dialogs, the clipboard, asking the drivers) runs
//! on threads of its own, so that the window answers at once whatever else is going on.

mod action;
mod app;
mod asked;
mod asking;
mod background;
mod carry;
mod clipboard;
mod compare_view;
mod comparing;
mod conduct;
mod correcting;
mod corrections;
mod curves;
mod data_view;
mod dialogs;
mod downloads;
mod draft;
mod evaluate_view;
mod fields;
mod film;
mod fonts;
pub mod format;
mod frame_times;
mod gallery;
mod icon;
mod incoming;
mod inspect;
mod intake;
mod layers;
mod layers_view;
mod layout;
mod measured;
mod memory;
mod notice;
pub mod panels;
mod port;
mod predict_view;
mod reports;
mod run_reader;
mod runs;
mod screen_map;
mod series;
mod state;
mod tab;
pub mod theme;
mod thumbs;
pub mod ticks;
mod view;
pub mod widgets;

pub use action::{Action, Figure};
pub use app::App;
pub use asked::{Album, Alike, Asked, Index};
pub use compare_view::{CompareView, Compared, MOST_TICKED, Quantity};
pub use corrections::CorrectionList;
pub use curves::{Curves, Event as CurveEvent, Happening};
pub use data_view::{DataView, Section, Sort};
pub use downloads::{Downloader, Downloads, Failure, KnownAction};
pub use draft::Draft;
pub use fields::{ADVANCED_FIELDS, Field, MAIN_FIELDS, RATE_FIELDS};
pub use film::Film;
pub use gallery::{CheckState, Gallery};
pub use icon::icon;
pub use inspect::LayersAction;
pub use layers::{Find, Going, Layers};
pub use layers_view::{LayersView, Overlay};
pub use notice::{Notice, Notices, Severity};
pub use port::Port;
pub use predict_view::{Listed, PredictView, Shown};
pub use runs::{Column, Runs};
pub use series::{Bin, Series, raw, smoothed};
pub use state::{Answer, Classified, DeviceChoice, Found, Phase, RateSearch, State};
pub use tab::Tab;
pub use view::View;

use std::time::Duration;

use eframe::NativeOptions;
use egui::ViewportBuilder;

use crate::config::RunConfig;
use crate::engine::{self, Browser, Engine};
use crate::threads;

/// Why there is no window. The program can still train in the terminal.
#[derive(Debug, thiserror::Error)]
pub enum GuiError {
    /// No display server, or it refused.
    #[error("no display to open a window on ({0})")]
    NoDisplay(String),
    /// A display, but nothing that can draw on it.
    #[error("no graphics driver can draw the window ({0})")]
    NoGraphics(String),
    /// The engine thread could not be started.
    #[error("the window could not be set up: {0}")]
    Setup(String),
}

impl From<eframe::Error> for GuiError {
    fn from(error: eframe::Error) -> Self {
        match error {
            eframe::Error::Winit(reason) => Self::NoDisplay(without_place(&reason.to_string())),
            eframe::Error::WinitEventLoop(reason) => Self::NoDisplay(without_place(&reason.to_string())),
            eframe::Error::Wgpu(reason) => Self::NoGraphics(reason.to_string()),
            eframe::Error::AppCreation(reason) => Self::Setup(reason.to_string()),
        }
    }
}

/// A request of the system to end, or Ctrl-C in the terminal that the window was opened from, closes the window
/// as a person would: a run is saved.
fn close_on_signal(ctx: &egui::Context) {
    let ctx = ctx.clone();
    let asked = std::sync::atomic::AtomicBool::new(false);
    let handler = ctrlc::set_handler(move || {
        if asked.swap(true, std::sync::atomic::Ordering::SeqCst) {
            std::process::exit(130);
        }
        ctx.data_mut(|data| data.insert_temp(told_to_end_id(), true));
        ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        ctx.request_repaint();
    });
    if let Err(e) = handler {
        log::warn!("a request of the system to end will not save: {e}");
    }
}

fn told_to_end_id() -> egui::Id {
    egui::Id::unique("told to end")
}

/// Whether the system has asked the program to end, rather than a person the window to close.
fn told_to_end(ctx: &egui::Context) -> bool {
    ctx.data(|data| data.get_temp(told_to_end_id()).unwrap_or(false))
}

/// How long news may wait until the window is drawn again. Where the processor has to draw it, every drawing
/// takes time from the training.
fn redraw_pause(creation: &eframe::CreationContext<'_>) -> Duration {
    let adapter = creation.wgpu_render_state.as_ref().map(|state| state.adapter.get_info());
    let software = adapter.is_some_and(|info| info.device_type == eframe::wgpu::DeviceType::Cpu);
    Duration::from_millis(if software { 250 } else { 30 })
}

/// winit's messages open with the line of its source that noticed the error, which tells a user nothing.
fn without_place(text: &str) -> String {
    let reason = text.strip_prefix("os error at ").and_then(|rest| rest.split_once(": "));
    reason.map_or(text, |(_, reason)| reason).trim_end_matches('.').to_owned()
}

/// Opens the window with these settings and returns when it is closed. A run that is going on then is saved.
///
/// # Errors
/// No display, or no graphics driver that can draw on it: nothing has been started then.
pub fn run(initial: RunConfig) -> Result<(), GuiError> {
    let viewport = ViewportBuilder::default()
        .with_title("AlexNet Lab")
        .with_app_id("alexnet-lab")
        .with_icon(icon())
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([900.0, 600.0])
        .with_drag_and_drop(true);
    let options = NativeOptions { viewport, renderer: eframe::Renderer::Wgpu, ..NativeOptions::default() };
    eframe::run_native(
        "AlexNet Lab",
        options,
        Box::new(|creation| {
            threads::put_window_first();
            let ctx = creation.egui_ctx.clone();
            let (waker, pause) = (ctx.clone(), redraw_pause(creation));
            let browse_waker = waker.clone();
            let engine = Engine::spawn(move || waker.request_repaint_after(pause))?;
            let browser = Browser::spawn(move || browse_waker.request_repaint_after(pause))?;
            let port = Port::of(engine, browser);
            fonts::use_system_fonts(&ctx);
            let mut app = App::new(&ctx, port, initial, engine::presets());
            app.restore(creation.storage);
            app.measure_frames();
            screen_map::draw_if_asked_for(&ctx);
            if let Some(folder) = crate::data::Corrections::standard_folder() {
                app.keep_corrections_in(folder);
            }
            app.list_devices();
            app.look_for_interrupted_run();
            close_on_signal(&ctx);
            Ok(Box::new(app))
        }),
    )?;
    Ok(())
}
