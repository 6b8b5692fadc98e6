//! What was found by breaking files, each as the smallest file that shows it.

use std::fs;

use alexnet_lab::train::checkpoint::{Checkpoint, Shelf, read_state};
use tempfile::tempdir;

use super::subjects::{checkpoint, read_model};
use crate::support::{fixture, reseal};

/// 2026-11-21: what stands in the place of a number or a name was repeated whole in the message, all 60,000 letters of
/// it.
#[test]
fn a_message_does_not_repeat_a_file() {
    let long = "[".repeat(60_000);
    let folder = tempdir().unwrap();
    let shelf = Shelf::of_run(folder.path());
    shelf.prepare().unwrap();
    let path = checkpoint().write(shelf.folder(), &[]).unwrap().path;
    let state = fs::read_to_string(path.join("state.json")).unwrap();
    assert!(state.contains("\"seconds\": \"1.5\""), "{state}");
    fs::write(path.join("state.json"), state.replace("\"1.5\"", &format!("\"{long}\""))).unwrap();
    reseal(&path);
    for message in
        [read_state(&path).unwrap_err().to_string(), Checkpoint::read(&path).unwrap_err().to_string()]
    {
        assert!(message.len() < 2000 && message.contains("state.json"), "{} letters", message.len());
    }
    let whole = fixture("export/paper.safetensors");
    let length = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&whole[8..8 + length]).unwrap();
    for part in ["relu", "conv1", "max-pool", "paper"] {
        let header = header.replacen(part, &long, 1);
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &whole[8 + length..]].concat();
        if let Err(message) = read_model(&bytes) {
            assert!(message.len() < 2000, "{} letters instead of {part}", message.len());
        }
    }
}
