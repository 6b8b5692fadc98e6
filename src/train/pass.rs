//! One pass: some pictures forward and backward through the network.
//!
//! A pass through a large network takes seconds on a processor. It is made on a thread of its own there, so that
//! whoever asked for it can turn to something else at once: to save and end, if the user wants that.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use burn::tensor::Tensor;
use crossbeam_channel::{RecvTimeoutError, bounded};

use crate::kernels::{CrossEntropy, abandon_when, cross_entropy};
use crate::model::{Mode, Network, Pass};
use crate::threads;

/// How often whoever waits for a pass looks around.
const LOOK: Duration = Duration::from_millis(20);

/// Everything a pass needs, to be made anywhere.
pub(super) struct PassJob {
    pub network: Network,
    /// Which parameters learn.
    pub learns: Vec<bool>,
    /// `[n, 3, side, side]`, ready for the network.
    pub pictures: Tensor<4>,
    pub labels: Vec<u32>,
    pub mode: Mode,
    /// Pictures of the whole batch.
    pub batch: usize,
}

/// What a pass came to.
pub(super) struct PassResult {
    /// Losses and places of the labels, `[n, STANDING]`.
    pub standing: Tensor<2>,
    /// Their part of the batch's mean gradient; none for what does not learn.
    pub gradients: Vec<Option<Tensor<1>>>,
    /// What batch normalisations measured.
    pub statistics: Vec<(usize, Tensor<1>)>,
}

impl PassJob {
    /// Makes the pass. Nothing is worked out backward below the lowest layer that learns.
    pub fn run(self) -> PassResult {
        let Self { network, learns, pictures, labels, mode, batch } = self;
        let leaf = |(weight, learns): (&Tensor<1>, &bool)| {
            let leaf = weight.clone().autodiff();
            if *learns { leaf.require_grad() } else { leaf }
        };
        let leaves: Vec<Tensor<1>> = network.weights().iter().zip(&learns).map(leaf).collect();
        let Pass { logits, statistics } = network.forward(&leaves, pictures.autodiff(), mode);
        // The mean over the whole batch of -log p(correct class) is made small (section 3.5).
        let CrossEntropy { losses, standing } = cross_entropy(logits, &labels, (1.0 / batch as f64) as f32);
        let standing = standing.inner();
        if !learns.contains(&true) {
            return PassResult { standing, gradients: vec![None; leaves.len()], statistics };
        }
        let mut gradients = losses.sum().backward();
        let gradient = |(leaf, learns): (&Tensor<1>, &bool)| {
            // A parameter that the loss does not depend on still decays.
            let gradient =
                || leaf.grad_remove(&mut gradients).unwrap_or_else(|| leaf.clone().inner().zeros_like());
            learns.then(gradient)
        };
        let gradients = leaves.iter().zip(&learns).map(gradient).collect();
        PassResult { standing, gradients, statistics }
    }

    /// Makes the pass on a thread of its own and asks `give_up` again and again while it lasts. Nothing if that was
    /// true; the thread then ends by itself, soon.
    ///
    /// # Errors
    /// The system has no room for another thread.
    ///
    /// # Panics
    /// When the pass does.
    pub fn run_unless(self, mut give_up: impl FnMut() -> bool) -> Result<Option<PassResult>, String> {
        let (send, result) = bounded(1);
        let abandoned = Arc::new(AtomicBool::new(false));
        let flag = abandoned.clone();
        let thread = std::thread::Builder::new().name("pass".into()).spawn(move || {
            threads::go_behind();
            abandon_when(flag);
            // The network is gone before the result is here, so that the weights have one owner again.
            let result = self.run();
            // Nobody wants it any more if the batch was given up.
            let _ = send.send(result);
        });
        let thread = thread.map_err(|e| format!("no thread can be started for the next update: {e}"))?;
        loop {
            match result.recv_timeout(LOOK) {
                Ok(result) => return Ok(Some(result)),
                Err(RecvTimeoutError::Timeout) if give_up() => {
                    abandoned.store(true, Ordering::Relaxed);
                    return Ok(None);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => match thread.join() {
                    Err(panic) => resume_unwind(panic),
                    Ok(()) => unreachable!("a pass that ends has sent its result"),
                },
            }
        }
    }
}
