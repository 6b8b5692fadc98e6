//! Servers that do anything at all: whatever comes, the file is whole or is not there.

use std::fs;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Rig, content};
use crate::web::{Answer, Asked, Web};

/// One thing a server may do.
#[derive(Clone, Debug)]
enum Deed {
    /// As it should, but only so many bytes of it.
    Serve {
        cut: usize,
    },
    /// From the beginning, whatever was asked.
    Whole {
        cut: usize,
    },
    /// Another file of the same length.
    Other,
    /// A part that begins elsewhere, or says so.
    Shifted {
        by: usize,
        told: bool,
    },
    /// One byte turned.
    Turned {
        at: usize,
    },
    Status(u16),
    /// Headers that are no numbers.
    Nonsense(String),
    /// An announced length that is not that of the body.
    Length(u64),
}

const SIZE: usize = 20_000;

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        (0..=SIZE).prop_map(|cut| Deed::Serve { cut }),
        (0..=SIZE).prop_map(|cut| Deed::Whole { cut }),
        Just(Deed::Other),
        (1..SIZE, any::<bool>()).prop_map(|(by, told)| Deed::Shifted { by, told }),
        (0..SIZE).prop_map(|at| Deed::Turned { at }),
        prop_oneof![
            Just(200),
            Just(204),
            Just(206),
            Just(302),
            Just(304),
            Just(404),
            Just(416),
            Just(500),
            Just(999)
        ]
        .prop_map(Deed::Status),
        "[ -~]{0,20}".prop_map(Deed::Nonsense),
        prop_oneof![Just(0), Just(1), Just(SIZE as u64 - 1), Just(SIZE as u64 + 1), Just(u64::MAX)]
            .prop_map(Deed::Length),
    ]
}

fn answer(deed: &Deed, good: &[u8], other: &[u8], asked: &Asked) -> Answer {
    let served = || Answer::file(good, "\"v1\"", asked);
    match deed {
        Deed::Serve { cut } => served().cut(*cut),
        Deed::Whole { cut } => Answer::whole(good).cut(*cut),
        Deed::Other => Answer::file(other, "\"v1\"", asked),
        Deed::Shifted { by, told } => {
            let from = asked.from().unwrap_or(0);
            let start = (from + by) % SIZE;
            let first = if *told { start } else { from };
            let mut answer = Answer::whole(&good[start..]);
            answer.status = 206;
            answer.headers.push(("Content-Range", format!("bytes {first}-{}/{SIZE}", SIZE - 1)));
            answer
        }
        Deed::Turned { at } => {
            let mut bytes = good.to_vec();
            bytes[*at] ^= 1;
            Answer::file(&bytes, "\"v1\"", asked)
        }
        Deed::Status(status) => Answer::status(*status),
        Deed::Nonsense(text) => {
            let mut answer = served().without("Content-Length").without("Content-Range");
            for name in ["Content-Length", "Content-Range", "Retry-After", "Location", "ETag"] {
                answer.headers.push((name, text.clone()));
            }
            answer
        }
        Deed::Length(length) => {
            let mut answer = served().without("Content-Length");
            answer.headers.push(("Content-Length", length.to_string()));
            answer
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    /// Several calls to servers of that kind, then a good one.
    #[test]
    fn whatever_comes_nothing_partial_is_taken_for_whole(
        deeds in proptest::collection::vec(deed(), 1..8),
        calls in 1_usize..3,
    ) {
        let (good, other) = (content(SIZE, 1), content(SIZE, 2));
        let (served, strange) = (good.clone(), other.clone());
        let web = Web::serve(move |asked| if asked.number > 2000 { Answer::status(404) } else { answer(&deeds[asked.number % deeds.len()], &served, &strange, asked) });
        let mut rig = Rig::with(&good, &[&web]);
        rig.settings.stall = Duration::from_millis(100);
        rig.settings.gain = 10_000;
        let start = Instant::now();
        for _ in 0..calls {
            let result = rig.fetch();
            let whole = fs::read(rig.path("pets.tgz")).ok();
            prop_assert_eq!(result.is_ok(), whole.is_some(), "{:?}", result);
            prop_assert!(whole.is_none_or(|bytes| bytes == good), "other bytes got the name");
            let most = 2 * (SIZE as u64 / rig.settings.gain + 2) * u64::from(rig.settings.attempts) * 11;
            prop_assert!((web.asked().len() as u64) < most * calls as u64);
        }
        prop_assert!(start.elapsed() < crate::support::in_time(Duration::from_secs(5)));
        // Whatever was left behind, a good server mends it.
        let mender = Web::of(&good);
        rig.settings.mirror = Some(mender.url(""));
        rig.fetch().unwrap();
        rig.assert_whole(&good);
    }
}
