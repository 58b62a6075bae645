//! Programs that know no jobserver: they are told a number of jobs when they start, which the part then holds until its step
//! ends.

use std::collections::BTreeMap;

use crate::recipes::{Part, StepKind};

/// Build programs that take `-jN`. Left to themselves they take every processor.
const TAKE_A_NUMBER: [&str; 3] = ["ninja", "samu", "scons"];

/// The programs of a command that must be told how many jobs they have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FixedJobs {
    programs: Vec<&'static str>,
    meson: bool,
    cmake: bool,
}

impl FixedJobs {
    /// What there is of them in a command of a part; none where everything it calls asks a jobserver, or runs one job.
    pub(super) fn of(part: &Part, command: &str) -> Option<Self> {
        let has = |program: &str| words(command).any(|word| word == program);
        let programs = TAKE_A_NUMBER.into_iter().filter(|program| has(program)).collect::<Vec<_>>();
        let meson = has("meson") && has("compile");
        // What CMake writes for make asks the jobserver.
        let cmake = has("cmake") && has("--build") && chooses_ninja(part);
        (!programs.is_empty() || meson || cmake).then_some(Self { programs, meson, cmake })
    }

    /// The command, for which each of them that is on PATH is told the number, however it is called. One that is written there
    /// comes later and counts.
    pub(super) fn tell(&self, command: &str, jobs: usize) -> String {
        let each = self.programs.iter().map(|program| wrapper(program, &format!("set -- -j{jobs} \"\\$@\"")));
        let compile = format!(r#"if [ "\$1" = compile ]; then shift; set -- compile -j {jobs} "\$@"; fi"#);
        let meson = self.meson.then(|| wrapper("meson", &compile));
        let wrappers: String = each.chain(meson).collect();
        match wrappers.is_empty() {
            true => command.to_owned(),
            false => format!("{FOLDER}\n{wrappers}{command}"),
        }
    }

    /// What tells it to those that are told by a variable.
    pub(super) fn variables(&self, jobs: usize) -> BTreeMap<String, String> {
        let variable = || ("CMAKE_BUILD_PARALLEL_LEVEL".to_owned(), jobs.to_string());
        self.cmake.then(variable).into_iter().collect()
    }
}

/// A folder for programs that stand before those of the same name.
const FOLDER: &str = "hardtack_jobs=\"${TMPDIR:-/tmp}/hardtack-jobs\"; mkdir -p \"$hardtack_jobs\"; \
                      hardtack_path=$PATH; export PATH=\"$hardtack_jobs:$PATH\"";

/// Puts a program there that changes its arguments and becomes the one of that name, if there is one.
fn wrapper(program: &str, change: &str) -> String {
    format!(
        r#"if hardtack_real=$(PATH=$hardtack_path; command -v {program}); then
cat > "$hardtack_jobs/{program}" <<END
#!/bin/sh
{change}
exec "$hardtack_real" "\$@"
END
chmod 755 "$hardtack_jobs/{program}"
fi
"#
    )
}

/// Whether CMake is asked for Ninja's files in any step of the part.
fn chooses_ninja(part: &Part) -> bool {
    let commands = part.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Shell { command, .. } => Some(command),
        _ => None,
    });
    let by_variable =
        part.environment.get("CMAKE_GENERATOR").is_some_and(|generator| generator.to_string().contains("Ninja"));
    by_variable || commands.into_iter().any(|command| words(command).any(|word| word == "Ninja" || word == "-GNinja"))
}

/// The words of a command, as far as a program's name goes.
fn words(command: &str) -> impl Iterator<Item = &str> {
    command.split(|sign: char| sign.is_whitespace() || ";&|()\"'`".contains(sign)).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::install::schedule::tests::part;
    use crate::recipes::Variable;

    #[test]
    fn who_asks_the_jobserver_is_told_nothing() {
        let part = part("p", &[]);
        for command in
            ["make -C ninja-1.11", "./configure --with-ninja", "cmake --build .", "meson setup b", "echo /bin/ninjas"]
        {
            assert_eq!(FixedJobs::of(&part, command), None, "{command}");
        }
        let mut chooses = part.clone();
        chooses.environment.insert("CMAKE_GENERATOR".to_owned(), Variable::text("Ninja"));
        let jobs = FixedJobs::of(&chooses, "cmake --build .").expect("has jobs");
        assert_eq!(jobs.variables(3)["CMAKE_BUILD_PARALLEL_LEVEL"], "3");
    }

    #[test]
    fn a_shell_passes_the_number_on() {
        let folder = tempfile::tempdir().expect("a folder");
        for program in ["ninja", "meson"] {
            let path = folder.path().join(program);
            std::fs::write(&path, format!("#!/bin/sh\necho {program} \"$@\"\n")).expect("writes");
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("sets");
        }
        let command = "cd / && ninja -C b 'a b' && meson setup b; meson compile -v; env A=1 ninja install; \
                       if command -v scons; then scons; fi; [ -x \"$(command -v ninja)\" ] && exec ninja";
        let told = FixedJobs::of(&part("p", &[]), command).expect("has jobs").tell(command, 3);
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let output = Command::new("/bin/sh")
            .args(["-c", &told])
            .env("PATH", path)
            .env("TMPDIR", folder.path())
            .output()
            .expect("runs");
        let wanted = "ninja -j3 -C b a b\nmeson setup b\nmeson compile -j 3 -v\nninja -j3 install\nninja -j3\n";
        assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "{}", String::from_utf8_lossy(&output.stderr));
    }
}
