//! Git repositories as sources: where one is, and what of it is wanted.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};

use super::{ObjectId, SourceUrl, UrlError, normalize, redact, relative_to};

/// What a source's text starts with whose files are those of a commit.
pub const GIT_PREFIX: &str = "git+";
/// Variables that send git to another repository, index or part of it than the one it is told of.
pub const GIT_ELSEWHERE: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
];
/// What a source's text ends in that wants no submodules.
const WITHOUT_SUBMODULES: &str = "#submodules=false";

/// A commit's files, as a config asks for them: `git+URL@REVISION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitSource {
    /// Where the repository is.
    pub repository: Repository,
    /// Which commit is meant.
    pub revision: Revision,
    /// Submodules are wanted too.
    pub submodules: bool,
}

/// Where a repository is.
#[derive(Clone, PartialEq, Eq)]
pub enum Repository {
    /// On a web server.
    Web(SourceUrl),
    /// Behind another of git's own protocols: `ssh://`, `git://`, or `user@host:path`.
    Other(String),
    /// On this machine.
    Local {
        /// The repository's folder.
        path: Utf8PathBuf,
        /// The same as it is written, if that is relative.
        relative: Option<Utf8PathBuf>,
    },
}

/// Which commit is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// This one.
    Commit(ObjectId),
    /// What a tag or branch names, or a short or described commit.
    Named(String),
}

/// Why a text names no commit of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitSourceError {
    /// Nothing says which commit is meant.
    #[error("`{text}` does not say which commit: it takes `@` and a commit, tag or branch at its end")]
    NoRevision {
        /// The text, without credentials.
        text: String,
    },
    /// A revision that git would take for an option, or for something else than one commit.
    #[error("`{revision}` cannot be a commit, tag or branch")]
    Revision {
        /// What was to be one.
        revision: String,
    },
    /// Something after `#` that means nothing here.
    #[error("`#{fragment}` means nothing here: `#submodules=false` does")]
    Fragment {
        /// What follows the `#`.
        fragment: String,
    },
    /// A protocol git does not speak, or one that would run a command.
    #[error("`{text}` is no repository: https, http, ssh, git and file are known")]
    Protocol {
        /// The text, without credentials.
        text: String,
    },
    /// Secrets where git would show them to everybody on the machine, or where they are good for nothing.
    #[error("`{text}` has {what}, which a repository's URL cannot have")]
    Odd {
        /// The text, without credentials.
        text: String,
        /// Such as `a query`.
        what: &'static str,
    },
    /// Not a URL.
    #[error(transparent)]
    Url(#[from] UrlError),
}

impl GitSource {
    /// Reads `git+URL@REVISION`, which may end in `#submodules=false`. Paths are relative to `directory`.
    ///
    /// # Errors
    /// When it says no revision, or the repository's URL is none that git could be given.
    pub fn parse(text: &str, directory: &Utf8Path) -> Result<Self, GitSourceError> {
        let text = text.strip_prefix(GIT_PREFIX).unwrap_or(text);
        let (wanted, submodules) = match text.strip_suffix(WITHOUT_SUBMODULES) {
            Some(rest) => (rest, false),
            None => (text, true),
        };
        if let Some((_, fragment)) = wanted.split_once('#') {
            return Err(GitSourceError::Fragment { fragment: fragment.to_owned() });
        }
        let no_revision = || GitSourceError::NoRevision { text: redact(wanted) };
        // An `@` before the path is part of the authority; one after it names the revision.
        let path = match wanted.find("://").map(|at| at + 3) {
            Some(authority) => authority + wanted[authority..].find('/').unwrap_or(wanted.len() - authority),
            None => wanted.find([':', '/']).unwrap_or(0),
        };
        let (at, _) = wanted[path..].rmatch_indices('@').next().ok_or_else(no_revision)?;
        let (repository, revision) = (&wanted[..path + at], &wanted[path + at + 1..]);
        if revision.is_empty() {
            return Err(no_revision());
        }
        Self::new(repository, revision, submodules, directory)
    }

