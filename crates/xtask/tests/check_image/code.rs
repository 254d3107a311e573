//! Instructions, panic paths, names and paths that may not be in the image.

use xtask::arch::Arch;
use xtask::check_image::Symbols;
use xtask::check_image::checksum;

use crate::built::BOTH;
use crate::built::Built;

/// Whether a name belongs to a function with code of its own.
fn has_code(symbols: &Symbols, name: &str) -> bool {
    symbols.functions.values().any(|symbol| symbol.name == name)
}

#[test]
fn instructions_must_be_in_the_baseline() {
    let instructions: [(&[u8], &str); 8] = [
        (&[0xc5, 0xfc, 0x58, 0xc0], "VEX encoded (AVX)"), // vaddps ymm0, ymm0, ymm0
        (&[0xc5, 0xf9, 0xef, 0xc0], "VEX encoded (AVX)"), // vpxor xmm0, xmm0, xmm0
        (&[0x62, 0xf1, 0x7c, 0x48, 0x58, 0xc0], "EVEX encoded (AVX-512)"), // vaddps zmm0, zmm0, zmm0
        (&[0xd9, 0xe8], "x87 instruction"),               // fld1
        (&[0xdf, 0xe0], "x87 instruction"),               // fnstsw ax
        (&[0x0f, 0x6f, 0xc1], "MMX register"),            // movq mm0, mm1
        (&[0xf3, 0x0f, 0xb8, 0xc0], "not in every x64 processor"), // popcnt eax, eax
        (&[0x06], "no instruction"),                      // push es
    ];
    for (code, text) in instructions {
        let mut built = Built::load(Arch::X64);
        built.patch_code(code, &[0x90]);
        built.assert_fails(&["instructions"], text);
    }
}

#[test]
fn atomics_must_be_in_the_baseline() {
    const NOP: [u8; 4] = 0xd503_201f_u32.to_le_bytes();
    // ldadd x0, x0, [x1]; swpal w1, w2, [x0]; ldaprb w0, [x1]; cas x0, x0, [x1]; casp x0, x1, x2, x3, [x1]
    for word in [0xf820_0020_u32, 0xb8e1_8002, 0x38bf_c020, 0xc8a0_7c20, 0x4820_7c22] {
        let mut built = Built::load(Arch::Arm64);
        built.patch_code(&word.to_le_bytes(), &NOP);
        built.assert_fails(&["instructions"], &format!("{word:08x} is an atomic"));
    }
    // ldaxr w0, [x1]; stlxr w2, w0, [x1]; ldar w0, [x1]; stxp w0, x2, x3, [x1]
    for word in [0x885f_fc20_u32, 0x8802_fc20, 0x88df_fc20, 0xc820_0c22] {
        let mut built = Built::load(Arch::Arm64);
        built.patch_code(&word.to_le_bytes(), &NOP);
        checksum::write(&mut built.image).expect("a PE file");
        let problems = built.new_problems();
        assert!(problems.is_empty(), "{word:08x}: {problems:?}");
    }
}

#[test]
fn panics_must_not_be_linked() {
    for arch in BOTH {
        for name in [
            "panic_fmt",
            "panicking",
            "slice_index_fail",
            "unwrap_failed",
            "panic_bounds_check",
            "handle_alloc_error",
        ] {
            let mut built = Built::load(arch);
            built.rename_symbol(name, |_, _| true);
            built.assert_fails_as_is(&["panics"], name);
        }
    }
}

#[test]
fn panics_must_not_hide_in_inlined_code() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        built.rename_symbol("panic_fmt", |symbols, name| !has_code(symbols, name));
        let symbols = Symbols::read(&built.pdb).expect("a PDB");
        let code_of_its_own = symbols.functions.values().find(|symbol| symbol.name.contains("panic_fmt"));
        assert!(code_of_its_own.is_none(), "{code_of_its_own:?}");
        built.assert_fails_as_is(&["panics"], "panic_fmt");
    }
}

#[test]
fn symbols_must_belong_to_the_image() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        let at = built.image.windows(4).position(|window| window == b"RSDS").expect("a CodeView record");
        built.image[at + 4] ^= 1;
        built.assert_fails(&["symbols"], "another image");
    }
}

#[test]
fn paths_of_the_build_machine_must_not_be_in_the_image() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        // The DOS stub again.
        built.patch(0x40, b".cargo/registry");
        built.assert_fails(&["paths"], ".cargo/registry");
    }
}
