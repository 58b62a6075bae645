//! Arguments of commands that make what is carried, and answer for it.

use camino::Utf8PathBuf;
use clap::Args;
use clap::builder::FalseyValueParser;

use super::{Compression, Password, Sources, Trust};

/// Packs a project with all its sources into one tarball
#[derive(Debug, Default, Args)]
#[command(
    after_help = "Prints `<sha256>  FILE`.\n\nExamples:\n  hardtack bundle\n  hardtack bundle -o /media/stick/\n  \
                        hardtack bundle --installer target/x86_64-unknown-linux-musl/release/hardtack"
)]
pub(in super::super) struct Bundle {
    /// The project; the current folder if left out. Assignments are taken as by --set
    #[arg(value_name = "DIR")]
    pub(in super::super) words: Vec<String>,
    /// Writes the bundle to this file, or into this folder
    #[arg(short, long, value_name = "FILE", env = "HARDTACK_OUTPUT")]
    pub(in super::super) output: Option<Utf8PathBuf>,
    /// Writes everything that is carried into this folder, and TRANSFER.txt, a page that goes with it
    #[arg(long, value_name = "DIR", env = "HARDTACK_MEDIA", conflicts_with = "output")]
    pub(in super::super) media: Option<Utf8PathBuf>,
    /// How the bundle is compressed; as the name given with -o ends, else with gzip
    #[arg(long, value_name = "HOW", env = "HARDTACK_COMPRESSION")]
    pub(in super::super) compression: Option<Compression>,
    /// Name of the release, instead of `[hardtack] name`
    #[arg(long, env = "HARDTACK_NAME")]
    pub(in super::super) name: Option<String>,
    /// Version of the release, instead of `[hardtack] version`
    #[arg(long, env = "HARDTACK_VERSION")]
    pub(in super::super) version: Option<String>,
    /// Leaves out the sources and installers that this older bundle has: the bundle, the folder it was unpacked to, or its
    /// manifest.json
    #[arg(long, value_name = "OLD", env = "HARDTACK_SINCE", conflicts_with_all = ["self_extracting", "media", "rehearse", "volume_size"])]
    pub(in super::super) since: Option<Utf8PathBuf>,
    /// Writes volumes of at most this size, such as 4.7GB, each of which can be checked alone
    #[arg(long, value_name = "SIZE", env = "HARDTACK_VOLUME_SIZE", value_parser = super::super::amounts::size, conflicts_with_all = ["self_extracting", "media", "rehearse"])]
    pub(in super::super) volume_size: Option<u64>,
    /// Writes NAME-VERSION.run beside: the same, with a script before it that unpacks and installs it
    #[arg(long, env = "HARDTACK_SELF_EXTRACTING", value_parser = FalseyValueParser::new())]
    pub(in super::super) self_extracting: bool,
    /// Rehearses the bundle as hardtack rehearse does, and writes what it uses of the machine beside the lock
    #[arg(long, env = "HARDTACK_REHEARSE", value_parser = FalseyValueParser::new())]
    pub(in super::super) rehearse: bool,
    /// Writes BUNDLE.provenance.json beside: what it was made of, as SLSA has it
    #[arg(long, env = "HARDTACK_PROVENANCE", value_parser = FalseyValueParser::new())]
    pub(in super::super) provenance: bool,
    /// Signs the bundle with this secret key, as hardtack sign does, and what is written beside
    #[arg(long, value_name = "KEY", env = "HARDTACK_SIGN")]
    pub(in super::super) sign: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub(in super::super) password: Password,
    /// Packs this program as the installer, or `none`; may be given for several machines
    #[arg(long, value_name = "FILE|none", env = "HARDTACK_INSTALLER", action = clap::ArgAction::Append)]
    pub(in super::super) installer: Vec<String>,
    /// Packs files that differ from the last commit, and says so in the bundle
    #[arg(long, env = "HARDTACK_ALLOW_DIRTY", value_parser = FalseyValueParser::new())]
    pub(in super::super) allow_dirty: bool,
    /// Prints what would be packed and writes nothing
    #[arg(short = 'n', long, env = "HARDTACK_DRY_RUN", value_parser = FalseyValueParser::new())]
    pub(in super::super) dry_run: bool,
    /// The project is gone afterwards, and its lock with it.
    #[arg(skip)]
    pub(in super::super) passing: bool,
    #[command(flatten)]
    pub(in super::super) sources: Sources,
}

