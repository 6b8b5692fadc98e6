//! Warnings and errors, kept until a person dismisses them.

/// Notices kept; of a flood, the oldest go first.
const KEPT: usize = 50;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Worth knowing, for example where a file was written.
    Info,
    /// The run goes on.
    Warning,
    /// Something asked for did not happen.
    Error,
}

impl Severity {
    /// The word that opens the notice, so that colour is never the only sign.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "Note",
            Self::Warning => "Warning",
            Self::Error => "Error",
        }
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub id: u64,
    pub severity: Severity,
    pub text: String,
    /// How often the same message came.
    pub count: usize,
}

/// All messages, newest first.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    list: Vec<Notice>,
    next_id: u64,
}

impl Notices {
    /// Adds a message. One that is already there is counted up and moved to the front.
    pub fn push(&mut self, severity: Severity, text: impl Into<String>) {
        let text = text.into();
        let known = self.list.iter().position(|n| n.severity == severity && n.text == text);
        let notice = match known {
            Some(position) => {
                let old = self.list.remove(position);
                Notice { count: old.count + 1, ..old }
            }
            None => {
                self.next_id += 1;
                Notice { id: self.next_id, severity, text, count: 1 }
            }
        };
        self.list.insert(0, notice);
        self.list.truncate(KEPT);
    }

    pub fn dismiss(&mut self, id: u64) {
        self.list.retain(|notice| notice.id != id);
    }

    pub fn list(&self) -> &[Notice] {
        &self.list
    }

    /// All messages as text, for the clipboard.
    pub fn as_text(&self) -> String {
        self.list.iter().map(|n| format!("{}: {}\n", n.severity.word(), n.text)).collect()
    }
}
