//! What can be typed after `hardtack cache`.

use camino::Utf8PathBuf;
use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;

const EXAMPLES: &str = "\
Which sources: a URL, a host, a registry of the settings, a file's or a package's name, a SHA-256, or a pattern with `*`.

Examples:
  hardtack cache dir
  hardtack cache list '*/zlib-*'
  hardtack cache info --format json
  hardtack cache explain https://example.org/zlib-1.3.1.tar.gz
  hardtack cache verify --repair
  hardtack cache clear example.org --dry-run
  hardtack cache gc --max-size 10GiB --max-age '30 days'
  hardtack cache import /media/stick/app-1.0.tar.gz
  hardtack cache export mirror --layout apk";

/// Shows the shared cache and cares for it
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_help = EXAMPLES)]
pub(in crate::cli) struct CacheOf {
    #[command(subcommand)]
    pub(in crate::cli) command: CacheCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CacheCommand {
    /// Prints where it is
    Dir,
    /// Lists sources: SHA-256, bytes, URL
    List {
        /// Only these
        pattern: Option<String>,
        /// Prints the files instead
        #[arg(long)]
        path: bool,
    },
    /// Tells how much is in it
    Info,
    /// Tells whether a URL may be cached, and why, and what is there of it
    Explain {
        /// The URL
        url: String,
    },
    /// Reads every byte and compares it with its digest
    Verify {
        /// Moves aside what has changed, so that it is fetched again
        #[arg(long)]
        repair: bool,
    },
    /// Removes sources
    Clear {
        /// These
        #[arg(conflicts_with = "all")]
        pattern: Option<String>,
        /// All of them
        #[arg(long)]
        all: bool,
        /// Says what would be removed, and removes nothing
        #[arg(short = 'n', long)]
        dry_run: bool,
    },
    /// Removes what was not used for longest, and what no source needs
    Gc {
        /// Leaves at most so much, such as 10GiB, instead of what the settings say
        #[arg(long, value_name = "SIZE", value_parser = crate::cli::amounts::size)]
        max_size: Option<u64>,
        /// Leaves what was used within this time, such as `30 days`, instead of what the settings say
        #[arg(long, value_name = "TIME", value_parser = crate::cli::amounts::time)]
        max_age: Option<SignedDuration>,
        /// Says what would be removed, and removes nothing
        #[arg(short = 'n', long)]
        dry_run: bool,
        /// Goes on where the file system has no locks and nobody can tell whether the cache is in use
        #[arg(long)]
        force: bool,
    },
    /// Takes over another cache's files, or a bundle's
    Import {
        /// A bundle, an unpacked one, or a cache of hardtack, buildout, apk or Tatin
        path: Utf8PathBuf,
        /// Takes them for their URLs' files even where no digest says so
        #[arg(long, env = "HARDTACK_TRUST", value_parser = FalseyValueParser::new())]
        trust: bool,
    },
    /// Writes what is cached in the layout of another program
    Export {
        /// Where to; what is there already is replaced
        folder: Utf8PathBuf,
        /// Only these
        pattern: Option<String>,
        /// The layout
        #[arg(long, value_name = "LAYOUT")]
        layout: ExportLayout,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExportLayout {
    /// buildout's: cmmi/<md5 of url>
    Modern,
    /// buildout's of 2007: cmmi/<sha1 of url>/{file,cache.ini}
    Classic,
    /// Both of buildout's
    Both,
    /// What slapos and hexagonit recipes read: <md5 of url>
    Root,
    /// A folder of distributions: dist/<file>
    Dist,
    /// apk repositories with etags beside the files
    ApkEtag,
    /// apk repositories as today's apko reads them
    Apk,
    /// Unpacked Tatin packages
    Tatin,
}
