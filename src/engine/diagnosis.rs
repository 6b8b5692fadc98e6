//! What ails a run, told from its curves in plain words, with what can be done about it.
//!
//! Everything here follows from the numbers of a [`Course`] alone: no clock, no device. The thresholds are set so
//! that a run that learns, however noisily, is left in peace.

use crate::vis::EvaluationPoint;
use crate::words;

/// Updates that say something about a trend, at least and at most; in between, an epoch.
const WINDOW: (usize, usize) = (100, 1000);
/// A loss this close to that of guessing, as a share of it, counts as guessing.
const GUESSING: f64 = 0.03;
/// A loss that has fallen by less than this share from one window to the next is flat.
const FLAT: f64 = 0.01;
/// A training loss that has grown by this factor over its lowest was driven up by too large a rate.
const RISEN: f64 = 1.5;
/// A validation loss that has grown by this factor over its lowest has turned.
const TURNED: f64 = 1.1;
/// Validations in a row without a better one that say something.
const PATIENCE: usize = 3;
/// Below this loss there is nothing left to learn from the training pictures.
const LEARNED: f64 = 0.02;

/// The course of a run so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Course<'a> {
    /// Training loss of every update, in nats, oldest first; finite.
    pub losses: &'a [f32],
    /// Updates made before the first of these.
    pub begun: u64,
    /// The update whose loss was no number.
    pub broken: Option<u64>,
    /// In order of their steps.
    pub evaluations: &'a [EvaluationPoint],
    pub steps_per_epoch: u64,
    pub classes: usize,
    /// Rate in force.
    pub rate: f64,
    /// Updates since the rate was changed last, or since the beginning.
    pub settled: u64,
    /// The first weights were sized by the number of inputs, which small data sets need.
    pub weights_by_inputs: bool,
    /// There is a checkpoint to go back to.
    pub kept: bool,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finding {
    /// The loss is no number since this update.
    NotANumber { step: u64 },
    /// The network answers as if it guessed: the loss is this, and guessing gives that.
    Guessing { loss: f64, chance: f64 },
    /// The training loss has risen.
    Rising { from: f64, to: f64 },
    /// It gets better at the training pictures and worse at others.
    ByHeart { best_step: u64, best_loss: f64, loss: f64 },
    /// Neither loss nor error have moved for some epochs.
    Stuck { epochs: usize, top1_error: f64 },
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Remedy {
    /// Set the rate to this; the run goes on.
    SetRate(f64),
    /// Begin a branch at the newest checkpoint that is not later than `step`, with this rate.
    GoBack { step: u64, rate: f64 },
    /// Begin anew at this rate.
    StartAgain { rate: f64 },
    /// Begin anew with first weights sized by the number of inputs.
    OtherWeights,
    /// Search for a rate.
    FindRate,
}

/// A finding and its remedy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diagnosis {
    pub finding: Finding,
    pub remedy: Remedy,
}

/// What ails the run, the worst first; nothing if it learns, or if it is too early to tell.
pub fn diagnose(course: &Course) -> Option<Diagnosis> {
    not_a_number(course)
        .or_else(|| rising(course))
        .or_else(|| guessing(course))
        .or_else(|| by_heart(course))
        .or_else(|| stuck(course))
}

fn not_a_number(course: &Course) -> Option<Diagnosis> {
    let step = course.broken?;
    let rate = course.rate / 10.0;
    let remedy = if course.kept {
        Remedy::GoBack { step: step.saturating_sub(1), rate }
    } else {
        Remedy::StartAgain { rate }
    };
    Some(Diagnosis { finding: Finding::NotANumber { step }, remedy })
}

fn rising(course: &Course) -> Option<Diagnosis> {
    let (now, windows) = windows(course)?;
    let (place, lowest) = windows.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1))?;
    if now < RISEN * lowest.max(LEARNED) || now - lowest < 0.3 {
        return None;
    }
    let rate = course.rate / 10.0;
    // Where the lowest window ended.
    let step = course.begun + ((place + 1) * window(course)) as u64;
    let remedy = if course.kept { Remedy::GoBack { step, rate } } else { Remedy::SetRate(rate) };
    Some(Diagnosis { finding: Finding::Rising { from: lowest, to: now }, remedy })
}

fn guessing(course: &Course) -> Option<Diagnosis> {
    let chance = (course.classes.max(2) as f64).ln();
    let (now, windows) = windows(course)?;
    let before = windows.last()?;
    let flat = before - now < FLAT * before;
    if now < chance * (1.0 - GUESSING) || !flat {
        return None;
    }
    let remedy = if course.weights_by_inputs { Remedy::FindRate } else { Remedy::OtherWeights };
    Some(Diagnosis { finding: Finding::Guessing { loss: now, chance }, remedy })
}

