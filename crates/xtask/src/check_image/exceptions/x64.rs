//! Unwind information of x64 images: <https://learn.microsoft.com/cpp/build/exception-handling-x64>.

use super::Function;
use super::Image;
use super::word;

/// Unwind chains are one or two links long; a longer one is a loop.
const LONGEST_CHAIN: u32 = 32;

/// Reads RUNTIME_FUNCTION entries. `Err` is the address of the function that cannot be read.
pub(super) fn functions(image: &Image<'_>, table: &[u8]) -> Result<Vec<Function>, u32> {
    table
        .chunks_exact(12)
        .map(|entry| {
            let field = |index| word(entry, index).unwrap_or(0);
            let (begin, end, unwind) = (field(0), field(1), field(2));
            let size = end.checked_sub(begin).filter(|&size| size != 0).ok_or(begin)?;
            let frame = frame(image, unwind, LONGEST_CHAIN).ok_or(begin)?;
            Ok(Function { begin, size, frame, unwind: Some(unwind) })
        })
        .collect()
}

/// Bytes that the prologue described at `unwind` pushes and allocates.
fn frame(image: &Image<'_>, unwind: u32, chain: u32) -> Option<u32> {
    const UNW_FLAG_CHAININFO: u8 = 4;
    const UWOP_PUSH_NONVOL: u8 = 0;
    const UWOP_ALLOC_LARGE: u8 = 1;
    const UWOP_ALLOC_SMALL: u8 = 2;
    const UWOP_SET_FPREG: u8 = 3;
    const UWOP_SAVE_NONVOL: u8 = 4;
    const UWOP_SAVE_NONVOL_FAR: u8 = 5;
    const UWOP_EPILOG: u8 = 6;
    const UWOP_SAVE_XMM128: u8 = 8;
    const UWOP_SAVE_XMM128_FAR: u8 = 9;
    const UWOP_PUSH_MACHFRAME: u8 = 10;

    let info = image.tail(unwind)?;
    let [version_flags, _prologue, count, _register] = *info.first_chunk()?;
    if !matches!(version_flags & 7, 1 | 2) {
        return None;
    }
    let codes = info.get(4..)?.get(..usize::from(count) * 2)?;
    let mut slots = codes.chunks_exact(2).map(|slot| [slot[0], slot[1]]);
    let mut frame = 0_u32;
    while let Some([_, code]) = slots.next() {
        let argument = u32::from(code >> 4);
        let mut slot = || slots.next().map(|pair| u32::from(u16::from_le_bytes(pair)));
        let bytes = match code & 15 {
            UWOP_PUSH_NONVOL => 8,
            UWOP_ALLOC_LARGE if argument == 0 => slot()? * 8,
            UWOP_ALLOC_LARGE => slot()? | slot()? << 16,
            UWOP_ALLOC_SMALL => argument * 8 + 8,
            UWOP_SET_FPREG | UWOP_EPILOG => 0,
            UWOP_SAVE_NONVOL | UWOP_SAVE_XMM128 => slot().map(|_| 0)?,
            UWOP_SAVE_NONVOL_FAR | UWOP_SAVE_XMM128_FAR => slot().and_then(|_| slot()).map(|_| 0)?,
            UWOP_PUSH_MACHFRAME => 40 + argument * 8,
            _ => return None,
        };
        frame = frame.checked_add(bytes)?;
    }
    if version_flags >> 3 & UNW_FLAG_CHAININFO != 0 {
        // The parent's RUNTIME_FUNCTION stands behind the codes, whose number is rounded up to even.
        let parent = info.get(4 + usize::from(count).next_multiple_of(2) * 2..)?;
        frame = frame.checked_add(self::frame(image, word(parent, 2)?, chain.checked_sub(1)?)?)?;
    }
    Some(frame)
}
