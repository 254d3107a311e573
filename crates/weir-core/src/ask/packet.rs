//! Packets that wait for an answer.

use crate::wire::checksum::Sum;

/// Makes the IP header of a packet that was received fit the packet as it is now: the stack may have put it together
/// from fragments, and nobody computes the sum of its header again. False for what is not an IP packet.
#[must_use]
pub fn restore(packet: &mut [u8]) -> bool {
    match packet.first().map(|first| first >> 4) {
        Some(4) => restore_v4(packet).is_some(),
        Some(6) => restore_v6(packet).is_some(),
        _ => false,
    }
}

fn restore_v4(packet: &mut [u8]) -> Option<()> {
    let length = u16::try_from(packet.len()).ok()?;
    let header = usize::from(packet.first()? & 0xf) << 2;
    let header = packet.get_mut(..header)?;
    header.get_mut(2..4)?.copy_from_slice(&length.to_be_bytes());
    // More fragments and the offset; "don't fragment" stays.
    let flags = header.get_mut(6..8)?;
    flags.copy_from_slice(&(u16::from_be_bytes(*flags.first_chunk()?) & 0x4000).to_be_bytes());
    header.get_mut(10..12)?.fill(0);
    let sum = Sum::default().with(header).finish();
    header.get_mut(10..12)?.copy_from_slice(&sum.to_be_bytes());
    Some(())
}

fn restore_v6(packet: &mut [u8]) -> Option<()> {
    let length = u16::try_from(packet.len().checked_sub(40)?).ok()?;
    packet.get_mut(4..6)?.copy_from_slice(&length.to_be_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_fits_its_packet_again() {
        // "Don't fragment" and "more fragments", a wrong length, a wrong sum; one word of options.
        let mut packet = [0_u8; 40];
        packet[..12].copy_from_slice(&[0x46, 0, 0, 99, 1, 2, 0x60, 3, 64, 17, 7, 7]);
        packet[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        let before = packet;
        assert!(restore(&mut packet));
        assert_eq!((&packet[2..4], &packet[6..8]), (&[0, 40][..], &[0x40, 0][..]));
        assert_eq!(Sum::default().with(&packet[..24]).finish(), 0, "the sum is right");
        assert_eq!((&packet[12..], packet[9]), (&before[12..], 17), "nothing else changed");

        let mut packet = [0_u8; 60];
        packet[0] = 0x60;
        assert!(restore(&mut packet));
        assert_eq!(packet[4..6], [0, 20]);
    }

    #[test]
    fn every_length_is_survived() {
        for first in [0x45, 0x4f, 0x40, 0x60, 0x15] {
            for length in 0..64 {
                let mut packet = vec![first; length];
                let fits = match first >> 4 {
                    4 => length >= 12 && length >= usize::from(first & 0xf) * 4 && first & 0xf >= 3,
                    6 => length >= 40,
                    _ => false,
                };
                assert_eq!(restore(&mut packet), fits, "{first:#x} {length}");
            }
        }
    }
}