fn by_heart(course: &Course) -> Option<Diagnosis> {
    let points = course.evaluations;
    let last = points.last()?;
    let (place, best) = points.iter().enumerate().min_by(|a, b| a.1.loss.total_cmp(&b.1.loss))?;
    let turned = points.len() - 1 - place >= PATIENCE && last.loss > TURNED * best.loss;
    let (now, _) = windows(course)?;
    if !turned || now > 0.8 * last.loss {
        return None;
    }
    let finding = Finding::ByHeart { best_step: best.step, best_loss: best.loss, loss: last.loss };
    let rate = course.rate / 10.0;
    let remedy = if course.kept { Remedy::GoBack { step: best.step, rate } } else { Remedy::SetRate(rate) };
    Some(Diagnosis { finding, remedy })
}

fn stuck(course: &Course) -> Option<Diagnosis> {
    let points = course.evaluations;
    let (earlier, recent) = points.split_at(points.len().checked_sub(PATIENCE)?);
    let best = |points: &[EvaluationPoint]| points.iter().map(|p| p.top1_error).min_by(f64::total_cmp);
    let (before, now) = (best(earlier)?, best(recent)?);
    let long_enough = course.settled >= PATIENCE as u64 * course.steps_per_epoch;
    let (loss, windows) = windows(course)?;
    let fallen = windows.last()? - loss;
    if !long_enough || now < before - 0.002 || fallen > FLAT * loss || loss < LEARNED {
        return None;
    }
    let finding = Finding::Stuck { epochs: PATIENCE, top1_error: before.min(now) };
    Some(Diagnosis { finding, remedy: Remedy::SetRate(course.rate / 10.0) })
}

/// Updates of a window.
fn window(course: &Course) -> usize {
    (course.steps_per_epoch as usize).clamp(WINDOW.0, WINDOW.1)
}

/// Mean loss of the newest window, and of each whole window before it, oldest first. Nothing before there are two.
fn windows(course: &Course) -> Option<(f64, Vec<f64>)> {
    let size = window(course);
    let (before, now) = course.losses.split_at(course.losses.len().checked_sub(size)?);
    let mean = |losses: &[f32]| losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / losses.len() as f64;
    let windows: Vec<f64> = before.chunks_exact(size).map(mean).collect();
    (!windows.is_empty()).then(|| (mean(now), windows))
}

