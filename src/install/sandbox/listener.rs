//! What the kernel tells of a step's system calls while they wait (linux/seccomp.h, seccomp_unotify(2)).
//!
//! It is told to a witness: calls go on, or are refused whatever they say. What a call's arguments point to can change
//! after it was looked at, so that nothing here is decided by it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

/// `_IOWR('!', 0, struct seccomp_notif)`, `_IOWR('!', 1, struct seccomp_notif_resp)`, `_IOW('!', 2, __u64)`.
const RECEIVE: u64 = 0xc050_2100;
const SEND: u64 = 0xc018_2101;
const IS_VALID: u64 = 0x4008_2102;
/// `_IOW('!', 4, __u64)`, and what it sets.
const SET_FLAGS: u64 = 0x4008_2104;
const SYNC_WAKE_UP: u64 = 1;
/// Most messages of one call that are looked at.
const MESSAGES: u64 = 1024;

/// The listener of a filter.
pub(super) struct Listener {
    descriptor: OwnedFd,
}

/// A call that waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    id: u64,
    /// The thread, by the number it has where the listener is.
    pub(super) thread: i32,
    pub(super) number: i64,
    pub(super) arguments: [u64; 6],
}

impl Listener {
    pub(super) fn new(descriptor: OwnedFd) -> Self {
        Self { descriptor }
    }

    pub(super) fn descriptor(&self) -> &OwnedFd {
        &self.descriptor
    }

    /// Asks the kernel to go on with whoever waits as soon as it is answered, on the same processor, where many calls
    /// are told. Kernels before 6.6 do not know that, and answer more slowly.
    pub(super) fn hurry(&self) {
        // SAFETY: the call takes a number and no pointer.
        unsafe { libc::ioctl(self.descriptor.as_raw_fd(), SET_FLAGS as libc::Ioctl, SYNC_WAKE_UP) };
    }

    /// The next call; none where it is over already.
    pub(super) fn receive(&self) -> io::Result<Option<Call>> {
        // SAFETY: all fields are plain numbers, for which zero is a value, and the one the kernel wants.
        let mut notice: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: the notice is the struct this call writes, and outlives it.
        let result = unsafe { libc::ioctl(self.descriptor.as_raw_fd(), RECEIVE as libc::Ioctl, &raw mut notice) };
        if result < 0 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::ENOENT | libc::EINTR) => Ok(None),
                _ => Err(error),
            };
        }
        let data = notice.data;
        let (thread, number) = (i32::try_from(notice.pid).unwrap_or(0), i64::from(data.nr));
        Ok(Some(Call { id: notice.id, thread, number, arguments: data.args }))
    }

    /// Whether the thread still waits in this call: else its number may be another's by now.
    pub(super) fn is_valid(&self, call: &Call) -> bool {
        // SAFETY: the number is the one this call reads, and outlives it.
        unsafe { libc::ioctl(self.descriptor.as_raw_fd(), IS_VALID as libc::Ioctl, &raw const call.id) == 0 }
    }

    /// Lets the call go on.
    pub(super) fn let_go_on(&self, call: &Call) {
        self.answer(call, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32);
    }

    /// Refuses the call.
    pub(super) fn refuse(&self, call: &Call) {
        self.answer(call, -libc::EACCES, 0);
    }

    fn answer(&self, call: &Call, error: i32, flags: u32) {
        let mut answer = libc::seccomp_notif_resp { id: call.id, val: 0, error, flags };
        // SAFETY: the answer is the struct this call reads, and outlives it. One who is gone needs none.
        unsafe { libc::ioctl(self.descriptor.as_raw_fd(), SEND as libc::Ioctl, &raw mut answer) };
    }
}

/// Where a call is about to connect or to send something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Internet(SocketAddr),
    /// Wherever the socket is connected to.
    Connected,
}

/// A file that is about to be opened or run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileCall {
    /// The descriptor of the folder that its path starts from, if that is not the one the thread is in.
    pub(super) folder: Option<i32>,
    /// The path as it was given.
    pub(super) path: Vec<u8>,
    /// It is run.
    pub(super) runs: bool,
}

impl Call {
    /// Whether it asks for a socket.
    pub(super) fn asks_for_socket(&self) -> bool {
        self.number == libc::SYS_socket
    }

