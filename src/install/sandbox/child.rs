//! The process between hardtack and a step: it builds the walls, starts the step
//! behind them and waits.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use camino::Utf8Path;
use rustix::io::FdFlags;
use rustix::process::{DumpableBehavior, Pid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::super::attempts::Sightings;
use super::conditions::Conditions;
use super::confinement::Confinement;
use super::filter::{self, Tells};
use super::mounts;
use super::namespaces;
use super::processes::{self, End, Outside};
use super::walls::{Doing, WallError};
use super::witness::{self, Witness};
use super::{FAILED, Level, Order, READY, Task};

/// Runs as the sandbox's child with the order in the file at `order`. What goes wrong before the command runs is in the
/// answer file afterwards. The number is the exit status; a command that was ended by a signal ends this process too.
///
/// Must be called while the process has one thread, and before it opened anything.
pub fn run_child(order: &Utf8Path) -> i32 {
    let read = fs::read(order).and_then(|text| serde_json::from_slice::<Order>(&text).map_err(io::Error::other));
    let Ok(order) = read else { return FAILED };
    close_on_exec_from(3, &order.task.inherit);
    // Opened before mounts change what paths mean.
    let Ok(answer) = OpenOptions::new().write(true).open(&order.answer) else { return FAILED };
    let Ok(seen) = OpenOptions::new().write(true).open(&order.seen) else { return FAILED };
    let tell = |error: &WallError| {
        // Where even this cannot be written, that there is no answer says as much.
        let text = error.to_string();
        let _ = answer.write_all_at(text.as_bytes(), 0).and_then(|()| answer.set_len(text.len() as u64));
    };
    match run(&order, &answer, &seen, &tell) {
        Ok(end) => end.repeat(),
        Err(error) => {
            tell(&error);
            FAILED
        }
    }
}

fn run(order: &Order, answer: &File, seen: &File, tell: &dyn Fn(&WallError)) -> Result<End, WallError> {
    let Order { level, task, .. } = order;
    let compared = order.rehearsal.as_ref().and_then(|rehearsal| rehearsal.conditions.as_ref());
    let usual = Conditions::default();
    let conditions = compared.unwrap_or(&usual);
    rustix::process::umask(rustix::fs::Mode::from(conditions.umask()));
    let hardtack = Pid::from_raw(order.parent).ok_or(io::Error::from(io::ErrorKind::InvalidData));
    processes::tie_to(hardtack.doing("finding the parent process")?)?;
    if *level == Level::Full {
        let mut watching = Witness::new().doing("opening /proc")?;
        namespaces::leave(conditions)?;
        let tells = watching.is_ready();
        let root = order.rehearsal.as_ref().and_then(|rehearsal| rehearsal.root.as_deref());
        // What builds use was seen in rehearsals; builds that are compared are to take no longer than need be.
        let notes_files = order.rehearsal.is_some() && compared.is_none();
        if notes_files {
            let own = task.binds.iter().filter(|bind| bind.from != bind.to || !bind.read_only);
            let watched = watching.watch_files(root, own.map(|bind| bind.to.clone()));
            watched.doing("watching files")?;
        }
        let told_of = if notes_files { Tells::NetworkAndFiles } else { Tells::Network };
        let inside = |outside: &mut Outside| {
            mounts::furnish(&task.binds, root, conditions)?;
            if let Some(conditions) = compared {
                conditions.use_up_numbers();
                conditions.take_effect();
            }
            give_up_privileges()?;
            let doing = "installing the system call filter";
            match tells {
                true => outside.introduce(filter::install_with_listener(Level::Full, told_of).doing(doing)?)?,
                false => filter::install(Level::Full).doing(doing)?,
            }
            // What this process holds leads out of the sandbox: the step must not look into it, nor stop it.
            rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).doing("closing the first process")?;
            processes::run_step(|| become_command(task, answer), tell)
        };
        let end = processes::run_first(inside, |first, told, go_on| watching.watch(first, told, go_on), tell);
        witness::write(seen, &watching.into_sightings());
        return end;
    }
    processes::adopt()?;
    // Inherited by all the step starts, so that a new installation sees what could not be ended.
    let _lock = task.lock.as_ref().map(|lock| hold(lock)).transpose()?;
    let (end, sightings) = match level {
        Level::None => {
            let unseen = Some("nothing keeps it from the network".to_owned());
            let sightings = Sightings { unseen, ..Sightings::default() };
            (processes::run_step(|| become_command(task, answer), tell), sightings)
        }
        Level::Seccomp | Level::Full => filtered(task, answer, tell)?,
    };
    witness::write(seen, &sightings);
    processes::end_adopted();
    end
}

