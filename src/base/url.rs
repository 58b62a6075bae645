//! URLs as sources of files, and how they look without their secrets.

use std::fmt;

use ::url::Url;

/// An absolute URL with a host, over http or https.
///
/// It may carry a user and a password, so it neither prints nor serialises itself: [`SourceUrl::public`] is what may
/// be shown, stored or compared, [`SourceUrl::secret`] what the server gets.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceUrl {
    url: Url,
}

/// Why a text is not a URL hardtack can fetch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL at all.
    #[error("`{url}` is not a URL: {reason}")]
    Malformed {
        /// The text, without credentials.
        url: String,
        /// What the URL parser says.
        reason: String,
    },
    /// A scheme nothing here speaks.
    #[error("URL scheme `{scheme}` of `{url}` is not supported: http, https and file are")]
    Scheme {
        /// The text, without credentials.
        url: String,
        /// The scheme.
        scheme: String,
    },
}

impl SourceUrl {
    /// Reads an http or https URL.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url =
            Url::parse(text).map_err(|error| UrlError::Malformed { url: redact(text), reason: error.to_string() })?;
        match url.scheme() {
            "http" | "https" => Ok(Self { url }),
            scheme => Err(UrlError::Scheme { url: redact(text), scheme: scheme.to_owned() }),
        }
    }

    /// The URL with its credentials, for the request itself and nothing else.
    pub fn secret(&self) -> &Url {
        &self.url
    }

    /// The URL without user and password.
    pub fn public(&self) -> String {
        redact(self.url.as_str())
    }
}

impl fmt::Debug for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceUrl({})", self.public())
    }
}

/// `text` without what stands between `//` and `@` of its authority, otherwise as written.
///
/// Works on text that is no valid URL too, since error messages must not leak either.
pub fn redact(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority_end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_survives_redaction() {
        for (url, public) in [
            ("https://user:secret@host.example/a?b@c", "https://host.example/a?b@c"),
            ("https://a@b:p@host.example", "https://host.example"),
            ("http://host.example/x@y", "http://host.example/x@y"),
            ("./relative@path", "./relative@path"),
            ("ftp://u:p@h", "ftp://h"),
        ] {
            assert_eq!(redact(url), public);
        }
    }

    #[test]
    fn schemes_nobody_speaks_are_refused() {
        assert!(matches!(SourceUrl::parse("gopher://host.example/"), Err(UrlError::Scheme { .. })));
        assert!(matches!(SourceUrl::parse("http://"), Err(UrlError::Malformed { .. })));
        let url = SourceUrl::parse("http://u:p@host.example/").expect("a good URL");
        assert_eq!(format!("{url:?}"), "SourceUrl(http://host.example/)");
    }
}
