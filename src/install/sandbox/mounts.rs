//! Level `full`: what a step sees of the machine's files.
//!
//! Everything is there to be read, so that the site's compilers and libraries are what they are elsewhere, and nothing can
//! be written but the build folder and the part's location. What leads out of the sandbox although it is a file is not
//! there: sockets below `/run`, the devices, and other people's homes. The owner of a device or of a kernel setting needs
//! no privilege to write to it, and hardtack may run as that owner.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use camino::Utf8Path;
use rustix::fs::{Mode, OFlags, StatVfsMountFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change, mount_remount};

use super::Bind;
use super::conditions::Conditions;
use super::walls::{Doing, WallError};

/// Folders of which nothing is seen.
const MASKED: [&str; 4] = ["/home", "/root", "/run", "/var/run"];
/// Devices that a build may use.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// What leads from these names to open files.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];
/// Files that say who is called what: no service of the machine is asked, and names are looked up at the sandbox's own
/// server.
const NAMES: [(&str, &str); 3] = [
    ("/etc/hosts", "127.0.0.1 localhost hardtack\n::1 localhost ip6-localhost ip6-loopback\n"),
    ("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:2 attempts:1\n"),
    (
        "/etc/nsswitch.conf",
        "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\n\
         services: files\nethers: files\nrpc: files\nnetgroup: files\n",
    ),
];
/// Parts of /proc through which the machine is governed.
const GOVERNING: [&str; 7] = ["sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi"];

/// Whether a path is below a folder of which nothing is seen.
pub(in super::super) fn is_masked(path: &Utf8Path) -> bool {
    MASKED.iter().any(|masked| path.starts_with(masked))
}

/// Makes the wanted folders show up where they are wanted, and everything else read-only or gone. For the first process in
/// the new namespaces. With another root, what is in that folder is all there is.
pub(super) fn furnish(binds: &[Bind], root: Option<&Utf8Path>, conditions: &Conditions) -> Result<(), WallError> {
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE).doing("making mounts private")?;
    // Opened in the new namespace, since mounts of another one cannot be bound, and before anything is mounted over them.
    let sources: Vec<_> =
        binds.iter().map(|bind| Ok((open(bind.from.as_std_path())?, bind))).collect::<Result<_, WallError>>()?;
    root.map_or(Ok(()), enter)?;
    let names = NAMES.map(|(path, text)| (fs::canonicalize(path).ok(), text));
    let altered = conditions.altered_files();

    for folder in MASKED.iter().map(Path::new).filter(|folder| is_real_folder(folder)) {
        mount_memory(folder, "0755")?;
    }
    devices()?;
    for (path, text) in names.iter().filter_map(|(path, text)| Some((path.as_deref()?, text))) {
        replace(path, text)?;
    }
    // Those of /proc take their places when there is one of the step's own.
    let mut waiting = Vec::new();
    for (path, text) in &altered {
        match path.starts_with("/proc") {
            true => waiting.push((write_aside(Path::new(path), text)?, path)),
            false => replace(Path::new(path), text)?,
        }
    }
    for (index, (folder, Bind { to, .. })) in sources.iter().enumerate() {
        let own = binds[..index].iter().map(|bind| bind.to.as_path());
        make_mount_point(to, own.chain(MASKED.iter().map(|masked| Utf8Path::new(*masked))))?;
        mount_bind_recursive(descriptor_path(folder), to.as_std_path()).doing(format!("mounting on `{to}`"))?;
    }
    freeze()?;
    for bind in binds.iter().filter(|bind| !bind.read_only) {
        set_read_only(bind.to.as_std_path(), false).doing(format!("making `{}` writable", bind.to))?;
    }
    set_read_only(Path::new("/dev/shm"), false).doing("making `/dev/shm` writable")?;
    processes()?;
    for (own, path) in waiting {
        // Whoever varies looks what came of it.
        let _ = mount_bind_recursive(&own, *path);
    }
    Ok(())
}

/// A folder that is no link to another.
fn is_real_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|data| data.is_dir())
}

fn open(path: &Path) -> Result<OwnedFd, WallError> {
    let opened = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    opened.doing(format!("opening `{}`", path.display()))
}

