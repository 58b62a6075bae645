//! What a build that failed probably misses, read off its last words.
//!
//! Layer 4, and pure. The names of packages are those of Debian 12 and Fedora; a row here is a guess that was right often
//! enough to be worth a line, never a reason to do something.

/// What is probably missing, or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// In a sentence without a capital or a stop.
    pub what: String,
    /// The packages that have it, of Debian and of Fedora.
    pub packages: Option<(String, String)>,
    /// What else may help.
    pub advice: Option<&'static str>,
}

/// A library: its headers, what the linker and pkg-config call it, and the packages that have it.
type Library = (&'static [&'static str], &'static [&'static str], &'static [&'static str], &'static str, &'static str);

const LIBRARIES: &[Library] = &[
    (&["zlib.h", "zconf.h"], &["z"], &["zlib"], "zlib1g-dev", "zlib-devel"),
    (&["openssl/"], &["ssl", "crypto"], &["openssl", "libssl", "libcrypto"], "libssl-dev", "openssl-devel"),
    (&["bzlib.h"], &["bz2"], &["bzip2"], "libbz2-dev", "bzip2-devel"),
    (&["lzma.h", "lzma/"], &["lzma"], &["liblzma"], "liblzma-dev", "xz-devel"),
    (&["zstd.h"], &["zstd"], &["libzstd"], "libzstd-dev", "libzstd-devel"),
    (&["curl/"], &["curl"], &["libcurl"], "libcurl4-openssl-dev", "libcurl-devel"),
    (
        &["ncurses", "curses.h", "term.h"],
        &["ncurses", "ncursesw", "tinfo", "curses"],
        &["ncurses", "ncursesw"],
        "libncurses-dev",
        "ncurses-devel",
    ),
    (&["readline/"], &["readline"], &["readline"], "libreadline-dev", "readline-devel"),
    (&["expat.h"], &["expat"], &["expat"], "libexpat1-dev", "expat-devel"),
    (&["libxml/"], &["xml2"], &["libxml-2.0"], "libxml2-dev", "libxml2-devel"),
    (&["libxslt/"], &["xslt"], &["libxslt"], "libxslt1-dev", "libxslt-devel"),
    (&["pcre2.h"], &["pcre2-8"], &["libpcre2-8"], "libpcre2-dev", "pcre2-devel"),
    (&["png.h"], &["png", "png16"], &["libpng", "libpng16"], "libpng-dev", "libpng-devel"),
    (&["jpeglib.h"], &["jpeg"], &["libjpeg"], "libjpeg-dev", "libjpeg-turbo-devel"),
    (&["ft2build.h", "freetype"], &["freetype"], &["freetype2"], "libfreetype-dev", "freetype-devel"),
    (&["ffi.h"], &["ffi"], &["libffi"], "libffi-dev", "libffi-devel"),
    (&["sqlite3.h"], &["sqlite3"], &["sqlite3"], "libsqlite3-dev", "sqlite-devel"),
    (&["gmp.h"], &["gmp"], &["gmp"], "libgmp-dev", "gmp-devel"),
    (&["mpfr.h"], &["mpfr"], &["mpfr"], "libmpfr-dev", "mpfr-devel"),
    (&["glib.h"], &["glib-2.0"], &["glib-2.0"], "libglib2.0-dev", "glib2-devel"),
    (&["event.h", "event2/"], &["event"], &["libevent"], "libevent-dev", "libevent-devel"),
    (&["security/pam"], &["pam"], &["pam"], "libpam0g-dev", "pam-devel"),
    (&["uuid/"], &["uuid"], &["uuid"], "uuid-dev", "libuuid-devel"),
    (&["krb5.h", "gssapi"], &["krb5", "gssapi_krb5"], &["krb5"], "libkrb5-dev", "krb5-devel"),
    (&["ldap.h"], &["ldap"], &["ldap"], "libldap-dev", "openldap-devel"),
    (&["Python.h"], &["python3"], &["python3"], "python3-dev", "python3-devel"),
    (&["X11/"], &["X11"], &["x11"], "libx11-dev", "libX11-devel"),
    (&["linux/", "asm/"], &[], &[], "linux-libc-dev", "kernel-headers"),
    (&["stdio.h", "stdlib.h", "bits/", "sys/"], &["c", "m", "pthread", "dl"], &[], "libc6-dev", "glibc-devel"),
];

