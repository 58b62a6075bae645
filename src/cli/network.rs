//! The way to the network: what settings, options and the environment say of it.

use super::context::Context;
use super::error::Report;
use crate::bundle::Fetch;

#[cfg(not(feature = "net"))]
pub(super) fn way<'c>(_context: &'c Context<'_>) -> Result<Option<Box<dyn Fetch + 'c>>, Report> {
    Ok(None)
}

/// A way to the network that tells of tries that failed.
#[cfg(feature = "net")]
pub(super) fn way<'c>(context: &'c Context<'_>) -> Result<Option<Box<dyn Fetch + 'c>>, Report> {
    use crate::fetch::{Fetcher, Options, Retrying};
    let (network, defaults) = (context.network.clone(), Options::default());
    let options = Options {
        user_agent: network.user_agent.unwrap_or(defaults.user_agent),
        connect_timeout: network.connect_timeout.unwrap_or(defaults.connect_timeout),
        stall_timeout: network.stall_timeout.unwrap_or(defaults.stall_timeout),
        total_timeout: network.total_timeout,
        retries: network.retries.unwrap_or(defaults.retries),
        connections: context.connections(),
        per_host: network.per_host.unwrap_or(context.connections()),
        system_certificates: context.environment.variable("SSL_CERT_FILE").map(Into::into),
        ca_file: network.ca_file.map(|path| context.folder.join(path)),
        proxy: network.proxy,
        allow_downgrade: network.allow_downgrade,
        ..defaults
    };
    let console = context.console;
    let observe = move |retrying: Retrying| {
        let wait = retrying.wait.as_secs_f64();
        console.note(format!("{}; trying again in {wait:.1} s", retrying.reason));
    };
    Ok(Some(Box::new(Fetcher::new(options, credentials(context)?, Box::new(observe)))))
}

/// Credentials by registry, of the environment, and what netrc says.
#[cfg(feature = "net")]
fn credentials(context: &Context<'_>) -> Result<crate::fetch::Credentials, Report> {
    use super::error::USAGE;
    use crate::base::SourceUrl;
    use crate::fetch::{Credential, Credentials};
    let mut credentials = Credentials::default();
    let environment = context.environment;
    for registry in context.policy.registries.all() {
        let name: String = registry.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let variable =
            |what: &str| environment.variable(&format!("HARDTACK_REGISTRY_{}_{what}", name.to_ascii_uppercase()));
        let credential = match (variable("TOKEN"), variable("USERNAME"), variable("PASSWORD")) {
            (Some(token), _, _) => Credential::Bearer(token.to_owned()),
            (None, Some(user), password) => {
                Credential::Basic { user: user.to_owned(), password: password.unwrap_or_default().to_owned() }
            }
            (None, None, _) => continue,
        };
        // Settings are checked when they are read.
        if let Ok(url) = SourceUrl::parse(&registry.url) {
            credentials.add(url, credential);
        }
    }
    let named = environment.variable("NETRC").map(camino::Utf8PathBuf::from);
    let path = named.clone().or_else(|| environment.home().map(|home| home.join(".netrc")));
    match path.as_ref().map(std::fs::read_to_string) {
        Some(Ok(text)) => credentials.add_netrc(&text),
        Some(Err(error)) if named.is_some() || error.kind() != std::io::ErrorKind::NotFound => {
            let path = path.unwrap_or_default();
            let report = Report::new(USAGE, "settings", format!("failed to read `{path}`: {error}"));
            return Err(report.hint("set NETRC to another file, or make it readable"));
        }
        _ => {}
    }
    Ok(credentials)
}
