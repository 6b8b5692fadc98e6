//! What a model made of every validation picture: errors by class, confusions, the worst mistakes.

use std::cmp::Reverse;

use super::EvaluationPoint;

/// Most probable classes that are kept of each picture, as many as top-5 error needs.
const KEPT: usize = 5;

/// A validation split as a model sees it.
///
/// The best class of a picture is the first of those with the highest score. [`EvaluationPoint`] counts ties in
/// part, so it may differ from the counts here where scores are exactly equal.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Loss and errors of the whole split.
    pub point: EvaluationPoint,
    /// The source of the pictures, as it was named.
    pub source: String,
    /// How often each picture was looked at: 1, or 10 with the paper's corners, centre and mirror images.
    pub views: usize,
    /// Class names, in the order of the labels.
    pub classes: Vec<String>,
    verdicts: Vec<Verdict>,
    names: Vec<String>,
    /// The best classes of each picture in a row, `kept()` of them.
    top: Vec<(u32, f32)>,
}

/// What a model made of one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Place of the picture in the validation split, refused files counted.
    pub place: u32,
    /// Its class.
    pub label: u32,
    /// The most probable class.
    pub best: u32,
    /// How many classes are more probable than its own: 0 is right, below 5 is among the top five.
    pub rank: u32,
    /// Probability of its class, 0 to 1.
    pub probability: f32,
}

/// How a class fares.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClassResult {
    /// Pictures of the class.
    pub pictures: usize,
    /// Those taken for what they are.
    pub right: usize,
    /// Those whose class is among the five most probable.
    pub top5: usize,
    /// Pictures of any class that are taken for this one.
    pub predicted: usize,
    /// The class that its pictures are most often mistaken for, and how often.
    pub mistaken_for: Option<(u32, usize)>,
}

impl ClassResult {
    /// Share of the class's pictures that are taken for another; `None` without pictures.
    pub fn top1_error(&self) -> Option<f64> {
        share(self.pictures - self.right, self.pictures)
    }

    /// Share of the class's pictures whose class is not among the five most probable; `None` without pictures.
    pub fn top5_error(&self) -> Option<f64> {
        share(self.pictures - self.top5, self.pictures)
    }

    /// Share of the pictures taken for this class that belong to it; `None` if there are none.
    pub fn precision(&self) -> Option<f64> {
        share(self.right, self.predicted)
    }

    /// Share of the class's pictures that are taken for what they are; `None` without pictures.
    pub fn recall(&self) -> Option<f64> {
        share(self.right, self.pictures)
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Evaluation {
    /// An evaluation without pictures, to be filled by [`Self::add`].
    pub fn new(source: String, views: usize, classes: Vec<String>) -> Self {
        let point =
            EvaluationPoint { step: 0, epoch: 0.0, loss: 0.0, top1_error: 0.0, top5_error: 0.0, n: 0 };
        Self { point, source, views, classes, verdicts: Vec::new(), names: Vec::new(), top: Vec::new() }
    }

    /// Adds a picture with its `[classes]` scores before softmax.
    pub fn add(&mut self, name: String, place: u32, label: u32, scores: &[f32]) {
        let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = scores.iter().map(|score| f64::from(score - highest).exp()).sum();
        let probability = |class: u32| (f64::from(scores[class as usize] - highest).exp() / sum) as f32;
        let own = scores[label as usize];
        let kept = self.kept();
        let mut order: Vec<u32> = (0..scores.len() as u32).collect();
        let by_score = |a: &u32, b: &u32| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b));
        if kept < order.len() {
            order.select_nth_unstable_by(kept, by_score);
            order.truncate(kept);
        }
        order.sort_unstable_by(by_score);
        self.top.extend(order.iter().map(|&class| (class, probability(class))));
        let rank = scores.iter().filter(|score| score.total_cmp(&own).is_gt()).count() as u32;
        let best = order.first().copied().unwrap_or(label);
        self.verdicts.push(Verdict { place, label, best, rank, probability: probability(label) });
        self.names.push(name);
    }

    /// Classes kept of each picture.
    fn kept(&self) -> usize {
        KEPT.min(self.classes.len())
    }

    /// Every picture, in the order of the split.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// File or entry name of the picture at `index` of [`Self::verdicts`].
    pub fn name(&self, index: usize) -> &str {
        &self.names[index]
    }

    /// The most probable classes of the picture at `index`, best first, at most five, with their probabilities.
    pub fn top(&self, index: usize) -> &[(u32, f32)] {
        let kept = self.kept();
        &self.top[index * kept..][..kept]
    }

    /// `[classes, classes]`, a row for each true class, a column for each predicted one: how many pictures.
    pub fn confusion(&self) -> Vec<u32> {
        let mut counts = vec![0; self.classes.len() * self.classes.len()];
        for verdict in &self.verdicts {
            counts[verdict.label as usize * self.classes.len() + verdict.best as usize] += 1;
        }
        counts
    }

    /// Pictures of class `label` that are taken for class `best`: indices into [`Self::verdicts`].
    pub fn cell(&self, label: u32, best: u32) -> Vec<usize> {
        let inside = |(_, verdict): &(usize, &Verdict)| verdict.label == label && verdict.best == best;
        self.verdicts.iter().enumerate().filter(inside).map(|(index, _)| index).collect()
    }

