//! The command line.
//!
//! Layer 6, and the only place that prints, reads the environment or looks for a home folder. Arguments become
//! settings in two steps: clap's structs say what was typed (`args`), `Context` what it means together with the
//! environment and the settings files. Each command is a file.

mod access;
mod amounts;
mod annotate;
mod args;
mod bars;
mod bundle;
mod cache;
mod caches;
mod check;
mod collection;
mod console;
mod context;
mod distributions;
mod doctor;
mod environment;
mod error;
mod events;
mod failure_page;
mod fetch;
mod foresight;
mod inplace;
mod inspect;
mod install;
mod installed;
mod interrupt;
mod lock;
mod media;
mod network;
mod opened;
mod output;
mod packing;
mod passing;
mod prepared;
mod project;
mod query;
mod receipts;
mod recipes;
mod rehearse;
mod release;
mod remote;
mod reproduce;
mod request;
mod rootfs;
mod settings;
mod supply;
mod trial;
mod trust;
mod verify;

use clap::Parser;

use args::{Arguments, Command};
use console::Console;
use context::Context;
pub use environment::Environment;
use error::Report;

/// Runs hardtack with the arguments and the environment it was started with; the number is the exit status.
pub fn run() -> u8 {
    let environment = Environment::capture();
    if let Some(order) = environment.sandbox_order() {
        return u8::try_from(crate::install::sandbox::run_child(&order)).unwrap_or(70);
    }
    let arguments = match Arguments::try_parse_from(&environment.arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are printed this way too. A closed pipe is no failure.
            let _ = error.print();
            return if error.use_stderr() { error::USAGE } else { 0 };
        }
    };
    let console = Console::new(&arguments.global, &environment);
    interrupt::listen();
    let outcome = Context::new(&arguments.global, arguments.command.name(), &environment, &console)
        .and_then(|context| dispatch(&context, arguments.command));
    interrupt::wait_if_ending();
    match outcome {
        Ok(()) => 0,
        Err(report) => {
            console.error(&report);
            report.exit
        }
    }
}

fn dispatch(context: &Context<'_>, command: Command) -> Result<(), Report> {
    if context.console.junit && !matches!(command, Command::Reproduce(_)) {
        let message = "--format junit is for hardtack reproduce";
        return Err(Report::new(error::USAGE, "usage", message).hint("--format json"));
    }
    match command {
        Command::Query(query) => query::run(context, &query),
        Command::Annotate(annotate) => annotate::run(context, &annotate),
        Command::Recipes(recipes) => recipes::run(context, recipes.name.as_deref()),
        Command::Doctor(arguments) => doctor::run(context, &arguments),
        Command::Cache(arguments) => cache::run(context, &arguments),
        Command::Check(check) => check::run(context, &check),
        Command::Lock(lock) => lock::run(context, &lock),
        Command::Fetch(fetch) => fetch::run(context, &fetch),
        Command::Bundle(bundle) => bundle::run(context, &bundle),
        Command::Rehearse(arguments) => rehearse::run(context, &arguments),
        Command::Reproduce(arguments) => reproduce::run(context, &arguments),
        Command::Install(install) => install::run(context, &install),
        Command::Verify(verify) => verify::run(context, &verify),
        Command::Inspect(arguments) => inspect::inspect(context, &arguments),
        Command::Diff(arguments) => inspect::diff(context, &arguments),
        Command::Keygen(arguments) => trust::keygen(context, &arguments),
        Command::Sign(arguments) => trust::sign_files(context, &arguments),
        Command::Request(arguments) => supply::request(context, &arguments),
        Command::Fulfill(arguments) => supply::fulfill(context, &arguments),
        Command::Status(status) => installed::status(context, &status),
        Command::Rollback(rollback) => installed::rollback(context, &rollback),
        Command::Uninstall(uninstall) => installed::uninstall(context, &uninstall),
    }
}
