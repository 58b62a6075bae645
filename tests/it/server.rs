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
}

struct Shared {
    answers: Mutex<BTreeMap<String, Answer>>,
    headers: Mutex<String>,
    requests: Mutex<Vec<String>>,
    stop: AtomicBool,
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
        self.shared.requests.lock().expect("lock").clone()
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
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut header = String::new();
        while reader.read_line(&mut header)? > 2 {
            header.clear();
        }
        shared.requests.lock().expect("lock").push(path.clone());
        let answer = shared.answers.lock().expect("lock").get(&path).cloned();
        let extra = shared.headers.lock().expect("lock").clone();
        match answer.unwrap_or(Answer::Status(404)) {
            Answer::Body(body) => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{extra}\r\n", body.len())?;
                stream.write_all(&body)?;
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
