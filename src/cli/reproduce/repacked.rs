//! Packing twice: here, and by another hardtack in a sandbox, where all that can be is different.

use std::collections::BTreeMap;
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{Timestamp, ToSpan};
use serde_json::json;

use super::differing::look_into;
use super::ending::ends;
use super::vary::{Wanted, check_required};
use super::words;
use crate::base::{IoContext, Sha256, clone_file, create_dir_all, sha256_file};
use crate::bundle::{Installer, Linkage};
use crate::cli::access::Access;
use crate::cli::args::Reproduce as Arguments;
use crate::cli::bundle::write_to_compare;
use crate::cli::context::Context;
use crate::cli::error::{Report, UNSPECIFIC};
use crate::cli::install::PATH;
use crate::cli::passing::in_passing_folder;
use crate::cli::project::Loaded;
use crate::cli::trial::sandbox_of;
use crate::install::sandbox::{Bind, Condition, Conditions, Outcome, SECONDS, Sandbox, TEMPORARY, Task};
use crate::install::varying::{NotVaried, Prepared, equip, prepare};
use crate::recipes::quoted;
use crate::report::JSON_FORMAT;
use crate::reproduce::{Clock, Clues, Spot, Verdict, printable};

pub(super) fn run(context: &Context<'_>, arguments: &Arguments, folder: &Utf8Path) -> Result<(), Report> {
    let outcome = in_passing_folder(context, |within| repack(context, arguments, (folder, within)))?;
    let (verdict, [first, second]) = (outcome.verdict(), outcome.digests);
    if context.console.json {
        context.console.out_json(&json!({
            "format": JSON_FORMAT, "verdict": verdict, "first": first, "second": second, "spots": outcome.spots,
            "varied": outcome.prepared.varied, "not-varied": outcome.prepared.not_varied,
        }))?;
    } else {
        context.console.out(&outcome.words(folder))?;
    }
    ends(verdict)
}

/// What packing twice came to.
struct Repacked {
    digests: [Sha256; 2],
    spots: Vec<Spot>,
    prepared: Prepared,
}

impl Repacked {
    fn verdict(&self) -> Verdict {
        if self.digests[0] == self.digests[1] { Verdict::Equal } else { Verdict::Different }
    }

    fn words(&self, folder: &Utf8Path) -> String {
        let [first, second] = self.digests;
        let mut text = match self.verdict() {
            Verdict::Equal => format!("reproducible: the bundle of {folder} is {first} both times\n"),
            _ => format!("not reproducible: the bundle of {folder} is {first}, and then {second}\n"),
        };
        self.spots.iter().for_each(|spot| text += &format!("  {}\n", words::spot(spot)));
        text + "\n" + &words::varied(&self.prepared)
    }
}

fn repack(
    context: &Context<'_>,
    arguments: &Arguments,
    (folder, within): (&Utf8Path, &Utf8Path),
) -> Result<Repacked, Report> {
    let mut wanted = Wanted::to_vary(arguments.vary.as_deref(), "all")?;
    // A project is elsewhere whenever it is in a sandbox, and one packs as many files at a time as there are processors.
    wanted.conditions.insert(Condition::Path);
    wanted.conditions.remove(&Condition::Jobs);
    let required = Wanted::parse("--require", arguments.require.as_deref().unwrap_or_default())?;
    let program = context.program()?;
    let sandbox = sandbox_of(context, None, &within.join("probe"))?;
    let environment = BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]);
    let mut prepared = prepare(&sandbox, &wanted.conditions, (&environment, (1, 1)), &within.join("kit"))?;
    if Installer::inspect(program)?.linkage == Linkage::Static {
        leave_out(&mut prepared, &[Condition::Time, Condition::FileOrder]);
    }
    check_required(&required, &Wanted { conditions: wanted.conditions, ..required.clone() }, &prepared.not_varied)?;
    words::announce(context, &prepared, &Wanted::default());

    let project = context.folder_of(Some(&folder.to_string()))?;
    let first = within.join("first.tar.gz");
    let from = Timestamp::now();
    write_to_compare(context, (&project, &first), &arguments.sources)?;
    context.console.say("packing again, elsewhere and offline, from what is in the first bundle");
    let second = pack_in_sandbox(context, (&sandbox, &prepared), (&project, &first), &within.join("second"))?;
    let digests = [sha256_file(&first)?, sha256_file(&second)?];
    let moved = if prepared.varied.iter().any(|varied| varied.condition == Condition::Time) { SECONDS } else { 0 };
    let clock = |moved: i64| Clock { from: from + moved.seconds(), to: Timestamp::now() + moved.seconds() };
    let clues = Clues { values: Vec::new(), clocks: Some([clock(0), clock(moved)]) };
    let spots =
        if digests[0] == digests[1] { Vec::new() } else { look_into("bundle.tar.gz", [&first, &second], &clues)? };
    Ok(Repacked { digests, spots, prepared })
}

