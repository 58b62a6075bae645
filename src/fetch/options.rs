//! How downloads behave.

use std::time::Duration;

use camino::Utf8PathBuf;

/// How downloads behave.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name servers see.
    pub user_agent: String,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for the next byte.
    pub stall_timeout: Duration,
    /// Longest time for one file, tries and waits included; none where nothing is said.
    pub total_timeout: Option<Duration>,
    /// Further tries of what may go well later, each after a wait. One that brings bytes does not count.
    pub retries: u32,
    /// The first of these waits; each is twice as long as the one before, less up to half of it by chance.
    pub first_wait: Duration,
    /// Connections at the same time.
    pub connections: usize,
    /// Connections to one host at the same time.
    pub per_host: usize,
    /// Certificates of authorities that are believed besides the system's, in PEM.
    pub ca_file: Option<Utf8PathBuf>,
    /// What the environment has instead of the system's certificates, for git, which does not look there by itself.
    pub system_certificates: Option<Utf8PathBuf>,
    /// The proxy for everything, instead of what the environment says.
    pub proxy: Option<String>,
    /// Follow redirects from https to http.
    pub allow_downgrade: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            user_agent: concat!("hardtack/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(60),
            total_timeout: None,
            retries: 3,
            first_wait: Duration::from_secs(1),
            connections: 16,
            per_host: 16,
            ca_file: None,
            system_certificates: None,
            proxy: None,
            allow_downgrade: false,
        }
    }
}
