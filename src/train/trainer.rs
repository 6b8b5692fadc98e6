//! One update at a time: forward, loss, backward, update.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};

use super::sgd::Sgd;
use super::tally::Tally;
use crate::data::HostBatch;
use crate::model::{DropoutSeed, Input, Mode, Network, Pass, to_host};

/// A network that learns.
pub struct Trainer {
    network: Network,
    input: Input,
    sgd: Sgd,
    /// Seed of the run, for dropout.
    seed: u64,
    /// Pictures of one pass.
    micro_batch: usize,
    /// Updates made so far.
    step: u64,
    /// The last update's logits, read one update late so that the device never waits for the host.
    unread: Option<Unread>,
}

/// Scores of an update that are still on the device.
struct Unread {
    step: u64,
    rate: f64,
    passes: Vec<(Tensor<2>, Vec<u32>)>,
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
    pub fn new(network: Network, input: Input, sgd: Sgd, seed: u64, micro_batch: usize) -> Self {
        Self { network, input, sgd, seed, micro_batch: micro_batch.max(1), step: 0, unread: None }
    }

    pub fn network(&self) -> &Network {
        &self.network
    }

    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Updates made so far.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Gives the network back, for predictions after the run.
    pub fn into_network(self) -> (Network, Input) {
        (self.network, self.input)
    }

    /// Makes one update from a batch: the sum of as many passes as it takes, with the same gradient.
    /// `between` is asked before each pass.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn update(
        &mut self,
        batch: &HostBatch,
        rate: f64,
        mut between: impl FnMut(&Network, &Input) -> Between,
    ) -> Result<Outcome, String> {
        let picture = self.input.mean().len();
        let mut gradients: Option<Vec<Tensor<1>>> = None;
        let mut passes = Vec::new();
        let mut first_row = 0;
        for (pixels, labels) in
            batch.pixels.chunks(picture * self.micro_batch).zip(batch.labels.chunks(self.micro_batch))
        {
            if between(&self.network, &self.input) == Between::Abandon {
                return Ok(Outcome::Abandoned);
            }
            let (logits, pass, statistics) = self.pass(pixels, labels, first_row, batch.labels.len());
            self.network.absorb(statistics);
            gradients = Some(match gradients {
                None => pass,
                Some(sums) => sums.into_iter().zip(pass).map(|(sum, new)| sum + new).collect(),
            });
            passes.push((logits, labels.to_vec()));
            first_row += labels.len();
        }
        let earlier = self.figures()?;
        if let Some(gradients) = gradients {
            self.sgd.update(self.network.weights_mut(), gradients, rate);
        }
        self.step += 1;
        self.unread = Some(Unread { step: self.step, rate, passes });
        Ok(Outcome::Made(earlier))
    }

    /// Figures of the last update, if they have not been read yet. Waits for the device.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn figures(&mut self) -> Result<Option<StepResult>, String> {
        let Some(unread) = self.unread.take() else { return Ok(None) };
        let mut tally = Tally::default();
        for (logits, labels) in unread.passes {
            tally.add(&to_host(logits)?, &labels);
        }
        Ok(Some(StepResult { step: unread.step, rate: unread.rate, tally }))
    }

    /// Logits `[n, classes]` of some of a batch's pictures, their part of the batch's mean gradient, and what
    /// batch normalisations measured.
    fn pass(
        &self,
        pixels: &[u8],
        labels: &[u32],
        first_row: usize,
        batch: usize,
    ) -> (Tensor<2>, Vec<Tensor<1>>, Vec<(usize, Tensor<1>)>) {
        let device = self.network.device();
        let leaves: Vec<Tensor<1>> =
            self.network.weights().iter().map(|w| w.clone().autodiff().require_grad()).collect();
        let pictures = self.input.upload(pixels, device).autodiff();
        let mode = Mode::Training(DropoutSeed { seed: self.seed, step: self.step, first_row });
        let Pass { logits, statistics } = self.network.forward(&leaves, pictures, mode);
        let scores = logits.clone().inner();

        let labels: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
        let shape = [labels.len(), 1];
        let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, shape), &logits.device());
        // Mean over the whole batch of -log p(correct class) (section 3.5).
        let loss = log_softmax(logits, 1).gather(1, labels).sum() * (-1.0 / batch as f64);
        let mut gradients = loss.backward();
        let gradients = leaves
            .iter()
            .map(|leaf| leaf.grad_remove(&mut gradients).unwrap_or_else(|| leaf.clone().inner().zeros_like()))
            .collect();
        (scores, gradients, statistics)
    }
}
