//! The outcome of a check in words: the terminal and the window say the same.

use std::fmt;

use crate::words;

use super::check::{
    Balance, ClassPictures, CorrectionCounts, DataCheck, FileReason, NearCounts, PictureSizes,
};

/// Files, classes and pairs named one by one; the others are counted.
const LISTED: usize = 20;
/// Classes named in one line.
const NAMED: usize = 8;

/// A line of a report: a title, empty where the last one goes on, and a text.
pub type ReportRow = (&'static str, String);

impl DataCheck {
    /// The report, line by line. `rest` says where the files are that are not named here, for example "--json lists
    /// them".
    pub fn rows(&self, rest: &str) -> Vec<ReportRow> {
        let Self { train, validation, prepared_side: side, .. } = self;
        let mut rows = vec![
            ("Source", self.source.clone()),
            ("Found", self.layout.clone()),
            (
                "Usable",
                format!(
                    "{} to train on, {} to validate",
                    words::counted(*train, "picture"),
                    words::count(*validation)
                ),
            ),
        ];
        rows.extend(self.corrections.and_then(corrected));
        self.size_rows(&mut rows);
        rows.push((
            "Classes",
            format!("{}; to train on {}", words::count(self.classes.len()), self.train_balance),
        ));
        rows.push(("", format!("to validate {}", self.validation_balance)));
        rows.extend(few(&self.classes));
        files(&mut rows, "Refused", &self.refused, self.refused_count, rest);
        files(&mut rows, "Left out", &self.left_out, self.left_out_count, rest);
        self.duplicate_rows(&mut rows);
        self.near_rows(&mut rows);
        let prepared = format!(
            "{} at {side}x{side} pixels, as {} needs them; preparing takes about {}",
            words::bytes(self.prepared_bytes),
            self.model,
            prepare_time(self.prepare_seconds)
        );
        rows.push(("Prepared", prepared));
        rows.push(("Verdict", if self.usable { "usable" } else { "not usable" }.into()));
        rows
    }

    fn size_rows(&self, rows: &mut Vec<ReportRow>) {
        let Some(PictureSizes { smallest, median, largest, enlarged }) = self.sizes else { return };
        let by = |(width, height): (u32, u32)| format!("{width}x{height}");
        let text = if smallest == largest {
            format!("all {} pixels", by(median))
        } else {
            format!("{} to {} pixels, median {}", by(smallest), by(largest), by(median))
        };
        rows.push(("Size", text));
        if enlarged > 0 {
            let side = self.prepared_side;
            let what = format!("smaller than {side} pixels on the shorter side and will be enlarged");
            let are = words::verb(enlarged, "is", "are");
            rows.push(("", format!("{} {are} {what}", words::count(enlarged))));
        }
    }

    fn near_rows(&self, rows: &mut Vec<ReportRow>) {
        let Some(NearCounts { distance, across, within, incomplete }) = self.near else { return };
        rows.push((
            "Alike",
            match across + within {
                0 => format!("none (hashes that differ in at most {distance} of 64 bits)"),
                _ => format!(
                    "{} to validate {} like one to train on; {} like another of {} part",
                    words::count(across),
                    words::verb(across, "looks", "look"),
                    words::count(within),
                    words::verb(within, "its", "their")
                ),
            },
        ));
        let pairs = self.near_pairs.iter().take(LISTED);
        rows.extend(pairs.map(|pair| {
            ("", format!("{} ~ {} ({} of 64 bits differ)", pair.first, pair.second, pair.distance))
        }));
        if self.near_pairs.len() > LISTED {
            rows.push(("", format!("and {}", words::counted(self.near_pairs.len() - LISTED, "more pair"))));
        }
        if incomplete {
            let text = "the search was given up before its end: too many pictures look alike in parts";
            rows.push(("", text.into()));
        }
    }

    fn duplicate_rows(&self, rows: &mut Vec<ReportRow>) {
        let counts = [
            (self.duplicates_across, "to validate", ["is", "are"], "among those to train on"),
            (self.duplicates_within_train, "to train on", ["stands", "stand"], "there again"),
            (self.duplicates_within_validation, "to validate", ["stands", "stand"], "there again"),
            (self.duplicates_contradicting, "of these", ["stands", "stand"], "in two classes"),
        ];
        let told = counts.iter().filter(|(count, ..)| *count > 0);
        let told = told.map(|(count, which, [one, many], what)| {
            format!("{} {which} {} {what}", words::count(*count), words::verb(*count, one, many))
        });
        let told: Vec<String> = told.collect();
        let side = self.prepared_side;
        if told.is_empty() {
            rows.push(("Duplicates", format!("none (compared pixel for pixel at {side}x{side})")));
            return;
        }
        rows.push(("Duplicates", format!("{} (same pixels at {side}x{side})", told.join("; "))));
        let pairs = self.duplicates.iter().take(LISTED);
        rows.extend(pairs.map(|pair| ("", format!("{} = {}", pair.train, pair.validation))));
    }
}

impl fmt::Display for Balance {
    /// "300 a class", or "12 to 400 a class, median 250".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min, median, max } = self;
        if min == max {
            write!(f, "{} a class", words::count(*min))
        } else {
            let [min, median, max] = [min, median, max].map(|count| words::count(*count));
            write!(f, "{min} to {max} a class, median {median}")
        }
    }
}

/// How many corrections hold; nothing for an empty list.
fn corrected(counts: CorrectionCounts) -> Option<ReportRow> {
    let CorrectionCounts { listed, relabelled, left_out } = counts;
    let hold = relabelled + left_out;
    let [told, relabelled, left_out] = [hold, relabelled, left_out].map(words::count);
    let holds = words::verb(hold, "holds", "hold");
    let listed_all = words::count(listed);
    let text = format!("{told} of {listed_all} {holds}: {relabelled} relabelled, {left_out} left out");
    let others = "; the others name no picture here, or say what the source says";
    (listed > 0).then(|| ("Corrections", if hold < listed { text + others } else { text }))
}

fn few(classes: &[ClassPictures]) -> Option<ReportRow> {
    let few: Vec<&ClassPictures> = classes.iter().filter(|class| class.few).collect();
    let named: Vec<String> =
        few.iter().map(|class| format!("{} ({})", class.class, words::count(class.train))).collect();
    let row = ("", format!("few to train on: {}", words::some_of(&named, NAMED)));
    (!few.is_empty()).then_some(row)
}

/// Files with the reasons why they are not used, the first of them by name.
pub(super) fn files(
    rows: &mut Vec<ReportRow>,
    title: &'static str,
    files: &[FileReason],
    count: usize,
    rest: &str,
) {
    if count == 0 {
        return;
    }
    rows.push((title, words::counted(count, "file")));
    rows.extend(files.iter().take(LISTED).map(|file| ("", format!("{}: {}", file.name, file.reason))));
    if count > LISTED {
        rows.push(("", format!("and {} more; {rest}", words::count(count - LISTED))));
    }
}

fn prepare_time(seconds: f64) -> String {
    if seconds < 1.0 { "a second".into() } else { words::duration(seconds) }
}
