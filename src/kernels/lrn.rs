//! Local response normalisation across channels (paper section 3.3), forward and backward.
//!
//! With S_i = k + alpha * sum of x_j^2 over the window of channel i, the output is x_i * S_i^-beta.
//! alpha multiplies the plain sum, as the paper prints it; libraries that divide alpha by the window size
//! need alpha * size for the same result.

mod cpu;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::{CubeBackend, CubeTensor, into_contiguous};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::KernelError;
use super::abandon::unless_abandoned;
use super::host::{from_values, values, whole};
use super::launch::{Shader, Word, empty_like, launch};
use super::recycle::give_back;
use super::response::{check_constants, inverse_power_in_wgsl};

/// Channels that one thread normalises. Longer runs read fewer values twice, shorter ones make more threads.
const SEGMENT: usize = 32;

/// The constants of S = k + alpha * (sum of squares over the window).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LrnConfig {
    /// Channels in the window. An odd window is centred; an even one has its larger half before the centre,
    /// from -size/2 to (size-1)/2, as in PyTorch. The window is clipped at the ends of a group.
    pub size: usize,
    /// Multiplies the plain sum of squares.
    pub alpha: f32,
    pub beta: f32,
    pub k: f32,
    /// Equal parts of the channels; a window never reaches into the next one. The paper's two columns are 2.
    pub groups: usize,
}

impl LrnConfig {
    /// Whether these constants can normalise `channels` channels.
    ///
    /// # Errors
    /// The first constant that is out of range.
    pub fn check(&self, channels: usize) -> Result<(), KernelError> {
        let fail = |reason| Err(KernelError { operation: "local response normalisation", reason });
        let Self { size, alpha, beta, k, groups } = *self;
        if size == 0 {
            return fail("the window must hold at least 1 channel".into());
        }
        if groups == 0 || !channels.is_multiple_of(groups) {
            return fail(format!("{channels} channels cannot be split into {groups} equal groups"));
        }
        check_constants(alpha, beta, k).or_else(fail)
    }

    /// Channels of the window before the centre.
    fn left(&self) -> usize {
        self.size / 2
    }

    /// Channels of the window after the centre.
    fn right(&self) -> usize {
        (self.size - 1) / 2
    }
}

/// Normalises `x` (`[N, C, H, W]`) across channels; the result has the same shape.
///
/// # Panics
/// When [`LrnConfig::check`] fails for the channels of `x`, or `x` is not of 32-bit floats.
pub fn lrn(x: Tensor<4>, config: LrnConfig) -> Tensor<4> {
    if let Err(error) = config.check(x.dims()[1]) {
        panic!("{error}");
    }
    Tensor::from_dispatch(<Dispatch as LrnOps>::lrn(x.into_dispatch(), config))
}

/// Local response normalisation as a backend has it; shapes as in [`lrn`].
#[backend_extension(Cube, Flex, Autodiff)]
pub trait LrnOps: Backend {
    fn lrn(x: FloatTensor<Self>, config: LrnConfig) -> FloatTensor<Self>;

    /// The gradient of the input `x`, given the gradient of the output.
    fn lrn_backward(x: FloatTensor<Self>, grad: FloatTensor<Self>, config: LrnConfig) -> FloatTensor<Self>;
}

impl<B: LrnOps, C: CheckpointStrategy> LrnOps for Autodiff<B, C> {
    fn lrn(x: FloatTensor<Self>, config: LrnConfig) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct LrnBackward;

        impl<B: LrnOps> Backward<B, 1> for LrnBackward {
            type State = (FloatTensor<B>, LrnConfig);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let (x, config) = ops.state;
                unary::<B, _>(ops.parents, ops.node, grads, |grad| B::lrn_backward(x, grad, config));
            }
        }

        let (x, node) = x.into_parts();
        match LrnBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x.clone(), config), B::lrn(x, config)),
            OpsKind::UnTracked(prep) => prep.finish(B::lrn(x, config)),
        }
    }

    fn lrn_backward(x: FloatTensor<Self>, grad: FloatTensor<Self>, config: LrnConfig) -> FloatTensor<Self> {
        // A gradient of the gradient is never asked for: the result is a constant of the graph.
        FloatTensor::<Self>::new(B::lrn_backward(x.into_primitive(), grad.into_primitive(), config))
    }
}

impl LrnOps for Flex {
    fn lrn(x: FlexTensor, config: LrnConfig) -> FlexTensor {
        let (x, planes) = host(&x, config);
        let count = x.shape().num_elements();
        let y = unless_abandoned(count, || cpu::forward(values(&x), &planes, &config));
        from_values(y, x.shape())
    }

    fn lrn_backward(x: FlexTensor, grad: FlexTensor, config: LrnConfig) -> FlexTensor {
        let (x, planes) = host(&x, config);
        let grad = whole(grad);
        let count = x.shape().num_elements();
        let dx = unless_abandoned(count, || cpu::backward(values(&x), values(&grad), &planes, &config));
        give_back(grad);
        from_values(dx, x.shape())
    }
}

