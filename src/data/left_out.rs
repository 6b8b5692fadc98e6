//! What lies at a source but is not used: the first of it by name, all of it by number.

use super::Refused;
use crate::words;

/// Entries that are listed one by one; the others are counted.
const LISTED: usize = 1000;
/// Names and reasons that a note has room for.
const NAMES: usize = 3;
const REASONS: usize = 2;

/// What was left out, with the reasons.
#[derive(Clone, Debug, Default)]
pub(super) struct LeftOut {
    listed: Vec<Refused>,
    count: usize,
}

impl LeftOut {
    pub fn add(&mut self, name: impl Into<String>, reason: impl Into<String>) {
        self.count += 1;
        if self.listed.len() < LISTED {
            self.listed.push(Refused { name: name.into(), reason: reason.into() });
        }
    }

    pub fn append(&mut self, other: Self) {
        self.count += other.count;
        let room = LISTED.saturating_sub(self.listed.len());
        self.listed.extend(other.listed.into_iter().take(room));
    }

    /// The same below a folder.
    pub fn below(mut self, folder: &str) -> Self {
        self.listed.iter_mut().for_each(|file| file.name = format!("{folder}/{}", file.name));
        self
    }

    /// The first of it.
    pub fn listed(&self) -> &[Refused] {
        &self.listed
    }

    /// How much there is.
    pub fn count(&self) -> usize {
        self.count
    }

    /// All of it in a few words to go behind a sentence: "; left out: `a`, `b` and 7 more (a link)". Empty if nothing
    /// was left out.
    pub fn note(&self) -> String {
        let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
        for file in &self.listed {
            let name = format!("`{}`", file.name);
            match groups.iter_mut().find(|(reason, _)| *reason == file.reason) {
                Some((_, names)) => names.push(name),
                None => groups.push((&file.reason, vec![name])),
            }
        }
        if groups.is_empty() {
            return String::new();
        }
        let told: Vec<String> = groups
            .iter()
            .take(REASONS)
            .map(|(reason, names)| format!("{} ({reason})", words::some_of(names, NAMES)))
            .collect();
        let named: usize = groups.iter().take(REASONS).map(|(_, names)| names.len()).sum();
        let more = match self.count - named {
            0 => String::new(),
            more => format!(", and {} more", words::count(more)),
        };
        format!("; left out: {}{more}", told.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_groups_what_has_the_same_reason() {
        let mut left_out = LeftOut::default();
        assert_eq!(left_out.note(), "");
        left_out.add("a", "it is a link");
        assert_eq!(left_out.note(), "; left out: `a` (it is a link)");
        left_out.add("b.zip", "it is an archive");
        ["c", "d", "e"].into_iter().for_each(|name| left_out.add(name, "it is a link"));
        left_out.add("f", "it is no plain file");
        assert_eq!(
            left_out.note(),
            "; left out: `a`, `c`, `d` and 1 more (it is a link), `b.zip` (it is an archive), and 1 more"
        );
    }

    #[test]
    fn all_of_it_is_counted_though_only_the_first_is_listed() {
        let mut left_out = LeftOut::default();
        (0..1500).for_each(|number| left_out.add(number.to_string(), "it is a link"));
        let mut other = LeftOut::default();
        other.add("x", "it is a link");
        left_out.append(other.below("train"));
        assert_eq!((left_out.count(), left_out.listed().len()), (1501, 1000));
    }
}
