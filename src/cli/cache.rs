//! `alexnet-lab data cache`: the prepared pictures that are kept on disk.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::json;

use super::output::{self, Status};
use crate::config::RunConfig;
use crate::engine::{self, PreparedCache, PreparedStore};
use crate::words;

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

/// Lists what is kept, or removes it.
pub(super) fn run(args: CacheArgs) -> Status {
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
    cache.stores.iter().for_each(|store| output::line(&line(store)));
    let size = format!("{} of {} (data.prepared_gib)", words::bytes(cache.bytes), words::bytes(cache.limit));
    let mut rows = vec![("Folder", cache.folder.display().to_string()), ("Size", size)];
    if !clean && cache.bytes > 0 {
        rows.push(("", "alexnet-lab data cache --clean removes it; a run makes anew what it needs".into()));
    }
    output::rows(&rows);
}

/// A store in one line.
fn line(store: &PreparedStore) -> String {
    let state = match (store.removed, store.in_use) {
        (true, _) => "removed".into(),
        (false, true) => "in use".into(),
        (false, false) => format!("used {}", ago(store.last_used)),
    };
    let size = words::bytes(store.bytes);
    if store.source.is_empty() {
        // A preparation that was killed at its beginning, another version's, or a damaged one.
        return format!("`{}` holds no pictures that can be used: {size}, {state}", store.folder.display());
    }
    let (source, side, pictures) = (&store.source, store.side, words::count(store.pictures));
    let noun = if store.pictures == 1 { "picture" } else { "pictures" };
    format!("{source} at {side}x{side}: {pictures} {noun}, {size}, {state}")
}

/// A time as people say it.
fn ago(seconds: Option<u64>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let Some(passed) = seconds.and_then(|then| now.checked_sub(then)) else { return "at some time".into() };
    let count =
        |number: u64, unit: &str| format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" });
    match passed {
        0..60 => "just now".into(),
        60..3600 => count(passed / 60, "minute"),
        3600..86_400 => count(passed / 3600, "hour"),
        _ => count(passed / 86_400, "day"),
    }
}
