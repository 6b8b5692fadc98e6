//! The learning rate over a run: what was planned, what the validations decided, what was set by hand.

use serde::{Deserialize, Serialize};

use super::exact;

/// Epochs are counted in fractions of updates; a moment that differs by less than this is the same moment.
const SAME_EPOCH: f64 = 1e-9;

/// The rates of one update.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    pub weights: f64,
    /// Before the multiple at which biases learn ([`SgdConfig::bias_lr_scale`](super::SgdConfig)).
    pub biases: f64,
}

impl From<f64> for Rates {
    /// The same rate for weights and biases.
    fn from(rate: f64) -> Self {
        Self { weights: rate, biases: rate }
    }
}

/// How the rate is meant to change over a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatePlan {
    pub course: Course,
    /// Length of the run in epochs, for the courses that are spread over it.
    pub epochs: f64,
    /// Epochs over which the rate rises evenly from 0 to what the course says; may be a fraction. A rate set by
    /// hand ends it.
    pub warmup_epochs: f64,
    /// Length of one update in epochs. The first update of a warm-up already has a rate above 0.
    pub update: f64,
    /// Whether the biases take part in the course. If not, they keep their first rate once the warm-up is over,
    /// as in the author's run 145 (`layer-params-145.cfg`), also when a rate is set by hand.
    pub biases_follow: bool,
}

impl RatePlan {
    /// A rate that only changes by hand.
    pub fn constant() -> Self {
        Self { course: Course::Constant, epochs: 1.0, warmup_epochs: 0.0, update: 0.0, biases_follow: true }
    }
}

/// The shape of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Course {
    /// Only by hand.
    Constant,
    /// Divided by 10 at each of these epochs.
    Steps(Vec<f64>),
    /// Divided by 10 after `patience` validations without a better top-1 error, at most `drops` times (paper
    /// section 5: three times).
    Plateau { patience: usize, drops: usize },
    /// The author's `dexp` (`lr.cu`, `layer-params-170.cfg`): four equal parts of the run at
    /// `rate * 250^(-i/3)`; the biases at the full rate, then a tenth, in two halves.
    Dexp,
    /// Half a cosine, from the full rate down to 0 at the end of the run.
    Cosine,
}

/// The rate of a run: the plan, and what has happened to it. Plain data, so that it can be stored with a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    start: f64,
    plan: RatePlan,
    plateau: Plateau,
    by_hand: Option<ByHand>,
}

/// Drops of a rate that a memory may claim; after so many it is no number any more.
const MOST_DROPS: usize = 300;

/// What has happened to a rate, without its plan: all that a checkpoint has to remember of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RateMemory {
    plateau: Plateau,
    by_hand: Option<ByHand>,
}

impl RateMemory {
    /// Forgets a rate set by hand: the plan that it scaled is another one now.
    pub fn without_hand(self) -> Self {
        Self { by_hand: None, ..self }
    }

    /// Whether all of it are numbers that a run can come to.
    pub(in crate::train) fn is_possible(&self) -> bool {
        let numbers =
            [self.plateau.best, self.by_hand.map(|hand| hand.rate), self.by_hand.map(|hand| hand.planned)];
        numbers.into_iter().flatten().all(f64::is_finite) && self.plateau.drops <= MOST_DROPS
    }
}

/// What the validations have decided so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Plateau {
    #[serde(with = "exact::option")]
    best: Option<f64>,
    /// Validations since then.
    stale: usize,
    drops: usize,
}

/// A rate set by hand, with the weights' rate that the plan had for that moment, warm-up aside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct ByHand {
    #[serde(with = "exact")]
    rate: f64,
    #[serde(with = "exact")]
    planned: f64,
}

impl Rate {
    /// A run that begins at the rate `start`.
    pub fn new(start: f64, plan: RatePlan) -> Self {
        Self { start, plan, plateau: Plateau::default(), by_hand: None }
    }

    /// What has happened to it.
    pub fn memory(&self) -> RateMemory {
        RateMemory { plateau: self.plateau.clone(), by_hand: self.by_hand }
    }