/// Builds a bundle as the site will, before it is carried there, and writes down what it came to
#[derive(Debug, Args)]
#[command(
    after_help = "Writes BUNDLE.receipt.json and prints its name.\n\nExamples:\n  hardtack rehearse app-1.0.tar.gz\n  \
                        hardtack rehearse app-1.0.tar.gz --rootfs rhel8.tar --sign release.key"
)]
pub(in super::super) struct Rehearse {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    pub(in super::super) bundle: Utf8PathBuf,
    /// Builds with the compilers and libraries of another root: a folder, or what docker export wrote
    #[arg(long, value_name = "DIR|FILE.tar", env = "HARDTACK_ROOTFS")]
    pub(in super::super) rootfs: Option<Utf8PathBuf>,
    /// Builds in this folder and keeps it; else in a temporary one
    #[arg(long = "in", value_name = "DIR", env = "HARDTACK_REHEARSE_IN")]
    pub(in super::super) within: Option<Utf8PathBuf>,
    /// Takes over whole parts that an earlier rehearsal in that folder built from the same input, and says so
    #[arg(long, env = "HARDTACK_REUSE", value_parser = FalseyValueParser::new(), requires = "within", conflicts_with = "rootfs")]
    pub(in super::super) reuse: bool,
    /// Sets an environment variable for all steps
    #[arg(long, value_name = "NAME=VALUE", env = "HARDTACK_ENV", action = clap::ArgAction::Append)]
    pub(in super::super) env: Vec<String>,
    /// Processes at a time, of all parts together; as many as there are processors if left out
    #[arg(short, long, value_name = "N", env = "HARDTACK_JOBS")]
    pub(in super::super) jobs: Option<std::num::NonZeroUsize>,
    /// Signs the receipt with this secret key
    #[arg(long, value_name = "KEY", env = "HARDTACK_SIGN")]
    pub(in super::super) sign: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub(in super::super) password: Password,
    #[command(flatten)]
    pub(in super::super) trust: Trust,
}

/// Writes down what a project at a site lacks to be installed there
#[derive(Debug, Args)]
#[command(after_help = "The other side answers with hardtack fulfill.")]
pub(in super::super) struct Request {
    /// The project; the current folder if left out. Assignments are taken as by --set
    #[arg(value_name = "DIR")]
    pub(in super::super) words: Vec<String>,
    /// Writes it to this file; hardtack-request.toml if left out
    #[arg(short, long, value_name = "FILE", env = "HARDTACK_OUTPUT")]
    pub(in super::super) output: Option<Utf8PathBuf>,
}

/// Makes the smallest bundle that has what a site asks for
#[derive(Debug, Args)]
#[command(after_help = "At the site, `hardtack cache import BUNDLE` takes it in.")]
pub(in super::super) struct Fulfill {
    /// What hardtack request wrote
    #[arg(value_name = "FILE")]
    pub(in super::super) request: Utf8PathBuf,
    /// Writes the bundle to this file, or into this folder
    #[arg(short, long, value_name = "FILE", env = "HARDTACK_OUTPUT")]
    pub(in super::super) output: Option<Utf8PathBuf>,
    /// Signs the bundle with this secret key
    #[arg(long, value_name = "KEY", env = "HARDTACK_SIGN")]
    pub(in super::super) sign: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub(in super::super) password: Password,
    #[command(flatten)]
    pub(in super::super) sources: Sources,
}
