//! The system call filter: a small program for the kernel's classic BPF machine.
//!
//! It refuses sockets of all families but the few that cannot reach a network from where the step is, io_uring, which
//! would open sockets past any filter, and system calls of foreign architectures, whose numbers mean other things.
//! Numbers and layout: linux/seccomp.h, linux/filter.h, linux/audit.h.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use super::Level;

/// Offsets in `struct seccomp_data`; arguments are 64 bits wide, of which the low half is looked at.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const ARG0: u32 = 16;
const ARG1: u32 = 24;
const ARG2: u32 = 32;

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

#[cfg(target_arch = "x86_64")]
const OWN_ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const OWN_ARCH: u32 = 0xc000_00b7;
#[cfg(target_arch = "riscv64")]
const OWN_ARCH: u32 = 0xc000_00f3;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
compile_error!("the system call filter is written for x86_64, aarch64 and riscv64");

/// System calls of the x32 ABI carry this bit; they are refused like a foreign architecture's.
const X32_BIT: u32 = 0x4000_0000;
/// The obsolete way to raw packets, still a number the kernel knows.
const SOCK_PACKET: u32 = 10;
/// The low bits of a socket's type; the rest are flags.
const TYPE_MASK: u32 = 0xf;

/// Refuses with this error.
const fn errno(code: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | (code as u32 & libc::SECCOMP_RET_DATA)
}

/// A program under construction: conditions are always "if so, return".
#[derive(Default)]
struct Program {
    code: Vec<libc::sock_filter>,
}

impl Program {
    fn op(&mut self, code: u16, jt: u8, jf: u8, k: u32) {
        self.code.push(libc::sock_filter { code, jt, jf, k });
    }

    fn load(&mut self, offset: u32) {
        self.op(LOAD, 0, 0, offset);
    }

    fn mask(&mut self, bits: u32) {
        self.op(AND, 0, 0, bits);
    }

    fn give(&mut self, answer: u32) {
        self.op(RETURN, 0, 0, answer);
    }

    fn give_if_equal(&mut self, value: u32, answer: u32) {
        self.op(IF_EQUAL, 0, 1, value);
        self.give(answer);
    }

    fn give_unless_equal(&mut self, value: u32, answer: u32) {
        self.op(IF_EQUAL, 1, 0, value);
        self.give(answer);
    }

    fn give_if_at_least(&mut self, value: u32, answer: u32) {
        self.op(IF_AT_LEAST, 0, 1, value);
        self.give(answer);
    }

    /// Tells of files that are run or opened, but for what is opened to be written or is a folder: builds do that where
    /// they work. The number is loaded, and is afterwards.
    fn tell_of_files(&mut self) {
        // What `openat2` is asked for lies in memory, where no filter looks.
        for call in [libc::SYS_execve, libc::SYS_execveat, libc::SYS_openat2] {
            self.give_if_equal(call as u32, libc::SECCOMP_RET_USER_NOTIF);
        }
        #[cfg(target_arch = "x86_64")]
        self.tell_of_opening(libc::SYS_open, ARG1);
        self.tell_of_opening(libc::SYS_openat, ARG2);
    }

    /// The same for a call that has its flags in the argument at an offset.
    fn tell_of_opening(&mut self, call: libc::c_long, flags: u32) {
        // Past the five instructions below, with the number still loaded.
        self.op(IF_EQUAL, 0, 5, call as u32);
        self.load(flags);
        self.mask((libc::O_ACCMODE | libc::O_DIRECTORY | libc::O_PATH) as u32);
        self.give_if_equal(libc::O_RDONLY as u32, libc::SECCOMP_RET_USER_NOTIF);
        self.give(ALLOW);
    }
}

/// What a listener is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tells {
    /// Ways to the network.
    Network,
    /// Those, and files that are opened for reading or run.
    NetworkAndFiles,
}

