//! The witness of a step: it sits beside the sandbox, answers the step's look-ups, and notes who tries to reach what, or, where
//! there are no internet sockets, who asks for one. It decides nothing: that there is no network is the kernel's doing.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, openat};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};

use super::super::attempts::{Attempt, Sightings};
use super::listener::{self, Call, Listener, Target};
use super::opened::Opened;
use super::processes::{self, End, Word};
use super::resolver::{Question, Resolver};

/// The port of name servers.
const NAMES: u16 = 53;
/// Programs of a chain that are told.
const DEEPEST: usize = 40;

/// One who watches.
pub(super) struct Witness {
    /// The processes as they are seen from outside the sandbox.
    processes: OwnedFd,
    /// The sandbox's name server; none where nothing can be seen.
    names: Option<UdpSocket>,
    sightings: Sightings,
    /// The machine's files that the step uses, where that is watched.
    opened: Option<Opened>,
}

/// The programs that led to a call.
type Chain = Vec<String>;

impl Witness {
    /// Must be made before the sandbox's namespaces are, if it has any. A filter that tells somebody who cannot listen would keep the step from
    /// calls that it needs, so everything is tried first.
    pub(super) fn new() -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let processes = rustix::fs::open("/proc", flags, Mode::empty())?;
        let tried = processes::try_on_child(|child| {
            descriptor_of(child, 0)?;
            // A forked process has everything at the same place.
            let (mut byte, own) = ([0], [7u8]);
            listener::read(child.as_raw_nonzero().get(), own.as_ptr() as u64, &mut byte)
        });
        let unseen = tried.err().map(|error| format!("looking at system calls: {error}"));
        Ok(Self { processes, names: None, sightings: Sightings { unseen, ..Sightings::default() }, opened: None })
    }

    /// Whether it can see anything.
    pub(super) fn sees(&self) -> bool {
        self.sightings.unseen.is_none()
    }

    /// Gets ready in the sandbox's network; whether it is.
    pub(super) fn is_ready(&mut self) -> bool {
        if !self.sees() {
            return false;
        }
        let bound = UdpSocket::bind((Ipv4Addr::LOCALHOST, NAMES)).and_then(|names| {
            names.set_nonblocking(true)?;
            Ok(names)
        });
        match bound {
            Ok(names) => self.names = Some(names),
            Err(error) => self.sightings.unseen = Some(format!("answering look-ups: {error}")),
        }
        self.names.is_some()
    }

    /// Watches the machine's files, too: those of another root, if there is one, and not those in the folders `own`.
    pub(super) fn watch_files(
        &mut self,
        root: Option<&Utf8Path>,
        own: impl Iterator<Item = Utf8PathBuf>,
    ) -> io::Result<()> {
        self.opened = Some(Opened::new(self.processes.try_clone()?, root, own));
        Ok(())
    }

    /// What was seen.
    pub(super) fn into_sightings(self) -> Sightings {
        let used = self.opened.map(Opened::into_used).unwrap_or_default();
        Sightings { used, ..self.sightings }
    }

    /// Watches until the sandbox's first process has told how the step ended, or is gone.
    pub(super) fn watch(&mut self, first: Pid, mut told: PipeReader, mut go_on: PipeWriter) -> Option<End> {
        loop {
            match Word::read(&mut told).ok()? {
                Word::Started => {}
                Word::Ended(end) => return Some(end),
                Word::Listens(descriptor) => {
                    let session = self.begin(first, descriptor);
                    // It waits for this before it starts the step.
                    let _ = go_on.write_all(&[0]);
                    match session {
                        Ok(mut session) => session.run(self, first, &told),
                        Err(error) => self.sightings.unseen = Some(format!("listening to system calls: {error}")),
                    }
                }
                Word::Deaf(reason) => self.sightings.unseen = Some(reason),
            }
        }
    }

    /// Takes the listener over from the process that has it.
    fn begin(&mut self, first: Pid, descriptor: i32) -> io::Result<Session> {
        let listener = Listener::new(descriptor_of(first, descriptor)?);
        if self.opened.is_some() {
            listener.hurry();
        }
        Ok(Session { listener, names: self.names.take(), resolver: Resolver::default(), asker: Vec::new() })
    }

    /// The programs from the step's own to the one of a thread, outermost first.
    fn chain(&self, thread: i32, first: Pid) -> Chain {
        let (mut chain, mut next) = (Vec::new(), thread);
        while chain.len() < DEEPEST && next != first.as_raw_nonzero().get() && next > 1 {
            let Some(process) = self.process(next) else { break };
            if process.group != next {
                next = process.group;
                continue;
            }
            chain.push(process.name);
            next = process.parent;
        }
        chain.reverse();
        // The shell of the step itself says nothing.
        if chain.len() > 1 && chain[0] == "sh" {
            chain.remove(0);
        }
        chain
    }

    fn process(&self, number: i32) -> Option<Process> {
        let path = format!("{number}/status");
        let file = openat(&self.processes, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut text = Vec::new();
        File::from(file).read_to_end(&mut text).ok()?;
        let text = String::from_utf8_lossy(&text);
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let number = |name: &str| field(name)?.parse::<i32>().ok();
        Some(Process { name: field("Name:")?.to_owned(), group: number("Tgid:")?, parent: number("PPid:")? })
    }
}

