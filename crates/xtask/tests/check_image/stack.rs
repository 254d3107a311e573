//! Stack frames that are too deep, in every form in which an image describes them.

use object::pe;
use xtask::arch::Arch;
use xtask::check_image::Function;
use xtask::check_image::checksum;

use crate::built::BOTH;
use crate::built::Built;

/// Gives an x64 function one unwind code that allocates `bytes`.
fn allocate_x64(built: &mut Built, bytes: u16) {
    let slots = |function: &Function| built.image[built.offset(function.unwind.expect("x64 has it")) + 2];
    let function = built.function(|function| slots(function) >= 2);
    let unwind = built.offset(function.unwind.expect("x64 has it"));
    // UWOP_ALLOC_LARGE, whose size stands in the second slot in units of 8.
    built.patch(unwind + 2, &[2]);
    built.patch(unwind + 4, &[4, 1]);
    built.patch(unwind + 6, &(bytes / 8).to_le_bytes());
}

#[test]
fn stack_frames_must_not_be_above_1_kib_on_x64() {
    let mut built = Built::load(Arch::X64);
    allocate_x64(&mut built, 1024);
    checksum::write(&mut built.image).expect("a PE file");
    assert!(built.new_problems().is_empty(), "{:?}", built.new_problems());

    allocate_x64(&mut built, 1032);
    built.assert_fails(&["stack"], "1032 bytes of stack");
}

#[test]
fn huge_stack_frames_are_read_on_x64() {
    let mut built = Built::load(Arch::X64);
    let slots = |function: &Function| built.image[built.offset(function.unwind.expect("x64 has it")) + 2];
    let function = built.function(|function| slots(function) >= 3);
    let unwind = built.offset(function.unwind.expect("x64 has it"));
    built.patch(unwind + 2, &[3]);
    built.patch(unwind + 4, &[4, 0x11]);
    built.patch(unwind + 6, &0x0012_3450_u32.to_le_bytes());
    built.assert_fails(&["stack"], "takes 1193040 bytes");
}

/// Makes the unwind information of a roomy x64 function 512 bytes of its own, chained to that of `parent`.
fn chain_x64(built: &mut Built, parent: impl Fn(u32) -> u32) {
    let slots = |function: &Function| built.image[built.offset(function.unwind.expect("x64 has it")) + 2];
    let function = built.function(|function| slots(function) >= 8);
    let rva = function.unwind.expect("x64 has it");
    let unwind = built.offset(rva);
    // UNW_FLAG_CHAININFO alone, two slots, then the parent's RUNTIME_FUNCTION.
    let parent = parent(rva);
    built.patch(unwind, &[0x21, 0, 2, 0, 4, 1, 64, 0]);
    let entry = [function.begin, function.begin + function.size, parent].map(u32::to_le_bytes);
    built.patch(unwind + 8, entry.as_flattened());
}

#[test]
fn chained_unwind_information_adds_up_on_x64() {
    let mut built = Built::load(Arch::X64);
    let other = built.functions().into_iter().rev().find(|function| function.frame >= 32).expect("a frame");
    let unwind = other.unwind.expect("x64 has it");
    chain_x64(&mut built, |_| unwind);
    let at = built.offset(unwind);
    // UWOP_ALLOC_LARGE of 520 bytes: allowed by itself, too much together with the chained 512.
    built.patch(at + 2, &[2]);
    built.patch(at + 4, &[4, 1, 65, 0]);
    built.assert_fails(&["stack"], "takes 1032 bytes");
}

#[test]
fn unwind_information_chained_to_itself_is_refused_on_x64() {
    let mut built = Built::load(Arch::X64);
    chain_x64(&mut built, |own| own);
    built.assert_fails(&["pdata", "instructions", "stack"], "malformed");
}

#[test]
fn unwind_information_must_be_readable_on_x64() {
    let mut built = Built::load(Arch::X64);
    let unwind = built.offset(built.functions()[0].unwind.expect("x64 has it"));
    // Version 7 is none.
    built.image[unwind] |= 7;
    built.assert_fails(&["pdata", "instructions", "stack"], "malformed");
}

#[test]
fn stack_frames_must_not_be_above_1_kib_in_arm64_code() {
    const NOP: [u8; 4] = 0xd503_201f_u32.to_le_bytes();
    // sub sp, sp, #1024; sub sp, sp, #1040; sub sp, sp, x15
    for (instruction, text) in [
        (0xd110_03ff_u32, None),
        (0xd110_43ff, Some("takes 1040 bytes")),
        (0xcb2f_63ff, Some("takes 4294967295 bytes")),
    ] {
        let mut built = Built::load(Arch::Arm64);
        built.patch_code(&instruction.to_le_bytes(), &NOP);
        checksum::write(&mut built.image).expect("a PE file");
        match text {
            None => assert!(built.new_problems().is_empty(), "{:?}", built.new_problems()),
            Some(text) => built.assert_fails_as_is(&["stack"], text),
        }
    }
}

#[test]
fn stack_frames_must_not_be_above_1_kib_in_arm64_unwind_codes() {
    let mut built = Built::load(Arch::Arm64);
    let header = |function: &Function| {
        let at = built.offset(function.unwind?);
        Some((at, u32::from_le_bytes(built.image[at..at + 4].try_into().ok()?)))
    };
    // One word of header, at least one of codes, and no epilogue records between the two.
    let simple = |function: &Function| {
        header(function).is_some_and(|(_, word)| word >> 27 >= 1 && word >> 21 & 1 == 1)
    };
    let function = built.function(simple);
    let (at, _) = header(&function).expect("it has one");
    // alloc_m 65 * 16; end
    built.patch(at + 4, &[0xc0, 65, 0xe4]);
    built.assert_fails(&["stack"], "takes 1040 bytes");
}

#[test]
fn stack_frames_must_not_be_above_1_kib_in_packed_arm64_unwind_data() {
    let mut built = Built::load(Arch::Arm64);
    let at = built.directory(pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION);
    let table = built.offset(u32::from_le_bytes(built.image[at..at + 4].try_into().expect("four bytes")));
    let functions = built.functions();
    let index =
        functions.iter().position(|function| function.size < 0x2000).expect("a function of less than 8 KiB");
    // Flag 1, length in words, frame in units of 16.
    let packed = 1 | ((functions[index].size / 4) << 2) | (65 << 23);
    built.patch(table + index * 8 + 4, &packed.to_le_bytes());
    built.assert_fails(&["stack"], "takes 1040 bytes");
}

#[test]
fn stack_probes_must_not_be_linked() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        built.rename_symbol("__chkstk", |_, _| true);
        built.assert_fails_as_is(&["stack"], "__chkstk");
    }
}
