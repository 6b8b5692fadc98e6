//! The update with momentum.

use super::layer::{flat, plain};
use super::{devices, random};
use crate::support::assert_close;
use alexnet_lab::kernels::{Momentum, momentum_update};

const NUMBERS: Momentum = Momentum { rate: 0.25, decay: 0.125, momentum: 0.75 };

#[test]
fn follows_the_rule_and_leaves_tensors_alone_that_others_hold() {
    for count in [1, 63, 65, 40_000] {
        let [w, g, v] = [1, 2, 3].map(|seed| random(count, 410 + seed));
        let velocity: Vec<f64> = (0..count)
            .map(|i| 0.75 * f64::from(v[i]) - 0.25 * f64::from(g[i]) - 0.125 * f64::from(w[i]))
            .collect();
        let weight: Vec<f64> = velocity.iter().zip(&w).map(|(v, &w)| v + f64::from(w)).collect();
        for (name, device) in devices() {
            let [first, gradient, old] = [&w, &g, &v].map(|values| flat(values, &device));
            let (held, old_held) = (first.clone(), old.clone());
            let (new, changed) = momentum_update(first, gradient.clone(), old, NUMBERS);
            assert_close(&format!("{name} {count} weight"), &plain(new), &weight, 1e-6, 1e-6);
            assert_close(&format!("{name} {count} velocity"), &plain(changed), &velocity, 1e-6, 1e-6);
            assert_eq!(
                (plain(held), plain(old_held), plain(gradient)),
                (w.clone(), v.clone(), g.clone()),
                "{name}"
            );
        }
    }
}

#[test]
fn takes_parts_of_tensors_and_empty_ones() {
    let [w, g, v] = [1, 2, 3].map(|seed| random(100, 420 + seed));
    for (name, device) in devices() {
        let part = |values: &[f32]| flat(values, &device).narrow(0, 10, 50);
        let (new, changed) = momentum_update(part(&w), part(&g), part(&v), NUMBERS);
        let whole = momentum_update(flat(&w, &device), flat(&g, &device), flat(&v, &device), NUMBERS);
        assert_eq!(plain(new), plain(whole.0)[10..60], "{name}");
        assert_eq!(plain(changed), plain(whole.1)[10..60], "{name}");
        let none = || flat(&[], &device);
        assert_eq!(momentum_update(none(), none(), none(), NUMBERS).0.dims(), [0], "{name}");
    }
}