struct Process {
    name: String,
    /// The process a thread belongs to.
    group: i32,
    parent: i32,
}

/// A step that is watched.
struct Session {
    listener: Listener,
    /// The name server; none where nobody can ask it.
    names: Option<UdpSocket>,
    resolver: Resolver,
    /// Who last spoke to the name server.
    asker: Chain,
}

impl Session {
    /// Until the first process has something to say.
    fn run(&mut self, witness: &mut Witness, first: Pid, told: &PipeReader) {
        let mut listens = true;
        loop {
            let mut waited = vec![PollFd::new(told, PollFlags::IN)];
            let listener_at = listens.then(|| {
                waited.push(PollFd::new(self.listener.descriptor(), PollFlags::IN));
                waited.len() - 1
            });
            waited.extend(self.names.iter().map(|names| PollFd::new(names, PollFlags::IN)));
            if !matches!(poll(&mut waited, None), Ok(_) | Err(rustix::io::Errno::INTR)) {
                return;
            }
            let ready: Vec<PollFlags> = waited.iter().map(PollFd::revents).collect();
            // A question first: it is of the one who spoke last.
            if self.names.is_some() && ready.last().is_some_and(|names| names.contains(PollFlags::IN)) {
                self.answer(&mut witness.sightings);
            }
            if let Some(listener) = listener_at.map(|at| ready[at]) {
                if listener.contains(PollFlags::IN) {
                    match self.listener.receive() {
                        Ok(Some(call)) => self.look_at(&call, witness, first),
                        Ok(None) => {}
                        Err(_) => listens = false,
                    }
                } else if !listener.is_empty() {
                    // No process is left that has the filter.
                    listens = false;
                }
            }
            if !ready[0].is_empty() {
                return;
            }
        }
    }

    fn answer(&mut self, sightings: &mut Sightings) {
        let Some(names) = &self.names else { return };
        let mut message = [0; 1500];
        while let Ok((length, from)) = names.recv_from(&mut message) {
            let Some(question) = Question::read(&message[..length]) else { continue };
            let answer = self.resolver.answer(&message[..length], &question);
            // Who does not wait for it has no use for it.
            let _ = names.send_to(&answer, from);
            if !question.is_own() {
                let (programs, host) = (self.asker.clone(), Some(question.name));
                sightings.add(Attempt { programs, host, address: None, port: None, times: 1 });
            }
        }
    }

    fn look_at(&mut self, call: &Call, witness: &mut Witness, first: Pid) {
        if call.asks_for_socket() {
            let chain = witness.chain(call.thread, first);
            if self.listener.is_valid(call) {
                witness.sightings.add_refusal(chain);
            }
            return self.listener.refuse(call);
        }
        if let (Some(opened), Some(file)) = (&mut witness.opened, call.file()) {
            opened.note(file, call.thread);
            return self.listener.let_go_on(call);
        }
        let targets = call.targets();
        let beyond = targets.iter().filter_map(|target| match target {
            Target::Internet(address) if is_beyond(address.ip()) => Some(*address),
            _ => None,
        });
        let beyond: Vec<SocketAddr> = beyond.collect();
        let asks = targets.iter().any(|target| match target {
            Target::Internet(address) => address.port() == NAMES && !is_beyond(address.ip()),
            Target::Connected => false,
        });
        if beyond.is_empty() && !asks {
            return self.listener.let_go_on(call);
        }
        let chain = witness.chain(call.thread, first);
        if self.listener.is_valid(call) {
            for address in beyond {
                let host = self.resolver.name_of(address.ip()).map(str::to_owned);
                let ip = host.is_none().then(|| address.ip());
                let port = Some(address.port()).filter(|port| *port != 0);
                witness.sightings.add(Attempt { programs: chain.clone(), host, address: ip, port, times: 1 });
            }
            if asks {
                self.asker = chain;
            }
        }
        self.listener.let_go_on(call);
    }
}

/// Another process's descriptor, as one of this process.
fn descriptor_of(process: Pid, number: i32) -> io::Result<OwnedFd> {
    let process = rustix::process::pidfd_open(process, PidfdFlags::empty())?;
    Ok(rustix::process::pidfd_getfd(&process, number, PidfdGetfdFlags::empty())?)
}

/// Whether an address is another machine's.
fn is_beyond(address: IpAddr) -> bool {
    !address.is_loopback() && !address.is_unspecified()
}

/// Writes what was seen.
pub(super) fn write(file: &File, sightings: &Sightings) {
    use std::os::unix::fs::FileExt;
    // A step's end is worth more than a list that cannot be written.
    if let Ok(text) = serde_json::to_vec(sightings) {
        let _ = file.write_all_at(&text, 0);
    }
}

/// What was written for a step.
pub(super) fn read(path: &Utf8Path) -> Sightings {
    let text = std::fs::read(path).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_else(|_| Sightings {
        unseen: Some("the sandbox's process ended early".to_owned()),
        ..Sightings::default()
    })
}
