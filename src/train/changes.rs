//! What is planned to change at certain moments of a run, apart from the schedule of the rate: layers that
//! slow down or freeze, and the strength of the colour noise.
//!
//! A [`ChangePlan`] is made once, before anything runs, from the settings `optim.freeze`, `optim.end_game`
//! and `optim.changes`. Everything that holds at some moment follows from the plan and that moment alone, so
//! a run that is taken up again needs no memory of what was changed before.

use serde::{Deserialize, Serialize};

use super::schedule::reached;
use crate::config::{Change, OptimConfig};
use crate::model::{ModelSpec, ParameterRole, Shapes};

/// The end game of the author's run 145 (`layer-params-145.cfg`), in epochs of 90.
const END_GAME_EPOCHS: f64 = 90.0;
/// From here on no colour noise, and a tenth of the rate for the first layer.
const END_GAME_SLOW: f64 = 67.0;
/// From here on the first layer is frozen.
const END_GAME_FROZEN: f64 = 72.0;
/// The layer that the end game is about.
const END_GAME_LAYER: &str = "conv1";

/// All planned changes of a run, in order of their moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChangePlan {
    changes: Vec<Planned>,
}

/// One change, in force from the first update that begins at `epoch` or later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// Epochs gone by.
    pub epoch: f64,
    pub what: Changed,
}

/// What changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Changed {
    /// Weights and biases of a layer learn at this multiple of the rate; at 0 they do not move at all.
    LayerRate {
        /// Index in the spec.
        layer: usize,
        name: String,
        scale: f64,
    },
    /// Strength of the colour noise.
    ColourStrength(f64),
}

/// A plan that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error(
        "{setting} names the layer `{layer}`, but {model} has no such layer with weights; it has: {known}"
    )]
    UnknownLayer { setting: &'static str, layer: String, model: String, known: String },
    #[error(
        "optim.end_game is about the layer `{END_GAME_LAYER}`, but {model} has none; \
         write the changes you want into optim.changes"
    )]
    NoEndGame { model: String },
    #[error("optim.changes has lr_scale for epoch {epoch}, but no layer; add for example layer = \"conv1\"")]
    NoLayer { epoch: String },
    #[error(
        "optim.changes has the layer `{layer}`, but no lr_scale; add for example lr_scale = 0 to freeze it"
    )]
    NoScale { layer: String },
    #[error(
        "optim.changes has an entry for epoch {epoch} that changes nothing; give it a layer with lr_scale, or colour_strength"
    )]
    Nothing { epoch: String },
    #[error(
        "every layer is frozen from the start, so nothing would be learned; take a layer out of optim.freeze"
    )]
    AllFrozen,
}

impl ChangePlan {
    /// The plan of a run of `epochs` epochs with this network.
    ///
    /// Of several changes of one thing at one moment the last counts, in the order frozen layers, end game,
    /// changes. The end game never speeds a layer up: one that is frozen or slower stays as it is. An end game
    /// that was left open is none.
    ///
    /// # Errors
    /// A layer that does not exist, an entry that says nothing, a network in which nothing would learn.
    pub fn new(
        config: &OptimConfig,
        epochs: f64,
        spec: &ModelSpec,
        shapes: &Shapes,
    ) -> Result<Self, ChangeError> {
        let layers = Layers { spec, shapes };
        let mut plan = Self::default();
        for name in &config.freeze {
            plan.push(0.0, layers.rate("optim.freeze", name, 0.0)?);
        }
        for change in &config.changes {
            for what in layers.changes(change)? {
                plan.push(change.epoch, what);
            }
        }
        if config.end_game == Some(true) {
            plan = plan.with_end_game(epochs, &layers)?;
        }
        let frozen = |index| plan.layer_scale(index, 0.0) == 0.0;
        if layers.learning().all(frozen) { Err(ChangeError::AllFrozen) } else { Ok(plan) }
    }

    /// Multiple of the rate for a layer, by its index in the spec, when `epoch` epochs have gone by.
    pub fn layer_scale(&self, layer: usize, epoch: f64) -> f64 {
        let scale = self.in_force(epoch).iter().rev().find_map(|planned| match planned.what {
            Changed::LayerRate { layer: changed, scale, .. } if changed == layer => Some(scale),
            _ => None,
        });
        scale.unwrap_or(1.0)
    }

    /// Strength of the colour noise when `epoch` epochs have gone by, in a run that began with `first`.
    pub fn colour_strength(&self, first: f64, epoch: f64) -> f64 {
        let strength = self.in_force(epoch).iter().rev().find_map(|planned| match planned.what {
            Changed::ColourStrength(strength) => Some(strength),
            Changed::LayerRate { .. } => None,
        });
        strength.unwrap_or(first)
    }

    /// The changes whose moment has come when `epoch` epochs have gone by, oldest first.
    pub fn in_force(&self, epoch: f64) -> &[Planned] {
        &self.changes[..self.changes.partition_point(|planned| reached(epoch, planned.epoch))]
    }

    /// Adds a change after those of the same moment.
    fn push(&mut self, epoch: f64, what: Changed) {
        let place = self.changes.partition_point(|planned| planned.epoch <= epoch);
        self.changes.insert(place, Planned { epoch, what });
    }

