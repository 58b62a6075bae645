//! Templates of `slapos.recipe.template:jinja2`, as far as they say the same to MiniJinja as to Jinja.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, Value};

use super::super::recipe::Build;
use crate::base::normalize;

/// A line of `context` or `import-list`.
pub(super) struct Entry<'t> {
    pub(super) kind: &'t str,
    pub(super) name: &'t str,
    pub(super) value: &'t str,
}

impl<'t> Entry<'t> {
    /// The section, empty for the own one, and option that it refers to.
    pub(super) fn reference(&self) -> Option<(&'t str, &'t str)> {
        matches!(self.kind, "key" | "jsonkey" | "file" | "folder").then(|| self.value.split_once(':')).flatten()
    }
}

/// The lines; an error is one that is none.
pub(super) fn entries(text: &str) -> impl Iterator<Item = Result<Entry<'_>, &str>> {
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| {
        let line = line.trim_start();
        let (kind, rest) = line.split_once(char::is_whitespace).ok_or(line)?;
        let rest = rest.trim_start();
        let (name, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if name.is_empty() { Err(line) } else { Ok(Entry { kind, name, value: value.trim_start() }) }
    })
}

/// The template with its values, and the paths of those it imports; what is wrong goes into `build`.
pub(super) fn render(build: &mut Build<'_>, template: &str) -> Option<(String, Vec<String>)> {
    for extension in build.text("extensions").to_owned().split_whitespace() {
        if extension != "jinja2.ext.do" {
            let message = format!("part `{}`: Jinja's extension `{extension}` is not there", build.name);
            build.problem("extensions", message, None);
        }
    }
    let values = context(build)?;
    let imports = imports(build)?;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_filter("dumps", dumps);
    environment.add_function("dumps", dumps);
    for (name, _, text) in &imports {
        if let Err(error) = environment.add_template(name, text) {
            return refuse(build, "import-list", &error);
        }
    }
    let rendered = environment.render_named_str("template", template, Value::from_object(values));
    let rendered = rendered.map_err(|error| refuse::<()>(build, "recipe", &error)).ok()?;
    Some((rendered, imports.iter().map(|(_, path, _)| path.clone()).collect()))
}

/// A value as JSON has it, which is also how the original writes values for configs.
fn dumps(value: Value) -> Result<String, minijinja::Error> {
    let invalid =
        |error: serde_json::Error| minijinja::Error::new(minijinja::ErrorKind::BadSerialization, error.to_string());
    serde_json::to_string(&value).map_err(invalid)
}

fn refuse<T>(build: &mut Build<'_>, option: &str, error: &minijinja::Error) -> Option<T> {
    let line = error.line().map(|line| format!(", line {line}")).unwrap_or_default();
    let what = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    let message = format!("part `{}`: in its template{line}: {what}", build.name);
    let hint =
        "what goes beyond MiniJinja's part of Jinja, such as Python's own functions, is not there; see docs/recipes.md";
    build.problem(option, message, Some(hint));
    None
}

/// The names a template knows.
fn context(build: &mut Build<'_>) -> Option<BTreeMap<String, Value>> {
    let text = build.text("context").to_owned();
    let (mut values, mut sound) = (BTreeMap::new(), true);
    for entry in entries(&text) {
        let value = entry
            .map_err(|line| format!("`{line}` is no kind, name and value"))
            .and_then(|entry| Ok((entry.name.to_owned(), value(build, &entry)?)));
        match value {
            Ok((name, value)) => drop(values.insert(name, value)),
            Err(reason) => {
                build.problem("context", format!("part `{}`: {reason}", build.name), None);
                sound = false;
            }
        }
    }
    sound.then_some(values)
}

fn value(build: &mut Build<'_>, entry: &Entry<'_>) -> Result<Value, String> {
    let json = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(|error| format!("`{}` is no JSON: {error}", entry.name))
    };
    match entry.kind {
        "raw" => Ok(Value::from(entry.value)),
        "json" => json(entry.value),
        "key" => option(build, entry).map(Value::from),
        "jsonkey" => json(&option(build, entry)?),
        "section" => {
            let known = build.around.section(entry.value);
            let (options, uses) = known.ok_or_else(|| format!("there is no section `{}`", entry.value))?;
            build.uses.extend(uses);
            let options = options.iter().map(|(name, value)| (name.to_string(), Value::from(&**value)));
            Ok(Value::from_object(options.collect::<BTreeMap<_, _>>()))
        }
        "import" => Err(format!("`import {}` brings a module of Python into the template", entry.name)),
        other => Err(format!("`{other}` is none of raw, key, json, jsonkey and section")),
    }
}

fn option(build: &mut Build<'_>, entry: &Entry<'_>) -> Result<String, String> {
    let (section, option) = entry.reference().ok_or_else(|| format!("`{}` is no section:option", entry.value))?;
    let section = if section.is_empty() { build.name.to_owned() } else { section.to_owned() };
    let (value, uses) = build.around.option(&section, option)?;
    build.uses.extend(uses);
    Ok(value.to_string())
}

/// The templates it imports: name, path and text.
fn imports(build: &mut Build<'_>) -> Option<Vec<(String, String, String)>> {
    let text = build.text("import-list").to_owned();
    let (mut imports, mut sound) = (Vec::new(), true);
    for entry in entries(&text) {
        let import = entry.map_err(|line| format!("`{line}` is no kind, name and path")).and_then(|entry| {
            let path = match entry.kind {
                "rawfile" => entry.value.to_owned(),
                "file" => option(build, &entry)?,
                other => {
                    return Err(format!(
                        "`{other}` is not known here: templates are imported one by one, by rawfile or file"
                    ));
                }
            };
            let path = normalize(&build.project.directory.join(path));
            let text = build.around.read(&path)?;
            Ok((entry.name.to_owned(), path.into_string(), text))
        });
        match import {
            Ok(import) => imports.push(import),
            Err(reason) => {
                build.problem("import-list", format!("part `{}`: {reason}", build.name), None);
                sound = false;
            }
        }
    }
    sound.then_some(imports)
}