impl Finding {
    /// One or two sentences for people.
    pub fn words(&self) -> String {
        let short = |value: f64| format!("{value:.2}");
        match *self {
            Self::NotANumber { step } => format!(
                "Since update {} the loss is no longer a number: the steps were so large that the weights grew without \
                 bounds.",
                words::count(step as usize)
            ),
            Self::Guessing { loss, chance } => format!(
                "The loss is flat at {}, and guessing would give {}: the network has not begun to learn.",
                short(loss),
                short(chance)
            ),
            Self::Rising { from, to } => format!(
                "The training loss has risen from {} to {}: the rate is too large for where the network is now.",
                short(from),
                short(to)
            ),
            Self::ByHeart { best_step, best_loss, loss } => format!(
                "The validation loss was lowest at update {} ({}) and has risen to {} while the training loss falls: \
                 the network learns the training pictures by heart.",
                words::count(best_step as usize),
                short(best_loss),
                short(loss)
            ),
            Self::Stuck { epochs, top1_error } => format!(
                "Neither loss nor error have moved for {epochs} epochs; the best error is {:.1} %. This is when the \
                 paper's authors divided the rate by 10.",
                top1_error * 100.0
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: u64 = 100;

    fn course<'a>(losses: &'a [f32], evaluations: &'a [EvaluationPoint]) -> Course<'a> {
        Course {
            losses,
            evaluations,
            steps_per_epoch: EPOCH,
            classes: 10,
            rate: 0.01,
            settled: losses.len() as u64,
            kept: true,
            weights_by_inputs: true,
            ..Course::default()
        }
    }

    /// Losses with the luck of batches, always the same.
    fn noisy(count: usize, loss: impl Fn(f64) -> f64) -> Vec<f32> {
        let luck = |n: usize| (n.wrapping_mul(2_654_435_761) % 1000) as f64 / 1000.0 - 0.5;
        (0..count).map(|n| (loss(n as f64 / EPOCH as f64) + 0.2 * luck(n)) as f32).collect()
    }

    fn points(values: &[(f64, f64)]) -> Vec<EvaluationPoint> {
        let point = |(epoch, &(loss, top1_error)): (usize, &(f64, f64))| EvaluationPoint {
            step: (epoch as u64 + 1) * EPOCH,
            epoch: epoch as f64 + 1.0,
            loss,
            top1_error,
            top5_error: 0.0,
            n: 100,
        };
        values.iter().enumerate().map(point).collect()
    }

    #[test]
    fn a_run_that_learns_is_left_in_peace_at_every_moment() {
        let losses = noisy(2000, |epoch| 2.3 * (-epoch / 4.0).exp() + 0.1);
        let evaluations =
            points(&(1..=20).map(|e| (2.5 / f64::from(e), 0.9 / f64::from(e))).collect::<Vec<_>>());
        for made in (0..2000).step_by(37) {
            let course = course(&losses[..made], &evaluations[..made / EPOCH as usize]);
            assert_eq!(diagnose(&course), None, "after {made} updates");
        }
    }

    #[test]
    fn a_slow_start_is_guessing_until_it_falls() {
        let losses = noisy(400, |_| 2.3);
        assert_eq!(diagnose(&course(&losses[..150], &[])), None, "too early to tell");
        let found = diagnose(&course(&losses, &[])).expect("it guesses");
        assert!(matches!(found.finding, Finding::Guessing { loss, .. } if (loss - 2.3).abs() < 0.05));
        assert_eq!(found.remedy, Remedy::FindRate);
        let printed = Course { weights_by_inputs: false, ..course(&losses, &[]) };
        assert_eq!(diagnose(&printed).map(|found| found.remedy), Some(Remedy::OtherWeights));
        let falling = noisy(400, |epoch| if epoch < 2.0 { 2.3 } else { 2.3 - 0.2 * (epoch - 2.0) });
        assert_eq!(diagnose(&course(&falling, &[])), None);
    }

    #[test]
    fn no_number_means_back_or_again_at_a_tenth() {
        let losses = noisy(20, |_| 2.0);
        let broken = Course { broken: Some(21), ..course(&losses, &[]) };
        let found = diagnose(&broken).expect("it is broken");
        assert_eq!(found.finding, Finding::NotANumber { step: 21 });
        assert_eq!(found.remedy, Remedy::GoBack { step: 20, rate: 0.001 });
        let nothing_kept = Course { kept: false, ..broken };
        assert_eq!(diagnose(&nothing_kept).map(|f| f.remedy), Some(Remedy::StartAgain { rate: 0.001 }));
    }

    #[test]
    fn a_loss_that_rises_again_goes_back_to_where_it_was_lowest() {
        let losses =
            noisy(800, |epoch| if epoch < 4.0 { 2.3 - 0.4 * epoch } else { 0.7 + 0.5 * (epoch - 4.0) });
        let found = diagnose(&course(&losses, &[])).expect("it rises");
        assert!(matches!(found.finding, Finding::Rising { .. }), "{found:?}");
        assert!(matches!(found.remedy, Remedy::GoBack { step: 400..=500, .. }), "{found:?}");
        let branch = Course { begun: 1000, ..course(&losses, &[]) };
        let remedy = diagnose(&branch).map(|found| found.remedy);
        assert!(matches!(remedy, Some(Remedy::GoBack { step: 1400..=1500, .. })), "{remedy:?}");
    }

    #[test]
    fn learning_by_heart_goes_back_to_the_best() {
        let losses = noisy(1000, |epoch| 2.0 * (-epoch / 2.0).exp() + 0.15);
        let evaluations = points(&[
            (1.5, 0.5),
            (1.2, 0.4),
            (1.1, 0.38),
            (1.15, 0.37),
            (1.3, 0.37),
            (1.5, 0.37),
            (1.6, 0.36),
        ]);
        let found = diagnose(&course(&losses, &evaluations)).expect("it has turned");
        assert!(matches!(found.finding, Finding::ByHeart { best_step: 300, .. }), "{found:?}");
        assert_eq!(found.remedy, Remedy::GoBack { step: 300, rate: 0.001 });
        assert_eq!(diagnose(&course(&losses, &evaluations[..5])), None, "two worse ones may be luck");
    }

    #[test]
    fn a_run_that_is_stuck_gets_the_papers_rule_unless_the_rate_has_just_changed() {
        let losses = noisy(1000, |_| 1.2);
        let evaluations =
            points(&[(1.4, 0.5), (1.3, 0.45), (1.3, 0.45), (1.3, 0.451), (1.3, 0.45), (1.3, 0.46)]);
        let found = diagnose(&course(&losses, &evaluations)).expect("it is stuck");
        assert!(matches!(found.finding, Finding::Stuck { top1_error, .. } if top1_error == 0.45));
        assert_eq!(found.remedy, Remedy::SetRate(0.001));
        let changed = Course { settled: 150, ..course(&losses, &evaluations) };
        assert_eq!(diagnose(&changed), None);
        let learned = noisy(1000, |_| 0.0).iter().map(|loss| loss.abs() * 0.01).collect::<Vec<_>>();
        assert_eq!(diagnose(&course(&learned, &evaluations)), None, "nothing is left to learn");
    }

    #[test]
    fn every_finding_is_a_sentence() {
        for finding in [
            Finding::NotANumber { step: 1234 },
            Finding::Guessing { loss: 2.3, chance: 2.3 },
            Finding::Rising { from: 0.5, to: 2.0 },
            Finding::ByHeart { best_step: 30, best_loss: 0.5, loss: 1.0 },
            Finding::Stuck { epochs: 3, top1_error: 0.2 },
        ] {
            let words = finding.words();
            assert!(words.ends_with('.') && !words.contains("  "), "{words}");
        }
    }
}
