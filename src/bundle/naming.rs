//! What a bundle can be called, and where its builds can believe to be.

use camino::Utf8Path;

use crate::base::normalize;

/// Folders without which nothing is built, and in which builds work.
const OF_THE_SYSTEM: [&str; 15] = [
    "/bin",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/tmp",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/var/tmp",
];

/// Why a path cannot be the one that builds know their destination by; `None` if it can.
pub fn bad_prefix(prefix: &str) -> Option<String> {
    if !prefix.starts_with('/') || prefix.contains("..") {
        return Some("it is not an absolute path".to_owned());
    }
    let prefix = normalize(Utf8Path::new(prefix));
    let own = |folder: &&str| prefix.starts_with(folder) || Utf8Path::new(folder).starts_with(&prefix);
    let hidden = OF_THE_SYSTEM.iter().find(|folder| own(folder))?;
    // Below its libraries some systems have their optional software.
    (!(prefix.starts_with("/usr/lib/") && prefix != "/usr/lib"))
        .then(|| format!("at `{prefix}`, builds would not find `{hidden}` of their machine"))
}

/// Why a text cannot be the name or version in a file name; `None` if it can.
pub fn bad_name(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '~' | '-');
    let fits = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain) && text.len() <= 100;
    (!fits).then(|| format!("`{text}` takes letters, digits and `. _ + ~ -` only, starts with a letter or digit"))
}
