//! How patient a download is, and which way it takes.

use std::time::Duration;

use super::error::DownloadError;
use super::proxy::ProxyChoice;
use crate::data::known::{KnownFile, KnownSet};
use crate::words;

/// Names a mirror, for example one that a whole class shares.
const MIRROR: &str = "ALEXNET_LAB_MIRROR";

/// How patient a download is, and which way it takes.
#[derive(Clone, Debug)]
pub struct DownloadSettings {
    /// Longest wait for a name to be found, and again for a server to answer the call.
    pub connect: Duration,
    /// Longest silence of a server.
    pub stall: Duration,
    /// How often in a row an address may fail without bringing the file [`Self::gain`] bytes further.
    pub attempts: u32,
    /// The wait after a first failure; it doubles with each further one up to [`Self::longest_wait`].
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// Bytes further than ever before after which the failures are forgiven.
    pub gain: u64,
    pub redirects: u32,
    /// Where all files are taken from instead of the authors' addresses: `BASE/SET/FILE`, or else `BASE/FILE`.
    pub mirror: Option<String>,
    pub proxy: ProxyChoice,
}

impl Default for DownloadSettings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            stall: Duration::from_secs(30),
            attempts: 5,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            gain: 64 << 10,
            redirects: 10,
            mirror: None,
            proxy: ProxyChoice::Environment,
        }
    }
}

impl DownloadSettings {
    /// The usual patience, and the mirror that `ALEXNET_LAB_MIRROR` names, if it does.
    pub fn standard() -> Self {
        let mirror = std::env::var(MIRROR).ok().filter(|mirror| !mirror.trim().is_empty());
        Self { mirror, ..Self::default() }
    }

    /// Where to ask for a file, in order.
    pub(super) fn addresses(&self, set: &KnownSet, file: &KnownFile) -> Vec<String> {
        match &self.mirror {
            None => file.addresses.clone(),
            Some(base) => {
                let base = base.trim().trim_end_matches('/');
                vec![format!("{base}/{}/{}", set.name, file.name), format!("{base}/{}", file.name)]
            }
        }
    }

    /// The wait before attempt number `failures + 1` at an address.
    pub(super) fn wait(&self, failures: u32) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << failures.saturating_sub(1).min(16));
        doubled.min(self.longest_wait)
    }

    /// # Errors
    /// An address that is none.
    pub(super) fn check(&self) -> Result<(), DownloadError> {
        let is_web = |text: &str| {
            let text = text.to_ascii_lowercase();
            (text.starts_with("http://") || text.starts_with("https://"))
                && text
                    .parse::<ureq::http::Uri>()
                    .is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()))
        };
        if let Some(mirror) = self.mirror.as_deref().filter(|mirror| !is_web(mirror.trim())) {
            return Err(DownloadError::Setting(format!(
                "`{}` is no address of a mirror: give one like https://example.org/datasets",
                words::address(mirror.trim())
            )));
        }
        self.proxy.check()
    }
}
