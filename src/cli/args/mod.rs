//! What can be typed.

mod cache;
pub(super) mod installed;
mod release;
mod reproduce;

pub(super) use cache::{CacheCommand, CacheOf, ExportLayout};
pub(super) use release::{Bundle, Fulfill, Rehearse, Request};
pub(super) use reproduce::Reproduce;

use camino::Utf8PathBuf;
use clap::builder::FalseyValueParser;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::archive::Encoding;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit status:
  0 done                      5 a build step failed
  1 failed otherwise          6 a digest is wrong
  2 usage or config           7 a build tried to use the network
  3 a source is missing       8 two builds differ
  4 environment               9 a download failed";

/// Bundles a project that is built from source into one tarball, and installs it on a machine with no network.
#[derive(Debug, Parser)]
#[command(name = "hardtack", version, styles = STYLES, after_help = EXIT_CODES, max_term_width = 100)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Works as if started in DIR
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true, env = "HARDTACK_DIRECTORY")]
    pub(super) directory: Option<Utf8PathBuf>,
    /// Reads this config
    #[arg(short, long, value_name = "FILE", global = true, env = "HARDTACK_CONFIG", default_value = "buildout.cfg")]
    pub(super) config: Utf8PathBuf,
    /// Sets an option after all files; `+=` and `-=` work too
    #[arg(long, value_name = "SECTION:OPTION=VALUE", global = true, env = "HARDTACK_SET", action = clap::ArgAction::Append)]
    pub(super) set: Vec<String>,
    /// Ignores ~/.buildout/default.cfg
    #[arg(short = 'U', long, global = true, env = "HARDTACK_NO_USER_DEFAULTS", value_parser = FalseyValueParser::new())]
    pub(super) no_user_defaults: bool,
    /// Keeps the shared cache here
    #[arg(long, value_name = "DIR", global = true, env = "HARDTACK_CACHE_DIR")]
    pub(super) cache_dir: Option<Utf8PathBuf>,
    /// Neither reads nor writes the shared cache
    #[arg(long, global = true, env = "HARDTACK_NO_CACHE", value_parser = FalseyValueParser::new())]
    pub(super) no_cache: bool,
    /// Layouts written beside the cache's own, for other programs
    #[arg(long, value_name = "LAYOUT", global = true, env = "HARDTACK_CACHE_LAYOUT", default_value = "modern")]
    pub(super) cache_layout: Layout,
    /// How files of those layouts are made; copies where that cannot be had
    #[arg(long, value_name = "MODE", global = true, env = "HARDTACK_LINK_MODE")]
    pub(super) link_mode: Option<Link>,
    /// Downloads at the same time
    #[arg(long, value_name = "N", global = true, env = "HARDTACK_CONNECTIONS")]
    pub(super) connections: Option<std::num::NonZeroUsize>,
    /// Tries a download so often again that may go well later
    #[arg(long, value_name = "N", global = true, env = "HARDTACK_RETRIES")]
    pub(super) retries: Option<u32>,
    /// Believes the certificate authorities in this PEM file besides the system's
    #[arg(long, value_name = "FILE", global = true, env = "HARDTACK_CA_FILE")]
    pub(super) ca_file: Option<Utf8PathBuf>,
    /// Says more: where each source is looked for, each step's command
    #[arg(short, long, global = true, action = clap::ArgAction::Count, env = "HARDTACK_VERBOSE")]
    pub(super) verbose: u8,
    /// Says nothing but errors and results
    #[arg(short, long, global = true, env = "HARDTACK_QUIET", value_parser = FalseyValueParser::new())]
    pub(super) quiet: bool,
    /// Colours messages
    #[arg(long, value_name = "WHEN", global = true, env = "HARDTACK_COLOR", default_value = "auto")]
    pub(super) color: Color,
    /// Shows no progress bars
    #[arg(long, global = true, env = "HARDTACK_NO_PROGRESS", value_parser = FalseyValueParser::new())]
    pub(super) no_progress: bool,
    /// Prints results for people or programs
    #[arg(long, value_name = "FORMAT", global = true, env = "HARDTACK_FORMAT", default_value = "human")]
    pub(super) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Human,
    Json,
    /// Of hardtack reproduce, for servers that build
    Junit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Layout {
    /// cmmi/<md5 of url>
    Modern,
    /// cmmi/<sha1 of url>/{file,cache.ini}
    Classic,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Link {
    /// A reflink, else a hard link, else a copy
    Auto,
    Reflink,
    Hardlink,
    Copy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Compression {
    /// NAME-VERSION.tar.gz, which any machine can open
    Gzip,
    /// NAME-VERSION.tar.zst: smaller, and packed faster
    Zstd,
    /// NAME-VERSION.tar
    None,
}

impl From<Compression> for Encoding {
    fn from(compression: Compression) -> Self {
        match compression {
            Compression::Gzip => Self::Gzip,
            Compression::Zstd => Self::Zstd,
            Compression::None => Self::Plain,
        }
    }
}

impl Command {
    /// The word it is called by.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Query(_) => "query",
            Self::Annotate(_) => "annotate",
            Self::Check(_) => "check",
            Self::Lock(_) => "lock",
            Self::Fetch(_) => "fetch",
            Self::Bundle(_) => "bundle",
            Self::Rehearse(_) => "rehearse",
            Self::Reproduce(_) => "reproduce",
            Self::Install(_) => "install",
            Self::Verify(_) => "verify",
            Self::Inspect(_) => "inspect",
            Self::Diff(_) => "diff",
            Self::Keygen(_) => "keygen",
            Self::Sign(_) => "sign",
            Self::Request(_) => "request",
            Self::Fulfill(_) => "fulfill",
            Self::Status(_) => "status",
            Self::Rollback(_) => "rollback",
            Self::Uninstall(_) => "uninstall",
            Self::Cache(_) => "cache",
            Self::Recipes(_) => "recipes",
            Self::Doctor(_) => "doctor",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Query(Query),
    Annotate(Annotate),
    Check(Check),
    Lock(LockCommand),
    Fetch(Fetch),
    Bundle(Bundle),
    Rehearse(Rehearse),
    Reproduce(Reproduce),
    Install(Install),
    Verify(Verify),
    Inspect(Inspect),
    Diff(Diff),
    Keygen(Keygen),
    Sign(Sign),
    Request(Request),
    Fulfill(Fulfill),
    Status(installed::Status),
    Rollback(installed::Rollback),
    Uninstall(installed::Uninstall),
    Cache(CacheOf),
    Recipes(Recipes),
    Doctor(Doctor),
}

/// Tells what this machine allows, and what to change; with a bundle, also whether it has what that needs
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hardtack doctor\n  hardtack doctor app-1.0.tar.gz")]
pub(super) struct Doctor {
    /// A bundle, unpacked or not
    #[arg(value_name = "BUNDLE")]
    pub(super) bundle: Option<Utf8PathBuf>,
    /// Where the files are that the bundle has not itself, as for install
    #[arg(long, value_name = "OLD|cache", env = "HARDTACK_BASE", action = clap::ArgAction::Append, requires = "bundle")]
    pub(super) base: Vec<Utf8PathBuf>,
}

/// Lists the recipes that are built in, or the options of one
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hardtack recipes\n  hardtack recipes hardtack:cmake")]
pub(super) struct Recipes {
    /// The recipe to tell more of
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
}

/// Prints resolved values of the config
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hardtack query zlib:url\n  hardtack query zlib\n  hardtack query --format json")]
pub(super) struct Query {
    /// A section, or one option of it; everything if left out. Assignments are taken as by --set
    #[arg(value_name = "SECTION[:OPTION]")]
    pub(super) words: Vec<String>,
    /// Prints values as they are written, nothing substituted
    #[arg(long, env = "HARDTACK_RAW", value_parser = FalseyValueParser::new())]
    pub(super) raw: bool,
    /// Goes on past sections that do not resolve, and lists them as errors
    #[arg(long, env = "HARDTACK_KEEP_GOING", value_parser = FalseyValueParser::new())]
    pub(super) keep_going: bool,
}

/// Shows where each value of the config came from
#[derive(Debug, Args)]
#[command(after_help = "With -v, every file that set a value is shown, newest first.")]
pub(super) struct Annotate {
    /// Sections; all if left out. Assignments are taken as by --set
    #[arg(value_name = "SECTION")]
    pub(super) words: Vec<String>,
}

/// Finds what is probably not meant in the config: misspelled options, downloads without a digest, and more
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hardtack check\n  hardtack check --strict --format json")]
pub(super) struct Check {
    /// The project; the current folder if left out. Assignments are taken as by --set
    #[arg(value_name = "DIR")]
    pub(super) words: Vec<String>,
    /// Fails where anything is found
    #[arg(long, env = "HARDTACK_STRICT", value_parser = FalseyValueParser::new())]
    pub(super) strict: bool,
}

/// How sources are got.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Sources")]
pub(super) struct Sources {
    /// Fails if the lock file would change
    #[arg(long, env = "HARDTACK_LOCKED", value_parser = FalseyValueParser::new())]
    pub(super) locked: bool,
    /// As --locked, and uses no network
    #[arg(long, env = "HARDTACK_FROZEN", value_parser = FalseyValueParser::new())]
    pub(super) frozen: bool,
    /// Uses no network
    #[arg(long, env = "HARDTACK_OFFLINE", value_parser = FalseyValueParser::new())]
    pub(super) offline: bool,
    /// Asks the servers whether what is cached is still what they have
    #[arg(long, env = "HARDTACK_REFRESH", value_parser = FalseyValueParser::new(), conflicts_with_all = ["frozen", "offline"])]
    pub(super) refresh: bool,
    /// Takes and locks archives whose files are the locked ones, compressed anew
    #[arg(long, env = "HARDTACK_ACCEPT_RECOMPRESSED", value_parser = FalseyValueParser::new(), conflicts_with_all = ["locked", "frozen"])]
    pub(super) accept_recompressed: bool,
    /// Refuses indexes and configs for which no server has spoken for longer, such as `12h` or `3 days`
    #[arg(long, value_name = "TIME", env = "HARDTACK_MAX_INDEX_AGE", value_parser = super::amounts::time)]
    pub(super) max_index_age: Option<jiff::SignedDuration>,
}

/// Writes the lock file: which bytes each source has
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hardtack lock\n  hardtack lock --update")]
pub(super) struct LockCommand {
    /// The project; the current folder if left out. Assignments are taken as by --set
    #[arg(value_name = "DIR")]
    pub(super) words: Vec<String>,
    /// Fetches everything again and takes what has changed since
    #[arg(long, conflicts_with_all = ["locked", "frozen", "offline"])]
    pub(super) update: bool,
    #[command(flatten)]
    pub(super) sources: Sources,
}

/// Downloads all sources into the cache
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hardtack fetch\n  hardtack fetch --dry-run")]
pub(super) struct Fetch {
    /// The project; the current folder if left out. Assignments are taken as by --set
    #[arg(value_name = "DIR")]
    pub(super) words: Vec<String>,
    /// Prints parts, URL and, where it is locked, size of each source, and fetches nothing
    #[arg(short = 'n', long, env = "HARDTACK_DRY_RUN", value_parser = FalseyValueParser::new())]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) sources: Sources,
}

/// Builds and installs a bundle or a project, with no network
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hardtack install app-1.0.tar.gz /opt/app\n  hardtack install .")]
pub(super) struct Install {
    /// A bundle, an unpacked bundle, or a project
    #[arg(value_name = "BUNDLE|DIR")]
    pub(super) what: Utf8PathBuf,
    /// Where to; ./NAME-VERSION for a bundle, the folder itself for a project
    #[arg(value_name = "DEST")]
    pub(super) dest: Option<Utf8PathBuf>,
    /// How the network is kept out: auto, full, seccomp or none
    #[arg(long, value_name = "LEVEL", env = "HARDTACK_SANDBOX", default_value = "auto")]
    pub(super) sandbox: crate::install::sandbox::Choice,
    /// Processes at a time, of all parts together; as many as there are processors if left out
    #[arg(short, long, value_name = "N", env = "HARDTACK_JOBS")]
    pub(super) jobs: Option<std::num::NonZeroUsize>,
    /// Begins nothing beside what runs while the machine's load average is at least N, as with make
    #[arg(short, long, value_name = "N", env = "HARDTACK_LOAD_AVERAGE", value_parser = super::amounts::load)]
    pub(super) load_average: Option<f64>,
    /// Sets an environment variable for all steps
    #[arg(long, value_name = "NAME=VALUE", env = "HARDTACK_ENV", action = clap::ArgAction::Append)]
    pub(super) env: Vec<String>,
    /// Builds what does not need a part that failed, before it ends
    #[arg(short, long, env = "HARDTACK_KEEP_GOING", value_parser = FalseyValueParser::new())]
    pub(super) keep_going: bool,
    /// Installs the parts that are whole, though others failed; the exit status is that of the failure
    #[arg(long, env = "HARDTACK_PARTIAL", value_parser = FalseyValueParser::new())]
    pub(super) partial: bool,
    /// What becomes of parts whose builds try to reach the network: fail or warn; what the config says if left out
    #[arg(long, value_name = "fail|warn", env = "HARDTACK_NETWORK_ATTEMPTS")]
    pub(super) network_attempts: Option<crate::recipes::NetworkAttempts>,
    #[command(flatten)]
    pub(super) trust: Trust,
    /// Where the files are that a bundle made with --since leaves out, or the other volumes: a bundle, unpacked or not, or
    /// `cache`; may be given for several
    #[arg(long, value_name = "OLD|cache", env = "HARDTACK_BASE", action = clap::ArgAction::Append)]
    pub(super) base: Vec<Utf8PathBuf>,
    /// Begins though this machine lacks what builds were seen to use when the bundle was rehearsed
    #[arg(long, env = "HARDTACK_IGNORE_CONTRACT", value_parser = FalseyValueParser::new())]
    pub(super) ignore_contract: bool,
    /// Keeps the bundle's download cache in DEST
    #[arg(long, env = "HARDTACK_KEEP_CACHE", value_parser = FalseyValueParser::new())]
    pub(super) keep_cache: bool,
    /// Lets an upgrade take the running installation away while it is built, where it cannot be built aside
    #[arg(long, env = "HARDTACK_ALLOW_DOWNTIME", value_parser = FalseyValueParser::new())]
    pub(super) allow_downtime: bool,
    /// Prints what would be built, kept and removed, and why, and does nothing
    #[arg(short = 'n', long, env = "HARDTACK_DRY_RUN", value_parser = FalseyValueParser::new())]
    pub(super) dry_run: bool,
}

/// Whose bundles are taken.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Trust {
    /// Takes no bundle but one that is signed with this key: the key, or its file; may be given for several
    #[arg(long, value_name = "KEY", env = "HARDTACK_PUBKEY", action = clap::ArgAction::Append)]
    pub(super) pubkey: Vec<String>,
    /// Takes no bundle that is not signed with a key that is trusted
    #[arg(long, env = "HARDTACK_REQUIRE_SIGNATURE", value_parser = FalseyValueParser::new())]
    pub(super) require_signature: bool,
}

/// What opens a secret key.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Password {
    /// A file whose first line is the secret key's password
    #[arg(long, value_name = "FILE", env = "HARDTACK_PASSWORD_FILE")]
    pub(super) password_file: Option<Utf8PathBuf>,
}

