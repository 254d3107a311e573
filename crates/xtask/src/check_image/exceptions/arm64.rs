//! Unwind information of ARM64 images: <https://learn.microsoft.com/cpp/build/arm64-exception-handling>.

use super::Function;
use super::Image;
use super::word;

/// Reads the directory. `Err` is the address of the function that cannot be read.
pub(super) fn functions(image: &Image<'_>, table: &[u8]) -> Result<Vec<Function>, u32> {
    table
        .chunks_exact(8)
        .map(|entry| {
            let begin = word(entry, 0).unwrap_or(0);
            let data = word(entry, 1).unwrap_or(0);
            let mut function = match data & 3 {
                0 => unpacked(image, begin, data).ok_or(begin)?,
                1 | 2 => packed(begin, data),
                _ => return Err(begin),
            };
            // What is allocated after the frame pointer is set has no unwind code: the instructions count.
            let code = image.bytes(begin, function.size).ok_or(begin)?;
            function.frame = function.frame.max(allocated(code));
            Ok(function)
        })
        .collect()
}

/// Adds up the instructions that move the stack pointer down.
fn allocated(code: &[u8]) -> u32 {
    let words = code.chunks_exact(4).filter_map(|bytes| Some(u32::from_le_bytes(*bytes.first_chunk()?)));
    words.fold(0, |sum, word| sum.saturating_add(allocation(word)))
}

/// The bytes that one instruction takes from the stack; all for one that takes an unknown number.
fn allocation(word: u32) -> u32 {
    /// The stack pointer as base register, and as source and destination.
    const BASE_SP: u32 = 31 << 5;
    const SP_SP: u32 = 31 << 5 | 31;
    // A pre-indexed store takes as much as its signed offset is negative.
    let pre_index = |shift: u32, bits: u32, unit: u32| {
        let field = word >> shift & ((1 << bits) - 1);
        if field >> (bits - 1) == 0 { 0 } else { ((1 << bits) - field) * unit }
    };
    match word {
        // sub sp, sp, #imm{, lsl #12}
        _ if word & 0xff80_03ff == 0xd100_0000 | SP_SP => (word >> 10 & 0xfff) << (12 * (word >> 22 & 1)),
        // sub sp, sp, xN
        _ if word & 0xffe0_03ff == 0xcb20_0000 | SP_SP => u32::MAX,
        // stp x, x, [sp, #imm]! and stp d, d, [sp, #imm]!
        _ if matches!(word & 0xffc0_03e0, 0xa980_03e0 | 0x6d80_03e0) => pre_index(15, 7, 8),
        // stp q, q, [sp, #imm]!
        _ if word & 0xffc0_03e0 == 0xad80_0000 | BASE_SP => pre_index(15, 7, 16),
        // str x, [sp, #imm]!, str d and str q
        _ if matches!(word & 0xffe0_0fe0, 0xf800_0fe0 | 0xfc00_0fe0 | 0x3c80_0fe0) => pre_index(12, 9, 1),
        _ => 0,
    }
}

/// A canonical prologue, described by the directory entry itself.
fn packed(begin: u32, data: u32) -> Function {
    let size = (data >> 2 & 0x7ff) * 4;
    let frame = (data >> 23) * 16;
    Function { begin, size, frame, unwind: None }
}

/// A function with a record in .xdata.
fn unpacked(image: &Image<'_>, begin: u32, unwind: u32) -> Option<Function> {
    let record = image.tail(unwind)?;
    let header = word(record, 0)?;
    let size = (header & 0x3_ffff) * 4;
    let single_epilogue = header >> 21 & 1 != 0;
    let (mut epilogues, mut code_words, mut words) = (header >> 22 & 31, header >> 27, 1);
    if epilogues == 0 && code_words == 0 {
        let extension = word(record, 1)?;
        (epilogues, code_words, words) = (extension & 0xffff, extension >> 16 & 0xff, 2);
    }
    if !single_epilogue {
        words += epilogues;
    }
    let codes =
        record.get(usize::try_from(words).ok()? * 4..)?.get(..usize::try_from(code_words).ok()? * 4)?;
    Some(Function { begin, size, frame: prologue(codes)?, unwind: Some(unwind) })
}

