//! What a project file is by its content, where that decides whether it is packed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use camino::Utf8Path;

use super::error::Error;
use super::framing::{TRAILER, Trailer};
use crate::base::{IoContext, RelPath};

/// Files are looked at up to here. No key is longer.
const LOOKED_AT: u64 = 1 << 20;

/// What a look at a file told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// A file like any other.
    Plain,
    /// It looks like a key or a credential.
    Secret,
    /// git-lfs has not fetched it.
    LfsPointer,
    /// A bundle.
    Bundle,
}

/// Names under which programs keep credentials.
const SECRET_NAMES: [&str; 12] = [
    ".netrc",
    "_netrc",
    ".pypirc",
    ".npmrc",
    ".git-credentials",
    ".env",
    ".htpasswd",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    ".pgpass",
];
/// Endings of key stores, which hold private keys and little else.
const SECRET_ENDINGS: [&str; 5] = ["p12", "pfx", "jks", "keystore", "kdbx"];

/// Looks at the file at `full`, whose path in the project is `path`.
pub(super) fn look_inside(full: &Utf8Path, path: &RelPath) -> Result<Look, Error> {
    let path: &Utf8Path = path.as_ref();
    if SECRET_NAMES.contains(&path.file_name().unwrap_or_default())
        || path.extension().is_some_and(|ending| SECRET_ENDINGS.contains(&ending))
    {
        return Ok(Look::Secret);
    }
    let mut file = File::open(full).at("open", full)?;
    let mut head = Vec::new();
    (&mut file).take(LOOKED_AT).read_to_end(&mut head).at("read", full)?;
    if head.starts_with(b"version https://git-lfs.") {
        return Ok(Look::LfsPointer);
    }
    if head.starts_with(b"\x1f\x8b") {
        let bundle = ends_like_a_bundle(&mut file).at("read", full)?;
        return Ok(if bundle { Look::Bundle } else { Look::Plain });
    }
    let private = head.split(|byte| *byte == b'\n').any(|line| is_key_line(line.trim_ascii_end()));
    Ok(if private { Look::Secret } else { Look::Plain })
}

/// PEM keys of all kinds, OpenSSH's, OpenPGP's, minisign's and PuTTY's.
fn is_key_line(line: &[u8]) -> bool {
    let has = |text: &[u8]| line.windows(text.len()).any(|window| window == text);
    line.starts_with(b"-----BEGIN ") && has(b"PRIVATE KEY") && line.ends_with(b"-----")
        || line.starts_with(b"untrusted comment:") && has(b"secret key")
        || line.starts_with(b"PuTTY-User-Key-File-")
}

fn ends_like_a_bundle(file: &mut File) -> std::io::Result<bool> {
    let mut bytes = [0; TRAILER];
    let Some(start) = file.metadata()?.len().checked_sub(TRAILER as u64) else { return Ok(false) };
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut bytes)?;
    Ok(Trailer::parse(&bytes).is_ok())
}
