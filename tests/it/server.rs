//! A small web server that does what it is told, faults included.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// How a path is answered.
#[derive(Clone)]
pub enum Answer {
    /// The body, as it should be.
    Body(Vec<u8>),
    /// Another status.
    Status(u16),
    /// The whole length is announced, and the connection cut after so many bytes.
    Cut(Vec<u8>, usize),
    /// A redirect to another path or URL.
    Redirect(String),
    /// One after another, the last one from then on.
    Sequence(Vec<Answer>),
    /// A status, and when to come again.
    Later(u16, String),
    /// The body, if the request has this header.
    Guarded(&'static str, String, Vec<u8>),
    /// The body, with one more header.
    With(String, Vec<u8>),
    /// The first bytes, and then nothing for long.
    Stall(Vec<u8>, usize),
    /// The body, without a word on its length.
    Unannounced(Vec<u8>),
    /// The body, the second half after a while.
    Slow(Vec<u8>),
    /// A file with a version, served as this kind of server does it.
    Versioned(Vec<u8>, Version),
}

/// The version of a file, and what the server makes of questions about it.
#[derive(Clone, Default)]
pub struct Version {
    pub etag: Option<&'static str>,
    pub last_modified: Option<&'static str>,
    /// Sends the body whatever condition is asked for.
    pub ignores_conditions: bool,
    /// Does not know HEAD.
    pub no_head: bool,
    /// Sends no etag with a 304.
    pub bare_304: bool,
    /// Cuts a whole body after so many bytes; parts are sent whole.
    pub cut: Option<usize>,
    /// Sends the whole body whatever part is asked for.
    pub ignores_ranges: bool,
    /// Sends the part that is asked for of whatever version it has.
    pub ignores_if_range: bool,
    /// Sends at most so much of a part.
    pub short_part: Option<usize>,
    /// Rests so long after each few kilobytes.
    pub pace: Option<std::time::Duration>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in small letters.
    pub headers: BTreeMap<String, String>,
}

struct Shared {
    answers: Mutex<BTreeMap<String, Answer>>,
    headers: Mutex<String>,
    requests: Mutex<Vec<Request>>,
    stop: AtomicBool,
    /// Bytes of bodies that have versions.
    sent: std::sync::atomic::AtomicU64,
}

/// A server on a free port of 127.0.0.1, stopped when dropped.
pub struct Server {
    shared: Arc<Shared>,
    port: u16,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            answers: Mutex::default(),
            headers: Mutex::default(),
            requests: Mutex::default(),
            stop: AtomicBool::new(false),
            sent: std::sync::atomic::AtomicU64::new(0),
        });
        let inner = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if inner.stop.load(Ordering::SeqCst) {
                    break;
                }
                let inner = Arc::clone(&inner);
                std::thread::spawn(move || {
                    // A client that goes away early is part of some tests.
                    let _ = serve(stream, &inner);
                });
            }
        });
        Self { shared, port, thread: Some(thread) }
    }

    /// Serves `path`, which starts with a slash, with `body`.
    pub fn file(&self, path: &str, body: impl Into<Vec<u8>>) -> String {
        self.answer(path, Answer::Body(body.into()))
    }

    /// Answers `path` as told; returns its URL.
    pub fn answer(&self, path: &str, answer: Answer) -> String {
        self.shared.answers.lock().expect("lock").insert(path.to_owned(), answer);
        self.url(path)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Header lines sent with every answer, each with its end.
    pub fn set_headers(&self, lines: &str) {
        *self.shared.headers.lock().expect("lock") = lines.to_owned();
    }

    /// The paths asked for so far, in order.
    pub fn requests(&self) -> Vec<String> {
        self.heads().into_iter().map(|request| request.path).collect()
    }

    /// Bytes of bodies sent so far, of files that have versions.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// The requests so far, in order.
    pub fn heads(&self) -> Vec<Request> {
        self.shared.requests.lock().expect("lock").clone()
    }

    /// The requests since the last look, as `GET /path`.
    pub fn asked(&self) -> Vec<String> {
        let requests = std::mem::take(&mut *self.shared.requests.lock().expect("lock"));
        requests.into_iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }

    /// Stops the server; its port refuses connections from here on.
    pub fn stop(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shut_down();
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut headers = BTreeMap::new();
        let mut header = String::new();
        while reader.read_line(&mut header)? > 2 {
            if let Some((name, value)) = header.split_once(':') {
                headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            }
            header.clear();
        }
        let request = Request { method, path, headers };
        shared.requests.lock().expect("lock").push(request.clone());
        let answer = shared.answers.lock().expect("lock").get(&request.path).cloned();
        let extra = shared.headers.lock().expect("lock").clone();
        let answer = match answer {
            Some(Answer::Sequence(mut answers)) => {
                let first = answers.remove(0);
                if !answers.is_empty() {
                    let rest = Answer::Sequence(answers);
                    shared.answers.lock().expect("lock").insert(request.path.clone(), rest);
                }
                Some(first)
            }
            other => other,
        };
        match answer.unwrap_or(Answer::Status(404)) {
            // The sequence inside a sequence is nobody's wish.
            Answer::Sequence(_) => return Ok(()),
            Answer::Later(code, when) => {
                write!(stream, "HTTP/1.1 {code} Later\r\nRetry-After: {when}\r\nContent-Length: 0\r\n\r\n")?;
            }
            Answer::Guarded(name, value, body) => match request.headers.get(name) {
                Some(found) if *found == value => {
                    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())?;
                    stream.write_all(&body)?;
                }
                _ => write!(stream, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")?,
            },
            Answer::With(line, body) => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{line}\r\n\r\n", body.len())?;
                stream.write_all(&body)?;
            }
            Answer::Stall(body, after) => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nETag: \"s\"\r\n\r\n", body.len())?;
                stream.write_all(&body[..after])?;
                stream.flush()?;
                // Until the client gives up, and not for ever.
                stream.set_read_timeout(Some(std::time::Duration::from_secs(20)))?;
                let _ = reader.read(&mut [0; 16]);
                return Ok(());
            }
            Answer::Versioned(body, version) => {
                if versioned(&mut stream, &request, &body, &version, &shared.sent)? {
                    let _ = reader.read(&mut [0; 16]);
                    return Ok(());
                }
            }
            Answer::Body(body) => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{extra}\r\n", body.len())?;
                if request.method != "HEAD" {
                    stream.write_all(&body)?;
                }
            }
            Answer::Unannounced(body) => {
                write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
                return stream.write_all(&body);
            }
            Answer::Slow(body) => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())?;
                let (first, second) = body.split_at(body.len() / 2);
                stream.write_all(first)?;
                stream.flush()?;
                std::thread::sleep(std::time::Duration::from_millis(1500));
                stream.write_all(second)?;
            }
            Answer::Status(code) => {
                write!(stream, "HTTP/1.1 {code} Some Reason\r\nContent-Length: 0\r\n{extra}\r\n")?;
            }
            Answer::Redirect(to) => {
                write!(stream, "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")?;
            }
            Answer::Cut(body, after) => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())?;
                stream.write_all(&body[..after])?;
                stream.flush()?;
                stream.shutdown(std::net::Shutdown::Both)?;
                // Whatever the client still sends is dropped.
                let _ = reader.read(&mut [0; 16]);
                return Ok(());
            }
        }
        stream.flush()?;
    }
}

