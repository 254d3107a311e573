//! The Internet checksum (RFC 1071), and its change when a header field changes (RFC 1624).

/// A sum under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(u64);

impl Sum {
    /// Adds bytes; an odd last byte counts as if a zero followed, so only the last piece may be odd.
    #[must_use]
    pub fn with(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<2>();
        let sum = words.iter().fold(self.0, |sum, word| sum.wrapping_add(u16::from_be_bytes(*word).into()));
        let last = rest.first().map_or(0, |byte| u64::from(*byte) << 8);
        Self(sum.wrapping_add(last))
    }

    /// Adds the pseudo header of a transport: addresses, protocol and length.
    #[must_use]
    pub fn with_pseudo(self, source: &[u8], destination: &[u8], protocol: u8, length: u32) -> Self {
        let sum = self.with(source).with(destination).with(&length.to_be_bytes());
        sum.with(&[0, protocol])
    }

    /// The checksum to write into the header.
    #[must_use]
    pub fn finish(self) -> u16 {
        !fold(self.0)
    }
}

/// The checksum of a header after the word `old` in it became `new` (RFC 1624, equation 3).
#[must_use]
pub fn update(checksum: u16, old: u16, new: u16) -> u16 {
    !fold(u64::from(!checksum) + u64::from(!old) + u64::from(new))
}

fn fold(mut sum: u64) -> u16 {
    // Each pass brings the sum down by 16 bits, but for a carry.
    for _ in 0..4 {
        sum = (sum & 0xffff).wrapping_add(sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::default().with(&bytes).finish(), !0xddf2);
        assert_eq!(Sum::default().with(&[1]).finish(), !0x0100);
        assert_eq!(Sum::default().with(&[0xff; 65_534]).finish(), 0);
    }

    /// The corner case that RFC 1624 was written for.
    #[test]
    fn the_example_of_rfc_1624() {
        assert_eq!(update(0xdd2f, 0x5555, 0x3285), 0x0000);
    }

    #[test]
    fn an_update_equals_a_new_sum() {
        let mut header =
            [0x45, 0, 0, 60, 0x1c, 0x46, 0x40, 0, 0x40, 6, 0, 0, 172, 16, 10, 99, 172, 16, 10, 12];
        let sum = |header: &[u8; 20]| Sum::default().with(header).finish();
        let before = sum(&header);
        for tos in 0..=u8::MAX {
            header[1] = tos;
            assert_eq!(update(before, 0x4500, 0x4500 | u16::from(tos)), sum(&header));
        }
    }
}
