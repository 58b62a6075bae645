//! URLs as sources of files, and how they look without their secrets.

use std::fmt;
use std::ops::Range;

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
        let malformed = |reason: String| UrlError::Malformed { url: redact(text), reason };
        let url = Url::parse(text).map_err(|error| malformed(error.to_string()))?;
        let rest = text.trim_start().split_once(':').map_or("", |(_, rest)| rest);
        let host = rest.strip_prefix("//").is_some_and(|host| !host.starts_with(['/', '\\']));
        if matches!(url.scheme(), "http" | "https") && (!host || text.contains('\\')) {
            // Parsers forgive such spellings, each in its own way.
            return Err(malformed("after the scheme come two slashes and a host".to_owned()));
        }
        match url.scheme() {
            "http" | "https" => Ok(Self { url }),
            scheme => Err(UrlError::Scheme { url: redact(text), scheme: scheme.to_owned() }),
        }
    }

    /// The URL with its credentials, for the request itself and nothing else.
    pub fn secret(&self) -> &Url {
        &self.url
    }

    /// The server's name and port.
    pub fn host(&self) -> String {
        // Neither is ever missing in a URL of these schemes.
        let (name, port) = (self.url.host_str(), self.url.port_or_known_default());
        format!("{}:{}", name.unwrap_or_default(), port.unwrap_or_default())
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

/// Names of parameters whose values are secrets, in small letters and with underscores; so are those that end in
/// `_token`.
const SECRET_PARAMETERS: [&str; 11] = [
    "api_key",
    "apikey",
    "client_secret",
    "jwt",
    "passwd",
    "password",
    "secret",
    "sig",
    "signature",
    "token",
    "x_amz_signature",
];

/// A URL without what stands between `//` and `@` of its authority, and without the values of query parameters that are
/// secrets by their name; otherwise as written.
///
/// Works on text that is no valid URL too, since error messages must not leak either.
pub fn redact(text: &str) -> String {
    let secrets = secrets(text);
    if secrets.is_empty() {
        return text.to_owned();
    }
    let mut public = String::with_capacity(text.len());
    let mut at = 0;
    for secret in secrets {
        public.push_str(&text[at..secret.start]);
        at = secret.end;
    }
    public.push_str(&text[at..]);
    public
}

/// Every word of a text [redacted](redact).
pub fn redact_all(text: &str) -> String {
    text.split_inclusive(char::is_whitespace).map(redact).collect()
}

/// The text with asterisks over every secret of every URL in it: as long as before, byte for byte.
pub fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        let mut at = 0;
        for secret in secrets(word) {
            masked.push_str(&word[at..secret.start]);
            masked.extend(std::iter::repeat_n('*', secret.len()));
            at = secret.end;
        }
        masked.push_str(&word[at..]);
    }
    masked
}

/// Where the secrets of a URL are: user and password with their `@`, and values of parameters in query and fragment.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let Some(authority) = authority(text) else { return found };
    let length = text[authority..].find(['/', '\\', '?', '#']).unwrap_or(text.len() - authority);
    if let Some(at) = text[authority..authority + length].rfind('@') {
        // Over ssh the user is a part of the address, and the key is the secret.
        let over_ssh = text[..authority].trim_end_matches("://").to_ascii_lowercase().ends_with("ssh");
        match text[authority..authority + at].find(':') {
            Some(colon) if over_ssh => found.push(authority + colon..authority + at),
            None if over_ssh => {}
            _ => found.push(authority..authority + at + 1),
        }
    }
    let Some(query) = text[authority..].find(['?', '#']).map(|at| authority + at + 1) else { return found };
    let mut start = query;
    for parameter in text[query..].split(['&', ';', '?', '#']) {
        if let Some((name, value)) = parameter.split_once('=')
            && is_secret(name)
        {
            // What ends a word in a list of URLs is no part of the value.
            let value = value.trim_end();
            let from = start + name.len() + 1;
            found.push(from..from + value.len());
        }
        start += parameter.len() + 1;
    }
    found
}

/// Where the authority of a URL starts. URL parsers forgive any number of slashes, either way, after http and its like.
fn authority(text: &str) -> Option<usize> {
    if let Some((scheme, rest)) = text.split_once(':') {
        let after = rest.trim_start_matches(['/', '\\']);
        if SPECIAL_SCHEMES.iter().any(|special| scheme.eq_ignore_ascii_case(special)) {
            return Some(text.len() - after.len());
        }
    }
    text.find("://").map(|at| at + 3)
}

/// Schemes that browsers, and so URL parsers, read with a host whatever stands before it.
const SPECIAL_SCHEMES: [&str; 5] = ["http", "https", "ftp", "ws", "wss"];

/// Whether a parameter's value is a secret by its name, escapes undone.
fn is_secret(name: &str) -> bool {
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        let byte = rest.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(byte.map_or('%', char::from));
        rest = &rest[at + if byte.is_some() { 3 } else { 1 }..];
    }
    plain.push_str(rest);
    let plain = plain.trim().to_ascii_lowercase().replace('-', "_");
    SECRET_PARAMETERS.contains(&plain.as_str()) || plain.ends_with("_token")
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
            ("http://h/x?a=1&Token=abc&b=2#c", "http://h/x?a=1&Token=&b=2#c"),
            ("http://u@h/?private_token=x", "http://h/?private_token="),
            ("http://h/x?tokens=1", "http://h/x?tokens=1"),
            ("http:///u:p@h/x", "http:///h/x"),
            ("http:u:p@h/x", "http:h/x"),
            ("HTTP:\\\\u:p@h\\x", "HTTP:\\\\h\\x"),
            ("http://h/x?private-token=a;job_token=b&%74oken=c", "http://h/x?private-token=;job_token=&%74oken="),
            ("http://h/x?a=b?token=c#access_token=d", "http://h/x?a=b?token=#access_token="),
            ("http://h/x#frag?a@b", "http://h/x#frag?a@b"),
            ("git+ssh://git@h/x", "git+ssh://git@h/x"),
            ("ssh://u:p@h/x", "ssh://u@h/x"),
        ] {
            assert_eq!(redact(url), public);
        }
    }

    #[test]
    fn masked_text_is_as_long_as_before() {
        let text = "url = ftp://u:p\u{e4}@h/x\n  http://h/?token=abc\n";
        let masked = mask(text);
        assert_eq!(masked, "url = ftp://******h/x\n  http://h/?token=***\n");
        assert_eq!(masked.len(), text.len());
        assert_eq!(redact_all("+= http://u:p@h/ x"), "+= http://h/ x");
    }

    #[test]
    fn schemes_nobody_speaks_are_refused() {
        assert!(matches!(SourceUrl::parse("gopher://host.example/"), Err(UrlError::Scheme { .. })));
        for odd in ["http://", "http:///u:p@h/x", "http:u:p@h/x", "http:/u:p@h/x", "http:\\\\u:p@h/x", "http://h\\x"] {
            let error = SourceUrl::parse(odd).expect_err(odd);
            assert!(matches!(error, UrlError::Malformed { .. }) && !error.to_string().contains("u:p"), "{error}");
        }
        let url = SourceUrl::parse("http://u:p@host.example/").expect("a good URL");
        assert_eq!(format!("{url:?}"), "SourceUrl(http://host.example/)");
    }
}