/// Programs, and the packages that have them.
const TOOLS: &[(&[&str], &str, &str)] = &[
    (&["gcc", "cc"], "gcc", "gcc"),
    (&["g++", "c++"], "g++", "gcc-c++"),
    (&["gfortran"], "gfortran", "gcc-gfortran"),
    (&["ld", "as", "ar", "ranlib", "strip"], "binutils", "binutils"),
    (&["make", "gmake"], "make", "make"),
    (&["pkg-config"], "pkg-config", "pkgconf-pkg-config"),
    (&["autoconf", "autoreconf", "autoheader"], "autoconf", "autoconf"),
    (&["automake", "aclocal"], "automake", "automake"),
    (&["libtool", "libtoolize"], "libtool", "libtool"),
    (&["bison", "yacc"], "bison", "bison"),
    (&["flex", "lex"], "flex", "flex"),
    (&["m4"], "m4", "m4"),
    (&["perl"], "perl", "perl"),
    (&["python3"], "python3", "python3"),
    (&["msgfmt", "xgettext", "autopoint"], "gettext", "gettext"),
    (&["makeinfo"], "texinfo", "texinfo"),
    (&["help2man"], "help2man", "help2man"),
    (&["gperf"], "gperf", "gperf"),
    (&["cmake"], "cmake", "cmake"),
    (&["ninja"], "ninja-build", "ninja-build"),
    (&["meson"], "meson", "meson"),
    (&["nasm"], "nasm", "nasm"),
    (&["patch"], "patch", "patch"),
    (&["file"], "file", "file"),
    (&["xz"], "xz-utils", "xz"),
    (&["bzip2"], "bzip2", "bzip2"),
    (&["unzip"], "unzip", "unzip"),
    (&["git"], "git", "git"),
    (&["curl"], "curl", "curl"),
];

