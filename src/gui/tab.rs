//! The views that share the middle of the window.

use serde::{Deserialize, Serialize};

/// A view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tab {
    /// The pictures to learn from.
    #[default]
    Data,
    /// The network before it is trained: its choices and what they make of it.
    Model,
    /// Curves, kernels and guesses while it learns.
    Train,
    /// Kernels, large, and how they formed.
    Filters,
    /// What each layer makes of a picture.
    Layers,
    /// Pictures given to the network, and what it takes them for.
    Predict,
    /// How well the network does on the pictures held back: confusions, classes, mistakes.
    Evaluate,
    /// The runs of a folder beside each other.
    Compare,
}

impl Tab {
    /// All of them, in the order of the work.
    pub const ALL: [Self; 8] = [
        Self::Data,
        Self::Model,
        Self::Train,
        Self::Filters,
        Self::Layers,
        Self::Predict,
        Self::Evaluate,
        Self::Compare,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Model => "Model",
            Self::Train => "Train",
            Self::Filters => "Filters",
            Self::Layers => "Layers",
            Self::Predict => "Predict",
            Self::Evaluate => "Evaluate",
            Self::Compare => "Compare",
        }
    }

    /// What is to be seen there.
    pub fn help(self) -> &'static str {
        match self {
            Self::Data => "The pictures to learn from: classes, counts, what cannot be used",
            Self::Model => "The network drawn layer by layer, and the paper's choices to vary it",
            Self::Train => "Loss, error, first-layer kernels, and the network's guesses",
            Self::Filters => "The kernels large, the film of how they formed, and those of later layers",
            Self::Layers => "What each layer makes of a picture, and what the prediction hangs on",
            Self::Predict => "What the network takes pictures for: yours, one by one or whole folders",
            Self::Evaluate => "Which classes the network confuses, and the pictures it fails with",
            Self::Compare => "All runs of a folder: how they went, their curves, what they differ in",
        }
    }

    /// The key that brings it to the front, together with Ctrl.
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|&tab| tab == self).map_or(0, |place| place + 1)
    }
}