    /// How each class fares, in the order of the labels.
    pub fn class_results(&self) -> Vec<ClassResult> {
        let classes = self.classes.len();
        let mut results = vec![ClassResult::default(); classes];
        for verdict in &self.verdicts {
            results[verdict.best as usize].predicted += 1;
            let own = &mut results[verdict.label as usize];
            own.pictures += 1;
            own.right += usize::from(verdict.best == verdict.label);
            own.top5 += usize::from((verdict.rank as usize) < KEPT);
        }
        for (label, best, count) in self.confusions() {
            let mistaken_for = &mut results[label as usize].mistaken_for;
            *mistaken_for = mistaken_for.or(Some((best, count)));
        }
        results
    }

    /// True class, predicted class and number of pictures of every mistake that was made, most frequent first.
    pub fn confusions(&self) -> Vec<(u32, u32, usize)> {
        let classes = self.classes.len() as u32;
        let counts = self.confusion();
        let mistakes = (0..classes).flat_map(|label| (0..classes).map(move |best| (label, best)));
        let mut found: Vec<_> = mistakes
            .zip(counts)
            .filter(|&((label, best), count)| label != best && count > 0)
            .map(|((label, best), count)| (label, best, count as usize))
            .collect();
        found.sort_by_key(|&(label, best, count)| (Reverse(count), label, best));
        found
    }

    /// Pictures that are taken for another class, those first whose own class seems least probable: indices into
    /// [`Self::verdicts`].
    pub fn mistakes(&self) -> Vec<usize> {
        let wrong = |&index: &usize| self.verdicts[index].best != self.verdicts[index].label;
        let mut found: Vec<usize> = (0..self.verdicts.len()).filter(wrong).collect();
        found.sort_by(|&a, &b| self.verdicts[a].probability.total_cmp(&self.verdicts[b].probability));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(pictures: &[(u32, [f32; 3])]) -> Evaluation {
        let classes = ["cat", "dog", "owl"].map(str::to_owned).to_vec();
        let mut evaluation = Evaluation::new("pets".into(), 1, classes);
        for (index, (label, scores)) in pictures.iter().enumerate() {
            evaluation.add(format!("{index}.jpg"), index as u32, *label, scores);
        }
        evaluation
    }

    #[test]
    fn rows_are_true_classes_and_columns_predicted_ones() {
        let found = evaluation(&[(0, [0.0, 2.0, 1.0]), (0, [3.0, 0.0, 0.0]), (1, [0.0, 5.0, 0.0])]);
        assert_eq!(found.confusion(), [1, 1, 0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(found.cell(0, 1), [0]);
        assert_eq!(found.confusions(), [(0, 1, 1)]);
    }

    #[test]
    fn a_class_has_its_errors_and_its_precision() {
        let found = evaluation(&[(0, [0.0, 2.0, 1.0]), (0, [3.0, 0.0, 0.0]), (1, [0.0, 5.0, 0.0])]);
        let results = found.class_results();
        assert_eq!((results[0].top1_error(), results[0].precision()), (Some(0.5), Some(1.0)));
        assert_eq!((results[1].top1_error(), results[1].precision()), (Some(0.0), Some(0.5)));
        assert_eq!((results[2].top1_error(), results[2].precision()), (None, None));
        assert_eq!((results[0].mistaken_for, results[1].mistaken_for), (Some((1, 1)), None));
        assert_eq!(results[0].top5_error(), Some(0.0));
    }

    #[test]
    fn the_worst_mistake_comes_first() {
        let found = evaluation(&[(0, [0.0, 1.0, 0.0]), (0, [0.0, 9.0, 0.0]), (2, [0.0, 0.0, 4.0])]);
        assert_eq!(found.mistakes(), [1, 0]);
        assert_eq!(found.name(1), "1.jpg");
    }

    #[test]
    fn probabilities_are_those_of_softmax() {
        let found = evaluation(&[(2, [1.0, 3.0, 2.0])]);
        let sum = 1f32.exp() + 3f32.exp() + 2f32.exp();
        let classes: Vec<u32> = found.top(0).iter().map(|(class, _)| *class).collect();
        assert_eq!(classes, [1, 2, 0]);
        for &(class, probability) in found.top(0) {
            assert!((probability - [1f32, 3.0, 2.0][class as usize].exp() / sum).abs() < 1e-6);
        }
        let verdict = found.verdicts()[0];
        assert_eq!((verdict.best, verdict.rank), (1, 1));
        assert!((verdict.probability - 2f32.exp() / sum).abs() < 1e-6);
    }

    #[test]
    fn of_many_classes_the_five_best_are_kept() {
        let classes = (0..40).map(|class| class.to_string()).collect();
        let mut found = Evaluation::new("many".into(), 1, classes);
        let scores: Vec<f32> = (0..40).map(|class| ((class * 7) % 40) as f32).collect();
        found.add("a".into(), 0, 0, &scores);
        found.add("b".into(), 1, 17, &scores);
        let best: Vec<u32> = found.top(1).iter().map(|(class, _)| *class).collect();
        // 17 * 7 = 39 modulo 40, and each further place is 23 classes on.
        assert_eq!(best, [17, 34, 11, 28, 5]);
        assert_eq!((found.verdicts()[0].rank, found.verdicts()[1].rank), (39, 0));
        assert_eq!(found.class_results()[0].top5, 0);
    }

    #[test]
    fn scores_that_are_no_numbers_are_kept_as_mistakes() {
        let found = evaluation(&[(1, [f32::NAN; 3])]);
        assert_eq!(found.verdicts().len(), 1);
        assert_eq!(found.mistakes(), [0]);
    }
}