/// Makes a pair of keys to sign with, in minisign's files
#[derive(Debug, Args)]
#[command(
    after_help = "Prints the public key. Examples:\n  hardtack keygen --password-file pw -o release.key\n  hardtack bundle --sign release.key --password-file pw"
)]
pub(super) struct Keygen {
    /// The secret key's file; the public one's ends in .pub
    #[arg(short, long, value_name = "FILE", env = "HARDTACK_OUTPUT", default_value = "hardtack.key")]
    pub(super) output: Utf8PathBuf,
    #[command(flatten)]
    pub(super) password: Password,
    /// Whoever has the file can sign
    #[arg(long, env = "HARDTACK_NO_PASSWORD", value_parser = FalseyValueParser::new(), conflicts_with = "password_file")]
    pub(super) no_password: bool,
}

/// Signs files: FILE.minisig is written beside each, for hardtack and for minisign
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hardtack sign --key release.key app-1.0.tar.gz\n  minisign -V -p release.pub -m app-1.0.tar.gz"
)]
pub(super) struct Sign {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<Utf8PathBuf>,
    /// The secret key's file
    #[arg(long, value_name = "FILE", env = "HARDTACK_SIGN")]
    pub(super) key: Utf8PathBuf,
    #[command(flatten)]
    pub(super) password: Password,
}

