//! Licences, as their texts are found.
//!
//! A text is called by an SPDX identifier only where it says all that the identifier does. The text of a GPL does not say
//! whether later versions may be chosen, so that it is told by its title.

use std::fmt;

use crate::base::Sha256;

/// A licence text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licence {
    /// Where it is in the source.
    pub path: String,
    /// The text.
    pub text: String,
}

/// What a licence text is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LicenceName {
    /// It is the one that SPDX has under this identifier.
    Spdx(&'static str),
    /// It has this title, and more is not certain.
    Titled(&'static str),
    /// Nobody here knows it.
    Unknown,
}

impl fmt::Display for LicenceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spdx(name) | Self::Titled(name) => name,
            Self::Unknown => "another text",
        })
    }
}

/// Phrases, all of which a text must have; the first that fits is it. In small letters, with single blanks.
const KNOWN: &[(LicenceName, &[&str])] = {
    use LicenceName::{Spdx, Titled};
    &[
        (Spdx("Apache-2.0"), &["apache license", "version 2.0, january 2004", "terms and conditions for use"]),
        (Spdx("MPL-2.0"), &["mozilla public license version 2.0", "1.1. \"contributor\""]),
        (
            Titled("GNU Affero General Public License 3"),
            &["gnu affero general public license version 3, 19 november 2007", "terms and conditions"],
        ),
        (
            Titled("GNU Lesser General Public License 3"),
            &["gnu lesser general public license version 3, 29 june 2007", "additional definitions"],
        ),
        (
            Titled("GNU General Public License 3"),
            &["gnu general public license version 3, 29 june 2007", "terms and conditions"],
        ),
        (
            Titled("GNU Lesser General Public License 2.1"),
            &["gnu lesser general public license version 2.1, february 1999", "terms and conditions for copying"],
        ),
        (
            Titled("GNU Library General Public License 2"),
            &["gnu library general public license version 2, june 1991", "terms and conditions for copying"],
        ),
        (
            Titled("GNU General Public License 2"),
            &["gnu general public license version 2, june 1991", "terms and conditions for copying"],
        ),
        (
            Titled("GNU Free Documentation License"),
            &["gnu free documentation license", "applicability and definitions"],
        ),
        (Spdx("BSL-1.0"), &["boost software license - version 1.0", "permission is hereby granted, free of charge"]),
        (Spdx("Unlicense"), &["this is free and unencumbered software released into the public domain"]),
        (Spdx("CC0-1.0"), &["cc0 1.0 universal", "affirmer"]),
        (Titled("Python Software Foundation License"), &["python software foundation license version 2", "psf"]),
        (
            Titled("OpenSSL License"),
            &["this product includes software developed by the openssl project", "redistributions of source code"],
        ),
        (
            Spdx("Zlib"),
            &[
                "provided 'as-is', without any express or implied warranty",
                "altered source versions must be plainly marked",
                "may not be removed or altered from any source distribution",
            ],
        ),
        (
            Spdx("ISC"),
            &[
                "permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted",
                "the software is provided \"as is\" and the author disclaims",
            ],
        ),
        (
            Titled("BSD, with an advertising clause"),
            &["redistributions of source code must retain", "all advertising materials mentioning"],
        ),
        (
            Spdx("BSD-3-Clause"),
            &[
                "redistributions of source code must retain",
                "redistributions in binary form must reproduce",
                "to endorse or promote products derived from this software without specific prior written permission",
            ],
        ),
        (
            Spdx("BSD-2-Clause"),
            &[
                "redistributions of source code must retain",
                "redistributions in binary form must reproduce",
                "this software is provided by",
            ],
        ),
        (
            Spdx("MIT"),
            &[
                "permission is hereby granted, free of charge, to any person obtaining a copy",
                "the above copyright notice and this permission notice",
                "the software is provided \"as is\", without warranty of any kind",
            ],
        ),
    ]
};
/// A text with more words than this has other things in it than the licence that is found first.
const WORDS_OF_SHORT_ONES: usize = 450;

impl Licence {
    /// What it is called.
    pub fn name(&self) -> LicenceName {
        let plain = self
            .text
            .replace(['\u{201c}', '\u{201d}'], "\"")
            .replace(['\u{2018}', '\u{2019}', '`'], "'")
            .to_lowercase();
        let words: Vec<&str> =
            plain.split_whitespace().filter(|word| !matches!(*word, "*" | "#" | "//" | "--")).collect();
        let text = words.join(" ");
        let fits = |phrases: &[&str]| phrases.iter().all(|phrase| text.contains(phrase));
        let found = KNOWN.iter().filter(|(_, phrases)| fits(phrases)).map(|(name, _)| *name);
        match found.collect::<Vec<_>>().as_slice() {
            [] => LicenceName::Unknown,
            [LicenceName::Spdx(short @ ("MIT" | "ISC" | "Zlib" | "BSD-2-Clause" | "BSD-3-Clause")), ..]
                if words.len() > WORDS_OF_SHORT_ONES =>
            {
                LicenceName::Titled(
                    SEVERAL.iter().find(|(id, _)| id == short).map_or("several licences", |(_, name)| name),
                )
            }
            [first, ..] => *first,
        }
    }

    /// A short name of the text, the same for the same text.
    pub fn id(&self) -> String {
        Sha256::of(&self.text).to_string()[..16].to_owned()
    }
}

/// What texts are called that have a short licence among others.
const SEVERAL: [(&str, &str); 5] = [
    ("MIT", "MIT, among others"),
    ("ISC", "ISC, among others"),
    ("Zlib", "Zlib, among others"),
    ("BSD-2-Clause", "BSD-2-Clause, among others"),
    ("BSD-3-Clause", "BSD-3-Clause, among others"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> LicenceName {
        Licence { path: "COPYING".to_owned(), text: text.to_owned() }.name()
    }

    #[test]
    fn texts_are_known_by_what_they_say() {
        let mit = "Copyright 2020 A. N. Author\n\nPermission is hereby granted, free of charge, to any person obtaining a\n \
                   copy of this.\nThe above copyright notice and this permission notice shall be included.\n\
                   THE SOFTWARE IS PROVIDED \u{201c}AS IS\u{201d}, WITHOUT WARRANTY OF ANY KIND.";
        assert_eq!(name(mit), LicenceName::Spdx("MIT"));
        assert_eq!(name(&(mit.to_owned() + &" and more".repeat(400))), LicenceName::Titled("MIT, among others"));
        let gpl = "GNU GENERAL PUBLIC LICENSE\n  Version 3, 29 June 2007\n TERMS AND CONDITIONS";
        assert_eq!(name(gpl), LicenceName::Titled("GNU General Public License 3"));
        assert_eq!(name("All rights reserved."), LicenceName::Unknown);
    }
}