/// Answers as a server does that knows versions; `true` where the connection was cut.
fn versioned(
    stream: &mut TcpStream,
    request: &Request,
    body: &[u8],
    version: &Version,
    sent: &std::sync::atomic::AtomicU64,
) -> std::io::Result<bool> {
    let header =
        |name: &str, value: Option<&str>| value.map(|value| format!("{name}: {value}\r\n")).unwrap_or_default();
    let about = header("ETag", version.etag) + &header("Last-Modified", version.last_modified);
    let asked = |name: &str| request.headers.get(name).map(String::as_str);
    if request.method == "HEAD" && version.no_head {
        write!(stream, "HTTP/1.1 405 Not Allowed\r\nContent-Length: 0\r\n\r\n")?;
        return Ok(false);
    }
    let same = match asked("if-none-match") {
        Some(etag) => version.etag == Some(etag),
        None => asked("if-modified-since").is_some() && asked("if-modified-since") == version.last_modified,
    };
    if same && !version.ignores_conditions {
        let about = if version.bare_304 { "" } else { &about };
        write!(stream, "HTTP/1.1 304 Not Modified\r\n{about}\r\n")?;
        return Ok(false);
    }
    let from = asked("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let same_version = asked("if-range") == version.etag || version.ignores_if_range;
    let from = from.filter(|_| same_version && !version.ignores_ranges);
    let length = body.len();
    match from {
        Some(from) if from >= length => {
            write!(stream, "HTTP/1.1 416 Too Far\r\nContent-Length: 0\r\n\r\n")?;
            return Ok(false);
        }
        Some(from) => {
            let size = version.short_part.map_or(length - from, |most| most.min(length - from));
            let range = format!("Content-Range: bytes {from}-{}/{length}\r\n", from + size - 1);
            write!(stream, "HTTP/1.1 206 Partial Content\r\nContent-Length: {size}\r\n{range}{about}\r\n")?;
            paced(stream, &body[from..from + size], version.pace, sent)?;
        }
        None => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{about}\r\n")?;
            if request.method == "HEAD" {
                return Ok(false);
            }
            if let Some(after) = version.cut {
                stream.write_all(&body[..after])?;
                stream.flush()?;
                stream.shutdown(std::net::Shutdown::Both)?;
                return Ok(true);
            }
            paced(stream, body, version.pace, sent)?;
        }
    }
    Ok(false)
}

/// Sends a body, slowly if that is wished, and counts what went out.
fn paced(
    stream: &mut TcpStream,
    body: &[u8],
    pace: Option<std::time::Duration>,
    sent: &std::sync::atomic::AtomicU64,
) -> std::io::Result<()> {
    let size = if pace.is_some() { 8192 } else { body.len().max(1) };
    for chunk in body.chunks(size) {
        stream.write_all(chunk)?;
        stream.flush()?;
        sent.fetch_add(chunk.len() as u64, Ordering::SeqCst);
        if let Some(pace) = pace {
            std::thread::sleep(pace);
        }
    }
    Ok(())
}
