//! The program that rides in a bundle: which machine it runs on, and what it needs there.

use camino::{Utf8Path, Utf8PathBuf};
use object::elf;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use super::error::Error;
use crate::base::IoContext;

/// An installer to be packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installer {
    /// The program.
    pub path: Utf8PathBuf,
    /// The machine it runs on, as `uname -m` names it, and `linux`.
    pub target: String,
    /// How it is linked.
    pub linkage: Linkage,
}

/// What a program needs on the machine it runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linkage {
    /// Nothing but the kernel.
    Static,
    /// A C library of at least some version, such as `glibc 2.34`.
    Dynamic(String),
}

impl Installer {
    /// Looks at the program at `path`.
    ///
    /// # Errors
    /// [`Error::Installer`] when it is no Linux program.
    pub fn inspect(path: &Utf8Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).at("read", path)?;
        let bad = |reason: &str| Error::Installer { path: path.to_owned(), reason: reason.to_owned() };
        let not_elf = || bad("it is not a Linux program (ELF)");
        let (target, linkage) = match bytes.get(4) {
            Some(2) => inspect::<elf::FileHeader64<object::Endianness>>(&bytes).map_err(|_| not_elf())?,
            Some(1) => inspect::<elf::FileHeader32<object::Endianness>>(&bytes).map_err(|_| not_elf())?,
            _ => return Err(not_elf()),
        };
        let target = target.ok_or_else(|| bad("it is for a machine hardtack does not know"))?;
        Ok(Self { path: path.to_owned(), target: format!("{target}-linux"), linkage })
    }
}

fn inspect<H: FileHeader<Endian = object::Endianness>>(
    bytes: &[u8],
) -> object::read::Result<(Option<&'static str>, Linkage)> {
    let header = H::parse(bytes)?;
    let endian = header.endian()?;
    let little = matches!(endian, object::Endianness::Little);
    // The names `uname -m` prints.
    let machine = match (header.e_machine(endian), little) {
        (elf::EM_X86_64, _) => Some("x86_64"),
        (elf::EM_AARCH64, true) => Some("aarch64"),
        (elf::EM_386, _) => Some("i686"),
        (elf::EM_ARM, true) => Some("armv7l"),
        (elf::EM_PPC64, true) => Some("ppc64le"),
        (elf::EM_PPC64, false) => Some("ppc64"),
        (elf::EM_S390, _) => Some("s390x"),
        (elf::EM_RISCV, _) => Some("riscv64"),
        _ => None,
    };
    let mut interpreter = None;
    for segment in header.program_headers(endian, bytes)? {
        if let Some(name) = segment.interpreter(endian, bytes)? {
            interpreter = Some(String::from_utf8_lossy(name).into_owned());
        }
    }
    let linkage = match interpreter {
        None => Linkage::Static,
        Some(name) if name.contains("musl") => Linkage::Dynamic("musl".to_owned()),
        Some(_) => Linkage::Dynamic(glibc_version::<H>(header, endian, bytes)?),
    };
    Ok((machine, linkage))
}

/// The highest `GLIBC_x.y` among the versions the program names.
fn glibc_version<H: FileHeader<Endian = object::Endianness>>(
    header: &H,
    endian: object::Endianness,
    bytes: &[u8],
) -> object::read::Result<String> {
    let sections = header.sections(endian, bytes)?;
    let mut highest: Option<(u32, u32)> = None;
    for section in sections.iter() {
        let Some((mut needs, link)) = section.gnu_verneed(endian, bytes)? else { continue };
        let strings = sections.strings(endian, bytes, link)?;
        while let Some((_, mut versions)) = needs.next()? {
            while let Some(version) = versions.next()? {
                let name = String::from_utf8_lossy(version.name(endian, strings)?).into_owned();
                let numbers = name.strip_prefix("GLIBC_").and_then(|numbers| numbers.split_once('.'));
                let parsed = numbers.and_then(|(major, minor)| {
                    let minor = minor.split('.').next()?;
                    Some((major.parse().ok()?, minor.parse().ok()?))
                });
                highest = highest.max(parsed);
            }
        }
    }
    Ok(highest.map_or_else(|| "glibc".to_owned(), |(major, minor)| format!("glibc {major}.{minor}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_program_is_known() {
        let path = std::env::current_exe().expect("has a path");
        let path = Utf8PathBuf::from_path_buf(path).expect("UTF-8");
        let installer = Installer::inspect(&path).expect("a program");
        assert_eq!(installer.target, format!("{}-linux", std::env::consts::ARCH));
    }

    #[test]
    fn a_script_is_no_installer() {
        let error = Installer::inspect("Cargo.toml".into()).expect_err("text");
        assert!(error.to_string().contains("not a Linux program"), "{error}");
    }
}
