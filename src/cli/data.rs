//! `alexnet-lab data check`: what a source of pictures is good for.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::CheckArgs;
use super::output::{self, Status};
use super::{progress, stop};
use crate::config::RunConfig;
use crate::engine::{self, DataCheck};

/// Reads everything at a source and reports.
pub(super) fn check(args: CheckArgs) -> Status {
    let json = args.json;
    let mut config = match RunConfig::load(None, &args.set) {
        Ok(config) => config,
        Err(error) => return output::bad_input(&error.to_string(), json),
    };
    config.data.source = args.source;
    config.data.corrections = args.corrections.or(config.data.corrections);
    if let Err(error) = config.validate() {
        return output::bad_input(&error.to_string(), json);
    }
    let cancel = stop::flag();
    let bar = progress::bar("Reading pictures {wide_bar} {human_pos}/{human_len} {eta}");
    let read = AtomicUsize::new(0);
    let found = engine::check(
        &config.data,
        args.near,
        &|done, total| {
            read.store(done, Ordering::Relaxed);
            progress::show(&bar, done, total);
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
    output::rows(&found.rows("--json lists them, --refused FILE.csv writes them to a file"));
}
