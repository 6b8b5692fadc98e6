//! The views that share the middle of the window.

/// A view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// The pictures to learn from.
    #[default]
    Data,
    /// Curves, kernels and guesses while it learns.
    Train,
}

impl Tab {
    /// All of them, in the order of the work.
    pub const ALL: [Self; 2] = [Self::Data, Self::Train];

    pub fn title(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Train => "Train",
        }
    }

    /// What is to be seen there.
    pub fn help(self) -> &'static str {
        match self {
            Self::Data => "The pictures to learn from: classes, counts, what cannot be used (Ctrl+1)",
            Self::Train => "Loss, error, first-layer kernels, and the network's guesses (Ctrl+2)",
        }
    }
}