/// A new file system in memory.
fn mount_memory(on: &Path, mode: &str) -> Result<(), WallError> {
    let options = std::ffi::CString::new(format!("mode={mode}")).map_err(io::Error::other);
    let options = options.doing("mounting memory")?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", on, "tmpfs", flags, options.as_c_str()).doing(format!("mounting memory on `{}`", on.display()))
}

/// A `/dev` with what builds use, and no disk.
fn devices() -> Result<(), WallError> {
    let dev = Path::new("/dev");
    let nodes: Vec<_> = DEVICES.iter().filter_map(|name| Some((name, open(&dev.join(name)).ok()?))).collect();
    mount_memory(dev, "0755")?;
    for (name, node) in nodes {
        let place = dev.join(name);
        File::create(&place).doing(format!("making `{}`", place.display()))?;
        let doing = format!("mounting `{}`", place.display());
        mount_bind_recursive(descriptor_path(&node), &place).doing(doing)?;
    }
    for (name, target) in LINKS {
        symlink(target, dev.join(name)).doing(format!("linking `/dev/{name}`"))?;
    }
    for name in ["pts", "shm"] {
        fs::create_dir(dev.join(name)).doing(format!("making `/dev/{name}`"))?;
    }
    // Only tests of terminals miss it.
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    let _ = mount("devpts", dev.join("pts"), "devpts", flags, c"newinstance,ptmxmode=0666,mode=620");
    mount_memory(&dev.join("shm"), "1777")
}

/// Puts a text where a file is; the file stays what it is for everybody else.
fn replace(path: &Path, text: &str) -> Result<(), WallError> {
    let doing = || format!("replacing `{}`", path.display());
    if MASKED.iter().any(|masked| path.starts_with(masked)) {
        // The link that leads there now leads to this.
        fs::create_dir_all(path.parent().unwrap_or(path)).doing(doing())?;
        return fs::write(path, text).doing(doing());
    }
    mount_bind_recursive(&write_aside(path, text)?, path).doing(doing())
}

/// Writes what is to be seen at a path where it does not show; where that is.
fn write_aside(path: &Path, text: &str) -> Result<PathBuf, WallError> {
    let doing = || format!("replacing `{}`", path.display());
    let own = PathBuf::from("/dev").join(format!(".{}", path.file_name().unwrap_or_default().to_string_lossy()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&own).doing(doing())?;
    file.write_all(text.as_bytes()).doing(doing())?;
    Ok(own)
}

/// Nothing can be written any more, wherever it is mounted.
fn freeze() -> Result<(), WallError> {
    match set_all_read_only() {
        Ok(()) => return Ok(()),
        // Kernels before 5.12.
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {}
        Err(error) => return Err(error).doing("making everything read-only"),
    }
    let table = fs::read_to_string("/proc/self/mountinfo").doing("reading the mounts")?;
    let points = table.lines().filter_map(|line| line.split(' ').nth(4)).map(unescaped);
    for point in points.collect::<Vec<_>>() {
        match set_read_only(&point, true) {
            // It is below another mount, where nobody can get at it.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EACCES | libc::ENOTDIR)) => {}
            other => other.doing(format!("making `{}` read-only", point.display()))?,
        }
    }
    Ok(())
}

/// A path of the table of mounts, in which blanks and the like are octal numbers (proc(5)).
fn unescaped(text: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let number = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = number.and_then(|digits| u8::from_str_radix(digits, 8).ok()).filter(|_| *first == b'\\');
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[3..] } else { after };
    }
    std::ffi::OsString::from_vec(bytes).into()
}

/// `struct mount_attr` of linux/mount.h.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

const MOUNT_ATTR_RDONLY: u64 = 1;

