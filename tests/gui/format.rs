//! Numbers and messages as people read them.

use alexnet_lab::gui::format::{duration, figures, loss, pace, percent, sentence, shortened};

#[test]
fn numbers_read_well() {
    let durations =
        [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200.0, "3 min 20 s"), (7500.0, "2 h 5 min")];
    for (seconds, text) in durations {
        assert_eq!(duration(seconds), text);
    }
    for unknown in [f64::NAN, f64::INFINITY, -1.0] {
        assert_eq!(duration(unknown), "unknown");
    }
    assert_eq!(percent(0.0834), "8.3 %");
    assert_eq!((pace(3.26), pace(123.4)), ("3.3 images/s".into(), "123 images/s".into()));
    let values = [
        (0.0, "0"),
        (0.01, "0.01"),
        (0.0005, "0.0005"),
        (2.304_585, "2.3"),
        (0.123_456, "0.123"),
        (1234.5, "1234"),
        (6.877_79e36, "6.88e36"),
        (-2e7, "-2e7"),
    ];
    for (value, text) in values {
        assert_eq!(figures(value), text);
    }
    assert_eq!(figures(f64::NAN), "NaN");
    // Beside each other, losses keep their width.
    assert_eq!([0.4, 0.0933, 2.3, 12.0, 1234.5].map(loss), ["0.400", "0.0933", "2.30", "12.0", "1234"]);
    assert_eq!((loss(6.877_79e36), loss(f64::NAN)), ("6.88e36".into(), "NaN".into()));
    assert_eq!(pace(1489.2), "1,489 images/s");
}

#[test]
fn long_names_keep_their_beginning_and_their_end() {
    for (name, room, text) in [
        ("cat", 3, "cat"),
        ("category", 5, "ca…ry"),
        ("category", 4, "ca…y"),
        ("東京タワー", 3, "東…ー"),
        ("cat", 1, "…"),
        ("cat", 0, "…"),
    ] {
        assert_eq!(shortened(name, room), text, "{name} in {room}");
    }
}

#[test]
fn messages_are_sentences() {
    assert_eq!(sentence("there is no file `x`: check the path"), "There is no file `x`: check the path.");
    assert_eq!(sentence("Done."), "Done.");
    assert_eq!(sentence("  éclair? "), "Éclair?");
    assert_eq!(sentence(""), "");
}
