//! Recipes that run the config's own commands: `plone.recipe.command` 1.1 and `collective.recipe.cmd` 1.0.
//!
//! They run in the sandbox, in the buildout directory, and may write to the destination, but not into other parts.

use super::super::plan::Part;
use super::super::recipe::{About, Build, Recipe, opt};
use super::super::shell::quoted;
use super::super::stages::Stages;
use crate::config::{self, SectionOptions};

pub(in super::super) struct PloneCommand;
pub(in super::super) struct CollectiveCmd;

const COMMAND: About = About {
    name: "plone.recipe.command",
    says: "a command",
    options: &[&[
        opt("command", "", "The command, for /bin/sh"),
        opt("update-command", "", "Understood; the command itself runs again when something it is made from changed"),
        opt("stop-on-error", "false", "Whether the installation fails where the command does"),
        opt("location", "", "Paths that the command makes"),
    ]],
    downloads: &[],
    example: "[cache]\nrecipe = plone.recipe.command\ncommand = ${tool:location}/bin/tool --fill ${buildout:directory}/cache\n\
              stop-on-error = true\n",
};

impl Recipe for PloneCommand {
    fn about(&self) -> &'static About {
        &COMMAND
    }

    fn initialise(&self, section: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        if section.get("command")?.is_none_or(|command| command.is_empty()) {
            return Err(section.refuse("recipe", format!("section `{}` has no option `command`", section.name())));
        }
        stops(&section.get("stop-on-error")?.unwrap_or_default()).map(drop).map_err(|text| {
            let message =
                format!("option `stop-on-error` is `{text}`: it takes `yes`, `on`, `true`, `no`, `off` or `false`");
            section.refuse("stop-on-error", message)
        })
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let stops = stops(build.text("stop-on-error")).unwrap_or_default();
        let command = build.text("command").to_owned();
        let mut stages = Stages::in_own_folder(build);
        stages.in_buildout_directory("command", &command, stops);
        stages.part()
    }
}

/// Whether a command that fails is a failure.
fn stops(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "" | "no" | "off" | "false" => Ok(false),
        "yes" | "on" | "true" => Ok(true),
        _ => Err(text.to_owned()),
    }
}

const CMD: About = About {
    name: "collective.recipe.cmd",
    says: "commands",
    options: &[&[
        opt("cmds", "", "The commands, a line each"),
        opt("on_install", "false", "Whether they run when the part is installed"),
        opt("on_update", "false", "Understood; they run again when something they are made from changed"),
        opt("uninstall_cmds", "", "Understood; hardtack removes what it installed and runs nothing"),
        opt("shell", "sh", "The shell that runs them"),
    ]],
    downloads: &[],
    example: "[links]\nrecipe = collective.recipe.cmd\non_install = true\ncmds =\n  ln -s ${tool:location}/bin/tool tool\n",
};

impl Recipe for CollectiveCmd {
    fn about(&self) -> &'static About {
        &CMD
    }

    fn initialise(&self, _: &mut SectionOptions<'_, '_>) -> Result<(), config::Error> {
        Ok(())
    }

    fn build(&self, build: &mut Build<'_>) -> Option<Part> {
        let lines: Vec<&str> = build.text("cmds").trim().lines().map(str::trim).collect();
        let script = lines.join("\n");
        let runs = matches!(build.text("on_install").to_lowercase().as_str(), "1" | "true");
        let command = match build.optional("shell").unwrap_or("sh") {
            "sh" => script,
            shell => format!("{shell} -c {}", quoted(&script)),
        };
        if !build.text("uninstall_cmds").trim().is_empty() {
            build.note("uninstall_cmds", "`uninstall_cmds` are not run: hardtack removes what it installed");
        }
        let mut stages = Stages::in_own_folder(build);
        if runs {
            stages.in_buildout_directory("commands", &command, true);
        }
        stages.part()
    }
}

impl Stages<'_, '_> {
    /// Runs a command of the config in the buildout directory.
    fn in_buildout_directory(&mut self, name: &'static str, command: &str, stops: bool) {
        if command.trim().is_empty() {
            return;
        }
        let directory = quoted(self.build.project.directory.as_str());
        self.run(
            name,
            &match stops {
                true => format!("cd {directory} || exit\n{command}"),
                // However it ends, by `exit` or by words that are no command.
                false => format!("cd {directory} || exit\n/bin/sh -c {} || :", quoted(command)),
            },
        );
    }
}
