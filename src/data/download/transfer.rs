//! One file: its addresses in turn, and at each as many attempts as help.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::error::{DownloadError, Trouble};
use super::http::{Ask, Head, Message, Request, Roots};
use super::part::{Note, Part};
use super::progress::{Meter, Progress};
use super::settings::DownloadSettings;
use crate::data::known::{KnownFile, KnownSet};
use crate::words;

/// Reports of bytes that have come are at least so far apart.
const REPORT: Duration = Duration::from_millis(100);
/// A server that wants to be left alone is obeyed so long.
const LONGEST_OBEYED: u64 = 60;
/// How often the waiting side looks whether it shall stop.
const LOOK: Duration = Duration::from_millis(50);

/// What all files of a set share.
pub(super) struct Course<'a> {
    pub settings: &'a DownloadSettings,
    pub cancel: &'a AtomicBool,
    pub tell: &'a mut dyn FnMut(Progress),
    pub meter: Meter,
    /// Bytes of the files that are done, and of all files.
    pub done: u64,
    pub total: u64,
    pub roots: Roots,
    reported: Option<Instant>,
}

/// Why an address, or everything, is given up.
enum End {
    Address(Trouble),
    All(DownloadError),
}

impl From<DownloadError> for End {
    fn from(error: DownloadError) -> Self {
        Self::All(error)
    }
}

impl From<Trouble> for End {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Cancelled => Self::All(DownloadError::Cancelled),
            trouble => Self::Address(trouble),
        }
    }
}

impl<'a> Course<'a> {
    pub fn new(
        settings: &'a DownloadSettings,
        cancel: &'a AtomicBool,
        tell: &'a mut dyn FnMut(Progress),
        total: u64,
    ) -> Self {
        let meter = Meter::default();
        Self { settings, cancel, tell, meter, done: 0, total, roots: Roots::System, reported: None }
    }

    /// Brings `part` to the whole file.
    pub fn complete(
        &mut self,
        set: &KnownSet,
        file: &KnownFile,
        part: &mut Part,
    ) -> Result<(), DownloadError> {
        let mut troubles = Vec::new();
        for address in self.settings.addresses(set, file) {
            match self.ask_until_it_helps(&address, file, part) {
                Ok(()) => return Ok(()),
                Err(End::All(error)) => return Err(error),
                Err(End::Address(trouble)) => {
                    let text = format!("{}: {trouble}", words::address(&address));
                    log::info!("{text}");
                    troubles.push(text);
                }
            }
        }
        if troubles.is_empty() {
            troubles.push("its list gives no address".into());
        }
        Err(DownloadError::Unavailable { file: file.name.clone(), troubles })
    }

    /// Asks one address as often as that makes sense.
    fn ask_until_it_helps(&mut self, address: &str, file: &KnownFile, part: &mut Part) -> Result<(), End> {
        let (mut failures, mut received, mut mended) = (0, false, false);
        // Progress is only what was never there before: a server that gives and takes back would go on for ever.
        let mut furthest = part.length();
        loop {
            let before = part.length();
            let end = if part.is_full() { Ok(()) } else { self.attempt(address, file, part) };
            let trouble = match end {
                Ok(()) if part.is_right() => return Ok(()),
                Ok(()) => {
                    let spliced = part.spliced();
                    part.reset()?;
                    // Pieces that do not belong together may come from a file that changed meanwhile. What came
                    // in one piece would be the same again.
                    if !spliced || mended {
                        return Err(Trouble::WrongSum.into());
                    }
                    mended = true;
                    self.note("what was put together has the wrong md5 and was removed; beginning anew");
                    continue;
                }
                Err(End::Address(trouble)) => trouble,
                Err(end) => return Err(end),
            };
            if trouble == Trouble::NoCertificates && self.roots == Roots::System {
                self.note("the system has no certificates; those that come with the program are used");
                self.roots = Roots::BuiltIn;
                continue;
            }
            received |= part.length() > before;
            if part.length() >= furthest + self.settings.gain {
                furthest = part.length();
                failures = 0;
            }
            failures += 1;
            if failures >= self.settings.attempts || !trouble.may_pass(received) {
                return Err(trouble.into());
            }
            self.pause(&trouble, failures)?;
        }
    }

