//! `extends`, layers and macros.

use super::*;

#[test]
fn names_in_extends_are_relative_to_the_file_that_has_them() {
    let files = [
        ("/p/buildout.cfg", "[buildout]\nextends =\n  sub/one.cfg\n  two.cfg\n"),
        ("/p/sub/one.cfg", "[buildout]\nextends = two.cfg ../three.cfg\n"),
        ("/p/sub/two.cfg", "[a]\nx = sub\ny = sub\n"),
        ("/p/two.cfg", "[a]\nx = top\n"),
        ("/p/three.cfg", "[a]\nz = three\n"),
    ];
    assert_eq!((one(&files, "x"), one(&files, "y"), one(&files, "z")), ("top".into(), "sub".into(), "three".into()));
}

#[test]
fn the_command_line_may_extend() {
    let files = [("/p/buildout.cfg", "[a]\nx = 1\ny = 1\n"), ("/p/more.cfg", "[a]\nx = 2\n")];
    let config = load_all(&files, &["buildout:extends=more.cfg", "a:y=3"]).expect("loads");
    assert_eq!(get(&config, "a", "x"), Ok("2".into()));
    assert_eq!(get(&config, "a", "y"), Ok("3".into()));
}

#[test]
fn optional_files_come_after_the_others_and_are_missed_with_a_note() {
    let files = [
        ("/p/buildout.cfg", "[buildout]\nextends = base.cfg\noptional-extends = local.cfg gone.cfg\n[a]\nz = own\n"),
        ("/p/base.cfg", "[a]\nx = base\ny = base\nz = base\n"),
        ("/p/local.cfg", "[a]\ny = local\nz = local\n"),
    ];
    assert_eq!((one(&files, "x"), one(&files, "y"), one(&files, "z")), ("base".into(), "local".into(), "own".into()));
    let config = load_all(&files, &[]).expect("loads");
    assert_eq!(config.notes(), ["optional-extends file `gone.cfg` of `/p/buildout.cfg` does not exist"]);
}

#[test]
fn endless_chains_of_files_are_stopped_at_the_line_that_goes_on() {
    let name = |index: usize| if index == 0 { "/p/buildout.cfg".to_owned() } else { format!("/p/f{index}.cfg") };
    let chain = |length: usize| {
        let files: Vec<(String, String)> = (0..length)
            .map(|index| (name(index), format!("[buildout]\nextends = f{}.cfg\n", index + 1)))
            .chain([(name(length), "[a]\nx = 1\n".to_owned())])
            .collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        load_all(&files, &[])
    };
    assert!(chain(200).is_ok());
    let error = chain(201).expect_err("too long");
    assert_eq!(error.to_string(), "`extends` leads from file to file more than 200 times");
    assert_eq!(error.places[0].to_string(), "/p/f200.cfg:2");
}

#[test]
fn extends_takes_no_references() {
    let error = load_all(&[("/p/buildout.cfg", "[buildout]\nextends = ${a:x}\n[a]\nx = b.cfg\n")], &[]);
    assert!(error.expect_err("no such file").to_string().contains("${a:x}"));
}

#[test]
fn extended_by_is_refused() {
    let error = load_all(&[("/p/buildout.cfg", "[buildout]\nextended-by = b.cfg\n")], &[]).expect_err("refused");
    assert_eq!(error.to_string(), "option `extended-by` is no longer supported");
}

#[test]
fn a_removal_takes_every_equal_line() {
    let files = [
        ("/p/buildout.cfg", "[buildout]\nextends = b.cfg\n[a]\nx -=\n  1\n  3\n"),
        ("/p/b.cfg", "[a]\nx =\n  1\n  2\n  1\n  3\n"),
    ];
    assert_eq!(one(&files, "x"), "2");
}

#[test]
fn one_files_additions_come_before_its_removals() {
    let files =
        [("/p/buildout.cfg", "[buildout]\nextends = b.cfg\n[a]\nx -= 2\nx += 2\n"), ("/p/b.cfg", "[a]\nx = 1\n")];
    assert_eq!(one(&files, "x"), "1");
}

#[test]
fn an_empty_base_leaves_an_empty_line() {
    let files = [("/p/buildout.cfg", "[buildout]\nextends = b.cfg\n[a]\nx += 1\n"), ("/p/b.cfg", "[a]\nx =\n")];
    assert_eq!(one(&files, "x"), "\n1");
}

#[test]
fn additions_wait_for_the_macro() {
    let config = load("[m]\nx = 1\n[a]\n<= m\nx += 2\n");
    assert_eq!(get(&config, "a", "x"), Ok("1\n2".into()));
    let annotated = config.annotated();
    let section = annotated.sections.iter().find(|section| &*section.name == "a").expect("is there");
    let names: Vec<&str> = section.options.iter().map(|option| option.name.as_str()).collect();
    assert_eq!(names, ["<", "x +"]);
}

#[test]
fn of_several_macros_the_later_wins() {
    let config = load("[m]\nx = 1\ny = 1\n[n]\nx = 2\n[a]\n<= m\n   n\n");
    assert_eq!(get(&config, "a", "x"), Ok("2".into()));
    assert_eq!(get(&config, "a", "y"), Ok("1".into()));
}

#[test]
fn the_buildout_section_is_made_from_no_macro() {
    let config = load("[m]\nx = 1\n[buildout]\n<= m\n");
    assert!(get(&config, "buildout", "x").is_err());
}

/// Counts how often each file is read.
struct Counting(MemoryLoader, std::cell::RefCell<std::collections::BTreeMap<String, usize>>);

impl Loader for Counting {
    fn identity(&self, location: &Location) -> Result<String, Error> {
        self.0.identity(location)
    }

    fn read(&self, location: &Location) -> Result<Vec<u8>, Error> {
        *self.1.borrow_mut().entry(location.as_str().to_owned()).or_default() += 1;
        self.0.read(location)
    }

    fn path_kind(&self, path: &str) -> PathKind {
        self.0.path_kind(path)
    }
}

#[test]
fn every_file_is_read_once_however_many_paths_reach_it() {
    let files = [
        ("/p/buildout.cfg", "[buildout]\nextends = l.cfg r.cfg base.cfg\n[hardtack]\npython-version = 3.9\n"),
        ("/p/l.cfg", "[buildout]\nextends = base.cfg\n"),
        ("/p/r.cfg", "[buildout]\nextends = base.cfg\n"),
        ("/p/base.cfg", "[a]\nx += d\n"),
    ];
    let loader = Counting(MemoryLoader::new(files), Default::default());
    let root = Location::Path("/p/buildout.cfg".into());
    let config = Config::load(&loader, &root, &Load::new(facts())).expect("loads");
    assert_eq!(get(&config, "a", "x"), Ok("d\nd\nd".into()));
    let read = loader.1.into_inner();
    assert!(read.len() == files.len() && read.values().all(|times| *times == 1), "{read:?}");
}
