//! Where the instructions of an image begin.

use std::collections::BTreeSet;

use iced_x86::{Decoder, DecoderOptions, Instruction, OpKind, Register};

use super::{BREAKPOINT, Loading};
use crate::symbols;

/// RVAs of the instructions of all functions, in order, without those that are breakpoints already.
///
/// Functions come from the exception directory and, for leaf functions, from the PDB. Compilers put the tables of
/// `switch` statements behind the code of a function: decoding ends at what an instruction of the image reads.
pub(super) fn instructions(image: &Loading<'_>) -> Vec<u32> {
    let functions = functions(image);
    let starts: BTreeSet<u32> = functions.iter().map(|(begin, _)| *begin).collect();
    let mut found = BTreeSet::new();
    let mut tables = BTreeSet::new();
    for (begin, end) in &functions {
        for instruction in decode(image, *begin, *end) {
            tables.extend(read(image, &instruction).filter(|rva| !starts.contains(rva)));
        }
    }
    for (begin, end) in &functions {
        let end = tables.range(*begin..*end).next().copied().unwrap_or(*end);
        let fits = |instruction: &Instruction| instruction.next_ip32() <= end;
        let code = decode(image, *begin, end).take_while(fits);
        found.extend(code.map(|instruction| instruction.ip32()));
    }
    let byte = |rva: u32| bytes(image, rva, rva + 1).first().copied();
    found.retain(|rva| byte(*rva).is_some_and(|byte| byte != BREAKPOINT));
    found.into_iter().collect()
}

/// RVAs of the first byte of each function and of the one behind it, in order and apart.
fn functions(image: &Loading<'_>) -> Vec<(u32, u32)> {
    let (at, size) = image.pdata;
    // SAFETY: the exception directory of a linked image lies inside it, and it is readable while it is loaded.
    let entries = unsafe {
        std::slice::from_raw_parts((image.base + at as usize) as *const [u32; 3], size as usize / 12)
    };
    let mut all: Vec<(u32, u32)> = entries.iter().map(|[begin, end, _]| (*begin, *end)).collect();
    all.extend(symbols::functions(image.pdb));
    all.retain(|(begin, end)| !bytes(image, *begin, *end).is_empty());
    all.sort_unstable();
    let mut covered = 0;
    all.retain(|(begin, end)| {
        let is_new = *begin >= covered;
        covered = covered.max(*end);
        is_new
    });
    all
}

/// The bytes of a range of code; none if it is not one.
fn bytes<'a>(image: &Loading<'a>, begin: u32, end: u32) -> &'a [u8] {
    let inside =
        |(start, size): &(u32, u32)| *start <= begin && begin < end && end <= start.saturating_add(*size);
    if !image.code.iter().any(inside) {
        return &[];
    }
    // SAFETY: inside a section of the image, which is readable while it is loaded, and which nobody changes meanwhile.
    unsafe { std::slice::from_raw_parts((image.base + begin as usize) as *const u8, (end - begin) as usize) }
}

/// Instructions one after the other, up to the first that is none.
fn decode<'a>(image: &Loading<'a>, begin: u32, end: u32) -> impl Iterator<Item = Instruction> + use<'a> {
    let code = bytes(image, begin, end);
    let mut decoder = Decoder::with_ip(64, code, u64::from(begin), DecoderOptions::NONE);
    std::iter::from_fn(move || decoder.can_decode().then(|| decoder.decode()))
        .take_while(|instruction| !instruction.is_invalid())
}

/// The place in code that an instruction reads or whose address it takes, if it does: relative to itself, or as an entry
/// of a table that it finds from the image's base.
fn read(image: &Loading<'_>, instruction: &Instruction) -> Option<u32> {
    if !(0..instruction.op_count()).any(|operand| instruction.op_kind(operand) == OpKind::Memory) {
        return None;
    }
    let relative = instruction.is_ip_rel_memory_operand();
    let indexed = instruction.memory_base() != Register::None && instruction.memory_index() != Register::None;
    let target = u32::try_from(match (relative, indexed) {
        (true, _) => instruction.ip_rel_memory_address(),
        (_, true) => instruction.memory_displacement64(),
        _ => return None,
    });
    target.ok().filter(|rva| !bytes(image, *rva, rva.saturating_add(1)).is_empty())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// RVA of the code.
    const CODE: u32 = 0x1000;

    /// The instructions of an image in memory whose only function is this code.
    fn found(code: &[u8], end: u32) -> Vec<u32> {
        let mut memory = vec![0_u8; 0x2000];
        memory[CODE as usize..][..code.len()].copy_from_slice(code);
        let entry: Vec<u8> = [CODE, CODE + end, 0].iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
        memory[..12].copy_from_slice(&entry);
        let image = Loading {
            path: Path::new("none.sys"),
            data: &[],
            pdb: Path::new("none.pdb"),
            base: memory.as_ptr() as usize,
            code: &[(CODE, 0x100)],
            pdata: (0, 12),
        };
        instructions(&image).into_iter().map(|rva| rva - CODE).collect()
    }

    #[test]
    fn a_table_behind_the_code_is_no_code() {
        let code = [
            // 0: mov ecx, [rdx + rax*4 + 0x100c]
            0x8b, 0x8c, 0x82, 0x0c, 0x10, 0x00, 0x00, //
            // 7: add rcx, rdx
            0x48, 0x01, 0xd1, //
            // 10: jmp rcx
            0xff, 0xe1, //
            // 12: the table, which could be taken for instructions
            0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,
        ];
        assert_eq!(found(&code, code.len() as u32), [0, 7, 10]);
        // lea rcx, [rip + 2]; jmp rcx; the table
        let code = [0x48, 0x8d, 0x0d, 0x02, 0x00, 0x00, 0x00, 0xff, 0xe1, 0x90, 0x90];
        assert_eq!(found(&code, code.len() as u32), [0, 7]);
    }

    #[test]
    fn code_that_only_looks_at_data_goes_on_to_its_end() {
        // mov eax, [rip + 0x2000]; a breakpoint of the driver's own; ret; half an instruction
        let code = [0x8b, 0x05, 0x00, 0x20, 0x00, 0x00, 0xcc, 0xc3, 0x48];
        assert_eq!(found(&code, code.len() as u32), [0, 7]);
        // A range that is no code at all.
        assert!(found(&code, 0x1_0000).is_empty());
    }
}
