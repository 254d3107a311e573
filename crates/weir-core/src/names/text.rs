//! A host name as the network writes it.

use core::fmt;

/// A host name in lower case without the dot at its end: labels of 1 to 63 letters, digits, hyphens and underscores.
///
/// Names in other scripts have their ASCII form (`xn--...`), as they have on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name {
    bytes: [u8; Name::MAX],
    length: u8,
}

impl Name {
    /// Longest name (RFC 1035, 2.3.4, without the lengths of its labels).
    pub const MAX: usize = 253;
    /// Room for a name; none by itself.
    pub const EMPTY: Self = Self { bytes: [0; Self::MAX], length: 0 };
    /// Longest label.
    const MAX_LABEL: usize = 63;

    /// The name with these characters; `None` when they are no host name. An address is none either.
    #[must_use]
    pub fn new(characters: impl IntoIterator<Item = u8>) -> Option<Self> {
        let mut name = Self::EMPTY;
        name.read(characters).map(|()| name)
    }

    /// Becomes the name with these characters, in place: kernel stacks are small.
    pub fn read(&mut self, characters: impl IntoIterator<Item = u8>) -> Option<()> {
        self.length = 0;
        let (mut label, mut last_is_number) = (0, true);
        for character in characters {
            let character = character.to_ascii_lowercase();
            match character {
                b'.' if label == 0 => return None,
                b'.' => (label, last_is_number) = (0, true),
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' if label < Self::MAX_LABEL => {
                    label += 1;
                    last_is_number &= character.is_ascii_digit();
                }
                _ => return None,
            }
            *self.bytes.get_mut(usize::from(self.length))? = character;
            self.length = self.length.wrapping_add(1);
        }
        // A last label of digits makes it an IPv4 address (or nothing at all).
        (label != 0 && !last_is_number).then_some(())
    }

    /// The characters.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&[])
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(self.as_bytes()).unwrap_or("?"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_host_name() {
        let name = |text: &str| Name::new(text.bytes()).map(|name| format!("{name:?}"));
        for good in
            ["a", "www.example.com", "_dns.resolver.arpa", "xn--bcher-kva.example", "1e100.net", "3com"]
        {
            assert_eq!(name(good).as_deref(), Some(good));
        }
        assert_eq!(name("WWW.Example.COM").as_deref(), Some("www.example.com"));
        let long = "a".repeat(63);
        assert!(name(&long).is_some());
        assert!(name(&format!("{long}a")).is_none());
        let longest = format!("{long}.{long}.{long}.{}", &long[..61]);
        assert_eq!(longest.len(), Name::MAX);
        assert!(name(&longest).is_some());
        for bad in ["", ".", "a.", ".a", "a..b", "a b", "a\0", "192.0.2.1", "7", &format!("{longest}a")] {
            assert!(name(bad).is_none(), "{bad}");
        }
    }
}