/// `x` in one piece, and how its planes are arranged.
fn host(x: &FlexTensor, config: LrnConfig) -> (FlexTensor, cpu::Planes) {
    let shape = x.shape();
    let planes = cpu::Planes { channels: shape[1] / config.groups, pixels: shape[2] * shape[3] };
    (x.to_contiguous(), planes)
}

impl LrnOps for CubeBackend {
    fn lrn(x: CubeTensor, config: LrnConfig) -> CubeTensor {
        let x = into_contiguous(x);
        let y = empty_like(&x, x.shape(), x.dtype);
        let (params, threads) = params(&x, &config);
        launch(forward_shader(&config), &[&x], &[&y], &params, threads);
        y
    }

    fn lrn_backward(x: CubeTensor, grad: CubeTensor, config: LrnConfig) -> CubeTensor {
        let (x, grad) = (into_contiguous(x), into_contiguous(grad));
        let dx = empty_like(&x, x.shape(), x.dtype);
        let (mut params, threads) = params(&x, &config);
        params.push(Word::Float(2.0 * config.alpha * config.beta));
        launch(backward_shader(&config), &[&x, &grad], &[&dx], &params, threads);
        dx
    }
}

/// The uniform of both shaders after its first two words, and the number of threads.
fn params(x: &CubeTensor, config: &LrnConfig) -> (Vec<Word>, usize) {
    let shape = x.shape();
    let [batch, channels, pixels] = [shape[0], shape[1] / config.groups, shape[2] * shape[3]];
    let segments = channels.div_ceil(SEGMENT).max(1);
    // Equal segments: a short last one would leave its threads idle while the others work.
    let segment = channels.div_ceil(segments);
    let segments = channels.div_ceil(segment.max(1));
    let words = [pixels, channels, segments, segment].map(Word::Size);
    let constants = [config.alpha, config.beta, config.k].map(Word::Float);
    (words.into_iter().chain(constants).collect(), batch * config.groups * segments * pixels)
}

fn forward_shader(config: &LrnConfig) -> Shader {
    let template = include_str!("../../shaders/lrn_forward.wgsl");
    with_window(Shader::new("lrn_forward", template), config)
}

fn backward_shader(config: &LrnConfig) -> Shader {
    let terms = Registers { name: 't', count: config.size };
    let scaled = Registers { name: 'u', count: config.left() + 1 };
    let template = include_str!("../../shaders/lrn_backward.wgsl");
    with_window(Shader::new("lrn_backward", template), config)
        .with("declare_t", terms.declare())
        .with("shift_t", terms.shift())
        .with("last_t", terms.at(config.size - 1))
        .with("sum_of_t", terms.sum(|t| t))
        .with("declare_u", scaled.declare())
        .with("shift_u", scaled.shift())
        .with("last_u", scaled.at(config.left()))
}

/// The places that both shaders have.
fn with_window(shader: Shader, config: &LrnConfig) -> Shader {
    let window = Registers { name: 'x', count: config.size };
    shader
        .with("left", config.left())
        .with("right", config.right())
        .with("inverse_power", inverse_power_in_wgsl(config.beta))
        .with("declare_x", window.declare())
        .with("shift_x", window.shift())
        .with("last_x", window.at(config.size - 1))
        .with("centre_x", window.at(config.left()))
        .with("sum_of_squares", window.sum(|x| format!("{x} * {x}")))
}

/// A sliding window as WGSL variables: WGSL has no way to index registers, so that each gets a name.
struct Registers {
    name: char,
    count: usize,
}

impl Registers {
    fn at(&self, index: usize) -> String {
        format!("{}{index}", self.name)
    }

    fn declare(&self) -> String {
        self.join(" ", |register| format!("var {register} = 0.0;"))
    }

    /// Moves every value one place down and clears the last.
    fn shift(&self) -> String {
        let moves = (1..self.count).map(|index| format!("{} = {}; ", self.at(index - 1), self.at(index)));
        moves.chain([format!("{} = 0.0;", self.at(self.count - 1))]).collect()
    }

    fn sum(&self, term: impl Fn(String) -> String) -> String {
        self.join(" + ", term)
    }

    fn join(&self, separator: &str, term: impl Fn(String) -> String) -> String {
        (0..self.count).map(|index| term(self.at(index))).collect::<Vec<_>>().join(separator)
    }
}

/// Both shaders with the paper's window, a window of one channel, and an even one with another exponent.
pub(super) fn shaders() -> Vec<Shader> {
    [(5, 0.75), (1, 0.75), (4, 0.5)]
        .map(|(size, beta)| LrnConfig { size, alpha: 1e-4, beta, k: 2.0, groups: 1 })
        .iter()
        .flat_map(|config| [forward_shader(config), backward_shader(config)])
        .collect()
}
