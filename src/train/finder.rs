//! A search for a learning rate: real updates while the rate rises evenly on a logarithmic axis, until the
//! loss explodes (the learning rate range test of Smith 2015, "Cyclical learning rates for training neural
//! networks", section 3.3).
//!
//! Nothing here touches a network: a [`Finder`] names the next rate and takes in the loss that was measured
//! there, so all of it can be tested on made-up curves.

use std::ops::RangeInclusive;

/// Share of the running mean that earlier losses hold.
const KEEP: f64 = 0.9;
/// The search ends when the smoothed loss exceeds the lowest by this factor.
const EXPLODED: f64 = 4.0;
/// A suggestion stays this far below the rate at which the loss exploded.
const SAFETY: f64 = 10.0;
/// What a rate does shows fully only after about this many updates: a momentum of 0.9 gathers its speed over
/// ten, and the running mean follows as slowly. Without this, a quick search would blame a rate that is far too large.
const LAG: usize = 10;
/// The loss must fall by this share of where it began for a fall to mean anything.
const LEAST_FALL: f64 = 0.005;
/// And by this many standard deviations of the running mean.
const LEAST_DEVIATIONS: f64 = 4.0;
/// The slope is measured over this many decades of rate on either side.
const REACH: f64 = 0.3;

/// Which rates are tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateRange {
    pub from: f64,
    pub to: f64,
    /// Rates tried, each for one update.
    pub updates: usize,
}

impl Default for RateRange {
    fn default() -> Self {
        Self { from: 1e-6, to: 10.0, updates: 100 }
    }
}

impl RateRange {
    /// Checks that there is something to search.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn check(&self) -> Result<(), String> {
        let Self { from, to, updates } = *self;
        if !(from.is_finite() && from > 0.0) {
            return Err(format!("the search begins at the rate {from}, but must begin above 0"));
        }
        if !(to.is_finite() && to / from >= 10.0) {
            return Err(format!(
                "the search goes from the rate {from} to {to}, but must reach at least ten times where it begins"
            ));
        }
        if !(30..=100_000).contains(&updates) {
            return Err(format!("the search takes {updates} updates, but must take 30 to 100000"));
        }
        Ok(())
    }

    /// The rate of one update.
    fn rate(&self, index: usize) -> f64 {
        let share = index as f64 / (self.updates.max(2) - 1) as f64;
        self.from * (self.to / self.from).powf(share)
    }
}

/// One rate that was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    pub rate: f64,
    /// Mean cross-entropy of the batch in nats, before the update at this rate.
    pub loss: f64,
    /// Exponential running mean of the losses so far, corrected for its beginning.
    pub smooth: f64,
}

/// A rate worth starting with.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    pub rate: f64,
    /// Why this one, in plain words.
    pub reason: String,
}

/// A search between its first and its last update.
#[derive(Clone, Debug)]
pub struct Finder {
    range: RateRange,
    tried: Vec<Tried>,
    /// The running mean before its correction.
    mean: f64,
    /// Lowest smoothed loss.
    best: f64,
    /// The rate at which the loss exploded.
    exploded: Option<f64>,
}

impl Finder {
    pub fn new(range: RateRange) -> Self {
        Self { range, tried: Vec::new(), mean: 0.0, best: f64::INFINITY, exploded: None }
    }

    /// The next rate to try; none when the search is over.
    pub fn next_rate(&self) -> Option<f64> {
        let more = self.exploded.is_none() && self.tried.len() < self.range.updates;
        more.then(|| self.range.rate(self.tried.len()))
    }

    /// Takes in the loss of the batch that the update at [`Self::next_rate`] was made from. Losses of a search
    /// that is over are left out. The last point of an exploded search may hold values that are no numbers.
    pub fn push(&mut self, loss: f64) {
        let Some(rate) = self.next_rate() else { return };
        self.mean = KEEP * self.mean + (1.0 - KEEP) * loss;
        let smooth = self.mean / (1.0 - KEEP.powi(self.tried.len() as i32 + 1));
        self.tried.push(Tried { rate, loss, smooth });
        if !smooth.is_finite() || smooth > EXPLODED * self.best {
            self.exploded = Some(rate);
        } else {
            self.best = self.best.min(smooth);
        }
    }