    /// Takes in what has happened to it before.
    pub fn recall(&mut self, memory: RateMemory) {
        RateMemory { plateau: self.plateau, by_hand: self.by_hand } = memory;
    }

    /// Rates of an update made when `epoch` epochs have gone by.
    pub fn at(&self, epoch: f64) -> Rates {
        let Rates { weights, biases } = self.planned(epoch);
        let Some(ByHand { rate, planned }) = self.by_hand else {
            let warmth = self.warmth(epoch);
            return Rates { weights: warmth * weights, biases: warmth * biases };
        };
        // The quotient is exactly 1 until the plan changes something, so that a rate set by hand is met exactly.
        let of = |planned_now: f64| rate * (planned_now / planned);
        Rates { weights: of(weights), biases: if self.plan.biases_follow { of(biases) } else { biases } }
    }

    /// Sets the weights' rate by hand when `epoch` epochs have gone by. From then on the plan is scaled by
    /// it: what is planned to divide the rate by 10 later still does. The biases are scaled alike unless they
    /// keep their first rate. A warm-up that is going on has come to its end, or it would raise the rate above
    /// what was asked for.
    pub fn set(&mut self, epoch: f64, rate: f64) {
        let planned = self.planned(epoch).weights;
        // A plan that has come to its end at 0 has nothing left to scale.
        if planned > 0.0 {
            self.by_hand = Some(ByHand { rate, planned });
        }
    }

    /// Takes in the top-1 error of a validation. True: the error has stopped falling, and the rate has just
    /// been divided by 10.
    pub fn validated(&mut self, top1_error: f64) -> bool {
        let Course::Plateau { patience, drops } = self.plan.course else { return false };
        // An error that is no number is not better than anything.
        if self.plateau.best.is_none_or(|best| top1_error < best) && !top1_error.is_nan() {
            self.plateau.best = Some(top1_error);
            self.plateau.stale = 0;
            return false;
        }
        self.plateau.stale += 1;
        if self.plateau.stale < patience || self.plateau.drops >= drops {
            return false;
        }
        self.plateau.stale = 0;
        self.plateau.drops += 1;
        true
    }

    /// How many planned jumps of the rate have happened when `epoch` epochs have gone by. Smooth changes and
    /// those that a validation decides do not count.
    pub fn jumps(&self, epoch: f64) -> usize {
        match &self.plan.course {
            Course::Steps(epochs) => passed(epochs, epoch),
            Course::Dexp => self.part(epoch, 4),
            Course::Constant | Course::Plateau { .. } | Course::Cosine => 0,
        }
    }

    /// What the course and the validations say, without the warm-up and without what was set by hand.
    fn planned(&self, epoch: f64) -> Rates {
        let same = |factor: f64| Rates { weights: factor, biases: factor };
        let course = match &self.plan.course {
            Course::Constant => same(1.0),
            Course::Steps(epochs) => same(tenths(passed(epochs, epoch))),
            Course::Plateau { .. } => same(tenths(self.plateau.drops)),
            Course::Dexp => Rates {
                weights: 250f64.powf(-(self.part(epoch, 4) as f64) / 3.0),
                biases: tenths(self.part(epoch, 2)),
            },
            Course::Cosine => {
                let share = (epoch / self.plan.epochs).clamp(0.0, 1.0);
                same(0.5 * (1.0 + (std::f64::consts::PI * share).cos()))
            }
        };
        let biases = if self.plan.biases_follow { course.biases } else { 1.0 };
        Rates { weights: self.start * course.weights, biases: self.start * biases }
    }

    /// How far the warm-up is, 0 to 1, at the end of the update that begins at `epoch`.
    fn warmth(&self, epoch: f64) -> f64 {
        let RatePlan { warmup_epochs, update, .. } = self.plan;
        if warmup_epochs > 0.0 { ((epoch + update) / warmup_epochs).min(1.0) } else { 1.0 }
    }

    /// Which of `parts` equal parts of the run an epoch belongs to, from 0.
    fn part(&self, epoch: f64, parts: usize) -> usize {
        let share = (epoch + SAME_EPOCH) / self.plan.epochs;
        ((share * parts as f64) as usize).min(parts - 1)
    }
}

