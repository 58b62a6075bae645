//! Static libraries without the times, owners and modes that their members had when they were put in.
//!
//! Most `ar`s leave them out by themselves; for others, two builds of the same would differ by them. Nothing that links
//! reads them. The format is that of ar(5).

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};

use camino::Utf8Path;

use super::error::Error;
use crate::base::{IoContext, RelPath, files_below, granting};

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;
/// Time, owner and group, in a member's header.
const OWNED: std::ops::Range<usize> = 16..40;
const MODE: std::ops::Range<usize> = 40..48;
const SIZE: std::ops::Range<usize> = 48..58;
const NO_OWNER: &[u8; 24] = b"0           0     0     ";
const USUAL_MODE: &[u8; 8] = b"644     ";

/// Takes them out of all static libraries below a folder; those that had some.
///
/// # Errors
/// Those of files.
pub(super) fn take_times_out(folder: &Utf8Path) -> Result<BTreeSet<RelPath>, Error> {
    let mut taken = BTreeSet::new();
    for path in files_below(folder)?.into_iter().filter(|path| path.as_str().ends_with(".a")) {
        let full = folder.join(&path);
        let metadata = full.symlink_metadata().at("inspect", &full)?;
        if metadata.is_file() && clean(&full, &metadata).at("take times out of", &full)? {
            taken.extend(RelPath::new(path.as_str()));
        }
    }
    Ok(taken)
}

/// Whether there was something to take out. Builds make files and folders that not even their owners can read or change.
fn clean(path: &Utf8Path, metadata: &fs::Metadata) -> io::Result<bool> {
    let folder = path.parent().unwrap_or(path);
    let of_folder = folder.metadata()?.permissions();
    granting(folder, of_folder, 0o700, || granting(path, metadata.permissions(), 0o400, || replace(path, metadata))?)?
}

/// The file's own time and mode stay; another file takes its place, since this one may be one of the machine's under another
/// name.
fn replace(path: &Utf8Path, metadata: &fs::Metadata) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let headers = dated_headers(&mut file)?;
    if headers.is_empty() {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(path);
    let mut new = tempfile::Builder::new().prefix(".hardtack-").tempfile_in(folder)?;
    file.seek(SeekFrom::Start(0))?;
    io::copy(&mut file, new.as_file_mut())?;
    for (offset, bytes) in headers {
        new.as_file_mut().seek(SeekFrom::Start(offset))?;
        new.as_file_mut().write_all(&bytes)?;
    }
    new.as_file().set_modified(metadata.modified()?)?;
    new.as_file().set_permissions(metadata.permissions())?;
    new.persist(path).map_err(|error| error.error)?;
    Ok(true)
}

/// Where members have something that is not to be, and what is to be there. What is not such a library has none.
fn dated_headers(file: &mut File) -> io::Result<Vec<(u64, Vec<u8>)>> {
    let mut found = Vec::new();
    if some(file, MAGIC.len())? != MAGIC {
        return Ok(found);
    }
    let mut at = MAGIC.len() as u64;
    loop {
        file.seek(SeekFrom::Start(at))?;
        let header = some(file, HEADER)?;
        let Ok(header) = <[u8; HEADER]>::try_from(header) else { return Ok(found) };
        let size = std::str::from_utf8(&header[SIZE]).ok().and_then(|size| size.trim().parse::<u64>().ok());
        let Some(size) = size.filter(|_| header.ends_with(b"`\n")) else { return Ok(found) };
        let mut clean = header;
        clean[OWNED].copy_from_slice(NO_OWNER);
        // The table of symbols and that of long names have no mode.
        if header[0] != b'/' || header[1].is_ascii_digit() {
            clean[MODE].copy_from_slice(USUAL_MODE);
        }
        // Tables are written without owners in all kinds of blanks; only what says something counts.
        let says = |header: &[u8; HEADER]| {
            let words = String::from_utf8_lossy(&header[OWNED.start..MODE.end]).into_owned();
            words.split_whitespace().any(|word| word != "0" && word != "644")
        };
        if says(&header) {
            found.push((at + OWNED.start as u64, clean[OWNED.start..MODE.end].to_vec()));
        }
        // Members begin at even offsets.
        at += HEADER as u64 + size + size % 2;
    }
}

/// As many bytes as there are at the file's position, up to a number.
fn some(file: &mut File, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(most);
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn member(name: &str, time: &str, content: &str) -> String {
        let pad = if content.len() % 2 == 1 { "\n" } else { "" };
        format!("{name:<16}{time:<12}{:<6}{:<6}{:<8}{:<10}`\n{content}{pad}", 1000, 1000, 100_664, content.len())
    }

    #[test]
    fn times_and_owners_go_and_contents_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = Utf8Path::from_path(folder.path()).expect("UTF-8");
        let library = |time: &str| format!("!<arch>\n{}{}", member("a.o/", time, "odd"), member("b.o/", "0", "even"));
        for (name, time) in [("one.a", "1700000000"), ("two.a", "1800000000")] {
            fs::write(folder.join(name), library(time)).expect("written");
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o444)).expect("set");
        }
        fs::hard_link(folder.join("one.a"), folder.join("elsewhere")).expect("linked");
        fs::write(folder.join("no.a"), "!<arch>\nbroken").expect("written");
        fs::write(folder.join("text.a"), "no library").expect("written");
        let taken: Vec<_> = take_times_out(folder).expect("taken out").iter().map(ToString::to_string).collect();
        assert_eq!(taken, ["one.a", "two.a"]);
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect("read");
        assert_eq!(read("one.a"), read("two.a"));
        assert!(read("one.a").contains("odd\n") && !read("one.a").contains("1000"));
        assert_eq!(folder.join("one.a").metadata().expect("there").permissions().mode() & 0o777, 0o444);
        assert_eq!(take_times_out(folder).expect("taken out").len(), 0, "nothing is left to take out");
        assert_eq!(read("no.a"), "!<arch>\nbroken");
        assert_eq!(read("elsewhere"), library("1700000000"), "what has another name is not this one's to change");
    }
}
