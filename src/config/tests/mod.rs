//! The language case by case, as the real program was seen to treat it.

mod defaults;
mod merging;
mod references;
mod syntax;

use super::*;

fn facts() -> Facts {
    Facts {
        machine: "x86_64".into(),
        platform: "linux".into(),
        python: PythonVersion::DEFAULT,
        os_release: Default::default(),
        paths: Default::default(),
        kernel_release: None,
    }
}

/// Recipes as the cmmi ones are: each sets its section's location.
struct Locations;

impl Recipes for Locations {
    fn initialise(&self, _recipe: &str, section: &mut SectionOptions<'_, '_>) -> Result<(), Error> {
        let parts = section.buildout("parts-directory")?.unwrap_or_default();
        let location = format!("{parts}/{}", section.name());
        section.set("location", location);
        Ok(())
    }
}

fn load_all(files: &[(&str, &str)], overrides: &[&str]) -> Result<Config, Error> {
    let loader = MemoryLoader::new(files.iter().copied());
    let mut load = Load::new(facts());
    load.overrides = overrides.iter().map(|text| text.parse().expect("an override")).collect();
    Config::load(&loader, &Location::Path(files[0].0.into()), &load)
}

fn load(text: &str) -> Config {
    load_all(&[("/p/buildout.cfg", text)], &[]).expect("loads")
}

fn get(config: &Config, section: &str, option: &str) -> Result<String, String> {
    let mut resolver = config.resolver(&Locations).map_err(|error| error.to_string())?;
    resolver.option(section, option).map(|value| value.to_string()).map_err(|error| error.to_string())
}

fn one(files: &[(&str, &str)], option: &str) -> String {
    get(&load_all(files, &[]).expect("loads"), "a", option).expect("resolves")
}

#[test]
fn a_later_section_of_the_same_name_goes_on_with_the_first() {
    let config = load("[a]\nx = 1\ny = 1\n[b]\n[a]\ny = 2\n");
    assert_eq!(get(&config, "a", "x"), Ok("1".into()));
    assert_eq!(get(&config, "a", "y"), Ok("2".into()));
}

#[test]
fn a_file_reached_by_two_paths_adds_twice() {
    let files = [
        ("/p/buildout.cfg", "[buildout]\nextends = l.cfg r.cfg\n"),
        ("/p/l.cfg", "[buildout]\nextends = base.cfg\n"),
        ("/p/r.cfg", "[buildout]\nextends = base.cfg\n"),
        ("/p/base.cfg", "[a]\nx += d\n"),
    ];
    assert_eq!(one(&files, "x"), "d\nd");
}

#[test]
fn the_last_application_of_a_file_decides() {
    let files = [
        ("/p/buildout.cfg", "[buildout]\nextends = one.cfg two.cfg one.cfg\n"),
        ("/p/one.cfg", "[a]\nx = 1\n"),
        ("/p/two.cfg", "[a]\nx = 2\n"),
    ];
    assert_eq!(one(&files, "x"), "1");
}

#[test]
fn additions_and_removals_go_through_files_in_order() {
    let files = [
        ("/p/buildout.cfg", "[buildout]\nextends = base.cfg\n[a]\nx += c\nx -= a\ny += 1\nz -= 1\n"),
        ("/p/base.cfg", "[a]\nx =\n  a\n  b\n"),
    ];
    assert_eq!(one(&files, "x"), "b\nc");
    // The section is there but the option is not, so the original starts from an empty line.
    assert_eq!(one(&files, "y"), "\n1");
    assert_eq!(one(&files, "z"), "");
}

#[test]
fn a_tight_plus_needs_no_section_before_it() {
    assert_eq!(get(&load("[a]\nx+=2\n"), "a", "x"), Ok("2".into()));
}

#[test]
fn an_assignment_discards_pending_additions_of_its_file() {
    assert_eq!(get(&load("[a]\nx += 1\nx = 2\n"), "a", "x"), Ok("2".into()));
    assert_eq!(get(&load("[a]\nx = 1\nx += 2\nx += 3\n"), "a", "x"), Ok("1\n2\n3".into()));
}

#[test]
fn circles_of_extends_are_told_as_a_path() {
    let files = [
        ("/p/buildout.cfg", "[buildout]\nextends = b.cfg\n"),
        ("/p/b.cfg", "[buildout]\nextends = ../p/buildout.cfg\n"),
    ];
    let error = load_all(&files, &[]).expect_err("a circle");
    assert_eq!(error.to_string(), "`extends` runs in a circle: /p/buildout.cfg → /p/b.cfg → /p/buildout.cfg");
    assert_eq!(error.places[0].to_string(), "/p/b.cfg:2");
}

