//! `alexnet-lab data prepare` and `data cache`: pictures decoded once and kept on disk, and what is kept.

use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::output::{self, Status};
use super::stop;
use crate::config::RunConfig;
use crate::engine::{self, PrepareReport, Prepared, PreparedCache, PreparedSide};
use crate::words::{self, grouped};

/// Files named one by one for people; `--json` names all.
const LISTED: usize = 20;
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
    /// Read what is there already too, and mend what is damaged
    #[arg(long)]
    verify: bool,
    /// One setting by its dotted name, for example data.cache_dir=/mnt/big; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct CacheArgs {
    /// Remove all that no program uses just now
    #[arg(long)]
    clean: bool,
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
    let progress = Mutex::new(Progress::new(json));
    let tell = |report| progress.lock().unwrap_or_else(PoisonError::into_inner).report(report);
    let prepared = engine::prepare(&config.data, &side, args.verify, &tell, &cancel);
    let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    progress.bar.finish_and_clear();
    match prepared {
        Ok(Some(prepared)) if json => {
            for file in &prepared.refused {
                output::object(&json!({ "event": "refused", "name": file.name, "reason": file.reason }));
            }
            let mut object = json!(prepared);
            object["event"] = "prepared".into();
            output::object(&object);
            Status::Done
        }
        Ok(Some(prepared)) => {
            tell_prepared(&prepared);
            Status::Done
        }
        Ok(None) => {
            let (done, total) = progress.last;
            let (done, total) = (grouped(done, ','), grouped(total, ','));
            output::note(&format!(
                "stopped at {done} of {total} pictures; they are kept, and the next time begins there"
            ));
            Status::Interrupted
        }
        Err(error) => output::failure(&error.message, error.bad_input, json),
    }
}

fn row(title: &str, text: &str) {
    output::line(&format!("{title:<12} {text}"));
}

fn tell_prepared(prepared: &Prepared) {
    let Prepared { train, validation, decoded, side, bytes, seconds, .. } = prepared;
    row("Source", &prepared.source);
    row("Found", &prepared.layout);
    let total = train + validation;
    row("Prepared", &format!("{} pictures at {side}x{side} pixels", grouped(total, ',')));
    match decoded {
        0 => row("", &format!("all of them were there already; {seconds:.1} s")),
        _ => row("", &format!("{} files were read in {seconds:.1} s", grouped(*decoded, ','))),
    }
    match &prepared.folder {
        Some(folder) => row("Kept", &format!("{}, {}", words::bytes(*bytes), folder.display())),
        None => row("Kept", "nothing: these pictures are drawn anew each time"),
    }
    if prepared.refused_count > 0 {
        row("Refused", &format!("{} files", grouped(prepared.refused_count, ',')));
        prepared
            .refused
            .iter()
            .take(LISTED)
            .for_each(|file| row("", &format!("{}: {}", file.name, file.reason)));
        if prepared.refused_count > LISTED {
            row("", &format!("and {} more; --json lists them", prepared.refused_count - LISTED));
        }
    }
}

/// Lists what is kept, or removes it.
pub(super) fn cache(args: CacheArgs) -> Status {
    let json = args.json;
    let config = match RunConfig::load(None, &args.set) {
        Ok(config) => config,
        Err(error) => return output::bad_input(&error.to_string(), json),
    };
    match engine::prepared_cache(&config.data, args.clean) {
        Ok(cache) if json => {
            for store in &cache.stores {
                let mut object = json!(store);
                object["event"] = "store".into();
                output::object(&object);
            }
            let mut object = json!(cache);
            object["event"] = "cache".into();
            output::object(&object);
            Status::Done
        }
        Ok(cache) => {
            tell_cache(&cache, args.clean);
            Status::Done
        }
        Err(error) => output::failure(&error.message, error.bad_input, json),
    }
}

fn tell_cache(cache: &PreparedCache, clean: bool) {
    for store in &cache.stores {
        let source = if store.source.is_empty() { "cannot be read any more" } else { &store.source };
        let state = match (store.removed, store.in_use) {
            (true, _) => "removed".into(),
            (false, true) => "in use".into(),
            (false, false) => format!("used {}", ago(store.last_used)),
        };
        output::line(&format!(
            "{} at {side}x{side}: {} pictures, {}, {state}",
            source,
            grouped(store.pictures, ','),
            words::bytes(store.bytes),
            side = store.side
        ));
    }
    row("Folder", &cache.folder.display().to_string());
    row(
        "Size",
        &format!("{} of {} (data.prepared_gib)", words::bytes(cache.bytes), words::bytes(cache.limit)),
    );
    if !clean && cache.bytes > 0 {
        row("", "alexnet-lab data cache --clean removes it; a run makes anew what it needs");
    }
}

/// A time as people say it.
fn ago(seconds: Option<u64>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let Some(passed) = seconds.and_then(|then| now.checked_sub(then)) else { return "at some time".into() };
    let count =
        |number: u64, unit: &str| format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" });
    match passed {
        0..3600 => count(passed / 60, "minute"),
        3600..86_400 => count(passed / 3600, "hour"),
        _ => count(passed / 86_400, "day"),
    }
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
    fn new(json: bool) -> Self {
        let lively = stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        if !lively {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template("Preparing pictures {wide_bar} {pos}/{len} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { json, bar, lively, began: None, told: Instant::now(), last: (0, 0) }
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
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        let since = self.told.elapsed();
        let words = || format!("{rate:.0} a second, {} left", words::duration(left));
        if self.lively {
            if since > Duration::from_millis(200) {
                self.told = Instant::now();
                self.bar.set_message(words());
            }
        } else if !self.json && since > QUIET_PAUSE {
            self.told = Instant::now();
            output::note(&format!("{} of {} pictures, {}", grouped(done, ','), grouped(total, ','), words()));
        }
        if self.json && (since > PROGRESS_PAUSE || done == total) {
            self.told = Instant::now();
            output::object(&json!({
                "event": "preparing", "done": done, "total": total, "pictures_per_s": rate, "eta_s": left,
            }));
        }
    }
}
