//! The learning rate over a run.

/// The rate in force, the planned divisions by 10, and changes by hand (paper section 5).
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    current: f64,
    /// Epochs at which the rate is divided by 10, the next one last.
    drops: Vec<f64>,
}

impl Rate {
    pub fn new(start: f64, drops: &[f64]) -> Self {
        let mut drops = drops.to_vec();
        drops.sort_by(|a, b| b.total_cmp(a));
        Self { current: start, drops }
    }

    /// Rate of an update made when `epoch` epochs have gone by. Epochs must not go backwards.
    pub fn at(&mut self, epoch: f64) -> f64 {
        while self.drops.last().is_some_and(|&drop| epoch >= drop) {
            self.drops.pop();
            self.current /= 10.0;
        }
        self.current
    }

    /// Sets the rate by hand; planned divisions still follow.
    pub fn set(&mut self, rate: f64) {
        self.current = rate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divides_at_each_planned_epoch_once() {
        let mut rate = Rate::new(1.0, &[8.0, 2.0]);
        assert_eq!([rate.at(0.0), rate.at(1.99), rate.at(2.0), rate.at(7.0)], [1.0, 1.0, 0.1, 0.1]);
        assert!((rate.at(9.0) - 0.01).abs() < 1e-15);
    }

    #[test]
    fn a_rate_set_by_hand_stays_until_the_next_division() {
        let mut rate = Rate::new(1.0, &[2.0]);
        rate.set(0.5);
        assert_eq!([rate.at(1.0), rate.at(2.0)], [0.5, 0.05]);
    }
}
