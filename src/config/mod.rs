//! What a run is: where the pictures come from, which network, how it learns, how long.
//!
//! One [`RunConfig`] serves the command line, the window, the config file and the run folder.
//! Everything a preset can decide better than a fixed number is an `Option`; the engine fills those
//! in from the preset, so that the `config.toml` written beside a run has no blanks.

mod change;
mod data;
mod model;
mod optim;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use data::{ColourNoise, DataConfig, Mean};
pub use model::{Activation, Dropout, Init, ModelConfig, Norm, NormOrder, Pooling};
pub use optim::{Change, OptimConfig, Schedule};

/// Everything that defines a run. The field names are the dotted names of `--set`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    pub data: DataConfig,
    pub model: ModelConfig,
    pub optim: OptimConfig,
    pub run: RunSettings,
}

/// How long, where, from which seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunSettings {
    /// Empty: as the preset says.
    pub epochs: Option<usize>,
    /// Stop after this many updates even if epochs are left.
    pub max_steps: Option<u64>,
    pub seed: u64,
    /// `auto`, `cpu`, `gpu`, `gpu:N` or `software`.
    pub device: String,
    /// The run folder. Empty: a new one under `runs`.
    pub out: Option<PathBuf>,
    /// A checkpoint after every so many updates. 0: none.
    pub checkpoint_steps: u64,
    /// A checkpoint after every so many minutes. 0: none.
    pub checkpoint_minutes: f64,
    /// The last so many checkpoints are kept, and the best by validation.
    pub keep_checkpoints: usize,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            epochs: None,
            max_steps: None,
            seed: 1,
            device: "auto".into(),
            out: None,
            checkpoint_steps: 1000,
            checkpoint_minutes: 5.0,
            keep_checkpoints: 3,
        }
    }
}

/// A setting that cannot be used. The text names the setting, its value and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the config file `{path}`: {reason}")]
    Unreadable { path: PathBuf, reason: std::io::Error },
    #[error("{origin}: {reason}")]
    Syntax { origin: String, reason: String },
    #[error("{name} is {value}, but must be {expected}")]
    Range { name: &'static str, value: String, expected: &'static str },
    #[error("{setting} is set, but {reason}")]
    Conflict { setting: &'static str, reason: &'static str },
}

impl RunConfig {
    /// Reads the config file, if one is given, then applies `key=value` overrides in order.
    ///
    /// # Errors
    /// An unreadable file, a key that does not exist, a value of the wrong type or out of range.
    pub fn load(file: Option<&Path>, overrides: &[String]) -> Result<Self, ConfigError> {
        let mut table = match file {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|reason| ConfigError::Unreadable { path: path.into(), reason })?;
                let table: toml::Table = toml::from_str(&text).map_err(|e| syntax(path.display(), &e))?;
                // Checked on its own first, so that a mistake is blamed on the file that holds it.
                Self::deserialize(table.clone()).map_err(|e| syntax(path.display(), &e))?;
                table
            }
            None => toml::Table::new(),
        };
        for text in overrides {
            apply_override(&mut table, text)?;
            Self::deserialize(table.clone()).map_err(|e| syntax(format!("--set {text}"), &e))?;
        }
        let config = Self::deserialize(table).map_err(|e| syntax("config", &e))?;
        config.validate()?;
        Ok(config)
    }

    /// Reads settings from a TOML text; `origin` is for messages.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn parse(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|e| syntax(origin, &e))?;
        config.validate()?;
        Ok(config)
    }

    /// Checks every number that has a range.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let positive = "a finite number greater than 0";
        let rate = |v: f64| v.is_finite() && v > 0.0;
        check(
            "data.validation_share",
            self.data.validation_share,
            |v| v > 0.0 && v < 1.0,
            "between 0 and 1",
        )?;
        if self.data.cache_dir.as_ref().is_some_and(|folder| folder.as_os_str().is_empty()) {
            let expected = "a folder";
            return Err(ConfigError::Range { name: "data.cache_dir", value: "empty".into(), expected });
        }
        let share = |v| (0.0..=1.0).contains(&v);
        check("data.max_refused_share", self.data.max_refused_share, share, "0 to 1")?;
        check("data.loader_threads", self.data.loader_threads, |v| v <= 256, "at most 256")?;
        check(
            "data.sample_train",
            self.data.sample_train,
            |v| (10..=1_000_000).contains(&v),
            "10 to 1000000",
        )?;
        check(
            "data.sample_validation",
            self.data.sample_validation,
            |v| (10..=1_000_000).contains(&v),
            "10 to 1000000",
        )?;
        check_option("optim.lr", self.optim.lr, rate, positive)?;
        check_option("optim.batch", self.optim.batch, |v| (1..=65_536).contains(&v), "1 to 65536")?;
        check_option(
            "optim.momentum",
            self.optim.momentum,
            |v| (0.0..1.0).contains(&v),
            "at least 0 and below 1",
        )?;
        check_option(
            "optim.weight_decay",
            self.optim.weight_decay,
            |v| v.is_finite() && v >= 0.0,
            "at least 0",
        )?;
        check_option(
            "optim.bias_lr_scale",
            self.optim.bias_lr_scale,
            |v| v.is_finite() && v >= 0.0,
            "at least 0",
        )?;
        let not_negative = |v: f64| v.is_finite() && v >= 0.0;
        check("data.colour_strength", self.data.colour_strength, not_negative, "at least 0")?;
        check_option("model.last_bias", self.model.last_bias, f64::is_finite, "a finite number")?;
        check_option("model.columns", self.model.columns, |v| v == 1 || v == 2, "1 or 2")?;
        check("optim.warmup_epochs", self.optim.warmup_epochs, not_negative, "at least 0")?;
        check("optim.plateau_patience", self.optim.plateau_patience, |v| v >= 1, "at least 1")?;
        for change in &self.optim.changes {
            check("epoch in optim.changes", change.epoch, not_negative, "at least 0")?;
            check_option("lr_scale in optim.changes", change.lr_scale, not_negative, "at least 0")?;
            check_option(
                "colour_strength in optim.changes",
                change.colour_strength,
                not_negative,
                "at least 0",
            )?;
        }
        for &epoch in self.optim.lr_drops.iter().flatten() {
            check("optim.lr_drops", epoch, rate, "a list of epochs, each greater than 0")?;
        }
        if self.optim.lr_drops.is_some() && self.optim.schedule.is_some_and(|s| s != Schedule::Steps) {
            let reason = "only the schedule `steps` divides the rate at given epochs; \
                          take out optim.lr_drops, or set optim.schedule=steps";
            return Err(ConfigError::Conflict { setting: "optim.lr_drops", reason });
        }
        if self.run.out.as_ref().is_some_and(|out| out.as_os_str().is_empty()) {
            return Err(ConfigError::Range { name: "run.out", value: "empty".into(), expected: "a folder" });
        }
        check_option("run.epochs", self.run.epochs, |v| v >= 1, "at least 1")?;
        check_option("run.max_steps", self.run.max_steps, |v| v >= 1, "at least 1")?;
        check("run.checkpoint_minutes", self.run.checkpoint_minutes, not_negative, "at least 0")?;
        check("run.keep_checkpoints", self.run.keep_checkpoints, |v| v >= 1, "at least 1")?;
        // TOML has no unsigned 64-bit numbers; a larger seed could not be written to the run folder.
        check("run.seed", self.run.seed, |v| i64::try_from(v).is_ok(), "at most 9223372036854775807")?;
        check(
            "data.split_seed",
            self.data.split_seed,
            |v| i64::try_from(v).is_ok(),
            "at most 9223372036854775807",
        )
    }

    /// The settings as a TOML text, as written to `config.toml` in the run folder.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a config holds only plain values")
    }
}

