//! Real git behind a web server on loopback: each request is a `git http-backend`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What a server does besides serving.
#[derive(Default)]
pub struct Manners {
    /// The `Authorization` it wants.
    pub guard: Mutex<Option<String>>,
    /// Requests that it answers with this status first.
    pub busy: Mutex<Vec<u16>>,
    /// Where it sends everybody.
    pub elsewhere: Mutex<Option<String>>,
    /// The `Authorization` headers it got.
    pub shown: Mutex<Vec<String>>,
    /// Requests so far.
    pub requests: Mutex<Vec<String>>,
    stop: AtomicBool,
}

/// A server of all repositories in a folder.
pub struct GitServer {
    pub manners: Arc<Manners>,
    port: u16,
}

impl GitServer {
    pub fn start(root: impl AsRef<Path>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (manners, root) = (Arc::new(Manners::default()), root.as_ref().to_owned());
        let inner = Arc::clone(&manners);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if inner.stop.load(Ordering::SeqCst) {
                    break;
                }
                let (inner, root) = (Arc::clone(&inner), root.clone());
                // A client that goes away early is part of some tests.
                std::thread::spawn(move || drop(serve(stream, &root, &inner)));
            }
        });
        Self { manners, port }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// `user:password@` put in front of the host.
    pub fn url_of(&self, user: &str, path: &str) -> String {
        format!("http://{user}@127.0.0.1:{}/{path}", self.port)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.manners.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(mut stream: TcpStream, root: &PathBuf, manners: &Manners) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? <= 2 {
            break;
        }
        if let Some((name, value)) = header.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    manners.requests.lock().expect("lock").push(target.to_owned());
    manners.shown.lock().expect("lock").extend(headers.get("authorization").cloned());
    let mut refuse =
        |status: &str| write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    if let Some(status) = manners.busy.lock().expect("lock").pop() {
        return refuse(&format!("{status} Busy"));
    }
    if let Some(place) = manners.elsewhere.lock().expect("lock").clone() {
        return refuse(&format!("302 Found\r\nLocation: {place}{target}"));
    }
    let guard = manners.guard.lock().expect("lock").clone();
    if guard.is_some() && headers.get("authorization") != guard.as_ref() {
        return refuse("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"");
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut body = Vec::new();
    match headers.get("content-length") {
        Some(length) => (&mut reader).take(length.parse().unwrap_or(0)).read_to_end(&mut body).map(drop)?,
        None if headers.contains_key("transfer-encoding") => chunks(&mut reader, &mut body)?,
        None => {}
    }
    let mut command = Command::new("git");
    command.arg("http-backend").env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("REQUEST_METHOD", method).env("PATH_INFO", path).env("QUERY_STRING", query);
    command.env("CONTENT_TYPE", headers.get("content-type").map_or("", String::as_str));
    command.env("CONTENT_LENGTH", body.len().to_string()).env("REMOTE_ADDR", "127.0.0.1");
    for (header, variable) in [("content-encoding", "HTTP_CONTENT_ENCODING"), ("git-protocol", "GIT_PROTOCOL")] {
        if let Some(value) = headers.get(header) {
            command.env(variable, value);
        }
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    child.stdin.take().expect("a pipe").write_all(&body)?;
    let output = child.wait_with_output()?.stdout;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(0);
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let body = &output[(end + 4).min(output.len())..];
    write!(stream, "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(body)
}

fn chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
        reader.take(length).read_to_end(body)?;
        reader.read_line(&mut line)?;
        if length == 0 {
            return Ok(());
        }
    }
}