/// Words of a line, what they mean, the packages that help and what else does.
type Sentence = (&'static str, &'static str, Option<(&'static str, &'static str)>, Option<&'static str>);

/// What whole sentences of compilers and systems mean.
const SENTENCES: &[Sentence] = &[
    (
        "C++ compiler cannot create executables",
        "the C++ compiler, or what it links with, is missing or broken",
        Some(("g++", "gcc-c++")),
        None,
    ),
    (
        "C compiler cannot create executables",
        "the C compiler, or what it links with, is missing or broken",
        Some(("gcc libc6-dev", "gcc glibc-devel")),
        Some(
            "the end of config.log in the build folder has the compiler's own words; flags of the part are tried there too",
        ),
    ),
    ("no acceptable C compiler found", "a C compiler is missing", Some(("gcc libc6-dev", "gcc glibc-devel")), None),
    ("cannot find crt1.o", "the C library's start files are missing", Some(("libc6-dev", "glibc-devel")), None),
    ("cannot find Scrt1.o", "the C library's start files are missing", Some(("libc6-dev", "glibc-devel")), None),
    (
        "fatal error: Killed signal terminated program",
        "the machine ran out of memory",
        None,
        Some("fewer processes at a time take less: -j1"),
    ),
    (
        "virtual memory exhausted",
        "the machine ran out of memory",
        None,
        Some("fewer processes at a time take less: -j1"),
    ),
    ("Cannot allocate memory", "the machine ran out of memory", None, Some("fewer processes at a time take less: -j1")),
    (
        "No space left on device",
        "the disk is full",
        None,
        Some("make room where the destination is: parts are built there"),
    ),
    ("Disk quota exceeded", "the disk quota is used up", None, None),
    (
        "Read-only file system",
        "the build writes outside its own folders",
        None,
        Some("a part may write to its location and its build folder; is a prefix missing in its options?"),
    ),
    ("newly created file is older than distributed files", "the machine's clock is wrong", None, None),
    (
        "is missing on your system.  You should only need it if",
        "the build would make again what the source brings, as if its files were newer than they are",
        None,
        None,
    ),
    (
        "error while loading shared libraries",
        "a program of the build does not find a library",
        None,
        Some("an earlier part that has it may need an rpath, or the part LD_LIBRARY_PATH"),
    ),
    ("version `GLIBC_", "a program was built for a newer C library than this machine has", None, None),
    (
        "recompile with -fPIC",
        "a library that is linked in was built without -fPIC",
        None,
        Some("add -fPIC to the CFLAGS of the part that has it"),
    ),
    ("multiple definition of", "the source relies on compilers before gcc 10", None, Some("try CFLAGS=-fcommon")),
    ("unrecognized command-line option", "the compiler is older than the source wants, or another one", None, None),
    ("unrecognized command line option", "the compiler is older than the source wants, or another one", None, None),
];

/// The most likely cause in the lines a build ended with.
pub(super) fn find(lines: &[&str]) -> Option<Cause> {
    // The first thing that goes wrong leads to the others.
    lines.iter().find_map(|line| of_line(line))
}

fn of_line(line: &str) -> Option<Cause> {
    header(line)
        .or_else(|| library(line))
        .or_else(|| sentence(line))
        .or_else(|| pkg_config(line))
        .or_else(|| tool(line))
        .or_else(|| module(line))
}

fn missing(what: String, packages: Option<(&str, &str)>) -> Cause {
    let packages = packages.map(|(debian, fedora)| (debian.to_owned(), fedora.to_owned()));
    Cause { what, packages, advice: None }
}

/// `fatal error: zlib.h: No such file or directory`, and clang's way to say it.
fn header(line: &str) -> Option<Cause> {
    let rest = line.split_once("fatal error: ")?.1;
    let name = rest
        .strip_suffix(": No such file or directory")
        .or_else(|| rest.strip_prefix('\'')?.strip_suffix("' file not found"))?;
    let fits = |known: &&str| if known.ends_with(".h") { *known == name } else { name.starts_with(*known) };
    let library = LIBRARIES.iter().find(|(headers, ..)| headers.iter().any(&fits));
    Some(missing(format!("the header `{name}` is missing"), library.map(|row| (row.3, row.4))))
}

/// `cannot find -lssl`.
fn library(line: &str) -> Option<Cause> {
    let rest = line.split_once("cannot find -l").or_else(|| line.split_once("unable to find library -l"))?.1;
    let name = rest.split([':', ' ', '\'']).next().unwrap_or(rest);
    let library = LIBRARIES.iter().find(|(_, names, ..)| names.contains(&name));
    Some(missing(format!("the library `lib{name}` is missing"), library.map(|row| (row.3, row.4))))
}

fn sentence(line: &str) -> Option<Cause> {
    let (_, what, packages, advice) = SENTENCES.iter().find(|(words, ..)| line.contains(words))?;
    Some(Cause { advice: *advice, ..missing((*what).to_owned(), *packages) })
}

/// `No package 'zlib' found`, `Package requirements (zlib >= 1.2) were not met`.
fn pkg_config(line: &str) -> Option<Cause> {
    let named = line.split_once("No package '").and_then(|(_, rest)| Some(rest.split_once("' found")?.0));
    let required = || {
        let (list, _) = line.split_once("Package requirements (")?.1.split_once(") were not met")?;
        list.split([' ', ',']).next()
    };
    let name = named.or_else(required)?;
    let library = LIBRARIES.iter().find(|(_, _, names, ..)| names.contains(&name));
    Some(missing(format!("pkg-config does not find `{name}`"), library.map(|row| (row.3, row.4))))
}

/// `sh: 1: makeinfo: not found`, `bash: line 1: flex: command not found`, `make: g++: No such file or directory`.
fn tool(line: &str) -> Option<Cause> {
    let name = match line.strip_suffix(": command not found").or_else(|| line.strip_suffix(": not found")) {
        Some(rest) => rest.rsplit([' ', ':']).next()?,
        None => {
            let rest = line.strip_prefix("make")?.strip_suffix(": No such file or directory")?;
            rest.rsplit([' ', ':']).next()?
        }
    };
    let is_program = !name.is_empty() && !name.contains(['/', '`', '\'', '"', '(']);
    // Such as aclocal-1.16.
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    let known = TOOLS.iter().find(|(names, ..)| names.contains(&name) || names.contains(&plain));
    is_program.then(|| missing(format!("the program `{name}` is missing"), known.map(|row| (row.1, row.2))))
}

/// `ModuleNotFoundError: No module named 'x'`, `Can't locate X/Y.pm in @INC`.
fn module(line: &str) -> Option<Cause> {
    if let Some((_, rest)) = line.split_once("ModuleNotFoundError: No module named '") {
        let name = rest.split(['\'', '.']).next()?;
        let packages = (format!("python3-{}", name.to_lowercase()), format!("python3-{}", name.to_lowercase()));
        let what = format!("the Python module `{name}` is missing");
        return Some(Cause { what, packages: Some(packages), advice: None });
    }
    let (path, _) = line.split_once("Can't locate ")?.1.split_once(".pm in @INC")?;
    let (name, debian) = (path.replace('/', "::"), path.replace('/', "-").to_lowercase());
    let packages = (format!("lib{debian}-perl"), format!("perl({name})"));
    Some(Cause { what: format!("the Perl module `{name}` is missing"), packages: Some(packages), advice: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found for a line, and the packages of Debian and Fedora.
    fn found(line: &str) -> (String, String) {
        let cause = find(&["checking for something... no", line]).unwrap_or_else(|| panic!("nothing in {line:?}"));
        let packages = cause.packages.map(|(debian, fedora)| format!("{debian}, {fedora}"));
        (cause.what, packages.unwrap_or_default())
    }

    #[test]
    fn the_common_last_words_of_builds_are_understood() {
        for (line, what, packages) in [
            ("inflate.c:3:10: fatal error: zlib.h: No such file or directory", "`zlib.h`", "zlib1g-dev, zlib-devel"),
            (
                "x.c:1:10: fatal error: openssl/ssl.h: No such file or directory",
                "`openssl/ssl.h`",
                "libssl-dev, openssl-devel",
            ),
            ("x.c:1:10: fatal error: 'own/thing.h' file not found", "`own/thing.h`", ""),
            ("/usr/bin/ld: cannot find -lssl: No such file or directory", "`libssl`", "libssl-dev, openssl-devel"),
            ("/usr/bin/ld: cannot find -lz", "`libz`", "zlib1g-dev, zlib-devel"),
            ("configure: error: C compiler cannot create executables", "C compiler", "gcc libc6-dev, gcc glibc-devel"),
            (
                "configure: error: no acceptable C compiler found in $PATH",
                "C compiler",
                "gcc libc6-dev, gcc glibc-devel",
            ),
            ("No package 'libxml-2.0' found", "`libxml-2.0`", "libxml2-dev, libxml2-devel"),
            (
                "configure: error: Package requirements (glib-2.0 >= 2.40) were not met:",
                "`glib-2.0`",
                "libglib2.0-dev, glib2-devel",
            ),
            ("/bin/sh: 1: makeinfo: not found", "`makeinfo`", "texinfo, texinfo"),
            ("bash: line 1: flex: command not found", "`flex`", "flex, flex"),
            ("/bin/sh: line 4: aclocal-1.16: command not found", "`aclocal-1.16`", "automake, automake"),
            ("make: g++: No such file or directory", "`g++`", "g++, gcc-c++"),
            ("ModuleNotFoundError: No module named 'yaml'", "`yaml`", "python3-yaml, python3-yaml"),
            (
                "Can't locate XML/Parser.pm in @INC (you may need",
                "`XML::Parser`",
                "libxml-parser-perl, perl(XML::Parser)",
            ),
            ("gcc: fatal error: Killed signal terminated program cc1plus", "memory", ""),
            ("cp: error writing 'x': No space left on device", "disk is full", ""),
            ("install: cannot create regular file '/usr/local/bin/x': Read-only file system", "outside", ""),
            (
                "./conftest: error while loading shared libraries: libfoo.so.1: cannot open",
                "does not find a library",
                "",
            ),
            ("/usr/bin/ld: b.o:(.bss+0x0): multiple definition of `x'; a.o", "gcc 10", ""),
            ("cc: error: unrecognized command-line option '-std=c2y'", "older", ""),
        ] {
            let (found_what, found_packages) = found(line);
            assert!(found_what.contains(what) && found_packages == packages, "{line}: {found_what}; {found_packages}");
        }
    }

    #[test]
    fn nothing_is_made_out_of_lines_that_say_nothing() {
        for line in [
            "",
            "make: *** [Makefile:3: all] Error 1",
            "checking for zlib.h... no",
            "./run: not found",
            "file: not found: x",
        ] {
            assert_eq!(find(&[line]), None, "{line}");
        }
    }
}
