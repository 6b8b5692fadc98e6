//! `alexnet-lab data list` and `data get`: data sets that are known by name.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;

use super::output::{self, Status};
use super::{progress, stop};
use crate::engine::{
    self, Download, DownloadEvent, DownloadRequest, DownloadSettings, Progress, ProxyChoice, SetInfo,
    SetPresence,
};
use crate::words;

/// Lines for scripts are at least so far apart.
const REPORT: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Sets to tell everything about: addresses, sums, folder; without one, all sets in a line each
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The folder of data sets; without it, the one in ALEXNET_LAB_DATASETS or your own
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct GetArgs {
    /// A name from `alexnet-lab data list`
    #[arg(value_name = "NAME")]
    name: String,
    /// The folder of data sets, in which the set gets a folder of its own; without it, the one in
    /// ALEXNET_LAB_DATASETS or your own
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Take the files from URL/NAME/FILE or URL/FILE instead of the authors' addresses; ALEXNET_LAB_MIRROR does the same
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
    /// http://host:port or socks5://host:port, or `none`; without it, as HTTPS_PROXY, ALL_PROXY and NO_PROXY say
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

/// Lists the known sets.
pub(super) fn list(args: &ListArgs) -> Status {
    let sets = match engine::known_sets(args.to.as_deref()) {
        Ok(sets) => sets,
        Err(message) => return output::bad_input(&message, args.json),
    };
    let mut chosen: Vec<&SetInfo> = Vec::new();
    for name in &args.names {
        match sets.iter().find(|set| set.is_called(name)) {
            Some(set) => chosen.push(set),
            None => {
                let message =
                    format!("there is no known data set `{name}`: `alexnet-lab data list` names them all");
                return output::bad_input(&message, args.json);
            }
        }
    }
    let all = chosen.is_empty();
    if all {
        chosen.extend(&sets);
    }
    for set in &chosen {
        if args.json {
            let mut object = json!(set);
            object["event"] = "known_set".into();
            output::object(&object);
        } else if all {
            line(set);
        } else {
            details(set);
        }
    }
    if all && !args.json {
        output::note(
            "Download one with `alexnet-lab data get NAME`; `alexnet-lab data list NAME` tells more, also how to do it by hand.",
        );
    }
    Status::Done
}

fn line(set: &SetInfo) {
    let SetInfo { name, about, .. } = set;
    output::line(&format!("{name:<15} {:>10}  {:<13}  {about}", words::bytes(set.bytes), presence(set)));
}

fn presence(set: &SetInfo) -> String {
    match set.state {
        SetPresence::Absent => "not here".into(),
        SetPresence::Begun { here } => format!("{:.0} % here", 100.0 * here as f64 / set.bytes.max(1) as f64),
        SetPresence::Unchecked => "not checked".into(),
        SetPresence::Present => "here".into(),
    }
}

fn details(set: &SetInfo) {
    let row = |title: &str, text: &str| output::line(&format!("{title:<10} {text}"));
    output::line(&format!("{} (`{}`), {}, {}", set.title, set.name, words::bytes(set.bytes), presence(set)));
    row("Holds", &set.about);
    row("Good for", &set.good_for);
    row("Network", &format!("--model {}", set.preset));
    row("Licence", &set.licence);
    row("Folder", &set.folder.display().to_string());
    for file in &set.files {
        row("File", &format!("{}, {}, md5 {}", file.name, words::bytes(file.bytes), file.md5));
        file.addresses.iter().for_each(|address| row("", address));
    }
    output::line(&set.by_hand);
}

/// Downloads a set.
pub(super) fn get(args: GetArgs) -> Status {
    let mut settings = DownloadSettings::standard();
    settings.mirror = args.mirror.or(settings.mirror);
    settings.proxy = match args.proxy {
        None => ProxyChoice::Environment,
        Some(proxy) if proxy == "none" => ProxyChoice::Direct,
        Some(proxy) => ProxyChoice::Address(proxy),
    };
    let named_folder = args.to.is_some();
    let request = DownloadRequest { name: args.name.clone(), root: args.to, settings };
    let download = match Download::start(request, || {}) {
        Ok(download) => download,
        Err(e) => return output::failure(&format!("no thread could be started: {e}"), false, args.json),
    };
    stop::sets(download.canceller());
    let mut report = Report::new(&args.name, args.json);
    for event in download.events() {
        match event {
            DownloadEvent::Progress(progress) => report.progress(&progress),
            DownloadEvent::Done { source } => {
                report.bar.finish_and_clear();
                let source = source.display().to_string();
                if args.json {
                    output::object(&json!({ "event": "downloaded", "name": args.name, "path": source }));
                } else {
                    let used = words::argument(if named_folder { &source } else { &args.name });
                    output::line(&format!("{source} is here and its md5 is right."));
                    output::line(&format!("Use it: alexnet-lab train --data {used}"));
                }
                return Status::Done;
            }
            DownloadEvent::Stopped => {
                report.bar.finish_and_clear();
                if args.json {
                    output::object(&json!({ "event": "download_stopped", "name": args.name }));
                }
                output::note("stopped; what is there is kept, and the same command goes on from it");
                return Status::Interrupted;
            }
            DownloadEvent::Failed { message, bad_input, by_hand } => {
                report.bar.finish_and_clear();
                let status = output::failure(&message, bad_input, args.json);
                if !by_hand.is_empty() {
                    output::note(&format!("The same command tries again, from what is there.\n{by_hand}"));
                }
                return status;
            }
        }
    }
    output::failure("the download ended without a word", false, args.json)
}

/// What a download tells, for people or for scripts.
struct Report<'a> {
    name: &'a str,
    json: bool,
    bar: ProgressBar,
    told: Option<Instant>,
}

