//! The process between hardtack and a step: it builds the walls around itself, then becomes the step.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;

use camino::Utf8Path;
use rustix::process::Signal;
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::filter;
use super::namespaces;
use super::walls::{Doing, WallError};
use super::{Level, Order, READY};

/// Runs as the sandbox's child with the order in the file at `order`. Returns only when that fails; the reason is then
/// in the answer file, and the number is the exit status.
///
/// Must be called while the process has one thread, and before it opened anything.
pub fn run_child(order: &Utf8Path) -> i32 {
    let read = fs::read(order).and_then(|text| serde_json::from_slice::<Order>(&text).map_err(io::Error::other));
    let Ok(order) = read else { return 70 };
    // Opened before mounts change what paths mean.
    let Ok(mut answer) = OpenOptions::new().write(true).open(&order.answer) else { return 70 };
    let error = match enclose(&order) {
        Ok(()) => become_command(&order, &answer),
        Err(error) => error,
    };
    let _ = answer.set_len(0);
    let _ = answer.write_all(error.to_string().as_bytes());
    70
}

fn enclose(order: &Order) -> Result<(), WallError> {
    rustix::process::umask(rustix::fs::Mode::from(0o022));
    if order.level == Level::Full {
        namespaces::enter(&order.task.binds)?;
    }
    if order.level != Level::None {
        give_up_privileges()?;
        filter::install(order.level).doing("installing the system call filter")?;
    }
    // Set last: changing credentials clears it.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).doing("tying the step to hardtack")?;
    Ok(())
}

/// No capability is left, and none can be had back, by root inside a namespace neither.
fn give_up_privileges() -> Result<(), WallError> {
    rustix::thread::set_no_new_privs(true).doing("setting no_new_privs")?;
    // Without CAP_SETPCAP there is nothing to drop from, and an unprivileged process has none to lose.
    for capability in CapabilitySet::all().iter() {
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
    let _ = rustix::thread::clear_ambient_capability_set();
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, sets).doing("dropping capabilities")
}

/// Becomes the command; comes back only with an error.
fn become_command(order: &Order, answer: &File) -> WallError {
    let task = &order.task;
    if let Err(error) = std::env::set_current_dir(&task.folder) {
        return WallError { what: format!("entering `{}`", task.folder), source: error };
    }
    close_on_exec_from(3);
    let mut writer = answer;
    if let Err(error) = writer.write_all(READY.as_bytes()) {
        return WallError { what: "answering".to_owned(), source: error };
    }
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &task.command]).env_clear().envs(&task.environment);
    WallError { what: "starting /bin/sh".to_owned(), source: shell.exec() }
}

/// Keeps files that whoever started hardtack left open, sockets among them, from the step.
fn close_on_exec_from(first: u32) {
    // SAFETY: close_range with CLOEXEC only sets a flag on descriptors; none is closed while something uses it.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if result == 0 {
        return;
    }
    // Kernels before 5.11 have no such flag.
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    for descriptor in numbers.collect::<Vec<_>>().into_iter().filter(|number| *number >= first as i32) {
        // SAFETY: setting a flag on a descriptor does not invalidate it; one closed meanwhile gives an error.
        unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}