/// Whether `epoch` has reached `moment`.
pub(super) fn reached(epoch: f64, moment: f64) -> bool {
    epoch + SAME_EPOCH >= moment
}

fn passed(epochs: &[f64], epoch: f64) -> usize {
    epochs.iter().filter(|&&drop| reached(epoch, drop)).count()
}

/// 1, 1/10, 1/100, ...
fn tenths(drops: usize) -> f64 {
    1.0 / 10f64.powi(drops.min(300) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(course: Course) -> RatePlan {
        RatePlan { course, epochs: 90.0, update: 0.01, ..RatePlan::constant() }
    }

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() <= 1e-12 * want.abs(), "got {got}, want {want}");
    }

    #[test]
    fn constant_stays() {
        let rate = Rate::new(0.01, plan(Course::Constant));
        for epoch in [0.0, 0.5, 89.0] {
            assert_eq!(rate.at(epoch), Rates::from(0.01));
            assert_eq!(rate.jumps(epoch), 0);
        }
    }

    #[test]
    fn steps_divide_at_each_planned_epoch_once() {
        let rate = Rate::new(1.0, plan(Course::Steps(vec![8.0, 2.0])));
        let weights = |epoch| rate.at(epoch).weights;
        assert_eq!([weights(0.0), weights(1.99), weights(2.0), weights(7.0)], [1.0, 1.0, 0.1, 0.1]);
        assert_eq!(weights(9.0), 0.01);
        assert_eq!([0.0, 2.0, 9.0].map(|epoch| rate.jumps(epoch)), [0, 1, 2]);
    }

    #[test]
    fn a_share_of_the_run_is_not_missed_by_rounding() {
        // 67 / 90 * 90 lies a hair above 67.
        let rate = Rate::new(1.0, plan(Course::Steps(vec![67.0 / 90.0 * 90.0, 0.1 + 0.2])));
        assert_eq!(rate.at(0.3).weights, 0.1);
        assert_eq!(rate.at(67.0).weights, 0.01);
    }

    #[test]
    fn plateau_waits_with_patience_and_divides_a_limited_number_of_times() {
        let mut rate = Rate::new(1.0, plan(Course::Plateau { patience: 2, drops: 2 }));
        let errors = [0.9, 0.8, 0.8, 0.85, 0.79, 0.8, f64::NAN, 0.9, 0.9, 0.9, 0.9];
        let divided = errors.map(|error| rate.validated(error));
        // Better: 0.9, 0.8, 0.79. After two that are not: divided, at most twice.
        let expected = [false, false, false, true, false, false, true, false, false, false, false];
        assert_eq!(divided, expected);
        assert_eq!(rate.at(1.0), Rates::from(0.01));
    }

    #[test]
    fn other_schedules_do_not_listen_to_validations() {
        let mut rate = Rate::new(1.0, plan(Course::Cosine));
        let before = rate.clone();
        assert!((0..20).all(|_| !rate.validated(0.5)));
        assert_eq!(rate, before);
    }

    #[test]
    fn dexp_is_the_authors() {
        let rate = Rate::new(0.01, plan(Course::Dexp));
        // `layer-params-170.cfg`: 0.01, 0.001587, 0.000252, 0.00004; biases (of 0.02) 0.02 and 0.002.
        for (epoch, weights, biases) in [
            (0.0, 0.01, 0.01),
            (22.4, 0.01, 0.01),
            (22.5, 0.001_587_401_051_968_199_4, 0.01),
            (45.0, 0.000_251_984_209_978_974_6, 0.001),
            (67.5, 0.000_04, 0.001),
            (89.99, 0.000_04, 0.001),
            (90.0, 0.000_04, 0.001),
        ] {
            close(rate.at(epoch).weights, weights);
            close(rate.at(epoch).biases, biases);
        }
        assert_eq!([0.0, 22.5, 45.0, 67.5, 90.0].map(|epoch| rate.jumps(epoch)), [0, 1, 2, 3, 3]);
    }

    #[test]
    fn cosine_falls_to_nothing() {
        let rate = Rate::new(2.0, plan(Course::Cosine));
        close(rate.at(0.0).weights, 2.0);
        close(rate.at(30.0).weights, 1.5);
        close(rate.at(45.0).weights, 1.0);
        assert!(rate.at(90.0).weights.abs() < 1e-15);
        assert_eq!(rate.at(99.0), rate.at(90.0), "beyond the end it stays");
    }

    #[test]
    fn warm_up_rises_evenly_and_multiplies_every_course() {
        let courses = [
            Course::Constant,
            Course::Steps(vec![0.25]),
            Course::Plateau { patience: 1, drops: 1 },
            Course::Dexp,
            Course::Cosine,
        ];
        for course in courses {
            let cold = Rate::new(1.0, plan(course.clone()));
            // Half an epoch of 100 updates an epoch: 50 updates, the last of them at the full rate.
            let warm = Rate::new(1.0, RatePlan { warmup_epochs: 0.5, ..plan(course) });
            for (epoch, share) in [(0.0, 0.02), (0.24, 0.5), (0.3, 0.62), (0.49, 1.0), (0.5, 1.0), (7.0, 1.0)]
            {
                close(warm.at(epoch).weights, share * cold.at(epoch).weights);
                close(warm.at(epoch).biases, share * cold.at(epoch).biases);
            }
        }
    }

    #[test]
    fn biases_can_keep_their_first_rate() {
        let course = Course::Steps(vec![1.0]);
        let mut rate = Rate::new(1.0, RatePlan { biases_follow: false, ..plan(course) });
        assert_eq!(rate.at(2.0), Rates { weights: 0.1, biases: 1.0 });
        rate.set(2.0, 0.03);
        assert_eq!(rate.at(2.0), Rates { weights: 0.03, biases: 1.0 });
    }

    #[test]
    fn a_rate_set_by_hand_is_exact_and_planned_changes_still_follow() {
        let mut rate = Rate::new(0.001, plan(Course::Steps(vec![2.0, 4.0])));
        rate.set(0.5, 0.000_25);
        assert_eq!(rate.at(0.5), Rates::from(0.000_25));
        assert_eq!(rate.at(1.9), Rates::from(0.000_25));
        close(rate.at(2.0).weights, 0.000_025);
        // A second one replaces the first.
        rate.set(3.0, 0.7);
        assert_eq!(rate.at(3.0).weights, 0.7);
        close(rate.at(4.0).weights, 0.07);
    }

    #[test]
    fn a_rate_set_by_hand_scales_smooth_courses_and_plateaus() {
        let mut rate = Rate::new(1.0, plan(Course::Cosine));
        rate.set(45.0, 2.0);
        close(rate.at(45.0).weights, 2.0);
        close(rate.at(60.0).weights, 1.0);
        let mut rate = Rate::new(1.0, plan(Course::Plateau { patience: 1, drops: 3 }));
        rate.set(0.0, 0.5);
        assert_eq!([0.5, 0.5].map(|error| rate.validated(error)), [false, true]);
        close(rate.at(2.0).weights, 0.05);
    }

    #[test]
    fn a_rate_set_by_hand_ends_a_warm_up() {
        let warm = RatePlan { warmup_epochs: 1.0, ..plan(Course::Steps(vec![2.0])) };
        let mut rate = Rate::new(1.0, warm.clone());
        rate.set(0.25, 0.3);
        for epoch in [0.25, 0.5, 0.99, 1.0, 1.9] {
            assert_eq!(rate.at(epoch), Rates::from(0.3), "after {epoch} epochs");
        }
        close(rate.at(2.0).weights, 0.03);
        let mut rate = Rate::new(1.0, RatePlan { biases_follow: false, ..warm });
        rate.set(0.25, 0.3);
        assert_eq!(rate.at(0.25), Rates { weights: 0.3, biases: 1.0 }, "warm biases have their first rate");
    }

    #[test]
    fn its_state_survives_being_stored() {
        let mut rate = Rate::new(0.3, plan(Course::Plateau { patience: 1, drops: 3 }));
        rate.validated(0.5);
        rate.validated(0.5);
        rate.set(1.0, 0.1);
        let stored = serde_json::to_string(&rate).expect("plain data");
        assert_eq!(serde_json::from_str::<Rate>(&stored).expect("the same type"), rate);
    }
}
