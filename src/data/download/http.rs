//! One request for a file, or for the rest of it, on a thread of its own.
//!
//! The thread blocks on the network as long as the timeouts allow. Whoever waits for it does not: dropping the
//! [`Request`] closes the connection, which ends the thread at once, or, while a name is looked up or a server
//! called, at the end of that timeout. It is not joined for this reason, and holds nothing but the socket.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use ureq::http::{HeaderMap, Response, Uri, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::error::Trouble;
use super::proxy::ProxyChoice;
use super::redirect::redirect_target;
use super::settings::DownloadSettings;
use crate::words;

/// How often the waiting side looks whether it shall stop.
const LOOK: Duration = Duration::from_millis(50);
/// Blocks read ahead of the disk.
const AHEAD: usize = 16;
const BLOCK: usize = 64 << 10;

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub address: String,
    /// The first byte wanted.
    pub from: u64,
    /// What the server called the version of which the bytes before are.
    pub if_range: Option<String>,
}

/// Which certificates servers are checked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// The system's, to which schools and companies add their own.
    System,
    /// Mozilla's list, which comes with the program: for systems that have none.
    BuiltIn,
}

/// How an answer begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub status: u16,
    /// Bytes that follow.
    pub length: Option<u64>,
    /// Of an answer with a part: its first byte, and the bytes of the whole.
    pub range: Option<(u64, Option<u64>)>,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub retry_after: Option<u64>,
    pub is_page: bool,
}

/// What comes in.
pub(super) enum Message {
    Head(Head),
    Bytes(Vec<u8>),
    /// The end of the answer.
    End,
}

/// A request on its way.
pub(super) struct Request {
    agent: Agent,
    inbox: Receiver<Result<Message, Trouble>>,
}

impl Request {
    pub fn start(ask: Ask, settings: &DownloadSettings, roots: Roots) -> Result<Self, Trouble> {
        let agent = agent(settings, roots);
        let (outbox, inbox) = bounded(AHEAD);
        let job =
            Job { agent: agent.clone(), ask, proxy: settings.proxy.clone(), redirects: settings.redirects };
        let thread = std::thread::Builder::new().name("download".into()).spawn(move || {
            let end = job.run(&outbox).map(|()| Message::End);
            // Fails only when nobody wants to know any more.
            let _ = outbox.send(end);
        });
        match thread {
            Ok(_) => Ok(Self { agent, inbox }),
            Err(e) => Err(Trouble::Broken(format!("no thread could be started: {e}"))),
        }
    }

    /// Waits for what comes next, but not past `cancel`.
    pub fn next(&self, cancel: &AtomicBool) -> Result<Message, Trouble> {
        loop {
            if cancel.load(Ordering::Relaxed) {
                return Err(Trouble::Cancelled);
            }
            match self.inbox.recv_timeout(LOOK) {
                Ok(message) => return message,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Trouble::Broken("something broke inside the program".into()));
                }
            }
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.agent.clone().shutdown();
    }
}

fn agent(settings: &DownloadSettings, roots: Roots) -> Agent {
    let certificates = match roots {
        Roots::System => RootCerts::PlatformVerifier,
        Roots::BuiltIn => RootCerts::WebPki,
    };
    Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(certificates).build())
        // Redirects and refusals are handled here, proxies by request.
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .user_agent(concat!("alexnet-lab/", env!("CARGO_PKG_VERSION")))
        // A file packed once more on the way could not be continued in the middle.
        .accept_encoding("identity")
        .timeout_resolve(Some(settings.connect))
        .timeout_connect(Some(settings.connect))
        .timeout_send_request(Some(settings.stall))
        .timeout_recv_response(Some(settings.stall))
        .timeout_per_read(Some(settings.stall))
        .build()
        .new_agent()
}

/// The work of the thread.
struct Job {
    agent: Agent,
    ask: Ask,
    proxy: ProxyChoice,
    redirects: u32,
}

impl Job {
    fn run(&self, outbox: &Sender<Result<Message, Trouble>>) -> Result<(), Trouble> {
        let response = self.follow()?;
        let head = head(&response);
        if outbox.send(Ok(Message::Head(head))).is_err() {
            return Ok(());
        }
        let mut body = response.into_body().into_reader();
        loop {
            let mut block = vec![0; BLOCK];
            let count = match body.read(&mut block) {
                Ok(count) => count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(trouble(ureq::Error::from(e), false)),
            };
            if count == 0 {
                return Ok(());
            }
            block.truncate(count);
            if outbox.send(Ok(Message::Bytes(block))).is_err() {
                return Ok(());
            }
        }
    }

