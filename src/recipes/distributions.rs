//! Parts that are made of Python distributions: what is done once it is known which files those are.
//!
//! Which files a requirement comes to, an index says, and pip reads it, where a bundle is made. From then on the lock says
//! it, and the part has sources and steps like any other.

use super::error::{Error, Problem};
use super::plan::{Input, Part, Plan, Step, StepKind};
use super::shell::{quoted, shell};
use super::source::Source;
use super::wants::PythonWants;
use crate::base::{Distributions, Expected, Role};

/// Writes programs to the bin folder.
const WRITE_SCRIPTS: &str = include_str!("builtin/egg_scripts.py");

impl Plan {
    /// Gives sources and steps to parts of distributions, as far as it is known which files these are.
    ///
    /// # Errors
    /// [`Error::Problems`] where what is known names no source.
    pub fn complete(&mut self, known: &[Distributions]) -> Result<(), Error> {
        let mut problems = Vec::new();
        for part in &mut self.parts {
            let Some(wants) = part.python.clone() else { continue };
            let fits = |known: &&Distributions| known.part == part.name && known.wants == wants.asked.digest();
            let Some(known) = known.iter().find(fits) else { continue };
            let mut wrong = |message: String| {
                let hint = Some("make it anew with `hardtack lock --update`".to_owned());
                problems.push(Problem { message, place: None, hint });
            };
            if !is_version(&known.python) {
                wrong(format!(
                    "the lock names Python `{}` for part `{}`, which is no version",
                    known.python, part.name
                ));
                continue;
            }
            let mut sources: Vec<Source> = Vec::new();
            for file in &known.files {
                let expected = Expected { sha256: Some(file.sha256), md5: None };
                match Source::new(&file.url, expected, &self.project.directory, &self.project.root) {
                    Ok(source) if !is_file_name(&source.distribution_name()) => {
                        wrong(format!(
                            "the lock names `{}` for part `{}`, which is no name of a distribution",
                            file.url, part.name
                        ));
                    }
                    Ok(source) => sources.push(source.on_dist_shelf()),
                    Err(problem) => wrong(format!("the lock names `{}` for part `{}`: {problem}", file.url, part.name)),
                }
            }
            part.steps = steps(&wants, known, &sources);
            part.python = Some(PythonWants { version: Some(known.python.clone()), ..wants });
            part.sources = sources;
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::Problems(problems)) }
    }

    /// The parts of which it is not known yet which files they take.
    pub fn incomplete(&self) -> impl Iterator<Item = (&Part, &PythonWants)> {
        let parts = self.parts.iter().filter(|part| part.steps.is_empty());
        parts.filter_map(|part| Some((part, part.python.as_ref()?)))
    }
}

/// Whether a text is a version of Python as distributions are made for.
fn is_version(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

/// Whether a name is one that distributions have.
fn is_file_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_alphanumeric() || "._+!-~".contains(c))
}

/// What is done with the files of a part.
fn steps(wants: &PythonWants, known: &Distributions, sources: &[Source]) -> Vec<Step> {
    let version = &known.python;
    let asked = &wants.asked.python;
    let program = match &wants.program {
        Some(program) => quoted(program),
        None if asked.starts_with('/') => quoted(asked),
        None => format!("python{version}"),
    };
    let named = |role: Role| {
        let files = known.files.iter().zip(sources).filter(move |(file, _)| file.role == role);
        files.map(|(_, source)| quoted(&format!("dist/{}", source.distribution_name()))).collect::<Vec<_>>()
    };
    let test = format!(
        "import sys; here = \"%d.%d\" % sys.version_info[:2]; \
         sys.exit(here != \"{version}\" and \"the distributions are for Python {version}, and %s is %s\" % (sys.executable, here))"
    );
    // One that is asked for is the one that installs, too.
    let is_pip = |name: &String| name.starts_with("'dist/pip-") && name.ends_with(".whl'");
    let pip = named(Role::Pip).into_iter().chain(named(Role::Run)).find(is_pip).unwrap_or_default();
    // Nothing of the machine's own settings counts, and everything is there: what is built is built in a folder of its own
    // with what lies in `dist`.
    let install = format!(
        "PIP_CONFIG_FILE=/dev/null {program} {pip}/pip --no-input --disable-pip-version-check install --no-index \
         --find-links dist --no-deps --no-cache-dir --no-compile --no-warn-script-location --root-user-action ignore \
         --target {} {}",
        quoted(&wants.library),
        named(Role::Run).join(" ")
    );
    let mut steps = vec![
        Step { name: "gather", kind: StepKind::Gather { folder: "dist".to_owned() } },
        shell("python", format!("{program} -c '{test}'")),
    ];
    if !named(Role::Run).is_empty() {
        steps.push(shell("install", install));
        // Here and not by pip, which does it in a folder whose name is another each time. What is for another Python does not
        // compile, and is not used.
        let library = quoted(&wants.library);
        steps.push(shell(
            "compile",
            format!("{program} -m compileall -qq --invalidation-mode checked-hash {library} || :"),
        ));
    }
    if let Some(scripts) = &wants.scripts {
        let about = serde_json::json!({ "library": wants.library, "scripts": scripts }).to_string();
        // A text in JSON is one in Python, too.
        let text = format!("ABOUT = {}\n{WRITE_SCRIPTS}", serde_json::Value::String(about));
        let kind = StepKind::Shell { command: format!("{program} -I -"), input: Some(Input::Text(text)) };
        steps.push(Step { name: "scripts", kind });
    }
    steps
}
