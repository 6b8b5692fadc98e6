//! Settings of an earlier run, changed: what a run that goes on, or a branch of it, begins with.

use std::collections::BTreeMap;

use super::{ConfigError, RunConfig, apply_override, syntax};
use serde::Deserialize;

impl RunConfig {
    /// These settings with `key=value` changes, in order. A new schedule takes the moments that were filled in
    /// for the old one away.
    ///
    /// # Errors
    /// A key that does not exist, a value of the wrong type or out of range.
    pub fn changed(&self, changes: &[String]) -> Result<Self, ConfigError> {
        let mut table = self.table();
        let named = |key: &str| {
            changes.iter().filter_map(|change| change.split_once('=')).any(|(name, _)| name.trim() == key)
        };
        if named("optim.schedule")
            && !named("optim.lr_drops")
            && let Some(toml::Value::Table(optim)) = table.get_mut("optim")
        {
            optim.remove("lr_drops");
        }
        for change in changes {
            apply_override(&mut table, change)?;
            Self::deserialize(table.clone()).map_err(|e| syntax(format!("--set {change}"), &e))?;
        }
        let config = Self::deserialize(table).map_err(|e| syntax("config", &e))?;
        config.validate()?;
        Ok(config)
    }

    /// Dotted names of the settings in which two configs differ, in the order of the alphabet.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let [one, other] = [self, other].map(flat);
        let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter(|name| one.get(*name) != other.get(*name)).cloned().collect()
    }

    /// Every setting that is set, by its dotted name, as `--set` takes it.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let text = |value: toml::Value| match value {
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        flat(self).into_iter().map(|(name, value)| (name, text(value))).collect()
    }

    fn table(&self) -> toml::Table {
        toml::Table::try_from(self).expect("a config holds only plain values")
    }
}

/// `section.name` and its value.
fn flat(config: &RunConfig) -> toml::Table {
    let mut all = toml::Table::new();
    for (section, values) in config.table() {
        if let toml::Value::Table(values) = values {
            all.extend(values.into_iter().map(|(name, value)| (format!("{section}.{name}"), value)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Schedule;

    #[test]
    fn changes_are_laid_over_and_found_again() {
        let mut before = RunConfig::default();
        before.optim.lr_drops = Some(vec![8.0]);
        before.optim.schedule = Some(Schedule::Steps);
        let changes = ["run.epochs=20", "optim.schedule=cosine"].map(String::from);
        let after = before.changed(&changes).expect("good settings");
        assert_eq!((after.run.epochs, after.optim.lr_drops.clone()), (Some(20), None));
        assert_eq!(after.optim.schedule, Some(Schedule::Cosine));
        assert_eq!(before.differences(&after), ["optim.lr_drops", "optim.schedule", "run.epochs"]);
        assert!(before.differences(&before).is_empty());
    }

    #[test]
    fn what_does_not_exist_is_refused_by_name() {
        let message = RunConfig::default().changed(&["optim.speed=1".into()]).expect_err("no such key");
        assert!(message.to_string().contains("speed"), "{message}");
        assert!(RunConfig::default().changed(&["run.keep_checkpoints=0".into()]).is_err());
    }
}
