//! Small random configs, the same on every machine: for comparing with the real program, and for breaking the parser.

use std::collections::BTreeMap;

/// Small random numbers that are the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64, as published by Steele, Lea and Flood.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    pub fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len())]
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.roll(one_in) == 0
    }
}

const SECTIONS: [&str; 5] = ["a", "b", "c", "d", "m"];
const OPTIONS: [&str; 5] = ["x", "y", "z", "long-name", "location"];
const FILES: [&str; 4] = ["buildout.cfg", "base.cfg", "sub/one.cfg", "sub/two.cfg"];

/// A few files that extend each other.
pub fn config(dice: &mut Dice) -> BTreeMap<String, String> {
    let count = 1 + dice.roll(FILES.len());
    FILES[..count].iter().enumerate().map(|(index, name)| ((*name).to_owned(), file(dice, index, count))).collect()
}

fn file(dice: &mut Dice, index: usize, count: usize) -> String {
    let mut text = String::new();
    if index == 0 || dice.chance(2) {
        text += "[buildout]\n";
        if index + 1 < count && !dice.chance(4) {
            text += &extends(dice, index, count);
        }
        if !dice.chance(3) {
            text += &format!(
                "parts {} {} {}\n",
                dice.pick(&["=", "=", "+=", "-="]),
                dice.pick(&SECTIONS),
                dice.pick(&SECTIONS)
            );
        }
        if dice.chance(6) {
            text +=
                &format!("parts-directory = {}\n", dice.pick(&["there", "${buildout:directory}/p", "${a:x}", "/abs"]));
        }
        if dice.chance(8) {
            text += &format!("download-cache = {}\n", dice.pick(&["cache", "./sub/../cache", "/c", "${a:x}"]));
        }
    }
    for _ in 0..1 + dice.roll(4) {
        text += &section(dice);
    }
    text
}

fn extends(dice: &mut Dice, index: usize, count: usize) -> String {
    let names = 1 + dice.roll(3);
    let files: Vec<String> = (0..names)
        .map(|_| {
            let target = FILES[index + 1 + dice.roll(count - index - 1)];
            // From a file in `sub`, the others are one up or beside.
            match (FILES[index].starts_with("sub/"), target.strip_prefix("sub/")) {
                (true, Some(beside)) => beside.to_owned(),
                (true, None) => format!("../{target}"),
                (false, _) => target.to_owned(),
            }
        })
        .collect();
    let option = if dice.chance(10) { "optional-extends" } else { "extends" };
    match dice.roll(2) {
        0 => format!("{option} = {}\n", files.join(" ")),
        _ => format!("{option} =\n  {}\n", files.join("\n  ")),
    }
}

fn section(dice: &mut Dice) -> String {
    let name = dice.pick(&SECTIONS);
    let condition = match dice.roll(12) {
        0 => " : linux",
        1 => " : python27",
        2 => ": sys.version_info >= (3, 8) and not windows",
        3 => " : python_version < \"3\"",
        _ => "",
    };
    let comment = dice.pick(&["", "", "", " # comment", " ; comment"]);
    // The original reads a section it skips as part of the one before, and trips where that has no option.
    let before = if condition.is_empty() { "" } else { "[before]\noption = value\n" };
    let mut text = format!("{before}[{name}{condition}]{comment}\n");
    for _ in 0..dice.roll(5) {
        text += &option(dice);
    }
    text
}

fn option(dice: &mut Dice) -> String {
    match dice.roll(14) {
        0 => return "recipe = some.recipe\n".to_owned(),
        1 => return format!("<= {}\n", dice.pick(&SECTIONS)),
        2 => return format!("<= {}\n   {}\n", dice.pick(&SECTIONS), dice.pick(&SECTIONS)),
        3 => return format!("=> {}\n", dice.pick(&SECTIONS)),
        4 => return dice.pick(&["# comment\n", "; comment\n", "\n", "  \n"]).to_owned(),
        _ => {}
    }
    let name = dice.pick(&OPTIONS);
    let operator = dice.pick(&[" = ", " = ", " = ", "=", " += ", " += ", " -= "]);
    let mut text = format!("{name}{operator}");
    let block = dice.chance(3);
    if !block {
        text += &value(dice);
    }
    text.push('\n');
    for _ in 0..if block { 1 + dice.roll(3) } else { dice.roll(2) } {
        let indent = dice.pick(&["  ", "   ", "\t", "    "]);
        text += &format!("{indent}{}\n", value(dice));
        if dice.chance(5) {
            text += dice.pick(&["\n", "# comment\n", "  \n", "  # text\n"]);
        }
    }
    text
}

fn value(dice: &mut Dice) -> String {
    let words = 1 + dice.roll(2);
    let mut parts = Vec::new();
    for _ in 0..words {
        parts.push(match dice.roll(12) {
            0..=5 => dice.pick(&["1", "2", "three", "a=b", "x:y", "[z]", "#4", "b ", " c"]).to_owned(),
            6 | 7 => format!("${{{}:{}}}", dice.pick(&SECTIONS), dice.pick(&OPTIONS)),
            8 => format!("${{:{}}}", dice.pick(&OPTIONS)),
            9 => dice
                .pick(&["$$", "$${a:x}", "$", "${:_buildout_section_name_}", "${m:_buildout_section_name_}"])
                .to_owned(),
            10 => dice
                .pick(&["${buildout:directory}", "${buildout:parts-directory}", "${:_profile_base_location_}"])
                .to_owned(),
            _ => dice.pick(&["${nowhere:x}", "${a}", "${a:x:y}", "${a/b:c}", "${a:", "}"]).to_owned(),
        });
    }
    parts.join(dice.pick(&["", " ", "-"]))
}
