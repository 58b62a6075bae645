//! What every C compiler comes with. It has other files on every machine, and needs no naming but by one header.

/// The header that stands for the C library.
pub(super) const STAND_IN: &str = "stdio.h";

/// Folders of headers of C libraries and kernels.
const FOLDERS: &[&str] = &[
    "arpa", "asm", "asm-generic", "bits", "c++", "finclude", "fpu_control", "gnu", "linux", "misc", "mtd", "net",
    "netinet", "nfs", "protocols", "rpc", "scsi", "sys",
];
/// Headers of ISO C, POSIX.1 and of what C libraries have beside, at the top.
const HEADERS: &[&str] = &[
    "a.out.h", "aio.h", "alloca.h", "ar.h", "argp.h", "argz.h", "assert.h", "byteswap.h", "complex.h", "cpio.h",
    "ctype.h", "dirent.h", "dlfcn.h", "elf.h", "endian.h", "envz.h", "err.h", "errno.h", "error.h", "execinfo.h",
    "fcntl.h", "features-time64.h", "features.h", "fenv.h", "fmtmsg.h", "fnmatch.h", "fstab.h", "fts.h", "ftw.h",
    "gconv.h", "getopt.h", "glob.h", "gnu-versions.h", "grp.h", "gshadow.h", "iconv.h", "ifaddrs.h", "inttypes.h",
    "langinfo.h", "lastlog.h", "libgen.h", "libintl.h", "limits.h", "link.h", "locale.h", "malloc.h", "math.h",
    "mcheck.h", "memory.h", "mntent.h", "monetary.h", "mqueue.h", "netdb.h", "nl_types.h", "nss.h", "obstack.h",
    "paths.h", "poll.h", "printf.h", "proc_service.h", "pthread.h", "pty.h", "pwd.h", "re_comp.h", "regex.h",
    "resolv.h", "sched.h", "search.h", "semaphore.h", "setjmp.h", "shadow.h", "signal.h", "spawn.h", "stdc-predef.h",
    "stdint.h", "stdio.h", "stdio_ext.h", "stdlib.h", "string.h", "strings.h", "stropts.h", "syslog.h", "tar.h", "termio.h", "termios.h",
    "tgmath.h", "threads.h", "time.h", "uchar.h", "ucontext.h", "unistd.h", "utime.h", "utmp.h", "utmpx.h", "values.h",
    "wait.h", "wchar.h", "wctype.h",
];
/// Libraries that a compiler links with unasked, or that are part of the C library.
const LIBRARIES: &[&str] = &[
    "libBrokenLocale", "libanl", "libasan", "libatomic", "libc", "libc_nonshared", "libdl", "libgcc", "libgcc_eh",
    "libgcc_s", "libm", "libmvec", "libmvec_nonshared", "libnsl", "libnss_compat", "libpthread",
    "libpthread_nonshared", "libresolv", "librt", "libutil",
];

/// Whether a header is the C library's or the kernel's.
pub(super) fn has_header(name: &str) -> bool {
    match name.split_once('/') {
        Some((folder, _)) => FOLDERS.contains(&folder),
        None => HEADERS.contains(&name),
    }
}

/// Whether a library is the C library's or the compiler's.
pub(super) fn has_library(name: &str) -> bool {
    LIBRARIES.contains(&name) || name.starts_with("libm-") || name.starts_with("libstdc++") || name == "libc++"
}
