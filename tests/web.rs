//! A web server on this computer that behaves as badly as a test wants, and a proxy in front of it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// How many requests came before.
    pub number: usize,
    pub path: String,
    /// Names in small letters.
    pub headers: BTreeMap<String, String>,
}

impl Asked {
    /// The first byte of `Range: bytes=N-`.
    pub fn from(&self) -> Option<usize> {
        self.headers.get("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What the server sends.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Bytes sent at once, and the pause after them; all at once if none.
    pub drip: Option<(usize, Duration)>,
    /// Keeps the connection open and says nothing more.
    pub then_silent: bool,
    /// Says nothing at all.
    pub silent: bool,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self { status, headers: vec![("Content-Length", "0".into())], ..Self::default() }
    }

    pub fn redirect(to: &str) -> Self {
        let mut answer = Self::status(302);
        answer.headers.push(("Location", to.into()));
        answer
    }

    /// The whole file, whatever range was asked for.
    pub fn whole(content: &[u8]) -> Self {
        let headers = vec![("Content-Length", content.len().to_string())];
        Self { status: 200, headers, body: content.to_vec(), ..Self::default() }
    }

    /// The file as a good server gives it out: with a version, in ranges.
    pub fn file(content: &[u8], version: &str, asked: &Asked) -> Self {
        let fits = asked.headers.get("if-range").is_none_or(|wanted| wanted == version);
        let mut answer = match asked.from() {
            Some(from) if from >= content.len() && fits => Self::status(416),
            Some(from) if fits => Self {
                status: 206,
                headers: vec![
                    ("Content-Length", (content.len() - from).to_string()),
                    ("Content-Range", format!("bytes {from}-{}/{}", content.len() - 1, content.len())),
                ],
                body: content[from..].to_vec(),
                ..Self::default()
            },
            _ => Self::whole(content),
        };
        answer.headers.push(("ETag", version.into()));
        answer
    }

    /// Sends only so many bytes of the body, whatever was announced.
    pub fn cut(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self
    }

    pub fn then_silent(mut self) -> Self {
        self.then_silent = true;
        self
    }

    pub fn dripping(mut self, bytes: usize, every: Duration) -> Self {
        self.drip = Some((bytes, every));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self
    }
}

type Handler = dyn Fn(&Asked) -> Answer + Send + Sync;

/// A server that lives as long as this.
pub struct Web {
    address: SocketAddr,
    log: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Web {
    pub fn serve(handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let log = Arc::<Mutex<Vec<Asked>>>::default();
        let (handler, seen): (Arc<Handler>, _) = (Arc::new(handler), log.clone());
        let (address, over, thread) = listen(move |stream, over| {
            // A client that goes away is part of many tests.
            let _ = answer(&stream, &*handler, &seen, over);
            let _ = stream.shutdown(Shutdown::Both);
        });
        Self { address, log, over, thread: Some(thread) }
    }

    /// A good server of one file.
    pub fn of(content: &[u8]) -> Self {
        let content = content.to_vec();
        Self::serve(move |asked| Answer::file(&content, "\"v1\"", asked))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }

    /// The first bytes that were asked for, request by request.
    pub fn ranges(&self) -> Vec<Option<usize>> {
        self.asked().iter().map(Asked::from).collect()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        stop(&self.over, self.address, &mut self.thread);
    }
}

fn stop(over: &AtomicBool, address: SocketAddr, thread: &mut Option<JoinHandle<()>>) {
    over.store(true, Ordering::SeqCst);
    let _ = TcpStream::connect(address);
    if let Some(thread) = thread.take() {
        let _ = thread.join();
    }
}

/// Serves each connection on a thread of its own until it is over.
fn listen(
    serve: impl Fn(TcpStream, &AtomicBool) + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicBool>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let (flag, serve) = (over.clone(), Arc::new(serve));
    let thread = std::thread::spawn(move || {
        let mut workers = Vec::new();
        for stream in listener.incoming().flatten() {
            if flag.load(Ordering::SeqCst) {
                break;
            }
            let (flag, serve) = (flag.clone(), serve.clone());
            workers.push(std::thread::spawn(move || serve(stream, &flag)));
        }
        drop(listener);
        for worker in workers {
            let _ = worker.join();
        }
    });
    (address, over, thread)
}

fn head(stream: &TcpStream) -> std::io::Result<(String, BTreeMap<String, String>)> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    Ok((first, headers))
}

fn answer(
    mut stream: &TcpStream,
    handler: &Handler,
    log: &Mutex<Vec<Asked>>,
    over: &AtomicBool,
) -> std::io::Result<()> {
    let (first, headers) = head(stream)?;
    let Some(path) = first.split(' ').nth(1) else { return Ok(()) };
    let asked = {
        let mut log = log.lock().unwrap();
        let asked = Asked { number: log.len(), path: path.to_owned(), headers };
        log.push(asked.clone());
        asked
    };
    let answer = handler(&asked);
    if !answer.silent {
        let mut text = format!("HTTP/1.1 {} Answer\r\nConnection: close\r\n", answer.status);
        for (name, value) in &answer.headers {
            text += &format!("{name}: {value}\r\n");
        }
        stream.write_all((text + "\r\n").as_bytes())?;
        match answer.drip {
            None => stream.write_all(&answer.body)?,
            Some((bytes, every)) => {
                for piece in answer.body.chunks(bytes) {
                    if over.load(Ordering::SeqCst) {
                        break;
                    }
                    stream.write_all(piece)?;
                    std::thread::sleep(every);
                }
            }
        }
    }
    if answer.silent || answer.then_silent {
        stream.set_read_timeout(Some(Duration::from_millis(20)))?;
        // Until the client hangs up, or the test is over.
        while !over.load(Ordering::SeqCst) && !matches!(stream.read(&mut [0; 64]), Ok(0)) {}
    }
    Ok(())
}

/// A SOCKS5 proxy without passwords; it counts too.
pub fn socks(log: Arc<Mutex<Vec<String>>>) -> Proxy {
    let seen = log.clone();
    let (address, over, thread) = listen(move |near, _| {
        let _ = socks_tunnel(near, &seen);
    });
    Proxy { address, tunnels: log, over, thread: Some(thread) }
}

/// RFC 1928: greeting, then a request to connect to an IPv4 address or a name.
fn socks_tunnel(mut near: TcpStream, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut start = [0; 2];
    near.read_exact(&mut start)?;
    near.read_exact(&mut vec![0; start[1].into()])?;
    near.write_all(&[5, 0])?;
    let mut request = [0; 4];
    near.read_exact(&mut request)?;
    let host = match request[3] {
        1 => {
            let mut ip = [0; 4];
            near.read_exact(&mut ip)?;
            std::net::Ipv4Addr::from(ip).to_string()
        }
        _ => {
            let mut length = [0];
            near.read_exact(&mut length)?;
            let mut name = vec![0; length[0].into()];
            near.read_exact(&mut name)?;
            String::from_utf8_lossy(&name).into_owned()
        }
    };
    let mut port = [0; 2];
    near.read_exact(&mut port)?;
    let target = format!("{host}:{}", u16::from_be_bytes(port));
    log.lock().unwrap().push(target.clone());
    let far = TcpStream::connect(target)?;
    near.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0])?;
    splice(near, far)
}

