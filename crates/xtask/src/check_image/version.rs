//! The version resource.

use object::LittleEndian as LE;
use object::pe;

use super::Outcome;
use super::Subject;

/// "VS_VERSION_INFO" stands at byte 6 of the resource, VS_FIXEDFILEINFO behind it on a 4-byte border.
const KEY: &str = "VS_VERSION_INFO";
const FIXED_INFO: usize = 40;
const SIGNATURE: u32 = 0xfeef_04bd;

pub(super) fn present(subject: &Subject<'_>) -> Outcome {
    match find(subject) {
        Some([major, minor, patch, build]) => Ok(format!("{major}.{minor}.{patch}.{build}")),
        None => Err(vec!["there is no version resource".to_owned()]),
    }
}

/// The file version of the first RT_VERSION resource.
fn find(subject: &Subject<'_>) -> Option<[u16; 4]> {
    let image = subject.image;
    let directory = image
        .pe
        .data_directories()
        .resource_directory(image.data, &image.pe.section_table())
        .ok()
        .flatten()?;
    let is_version =
        |entry: &&pe::ImageResourceDirectoryEntry| entry.name_or_id().id() == Some(pe::RT_VERSION);
    let kind = directory.root().ok()?.entries.iter().find(is_version)?.data(directory).ok()?.table()?;
    let name = kind.entries.first()?.data(directory).ok()?.table()?;
    let language = name.entries.first()?.data(directory).ok()?.data()?;

    let bytes = image.bytes(language.offset_to_data.get(LE), language.size.get(LE))?;
    let key: Vec<u8> = KEY.encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.get(6..)?.strip_prefix(&key[..])?;
    let fixed = bytes.get(FIXED_INFO..)?;
    let word = |index: usize| Some(u32::from_le_bytes(*fixed.get(index * 4..)?.first_chunk()?));
    let (high, low) = (word(2)?, word(3)?);
    let half = |value: u32, shift: u32| u16::try_from(value >> shift & 0xffff).ok();
    (word(0)? == SIGNATURE).then_some([half(high, 16)?, half(high, 0)?, half(low, 16)?, half(low, 0)?])
}
