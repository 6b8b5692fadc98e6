//! The list of known sets, as a table that people can read and extend.

use serde::Deserialize;

/// The sets that come with the program.
const BUILT_IN: &str = include_str!("../../../assets/datasets.toml");

/// A data set that is known by name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownSet {
    /// What it is called as a source: lower-case letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it holds.
    pub about: String,
    pub good_for: String,
    /// The preset that suits it.
    pub preset: String,
    /// What is known about the licence, in a sentence.
    pub licence: String,
    #[serde(rename = "file")]
    pub files: Vec<KnownFile>,
}

/// A file of a set, as its authors publish it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownFile {
    pub name: String,
    /// As reported; the sum decides.
    pub bytes: u64,
    /// Sum of the whole file, 32 digits.
    pub md5: String,
    /// Where it can be had, the best place first.
    pub addresses: Vec<String>,
}

impl KnownSet {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Whether a person who types `name` means this set.
    pub fn is_called(&self, name: &str) -> bool {
        means(name, &self.name)
    }

    /// Why the entry cannot be used.
    fn fault(&self) -> Option<String> {
        let Self { name, files, .. } = self;
        if !is_plain(name) || *name != name.to_lowercase() {
            return Some(format!("`{name}` is no name: use lower-case letters, digits and hyphens"));
        }
        if files.is_empty() {
            return Some(format!("`{name}` lists no file"));
        }
        for (place, file) in files.iter().enumerate() {
            if !is_plain(&file.name) || files[..place].iter().any(|other| other.name == file.name) {
                return Some(format!(
                    "`{}` in `{name}` is no name of a file, or stands there twice",
                    file.name
                ));
            }
            let is_sum = file.md5.len() == 32
                && file.md5.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            if !is_sum {
                return Some(format!(
                    "the md5 of `{}` in `{name}` is not 32 digits of 0-9 and a-f",
                    file.name
                ));
            }
            let is_web = |address: &String| address.starts_with("https://") || address.starts_with("http://");
            if file.bytes == 0 || !file.addresses.iter().all(is_web) {
                return Some(format!("`{}` in `{name}` needs its size and http addresses", file.name));
            }
        }
        None
    }
}

/// Whether two names are the same to people: `CIFAR10` is `cifar-10`.
pub fn means(typed: &str, name: &str) -> bool {
    let simple = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    // A path is no name, even if its letters are those of one.
    !typed.contains(['/', '\\']) && simple(typed) == simple(name)
}

/// Whether a name stays in its folder on every system.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && !name.starts_with('.')
        && !name.ends_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// The sets that come with the program.
pub fn built_in() -> Vec<KnownSet> {
    parse(BUILT_IN).expect("the table that comes with the program is right; a test reads it")
}

/// The sets of a table.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub(super) fn parse(text: &str) -> Result<Vec<KnownSet>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Table {
        #[serde(default, rename = "set")]
        sets: Vec<KnownSet>,
    }
    let table: Table = toml::from_str(text).map_err(|e| e.message().trim().replace('\n', "; "))?;
    match table.sets.iter().find_map(KnownSet::fault) {
        Some(fault) => Err(fault),
        None => Ok(table.sets),
    }
}
