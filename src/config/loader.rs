//! How a config asks for the files it extends.

use camino::{Utf8Path, Utf8PathBuf};

use super::error::Error;
use super::facts::PathKind;

/// Where a config file is: a path, or a URL.
///
/// A path is kept as it was spelled, `../` and all, because `${:_profile_base_location_}` and `annotate` show it so.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A file on disk.
    Path(Utf8PathBuf),
    /// A file on a server.
    Url(String),
}

impl Location {
    /// The location `name` stands for in a file at `self`.
    pub fn relative(&self, name: &str) -> Self {
        if is_url(name) {
            return Self::Url(name.to_owned());
        }
        match self {
            Self::Url(_) if name.starts_with('/') => Self::Path(name.into()),
            Self::Url(_) => Self::Url(format!("{}/{name}", self.folder())),
            Self::Path(_) => Self::Path(Utf8Path::new(self.folder()).join(name)),
        }
    }

    /// The folder the file is in, as spelled.
    pub fn folder(&self) -> &str {
        match self {
            // By its text: a folder spelled `/p/.` stays that.
            Self::Path(path) => match path.as_str().rsplit_once('/') {
                Some(("", _)) => "/",
                Some((folder, _)) => folder,
                None => "",
            },
            Self::Url(url) => url.rsplit_once('/').map_or(url.as_str(), |(folder, _)| folder),
        }
    }

    /// The path or the URL.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Path(path) => path.as_str(),
            Self::Url(url) => url,
        }
    }
}

/// Whether `name` starts with a scheme, as in `https://`.
pub fn is_url(name: &str) -> bool {
    let scheme = name.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

/// Bytes a config may have. A loader need not read more.
pub const MAX_CONFIG_SIZE: u64 = 16 << 20;

/// Gives a resolve the files it reads; the config language itself touches neither disk nor network.
pub trait Loader {
    /// A name equal for two locations exactly if they are one file in one folder.
    ///
    /// # Errors
    /// When there is no such file, with the reason.
    fn identity(&self, location: &Location) -> Result<String, Error>;

    /// The bytes of the file.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, location: &Location) -> Result<Vec<u8>, Error>;

    /// What is at an absolute path of the machine; conditions may ask.
    fn path_kind(&self, path: &str) -> PathKind;

    /// The name the file is shown under in messages.
    fn display(&self, location: &Location) -> String {
        location.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_the_file_that_has_them() {
        let path = Location::Path("/p/a/buildout.cfg".into());
        assert_eq!(path.relative("../zlib/buildout.cfg").as_str(), "/p/a/../zlib/buildout.cfg");
        assert_eq!(path.relative("/etc/x.cfg").as_str(), "/etc/x.cfg");
        assert_eq!(path.relative("./x.cfg").folder(), "/p/a/.");
        assert_eq!(Location::Path("/x.cfg".into()).relative("y.cfg").as_str(), "/y.cfg");
        assert_eq!(path.relative("http://host.example/x.cfg"), Location::Url("http://host.example/x.cfg".into()));
        let url = Location::Url("http://host.example/d/base.cfg".into());
        assert_eq!(url.relative("x.cfg"), Location::Url("http://host.example/d/x.cfg".into()));
        assert_eq!(url.relative("/local.cfg"), Location::Path("/local.cfg".into()));
        assert!(!is_url("./a://b") && !is_url("a/b"));
    }
}
