//! Sources: the files a part is made from.

use camino::{Utf8Path, Utf8PathBuf};

use crate::base::{
    Expected, GIT_PREFIX, GitSource, GitSourceError, RelPath, Repository, SourceKey, SourceUrl, UrlError, View, Wanted,
    normalize, redact, relative_to,
};

/// A file a part needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The text of the option that names it, substituted; credentials and all.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The digests the config declares.
    pub expected: Expected,
    /// Other URLs of the same file, to be tried after its own.
    pub alternates: Vec<SourceUrl>,
    /// Where today's recipe of its part looks for it in a download cache.
    pub shelf: Shelf,
}

/// The places of a download cache where recipes of buildout look for files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shelf {
    /// The folder that zc.recipe.cmmi has for itself.
    #[default]
    Cmmi,
    /// The cache's own folder.
    Root,
    /// The folder for Python distributions, under their names.
    Dist,
}

/// Where a source comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A server.
    Remote(SourceUrl),
    /// A commit of a repository.
    Git {
        /// The commit and the repository.
        git: GitSource,
        /// The name it goes by.
        key: SourceKey,
    },
    /// A file of the project, by its path below the project root. It is packed with the project.
    Project(RelPath),
    /// Another file on this machine.
    Outside {
        /// Where it is.
        path: Utf8PathBuf,
        /// The same as seen from the buildout directory, if that is how it is named.
        relative: Option<Utf8PathBuf>,
    },
}

/// Why a text names no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceProblem {
    /// Nothing there.
    #[error("the URL is empty")]
    Empty,
    /// Not a URL that can be fetched.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Not a commit that can be had.
    #[error(transparent)]
    Git(#[from] GitSourceError),
    /// Other URLs of a commit.
    #[error("a commit has no other URLs: `[[mirrors]]` in the settings name other places of its repository")]
    GitAlternate,
}

impl Source {
    /// Reads a URL, a `file:` URL or a path, which is relative to the buildout directory. Like the original, `file:`
    /// URLs are not percent-decoded.
    ///
    /// # Errors
    /// When the text is empty or a URL of a kind nothing here fetches.
    pub fn new(
        text: &str,
        expected: Expected,
        directory: &Utf8Path,
        project_root: &Utf8Path,
    ) -> Result<Self, SourceProblem> {
        if text.is_empty() {
            return Err(SourceProblem::Empty);
        }
        if text.starts_with(GIT_PREFIX) {
            let git = GitSource::parse(text, directory)?;
            return Ok(Self { expected, ..Self::of_git(git, text.to_owned()) });
        }
        let path = match text.strip_prefix("file:") {
            // The host, if any, is ignored: `file://localhost/x` and `file:///x` are one file.
            Some(rest) => Some(match rest.strip_prefix("//") {
                Some(after_host) => &after_host[after_host.find('/').unwrap_or(after_host.len())..],
                None => rest,
            }),
            // A slash too few makes it no path.
            None if has_scheme(text) || is_web(text) => None,
            None => Some(text),
        };
        let origin = match path {
            None => Origin::Remote(SourceUrl::parse(text)?),
            Some(path) => {
                let relative = relative_to(directory, path.into());
                let path = normalize(&directory.join(path));
                match RelPath::below(project_root, &path) {
                    Some(below) => Origin::Project(below),
                    None => Origin::Outside { path, relative },
                }
            }
        };
        Ok(Self { text: text.to_owned(), origin, expected, alternates: Vec::new(), shelf: Shelf::Cmmi })
    }

    /// A commit of a repository; a revision may hold what would end it in a URL.
    ///
    /// # Errors
    /// When it is no repository or revision that git could be given.
    pub fn of_commit(
        repository: &str,
        revision: &str,
        submodules: bool,
        directory: &Utf8Path,
    ) -> Result<Self, SourceProblem> {
        let git = GitSource::new(repository, revision, submodules, directory)?;
        let text = format!("{GIT_PREFIX}{repository}{}", git.ending());
        Ok(Self::of_git(git, text))
    }

    fn of_git(git: GitSource, text: String) -> Self {
        let key = git_key(&git);
        let origin = Origin::Git { git, key };
        Self { text, origin, expected: Expected::default(), alternates: Vec::new(), shelf: Shelf::Cmmi }
    }

    /// The same, where recipes look that use buildout's own downloads.
    pub(super) fn on_root_shelf(self) -> Self {
        Self { shelf: Shelf::Root, ..self }
    }

