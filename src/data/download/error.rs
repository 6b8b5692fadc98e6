//! Why a set was not downloaded. Each message is one line that says what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::words;

/// Why a set was not downloaded.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Stopped on request; what had come is kept.
    #[error("the download was stopped; what is there is kept, and the next one goes on from it")]
    Cancelled,
    /// A proxy or mirror that cannot be used.
    #[error("{0}")]
    Setting(String),
    #[error("another program is downloading into `{folder}`: wait for it, or stop it there")]
    Busy { folder: PathBuf },
    #[error(
        "`{path}` is there already, but is not the file that the authors published (its md5 differs): move it away, then try again"
    )]
    Occupied { path: PathBuf },
    #[error(
        "the disk with `{folder}` is full: {} more are needed there; make room or choose another folder, then try again (what is there is kept)",
        words::bytes(*.needed)
    )]
    Full { folder: PathBuf, needed: u64 },
    #[error("cannot use `{path}` ({reason}): choose a folder that you may write to")]
    Disk { path: PathBuf, reason: io::Error },
    /// No address gave the file. The troubles name the addresses.
    #[error("{file} could not be downloaded: {}", .troubles.join("; then "))]
    Unavailable { file: String, troubles: Vec<String> },
}

impl DownloadError {
    /// Tells a full disk from other trouble with `path`, when `needed` bytes were still to come.
    pub(super) fn disk(path: &Path, needed: u64, reason: io::Error) -> Self {
        match reason.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { folder: path.parent().unwrap_or(path).into(), needed }
            }
            _ => Self::Disk { path: path.into(), reason },
        }
    }

    /// Whether a person mends it by asking for something else, rather than by trying again.
    pub fn is_bad_input(&self) -> bool {
        matches!(self, Self::Setting(_) | Self::Occupied { .. })
    }
}

/// What went wrong between here and an address, in words for people.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Cancelled,
    /// No server was reached.
    Unreachable(String),
    /// The server, or one in between, is not trusted, or speaks no TLS.
    Untrusted(String),
    /// The system has no certificates to check servers with.
    NoCertificates,
    Proxy(String),
    /// Silence.
    Stalled,
    /// The connection ended too early.
    Broken(String),
    /// An answer other than the file, and how long the server wants to be left alone.
    Status {
        code: u16,
        wait: Option<u64>,
    },
    /// A way that is not followed.
    Redirect(String),
    /// The file there cannot be the one.
    WrongLength {
        announced: u64,
        expected: u64,
        is_page: bool,
    },
    WrongSum,
    /// What is here does not fit what is there: to be asked again from the beginning.
    Restart,
}

impl Trouble {
    /// Whether the same request may succeed a little later. `received` is whether this download has heard from
    /// the address before: then a network that has gone may come back.
    pub fn may_pass(&self, received: bool) -> bool {
        match self {
            Self::Stalled | Self::Broken(_) | Self::Restart | Self::NoCertificates => true,
            Self::Unreachable(_) => received,
            Self::Status { code, .. } => matches!(code, 408 | 425 | 429 | 500 | 502..=504),
            _ => false,
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cancelled => write!(f, "stopped"),
            Self::Unreachable(reason) => {
                write!(
                    f,
                    "no server was reached ({reason}): check the network, or set a proxy if yours needs one"
                )
            }
            Self::Untrusted(reason) => write!(
                f,
                "no safe connection ({reason}): if your school or company inspects connections, the system needs its certificate; check the clock as well"
            ),
            Self::NoCertificates => write!(f, "the system has no certificates to check servers with"),
            Self::Proxy(reason) => write!(f, "the proxy does not help ({reason}): check its address"),
            Self::Stalled => write!(f, "the server fell silent"),
            Self::Broken(reason) => write!(f, "the connection broke off ({reason})"),
            Self::Status { code: code @ (404 | 410), .. } => {
                write!(f, "there is no such file any more ({code})")
            }
            Self::Status { code: 407, .. } => {
                write!(
                    f,
                    "the proxy wants a name and a password (407): give them as http://name:password@host:port"
                )
            }
            Self::Status { code: code @ (401 | 403), .. } => {
                write!(f, "the server does not give the file out ({code})")
            }
            Self::Status { code, .. } => write!(f, "the server answered with status {code}"),
            Self::Redirect(reason) => write!(f, "the server points elsewhere, but {reason}"),
            Self::WrongLength { is_page: true, .. } => write!(
                f,
                "a web page came instead of the file: a login page of the network may be in between; open a browser and log in"
            ),
            Self::WrongLength { announced, expected, .. } => write!(
                f,
                "the file there has {} instead of {}, so it cannot be the one",
                words::bytes(*announced),
                words::bytes(*expected)
            ),
            Self::WrongSum => {
                write!(
                    f,
                    "what came is not the file that the authors published (its md5 differs), and was removed"
                )
            }
            Self::Restart => write!(f, "the server's file has changed meanwhile"),
        }
    }
}
