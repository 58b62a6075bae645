//! Arguments of commands for what is installed.

use camino::Utf8PathBuf;
use clap::Args;

/// Tells what is installed at a place
#[derive(Debug, Args)]
pub(in super::super) struct Status {
    /// The folder it is installed to
    #[arg(value_name = "DEST")]
    pub(in super::super) dest: Utf8PathBuf,
}

/// Brings the release before back
#[derive(Debug, Args)]
#[command(after_help = "The release that goes is kept in turn: a second rollback goes forth again.")]
pub(in super::super) struct Rollback {
    /// The folder it is installed to
    #[arg(value_name = "DEST")]
    pub(in super::super) dest: Utf8PathBuf,
}

/// Removes what was installed, and nothing else
#[derive(Debug, Args)]
#[command(after_help = "Files of the site stay, and so do files that were changed there.")]
pub(in super::super) struct Uninstall {
    /// The folder it is installed to
    #[arg(value_name = "DEST")]
    pub(in super::super) dest: Utf8PathBuf,
}
