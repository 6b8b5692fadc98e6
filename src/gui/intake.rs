//! Taking in what others have sent: the engine its events, the browser its pictures, the background what it has done.

use std::time::{Duration, Instant};

use egui::Context;

use super::action::Action;
use super::app::App;
use super::background::Done;
use super::notice::Severity;
use super::state::Found;
use super::{incoming, layers_view, memory};
use crate::engine::{Among, BrowseNews, Event};

/// Small pictures taken in at a time, so that a flood of them never holds up the window.
const AT_ONCE: usize = 48;

/// How often the memory is asked for.
const MEMORY_PAUSE: Duration = Duration::from_secs(2);

impl App {
    /// Takes in what the engine and the background tasks have sent, and closes the window once all is saved.
    pub fn take_in(&mut self, ctx: &Context) {
        while let Ok(event) = self.port.events.try_recv() {
            self.state.apply(event);
        }
        self.go_on_afterwards();
        self.list_checkpoints();
        if self.memory_read.elapsed() > MEMORY_PAUSE {
            self.memory_read = Instant::now();
            (self.state.memory, self.state.free_memory) = (memory::taken(), memory::free());
        }
        if std::mem::take(&mut self.state.film.to_read)
            && let Some(run) = self.state.film.run.clone()
        {
            self.background.read_film(run);
        }
        self.take_in_pictures(ctx);
        self.take_in_picked();
        match self.state.found {
            Found::Ready(..) => self.view.remember_source(&self.state.source),
            Found::Unusable(_) => {
                if self.take_back_start() {
                    self.state.apply(Event::Cancelled);
                }
            }
            Found::Nothing | Found::Looking => {}
        }
        self.send_waiting();
        self.take_in_download();
        self.take_in_runs();
        for done in self.background.finished() {
            for action in self.take_in_done(done) {
                self.carry_out(action, ctx, None);
            }
        }
        self.close_politely(ctx);
    }

    /// Takes in what the browser has found; small pictures become textures.
    fn take_in_pictures(&mut self, ctx: &Context) {
        for _ in 0..AT_ONCE {
            match self.port.news.try_recv() {
                Ok(BrowseNews::Small { set, version, place, result }) => {
                    if version == layers_view::VERSION {
                        if set == self.state.gallery.order {
                            self.view.layers.thumbs.insert(ctx, place, version, result);
                        }
                        continue;
                    }
                    let of_data = place.among != Among::DataSet;
                    if set == self.state.gallery.order && (!of_data || self.view.data.wants(version)) {
                        let (data, evaluate) = (&mut self.view.data, &mut self.view.evaluate);
                        let thumbs = if of_data { &mut data.thumbs } else { &mut evaluate.thumbs };
                        thumbs.insert(ctx, place, version, result);
                    }
                }
                Ok(news) => {
                    let surveyed = matches!(news, BrowseNews::Surveyed { .. });
                    let refused = matches!(
                        news,
                        BrowseNews::RefusedKnown { .. } | BrowseNews::Checked { result: Ok(Some(_)), .. }
                    );
                    self.state.apply_browse(news);
                    if surveyed {
                        self.view.data.colours_known();
                    }
                    if refused {
                        self.view.data.refused_known();
                    }
                }
                Err(_) => return,
            }
        }
        // The rest comes with the next frame.
        ctx.request_repaint();
    }

    fn take_in_done(&mut self, done: Done) -> Vec<Action> {
        match done {
            Done::KnownSets(sets) => self.state.downloads.sets = Some(sets),
            Done::Devices(devices) => self.state.devices = Some(devices),
            Done::Interrupted(run) => self.state.interrupted = Some(run),
            Done::Problem(text) => self.state.notices.push(Severity::Error, text),
            Done::Wrote(path) => {
                self.state.notices.push(Severity::Info, format!("The list is in `{}`", path.display()));
            }
            Done::SmallPictures(pictures) => self.view.predict.take(pictures),
            Done::WroteKernels(path) => {
                self.state.notices.push(Severity::Info, format!("The kernels are in `{}`", path.display()));
            }
            Done::Film(run, Ok(frames)) => {
                self.state.film_read(&run, frames);
                self.view.film.frame = None;
            }
            // Of the run going on there is simply none yet.
            Done::Film(run, Err(reason)) => {
                if self.state.film.run.as_ref() != Some(&run) {
                    self.state.notices.push(Severity::Error, reason);
                }
            }
            Done::Checkpoints(run, kept) => {
                if self.branch_run().as_ref() == Some(&run) {
                    self.state.checkpoints = Some(kept);
                }
            }
            Done::WroteTables(folder) => {
                let text =
                    format!("classes.csv, confusion.csv and pictures.csv are in `{}`", folder.display());
                self.state.notices.push(Severity::Info, text);
            }
            Done::LoadedRun(folder, run) => self.state.runs.loaded(&folder, run),
            Done::WroteReport(path) => {
                self.state.notices.push(Severity::Info, format!("The report is in `{}`", path.display()));
            }
            Done::GoBack(path, rate) => self.go_back(path, rate),
            other => return incoming::actions_for(other),
        }
        Vec::new()
    }
}
