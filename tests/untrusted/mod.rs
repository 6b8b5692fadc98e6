//! Files from strangers: model files, checkpoints, settings, archives. Whatever they hold, reading them ends soon, in
//! a sentence or with something usable, takes no more memory than they are worth, runs nothing, and touches nothing
//! beside them.
//!
//! The same thousands of broken ones run with the other tests. For a stated time, over everything at once:
//! `ALEXNET_LAB_FUZZ_SECONDS=1200 cargo test --release -- --ignored --nocapture untrusted`

mod changes;
mod findings;
mod hostile;
mod subjects;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use self::subjects::{Subject, subjects};
use crate::mutator::Mutator;

/// Nothing may take longer.
const LONGEST: Duration = Duration::from_secs(10);

/// What some attempts have come to.
#[derive(Default)]
struct Outcome {
    executions: u64,
    slowest: (Duration, &'static str),
    findings: Vec<String>,
}

impl Outcome {
    /// Breaks a file once and lets it be read.
    fn try_one(&mut self, subject: &Subject, mutator: &mut Mutator) {
        let changed = (subject.change)(&subject.bytes, mutator);
        let began = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| (subject.open)(&changed)));
        let took = began.elapsed();
        self.executions += 1;
        if took > self.slowest.0 {
            self.slowest = (took, subject.name);
        }
        if result.is_err() || took > crate::support::in_time(LONGEST) {
            let name = format!("alexnet-lab-finding-{}-{}", subject.name.replace(' ', "-"), self.executions);
            let file = std::env::temp_dir().join(name);
            fs::write(&file, &changed).unwrap();
            self.findings.push(format!("{}, {took:?}: {}", subject.name, file.display()));
        }
    }
}

/// The most memory that this program has taken so far, in MiB; nothing where that cannot be told.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib >> 10)
}

#[test]
fn broken_files_of_every_kind_end_in_a_sentence() {
    let mut outcome = Outcome::default();
    for (seed, subject) in subjects().iter().enumerate() {
        let mut mutator = Mutator::new(seed as u64);
        (0..subject.rounds).for_each(|_| outcome.try_one(subject, &mut mutator));
    }
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
}

#[test]
#[ignore = "runs as long as ALEXNET_LAB_FUZZ_SECONDS says"]
fn everything_for_a_stated_time() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = number("ALEXNET_LAB_FUZZ_SECONDS").unwrap_or(10);
    let mut mutator = Mutator::new(number("ALEXNET_LAB_FUZZ_SEED").unwrap_or(0));
    let subjects = subjects();
    let mut outcome = Outcome::default();
    let mut each = vec![0_u64; subjects.len()];
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        let number = mutator.below(subjects.len());
        each[number] += 1;
        outcome.try_one(&subjects[number], &mut mutator);
    }
    eprintln!("{} executions in {:.0} s", outcome.executions, began.elapsed().as_secs_f64());
    for (subject, count) in subjects.iter().zip(each) {
        eprintln!("  {count} of {}", subject.name);
    }
    let (slowest, name) = outcome.slowest;
    eprintln!("slowest: {slowest:?} ({name}); most memory: {:?} MiB", peak());
    eprintln!("findings: {:#?}", outcome.findings);
    assert!(outcome.findings.is_empty());
}
