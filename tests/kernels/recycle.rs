//! Memory that is used again must not show in any result.

use alexnet_lab::kernels::{
    ConvConfig, LrnConfig, MaxPoolConfig, Recycling, convolve, linear, lrn, max_pool2d,
};
use burn::tensor::{Device, Tensor, TensorData};

use super::random;

/// Large enough for every map and gradient to be kept: more than a million values.
const SIDE: usize = 520;

/// The result of a small network and all its gradients, as bits. A stride over the kernel leaves pixels that nothing
/// sees, whose gradient must be 0.
fn pass(x: &[f32]) -> Vec<u32> {
    let device = Device::flex().autodiff();
    let leaf = |values: &[f32]| {
        let data = TensorData::new(values.to_vec(), [values.len()]);
        Tensor::<1>::from_data(data, &device).require_grad()
    };
    let sparse = ConvConfig {
        out: 4,
        kernel: 1,
        stride: 2,
        vertical: [0, 0],
        horizontal: [0, 0],
        groups: 1,
        relu: true,
    };
    let wide = ConvConfig { stride: 1, out: 5, ..sparse };
    let norm = LrnConfig { size: 5, alpha: 1e-4, beta: 0.75, k: 2.0, groups: 1 };
    let windows = MaxPoolConfig { kernel: [3, 3], stride: [2, 2], padding: [0, 0], ceil: false };

    let x = leaf(x);
    let [wide_weight, sparse_weight, dense] =
        [wide.weights(4), sparse.weights(5), 1024 * 1024].map(|count| leaf(&random(count, 700)));
    let bias = |count: usize| Tensor::<1>::zeros([count], &device);
    let map = convolve(x.clone().reshape([1, 4, SIDE, SIDE]), wide_weight.clone(), bias(5), wide);
    let map = lrn(map, norm);
    let pooled = max_pool2d(map.clone(), windows);
    let seen = convolve(map, sparse_weight.clone(), bias(4), sparse);
    let flat = pooled.flatten::<1>(0, 3).narrow(0, 0, 2048).reshape([2, 1024]);
    let scores = linear(flat, dense.clone(), bias(1024), true);
    let loss = (scores.clone() * scores).sum() + (seen.clone() * seen).sum();
    let gradients = loss.backward();
    let gradient = |leaf: &Tensor<1>| leaf.grad(&gradients).expect("every leaf is tracked");
    let all = [&x, &wide_weight, &sparse_weight, &dense].map(gradient);
    let values =
        all.into_iter().flat_map(|values| values.into_data().try_to_vec::<f32>().expect("32-bit floats"));
    values.map(f32::to_bits).collect()
}

#[test]
fn what_is_used_again_leaves_no_trace() {
    let (one, other) = (random(4 * SIDE * SIDE, 701), random(4 * SIDE * SIDE, 702));
    let want = [pass(&one), pass(&other)];
    assert!(want[0] != want[1]);
    let recycling = Recycling::begin();
    // In turns, so that what is left behind is of other values.
    for turn in 0..2 {
        assert!(pass(&one) == want[0], "the first, turn {turn}");
        assert!(pass(&other) == want[1], "the second, turn {turn}");
    }
    drop(recycling);
    assert!(pass(&one) == want[0], "afterwards");
}