/// A list of names, or one name for a list of one.
fn names<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a name or a list of names")]
    enum Names {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Names::deserialize(deserializer)? {
        Names::One(name) => vec![name],
        Names::Many(names) => names,
    })
}

fn check<T: Copy + std::fmt::Display>(
    name: &'static str,
    value: T,
    good: impl Fn(T) -> bool,
    expected: &'static str,
) -> Result<(), ConfigError> {
    if good(value) { Ok(()) } else { Err(ConfigError::Range { name, value: value.to_string(), expected }) }
}

fn check_option<T: Copy + std::fmt::Display>(
    name: &'static str,
    value: Option<T>,
    good: impl Fn(T) -> bool,
    expected: &'static str,
) -> Result<(), ConfigError> {
    value.map_or(Ok(()), |v| check(name, v, good, expected))
}

fn syntax(origin: impl std::fmt::Display, error: &toml::de::Error) -> ConfigError {
    // The first line says what is wrong; the rest is an excerpt of the file. Types get their everyday names.
    let mut reason = error.message().lines().next().unwrap_or("not valid TOML").to_owned();
    let everyday = [
        ("f64", "a number"),
        ("usize", "a whole number"),
        ("u64", "a whole number"),
        ("a sequence", "a list, for example [5, 8]"),
        ("path string", "a path"),
        ("struct RunConfig", "sections such as [optim]"),
        ("struct DataConfig", "a section [data]"),
        ("struct ModelConfig", "a section [model]"),
        ("struct OptimConfig", "a section [optim]"),
        ("struct RunSettings", "a section [run]"),
    ];
    for (name, words) in everyday {
        reason = reason.replace(&format!("expected {name}"), &format!("expected {words}"));
    }
    ConfigError::Syntax { origin: origin.to_string(), reason }
}

/// Writes `value` at the dotted `key` of `table`. A value that is not TOML is taken as a string.
fn apply_override(table: &mut toml::Table, text: &str) -> Result<(), ConfigError> {
    let bad = |reason: &str| ConfigError::Syntax { origin: format!("--set {text}"), reason: reason.into() };
    let (key, value) =
        text.split_once('=').ok_or_else(|| bad("expected key=value, for example optim.lr=0.01"))?;
    let (section, name) =
        key.trim().split_once('.').ok_or_else(|| bad("the key needs its section, for example optim.lr"))?;
    let value = value.trim();
    let value = toml::from_str::<toml::Table>(&format!("v = {value}"))
        .ok()
        .and_then(|mut parsed| parsed.remove("v"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let entry = table.entry(section.to_owned()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    entry.as_table_mut().ok_or_else(|| bad("that section is not a table"))?.insert(name.to_owned(), value);
    Ok(())
}