    /// A commit of a repository, each as it is written.
    ///
    /// # Errors
    /// When git could not be given one of them.
    pub fn new(
        repository: &str,
        revision: &str,
        submodules: bool,
        directory: &Utf8Path,
    ) -> Result<Self, GitSourceError> {
        let (repository, revision) = (Repository::parse(repository, directory)?, Revision::parse(revision)?);
        Ok(Self { repository, revision, submodules })
    }

    /// What follows the repository in the text that [`GitSource::parse`] reads.
    pub fn ending(&self) -> String {
        let submodules = if self.submodules { "" } else { WITHOUT_SUBMODULES };
        format!("@{}{submodules}", self.revision)
    }

    /// The name of what is in the repository.
    pub fn name(&self) -> &str {
        self.repository.name()
    }

    /// How the same commit of another repository is written, without credentials.
    pub fn shown_at(&self, repository: &Repository) -> String {
        format!("{GIT_PREFIX}{}{}", repository.public(), self.ending())
    }
}

impl fmt::Display for GitSource {
    /// Without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown_at(&self.repository))
    }
}

impl Repository {
    /// Reads a URL, `user@host:path`, or a path, which is relative to `directory`.
    ///
    /// # Errors
    /// When it is a URL that git could not be given.
    pub fn parse(text: &str, directory: &Utf8Path) -> Result<Self, GitSourceError> {
        let protocol = || GitSourceError::Protocol { text: redact(text) };
        let odd = |what| GitSourceError::Odd { text: redact(text), what };
        // `ext::sh -c …` is a repository to git, too.
        let helper = text.split_once("::").is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_alphanumeric()));
        if text.starts_with('-') || helper || text.contains(char::is_control) {
            return Err(protocol());
        }
        let path = match text.split_once("://") {
            Some(("http" | "https", _)) => {
                let url = SourceUrl::parse(text)?;
                match url.secret().query().is_some() || url.secret().fragment().is_some() {
                    true => return Err(odd("a query")),
                    false => return Ok(Self::Web(url)),
                }
            }
            Some(("ssh" | "git", rest)) if !rest.starts_with(['-', '/']) => {
                let authority = rest.split('/').next().unwrap_or_default();
                let user = authority.rsplit_once('@').map(|(user, _)| user);
                match user.is_some_and(|user| user.contains(':')) {
                    true => return Err(odd("a password for ssh")),
                    false => return Ok(Self::Other(text.to_owned())),
                }
            }
            Some(("file", rest)) => Utf8Path::new(&rest[rest.find('/').ok_or_else(protocol)?..]),
            Some(_) => return Err(protocol()),
            // As git has it: a colon before the first slash ends a host's name.
            None if text.find(':').is_some_and(|colon| !text[..colon].contains('/')) => {
                return Ok(Self::Other(text.to_owned()));
            }
            None if text.is_empty() => return Err(protocol()),
            None => Utf8Path::new(text),
        };
        Ok(Self::Local { path: normalize(&directory.join(path)), relative: relative_to(directory, path) })
    }

    /// What a submodule's URL means: one that starts with `./` or `../` goes on from the URL of what it is in.
    ///
    /// # Errors
    /// When it climbs too far, or is no URL that git could be given.
    pub fn join(&self, url: &str) -> Result<Self, GitSourceError> {
        let nowhere = || GitSourceError::Protocol { text: redact(url) };
        if !(url.starts_with("./") || url.starts_with("../")) {
            // Paths of the machine that a remote repository names are none of its business.
            return match Self::parse(url, Utf8Path::new("/"))? {
                Self::Local { .. } if !matches!(self, Self::Local { .. }) => Err(nowhere()),
                known => Ok(known),
            };
        }
        let own = self.secret();
        let mut base = own.trim_end_matches('/');
        let mut rest = url;
        loop {
            if let Some(after) = rest.strip_prefix("./") {
                rest = after;
            } else if let Some(after) = rest.strip_prefix("../") {
                let authority = base.find("://").map_or(0, |at| at + 3);
                let cut = base[authority..].rfind('/').map(|at| authority + at);
                // In `host:path`, the colon is the last thing to climb to.
                let colon = || base.rfind(':').filter(|_| authority == 0);
                match cut {
                    Some(at) => base = &base[..at],
                    None => base = &base[..=colon().ok_or_else(nowhere)?],
                }
                rest = after;
            } else {
                break;
            }
        }
        let joined = if base.ends_with(':') { format!("{base}{rest}") } else { format!("{base}/{rest}") };
        Self::parse(&joined, Utf8Path::new("/"))
    }

    /// What git is given, credentials and all.
    pub fn secret(&self) -> String {
        match self {
            Self::Web(url) => url.secret().to_string(),
            Self::Other(text) => text.clone(),
            Self::Local { path, .. } => path.to_string(),
        }
    }

    /// What may be shown and stored; `user@host:path` becomes the URL it stands for.
    pub fn public(&self) -> String {
        match self {
            Self::Other(text) if !text.contains("://") => match text.split_once(':') {
                Some((host, path)) if path.starts_with('/') => redact(&format!("ssh://{host}{path}")),
                // From the home of the user.
                Some((host, path)) => redact(&format!("ssh://{host}/~/{path}")),
                None => text.clone(),
            },
            other => redact(&other.secret()),
        }
    }

    /// Whether the URL has a user or a password that its server is shown.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Web(url) if url.public() != url.secret().as_str())
    }

    /// The server's name and port, if it is on one.
    pub fn host(&self) -> Option<String> {
        match self {
            Self::Web(url) => Some(url.host()),
            Self::Other(text) => {
                let rest = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
                let authority = rest.split(['/', ':']).next()?;
                Some(authority.rsplit('@').next()?.to_owned())
            }
            Self::Local { .. } => None,
        }
    }

    /// The name of what is in it: the last element of its path, without `.git`.
    pub fn name(&self) -> &str {
        let path = match self {
            Self::Web(url) => url.secret().path(),
            Self::Other(text) => text.rsplit(':').next().unwrap_or(text),
            Self::Local { path, .. } => path.as_str(),
        };
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let name = name.strip_suffix(".git").unwrap_or(name);
        if name.is_empty() || name.starts_with('.') { "repository" } else { name }
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Repository({})", self.public())
    }
}

