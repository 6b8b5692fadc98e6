//! `alexnet-lab devices`: what can compute here.

use serde_json::json;

use super::output::{self, Status};
use crate::engine;

/// Lists the processor and every adapter.
pub(super) fn run(json: bool) -> Status {
    for device in engine::devices() {
        if json {
            let mut object = json!(device);
            object["event"] = "device".into();
            output::object(&object);
        } else {
            let api = if device.api.is_empty() { String::new() } else { format!(" ({})", device.api) };
            output::line(&format!("{:<10} {}{api}", device.id, device.name));
        }
    }
    Status::Done
}
