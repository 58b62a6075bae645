//! Arguments of `hardtack reproduce`.

use camino::Utf8PathBuf;
use clap::Args;

use super::{Sources, Trust};

/// Builds twice under different conditions and says what differs, and why; or compares with receipts
#[derive(Debug, Args)]
#[command(
    after_help = "Conditions: path, time, timezone, locale, umask, host, user, home, environment, exec-path, cpus, jobs,\n\
                        file-order, kernel, hardware, aslr, processes, terminal. `site` is those that differ from one site to\n\
                        the next; `all` is all of them, without what installations do so that builds are equal (epoch:\n\
                        SOURCE_DATE_EPOCH; ar: no times in static libraries). `-NAME` leaves one out, as in all,-locale.\n\n\
                        The exit status is 0 where all files are the same, 8 where they differ, 4 where something that is\n\
                        required cannot be varied, and 1 where a receipt is of a build from something else.\n\nExamples:\n  \
                        hardtack reproduce app-1.0.tar.gz\n  \
                        hardtack reproduce app-1.0.tar.gz --vary all --report report.html\n  \
                        hardtack reproduce --require time,user,file-order --format junit > reproduce.xml\n  \
                        hardtack reproduce app-1.0.tar.gz --against app-1.0.tar.gz.receipt.json\n  \
                        hardtack reproduce --compare ours.json theirs.json"
)]
pub(in super::super) struct Reproduce {
    /// A bundle, or a project that is bundled first; the current folder if left out
    #[arg(value_name = "BUNDLE|DIR")]
    pub(in super::super) what: Option<Utf8PathBuf>,
    /// Conditions of the second build that are not those of the first: a list of names, `site`, `all` or `none`
    /// [default: site; all with --bundle]
    #[arg(long, value_name = "LIST", env = "HARDTACK_VARY", allow_hyphen_values = true)]
    pub(in super::super) vary: Option<String>,
    /// Fails where one of these cannot be varied on this machine
    #[arg(long, value_name = "LIST", env = "HARDTACK_REQUIRE")]
    pub(in super::super) require: Option<String>,
    /// Builds these parts alone, with those they use
    #[arg(long, value_name = "PART", value_delimiter = ',', action = clap::ArgAction::Append, conflicts_with_all = ["against", "compare", "bundle"])]
    pub(in super::super) only: Vec<String>,
    /// Does not build again to find out which condition makes a file differ
    #[arg(long,  conflicts_with_all = ["against", "compare", "bundle"])]
    pub(in super::super) no_causes: bool,
    /// Writes a page with everything that was found to this file
    #[arg(long, value_name = "FILE.html", conflicts_with_all = ["against", "compare", "bundle"])]
    pub(in super::super) report: Option<Utf8PathBuf>,
    /// Asks diffoscope what it makes of bytes that are not explained
    #[arg(long, conflicts_with_all = ["against", "compare", "bundle"])]
    pub(in super::super) diffoscope: bool,
    /// Packs this project twice under different conditions instead, and compares the bundles
    #[arg(long, value_name = "DIR", conflicts_with_all = ["what", "against", "compare"])]
    pub(in super::super) bundle: Option<Utf8PathBuf>,
    /// Builds at this receipt's prefix, and compares with its files
    #[arg(long, value_name = "RECEIPT", env = "HARDTACK_AGAINST", requires = "what")]
    pub(in super::super) against: Option<Utf8PathBuf>,
    /// Compares receipts with one another and builds nothing
    #[arg(long, value_name = "RECEIPT", num_args = 2.., conflicts_with_all = ["what", "against"])]
    pub(in super::super) compare: Vec<Utf8PathBuf>,
    /// Builds with the compilers and libraries of another root: a folder, or what docker export wrote
    #[arg(long, value_name = "DIR|FILE.tar", env = "HARDTACK_ROOTFS")]
    pub(in super::super) rootfs: Option<Utf8PathBuf>,
    /// Builds in this folder and keeps it; else in a temporary one
    #[arg(long = "in", value_name = "DIR", env = "HARDTACK_REHEARSE_IN")]
    pub(in super::super) within: Option<Utf8PathBuf>,
    /// Sets an environment variable for all steps
    #[arg(long, value_name = "NAME=VALUE", env = "HARDTACK_ENV", action = clap::ArgAction::Append)]
    pub(in super::super) env: Vec<String>,
    /// Processes at a time, of all parts together; as many as there are processors if left out
    #[arg(short, long, value_name = "N", env = "HARDTACK_JOBS")]
    pub(in super::super) jobs: Option<std::num::NonZeroUsize>,
    #[command(flatten)]
    pub(in super::super) trust: Trust,
    #[command(flatten)]
    pub(in super::super) sources: Sources,
}
