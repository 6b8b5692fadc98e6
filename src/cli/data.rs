//! `alexnet-lab data check`: what a source of pictures is good for.

use std::io::{IsTerminal, stderr};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::CheckArgs;
use super::output::{self, Status};
use crate::config::RunConfig;
use crate::engine::{self, Balance, ClassPictures, DataCheck, FileReason, NearCounts, PictureSizes};
use crate::words;

/// Files and classes named one by one for people; `--json` names all.
const LISTED: usize = 20;

/// Reads everything at a source and reports.
pub(super) fn check(args: CheckArgs) -> Status {
    let json = args.json;
    let mut config = match RunConfig::load(None, &args.set) {
        Ok(config) => config,
        Err(error) => return output::bad_input(&error.to_string(), json),
    };
    config.data.source = args.source;
    if let Err(error) = config.validate() {
        return output::bad_input(&error.to_string(), json);
    }
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = cancel.clone();
    let handler = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            process::exit(130);
        }
    });
    if let Err(e) = handler {
        log::warn!("Ctrl-C will end at once: {e}");
    }
    let bar = progress_bar();
    let read = AtomicUsize::new(0);
    let found = engine::check(
        &config.data,
        args.near,
        &|done, total| {
            read.store(done, Ordering::Relaxed);
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        },
        &cancel,
    );
    bar.finish_and_clear();
    match found {
        Ok(Some(found)) => {
            if let Some(path) = &args.refused
                && let Err(message) = found.write_refused(path)
            {
                return output::bad_input(&message, json);
            }
            if json {
                objects(&found);
            } else {
                report(&found);
            }
            match found.problem {
                None => Status::Done,
                Some(problem) => {
                    output::note(&format!("error: {problem}"));
                    Status::BadInput
                }
            }
        }
        Ok(None) => {
            output::note("stopped before every picture was read");
            if json {
                let read = read.into_inner();
                output::object(&json!({ "event": "stopped", "reason": "stopped", "read": read }));
            }
            Status::Interrupted
        }
        Err(message) => output::bad_input(&message, json),
    }
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
    if !stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("Reading pictures {wide_bar} {pos}/{len} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// One object a class, a file and a pair, then the whole.
fn objects(found: &DataCheck) {
    let object = |event: &str, mut value: serde_json::Value| {
        value["event"] = event.into();
        output::object(&value);
    };
    found.classes.iter().for_each(|class| object("class", json!(class)));
    found.refused.iter().for_each(|file| object("refused", json!(file)));
    found.left_out.iter().for_each(|file| object("left_out", json!(file)));
    found.duplicates.iter().for_each(|pair| object("duplicate", json!(pair)));
    found.near_pairs.iter().for_each(|pair| object("near_duplicate", json!(pair)));
    object("check", json!(found));
}

fn report(found: &DataCheck) {
    let row = |title: &str, text: &str| output::line(&format!("{title:<12} {text}"));
    row("Source", &found.source);
    row("Found", &found.layout);
    let DataCheck { train, validation, .. } = found;
    row("Usable", &format!("{train} pictures to train on, {validation} to validate"));
    sizes(found, &row);
    let classes = found.classes.len();
    row("Classes", &format!("{classes}; to train on {}", balance(&found.train_balance)));
    row("", &format!("to validate {}", balance(&found.validation_balance)));
    few(&found.classes, &row);
    files("Refused", &found.refused, found.refused_count, &row);
    files("Left out", &found.left_out, found.left_out.len(), &row);
    duplicates(found, &row);
    near_duplicates(found, &row);
    let side = found.prepared_side;
    row(
        "Prepared",
        &format!(
            "{} at {side}x{side} pixels, as {} needs them; preparing takes about {}",
            words::bytes(found.prepared_bytes),
            found.model,
            words::duration(found.prepare_seconds)
        ),
    );
    row("Verdict", if found.usable { "usable" } else { "not usable" });
}

fn sizes(found: &DataCheck, row: &dyn Fn(&str, &str)) {
    let Some(PictureSizes { smallest, median, largest, enlarged }) = found.sizes else { return };
    let by = |(width, height): (u32, u32)| format!("{width}x{height}");
    if smallest == largest {
        row("Size", &format!("all {} pixels", by(median)));
    } else {
        let (smallest, median, largest) = (by(smallest), by(median), by(largest));
        row("Size", &format!("{smallest} to {largest} pixels, median {median}"));
    }
    if enlarged > 0 {
        let side = found.prepared_side;
        row(
            "",
            &format!("{enlarged} are smaller than {side} pixels on the shorter side and will be enlarged"),
        );
    }
}

fn balance(balance: &Balance) -> String {
    let Balance { min, median, max } = balance;
    if min == max { format!("{min} a class") } else { format!("{min} to {max} a class, median {median}") }
}

fn few(classes: &[ClassPictures], row: &dyn Fn(&str, &str)) {
    let few: Vec<&ClassPictures> = classes.iter().filter(|class| class.few).collect();
    if few.is_empty() {
        return;
    }
    let named = few.iter().take(LISTED).map(|class| format!("{} ({})", class.class, class.train));
    let more = few.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    row("", &format!("few to train on: {}{more}", named.collect::<Vec<_>>().join(", ")));
}

fn files(title: &str, files: &[FileReason], count: usize, row: &dyn Fn(&str, &str)) {
    if count == 0 {
        return;
    }
    row(title, &if count == 1 { "1 file".into() } else { format!("{count} files") });
    files.iter().take(LISTED).for_each(|file| row("", &format!("{}: {}", file.name, file.reason)));
    if count > LISTED {
        row(
            "",
            &format!(
                "and {} more; --json lists them, --refused FILE.csv writes them to a file",
                count - LISTED
            ),
        );
    }
}

fn duplicates(found: &DataCheck, row: &dyn Fn(&str, &str)) {
    let counts = [
        (found.duplicates_across, "to validate are among those to train on"),
        (found.duplicates_within_train, "to train on stand there again"),
        (found.duplicates_within_validation, "to validate stand there again"),
        (found.duplicates_contradicting, "of these stand in two classes"),
    ];
    let told: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let side = found.prepared_side;
    if told.is_empty() {
        row("Duplicates", &format!("none (compared pixel for pixel at {side}x{side})"));
        return;
    }
    row("Duplicates", &format!("{} (same pixels at {side}x{side})", told.join("; ")));
    for pair in found.duplicates.iter().take(LISTED) {
        row("", &format!("{} = {}", pair.train, pair.validation));
    }
}

fn near_duplicates(found: &DataCheck, row: &dyn Fn(&str, &str)) {
    let Some(NearCounts { distance, across, within, incomplete }) = found.near else { return };
    if across + within == 0 {
        row("Alike", &format!("none (hashes that differ in at most {distance} of 64 bits)"));
    } else {
        row(
            "Alike",
            &format!("{across} to validate look like one to train on; {within} like another of their part"),
        );
    }
    for pair in found.near_pairs.iter().take(LISTED) {
        row("", &format!("{} ~ {} ({} of 64 bits differ)", pair.first, pair.second, pair.distance));
    }
    if found.near_pairs.len() > LISTED {
        row("", "--json lists more");
    }
    if incomplete {
        row("", "the search was given up before its end: too many pictures look alike in parts");
    }
}