impl Revision {
    fn parse(text: &str) -> Result<Self, GitSourceError> {
        if let Some(id) = ObjectId::parse(text) {
            return Ok(Self::Commit(id));
        }
        // git-check-ref-format(1), and what git-rev-parse(1) would calculate with.
        let odd = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[{\\".contains(c);
        if text.starts_with(['-', '/', '.']) || text.contains(odd) || text.contains("..") {
            return Err(GitSourceError::Revision { revision: text.to_owned() });
        }
        Ok(Self::Named(text.to_owned()))
    }

    /// The commit it names by itself.
    pub fn commit(&self) -> Option<&ObjectId> {
        match self {
            Self::Commit(id) => Some(id),
            Self::Named(_) => None,
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(id) => id.fmt(f),
            Self::Named(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "5aaed9baa4fe5aaed9baa4fe5aaed9baa4fe5aae";

    fn parse(text: &str) -> Result<GitSource, GitSourceError> {
        GitSource::parse(text, "/p".into())
    }

    #[test]
    fn the_revision_is_what_follows_the_last_at_of_the_path() {
        for (text, repository, revision) in [
            ("git+https://h.example/a/b.git@v1.0", "https://h.example/a/b.git", "v1.0"),
            ("git+https://u:p@h.example/b@feature/x", "https://h.example/b", "feature/x"),
            ("git+ssh://git@h.example/a/b@v1.0-9-g34c97f7", "ssh://git@h.example/a/b", "v1.0-9-g34c97f7"),
            ("git+git@h.example:a/b.git@main", "ssh://git@h.example/~/a/b.git", "main"),
            ("git+git@h.example:/a/b.git@main", "ssh://git@h.example/a/b.git", "main"),
            ("git+http://[::1]:8080/b@main", "http://[::1]:8080/b", "main"),
            ("git+https://u:1234@h.example/b@main", "https://h.example/b", "main"),
            ("git+../b@main", "/b", "main"),
            ("git+file:///src/b@HEAD", "/src/b", "HEAD"),
        ] {
            let source = parse(text).expect(text);
            let said = (source.repository.public(), source.revision.to_string());
            assert_eq!(said, (repository.to_owned(), revision.to_owned()));
            assert_eq!(source.name(), "b", "{text}");
            assert!(source.submodules && !source.to_string().contains("u:p"));
        }
        let source = parse(&format!("git+https://h.example/b@{COMMIT}#submodules=false")).expect("parses");
        assert_eq!(source.revision.commit().map(ObjectId::to_string).as_deref(), Some(COMMIT));
        assert!(!source.submodules);
    }

    #[test]
    fn what_git_would_take_for_something_else_is_refused() {
        for text in [
            "git+https://h.example/b",
            "git+https://u@h.example/b",
            "git+https://h.example/b@",
            "git+https://u:s3cret@h.example/b",
            "git+https://u:1234@h.example",
            "git+ssh://u:s3cret@h.example/b",
        ] {
            let error = parse(text).expect_err(text);
            assert!(matches!(error, GitSourceError::NoRevision { .. }), "{text}: {error}");
            assert!(!error.to_string().contains("s3cret") && !error.to_string().contains("1234"), "{error}");
        }
        for text in ["git+https://h.example/b?token=x@v1", "git+ssh://u:s3cret@h.example/b@v1"] {
            let error = parse(text).expect_err(text);
            assert!(matches!(error, GitSourceError::Odd { .. }) && !error.to_string().contains("s3cret"), "{error}");
        }
        for revision in ["--upload-pack=x", "a..b", "a b", "HEAD~1", "x:y", "@{1}", "/x", ".x"] {
            let text = format!("git+https://h.example/b@{revision}");
            assert!(matches!(parse(&text), Err(GitSourceError::Revision { .. })), "{text}");
        }
        for repository in ["ext::sh -c x", "-x", "ftp://h.example/b", "ssh://-oProxyCommand=x/b"] {
            let text = format!("git+{repository}/@v1");
            assert!(matches!(parse(&text), Err(GitSourceError::Protocol { .. })), "{text}");
        }
        assert!(matches!(parse("git+https://h.example/b@v#egg=b"), Err(GitSourceError::Fragment { .. })));
    }

    #[test]
    fn submodules_go_on_from_what_they_are_in() {
        let of = |base: &str, url: &str| {
            let base = Repository::parse(base, "/".into()).expect(base);
            base.join(url).map(|joined| joined.secret())
        };
        for (base, url, joined) in [
            ("https://h.example/a/b.git", "../c.git", "https://h.example/a/c.git"),
            ("https://h.example/a/b/", "../../c", "https://h.example/c"),
            ("https://h.example/a/b", "./c", "https://h.example/a/b/c"),
            ("git@h.example:a/b", "../c", "git@h.example:a/c"),
            ("git@h.example:b", "../c", "git@h.example:c"),
            ("/src/b", "../c", "/src/c"),
            ("/src/b", "/q/c", "/q/c"),
            ("https://h.example/a/b", "https://o.example/c", "https://o.example/c"),
        ] {
            assert_eq!(of(base, url).as_deref(), Ok(joined));
        }
        for (base, url) in [
            ("https://h.example/b", "../../../c"),
            ("https://h.example/b", "/etc"),
            ("https://h.example/b", "file:///etc"),
            ("https://h.example/b", "ext::sh -c x"),
        ] {
            assert!(of(base, url).is_err(), "{base} {url}");
        }
    }
}