    /// The file that the call opens or runs; none for other calls, and where the path cannot be read.
    pub(super) fn file(&self) -> Option<FileCall> {
        let [first, second, ..] = self.arguments;
        // The kernel takes the low half.
        let folder = |argument: u64| Some(argument as i32).filter(|folder| *folder != libc::AT_FDCWD);
        let (folder, at, runs) = match self.number {
            libc::SYS_execve => (None, first, true),
            libc::SYS_execveat => (folder(first), second, true),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_open => (None, first, false),
            libc::SYS_openat | libc::SYS_openat2 => (folder(first), second, false),
            _ => return None,
        };
        let path = self.text(at)?;
        Some(FileCall { folder, path, runs })
    }

    /// The text at an address, up to its zero byte. Read a piece at a time, for what follows it may be nobody's.
    fn text(&self, mut at: u64) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        while text.len() < libc::PATH_MAX as usize {
            // No page is smaller, and so none ends within a piece.
            let mut piece = [0; 256];
            let length = (256 - at % 256) as usize;
            self.read(at, &mut piece[..length]).ok()?;
            match piece[..length].iter().position(|byte| *byte == 0) {
                Some(end) => {
                    text.extend(&piece[..end]);
                    return Some(text);
                }
                None => text.extend(&piece[..length]),
            }
            at += length as u64;
        }
        None
    }

    /// The targets of the call; none for what is no internet address.
    pub(super) fn targets(&self) -> Vec<Target> {
        let [_, second, _, _, fifth, sixth] = self.arguments;
        match self.number {
            libc::SYS_connect => self.address(second, self.arguments[2]).into_iter().collect(),
            libc::SYS_sendto => self.address_or_connected(fifth, sixth),
            libc::SYS_sendmsg => self.of_message(second),
            libc::SYS_sendmmsg => {
                let size = size_of::<libc::mmsghdr>() as u64;
                let messages = 0..self.arguments[2].min(MESSAGES);
                messages.flat_map(|index| self.of_message(second.wrapping_add(index * size))).collect()
            }
            _ => Vec::new(),
        }
    }

    fn of_message(&self, at: u64) -> Vec<Target> {
        // The name's address and length are the first two fields of `struct msghdr`.
        let mut header = [0; 12];
        if self.read(at, &mut header).is_err() {
            return Vec::new();
        }
        let (name, length) = header.split_at(8);
        let name = name.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let length = length.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        self.address_or_connected(name, length)
    }

    fn address_or_connected(&self, at: u64, length: u64) -> Vec<Target> {
        if at == 0 { vec![Target::Connected] } else { self.address(at, length).into_iter().collect() }
    }

    /// An internet address in the memory of the thread.
    fn address(&self, at: u64, length: u64) -> Option<Target> {
        let mut bytes = [0; 28];
        let length = usize::try_from(length).ok()?.min(bytes.len());
        self.read(at, &mut bytes[..length]).ok()?;
        let port = u16::from_be_bytes([bytes[2], bytes[3]]);
        let ip = match i32::from(u16::from_ne_bytes([bytes[0], bytes[1]])) {
            libc::AF_INET if length >= 8 => IpAddr::V4(Ipv4Addr::from([bytes[4], bytes[5], bytes[6], bytes[7]])),
            libc::AF_INET6 if length >= 24 => {
                let mut octets = [0; 16];
                octets.copy_from_slice(&bytes[8..24]);
                Ipv6Addr::from(octets).to_canonical()
            }
            _ => return None,
        };
        Some(Target::Internet(SocketAddr::new(ip, port)))
    }

    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        read(self.thread, at, into)
    }
}

/// Reads the memory of a thread.
pub(super) fn read(thread: i32, at: u64, into: &mut [u8]) -> io::Result<()> {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: at as *mut libc::c_void, iov_len: into.len() };
    // SAFETY: the local buffer is as long as said and outlives the call; the other address is of another process, where the
    // kernel checks it.
    let count = unsafe { libc::process_vm_readv(thread, &raw const local, 1, &raw const remote, 1, 0) };
    match usize::try_from(count) {
        Ok(count) if count == into.len() => Ok(()),
        Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(_) => Err(io::Error::last_os_error()),
    }
}