fn program(level: Level, tells: Option<Tells>) -> Vec<libc::sock_filter> {
    let mut program = Program::default();
    program.load(ARCH);
    program.give_unless_equal(OWN_ARCH, errno(libc::ENOSYS));
    program.load(NUMBER);
    program.give_if_at_least(X32_BIT, errno(libc::ENOSYS));
    for call in [libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register] {
        program.give_if_equal(call as u32, errno(libc::ENOSYS));
    }
    // Keyrings belong to the user, not to a namespace: what a build left there would outlive it.
    for call in [libc::SYS_add_key, libc::SYS_request_key, libc::SYS_keyctl] {
        program.give_if_equal(call as u32, errno(libc::ENOSYS));
    }
    if level == Level::Seccomp {
        // Processes outside are in reach here, and what they may do a step must not do through them.
        for call in [libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev, libc::SYS_pidfd_getfd] {
            program.give_if_equal(call as u32, errno(libc::EPERM));
        }
    }
    // Where there are no internet sockets, nothing more comes of a call than asking for one.
    if tells.is_some() && level == Level::Full {
        for call in [libc::SYS_connect, libc::SYS_sendto, libc::SYS_sendmsg, libc::SYS_sendmmsg] {
            program.give_if_equal(call as u32, libc::SECCOMP_RET_USER_NOTIF);
        }
    }
    if tells == Some(Tells::NetworkAndFiles) {
        program.tell_of_files();
    }
    program.give_unless_equal(libc::SYS_socket as u32, ALLOW);
    program.load(ARG0);
    program.give_if_equal(libc::AF_UNIX as u32, ALLOW);
    program.give_if_equal(libc::AF_NETLINK as u32, ALLOW);
    // AF_ALG is the kernel's crypto: it reaches nothing.
    program.give_if_equal(libc::AF_ALG as u32, ALLOW);
    if level == Level::Full {
        // In a network of its own a step may have internet sockets, but none below TCP and UDP.
        program.op(IF_EQUAL, 2, 0, libc::AF_INET as u32);
        program.op(IF_EQUAL, 1, 0, libc::AF_INET6 as u32);
        program.give(errno(libc::EACCES));
        program.load(ARG1);
        program.mask(TYPE_MASK);
        program.give_if_equal(libc::SOCK_RAW as u32, errno(libc::EACCES));
        program.give_if_equal(SOCK_PACKET, errno(libc::EACCES));
        program.give(ALLOW);
    } else if tells.is_some() {
        program.give_if_equal(libc::AF_INET as u32, libc::SECCOMP_RET_USER_NOTIF);
        program.give_if_equal(libc::AF_INET6 as u32, libc::SECCOMP_RET_USER_NOTIF);
    }
    program.give(errno(libc::EACCES));
    program.code
}

/// Installs the filter for this process and all it starts. `no_new_privs` must be set.
pub(super) fn install(level: Level) -> io::Result<()> {
    load(&program(level, None), 0).map(|_| ())
}

/// The same, with a listener that is told of some calls; the second is why there is none.
pub(super) fn install_with_listener(level: Level, tells: Tells) -> io::Result<io::Result<OwnedFd>> {
    let program = program(level, Some(tells));
    // Since Linux 5.19 a signal does not begin a call anew that waits for its witness.
    let flags = [libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | WAIT_KILLABLE, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER];
    let mut last = None;
    for flags in flags {
        match load(&program, flags) {
            // SAFETY: with this flag the number is a descriptor that was just made and is nobody else's.
            Ok(descriptor) => return Ok(Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })),
            Err(error) => last = Some(error),
        }
    }
    install(level).map(|()| Err(last.unwrap_or_else(|| io::ErrorKind::Unsupported.into())))
}

/// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`.
const WAIT_KILLABLE: libc::c_ulong = 1 << 5;