    /// One request, and all that comes of it.
    fn attempt(&mut self, address: &str, file: &KnownFile, part: &mut Part) -> Result<(), End> {
        let shown = words::address(address);
        (self.tell)(Progress::Connecting { file: file.name.clone(), address: shown.clone() });
        self.meter.clear();
        let from = part.length();
        let if_range = version(part.note(), &shown);
        let ask = Ask { address: address.into(), from, if_range };
        let request = Request::start(ask, self.settings, self.roots)?;
        let Message::Head(head) = request.next(self.cancel)? else {
            return Err(Trouble::Broken("the answer has no beginning".into()).into());
        };
        let total = self.agree(&head, file, part)?;
        let note = Note {
            address: shown,
            total,
            etag: head.etag,
            last_modified: head.last_modified,
            ..Note::default()
        };
        part.begin(note)?;
        let limit = total.unwrap_or_else(|| tolerance(file.bytes).1);
        loop {
            match request.next(self.cancel)? {
                Message::Bytes(bytes) => {
                    if part.length() + bytes.len() as u64 > limit {
                        let announced = part.length() + bytes.len() as u64;
                        part.reset()?;
                        return Err(
                            Trouble::WrongLength { announced, expected: limit, is_page: false }.into()
                        );
                    }
                    part.append(&bytes)?;
                    self.report(part.length(), file, total, false);
                }
                Message::End => break,
                Message::Head(_) => {}
            }
        }
        self.report(part.length(), file, total, true);
        match total {
            Some(total) if part.length() < total => Err(Trouble::Broken("it ended too early".into()).into()),
            // Without an announced length, only the sum tells the end from a break.
            None if part.length() < file.bytes && !part.is_right() => {
                Err(Trouble::Broken("it ended too early".into()).into())
            }
            _ => Ok(()),
        }
    }

    /// Makes the part fit the answer, and returns the bytes of the whole file if the server says.
    fn agree(&mut self, head: &Head, file: &KnownFile, part: &mut Part) -> Result<Option<u64>, End> {
        let total = match head.status {
            206 => {
                let Some((first, total)) = head.range else {
                    part.reset()?;
                    return Err(Trouble::Restart.into());
                };
                let total = total.or_else(|| Some(first + head.length?));
                let fits = first == part.length()
                    && (part.note().total.is_none() || total.is_none() || total == part.note().total)
                    // The bytes that follow must not lead beyond the announced end.
                    && head.length.zip(total).is_none_or(|(length, total)| first.saturating_add(length) <= total);
                if !fits {
                    part.reset()?;
                    return Err(Trouble::Restart.into());
                }
                total.or(part.note().total)
            }
            200 => {
                if part.length() > 0 {
                    self.note("the server sends the file from its beginning again");
                    part.reset()?;
                }
                head.length
            }
            // The part reaches beyond the end of the file there.
            416 if part.length() > 0 => {
                part.reset()?;
                return Err(Trouble::Restart.into());
            }
            code => return Err(Trouble::Status { code, wait: head.retry_after }.into()),
        };
        let (least, most) = tolerance(file.bytes);
        match total {
            Some(announced) if !(least..=most).contains(&announced) => {
                Err(Trouble::WrongLength { announced, expected: file.bytes, is_page: head.is_page }.into())
            }
            total => Ok(total),
        }
    }

    fn report(&mut self, length: u64, file: &KnownFile, total: Option<u64>, last: bool) {
        let now = Instant::now();
        let received = self.done + length;
        if !last && self.reported.is_some_and(|reported| now - reported < REPORT) {
            return;
        }
        self.reported = Some(now);
        self.meter.add(now, received);
        let total = (self.total + total.unwrap_or(file.bytes)).saturating_sub(file.bytes).max(received);
        let eta_s = self.meter.eta(total - received);
        let bytes_per_s = self.meter.rate();
        (self.tell)(Progress::Receiving { file: file.name.clone(), received, total, bytes_per_s, eta_s });
    }

    fn note(&mut self, text: &str) {
        log::info!("{text}");
        (self.tell)(Progress::Note(text.into()));
    }

    /// Waits before the next attempt; not at all if only the part did not fit.
    fn pause(&mut self, trouble: &Trouble, failures: u32) -> Result<(), DownloadError> {
        let wait = match trouble {
            Trouble::Restart => Duration::ZERO,
            Trouble::Status { wait: Some(seconds), .. } => {
                Duration::from_secs((*seconds).min(LONGEST_OBEYED)).max(self.settings.wait(failures))
            }
            _ => self.settings.wait(failures),
        };
        (self.tell)(Progress::Waiting {
            reason: trouble.to_string(),
            seconds: wait.as_secs_f64(),
            failures,
            attempts: self.settings.attempts,
        });
        let end = Instant::now() + wait;
        while Instant::now() < end {
            if self.cancel.load(Ordering::Relaxed) {
                return Err(DownloadError::Cancelled);
            }
            std::thread::sleep(LOOK.min(end.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }
}

/// What `If-Range` may hold: a name that the same address gave to exactly these bytes. Weak ones do not count.
fn version(note: &Note, address: &str) -> Option<String> {
    if note.address != address {
        return None;
    }
    let strong = note.etag.clone().filter(|etag| !etag.starts_with("W/"));
    strong.or_else(|| note.last_modified.clone())
}

/// Lengths that a file reported to have `bytes` may have: archives are packed anew now and then, and the sum
/// has the last word. What lies outside is something else, for example the login page of a network.
fn tolerance(bytes: u64) -> (u64, u64) {
    let tenth = bytes / 10;
    (bytes - tenth, bytes.saturating_add(tenth))
}