    /// The same, as a Python distribution.
    pub(super) fn on_dist_shelf(self) -> Self {
        Self { shelf: Shelf::Dist, ..self }
    }

    /// The same, with other URLs of the same file; one that ends in a slash is a folder that has it under its name.
    ///
    /// # Errors
    /// When one of them is no URL that can be fetched.
    pub fn or_from<'t>(mut self, urls: impl IntoIterator<Item = &'t str>) -> Result<Self, SourceProblem> {
        for url in urls {
            if matches!(self.origin, Origin::Git { .. }) {
                return Err(SourceProblem::GitAlternate);
            }
            let url = match url.ends_with('/') {
                true => SourceUrl::parse(&format!("{url}{}", self.file_name()))?,
                false => SourceUrl::parse(url)?,
            };
            self.alternates.push(url);
        }
        Ok(self)
    }

    /// The name the source goes by in ledger, lock and manifest; `None` for a file of the project.
    pub fn key(&self) -> Option<SourceKey> {
        match &self.origin {
            Origin::Remote(_) => Some(SourceKey::url(&self.text)),
            Origin::Git { key, .. } => Some(key.clone()),
            Origin::Project(_) => None,
            // Seen from the project, so that it is the same name wherever the project is.
            Origin::Outside { path, relative } => {
                Some(SourceKey::outside_file(relative.as_ref().unwrap_or(path).as_str()))
            }
        }
    }

    /// The last element of the path, for people and for the classic cache layout.
    pub fn file_name(&self) -> &str {
        let path = match &self.origin {
            Origin::Remote(url) => url.secret().path(),
            Origin::Git { git, .. } => git.name(),
            Origin::Project(path) => path.as_str(),
            Origin::Outside { path, .. } => path.as_str(),
        };
        path.rsplit('/').find(|name| !name.is_empty()).unwrap_or("index")
    }

    /// The name of a Python distribution, which says what it is: unlike in its URL, nothing in it stands for something else.
    pub fn distribution_name(&self) -> String {
        percent_encoding::percent_decode_str(self.file_name()).decode_utf8_lossy().replace('/', "_")
    }

    /// The name of the one file in it, where it is a compressed file: its own without the ending.
    pub fn content_name(&self) -> &str {
        let name = self.file_name();
        let endings = [".gz", ".xz", ".bz2", ".lz", ".lzma", ".zst", ".Z"];
        let stem = endings.iter().find_map(|ending| name.strip_suffix(ending)).filter(|stem| !stem.is_empty());
        stem.unwrap_or(name)
    }

    /// The source as it may be shown: without credentials, and short for files of the project.
    pub fn shown(&self) -> String {
        match &self.origin {
            Origin::Remote(url) => {
                let public = redact(&self.text);
                if public.is_empty() { url.public() } else { public }
            }
            Origin::Git { git, .. } => git.to_string(),
            Origin::Project(path) => format!("./{path}"),
            Origin::Outside { path, .. } => path.to_string(),
        }
    }

    /// What caches look for; `None` for a file of the project, which no cache holds.
    pub fn wanted(&self) -> Option<Wanted> {
        let key = self.key()?;
        let (secret, views) = match &self.origin {
            // What a commit is does not hang on who asks for it, and no other program keeps commits in files.
            Origin::Git { git, .. } => (git.repository.is_secret() && git.revision.commit().is_none(), Vec::new()),
            _ if redact(&self.text) != self.text => (true, Vec::new()),
            _ => (
                false,
                match self.shelf {
                    Shelf::Cmmi => vec![View::Cmmi(self.text.clone())],
                    Shelf::Root => vec![View::Root(self.text.clone())],
                    Shelf::Dist => Vec::new(),
                },
            ),
        };
        Some(Wanted {
            key,
            views,
            file_name: self.file_name().to_owned(),
            expected: self.expected,
            local: matches!(self.origin, Origin::Outside { .. }),
            index: false,
            secret,
        })
    }
}

/// The name of a commit: its URL without credentials, or for a repository of this machine one that names no folder.
fn git_key(git: &GitSource) -> SourceKey {
    match &git.repository {
        Repository::Local { path, relative } => {
            let place = SourceKey::outside_file(relative.as_ref().unwrap_or(path).as_str());
            SourceKey::at_revision(&place, &git.ending())
        }
        _ => SourceKey::url(&git.to_string()),
    }
}

