//! A measurement of the validation pictures, with what is worked out of it once and drawn often.

use std::sync::Arc;

use crate::vis::{ClassResult, Evaluation};

/// Which pictures are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chosen {
    /// All that are taken for another class, the worst first.
    #[default]
    Mistakes,
    /// Those of a class that are taken for another one.
    Class(u32),
    /// Those of a class that are taken for a class: itself, if it is named twice.
    Cell(u32, u32),
}

/// A measurement.
#[derive(Debug)]
pub struct Measured {
    pub evaluation: Arc<Evaluation>,
    /// `[classes, classes]`, true class by predicted class.
    pub confusion: Vec<u32>,
    pub classes: Vec<ClassResult>,
    /// True class, predicted class, pictures; the most frequent mistake first.
    pub confusions: Vec<(u32, u32, usize)>,
    mistakes: Vec<usize>,
}

impl Measured {
    pub fn new(evaluation: Arc<Evaluation>) -> Self {
        Self {
            confusion: evaluation.confusion(),
            classes: evaluation.class_results(),
            confusions: evaluation.confusions(),
            mistakes: evaluation.mistakes(),
            evaluation,
        }
    }

    /// Name of a class.
    pub fn class(&self, label: u32) -> &str {
        self.evaluation.classes.get(label as usize).map_or("", String::as_str)
    }

    /// How many pictures of class `label` are taken for class `best`.
    pub fn count(&self, label: u32, best: u32) -> u32 {
        let classes = self.evaluation.classes.len();
        self.confusion.get(label as usize * classes + best as usize).copied().unwrap_or(0)
    }

    /// The pictures that are chosen, as indices into [`Evaluation::verdicts`].
    pub fn pictures(&self, chosen: Chosen) -> Vec<usize> {
        let label = |index: &usize| self.evaluation.verdicts()[*index].label;
        match chosen {
            Chosen::Mistakes => self.mistakes.clone(),
            Chosen::Class(class) => {
                self.mistakes.iter().copied().filter(|index| label(index) == class).collect()
            }
            Chosen::Cell(class, best) => self.evaluation.cell(class, best),
        }
    }

    /// What is chosen, as a title.
    pub fn title(&self, chosen: Chosen) -> String {
        match chosen {
            Chosen::Mistakes => "All mistakes, the worst first".into(),
            Chosen::Class(class) => format!("{} taken for something else", self.class(class)),
            Chosen::Cell(class, best) if class == best => format!("{} recognised", self.class(class)),
            Chosen::Cell(class, best) => format!("{} taken for {}", self.class(class), self.class(best)),
        }
    }
}