/// A static program loads no library.
fn leave_out(prepared: &mut Prepared, conditions: &[Condition]) {
    prepared.varied.retain(|varied| {
        let is_out = conditions.contains(&varied.condition);
        if is_out {
            let reason = "this hardtack is a static program, and loads no library".to_owned();
            prepared.not_varied.push(NotVaried { condition: varied.condition, reason });
        }
        !is_out
    });
}

/// Packs a project as it shows in a sandbox, with the sources that a bundle of it has; where the new one is.
fn pack_in_sandbox(
    context: &Context<'_>,
    (sandbox, prepared): (&Sandbox, &Prepared),
    (project, bundle): (&Utf8Path, &Utf8Path),
    within: &Utf8Path,
) -> Result<Utf8PathBuf, Report> {
    let varied = prepared.varied.iter().map(|varied| varied.condition).collect();
    let conditions = Conditions { varied, kit: prepared.kit.clone(), ..Conditions::default() };
    let inside = Utf8Path::new(TEMPORARY);
    let top = within.join("tmp");
    create_dir_all(&top.join(conditions.home()))?;
    equip(&conditions, &top)?;
    clone_file(context.program()?, &top.join("hardtack"))?;
    clone_file(bundle, &top.join("first.tar.gz"))?;
    let mut environment = BTreeMap::from([
        ("PATH".to_owned(), PATH.to_owned()),
        ("HOME".to_owned(), inside.join(conditions.home()).into_string()),
        ("TMPDIR".to_owned(), inside.to_string()),
        ("HARDTACK_CACHE_DIR".to_owned(), inside.join("cache").into_string()),
        // What this git looks at, the first did as well, whoever owns it.
        ("GIT_CONFIG_COUNT".to_owned(), "1".to_owned()),
        ("GIT_CONFIG_KEY_0".to_owned(), "safe.directory".to_owned()),
        ("GIT_CONFIG_VALUE_0".to_owned(), "*".to_owned()),
    ]);
    let epoch = context.environment.variable("SOURCE_DATE_EPOCH");
    environment.extend(epoch.map(|epoch| ("SOURCE_DATE_EPOCH".to_owned(), epoch.to_owned())));
    if let Some(defaults) = context.environment.user_defaults() {
        create_dir_all(&top.join("defaults"))?;
        clone_file(&defaults, &top.join("defaults/default.cfg"))?;
        environment.insert("BUILDOUT_HOME".to_owned(), inside.join("defaults").into_string());
    }
    conditions.apply(&mut environment, inside);
    conditions.preload(&mut environment, inside);
    // All that the project is made of comes along: the repository that it is in, or what its config reads.
    let access = Access::INSTALL;
    let root = Loaded::from_disk(context, project, Vec::new(), access)?.project(context)?.root().to_owned();
    let above = root.ancestors().find(|above| above.join(".git").exists()).unwrap_or(&root);
    let seen = inside.join(conditions.build_folder());
    let seen_project = seen.join(project.strip_prefix(above).unwrap_or(Utf8Path::new("")));
    let mut words = vec!["bundle".to_owned(), seen_project.into_string()];
    words.extend(["--offline", "--allow-dirty", "--installer", "none", "-o", "/tmp/second.tar.gz"].map(str::to_owned));
    let config = context.config.strip_prefix(above).map_or_else(|_| context.config.clone(), |below| seen.join(below));
    words.extend(["--config".to_owned(), config.into_string()]);
    words.extend(context.overrides.iter().flat_map(|item| ["--set".to_owned(), item.clone().into()]));
    words.extend(context.no_user_defaults.then(|| "-U".to_owned()));
    let words = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let mut binds = vec![Bind::new(top.clone(), inside), Bind::read_only(above.to_owned(), seen)];
    // Of a work tree of several, the repository is elsewhere.
    if let Ok(text) = fs::read_to_string(above.join(".git"))
        && let Some(folder) = text.trim().strip_prefix("gitdir: ")
        && let Some(repository) = Utf8Path::new(folder).ancestors().find(|folder| folder.file_name() == Some(".git"))
    {
        binds.push(Bind::read_only(repository.to_owned(), repository));
    }
    let task = Task {
        // A bundle of nothing but project files has nothing to be taken over.
        command: format!(
            "./hardtack cache import --trust first.tar.gz >/dev/null 2>&1; exec ./hardtack {words} >said 2>&1"
        ),
        folder: inside.to_owned(),
        environment,
        binds,
        writable: Vec::new(),
        lock: None,
        inherit: Vec::new(),
    };
    let output = fs::File::create(within.join("output")).at("create", within)?;
    match sandbox.under(conditions).run(&task, &within.join("messages"), None, &output)? {
        Outcome::Ran(status, _) if status.success() => Ok(top.join("second.tar.gz")),
        Outcome::Ran(status, _) => {
            let said = fs::read_to_string(top.join("said")).unwrap_or_default();
            let mut report = Report::new(UNSPECIFIC, "not-repacked", format!("packing again failed: {status}"));
            report.output = said.lines().map(printable).collect();
            Err(report.hint(
                "nothing of the machine is there but the project, or its repository, and what the first bundle has",
            ))
        }
        Outcome::NoWalls(reason) => Err(crate::install::Error::Isolation { reason }.into()),
    }
}
