//! Which proxy a request goes through: a given one, or what the usual environment variables say.

use super::error::DownloadError;
use crate::words;

/// Which proxy to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProxyChoice {
    /// As `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    #[default]
    Environment,
    /// None.
    Direct,
    /// `http://host:port`, `socks5://host:port`, with `name:password@` before the host if need be.
    Address(String),
}

impl ProxyChoice {
    /// # Errors
    /// An address that is none.
    pub(super) fn check(&self) -> Result<(), DownloadError> {
        match self {
            Self::Address(address) if ureq::Proxy::new(address.trim()).is_err() => {
                Err(DownloadError::Setting(format!(
                    "`{}` is no address of a proxy: give one like http://proxy.example.org:8080 or socks5://host:1080",
                    words::address(address)
                )))
            }
            _ => Ok(()),
        }
    }

    /// The proxy for a request, if any. One from the environment that cannot be understood is reported, not
    /// passed over: a request past it would only time out.
    pub(super) fn for_request(&self, scheme: &str, host: &str) -> Result<Option<ureq::Proxy>, String> {
        let address = match self {
            Self::Direct => None,
            Self::Address(address) => Some(address.trim().to_owned()),
            Self::Environment => proxy_for(scheme, host, |name| std::env::var(name).ok()),
        };
        let Some(address) = address else { return Ok(None) };
        let proxy = ureq::Proxy::new(&address);
        proxy.map(Some).map_err(|_| format!("`{}` is no address of a proxy", words::address(&address)))
    }
}

/// The proxy that the variables name for a request to `host`. The small letters come first, as in other
/// programs; the one for the scheme comes before the one for all.
pub fn proxy_for(scheme: &str, host: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let get = |name: &str| {
        let value = variable(name).or_else(|| variable(&name.to_uppercase()))?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    if get("no_proxy").is_some_and(|list| list.split(',').any(|entry| covers(entry, host))) {
        return None;
    }
    get(&format!("{scheme}_proxy")).or_else(|| get("all_proxy"))
}

/// Whether an entry of `NO_PROXY` means `host`: itself or a domain above it, with or without a dot or `*.`.
fn covers(entry: &str, host: &str) -> bool {
    let entry = entry.trim().to_ascii_lowercase();
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    if entry == "*" {
        return true;
    }
    let domain = entry.trim_start_matches('*').trim_start_matches('.');
    let domain = match domain.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() && !name.contains(':') => name,
        _ => domain.trim_matches(['[', ']']),
    };
    if domain.is_empty() {
        return false;
    }
    host == domain || host.strip_suffix(domain).is_some_and(|above| above.ends_with('.'))
}