    /// Asks, and asks where the server points to.
    fn follow(&self) -> Result<Response<Body>, Trouble> {
        let unusable =
            |_| Trouble::Redirect(format!("`{}` is no address", words::address(&self.ask.address)));
        let mut address: Uri = self.ask.address.parse().map_err(unusable)?;
        for _ in 0..=self.redirects {
            let response = self.call(&address)?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let location = text(response.headers(), header::LOCATION)
                .ok_or_else(|| Trouble::Redirect("it does not say where to".into()))?;
            address = redirect_target(&address, &location).map_err(Trouble::Redirect)?;
        }
        Err(Trouble::Redirect("from there on again without an end".into()))
    }

    fn call(&self, address: &Uri) -> Result<Response<Body>, Trouble> {
        let (scheme, host) = (address.scheme_str().unwrap_or_default(), address.host().unwrap_or_default());
        let proxy = self.proxy.for_request(scheme, host).map_err(Trouble::Proxy)?;
        let mut request = self.agent.get(address.clone());
        if self.ask.from > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", self.ask.from));
            if let Some(version) = &self.ask.if_range {
                request = request.header(header::IF_RANGE, version);
            }
        }
        let through_proxy = proxy.is_some();
        let answer = match proxy {
            Some(proxy) => request.config().proxy(Some(proxy)).build().call(),
            None => request.call(),
        };
        answer.map_err(|e| match trouble(e, true) {
            Trouble::Unreachable(reason) if through_proxy => Trouble::Proxy(reason),
            other => other,
        })
    }
}

fn head(response: &Response<Body>) -> Head {
    let headers = response.headers();
    let number = |name| text(headers, name)?.parse().ok();
    Head {
        status: response.status().as_u16(),
        length: number(header::CONTENT_LENGTH),
        range: text(headers, header::CONTENT_RANGE).and_then(|range| content_range(&range)),
        etag: text(headers, header::ETAG),
        last_modified: text(headers, header::LAST_MODIFIED),
        retry_after: number(header::RETRY_AFTER),
        is_page: text(headers, header::CONTENT_TYPE).is_some_and(|kind| kind.contains("text/html")),
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_owned())
}

/// The first byte and the total of `bytes 500-999/1000`; the total may be `*`.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes")?.trim().split_once('/')?;
    let (first, _) = range.split_once('-')?;
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    Some((first.trim().parse().ok()?, total))
}

/// What a failed call means to a person. `calling` is whether no answer had come yet.
fn trouble(error: ureq::Error, calling: bool) -> Trouble {
    use ureq::Timeout;
    match error {
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            Trouble::Unreachable("no answer in time".into())
        }
        ureq::Error::Timeout(_) => Trouble::Stalled,
        ureq::Error::HostNotFound => Trouble::Unreachable("its name is not known".into()),
        ureq::Error::ConnectProxyFailed(reason) if reason.contains("407") => {
            Trouble::Status { code: 407, wait: None }
        }
        ureq::Error::ConnectProxyFailed(reason) => Trouble::Proxy(reason),
        ureq::Error::InvalidProxyUrl => Trouble::Proxy("its address is none".into()),
        // Certificates that a server shows are judged inside the connection; this comes from loading our own.
        ureq::Error::Rustls(_) => Trouble::NoCertificates,
        ureq::Error::Tls(reason) => Trouble::Untrusted(reason.into()),
        ureq::Error::Io(e) => io_trouble(&e, calling),
        other => Trouble::Broken(other.to_string()),
    }
}

fn io_trouble(error: &io::Error, calling: bool) -> Trouble {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Trouble::Stalled,
        // What TLS has to say arrives as invalid data.
        ErrorKind::InvalidData if calling => Trouble::Untrusted(distrust(&error.to_string())),
        ErrorKind::UnexpectedEof => Trouble::Broken("it ended too early".into()),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            Trouble::Broken("it was closed from the other side".into())
        }
        ErrorKind::ConnectionRefused if calling => Trouble::Unreachable("the call was refused".into()),
        // A name that cannot be looked up has no kind of its own.
        _ if calling && error.to_string().contains("lookup") => {
            Trouble::Unreachable("its name is not known".into())
        }
        _ if calling => Trouble::Unreachable(error.to_string()),
        _ => Trouble::Broken(error.to_string()),
    }
}

/// Why a server is not trusted, in words for people where the reason is a common one.
fn distrust(reason: &str) -> String {
    let common = [
        ("UnknownIssuer", "this system does not know who issued the server's certificate"),
        ("CaUsedAsEndEntity", "the server's certificate vouches for itself"),
        ("not valid for name", "the server's certificate is for another name"),
        ("not valid yet", "the server's certificate is not valid yet"),
        ("expired", "the server's certificate has expired"),
        ("revoked", "the server's certificate was taken back"),
        ("InvalidContentType", "the server does not speak TLS"),
    ];
    let words = common.iter().find(|(mark, _)| reason.to_lowercase().contains(&mark.to_lowercase()));
    words.map_or_else(|| reason.to_owned(), |(_, words)| (*words).to_owned())
}
