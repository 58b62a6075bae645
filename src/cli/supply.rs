//! `hardtack request` and `hardtack fulfill`: what a site lacks, and the smallest bundle that has it.

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use super::access::Access;
use super::args::{Bundle, Fulfill, Request as Arguments};
use super::bundle;
use super::collection::shown;
use super::context::Context;
use super::error::{MISSING, Report, USAGE};
use super::inplace::wanting;
use super::install::PATH;
use super::project::Loaded;
use crate::base::{IoContext, Sha256};
use crate::bundle::bad_name;
use crate::install::{on_path, programs};
use crate::lock::{Request, Requested};
use crate::report::{JSON_FORMAT, plural};

/// Where a request is written unless the command line says so.
const REQUEST: &str = "hardtack-request.toml";

pub(super) fn request(context: &Context<'_>, arguments: &Arguments) -> Result<(), Report> {
    let (words, overrides) = context.split_words(&arguments.words, 1)?;
    let folder = context.folder_of(words.first())?;
    let project = Loaded::from_disk(context, &folder, overrides, Access::INSTALL)?.project(context)?;
    let machine = context.environment.system(None);
    let settings = &project.settings;
    let (name, version) = (settings.name.as_deref(), settings.version.as_deref());
    let mut request = Request::new(name.unwrap_or("project"), version.unwrap_or("0"), machine);
    request.programs = programs(&project.plan).into_keys().filter(|program| !on_path(program, PATH)).collect();
    let (mut sources, mut unlocked) = (Vec::new(), 0);
    for wanting in wanting(context, &project)? {
        if !Request::can_ask_for(&wanting.key) {
            let message = format!(
                "`{}` of {} is a file of this site, and nobody else has it",
                wanting.key,
                wanting.parts.join(", ")
            );
            context.console.warn(message);
            continue;
        }
        unlocked += usize::from(wanting.expected.sha256.is_none());
        let (sha256, md5) = (wanting.expected.sha256, wanting.expected.md5);
        sources.push(Requested { url: wanting.key, sha256, md5, parts: wanting.parts });
    }
    request.sources = sources;
    let output = context.folder.join(arguments.output.as_deref().unwrap_or(Utf8Path::new(REQUEST)));
    request.write(&output)?;
    for program in &request.programs {
        context.console.warn(format!("`{program}`, which the build calls, is not on {PATH}; no bundle brings it"));
    }
    if unlocked > 0 {
        let sources = plural(unlocked, "source");
        context
            .console
            .note(format!("{sources} without a SHA-256: what comes for them is taken with `cache import --trust`"));
    }
    let count = request.sources.len();
    let verb = if count == 1 { "is" } else { "are" };
    context.console.say(format!("{}: {} {verb} lacking", shown(context, &output), plural(count, "source")));
    if context.console.json {
        return context.console.out_json(&json!({ "format": JSON_FORMAT, "file": output, "request": request }));
    }
    context.console.out(&request.sources.iter().map(|source| format!("{}\n", source.url)).collect::<String>())
}

pub(super) fn fulfill(context: &Context<'_>, arguments: &Fulfill) -> Result<(), Report> {
    let path = context.folder.join(&arguments.request);
    let request = Request::read(&path)?;
    for (what, text) in [("name", &request.name), ("version", &request.version)] {
        if let Some(reason) = bad_name(text) {
            let message =
                format!("`{}` is no request of a site: its {what}: {}", shown(context, &path), reason.escape_debug());
            return Err(Report::new(USAGE, "request-malformed", message).hint("have the site make it again"));
        }
    }
    if request.sources.is_empty() {
        return Err(Report::new(MISSING, "nothing-requested", format!("`{}` asks for nothing", shown(context, &path))));
    }
    if !context.overrides.is_empty() || context.config != "buildout.cfg" {
        return Err(Report::new(USAGE, "usage", "a request is answered as it is: neither --set nor -c has an effect"));
    }
    let (_held, folder) = context.environment.temporary_folder()?;
    let config = folder.join("buildout.cfg");
    let text = config_of(&request);
    std::fs::write(&config, &text).at("write", &config)?;
    // Nothing of who answers gets into the answer.
    let mut own = context.clone();
    own.no_user_defaults = true;
    let order = Bundle {
        words: vec![folder.into_string()],
        output: Some(arguments.output.clone().unwrap_or_else(|| Utf8PathBuf::from("."))),
        installer: vec!["none".to_owned()],
        passing: true,
        sign: arguments.sign.clone(),
        password: arguments.password.clone(),
        sources: arguments.sources.clone(),
        ..Bundle::default()
    };
    bundle::run(&own, &order)?;
    context.console.say("at the site: hardtack cache import FILE, then hardtack install");
    Ok(())
}

/// A project that wants what is requested and does nothing with it.
fn config_of(request: &Request) -> String {
    let name = |index: usize| format!("source-{}", index + 1);
    let parts: String = (0..request.sources.len()).map(|index| format!("\n    {}", name(index))).collect();
    // What is asked for names the answer, so that the answers to two requests do not have one name.
    let version = &Sha256::of(request.to_text()).to_string()[..12];
    let mut text =
        format!("[buildout]\nparts ={parts}\n\n[hardtack]\nname = {}-request\nversion = {version}\n", request.name);
    for (index, source) in request.sources.iter().enumerate() {
        let url = source.url.as_str().replace('$', "$$");
        text += &format!("\n[{}]\nrecipe = hardtack:copy\nurl = {url}\n", name(index));
        if !url.starts_with("git+") {
            text += "unpack = false\n";
        }
        text += &source.sha256.map(|sha256| format!("sha256 = {sha256}\n")).unwrap_or_default();
        text += &source.md5.map(|md5| format!("md5sum = {md5}\n")).unwrap_or_default();
    }
    text
}