/// A proxy that opens tunnels, asks for a password if it has one, and counts.
pub struct Proxy {
    address: SocketAddr,
    tunnels: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// `credentials` is what must come after `Basic`, if anything must.
    pub fn start(credentials: Option<&'static str>) -> Self {
        let tunnels = Arc::<Mutex<Vec<String>>>::default();
        let seen = tunnels.clone();
        let (address, over, thread) = listen(move |stream, _| {
            let _ = tunnel(stream, credentials, &seen);
        });
        Self { address, tunnels, over, thread: Some(thread) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where tunnels led.
    pub fn tunnels(&self) -> Vec<String> {
        self.tunnels.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        stop(&self.over, self.address, &mut self.thread);
    }
}

fn tunnel(mut near: TcpStream, credentials: Option<&str>, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (first, headers) = head(&near)?;
    let given = headers.get("proxy-authorization").and_then(|value| value.strip_prefix("Basic "));
    if credentials.is_some() && given != credentials {
        return near.write_all(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n");
    }
    let Some(target) = first.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()) else {
        return Ok(());
    };
    log.lock().unwrap().push(target.to_owned());
    let far = TcpStream::connect(target)?;
    near.write_all(b"HTTP/1.1 200 Go\r\n\r\n")?;
    splice(near, far)
}

/// Passes on what either side says until one of them is done.
fn splice(mut near: TcpStream, mut far: TcpStream) -> std::io::Result<()> {
    let (mut near_in, mut far_out) = (near.try_clone()?, far.try_clone()?);
    let back = std::thread::spawn(move || {
        let _ = std::io::copy(&mut near_in, &mut far_out);
        let _ = far_out.shutdown(Shutdown::Both);
    });
    let copied = std::io::copy(&mut far, &mut near);
    let _ = near.shutdown(Shutdown::Both);
    let _ = back.join();
    copied.map(|_| ())
}
