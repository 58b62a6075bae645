//! Bytes that hold nothing else: what is to be read out of their difference.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::super::halving::Cause;
use super::spot::What;
use super::view::View;
use crate::install::sandbox::Condition;

/// What is known of two builds.
#[derive(Debug, Clone, Default)]
pub struct Clues {
    /// What conditions were in the first and in the second, in words that builds may have caught.
    pub values: Vec<(Condition, [String; 2])>,
    /// What the clock said while each was built.
    pub clocks: Option<[Clock; 2]>,
}

impl Clues {
    /// Those of conditions that are known to be causes; none where that would be all of them, since causes are not known, or
    /// not all.
    pub fn only_of(&self, causes: &[Cause]) -> Option<Self> {
        // One that differs each time may do so for other reasons as well.
        if causes.is_empty() || causes.contains(&Cause::Unsteady) {
            return None;
        }
        let is_cause = |condition: Condition| {
            causes.iter().any(|cause| match cause {
                Cause::Condition(cause) => *cause == condition,
                Cause::Together(together) => together.contains(&condition),
                Cause::Unsteady => false,
            })
        };
        let values: Vec<_> = self.values.iter().filter(|(condition, _)| is_cause(*condition)).cloned().collect();
        (values.len() < self.values.len()).then_some(Self { values, clocks: self.clocks })
    }
}

/// What the clock said from the beginning of a build to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// At the beginning.
    pub from: Timestamp,
    /// At the end.
    pub to: Timestamp,
}

/// A difference of bytes: what it is, where in the first, and what both have there.
type Difference = (What, Option<u64>, [View; 2]);

/// Formats of dates, as strftime has them: that of `__DATE__` first (C 6.10.8.1).
const DATES: [&str; 9] =
    ["%b %e %Y", "%Y-%m-%d", "%d %b %Y", "%b %d", "%d %B %Y", "%B %d, %Y", "%m/%d/%y", "%Y%m%d", "%B %Y"];
/// Longest run of characters that is shown as one.
const RUN: usize = 120;
/// Differing bytes that are looked at one by one.
const PLACES: usize = 4096;

pub(super) fn differences(name: &str, bytes: [&[u8]; 2], clues: &Clues) -> Vec<Difference> {
    if name == ".note.gnu.build-id" || name == ".gnu_debuglink" {
        return vec![(What::BuildId, Some(0), bytes.map(|bytes| View::bytes("", bytes, 0)))];
    }
    let mut found = values(bytes, clues);
    found.extend(date(bytes, clues));
    let is_compiled_python = name.ends_with(".pyc") && bytes.iter().all(|bytes| bytes.len() > 16);
    if is_compiled_python && bytes[0][8..12] != bytes[1][8..12] {
        let time = |bytes: &[u8]| super::compressed::moment(u32_at(bytes, 8));
        found.push((What::PycTime, Some(8), bytes.map(|bytes| View::words(time(bytes)))));
    }
    if found.is_empty() {
        found.extend(lines(bytes, clues).or_else(|| number_in_bytes(bytes, clues)).or_else(|| Some(raw(bytes))));
    }
    found
}

/// Conditions of which the first has what they were in the first, and the second what they were in the second.
fn values(bytes: [&[u8]; 2], clues: &Clues) -> Vec<Difference> {
    let mut found = BTreeMap::new();
    for (condition, values) in &clues.values {
        let [first, second] = values;
        let there = find(bytes[1], second.as_bytes());
        let Some(there) = there.filter(|_| find(bytes[0], second.as_bytes()).is_none()) else { continue };
        // What the second alone has need not have had another value in the first.
        let here = if first.is_empty() { None } else { find(bytes[0], first.as_bytes()) };
        let view = |bytes: &[u8], at: usize| View::bytes(run_at(bytes, at), bytes, at);
        let views = [here.map_or(View::none(), |here| view(bytes[0], here)), view(bytes[1], there)];
        found.entry(*condition).or_insert((What::Value(*condition), here.map(|here| here as u64), views));
    }
    found.into_values().collect()
}

/// The dates of the builds.
fn date(bytes: [&[u8]; 2], clues: &Clues) -> Option<Difference> {
    let clocks = clues.clocks.as_ref()?;
    for (index, format) in DATES.iter().enumerate() {
        let texts = clocks.map(|clock| written(clock, format));
        let hit =
            |side: usize| texts[side].iter().find_map(|text| Some((find(bytes[side], text.as_bytes())?, text.clone())));
        let (Some((here, first)), Some((there, second))) = (hit(0), hit(1)) else { continue };
        if first != second && find(bytes[0], second.as_bytes()).is_none() {
            let what = if index == 0 { What::CompiledDate } else { What::Date };
            let views = [View::bytes(first, bytes[0], here), View::bytes(second, bytes[1], there)];
            return Some((what, Some(here as u64), views));
        }
    }
    None
}

/// The days of a build in a format, in all time zones: a build lasts for some, and may be told another.
fn written(clock: Clock, format: &str) -> Vec<String> {
    let days = ((clock.to.as_second() - clock.from.as_second()) / 86_400).clamp(0, 30);
    let hours = (0..=days).flat_map(|day| [-12, 0, 14].map(|zone| day * 24 + zone));
    let mut all: Vec<String> = Vec::new();
    for hour in hours {
        let time = clock.from.to_zoned(TimeZone::UTC).checked_add(hour.hours());
        let text = time.map(|time| time.strftime(format).to_string()).unwrap_or_default();
        if !text.is_empty() && !all.contains(&text) {
            all.push(text);
        }
    }
    all
}