    /// Everything tried so far, in order.
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }

    /// The rate at which the loss exploded, if it did.
    pub fn exploded(&self) -> Option<f64> {
        self.exploded
    }

    /// The rate that makes the smoothed loss fall most steeply, but at most a tenth of the rate that makes it
    /// explode.
    ///
    /// # Errors
    /// Why no rate can be suggested, with something else to try.
    pub fn suggestion(&self) -> Result<Suggestion, String> {
        let steepest = self
            .fall()?
            .filter_map(|index| Some((slope(self.before_explosion(), index)?, index)))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, index)| self.cause(index))
            .ok_or("too few rates were tried to tell where the loss falls; take more updates")?;
        let words = |rate: f64| two_digits(rate).to_string();
        let Some(exploded) = self.exploded else {
            let reason = format!("A rate of {} makes the loss fall most steeply.", words(steepest));
            return Ok(Suggestion { rate: two_digits(steepest), reason });
        };
        let blamed = self.cause(self.tried.len() - 1);
        let limit = blamed / SAFETY;
        let end =
            format!("the loss explodes at {}, which a rate of {} began", words(exploded), words(blamed));
        let reason = if steepest <= limit {
            format!("A rate of {} makes the loss fall most steeply; {end}.", words(steepest))
        } else {
            format!(
                "A rate of {} makes the loss fall most steeply, but {end}. This is a tenth of that.",
                words(steepest)
            )
        };
        Ok(Suggestion { rate: at_most(steepest.min(limit), limit), reason })
    }

    /// The rate that is the cause of what the loss does at some update.
    fn cause(&self, index: usize) -> f64 {
        self.tried[index.saturating_sub(LAG)].rate
    }

    fn before_explosion(&self) -> &[Tried] {
        &self.tried[..self.tried.len() - usize::from(self.exploded.is_some())]
    }

    /// Where the loss falls: from the end of the beginning, in which the rates change next to nothing, to the
    /// lowest point.
    fn fall(&self) -> Result<RangeInclusive<usize>, String> {
        let points = self.before_explosion();
        let lowest = points.iter().enumerate().min_by(|a, b| a.1.smooth.total_cmp(&b.1.smooth));
        let Some((bottom, lowest)) = lowest else {
            return Err("the loss was no number from the first update on; begin at a smaller rate".into());
        };
        if self.tried.len() <= 2 * LAG {
            return Err("too few rates were tried to tell what they do; begin at a smaller rate, or take more updates".into());
        }
        let beginning = (points.len() / 5).clamp(1, 20);
        let n = beginning as f64;
        let first = points[..beginning].iter().map(|p| p.loss).sum::<f64>() / n;
        let variance = points[..beginning].iter().map(|p| (p.loss - first).powi(2)).sum::<f64>() / n;
        // An exponential running mean of independent values varies by this much less.
        let noise = (variance * (1.0 - KEEP) / (1.0 + KEEP)).sqrt();
        if bottom >= beginning
            && first - lowest.smooth > (LEAST_FALL * first.abs()).max(LEAST_DEVIATIONS * noise)
        {
            return Ok(beginning..=bottom);
        }
        Err(match self.exploded {
            Some(rate) => format!(
                "the loss did not fall before it exploded at a rate of {}; search over more updates, or take a larger batch",
                two_digits(rate)
            ),
            None => "the loss fell at none of these rates; search over more updates, or up to a larger rate"
                .into(),
        })
    }
}

/// Slope of the smoothed loss against the decades of the rate around one point, by least squares. None where
/// there are too few points.
fn slope(points: &[Tried], index: usize) -> Option<f64> {
    let centre = points[index].rate.log10();
    let decades = |p: &Tried| p.rate.log10() - centre;
    // At least one neighbour on either side, however coarse the search is.
    let near = |(i, p): &(usize, &Tried)| i.abs_diff(index) <= 1 || decades(p).abs() <= REACH;
    let around: Vec<(f64, f64)> =
        points.iter().enumerate().filter(near).map(|(_, p)| (decades(p), p.smooth)).collect();
    if around.len() < 3 {
        return None;
    }
    let n = around.len() as f64;
    let mean = |value: fn(&(f64, f64)) -> f64| around.iter().map(value).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = around.iter().map(|p| (p.0 - x).powi(2)).sum();
    let joint: f64 = around.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    (spread > 0.0).then(|| joint / spread)
}

/// Rounded to two digits: more would pretend to a precision that the search has not.
fn two_digits(rate: f64) -> f64 {
    format!("{rate:.1e}").parse().unwrap_or(rate)
}