    fn with_end_game(mut self, epochs: f64, layers: &Layers) -> Result<Self, ChangeError> {
        let [slow, frozen] = [END_GAME_SLOW, END_GAME_FROZEN].map(|epoch| epoch / END_GAME_EPOCHS * epochs);
        let missing = |_| ChangeError::NoEndGame { model: layers.spec.name.clone() };
        let mut changes = vec![(slow, Changed::ColourStrength(0.0))];
        for (epoch, scale) in [(slow, 0.1), (frozen, 0.0)] {
            let what = layers.rate("optim.end_game", END_GAME_LAYER, scale).map_err(missing)?;
            let Changed::LayerRate { layer, .. } = what else { continue };
            if scale < self.layer_scale(layer, epoch) {
                changes.push((epoch, what));
            }
        }
        for (epoch, what) in changes {
            // Before what the user asked for at the same moment, which counts.
            let place = self.changes.partition_point(|planned| planned.epoch < epoch);
            self.changes.insert(place, Planned { epoch, what });
        }
        Ok(self)
    }
}

/// The layers that a plan can speak of: those that learn.
struct Layers<'a> {
    spec: &'a ModelSpec,
    shapes: &'a Shapes,
}

impl Layers<'_> {
    /// Indices of the layers that learn, each once, in order.
    fn learning(&self) -> impl Iterator<Item = usize> {
        let mut last = None;
        let learned = self.shapes.parameters.iter().filter(|p| p.role != ParameterRole::Statistic);
        learned.map(|p| p.layer).filter(move |&layer| last.replace(layer) != Some(layer))
    }

    fn rate(&self, setting: &'static str, name: &str, scale: f64) -> Result<Changed, ChangeError> {
        match self.learning().find(|&layer| self.spec.layers[layer].name == name) {
            Some(layer) => Ok(Changed::LayerRate { layer, name: name.into(), scale }),
            None => Err(ChangeError::UnknownLayer {
                setting,
                layer: name.into(),
                model: self.spec.name.clone(),
                known: self
                    .learning()
                    .map(|layer| self.spec.layers[layer].name.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }

    /// What one entry of `optim.changes` asks for.
    fn changes(&self, change: &Change) -> Result<Vec<Changed>, ChangeError> {
        let epoch = || change.epoch.to_string();
        let mut all = Vec::new();
        match (&change.layer, change.lr_scale) {
            (Some(name), Some(scale)) => all.push(self.rate("optim.changes", name, scale)?),
            (Some(layer), None) => return Err(ChangeError::NoScale { layer: layer.clone() }),
            (None, Some(_)) => return Err(ChangeError::NoLayer { epoch: epoch() }),
            (None, None) => {}
        }
        all.extend(change.colour_strength.map(Changed::ColourStrength));
        if all.is_empty() { Err(ChangeError::Nothing { epoch: epoch() }) } else { Ok(all) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{InitSpec, InputSpec, LayerKind, LayerSpec, Sides};

    /// Two convolutions and a linear layer, with layers that have no weights between them.
    fn spec() -> ModelSpec {
        let init = InitSpec { std: 0.1, bias: 0.0, decay_scale: 1.0 };
        let conv = LayerKind::Conv { out: 2, kernel: 3, stride: 1, padding: Sides::all(1), groups: 1, init };
        let layer = |name: &str, kind| LayerSpec { name: name.into(), kind };
        ModelSpec {
            name: "tiny".into(),
            input: InputSpec { side: 8, stored_side: 8, scale: [1.0; 3] },
            layers: vec![
                layer("conv1", conv.clone()),
                layer("relu1", LayerKind::Relu),
                layer("conv2", conv),
                layer("fc3", LayerKind::Linear { out: 4, columns: 2, init }),
            ],
        }
    }

    fn plan(config: &OptimConfig, epochs: f64) -> Result<ChangePlan, ChangeError> {
        let spec = spec();
        let shapes = Shapes::of(&spec).expect("it fits together");
        ChangePlan::new(config, epochs, &spec, &shapes)
    }

    fn scale_change(epoch: f64, layer: &str, scale: f64) -> Change {
        Change { epoch, layer: Some(layer.into()), lr_scale: Some(scale), colour_strength: None }
    }

    #[test]
    fn nothing_planned_changes_nothing() {
        let plan = plan(&OptimConfig::default(), 10.0).expect("a good plan");
        assert_eq!(plan, ChangePlan::default());
        assert_eq!((plan.layer_scale(0, 9.0), plan.colour_strength(0.1, 9.0)), (1.0, 0.1));
    }

    #[test]
    fn the_end_game_is_that_of_run_145() {
        let config = OptimConfig { end_game: Some(true), ..OptimConfig::default() };
        let plan = plan(&config, 90.0).expect("a good plan");
        let at = |epoch| (plan.layer_scale(0, epoch), plan.colour_strength(0.1, epoch));
        assert_eq!(at(66.99), (1.0, 0.1));
        assert_eq!(at(67.0), (0.1, 0.0));
        assert_eq!(at(71.99), (0.1, 0.0));
        assert_eq!(at(72.0), (0.0, 0.0));
        assert_eq!(plan.layer_scale(2, 80.0), 1.0, "the other layers go on");
        assert_eq!(plan.in_force(90.0).len(), 3);
    }

    #[test]
    fn the_end_game_is_a_share_of_a_shorter_run() {
        let config = OptimConfig { end_game: Some(true), ..OptimConfig::default() };
        let plan = plan(&config, 9.0).expect("a good plan");
        assert_eq!([6.6, 6.7, 7.1, 7.2].map(|epoch| plan.layer_scale(0, epoch)), [1.0, 0.1, 0.1, 0.0]);
    }

    #[test]
    fn the_end_game_slows_a_layer_down_or_leaves_it() {
        for (before, expected) in [(0.05, [0.05, 0.05, 0.0]), (0.1, [0.1, 0.1, 0.0]), (0.5, [0.5, 0.1, 0.0])]
        {
            let changes = vec![scale_change(1.0, "conv1", before)];
            let config = OptimConfig { end_game: Some(true), changes, ..OptimConfig::default() };
            let plan = plan(&config, 90.0).expect("a good plan");
            let scales = [66.9, 67.0, 72.0].map(|epoch| plan.layer_scale(0, epoch));
            assert_eq!(scales, expected, "{before} before the end game");
        }
    }

    #[test]
    fn frozen_layers_stay_frozen_until_a_change_thaws_them() {
        let mut config =
            OptimConfig { freeze: vec!["conv1".into()], end_game: Some(true), ..OptimConfig::default() };
        let frozen = plan(&config, 90.0).expect("a good plan");
        assert!([0.0, 50.0, 67.0, 89.0].iter().all(|&epoch| frozen.layer_scale(0, epoch) == 0.0));
        assert_eq!(frozen.colour_strength(0.1, 70.0), 0.0, "the rest of the end game happens");
        config.end_game = Some(false);
        config.changes = vec![scale_change(5.0, "conv1", 0.5)];
        let thawed = plan(&config, 90.0).expect("a good plan");
        assert_eq!([4.9, 5.0].map(|epoch| thawed.layer_scale(0, epoch)), [0.0, 0.5]);
    }

    #[test]
    fn changes_come_in_order_and_the_last_of_a_moment_counts() {
        let changes = vec![
            scale_change(3.0, "fc3", 0.25),
            scale_change(1.0, "fc3", 0.5),
            Change { colour_strength: Some(0.2), ..scale_change(3.0, "fc3", 0.0) },
        ];
        let plan = plan(&OptimConfig { changes, ..OptimConfig::default() }, 10.0).expect("a good plan");
        assert_eq!([0.0, 1.0, 3.0].map(|epoch| plan.layer_scale(3, epoch)), [1.0, 0.5, 0.0]);
        assert_eq!([2.0, 3.0].map(|epoch| plan.colour_strength(0.1, epoch)), [0.1, 0.2]);
    }

    #[test]
    fn layers_without_weights_and_unknown_ones_are_refused_with_the_known_ones() {
        for (config, setting, layer) in [
            (OptimConfig { freeze: vec!["conv9".into()], ..OptimConfig::default() }, "optim.freeze", "conv9"),
            (
                OptimConfig { changes: vec![scale_change(1.0, "relu1", 0.0)], ..OptimConfig::default() },
                "optim.changes",
                "relu1",
            ),
        ] {
            let message = plan(&config, 10.0).expect_err("no such layer").to_string();
            for word in [setting, layer, "tiny", "conv1, conv2, fc3"] {
                assert!(message.contains(word), "`{word}` is missing in: {message}");
            }
        }
    }

    #[test]
    fn entries_that_say_too_little_are_refused() {
        let nothing = Change { epoch: 2.0, layer: None, lr_scale: None, colour_strength: None };
        for (change, word) in [
            (Change { lr_scale: None, ..scale_change(2.0, "conv1", 0.0) }, "no lr_scale"),
            (Change { layer: None, ..scale_change(2.0, "conv1", 0.0) }, "no layer"),
            (nothing, "changes nothing"),
        ] {
            let config = OptimConfig { changes: vec![change], ..OptimConfig::default() };
            let message = plan(&config, 10.0).expect_err("too little").to_string();
            assert!(message.contains(word), "`{word}` is missing in: {message}");
        }
        let all = OptimConfig {
            freeze: ["conv1", "conv2", "fc3"].map(Into::into).to_vec(),
            ..OptimConfig::default()
        };
        assert_eq!(plan(&all, 10.0), Err(ChangeError::AllFrozen));
    }

    #[test]
    fn an_end_game_without_its_layer_is_refused() {
        let mut spec = spec();
        spec.layers[0].name = "first".into();
        let shapes = Shapes::of(&spec).expect("it fits together");
        let config = OptimConfig { end_game: Some(true), ..OptimConfig::default() };
        let message = ChangePlan::new(&config, 10.0, &spec, &shapes).expect_err("no conv1").to_string();
        assert!(message.contains("conv1") && message.contains("tiny"), "{message}");
    }
}
