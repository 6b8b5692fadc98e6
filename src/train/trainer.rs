//! One update at a time: forward, loss, backward, update.

use std::ops::Range;

use burn::tensor::{Tensor, TensorData};

use super::pass::{PassJob, PassResult};
use super::schedule::Rates;
use super::sgd::Sgd;
use super::tally::Tally;
use crate::data::augment::Placement;
use crate::data::{Colouring, HostBatch};
use crate::kernels::add_gradients;
use crate::model::{Crop, DropoutSeed, HostValues, Input, Mode, Network, to_host};

/// Multiply-adds forward of a pass that takes more than a tenth of a second on most processors.
const LONG_PASS: usize = 1_000_000_000;

/// A network that learns.
pub struct Trainer {
    network: Network,
    input: Input,
    /// Colour noise of the training pictures, if there is any.
    colouring: Option<Colouring>,
    sgd: Sgd,
    /// Seed of the run, for dropout.
    seed: u64,
    /// Pictures of one pass.
    micro_batch: usize,
    /// Updates made so far.
    step: u64,
    /// Whether the loss is looked at before the weights are changed.
    cautious: bool,
    /// What was wrong with the gradients of the last batch.
    gradient_trouble: Option<Trouble>,
    /// The last update's losses, read one update late so that the device never waits for the host.
    pending: Option<Pending>,
}

/// Momentum of every parameter on the host, its values held by a `W`, in the order of [`Shapes::parameters`](crate::model::Shapes); none
/// for what is at rest.
pub type Velocities<W = Vec<f32>> = Vec<Option<W>>;

/// Figures of the last update.
enum Pending {
    Unread(Unread),
    Read(StepResult),
}

/// Losses of an update that are still on the device, with the places of the labels.
struct Unread {
    step: u64,
    rate: f64,
    passes: Vec<Tensor<2>>,
}

impl Unread {
    /// Waits for the device.
    fn read(self) -> Result<StepResult, String> {
        let mut tally = Tally::default();
        for standing in self.passes {
            tally.add_standing(&to_host(standing)?);
        }
        Ok(StepResult { step: self.step, rate: self.rate, tally })
    }
}

/// Whether to go on with the passes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    Continue,
    /// Forget the batch; the weights stay as they are.
    Abandon,
}

/// How an update went.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was made. Figures of an earlier update may have become available.
    Made(Option<StepResult>),
    Abandoned,
    /// Only of a [cautious](Trainer::set_cautious) trainer: the loss or a gradient is no finite number, and the
    /// weights were left as they are. Figures of an earlier update may have become available.
    Diverged(Option<StepResult>, StepResult),
}

/// Where a loss that is no number comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The first parameters, in the order of the layers, that hold values that are no finite numbers.
    Weights(String),
    /// All weights are finite, but the output of this layer, the first such one, is not.
    Output(String),
    /// Weights and outputs are finite, but the gradient of these parameters, the first such ones on the way back
    /// from the output, is not. Only a [cautious](Trainer::set_cautious) trainer sees it.
    Gradient(String),
}

/// Figures of one update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepResult {
    /// Updates made, this one included.
    pub step: u64,
    pub rate: f64,
    pub tally: Tally,
}

impl Trainer {
    /// At most `micro_batch` pictures pass through the network at once; fewer if a card could not take them.
    pub fn new(network: Network, input: Input, sgd: Sgd, seed: u64, micro_batch: usize) -> Self {
        let micro_batch = micro_batch.clamp(1, input.most_at_once());
        Self {
            network,
            input,
            colouring: None,
            sgd,
            seed,
            micro_batch,
            step: 0,
            cautious: false,
            gradient_trouble: None,
            pending: None,
        }
    }

    /// Looks at the loss and the gradients of every batch before an update is made from them, so that what is no
    /// number never reaches the weights. It waits for the device each time, which costs nothing where that is the processor.
    pub fn set_cautious(&mut self) {
        self.cautious = true;
    }

    /// Whether [`Self::set_cautious`] was called.
    pub fn is_cautious(&self) -> bool {
        self.cautious
    }

    /// Goes on after `step` updates with the momentum of that moment. The network already has its weights.
    pub fn take_up(&mut self, step: u64, velocities: Velocities) {
        let device = self.network.device().clone();
        let tensor = |values: Vec<f32>| {
            let shape = [values.len()];
            Tensor::from_data(TensorData::new(values, shape), &device)
        };
        self.step = step;
        self.sgd.set_velocities(velocities.into_iter().map(|values| values.map(tensor)).collect());
    }