/// Adds up the codes that move the stack pointer, up to the end of the prologue.
fn prologue(codes: &[u8]) -> Option<u32> {
    let mut frame = 0_u32;
    let mut rest = codes;
    loop {
        let (&code, tail) = rest.split_first()?;
        let (operands, bytes) = match code {
            // alloc_s
            0x00..=0x1f => (0, u32::from(code) * 16),
            // save_r19r20_x
            0x20..=0x3f => (0, u32::from(code & 0x1f) * 8),
            // save_fplr
            0x40..=0x7f => (0, 0),
            // save_fplr_x
            0x80..=0xbf => (0, (u32::from(code & 0x3f) + 1) * 8),
            // alloc_m
            0xc0..=0xc7 => (1, (u32::from(code & 7) << 8 | u32::from(*tail.first()?)) * 16),
            // save_regp_x
            0xcc..=0xcf => (1, pre_indexed(*tail.first()?, 6)),
            // save_reg_x
            0xd4 | 0xd5 => (1, pre_indexed(*tail.first()?, 5)),
            // save_fregp_x
            0xda | 0xdb => (1, pre_indexed(*tail.first()?, 6)),
            // save_freg_x
            0xde => (1, pre_indexed(*tail.first()?, 5)),
            // save_regp, save_reg, save_lrpair, save_fregp, save_freg
            0xc8..=0xcb | 0xd0..=0xd3 | 0xd6..=0xd9 | 0xdc | 0xdd => (1, 0),
            // alloc_l
            0xe0 => {
                let &[high, middle, low] = tail.first_chunk()?;
                (3, u32::from_be_bytes([0, high, middle, low]) * 16)
            }
            // set_fp, nop, save_next, pac_sign_lr
            0xe1 | 0xe3 | 0xe6 | 0xfc => (0, 0),
            // add_fp
            0xe2 => (1, 0),
            // save_any_reg: the second byte's bit 5 says pre-indexed, in units of 16.
            0xe7 => {
                let &[register, offset] = tail.first_chunk()?;
                (2, if register & 0x20 != 0 { (u32::from(offset & 0x3f) + 1) * 16 } else { 0 })
            }
            // end, end_c
            0xe4 | 0xe5 => return Some(frame),
            // Reserved, SVE, and frames that only the kernel itself builds.
            _ => return None,
        };
        frame = frame.checked_add(bytes)?;
        rest = tail.get(operands..)?;
    }
}

/// The allocation of a pre-indexed store: the low `bits` of its operand, less one, in units of 8.
fn pre_indexed(operand: u8, bits: u32) -> u32 {
    (u32::from(operand) & ((1 << bits) - 1)) * 8 + 8
}

#[cfg(test)]
mod tests {
    use super::allocation;
    use super::prologue;

    #[test]
    fn adds_up_every_form_of_allocation() {
        let codes: &[(&[u8], u32)] = &[
            (&[0xe4], 0),
            (&[0x02, 0xe4], 32),
            (&[0x24, 0x42, 0xe2, 0x02, 0xe4], 32),
            (&[0x81, 0xe1, 0xe4], 16),
            (&[0xc1, 0x01, 0xe4], 257 * 16),
            (&[0xe0, 0x00, 0x01, 0x00, 0xe4], 256 * 16),
            (&[0xcc, 0x05, 0xe4], 48),
            (&[0xd4, 0x01, 0xe4], 16),
            (&[0xda, 0x03, 0xe4], 32),
            (&[0xde, 0x01, 0xe4], 16),
            (&[0xe7, 0x20, 0x01, 0xe5], 32),
            (&[0xfc, 0xe3, 0xc8, 0xff, 0x01, 0xe4, 0x1f], 16),
        ];
        for (bytes, frame) in codes {
            assert_eq!(prologue(bytes), Some(*frame), "{bytes:02x?}");
        }
    }

    #[test]
    fn reads_every_instruction_that_allocates() {
        let instructions = [
            (0xd135_43ff, 3408),     // sub sp, sp, #3408
            (0xd140_0bff, 8192),     // sub sp, sp, #2, lsl #12
            (0xcb2f_63ff, u32::MAX), // sub sp, sp, x15
            (0xa9ba_53f3, 96),       // stp x19, x20, [sp, #-96]!
            (0x6dbe_27e8, 32),       // stp d8, d9, [sp, #-32]!
            (0xadbf_07e0, 32),       // stp q0, q1, [sp, #-32]!
            (0xf81f_0ffe, 16),       // str x30, [sp, #-16]!
            (0xfc1f_0fe8, 16),       // str d8, [sp, #-16]!
            (0x3c9f_0fe8, 16),       // str q8, [sp, #-16]!
            (0x9100_43fd, 0),        // add x29, sp, #16
            (0xa901_7bfd, 0),        // stp x29, x30, [sp, #16]
            (0xd100_43a0, 0),        // sub x0, x29, #16
            (0xa881_7bfd, 0),        // stp x29, x30, [sp], #16
        ];
        for (word, bytes) in instructions {
            assert_eq!(allocation(word), bytes, "{word:#010x}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for bytes in [&[][..], &[0x01], &[0xe0, 0x00], &[0xe8, 0xe4], &[0xdf, 0x01, 0xe4]] {
            assert_eq!(prologue(bytes), None, "{bytes:02x?}");
        }
    }
}
