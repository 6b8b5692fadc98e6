//! How many pictures make a pass that is over soon, so that a pause, a stop or the next update does not wait.

use std::time::{Duration, Instant};

/// A pass should not take longer than this, unless one picture does.
const PATIENCE: Duration = Duration::from_millis(120);

/// The size of passes. It begins with one picture and follows what the device does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacer {
    pictures: usize,
    most: usize,
}

impl Pacer {
    /// At most `most` pictures at once.
    pub fn new(most: usize) -> Self {
        Self { pictures: 1, most: most.max(1) }
    }

    /// Pictures of the next pass.
    pub fn pictures(self) -> usize {
        self.pictures
    }

    /// Measures a pass of `pictures`. Sizes are powers of two: each new size costs a card memory of its own.
    pub fn pass<T>(&mut self, pictures: usize, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let result = work();
        let took = began.elapsed().max(Duration::from_micros(1));
        let affordable = (PATIENCE.as_secs_f64() / took.as_secs_f64() * pictures as f64) as usize;
        let wanted = affordable.clamp(1, self.most).min(2 * self.pictures);
        self.pictures = 1 << wanted.ilog2();
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_grow_while_they_are_quick_and_shrink_when_they_are_not() {
        let mut pacer = Pacer::new(24);
        for expected in [1, 2, 4, 8, 16, 16] {
            assert_eq!(pacer.pictures(), expected);
            pacer.pass(expected, || ());
        }
        pacer.pass(16, || std::thread::sleep(PATIENCE * 2));
        assert!(pacer.pictures() <= 8, "{}", pacer.pictures());
    }
}
