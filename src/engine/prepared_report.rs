//! What preparing came to in words, beside those of the check.

use super::check::FileReason;
use super::check_report::{ReportRow, files};
use super::prepared::{PrepareError, Prepared, Verified};
use crate::words;

impl Prepared {
    /// The report, line by line. `rest` says where the files are that are not named here.
    pub fn rows(&self, rest: &str) -> Vec<ReportRow> {
        let Self { train, validation, side, .. } = self;
        let mut rows = vec![
            ("Source", self.source.clone()),
            ("Found", self.layout.clone()),
            ("Prepared", format!("{} pictures at {side}x{side} pixels", told(train + validation))),
            ("", self.work()),
        ];
        rows.extend(self.verified.map(|verified| ("Compared", verified.sentence())));
        rows.push(match &self.folder {
            Some(folder) => ("Kept", format!("{}, {}", words::bytes(self.bytes), folder.display())),
            None => ("Kept", "nothing: these pictures are drawn anew each time".into()),
        });
        rows.extend(refused_rows(&self.refused, rest));
        rows
    }

    fn work(&self) -> String {
        let seconds = self.seconds;
        match self.decoded {
            0 if self.folder.is_some() => format!("all of them were there already; {seconds:.1} s"),
            0 => format!("{seconds:.1} s"),
            1 => format!("1 file was read in {seconds:.1} s"),
            count => format!("{} files were read in {seconds:.1} s", told(count)),
        }
    }
}

impl PrepareError {
    /// The files that cannot be used, line by line, if there are too many of them.
    pub fn rows(&self, rest: &str) -> Vec<ReportRow> {
        refused_rows(&self.refused, rest)
    }
}

impl Verified {
    fn sentence(&self) -> String {
        let Self { compared, damaged, differing, unread } = *self;
        if compared + unread == 0 {
            return "nothing: none of them was there before".into();
        }
        let mut parts = vec![format!("{} pictures with their files", told(compared))];
        if damaged + differing == 0 {
            parts.push("all are the same".into());
        }
        for (count, what) in [(damaged, "damaged on disk"), (differing, "not what their files hold")] {
            if count > 0 {
                parts.push(format!("{} {what}, mended", told(count)));
            }
        }
        if unread > 0 {
            parts.push(format!("{} more left as they are: their files cannot be read now", told(unread)));
        }
        parts.join("; ")
    }
}

fn refused_rows(refused: &[FileReason], rest: &str) -> Vec<ReportRow> {
    let mut rows = Vec::new();
    files(&mut rows, "Refused", refused, refused.len(), rest);
    rows
}

fn told(count: usize) -> String {
    words::count(count)
}
