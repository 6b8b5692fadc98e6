//! Who may use whom: the map of the crate, enforced on its `use` lines.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A module and the modules of ours that it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("words", &[]),
    ("files", &[]),
    ("threads", &[]),
    ("config", &[]),
    ("device", &[]),
    ("kernels", &[]),
    ("vis", &[]),
    ("data", &["config", "files", "threads", "words"]),
    ("model", &["kernels", "config"]),
    ("train", &["model", "kernels", "data", "config", "files", "threads"]),
    ("infer", &["model", "data"]),
    (
        "engine",
        &["train", "infer", "vis", "model", "kernels", "data", "device", "config", "threads", "words"],
    ),
    ("cli", &["engine", "vis", "config", "words"]),
    // Descriptions of data and devices reach the window inside events.
    ("gui", &["engine", "vis", "config", "data", "device", "threads", "words"]),
];

/// A library and the only places that may name it.
const CONFINED: &[(&str, &[&str])] = &[
    ("burn", &["kernels", "model", "train", "infer", "device", "engine"]),
    ("egui", &["gui"]),
    ("eframe", &["gui"]),
    ("rfd", &["gui"]),
    ("plotters", &["vis"]),
    ("clap", &["cli", "main"]),
    ("ureq", &["data"]),
];

#[test]
fn modules_use_only_what_stands_above_them() {
    let mut breaches = Vec::new();
    for (file, module, text) in sources() {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == module) else { continue };
        for used in crate_modules(&text) {
            if used != module && !allowed.contains(&used.as_str()) {
                breaches.push(format!("{} uses crate::{used}", file.display()));
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn libraries_stay_where_they_belong() {
    let mut breaches = Vec::new();
    for (file, module, text) in sources() {
        for (library, places) in CONFINED {
            let named = text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
                line.contains(&format!("use {library}::")) || line.contains(&format!(" {library}::"))
            });
            if named && !places.contains(&module.as_str()) {
                breaches.push(format!("{} names {library}", file.display()));
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn every_module_is_on_the_map() {
    let modules: BTreeSet<String> = sources().into_iter().map(|(_, module, _)| module).collect();
    let known: BTreeSet<String> =
        ALLOWED.iter().map(|(name, _)| *name).chain(["lib", "main"]).map(str::to_owned).collect();
    assert_eq!(modules, known);
    let map = fs::read_to_string(source_root().join("lib.rs")).expect("lib.rs is there");
    for (module, _) in ALLOWED {
        assert!(map.contains(&format!("`{module}`")), "{module} is missing from the map in lib.rs");
    }
}

/// Names after `crate::`, also inside `use crate::{a, b}`.
fn crate_modules(text: &str) -> BTreeSet<String> {
    let code =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut modules = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = list.split('}').next().unwrap_or_default();
                modules.extend(list.split(',').map(|item| word(item.trim())).filter(|name| !name.is_empty()));
            }
            None => {
                modules.insert(word(rest));
            }
        }
    }
    modules
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Every source file with its top-level module and its text.
fn sources() -> Vec<(PathBuf, String, String)> {
    let mut files = Vec::new();
    collect(&source_root(), &mut files);
    files
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(source_root()).expect("below src").to_owned();
            let first =
                inside.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("readable source");
            (inside, first.trim_end_matches(".rs").to_owned(), text)
        })
        .collect()
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("readable folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}