fn set_all_read_only() -> io::Result<()> {
    let attributes = MountAttributes { set: MOUNT_ATTR_RDONLY, clear: 0, propagation: 0, user_namespace: 0 };
    // SAFETY: path and attributes outlive the call, which reads them and writes nothing.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            c"/".as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Restrictions that a mount already has must be named again: a user namespace cannot lift them.
fn set_read_only(folder: &Path, read_only: bool) -> io::Result<()> {
    let has = rustix::fs::statvfs(folder)?.f_flag;
    let known = [
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    let kept = known.into_iter().filter(|(flag, _)| has.contains(*flag)).map(|(_, flag)| flag);
    let wanted = if read_only { MountFlags::RDONLY } else { MountFlags::empty() };
    Ok(mount_remount(folder, MountFlags::BIND | wanted | kept.collect::<MountFlags>(), c"")?)
}

/// The step's own processes, and nothing through which the machine is governed.
fn processes() -> Result<(), WallError> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    match mount("proc", "/proc", "proc", flags, None) {
        Ok(()) => {}
        // Where parts of the old one are masked, as in containers, the kernel allows no new one; the old one is read-only.
        Err(Errno::PERM) => return Ok(()),
        Err(error) => return Err(error).doing("mounting /proc"),
    }
    for name in GOVERNING {
        let path = Path::new("/proc").join(name);
        if path.symlink_metadata().is_err() {
            continue;
        }
        let doing = || format!("making `{}` read-only", path.display());
        mount_bind_recursive(&path, &path).doing(doing())?;
        set_read_only(&path, true).doing(doing())?;
    }
    Ok(())
}

/// Makes a folder the root, with the machine's processes and devices until there are own ones.
fn enter(root: &Utf8Path) -> Result<(), WallError> {
    let doing = || format!("entering the root `{root}`");
    mount_bind_recursive(root.as_std_path(), root.as_std_path()).doing(doing())?;
    for name in ["proc", "dev"] {
        let inside = root.join(name);
        mount_bind_recursive(format!("/{name}"), inside.as_std_path()).doing(doing())?;
    }
    rustix::process::chroot(root.as_std_path()).doing(doing())?;
    rustix::process::chdir("/").doing(doing())
}

/// Sees to it that something can be mounted on a path. Where there is no such folder, and the one above it is not below the
/// sandbox's `own`, that is hidden by another with the same things in it, so that nothing is made on the machine itself.
fn make_mount_point<'p>(path: &Utf8Path, mut own: impl Iterator<Item = &'p Utf8Path>) -> Result<(), WallError> {
    let doing = || format!("making `{path}`");
    if path.is_dir() {
        return Ok(());
    }
    let there = path.ancestors().find(|above| above.is_dir()).unwrap_or(Utf8Path::new("/"));
    if there == "/" {
        let reason = "there is no such folder, and nothing may be made in `/`";
        return Err(io::Error::new(io::ErrorKind::NotFound, reason)).doing(doing());
    }
    if !own.any(|own| there.starts_with(own)) {
        stand_in_for(there)?;
    }
    fs::create_dir_all(path).doing(doing())
}

/// Hides a folder behind one in memory that has the same things in it.
fn stand_in_for(folder: &Utf8Path) -> Result<(), WallError> {
    let doing = || format!("standing in for `{folder}`");
    let mut inside = Vec::new();
    for entry in fs::read_dir(folder).doing(doing())? {
        let entry = entry.doing(doing())?;
        let (path, kind) = (entry.path(), entry.file_type().doing(doing())?);
        let link = kind.is_symlink().then(|| fs::read_link(&path)).transpose().doing(doing())?;
        // What cannot even be looked at is of no use to a build either.
        let Ok(opened) = open(&path) else { continue };
        inside.push((path, kind, link, opened));
    }
    mount_memory(folder.as_std_path(), "0755")?;
    for (path, kind, link, opened) in inside {
        match link {
            Some(target) => {
                symlink(target, &path).doing(doing())?;
                continue;
            }
            None if kind.is_dir() => fs::create_dir(&path).doing(doing())?,
            None => drop(File::create(&path).doing(doing())?),
        }
        mount_bind_recursive(descriptor_path(&opened), &path).doing(doing())?;
    }
    Ok(())
}

/// The descriptor of a file, for paths below `/proc/self/fd`.
fn descriptor_path(file: &impl AsRawFd) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_in_the_table_of_mounts_are_read() {
        assert_eq!(unescaped("/media/my\\040stick\\134x"), PathBuf::from("/media/my stick\\x"));
        assert_eq!(unescaped("/plain"), PathBuf::from("/plain"));
        assert_eq!(unescaped("/end\\04"), PathBuf::from("/end\\04"));
    }
}
