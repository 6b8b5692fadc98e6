//! Response normalisation over a window of the same map, forward and backward: `rnorm` in the author's files, a
//! layer of the AlexNet that he ran (after the second normalisation) and of his CIFAR network with 18 % error.
//!
//! With S = k + alpha * sum of x^2 over the size x size window around a pixel, zeros outside the map, the
//! output is x * S^-beta. alpha multiplies the plain sum; the author's files divide theirs by size^2.

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
use super::host::{from_values, values};
use super::launch::{Shader, Word, empty_like, launch};
use super::response::{check_constants, inverse_power_in_wgsl};

/// The constants of S = k + alpha * (sum of squares over the window).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpatialNormConfig {
    /// Side of the square window in pixels, odd. It may be larger than the map.
    pub size: usize,
    /// Multiplies the plain sum of squares.
    pub alpha: f32,
    pub beta: f32,
    pub k: f32,
}

impl SpatialNormConfig {
    /// Whether these constants can normalise.
    ///
    /// # Errors
    /// The first constant that is out of range.
    pub fn check(&self) -> Result<(), KernelError> {
        let fail = |reason| Err(KernelError { operation: "spatial response normalisation", reason });
        let Self { size, alpha, beta, k } = *self;
        if size.is_multiple_of(2) {
            return fail(format!(
                "the window has a side of {size} pixels, but it must be odd to have a centre"
            ));
        }
        check_constants(alpha, beta, k).or_else(fail)
    }

    /// Pixels of the window on each side of its centre that a map of this size can have.
    fn radius(&self, [height, width]: [usize; 2]) -> usize {
        (self.size / 2).min(height.max(width))
    }
}

/// Normalises each map of `x` (`[N, C, H, W]`) by itself; the result has the same shape.
///
/// # Panics
/// When [`SpatialNormConfig::check`] fails, or `x` is not of 32-bit floats.
pub fn spatial_norm(x: Tensor<4>, config: SpatialNormConfig) -> Tensor<4> {
    if let Err(error) = config.check() {
        panic!("{error}");
    }
    Tensor::from_dispatch(<Dispatch as SpatialNormOps>::spatial_norm(x.into_dispatch(), config))
}

/// Spatial response normalisation as a backend has it; shapes as in [`spatial_norm`].
#[backend_extension(Cube, Flex, Autodiff)]
pub trait SpatialNormOps: Backend {
    fn spatial_norm(x: FloatTensor<Self>, config: SpatialNormConfig) -> FloatTensor<Self>;

    /// The gradient of the input `x`, given the gradient of the output.
    fn spatial_norm_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        config: SpatialNormConfig,
    ) -> FloatTensor<Self>;
}

impl<B: SpatialNormOps, C: CheckpointStrategy> SpatialNormOps for Autodiff<B, C> {
    fn spatial_norm(x: FloatTensor<Self>, config: SpatialNormConfig) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct SpatialNormBackward;

        impl<B: SpatialNormOps> Backward<B, 1> for SpatialNormBackward {
            type State = (FloatTensor<B>, SpatialNormConfig);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let (x, config) = ops.state;
                unary::<B, _>(ops.parents, ops.node, grads, |grad| B::spatial_norm_backward(x, grad, config));
            }
        }

        let (x, node) = x.into_parts();
        match SpatialNormBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x.clone(), config), B::spatial_norm(x, config)),
            OpsKind::UnTracked(prep) => prep.finish(B::spatial_norm(x, config)),
        }
    }

    fn spatial_norm_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        config: SpatialNormConfig,
    ) -> FloatTensor<Self> {
        // A gradient of the gradient is never asked for: the result is a constant of the graph.
        FloatTensor::<Self>::new(B::spatial_norm_backward(x.into_primitive(), grad.into_primitive(), config))
    }
}

impl SpatialNormOps for Flex {
    fn spatial_norm(x: FlexTensor, config: SpatialNormConfig) -> FlexTensor {
        let y = cpu::forward(values(&x.to_contiguous()), height_and_width(&x), &config);
        from_values(y, x.shape())
    }

    fn spatial_norm_backward(x: FlexTensor, grad: FlexTensor, config: SpatialNormConfig) -> FlexTensor {
        let (contiguous, grad) = (x.to_contiguous(), grad.to_contiguous());
        let dx = cpu::backward(values(&contiguous), values(&grad), height_and_width(&x), &config);
        from_values(dx, x.shape())
    }
}

impl SpatialNormOps for CubeBackend {
    fn spatial_norm(x: CubeTensor, config: SpatialNormConfig) -> CubeTensor {
        let x = into_contiguous(x);
        let y = empty_like(&x, x.shape(), x.dtype);
        let threads = x.shape().num_elements();
        launch(forward_shader(&config), &[&x], &[&y], &params(&x, &config), threads);
        y
    }

    fn spatial_norm_backward(x: CubeTensor, grad: CubeTensor, config: SpatialNormConfig) -> CubeTensor {
        let (x, grad) = (into_contiguous(x), into_contiguous(grad));
        let params = params(&x, &config);
        let threads = x.shape().num_elements();
        let terms = empty_like(&x, x.shape(), x.dtype);
        launch(terms_shader(&config), &[&x, &grad], &[&terms], &params, threads);
        let dx = empty_like(&x, x.shape(), x.dtype);
        launch(backward_shader(&config), &[&x, &grad, &terms], &[&dx], &params, threads);
        dx
    }
}

/// The uniform of the shaders after its first two words.
fn params(x: &CubeTensor, config: &SpatialNormConfig) -> [Word; 7] {
    let size = height_and_width(x);
    let [height, width, radius] = [size[0], size[1], config.radius(size)].map(Word::Size);
    let SpatialNormConfig { alpha, beta, k, .. } = *config;
    let [alpha, beta, k, two_alpha_beta] = [alpha, beta, k, 2.0 * alpha * beta].map(Word::Float);
    [height, width, radius, alpha, beta, k, two_alpha_beta]
}

fn forward_shader(config: &SpatialNormConfig) -> Shader {
    let template = concat!(
        include_str!("../../shaders/spatial_norm_forward.wgsl"),
        include_str!("../../shaders/spatial_norm_window.wgsl")
    );
    with_power(Shader::new("spatial_norm_forward", template), config)
}

fn terms_shader(config: &SpatialNormConfig) -> Shader {
    let template = concat!(
        include_str!("../../shaders/spatial_norm_terms.wgsl"),
        include_str!("../../shaders/spatial_norm_window.wgsl")
    );
    with_power(Shader::new("spatial_norm_terms", template), config)
}

fn backward_shader(config: &SpatialNormConfig) -> Shader {
    let template = concat!(
        include_str!("../../shaders/spatial_norm_backward.wgsl"),
        include_str!("../../shaders/spatial_norm_window.wgsl")
    );
    with_power(Shader::new("spatial_norm_backward", template), config)
}

fn with_power(shader: Shader, config: &SpatialNormConfig) -> Shader {
    shader.with("inverse_power", inverse_power_in_wgsl(config.beta))
}

fn height_and_width(x: &impl TensorMetadata) -> [usize; 2] {
    let shape = x.shape();
    [shape[2], shape[3]]
}

/// The shaders with the author's exponent and with another.
pub(super) fn shaders() -> Vec<Shader> {
    [0.75, 0.5]
        .map(|beta| SpatialNormConfig { size: 3, alpha: 1e-4, beta, k: 1.0 })
        .iter()
        .flat_map(|config| [forward_shader(config), terms_shader(config), backward_shader(config)])
        .collect()
}
