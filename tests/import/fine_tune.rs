//! A network that is to learn other classes keeps all but its last layer.

use alexnet_lab::model::{LayerKind, ModelFile, Shapes};

use super::{fixture, open};

fn model() -> ModelFile {
    ModelFile { step: 7, ..open(&fixture("narrow-zip.pth")).file }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("flower {index}")).collect()
}

#[test]
fn the_same_classes_keep_everything() {
    let before = model();
    let start = before.clone().fine_tune(&before.classes, 1).unwrap();
    assert_eq!(start.replaced, None);
    assert_eq!(start.file, ModelFile { step: 0, ..before });
}

#[test]
fn other_classes_get_a_fresh_last_layer() {
    let before = model();
    let start = before.clone().fine_tune(&names(200), 1).unwrap();
    assert_eq!(start.replaced.as_deref(), Some("fc8"));
    let after = start.file;
    let shapes = Shapes::of(&after.spec).unwrap();
    assert_eq!((shapes.classes, after.classes.len()), (200, 200));
    assert_eq!((&after.mean, after.spec.input), (&before.mean, before.spec.input));
    let kept = before.weights.len() - 2;
    assert_eq!(after.weights[..kept], before.weights[..kept]);
    assert_eq!(
        after.spec.layers[..after.spec.layers.len() - 1],
        before.spec.layers[..before.spec.layers.len() - 1]
    );

    // A tenth of He's deviation for 20 inputs that inverted dropout does not touch: fc8 follows a neuron.
    let [weights, biases] = &after.weights[kept..] else { panic!("one weight and one bias") };
    let mean = weights.iter().sum::<f32>() / weights.len() as f32;
    let deviation = (weights.iter().map(|w| (w - mean).powi(2)).sum::<f32>() / weights.len() as f32).sqrt();
    let wanted = 0.1 * (2.0_f32 / 20.0).sqrt();
    assert_eq!(weights.len(), 4000);
    assert!((deviation / wanted - 1.0).abs() < 0.06, "{deviation} instead of {wanted}");
    assert!(biases.iter().all(|bias| *bias == 0.0));

    let again = before.clone().fine_tune(&names(200), 1).unwrap().file;
    assert_eq!(again, after, "the same seed gives the same start");
    let other = before.fine_tune(&names(200), 2).unwrap().file;
    assert_ne!(other.weights[kept], after.weights[kept]);
}

#[test]
fn an_input_of_plain_pixels_stays_one() {
    let before = open(&fixture("v1.caffemodel")).file;
    let after = before.clone().fine_tune(&names(3), 1).unwrap().file;
    assert_eq!(after.spec.input.scale, [1.0; 3]);
    assert_eq!(after.spec.layers[0], before.spec.layers[0]);
    let Some(LayerKind::Linear { out: 3, .. }) = after.spec.layers.last().map(|layer| &layer.kind) else {
        panic!("the last layer has three outputs")
    };
}