#[test]
fn a_missing_file_points_at_the_line_that_wants_it() {
    let error = load_all(&[("/p/buildout.cfg", "[buildout]\nextends = nope.cfg\n")], &[]).expect_err("missing");
    assert_eq!(error.to_string(), "failed to read config `/p/nope.cfg`: there is no such file");
    assert_eq!(error.places[0].line(), 2);
}

#[test]
fn macros_copy_raw_options_and_own_ones_win() {
    let config = load("[m]\nx = ${:y}\ny = 1\nz = a\n[n]\n<= m\ny = 2\n[a]\n<= n\nz += b\n");
    assert_eq!(get(&config, "a", "x"), Ok("2".into()));
    assert_eq!(get(&config, "a", "z"), Ok("a\nb".into()));
    assert!(get(&config, "a", "<").is_err());
}

#[test]
fn macro_mistakes_are_named() {
    let error = get(&load("[a]\n<= mm\n[m]\n"), "a", "x").expect_err("no such macro");
    assert_eq!(error, "section `a` takes its options from `mm`, which does not exist");
    let error = get(&load("[a]\n<= b\n[b]\n<= a\n"), "a", "x").expect_err("a circle");
    assert_eq!(error, "`<=` runs in a circle: a → b → a");
}

#[test]
fn a_dollar_pair_stays_as_written() {
    let config = load("[a]\nx = $${b:c} $$x ${:y}\ny = 1\n");
    assert_eq!(get(&config, "a", "x"), Ok("$${b:c} $$x 1".into()));
}

#[test]
fn the_slapos_dialect_undoes_the_escape_where_values_are_used() {
    let text = "[a]\nx = $${b:c} $$d $$${a:z}\ny = <${:x}>\nz = 1\n";
    for (dialect, x) in [("", "$${b:c} $$d $$1"), ("buildout", "$${b:c} $$d $$1"), ("slapos", "${b:c} $$d $$1")] {
        let config = load(&format!("{text}[hardtack]\ndialect = {dialect}\n").replace("dialect = \n", ""));
        assert_eq!(get(&config, "a", "x"), Ok(x.into()), "{dialect}");
        assert_eq!(get(&config, "a", "y"), Ok(format!("<{x}>")), "{dialect}");
    }
    let error = load_all(&[("/p/buildout.cfg", "[hardtack]\ndialect = plone\n")], &[]).expect_err("no dialect");
    assert_eq!(
        error.to_string(),
        "option `hardtack:dialect`: `plone` is not a dialect: it takes `buildout` or `slapos`"
    );
}

#[test]
fn the_section_name_is_that_of_the_section_with_the_text() {
    let config = load("[m]\nn = ${:_buildout_section_name_}\n[p]\n<= m\nq = ${m:_buildout_section_name_}\n");
    assert_eq!(get(&config, "p", "n"), Ok("p".into()));
    assert_eq!(get(&config, "p", "q"), Ok("p".into()));
}

#[test]
fn what_a_recipe_sets_is_visible_to_others_only() {
    let config = load("[b]\nrecipe = r\n[a]\nx = ${b:location}\n[c]\nrecipe = r\nx = ${:location}\n");
    assert_eq!(get(&config, "a", "x"), Ok("/p/parts/b".into()));
    assert_eq!(get(&config, "c", "x"), Err("option `c:location` does not exist".into()));
}

#[test]
fn parts_come_after_those_they_refer_to() {
    let text = "[buildout]\nparts = c a\n[a]\nrecipe = r\n[b]\nrecipe = r\n[c]\nrecipe = r\nx = ${b:location}\n";
    let config = load(text);
    let parts = config.resolver(&Locations).and_then(|mut resolver| resolver.parts()).expect("resolves");
    assert_eq!(parts.iter().map(|part| &**part).collect::<Vec<_>>(), ["b", "c", "a"]);
}

