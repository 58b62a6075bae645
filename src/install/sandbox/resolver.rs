//! The name server of a sandbox: every name has an address there, so that whoever asked goes on to say which port it
//! wants. The addresses are of a range for tests (RFC 2544), to which there is no way from inside.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Where the addresses begin: 198.18.0.0/15.
const FIRST: u32 = 0xc612_0000;
const COUNT: u32 = 1 << 17;
/// Types and class of RFC 1035, section 3.2.
const A: u16 = 1;
const INTERNET: u16 = 1;
/// Bytes of a message's header (section 4.1.1).
const HEADER: usize = 12;

/// Names and their addresses.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    names: Vec<String>,
    numbers: BTreeMap<String, u32>,
}

/// The question of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// The name, without the dot at its end, in small letters.
    pub(super) name: String,
    kind: u16,
    class: u16,
    /// Where it ends in the message.
    end: usize,
}

impl Question {
    /// Reads the one question of a message (sections 4.1.1 and 4.1.2).
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let is_query = message.len() > HEADER && message[2] & 0x80 == 0;
        if !is_query || message[4..6] != [0, 1] {
            return None;
        }
        let (mut labels, mut at) = (Vec::new(), HEADER);
        loop {
            let length = usize::from(*message.get(at)?);
            at += 1;
            match length {
                0 => break,
                1..=63 => labels.push(String::from_utf8_lossy(message.get(at..at + length)?).to_lowercase()),
                _ => return None,
            }
            at += length;
        }
        let number = |at: usize| Some(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]));
        let (kind, class) = (number(at)?, number(at + 2)?);
        Some(Self { name: labels.join("."), kind, class, end: at + 4 })
    }

    /// Whether it is about the sandbox itself, and so about nothing outside.
    pub(super) fn is_own(&self) -> bool {
        let own = ["", "localhost", "hardtack", "ip6-localhost", "ip6-loopback", "1.0.0.127.in-addr.arpa"];
        own.contains(&self.name.as_str()) || self.name.ends_with(".localhost") || self.name.ends_with(".ip6.arpa")
    }
}

impl Resolver {
    /// The answer to a question: for names of others an address of version 4, and nothing of all else.
    pub(super) fn answer(&mut self, message: &[u8], question: &Question) -> Vec<u8> {
        let mut answer = message[..question.end.min(message.len())].to_vec();
        // An answer, recursion available, no error.
        (answer[2], answer[3]) = (0x80 | message[2] & 1, 0x80);
        let address = (question.kind == A && question.class == INTERNET && !question.is_own())
            .then(|| self.address(&question.name))
            .flatten();
        answer[6..HEADER].copy_from_slice(&[0, u8::from(address.is_some()), 0, 0, 0, 0]);
        if let Some(address) = address {
            // The name of the question, type, class, a second to live, the length of what follows.
            answer.extend([0xc0, HEADER as u8, 0, A as u8, 0, INTERNET as u8, 0, 0, 0, 1, 0, 4]);
            answer.extend(address.octets());
        }
        answer
    }

    fn address(&mut self, name: &str) -> Option<Ipv4Addr> {
        let next = self.names.len() as u32 + 1;
        let number = match self.numbers.get(name) {
            Some(number) => *number,
            None if next < COUNT => {
                self.names.push(name.to_owned());
                self.numbers.insert(name.to_owned(), next);
                next
            }
            None => return None,
        };
        Some(Ipv4Addr::from(FIRST + number))
    }

    /// The name that an address was given for.
    pub(super) fn name_of(&self, address: IpAddr) -> Option<&str> {
        let IpAddr::V4(address) = address else { return None };
        let index = u32::from(address).checked_sub(FIRST + 1)?;
        self.names.get(usize::try_from(index).ok()?).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u8) -> Vec<u8> {
        let mut message = vec![7, 8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(label.len() as u8);
            message.extend(label.bytes());
        }
        message.extend([0, 0, kind, 0, 1]);
        message
    }

    #[test]
    fn names_get_addresses_that_lead_back_to_them() {
        let mut resolver = Resolver::default();
        let mut ask = |name: &str, kind: u8| {
            let message = query(name, kind);
            let question = Question::read(&message).expect("a question");
            (question.is_own(), resolver.answer(&message, &question))
        };
        let (own, first) = ask("Downloads.example", 1);
        assert!(!own && first.ends_with(&[0, 4, 198, 18, 0, 1]) && first[7] == 1);
        assert!(ask("other.example", 1).1.ends_with(&[198, 18, 0, 2]));
        assert!(ask("downloads.example", 1).1.ends_with(&[198, 18, 0, 1]));
        // Of the next version there is nothing, but the name is there.
        let (_, answer) = ask("downloads.example", 28);
        assert!(answer[7] == 0 && answer[3] == 0x80);
        assert!(ask("localhost", 1).0 && ask("hardtack", 28).0);
        assert_eq!(resolver.name_of(IpAddr::from([198, 18, 0, 2])), Some("other.example"));
        assert_eq!(resolver.name_of(IpAddr::from([198, 18, 0, 3])), None);
        assert_eq!(resolver.name_of(IpAddr::from([192, 0, 2, 1])), None);
    }

    #[test]
    fn what_is_no_question_gets_no_answer() {
        let whole = query("a.example", 1);
        for length in 0..whole.len() {
            assert_eq!(Question::read(&whole[..length]), None, "{length}");
        }
        let mut answer = whole.clone();
        answer[2] |= 0x80;
        let mut pointer = whole.clone();
        pointer[HEADER] = 0xc0;
        assert_eq!((Question::read(&answer), Question::read(&pointer)), (None, None));
    }
}