    /// Puts other weights in place of those of the network.
    pub fn set_weights(&mut self, weights: &[Vec<f32>]) {
        let device = self.network.device().clone();
        for (place, values) in self.network.weights_mut().iter_mut().zip(weights) {
            *place = Tensor::from_data(TensorData::new(values.clone(), [values.len()]), &device);
        }
    }

    /// The momentum on the host.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn velocities(&self) -> Result<Velocities<HostValues>, String> {
        self.sgd.velocities().into_iter().map(|velocity| velocity.map(HostValues::of).transpose()).collect()
    }

    /// Where the loss of `batch`, which is no number, comes from. None: it cannot be seen any more.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn trouble(&self, batch: &HostBatch) -> Result<Option<Trouble>, String> {
        if self.gradient_trouble.is_some() {
            return Ok(self.gradient_trouble.clone());
        }
        for (weights, shape) in self.network.weights().iter().zip(&self.network.shapes().parameters) {
            if to_host(weights.clone())?.iter().any(|value| !value.is_finite()) {
                return Ok(Some(Trouble::Weights(shape.name.clone())));
            }
        }
        let squares = batch.pixels.chunks(self.square() * self.micro_batch);
        for (pass, squares) in squares.enumerate() {
            let first_row = pass * self.micro_batch;
            let last_row = (first_row + self.micro_batch).min(batch.labels.len());
            let mode = Mode::Training(DropoutSeed { seed: self.seed, step: self.step, first_row });
            let pictures = self.feed(squares, batch, first_row..last_row);
            if let Some(layer) = self.network.first_not_finite(pictures, mode)? {
                return Ok(Some(Trouble::Output(layer.into())));
            }
        }
        Ok(None)
    }

    /// The parameters nearest to the output whose gradient is not finite.
    fn trouble_of(&self, gradients: &[Option<Tensor<1>>]) -> Result<Option<Trouble>, String> {
        let named = gradients.iter().zip(&self.network.shapes().parameters).rev();
        for (gradient, shape) in named {
            let Some(gradient) = gradient else { continue };
            // One number tells of nearly all gradients that they are sound; a sum may overflow by itself.
            let suspicious = !to_host(gradient.clone().sum())?.iter().all(|sum| sum.is_finite());
            if suspicious && !to_host(gradient.clone())?.iter().all(|value| value.is_finite()) {
                return Ok(Some(Trouble::Gradient(shape.name.clone())));
            }
        }
        Ok(None)
    }

    /// Sets the colour noise from the next update on. It needs batches that come with draws for it
    /// ([`HostBatch::colour`]).
    pub fn set_colouring(&mut self, colouring: Option<Colouring>) {
        self.colouring = colouring;
    }

    /// Changes the strength of the colour noise from the next update on. False: there is no colour noise.
    pub fn set_colour_strength(&mut self, strength: f64) -> bool {
        let Some(colouring) = &mut self.colouring else { return false };
        colouring.strength = strength;
        true
    }

    pub fn network(&self) -> &Network {
        &self.network
    }

    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Bytes of a stored picture.
    fn square(&self) -> usize {
        3 * self.input.spec().stored_side.pow(2)
    }

    /// Pictures that pass through the network at once.
    pub fn micro_batch(&self) -> usize {
        self.micro_batch
    }

    /// Updates made so far.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Gives the network back, for predictions after the run.
    pub fn into_network(self) -> (Network, Input) {
        (self.network, self.input)
    }

    /// Makes one update from a batch: the sum of as many passes as it takes, with the same gradient
    /// (batch normalisation measures each pass alone).
    /// `between` is asked before each pass, and during those that take long.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn update(
        &mut self,
        batch: &HostBatch,
        rates: impl Into<Rates>,
        mut between: impl FnMut(&Network, &Input) -> Between,
    ) -> Result<Outcome, String> {
        let rates = rates.into();
        let mut gradients: Option<Vec<Option<Tensor<1>>>> = None;
        let mut passes = Vec::new();
        let mut measured = Vec::new();
        let mut first_row = 0;
        let squares = batch.pixels.chunks(self.square() * self.micro_batch);
        for (squares, labels) in squares.zip(batch.labels.chunks(self.micro_batch)) {
            let mut give_up = || between(&self.network, &self.input) == Between::Abandon;
            if give_up() {
                return Ok(Outcome::Abandoned);
            }
            let job = self.job(squares, batch, first_row..first_row + labels.len());
            let made = if self.is_long(labels.len()) { job.run_unless(give_up)? } else { Some(job.run()) };
            let Some(PassResult { standing, gradients: pass, statistics }) = made else {
                return Ok(Outcome::Abandoned);
            };
            measured.push(statistics);
            gradients = Some(match gradients {
                None => pass,
                Some(sums) => {
                    sums.into_iter().zip(pass).map(|(sum, new)| Some(add_gradients(sum?, new?))).collect()
                }
            });
            passes.push(standing);
            first_row += labels.len();
        }
        let earlier = self.figures()?;
        let unread = Unread { step: self.step + 1, rate: rates.weights, passes };
        let pending = if self.cautious { Pending::Read(unread.read()?) } else { Pending::Unread(unread) };
        if let Pending::Read(result) = pending
            && !result.tally.loss().is_finite()
        {
            return Ok(Outcome::Diverged(earlier, result));
        }
        if let (Pending::Read(result), Some(gradients)) = (&pending, &gradients) {
            self.gradient_trouble = self.trouble_of(gradients)?;
            if self.gradient_trouble.is_some() {
                return Ok(Outcome::Diverged(earlier, *result));
            }
        }
        // Only now: a batch that is given up leaves the running means alone, too.
        for statistics in measured {
            let moving = |(index, _): &(usize, _)| !self.sgd.frozen(*index);
            self.network.absorb(statistics.into_iter().filter(moving).collect());
        }
        if let Some(gradients) = gradients {
            self.sgd.update(self.network.weights_mut(), gradients, rates);
        }
        self.step += 1;
        self.pending = Some(pending);
        Ok(Outcome::Made(earlier))
    }

    /// Figures of the last update, if they have not been read yet. Waits for the device.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn figures(&mut self) -> Result<Option<StepResult>, String> {
        match self.pending.take() {
            None => Ok(None),
            Some(Pending::Read(result)) => Ok(Some(result)),
            Some(Pending::Unread(unread)) => unread.read().map(Some),
        }
    }

    /// Some of a batch's pictures `[n, 3, side, side]` on the device: their crops, with the colour noise as strong
    /// as it is now. `squares` are their pixels.
    fn feed(&self, squares: &[u8], batch: &HostBatch, rows: Range<usize>) -> Tensor<4> {
        let shift = |row: usize| match &self.colouring {
            Some(colouring) => {
                let draws = batch.colour.get(row);
                colouring.shift(*draws.expect("a run with colour noise has batches with draws for it"))
            }
            None => [0.0; 3],
        };
        let crop = |(picture, row): (usize, usize)| {
            let Placement { left, top, flip } = batch.placements[row];
            Crop { picture, left, top, flip, shift: shift(row) }
        };
        let crops: Vec<Crop> = rows.enumerate().map(crop).collect();
        let divisor = self.colouring.as_ref().map_or(1.0, Colouring::divisor);
        self.input.upload_crops(squares, &crops, divisor, self.network.device())
    }

    /// Lets a layer, by its index in the spec, learn at a multiple of the rate; at 0 it is frozen.
    pub fn set_layer_scale(&mut self, layer: usize, scale: f64) {
        self.sgd.set_layer_scale(layer, scale);
    }

    /// Some of a batch's pictures, to be passed through the network.
    fn job(&self, squares: &[u8], batch: &HostBatch, rows: Range<usize>) -> PassJob {
        PassJob {
            learns: (0..self.network.weights().len()).map(|index| self.sgd.learns(index)).collect(),
            pictures: self.feed(squares, batch, rows.clone()),
            labels: batch.labels[rows.clone()].to_vec(),
            mode: Mode::Training(DropoutSeed { seed: self.seed, step: self.step, first_row: rows.start }),
            batch: batch.labels.len(),
            network: self.network.clone(),
        }
    }

    /// Whether a pass of so many pictures is so long that nobody should have to wait for its end.
    fn is_long(&self, pictures: usize) -> bool {
        self.cautious && self.network.shapes().multiply_adds().saturating_mul(pictures) > LONG_PASS
    }
}
