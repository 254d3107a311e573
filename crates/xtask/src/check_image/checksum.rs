//! The checksum in the PE optional header, which Windows verifies for every kernel image.

use anyhow::Context as _;
use anyhow::Result;

/// Where the field is: e_lfanew, then signature and file header, then 64 bytes into the optional header.
fn offset(image: &[u8]) -> Option<usize> {
    let header = u32::from_le_bytes(*image.get(0x3c..)?.first_chunk()?);
    let offset = usize::try_from(header).ok()?.checked_add(4 + 20 + 64)?;
    image.get(offset..)?.first_chunk::<4>()?;
    Some(offset)
}

/// The checksum that the image states, and the one it should state.
pub fn stated_and_computed(image: &[u8]) -> Result<(u32, u32)> {
    let at = offset(image).context("the file is too short for a PE header")?;
    let field = at..at + 4;
    let mut stated = [0; 4];
    let mut sum = 0_u32;
    for (index, word) in image.chunks(2).enumerate() {
        if field.contains(&(index * 2)) {
            stated[index * 2 - at..][..2].copy_from_slice(word);
            continue;
        }
        sum += u32::from(u16::from_le_bytes([word[0], word.get(1).copied().unwrap_or(0)]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let length = u32::try_from(image.len()).context("the file is larger than a PE image can be")?;
    Ok((u32::from_le_bytes(stated), sum.wrapping_add(length)))
}

/// Writes the right checksum into the image.
pub fn write(image: &mut [u8]) -> Result<()> {
    let (_, computed) = stated_and_computed(image)?;
    let at = offset(image).context("the file is too short for a PE header")?;
    image[at..at + 4].copy_from_slice(&computed.to_le_bytes());
    Ok(())
}