fn load(code: &[libc::sock_filter], flags: libc::c_ulong) -> io::Result<i32> {
    let length = u16::try_from(code.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len: length, filter: code.as_ptr().cast_mut() };
    // SAFETY: the program points to `code`, which outlives the call; the kernel copies it and writes nothing.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
    if result >= 0 { Ok(result as i32) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel's machine would answer; only the instructions used here.
    fn answer(level: Level, arch: u32, number: u32, args: [u32; 2]) -> u32 {
        answer_of(&program(level, None), arch, number, [args[0], args[1], 0])
    }

    fn answer_of(code: &[libc::sock_filter], arch: u32, number: u32, args: [u32; 3]) -> u32 {
        let (mut at, mut register) = (0, 0u32);
        loop {
            let op = code[at];
            at += 1;
            let jump = |taken: bool| usize::from(if taken { op.jt } else { op.jf });
            match op.code {
                LOAD => {
                    register = match op.k {
                        NUMBER => number,
                        ARCH => arch,
                        ARG0 => args[0],
                        ARG1 => args[1],
                        ARG2 => args[2],
                        other => panic!("loads {other}"),
                    }
                }
                AND => register &= op.k,
                IF_EQUAL => at += jump(register == op.k),
                IF_AT_LEAST => at += jump(register >= op.k),
                RETURN => return op.k,
                other => panic!("operation {other}"),
            }
        }
    }

    #[test]
    fn a_listener_is_told_of_what_leads_somewhere_and_of_nothing_else() {
        let told = program(Level::Full, Some(Tells::Network));
        let tells = |code: &[libc::sock_filter]| {
            code.iter().filter(|op| op.code == RETURN && op.k == libc::SECCOMP_RET_USER_NOTIF).count()
        };
        assert_eq!((tells(&told), tells(&program(Level::Full, None))), (4, 0));
        assert_eq!(
            (tells(&program(Level::Seccomp, Some(Tells::Network))), tells(&program(Level::Seccomp, None))),
            (2, 0)
        );
    }

    #[test]
    fn a_rehearsal_is_told_of_files_that_are_read_or_run() {
        let code = program(Level::Full, Some(Tells::NetworkAndFiles));
        let opening = |flags: i32| answer_of(&code, OWN_ARCH, libc::SYS_openat as u32, [0, 0, flags as u32]);
        let told = libc::SECCOMP_RET_USER_NOTIF;
        assert_eq!(
            (opening(libc::O_RDONLY | libc::O_CLOEXEC), opening(libc::O_RDONLY | libc::O_DIRECTORY)),
            (told, ALLOW)
        );
        assert_eq!((opening(libc::O_WRONLY | libc::O_CREAT), opening(libc::O_RDWR)), (ALLOW, ALLOW));
        let other = |call: libc::c_long| answer_of(&code, OWN_ARCH, call as u32, [0; 3]);
        assert_eq!((other(libc::SYS_execve), other(libc::SYS_read), other(libc::SYS_connect)), (told, ALLOW, told));
    }

    fn socket(level: Level, family: i32, kind: i32) -> u32 {
        answer(level, OWN_ARCH, libc::SYS_socket as u32, [family as u32, kind as u32])
    }

    #[test]
    fn the_filter_answers_each_call_as_it_should() {
        use Level::{Full, Seccomp};
        let refused = errno(libc::EACCES);
        for level in [Full, Seccomp] {
            assert_eq!(answer(level, OWN_ARCH, libc::SYS_read as u32, [0, 0]), ALLOW);
            assert_eq!(answer(level, 0x4000_0003, 1, [0, 0]), errno(libc::ENOSYS));
            assert_eq!(answer(level, OWN_ARCH, X32_BIT + 41, [0, 0]), errno(libc::ENOSYS));
            assert_eq!(answer(level, OWN_ARCH, libc::SYS_io_uring_setup as u32, [0, 0]), errno(libc::ENOSYS));
            assert_eq!(answer(level, OWN_ARCH, libc::SYS_add_key as u32, [0, 0]), errno(libc::ENOSYS));
            assert_eq!(socket(level, libc::AF_UNIX, libc::SOCK_STREAM), ALLOW);
            assert_eq!(socket(level, libc::AF_NETLINK, libc::SOCK_RAW), ALLOW);
            assert_eq!(socket(level, libc::AF_PACKET, libc::SOCK_RAW), refused);
            assert_eq!(socket(level, libc::AF_VSOCK, libc::SOCK_STREAM), refused);
        }
        assert_eq!(answer(Seccomp, OWN_ARCH, libc::SYS_ptrace as u32, [0, 0]), errno(libc::EPERM));
        assert_eq!(answer(Full, OWN_ARCH, libc::SYS_ptrace as u32, [0, 0]), ALLOW);
        for family in [libc::AF_INET, libc::AF_INET6] {
            assert_eq!(socket(Seccomp, family, libc::SOCK_STREAM), refused);
            assert_eq!(socket(Full, family, libc::SOCK_STREAM | libc::SOCK_CLOEXEC), ALLOW);
            assert_eq!(socket(Full, family, libc::SOCK_DGRAM), ALLOW);
            assert_eq!(socket(Full, family, libc::SOCK_RAW), refused);
        }
    }
}
