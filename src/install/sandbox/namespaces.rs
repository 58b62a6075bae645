//! Level `full`: a network, processes and names of the step's own.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;

use rustix::thread::UnshareFlags;

use super::conditions::Conditions;
use super::walls::{Doing, WallError};

/// Leaves the host's network, mounts, processes and names, and sees to it that loopback is all the network there is.
pub(super) fn leave(conditions: &Conditions) -> Result<(), WallError> {
    unshare(conditions)?;
    rustix::system::sethostname(conditions.host().as_bytes()).doing("setting the host name")?;
    if let Some(domain) = conditions.domain() {
        rustix::system::setdomainname(domain.as_bytes()).doing("setting the domain name")?;
    }
    raise_loopback().doing("raising the loopback interface")?;
    check_interfaces()
}

/// With a user namespace, as anybody may, else directly, as root may.
fn unshare(conditions: &Conditions) -> Result<(), WallError> {
    let (uid, gid) = (rustix::process::getuid(), rustix::process::getgid());
    let mine =
        UnshareFlags::NEWNS | UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS | UnshareFlags::NEWPID;
    let map = |own: u32| format!("{} {own} 1", conditions.user(own));
    // SAFETY: the process has one thread and shares no file table, which is what makes unsharing unsafe.
    let with_user = unsafe { rustix::thread::unshare_unsafe(mine | UnshareFlags::NEWUSER) };
    match with_user {
        Ok(()) => {
            // Without this, groups could be dropped to get around files closed to a group.
            fs::write("/proc/self/setgroups", "deny").doing("writing setgroups")?;
            fs::write("/proc/self/uid_map", map(uid.as_raw())).doing("writing uid_map")?;
            fs::write("/proc/self/gid_map", map(gid.as_raw())).doing("writing gid_map")
        }
        Err(error) if rustix::process::geteuid().is_root() => {
            // SAFETY: as above.
            let direct = unsafe { rustix::thread::unshare_unsafe(mine) };
            direct.doing(format!("making namespaces (with a user namespace: {})", io::Error::from(error)))
        }
        Err(error) => Err(error).doing("making a user namespace"),
    }
}

/// Tests of many packages talk to themselves over loopback.
fn raise_loopback() -> io::Result<()> {
    // SAFETY: socket takes no pointers.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and belongs to nobody else.
    let socket = unsafe { <File as std::os::fd::FromRawFd>::from_raw_fd(socket) };
    // SAFETY: all fields of ifreq are plain numbers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request is the one this call reads, and outlives it.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as libc::Ioctl, &request) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The proof: this process sees the loopback interface and no other that is connected to anything.
fn check_interfaces() -> Result<(), WallError> {
    let table = fs::read_to_string("/proc/self/net/dev").doing("reading the interfaces")?;
    let names = table.lines().skip(2).filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim());
    // Kernels with tunnel modules built in put their unconnected interfaces into every namespace.
    let virtual_names = ["lo", "tunl", "gre", "gretap", "erspan", "ip_vti", "ip6_vti", "sit", "ip6tnl", "ip6gre"];
    let other = names.into_iter().find(|name| !virtual_names.iter().any(|known| name.starts_with(known)));
    match other {
        None => Ok(()),
        Some(name) => Err(io::Error::other(format!("interface `{name}` is there"))).doing("leaving the network"),
    }
}