/// Two texts.
fn lines(bytes: [&[u8]; 2], clues: &Clues) -> Option<Difference> {
    let texts = [std::str::from_utf8(bytes[0]).ok()?, std::str::from_utf8(bytes[1]).ok()?];
    if texts.iter().any(|text| text.contains('\0')) {
        return None;
    }
    let [first, second] = texts.map(|text| text.lines().collect::<Vec<_>>());
    let index = first.iter().zip(&second).position(|(one, other)| one != other);
    let index = index.unwrap_or(first.len().min(second.len()));
    let line = |lines: &[&str]| lines.get(index).copied().unwrap_or_default().to_owned();
    let words = [line(&first), line(&second)];
    let views = [View::text(&words[0], &first, index), View::text(&words[1], &second, index)];
    let at = texts[0].lines().take(index).map(|line| line.len() as u64 + 1).sum();
    let sorted = |lines: &[&str]| {
        let mut sorted: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        sorted.sort();
        sorted
    };
    let words_sorted = |line: &str| sorted(&line.split_whitespace().collect::<Vec<_>>());
    let is_order = sorted(&first) == sorted(&second)
        || (first.len() == second.len()
            && first.iter().zip(&second).all(|(one, other)| words_sorted(one) == words_sorted(other)));
    let what = if is_order { What::LineOrder } else { of_texts(&words, clues).unwrap_or(What::Lines) };
    Some((what, Some(at), views))
}

/// What two lines differ in, if it is one thing.
fn of_texts(lines: &[String; 2], clues: &Clues) -> Option<What> {
    let [first, second] = lines;
    let shared = first.bytes().zip(second.bytes()).take_while(|(one, other)| one == other).count();
    let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b':';
    // What stands there of digits and colons, and what comes after it.
    let around = |text: &'_ String| {
        let bytes = text.as_bytes();
        let begin = bytes[..shared.min(bytes.len())].iter().rposition(|byte| !is_part(byte)).map_or(0, |at| at + 1);
        let length = bytes[begin..].iter().take_while(|byte| is_part(byte)).count();
        let (part, rest) = bytes[begin..].split_at(length);
        (String::from_utf8_lossy(part).into_owned(), rest.to_vec())
    };
    let [(one, after_one), (other, after_other)] = [around(first), around(second)];
    if one.is_empty() || other.is_empty() {
        return None;
    }
    if [&one, &other].iter().all(|part| part.len() >= 5 && part.contains(':')) {
        return Some(What::TimeOfDay);
    }
    let (Ok(number), Ok(other_number)) = (one.parse::<i64>(), other.parse::<i64>()) else { return None };
    if clues.clocks.is_some_and(|clocks| within(clocks[0], number) && within(clocks[1], other_number)) {
        return Some(What::Seconds);
    }
    (after_one == after_other).then_some(What::Number)
}

/// Whether a number of seconds is when a build was.
fn within(clock: Clock, seconds: i64) -> bool {
    (clock.from.as_second() - 1..=clock.to.as_second() + 1).contains(&seconds)
}

/// Seconds in four bytes, of either order, where bytes differ; or another run of characters.
fn number_in_bytes(bytes: [&[u8]; 2], clues: &Clues) -> Option<Difference> {
    let clocks = clues.clocks?;
    let places = bytes[0].iter().zip(bytes[1]).enumerate().filter(|(_, (one, other))| one != other);
    for (place, _) in places.take(PLACES) {
        for at in place.saturating_sub(3)..=place {
            let [Some(first), Some(second)] = bytes.map(|bytes| bytes.get(at..at + 4)) else { continue };
            let read: [fn(&[u8]) -> u32; 2] = [|four| u32_at(four, 0), |four| u32_at(four, 0).swap_bytes()];
            if read.iter().any(|read| within(clocks[0], read(first).into()) && within(clocks[1], read(second).into())) {
                let views = bytes.map(|bytes| View::bytes("", bytes, at));
                return Some((What::Seconds, Some(at as u64), views));
            }
        }
    }
    None
}

/// The first bytes that are not the same.
fn raw(bytes: [&[u8]; 2]) -> Difference {
    let at = bytes[0].iter().zip(bytes[1]).position(|(one, other)| one != other);
    let at = at.unwrap_or(bytes[0].len().min(bytes[1].len()));
    let runs = bytes.map(|bytes| run_at(bytes, at));
    let is_number = |run: &String| !run.is_empty() && run.bytes().all(|byte| byte.is_ascii_digit());
    let what = if runs.iter().all(is_number) { What::Number } else { What::Bytes };
    let [first, second] = runs;
    (what, Some(at as u64), [View::bytes(first, bytes[0], at), View::bytes(second, bytes[1], at)])
}

/// The characters around a place; empty where there are none.
fn run_at(bytes: &[u8], at: usize) -> String {
    let is_character = |byte: &u8| (32..127).contains(byte);
    let at = at.min(bytes.len());
    let begin = bytes[..at].iter().rposition(|byte| !is_character(byte)).map_or(0, |before| before + 1);
    let begin = begin.max(at.saturating_sub(RUN / 2));
    let run: Vec<u8> = bytes[begin..].iter().copied().take_while(is_character).take(RUN).collect();
    if run.len() < 4 { String::new() } else { String::from_utf8_lossy(&run).into_owned() }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    if wanted.is_empty() { None } else { memchr::memmem::find(bytes, wanted) }
}