impl<'a> Report<'a> {
    fn new(name: &'a str, json: bool) -> Self {
        let bar = progress::bar("{prefix} {wide_bar} {binary_bytes}/{binary_total_bytes} {msg}");
        Self { name, json, bar, told: None }
    }

    fn progress(&mut self, progress: &Progress) {
        self.show(progress);
        if self.json {
            self.tell(progress);
        }
    }

    fn show(&self, progress: &Progress) {
        match progress {
            Progress::Checking { file, done, total } => self.place("Checking", *done, *total, file),
            Progress::Connecting { file, address } => {
                self.bar.set_prefix("Connecting");
                self.bar.set_message(file.clone());
                if !self.json {
                    self.say(&format!("{file} from {address}"));
                }
            }
            Progress::Receiving { received, total, bytes_per_s, eta_s, .. } => {
                let rate =
                    bytes_per_s.map_or_else(String::new, |rate| format!("{}/s", words::bytes(rate as u64)));
                let left = eta_s.map_or_else(String::new, |left| format!(", {} left", words::duration(left)));
                self.place("Downloading", *received, *total, &format!("{rate}{left}"));
            }
            Progress::Waiting { reason, seconds, failures, attempts } => {
                self.say(&format!(
                    "{reason}; trying again in {seconds:.0} s (attempt {} of {attempts})",
                    failures + 1
                ));
            }
            Progress::Note(text) => self.say(text),
        }
    }

    fn place(&self, what: &'static str, done: u64, total: u64, message: &str) {
        self.bar.set_prefix(what);
        self.bar.set_length(total);
        self.bar.set_position(done);
        self.bar.set_message(message.to_owned());
    }

    /// A line above the bar.
    fn say(&self, text: &str) {
        self.bar.suspend(|| output::note(text));
    }

    fn tell(&mut self, progress: &Progress) {
        let (phase, mut object) = match progress {
            Progress::Checking { file, done, total } => {
                ("checking", json!({ "file": file, "done": done, "total": total }))
            }
            Progress::Connecting { file, address } => {
                ("connecting", json!({ "file": file, "address": address }))
            }
            Progress::Receiving { file, received, total, bytes_per_s, eta_s } => (
                "receiving",
                json!({ "file": file, "received": received, "total": total, "bytes_per_s": bytes_per_s, "eta_s": eta_s }),
            ),
            Progress::Waiting { reason, seconds, failures, attempts } => (
                "waiting",
                json!({ "reason": reason, "seconds": seconds, "failures": failures, "attempts": attempts }),
            ),
            Progress::Note(text) => ("note", json!({ "message": text })),
        };
        let frequent = match progress {
            Progress::Checking { .. } => true,
            Progress::Receiving { received, total, .. } => received < total,
            _ => false,
        };
        let now = Instant::now();
        if frequent && self.told.is_some_and(|told| now - told < REPORT) {
            return;
        }
        if frequent {
            self.told = Some(now);
        }
        object["event"] = "download".into();
        object["name"] = self.name.into();
        object["phase"] = phase.into();
        output::object(&object);
    }
}
