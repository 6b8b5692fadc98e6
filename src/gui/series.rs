//! One quantity over a run, held so that drawing it never gets slower.
//!
//! A run can have a million updates and a plot has a thousand columns of pixels. Every point is kept, and above
//! them stands a pyramid: each bin of a level covers [`FACTOR`] times as many points as one of the level below, and
//! remembers the lowest and the highest of them, so that a spike is never lost. A plot takes from the level that has
//! about as many bins as it has columns, of the part of the run that is in view.

/// Points, or bins of the level below, that go into one bin.
const FACTOR: usize = 4;

/// Some neighbouring points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Position and value of the lowest point.
    pub low: [f64; 2],
    /// Position and value of the highest point.
    pub high: [f64; 2],
    /// Position of the last point and the running mean there.
    pub smooth: [f64; 2],
}

impl Bin {
    fn take(&mut self, later: &Self) {
        if later.low[1] < self.low[1] {
            self.low = later.low;
        }
        if later.high[1] > self.high[1] {
            self.high = later.high;
        }
        self.smooth = later.smooth;
    }
}

/// The quantity.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Positions of the points, rising.
    places: Vec<f64>,
    values: Vec<f32>,
    smooth: Vec<f32>,
    /// Level `k` holds bins of `FACTOR^(k + 1)` points; the last bin of each may still be filling.
    levels: Vec<Vec<Bin>>,
    /// Weighted sum of the values and sum of the weights of the running mean.
    mean: (f64, f64),
}

impl Series {
    /// Adds a point, which must not lie before the last. `keep` is the share of the running mean that earlier
    /// points hold, 0 to 1. A value that is not a number is left out: a plot cannot show it.
    pub fn push(&mut self, place: f64, value: f64, keep: f64) {
        if !place.is_finite() || !value.is_finite() {
            return;
        }
        self.mean = (self.mean.0 * keep + value * (1.0 - keep), self.mean.1 * keep + (1.0 - keep));
        let smooth = if self.mean.1 > 0.0 { self.mean.0 / self.mean.1 } else { value };
        let number = self.values.len();
        self.places.push(place);
        self.values.push(value as f32);
        self.smooth.push(smooth as f32);
        let point = self.point(number);
        let mut size = FACTOR;
        for level in &mut self.levels {
            if number.is_multiple_of(size) {
                level.push(point);
            } else if let Some(bin) = level.last_mut() {
                bin.take(&point);
            }
            size *= FACTOR;
        }
        // A level above the top one, as soon as that has two bins of its own.
        if number == size / FACTOR {
            let below: Vec<Bin> = match self.levels.last() {
                Some(level) => level.clone(),
                None => (0..=number).map(|number| self.point(number)).collect(),
            };
            self.levels.push(below.chunks(FACTOR).map(merged).collect());
        }
    }

    fn point(&self, number: usize) -> Bin {
        let place = self.places[number];
        let at = [place, f64::from(self.values[number])];
        Bin { low: at, high: at, smooth: [place, f64::from(self.smooth[number])] }
    }

    /// Bins that cover `from..=to` with a point more on both sides, about one to four for each of `columns`.
    pub fn view(&self, from: f64, to: f64, columns: usize) -> Vec<Bin> {
        let first = self.places.partition_point(|&place| place < from).saturating_sub(1);
        let last = (self.places.partition_point(|&place| place <= to) + 1).min(self.places.len());
        let count = last.saturating_sub(first);
        let mut size = 1;
        let mut level = 0;
        while count / size > columns.max(1) * FACTOR && level < self.levels.len() {
            level += 1;
            size *= FACTOR;
        }
        if level == 0 {
            return (first..last).map(|number| self.point(number)).collect();
        }
        let bins = &self.levels[level - 1];
        bins[first / size..last.div_ceil(size).min(bins.len())].to_vec()
    }

    /// The last point as it was measured.
    pub fn last(&self) -> Option<[f64; 2]> {
        let last = self.values.len().checked_sub(1)?;
        Some([self.places[last], f64::from(self.values[last])])
    }

    /// The running mean after the last point.
    pub fn last_smooth(&self) -> Option<f64> {
        self.smooth.last().map(|&value| f64::from(value))
    }

    /// Position, value and running mean of the point nearest to a position.
    pub fn near(&self, place: f64) -> Option<[f64; 3]> {
        let after = self.places.partition_point(|&other| other < place);
        let before = after.saturating_sub(1);
        let nearest = [before, after]
            .into_iter()
            .filter(|&n| n < self.places.len())
            .min_by(|&a, &b| (self.places[a] - place).abs().total_cmp(&(self.places[b] - place).abs()))?;
        let point = self.point(nearest);
        Some([point.low[0], point.low[1], point.smooth[1]])
    }

    /// Every measured value, oldest first.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

fn merged(bins: &[Bin]) -> Bin {
    let mut all = bins[0];
    bins[1..].iter().for_each(|bin| all.take(bin));
    all
}

/// The measured values of bins: lowest and highest of each, in order of position.
pub fn raw(bins: &[Bin]) -> Vec<[f64; 2]> {
    let mut points = Vec::with_capacity(bins.len() * 2);
    for bin in bins {
        if bin.low[0] == bin.high[0] {
            points.push(bin.low);
        } else if bin.low[0] < bin.high[0] {
            points.extend([bin.low, bin.high]);
        } else {
            points.extend([bin.high, bin.low]);
        }
    }
    points
}

/// The running means of bins.
pub fn smoothed(bins: &[Bin]) -> Vec<[f64; 2]> {
    bins.iter().map(|bin| bin.smooth).collect()
}
