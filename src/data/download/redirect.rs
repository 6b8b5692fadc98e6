//! Where a redirect leads, and whether it is followed.

use ureq::http::Uri;

use crate::words;

/// The address that `location` stands for when it comes from `base`.
///
/// # Errors
/// Why it is not followed, to go after "the server points elsewhere, but".
pub fn redirect_target(base: &Uri, location: &str) -> Result<Uri, String> {
    let location = location.trim();
    let (scheme, authority) =
        (base.scheme_str().unwrap_or("http"), base.authority().map_or("", |a| a.as_str()));
    let path = location.split('#').next().unwrap_or_default();
    let full = if has_scheme(path) {
        path.to_owned()
    } else if path.starts_with("//") {
        format!("{scheme}:{path}")
    } else if path.starts_with('/') {
        format!("{scheme}://{authority}{path}")
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{path}")
    };
    let target: Uri = full.parse().map_err(|_| format!("`{}` is no address", words::address(location)))?;
    match (base.scheme_str(), target.scheme_str()) {
        (Some("https"), Some("http")) => {
            Err("to an address without encryption, which is not followed".into())
        }
        (_, Some("http" | "https")) if target.host().is_some() => Ok(target),
        _ => Err(format!("to `{}`, which is not on the web", words::address(location))),
    }
}

/// Whether a text begins with a scheme, as `ftp:` or `https:`.
fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}
