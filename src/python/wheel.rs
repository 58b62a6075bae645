//! What a wheel's name says of the machines it is for.
//!
//! PEP 427 has the name, PEP 600 the platforms with a C library: `manylinux_2_28_x86_64`; the older names are of PEP 513, 571
//! and 599.

/// Where a wheel runs, as far as the C library goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Platform {
    /// Wherever its Python does.
    Any,
    /// Where the C library is this old, or newer.
    Glibc(u32, u32),
    /// On machines just like the one it was built on.
    Here,
}

/// The versions of the older names.
const OLD: [(&str, u32); 3] = [("manylinux1_", 5), ("manylinux2010_", 12), ("manylinux2014_", 17)];

/// What the name of a wheel says; none for another file's.
pub(super) fn platform(file: &str) -> Option<Platform> {
    let tags = file.strip_suffix(".whl")?.rsplit('-').next()?;
    let each = tags.split('.').map(|tag| {
        if tag == "any" {
            return Platform::Any;
        }
        if let Some((_, minor)) = OLD.iter().find(|(name, _)| tag.starts_with(name)) {
            return Platform::Glibc(2, *minor);
        }
        let numbers = tag.strip_prefix("manylinux_").map(|rest| rest.splitn(3, '_').collect::<Vec<_>>());
        match numbers.as_deref() {
            Some([major, minor, _]) => match (major.parse(), minor.parse()) {
                (Ok(major), Ok(minor)) => Platform::Glibc(major, minor),
                _ => Platform::Here,
            },
            _ => Platform::Here,
        }
    });
    // The most that one of its tags promises.
    each.min_by_key(|platform| match platform {
        Platform::Any => (0, 0),
        Platform::Glibc(major, minor) => (*major, *minor),
        Platform::Here => (u32::MAX, 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_where_wheels_run() {
        for (file, wanted) in [
            ("six-1.16.0-py2.py3-none-any.whl", Some(Platform::Any)),
            ("x-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", Some(Platform::Glibc(2, 17))),
            (
                "x-1-cp311-cp311-manylinux1_x86_64.manylinux_2_28_x86_64.manylinux_2_5_x86_64.whl",
                Some(Platform::Glibc(2, 5)),
            ),
            ("x-1-cp311-abi3-manylinux_2_34_aarch64.whl", Some(Platform::Glibc(2, 34))),
            ("x-1-cp311-cp311-linux_x86_64.whl", Some(Platform::Here)),
            ("x-1-cp311-cp311-musllinux_1_1_x86_64.whl", Some(Platform::Here)),
            ("x-1.tar.gz", None),
        ] {
            assert_eq!(platform(file), wanted, "{file}");
        }
    }
}