/// Two digits of `rate`, not above `limit` by rounding.
fn at_most(rate: f64, limit: f64) -> f64 {
    let rounded = two_digits(rate);
    if rounded <= limit { rounded } else { two_digits(limit * 0.95) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search over losses that are a function of the decades of the rate.
    fn search(range: RateRange, loss: impl Fn(f64) -> f64) -> Finder {
        let mut finder = Finder::new(range);
        while let Some(rate) = finder.next_rate() {
            finder.push(loss(rate.log10()));
        }
        finder
    }

    /// Flat, then a fall around 10^-3, then an explosion above 10^-0.5.
    fn typical(x: f64) -> f64 {
        2.3 - 1.5 / (1.0 + (-4.0 * (x + 3.0)).exp()) + (6.0 * (x + 0.5)).exp()
    }

    #[test]
    fn rates_rise_by_equal_factors_from_end_to_end() {
        let finder = search(RateRange::default(), |_| 1.0);
        let rates: Vec<f64> = finder.tried().iter().map(|p| p.rate).collect();
        assert_eq!(rates.len(), 100);
        assert!((rates[0] / 1e-6 - 1.0).abs() < 1e-9 && (rates[99] / 10.0 - 1.0).abs() < 1e-9);
        let factor = 1e7f64.powf(1.0 / 99.0);
        assert!(rates.windows(2).all(|pair| (pair[1] / pair[0] / factor - 1.0).abs() < 1e-9));
    }

    #[test]
    fn the_running_mean_is_corrected_for_its_beginning() {
        let finder = search(RateRange::default(), |_| 2.5);
        assert!(finder.tried().iter().all(|p| (p.smooth - 2.5).abs() < 1e-12), "a constant is its own mean");
        let mut finder = Finder::new(RateRange::default());
        finder.push(1.0);
        finder.push(2.0);
        // (0.9 * 0.1 * 1 + 0.1 * 2) / (1 - 0.81)
        assert!((finder.tried()[1].smooth - 0.29 / 0.19).abs() < 1e-12);
    }

    #[test]
    fn the_steepest_fall_is_suggested() {
        let finder = search(RateRange::default(), typical);
        let exploded = finder.exploded().expect("it explodes");
        assert!((0.3..3.0).contains(&exploded), "{exploded}");
        let Suggestion { rate, reason } = finder.suggestion().expect("there is a fall");
        assert!((3e-4..3e-3).contains(&rate), "{rate}");
        assert!(rate <= exploded / 10.0);
        assert!(reason.contains("most steeply; the loss explodes"), "{reason}");
    }

    #[test]
    fn a_suggestion_keeps_its_distance_from_the_explosion() {
        // Falls ever faster until it explodes at 10^-2.
        let finder = search(RateRange::default(), |x| if x < -2.0 { 2.3 - (x + 2.5).exp() } else { 1e9 });
        let exploded = finder.exploded().expect("it explodes");
        let Suggestion { rate, reason } = finder.suggestion().expect("there is a fall");
        // Ten of a hundred updates before the end, the rate was a fifth.
        assert!(rate <= exploded / 50.0 && rate > exploded / 60.0, "{rate} of {exploded}");
        assert!(reason.contains("a tenth"), "{reason}");
    }

    #[test]
    fn the_search_ends_when_the_loss_is_four_times_the_best_or_no_number() {
        let mut finder = Finder::new(RateRange::default());
        (0..20).for_each(|_| finder.push(1.0));
        finder.push(20.0); // The mean is about 3.
        assert!(finder.next_rate().is_some(), "a single bad batch does not end it");
        finder.push(60.0);
        assert!(finder.next_rate().is_none());
        assert_eq!(finder.exploded(), Some(finder.tried()[21].rate));
        finder.push(1.0);
        assert_eq!(finder.tried().len(), 22, "what comes later is left out");
        for bad in [f64::NAN, f64::INFINITY] {
            let mut finder = Finder::new(RateRange::default());
            finder.push(1.0);
            finder.push(bad);
            assert!(finder.next_rate().is_none());
            assert_eq!(finder.exploded(), Some(finder.tried()[1].rate));
        }
    }

    #[test]
    fn no_fall_means_no_suggestion_but_a_reason() {
        let flat = search(RateRange::default(), |_| 2.3).suggestion().expect_err("nothing falls");
        assert!(flat.contains("fell at none"), "{flat}");
        let rising = search(RateRange::default(), |x| 2.3 + (x + 3.0).exp()).suggestion();
        let rising = rising.expect_err("nothing falls");
        assert!(rising.contains("did not fall before"), "{rising}");
        let broken = search(RateRange::default(), |_| f64::NAN).suggestion();
        assert!(broken.expect_err("nothing is a number").contains("smaller rate"));
        let none = Finder::new(RateRange::default()).suggestion();
        assert!(none.is_err());
    }

    #[test]
    fn noise_does_not_lead_astray() {
        // The same typical curve with a fifth of noise, several times.
        for seed in 0..20u64 {
            let mut state = seed;
            let mut finder = Finder::new(RateRange::default());
            while let Some(rate) = finder.next_rate() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let noise = (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
                finder.push(typical(rate.log10()) + 0.4 * noise);
            }
            let rate = finder.suggestion().expect("there is a fall").rate;
            assert!((1e-4..1e-2).contains(&rate), "seed {seed}: {rate}");
        }
    }

    #[test]
    fn ranges_that_cannot_be_searched_are_refused() {
        let good = RateRange::default();
        assert_eq!(good.check(), Ok(()));
        for (range, word) in [
            (RateRange { from: 0.0, ..good }, "above 0"),
            (RateRange { from: f64::NAN, ..good }, "above 0"),
            (RateRange { to: 1e-6, ..good }, "ten times"),
            (RateRange { to: f64::INFINITY, ..good }, "ten times"),
            (RateRange { updates: 5, ..good }, "30 to 100000"),
        ] {
            let message = range.check().expect_err("it cannot be searched");
            assert!(message.contains(word), "{message}");
        }
    }
}