/// Whether a text starts as a web address does, however it goes on.
fn is_web(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| matches!(scheme.as_str(), "http" | "https" | "ftp"))
}

fn has_scheme(text: &str) -> bool {
    crate::config::is_url(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Source::new(text, Expected::default(), "/p/sub".into(), "/p".into()).expect(text).origin
    }

    #[test]
    fn paths_are_relative_to_the_buildout_directory_and_stay_relative_inside_the_project() {
        let project = |path: &str| Origin::Project(RelPath::new(path).expect("a path"));
        assert_eq!(origin("x.patch"), project("sub/x.patch"));
        assert_eq!(origin("../x.patch"), project("x.patch"));
        assert_eq!(origin("file:///p/x.patch"), project("x.patch"));
        let outside = |path: &str, relative: Option<&str>| Origin::Outside {
            path: path.into(),
            relative: relative.map(Into::into),
        };
        assert_eq!(origin("file://localhost/q/a%20b"), outside("/q/a%20b", None));
        assert_eq!(origin("../../x.patch"), outside("/x.patch", Some("../../x.patch")));
        assert!(matches!(origin("https://host.example/x"), Origin::Remote(_)));
    }

    #[test]
    fn a_file_beside_the_project_has_the_same_key_wherever_both_are() {
        let key = |text: &str, directory: &str| {
            Source::new(text, Expected::default(), directory.into(), directory.into()).expect(text).key()
        };
        assert_eq!(key("../x.tgz", "/home/ann/p"), key("../x.tgz", "/opt/p"));
        assert_eq!(key("/home/ann/p/../x.tgz", "/home/ann/p"), key("/opt/p/../x.tgz", "/opt/p"));
        assert_ne!(key("../x.tgz", "/opt/p"), key("/opt/x.tgz", "/opt/p"));
    }

    #[test]
    fn commits_are_named_by_their_place_and_revision() {
        let named = |text: &str, directory: &str| {
            let source = Source::new(text, Expected::default(), directory.into(), directory.into()).expect(text);
            source.wanted().expect("not of the project")
        };
        let key = |text: &str, directory: &str| named(text, directory).key.to_string();
        assert_eq!(key("git+https://u:p@H.example/b.git@v1", "/p"), "git+https://h.example/b.git@v1");
        assert_eq!(key("git+git@h.example:a/b@v1", "/p"), "git+ssh://git@h.example/~/a/b@v1");
        assert_ne!(key("git+bob@h.example:b@v1", "/p"), key("git+ann@h.example:b@v1", "/p"));
        assert_eq!(key("git+../b@v1", "/home/ann/p"), key("git+../b@v1", "/opt/p"));
        assert_ne!(key("git+../b@v1", "/p"), key("git+../b@v1#submodules=false", "/p"));
        let commit = "5aaed9baa4fe5aaed9baa4fe5aaed9baa4fe5aae";
        assert!(named("git+https://u:p@h.example/b@v1", "/p").secret);
        assert!(!named(&format!("git+https://u:p@h.example/b@{commit}"), "/p").secret);
        // What a commit holds does not change, wherever its repository is.
        assert!(!named("git+../b@v1", "/p").local && named("git+../b@v1", "/p").views.is_empty());
        let source = Source::new("git+https://h.example/b@v1", Expected::default(), "/p".into(), "/p".into());
        let problem = source.expect("a commit").or_from(["https://h.example/b.tgz"]);
        assert_eq!(problem, Err(SourceProblem::GitAlternate));
    }

    #[test]
    fn only_known_schemes_are_sources() {
        let source = |text| Source::new(text, Expected::default(), "/p".into(), "/p".into());
        assert!(matches!(source("ftp://host.example/x"), Err(SourceProblem::Url(UrlError::Scheme { .. }))));
        assert_eq!(source(""), Err(SourceProblem::Empty));
    }

    #[test]
    fn credentials_are_in_no_name() {
        let url = "https://u:p@host.example/x.tgz";
        let source = Source::new(url, Expected::default(), "/p".into(), "/p".into()).expect("a URL");
        let wanted = source.wanted().expect("not of the project");
        assert_eq!(wanted.key.as_str(), "https://host.example/x.tgz");
        assert_eq!(wanted.views, []);
        assert_eq!(source.shown(), "https://host.example/x.tgz");
    }
}
