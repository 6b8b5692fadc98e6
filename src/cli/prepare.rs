//! `alexnet-lab data prepare`: pictures decoded once and kept on disk.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;

use super::output::{self, Status};
use super::{progress, stop};
use crate::config::RunConfig;
use crate::engine::{self, PrepareReport, PreparedSide, write_refused};
use crate::words;

/// Where refused files are that the report does not name.
const REST: &str = "--json lists them, --refused FILE.csv writes them to a file";
/// Scripts, and people without a terminal, hear of the progress this often.
const PROGRESS_PAUSE: Duration = Duration::from_secs(1);
const QUIET_PAUSE: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(super) struct PrepareArgs {
    /// Pictures: a folder, a .tar, .tar.gz or .zip archive, or a list of paths and labels
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Prepare them as this preset needs them; without it, as the one that fits the size of the pictures
    #[arg(long, value_name = "PRESET")]
    model: Option<String>,
    /// Prepare them as squares of this many pixels
    #[arg(long, value_name = "N", conflicts_with = "model", value_parser = clap::value_parser!(u32).range(8..=2048))]
    side: Option<u32>,
    /// Decode every picture again, compare it with what is kept, and mend what is not the same
    #[arg(long)]
    verify: bool,
    /// Write the files that cannot be used, with the reasons, to this file (comma-separated values)
    #[arg(long, value_name = "FILE.csv")]
    refused: Option<PathBuf>,
    /// One setting by its dotted name, for example data.cache_dir=/mnt/big; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

/// Prepares a source and reports.
pub(super) fn run(args: PrepareArgs) -> Status {
    let json = args.json;
    let config = RunConfig::load(None, &args.set).and_then(|mut config| {
        config.data.source = args.source;
        config.validate().map(|()| config)
    });
    let config = match config {
        Ok(config) => config,
        Err(error) => return output::bad_input(&error.to_string(), json),
    };
    let side = match (args.model, args.side) {
        (Some(preset), _) => PreparedSide::Preset(preset),
        (None, Some(side)) => PreparedSide::Pixels(side),
        (None, None) => PreparedSide::Fitting,
    };
    let cancel = stop::flag();
    let progress = Mutex::new(Progress::new(json, args.verify));
    let tell = |report| progress.lock().unwrap_or_else(PoisonError::into_inner).report(report);
    let prepared = engine::prepare(&config.data, &side, args.verify, &tell, &cancel);
    let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    progress.bar.finish_and_clear();
    let refused = match &prepared {
        Ok(Some(prepared)) => &prepared.refused,
        Ok(None) => return stopped(progress.last, json),
        Err(error) => &error.refused,
    };
    if let Some(path) = &args.refused
        && let Err(message) = write_refused(path, refused)
    {
        return output::bad_input(&message, json);
    }
    if json {
        for file in refused {
            output::object(&json!({ "event": "refused", "name": file.name, "reason": file.reason }));
        }
    }
    match prepared {
        Ok(Some(prepared)) => {
            if json {
                let mut object = json!(prepared);
                object["event"] = "prepared".into();
                output::object(&object);
            } else {
                output::rows(&prepared.rows(REST));
            }
            Status::Done
        }
        Ok(None) => stopped(progress.last, json),
        Err(error) => {
            if !json {
                output::rows(&error.rows(REST));
            }
            output::failure(&error.message, error.bad_input, json)
        }
    }
}

fn stopped((done, total): (usize, usize), json: bool) -> Status {
    output::note(&match total {
        0 => "stopped before any picture was read".into(),
        _ => format!(
            "stopped at {} of {} pictures; what was prepared is kept, and the next time begins there",
            words::count(done),
            words::count(total)
        ),
    });
    if json {
        output::object(&json!({ "event": "stopped", "reason": "stopped", "done": done, "total": total }));
    }
    Status::Interrupted
}

/// How far it is, for people and scripts.
struct Progress {
    json: bool,
    bar: ProgressBar,
    lively: bool,
    /// When the first picture of this time was done, and how many there were before.
    began: Option<(Instant, usize)>,
    told: Instant,
    last: (usize, usize),
}

impl Progress {
    fn new(json: bool, compares: bool) -> Self {
        let what = if compares { "Comparing" } else { "Preparing" };
        let bar = progress::bar(&format!("{what} pictures {{wide_bar}} {{pos}}/{{len}} {{msg}}"));
        Self { json, bar, lively: progress::is_lively(), began: None, told: Instant::now(), last: (0, 0) }
    }

    fn report(&mut self, report: PrepareReport) {
        match report {
            PrepareReport::Progress { done, total } => self.progress(done, total),
            PrepareReport::Note(text) => {
                if self.lively {
                    self.bar.println(&text)
                } else {
                    output::note(&text)
                }
                if self.json {
                    output::object(&json!({ "event": "note", "message": text }));
                }
            }
            PrepareReport::Warning(text) => output::note(&format!("warning: {text}")),
        }
    }

    fn progress(&mut self, done: usize, total: usize) {
        self.last = (done, total);
        let (began, before) = *self.began.get_or_insert_with(|| (Instant::now(), done));
        let rate = (done - before) as f64 / began.elapsed().as_secs_f64().max(1e-3);
        let left = (total - done) as f64 / rate.max(1e-3);
        progress::show(&self.bar, done, total);
        let since = self.told.elapsed();
        let words = || format!("{rate:.0} a second, {} left", words::duration(left));
        if self.lively {
            if since > Duration::from_millis(200) {
                self.told = Instant::now();
                self.bar.set_message(words());
            }
        } else if !self.json && since > QUIET_PAUSE {
            self.told = Instant::now();
            output::note(&format!("{} of {} pictures, {}", words::count(done), words::count(total), words()));
        }
        if self.json && (since > PROGRESS_PAUSE || done == total) {
            self.told = Instant::now();
            output::object(&json!({
                "event": "preparing", "done": done, "total": total, "pictures_per_s": rate, "eta_s": left,
            }));
        }
    }
}
