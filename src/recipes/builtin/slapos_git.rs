//! `slapos.recipe.build:gitclone`: the files of a commit, without its history.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::super::computed::location_below_parts;
use super::super::plan::{Part, Step, StepKind};
use super::super::recipe::{About, Build, Download, Recipe, opt};
use super::super::shell::copy_here_to;
use super::super::source::{Source, SourceProblem};
use crate::config::{self, SectionOptions};

pub(in super::super) struct SlaposGit;

const ABOUT: About = About {
    name: "slapos.recipe.build:gitclone",
    says: "the files of a commit",
    options: &[&[
        opt("repository", "", "The repository: a URL or a path"),
        opt("revision", "", "The commit, a tag or a branch"),
        opt("branch", "", "A branch, where there is no revision"),
        opt("location", "${buildout:parts-directory}/NAME", "Where its files go"),
        opt(
            "git-executable",
            "",
            "Understood; the machine's git is used where the bundle is made, and none where it is installed",
        ),
        opt("sparse-checkout", "", "Understood; all files of the commit are there"),
        opt("depth", "", "Understood; no history is kept"),
        opt("develop", "false", "Understood; every build starts from the commit"),
        opt("shared", "false", "Understood; each installation has its own"),
        opt("use-cache", "", "Understood; the cache is always used"),
        opt("ignore-ssl-certificate", "", "Understood; certificates are believed with --ca-file"),
        opt("ignore-cloning-submodules", "false", "Leaves submodules out"),
    ]],
    downloads: &[Download::Repository { option: "repository" }],
    example: "[sources]\nrecipe = slapos.recipe.build:gitclone\nrepository = https://example.org/tool.git\nrevision = v2.1\n",
};

impl Recipe for SlaposGit {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        if section.get("location")?.is_none() {
            let location = location_below_parts(section)?;
            section.set("location", location);
        }
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        for (option, message) in [
            ("develop", "`develop` keeps a clone that is worked in; every build here starts from the commit"),
            ("shared", "`shared` clones are made for each installation, not once a machine"),
            ("sparse-checkout", "`sparse-checkout` is not looked at: all files of the commit are there"),
            (
                "ignore-ssl-certificate",
                "`ignore-ssl-certificate` is not looked at; certificates are believed with --ca-file",
            ),
        ] {
            if !matches!(build.text(option).trim(), "" | "false" | "no") {
                build.note(option, message);
            }
        }
        let source = commit(&|option| build.text(option), &build.project.directory);
        let source = build.sound("repository", source);
        let location = build.location("location");
        let steps = vec![
            build.unpack(0),
            Step { name: "enter", kind: StepKind::EnterOnlyFolder { unless: Vec::new(), or_fail: true } },
            copy_here_to(build.text("location")),
        ];
        build.part(location?, BTreeMap::new(), vec![source?], steps)
    }
}

/// The commit that the options of `:gitclone` name.
pub(in super::super) fn commit<'t>(
    text: &dyn Fn(&str) -> &'t str,
    directory: &Utf8Path,
) -> Result<Source, SourceProblem> {
    let words = ["revision", "branch"].map(|option| text(option).trim());
    let revision = words.into_iter().find(|word| !word.is_empty()).unwrap_or("HEAD");
    let submodules = !matches!(text("ignore-cloning-submodules").trim(), "true" | "yes" | "1");
    Source::of_commit(text("repository").trim(), revision, submodules, directory)
}
