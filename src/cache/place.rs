//! Where the shared cache is when nobody says.

use camino::{Utf8Path, Utf8PathBuf};

/// What the environment says about standard folders; gathered by the caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheBase {
    /// `XDG_CACHE_HOME`.
    pub xdg_cache_home: Option<String>,
    /// The home folder.
    pub home: Option<String>,
    /// `%LocalAppData%`.
    pub local_app_data: Option<String>,
}

/// The shared cache's default place on `os` (as `std::env::consts::OS` names it); `None` when there is no home.
///
/// Linux and other Unixes: the XDG base directory specification. macOS: `~/Library/Caches`. Windows: `%LocalAppData%`.
pub fn default_place(os: &str, base: &CacheBase) -> Option<Utf8PathBuf> {
    let absolute = |text: &Option<String>| text.as_deref().map(Utf8PathBuf::from);
    match os {
        "windows" => Some(absolute(&base.local_app_data)?.join("hardtack").join("cache")),
        "macos" => Some(absolute(&base.home)?.join("Library/Caches/hardtack")),
        _ => {
            // The specification: a relative path in the variable is to be ignored.
            let xdg = absolute(&base.xdg_cache_home).filter(|path| path.is_absolute());
            let home = absolute(&base.home).filter(|home| *home != Utf8Path::new(""));
            Some(xdg.or_else(|| Some(home?.join(".cache")))?.join("hardtack"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(xdg: Option<&str>, home: Option<&str>, local: Option<&str>) -> CacheBase {
        let own = |text: Option<&str>| text.map(str::to_owned);
        CacheBase { xdg_cache_home: own(xdg), home: own(home), local_app_data: own(local) }
    }

    #[test]
    fn every_platform_has_its_place() {
        let home = Some("/home/u");
        assert_eq!(default_place("linux", &base(Some("/x"), home, None)), Some("/x/hardtack".into()));
        assert_eq!(default_place("linux", &base(Some("rel"), home, None)), Some("/home/u/.cache/hardtack".into()));
        assert_eq!(default_place("freebsd", &base(None, home, None)), Some("/home/u/.cache/hardtack".into()));
        assert_eq!(default_place("linux", &base(None, None, None)), None);
        assert_eq!(default_place("macos", &base(None, home, None)), Some("/home/u/Library/Caches/hardtack".into()));
        let windows = default_place("windows", &base(None, None, Some("C:/L"))).map(Utf8PathBuf::into_string);
        assert_eq!(windows.map(|path| path.replace('\\', "/")), Some("C:/L/hardtack/cache".into()));
    }
}