/// Runs the command where there are no namespaces: a filter refuses internet sockets, and Landlock what is to be written
/// elsewhere.
fn filtered(
    task: &Task,
    answer: &File,
    tell: &dyn Fn(&WallError),
) -> Result<(Result<End, WallError>, Sightings), WallError> {
    let mut watching = Witness::new().doing("opening /proc")?;
    let tells = watching.sees();
    let (confinement, unconfined) = match Confinement::to(&task.writable) {
        Ok(confinement) => (Some(confinement), None),
        Err(reason) => (None, Some(reason)),
    };
    let inside = |outside: &mut Outside| {
        give_up_privileges()?;
        confinement.map_or(Ok(()), Confinement::enforce)?;
        let doing = "installing the system call filter";
        match tells {
            true => outside.introduce(filter::install_with_listener(Level::Seccomp, Tells::Network).doing(doing)?)?,
            false => filter::install(Level::Seccomp).doing(doing)?,
        }
        processes::run_step(|| become_command(task, answer), tell)
    };
    let end = processes::run_first(inside, |first, told, go_on| watching.watch(first, told, go_on), tell);
    let mut sightings = watching.into_sightings();
    let unseen = "level `seccomp` refuses sockets before they have an address";
    sightings.unseen = Some(match sightings.unseen {
        None => unseen.to_owned(),
        Some(reason) => format!("{unseen}, and who asked for one is not seen: {reason}"),
    });
    sightings.unconfined = unconfined;
    Ok((end, sightings))
}

/// A shared lock that whoever inherits the descriptor holds too.
fn hold(path: &Utf8Path) -> Result<File, WallError> {
    let what = || format!("locking `{path}`");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).doing(what())?;
    match file.try_lock_shared() {
        // A file system without locks has no use for this one either.
        Ok(()) | Err(TryLockError::Error(_)) => {}
        Err(TryLockError::WouldBlock) => return Err(io::Error::from(io::ErrorKind::WouldBlock)).doing(what()),
    }
    rustix::io::fcntl_setfd(&file, FdFlags::empty()).doing(what())?;
    Ok(file)
}

/// No capability is left. In a user namespace of its own a step has some again, over what it makes there and nothing
/// else: the filter and the network namespace stay as they are.
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
fn become_command(task: &Task, answer: &File) -> WallError {
    if let Err(error) = std::env::set_current_dir(&task.folder) {
        return WallError { what: format!("entering `{}`", task.folder), source: error };
    }
    if let Err(error) = answer.write_all_at(READY.as_bytes(), 0) {
        return WallError { what: "answering".to_owned(), source: error };
    }
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &task.command]).env_clear().envs(&task.environment);
    WallError { what: "starting /bin/sh".to_owned(), source: shell.exec() }
}

/// Keeps files that whoever started hardtack left open, sockets among them, from the step, but for those that are meant
/// for it.
fn close_on_exec_from(first: i32, but: &[i32]) {
    // SAFETY: close_range with CLOEXEC only sets a flag on descriptors; none is closed while something uses it.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    let set = |descriptor: i32, flags: i32| {
        // SAFETY: setting a flag on a descriptor does not invalidate it; one closed meanwhile gives an error.
        unsafe { libc::fcntl(descriptor, libc::F_SETFD, flags) };
    };
    // Kernels before 5.11 have no such flag.
    if result != 0
        && let Ok(entries) = fs::read_dir("/proc/self/fd")
    {
        let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let others = numbers.filter(|number| *number >= first).collect::<Vec<_>>();
        others.into_iter().for_each(|number| set(number, libc::FD_CLOEXEC));
    }
    but.iter().for_each(|number| set(*number, 0));
}