/// Tells what a bundle is made of: parts, sources, sizes
#[derive(Debug, Args)]
#[command(after_help = "Reads what the bundle says of itself; that it is so, `hardtack verify` tells.")]
pub(super) struct Inspect {
    /// A bundle, unpacked or not
    #[arg(value_name = "BUNDLE")]
    pub(super) bundle: Utf8PathBuf,
    /// Believes receipts that are signed with this key: the key, or its file; may be given for several
    #[arg(long, value_name = "KEY", env = "HARDTACK_PUBKEY", action = clap::ArgAction::Append)]
    pub(super) pubkey: Vec<String>,
}

/// Tells how two bundles differ: parts, sources, files of the project
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hardtack diff app-1.0.tar.gz app-1.1.tar.gz\n  hardtack diff --markdown app-1.0.tar.gz app-1.1.tar.gz > NEWS.md"
)]
pub(super) struct Diff {
    /// A bundle, unpacked or not
    #[arg(value_name = "BUNDLE")]
    pub(super) first: Utf8PathBuf,
    /// A later one
    #[arg(value_name = "BUNDLE")]
    pub(super) second: Utf8PathBuf,
    /// Prints a release note
    #[arg(long, env = "HARDTACK_MARKDOWN", value_parser = FalseyValueParser::new())]
    pub(super) markdown: bool,
    /// Exits with 1 if they differ
    #[arg(long, env = "HARDTACK_EXIT_CODE", value_parser = FalseyValueParser::new())]
    pub(super) exit_code: bool,
}

/// Checks every byte of a bundle, or of what is installed
#[derive(Debug, Args)]
#[command(after_help = "This proves that the bundle is whole; whose it is, only a signature can prove.")]
pub(super) struct Verify {
    /// A bundle, an unpacked one, or a folder that something is installed to
    #[arg(value_name = "BUNDLE|DIR")]
    pub(super) what: Utf8PathBuf,
    #[command(flatten)]
    pub(super) trust: Trust,
}