#[test]
fn dependencies_without_references_are_parts_too() {
    let config = load("[buildout]\nparts = a\n[a]\nrecipe = r\n=> b\n[b]\nrecipe = r\n");
    let parts = config.resolver(&Locations).and_then(|mut resolver| resolver.parts()).expect("resolves");
    assert_eq!(parts.iter().map(|part| &**part).collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn missing_things_are_named_with_what_was_probably_meant() {
    let config = load("[buildout]\nparts = zlip\n[zlib]\nrecipe = r\nurl = ${:ulr}\n");
    let error = config.resolver(&Locations).and_then(|mut resolver| resolver.parts()).expect_err("no such part");
    assert!(matches!(&*error.kind, ErrorKind::NoSuchSection { similar: Some(name), .. } if name == "zlib"));
    assert_eq!(error.places[0].line(), 2);
    let mut resolver = config.resolver(&Locations).expect("resolves");
    let error = resolver.section("zlib").expect_err("no such option");
    assert_eq!(error.to_string(), "option `zlib:ulr` does not exist");
    assert!(matches!(&*error.kind, ErrorKind::NoSuchOption { similar: Some(name), .. } if name == "url"));
    assert_eq!(error.places[0].line(), 5);
}

#[test]
fn circles_of_substitutions_are_told_as_a_path() {
    let config = load("[a]\nx = ${b:y}\n[b]\ny = ${a:x}\n");
    let error = get(&config, "a", "x").expect_err("a circle");
    assert_eq!(error, "substitutions run in a circle: b:y → a:x → b:y");
}

#[test]
fn the_answer_does_not_depend_on_what_was_asked_before() {
    let config = load("[a]\nrecipe = r\nx = ${b:y}\n[b]\ny = 2\nz = ${a:location}\n");
    // From `a`, its recipe has not run when `b` wants the location; from `b`, it has.
    let fresh_a = get(&config, "a", "x");
    let mut resolver = config.resolver(&Locations).expect("resolves");
    let after: Vec<_> = ["b", "a", "b", "a"].map(|name| resolver.section(name).is_ok()).into();
    assert_eq!(after, [true, false, true, false]);
    assert!(fresh_a.is_err());
}

#[test]
fn values_that_double_are_stopped_before_they_eat_the_memory() {
    let mut text = String::from("[a]\nx0 = 0123456789\n");
    (1..60).for_each(|n| text += &format!("x{n} = ${{:x{0}}}${{:x{0}}}\n", n - 1));
    let error = get(&load(&text), "a", "x59").expect_err("too long");
    assert!(error.contains("longer than"), "{error}");
}

#[test]
fn long_chains_are_stopped_before_they_eat_the_stack() {
    let mut text = String::from("[a0]\nx = 1\n");
    (1..5000).for_each(|n| text += &format!("[a{n}]\nx = ${{a{}:x}}\n", n - 1));
    let error = get(&load(&text), "a4999", "x").expect_err("too deep");
    assert!(error.contains("nested more than"), "{error}");
    assert_eq!(get(&load(&text), "a100", "x"), Ok("1".into()));
}

#[test]
fn overrides_come_last_and_know_operators() {
    let files = [("/p/buildout.cfg", "[a]\nx = 1\ny = 1\n")];
    let config = load_all(&files, &["a:x=2", "a:y+=2", "offline=true", "new:z=3"]).expect("loads");
    assert_eq!(get(&config, "a", "x"), Ok("2".into()));
    assert_eq!(get(&config, "a", "y"), Ok("1\n2".into()));
    assert_eq!(get(&config, "buildout", "offline"), Ok("true".into()));
    assert_eq!(get(&config, "new", "z"), Ok("3".into()));
}

#[test]
fn user_defaults_lie_below_the_first_file_without_extends() {
    let loader = MemoryLoader::new([
        ("/home/default.cfg", "[buildout]\ndownload-cache = /c\n[a]\nx = 1\n"),
        ("/p/buildout.cfg", "[a]\nx += 2\n"),
    ]);
    let mut load = Load::new(facts());
    load.user_defaults = Some(Location::Path("/home/default.cfg".into()));
    let config = Config::load(&loader, &Location::Path("/p/buildout.cfg".into()), &load).expect("loads");
    assert_eq!(get(&config, "a", "x"), Ok("1\n2".into()));
    assert_eq!(get(&config, "buildout", "download-cache"), Ok("/c".into()));
}

#[test]
fn folders_are_relative_to_the_file_that_names_them() {
    let files = [
        ("/p/buildout.cfg", "[buildout]\nextends = s/b.cfg\nparts-directory = there\n"),
        ("/p/s/b.cfg", "[buildout]\ndownload-cache = cc\n"),
    ];
    let config = load_all(&files, &[]).expect("loads");
    assert_eq!(get(&config, "buildout", "download-cache"), Ok("/p/s/cc".into()));
    assert_eq!(get(&config, "buildout", "parts-directory"), Ok("/p/there".into()));
    assert_eq!(get(&config, "buildout", "eggs-directory"), Ok("/p/eggs/v5".into()));
    assert_eq!(get(&config, "buildout", "installed"), Ok("/p/.installed.cfg".into()));
}

#[test]
fn a_section_that_mentions_its_files_folder_gets_it() {
    let files = [
        ("/p/buildout.cfg", "[buildout]\nextends = ../q/b.cfg\n"),
        ("/q/b.cfg", "[a]\npatch = ${:_profile_base_location_}/x.patch\n"),
    ];
    assert_eq!(one(&files, "patch"), "/p/../q/x.patch");
}

#[test]
fn conditional_sections_count_or_not_and_are_recorded() {
    let config = load("[a]\nx = 1\n[a : linux]\nx = 2\n[a : python27]\nx = 3\n");
    assert_eq!(get(&config, "a", "x"), Ok("2".into()));
    let records = config.conditions();
    assert_eq!(records.len(), 2);
    assert_eq!((records[0].condition.as_str(), records[0].holds), ("[a : linux]", true));
    assert!(records[1].facts.contains(&Fact::Python));
}

#[test]
fn a_declared_python_version_decides_conditions() {
    let config = load("[hardtack]\npython-version = 2.7\n[a]\n[a : python27]\nx = 3\n");
    assert_eq!(get(&config, "a", "x"), Ok("3".into()));
    let error = load_all(&[("/p/buildout.cfg", "[hardtack]\npython-version = x\n")], &[]).expect_err("no version");
    assert_eq!(error.to_string(), "option `hardtack:python-version`: `x` is not a Python version such as 3.11");
}

#[test]
fn merging_by_last_position_equals_applying_every_file_in_turn() {
    let files = [
        ("/p/buildout.cfg", "[buildout]\nextends = a.cfg b.cfg a.cfg\n[s]\nx = r\nl += r\n[t]\n<= s\nl -= b\n"),
        ("/p/a.cfg", "[buildout]\nextends = c.cfg\n[s]\nx = a\nl += a\n[t]\nx = a\n"),
        ("/p/b.cfg", "[buildout]\nextends = c.cfg\n[s]\ny = b\nl += b\nl -= a\n"),
        ("/p/c.cfg", "[s]\nx = c\ny = c\nl = c\n[u]\n<= s\nl += u\n"),
    ];
    let loader = MemoryLoader::new(files);
    let mut load = Load::new(facts());
    let root = Location::Path("/p/buildout.cfg".into());
    let fast = Config::load(&loader, &root, &load).expect("loads");
    load.whole_history = true;
    let slow = Config::load(&loader, &root, &load).expect("loads");
    for section in fast.section_names() {
        let texts = |config: &Config| -> Vec<(String, String)> {
            let options =
                config.raw_section(section).expect("the section").map(|(n, v)| (n.into(), v.text.to_string()));
            options.collect()
        };
        assert_eq!(texts(&fast), texts(&slow), "[{section}]");
    }
    assert_eq!(get(&fast, "s", "l"), Ok("c\na\nr".into()));
}

#[test]
fn additions_by_very_many_paths_are_stopped_before_they_eat_the_time() {
    let chain = |operations: &str, depth: usize| -> Result<Config, Error> {
        let name = |index: usize| if index == 0 { "/p/buildout.cfg".to_owned() } else { format!("/p/f{index}.cfg") };
        let mut files: Vec<(String, String)> = (0..depth)
            .map(|index| (name(index), format!("[buildout]\nextends = f{0}.cfg f{0}.cfg\n", index + 1)))
            .collect();
        files.push((name(depth), format!("[a]\n{operations}")));
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        load_all(&files, &[])
    };
    let config = chain("x += yy\n", 12).expect("a value of 12 KiB");
    assert_eq!(get(&config, "a", "x").map(|value| value.len()), Ok(3 * (1 << 12) - 1));
    let limit = "the value of `a:x` is longer than 4194304 bytes";
    let long = format!("x += {}\n", "y".repeat(100));
    assert_eq!(chain(&long, 16).expect_err("too long").to_string(), limit);
    // Removing the lines again keeps the value short and the work long.
    let restless = format!("x += {0}\nx -= nothing\n", "y".repeat(20));
    assert_eq!(chain(&restless, 16).expect_err("too much").to_string(), limit);
}
