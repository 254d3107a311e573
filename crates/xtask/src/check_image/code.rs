//! The instructions: nothing that an old processor lacks, or that needs registers which the kernel does not save.

use iced_x86::CpuidFeature;
use iced_x86::Decoder;
use iced_x86::DecoderOptions;
use iced_x86::EncodingKind;
use iced_x86::Instruction;
use iced_x86::InstructionInfoFactory;

use crate::arch::Arch;

use super::Image;
use super::Outcome;
use super::Subject;
use super::Symbols;
use super::outcome;

/// What every x64 processor that runs Windows 10 has, and what the kernel lets drivers use.
const BASELINE: &[CpuidFeature] = &[
    CpuidFeature::INTEL8086,
    CpuidFeature::INTEL8086_ONLY,
    CpuidFeature::INTEL186,
    CpuidFeature::INTEL286,
    CpuidFeature::INTEL386,
    CpuidFeature::INTEL486,
    CpuidFeature::X64,
    CpuidFeature::CPUID,
    CpuidFeature::CMOV,
    CpuidFeature::CX8,
    CpuidFeature::CMPXCHG16B,
    CpuidFeature::MULTIBYTENOP,
    CpuidFeature::PAUSE,
    CpuidFeature::PREFETCHW,
    CpuidFeature::CLFSH,
    CpuidFeature::TSC,
    CpuidFeature::SSE,
    CpuidFeature::SSE2,
    CpuidFeature::SSE3,
    // Decoded as no-ops where the feature is absent.
    CpuidFeature::CET_IBT,
];

pub(super) fn instructions(subject: &Subject<'_>) -> Outcome {
    let ranges = ranges(subject.image, subject.symbols).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let mut count = 0_u64;
    for (begin, size) in ranges {
        let Some(code) = subject.image.bytes(begin, size) else {
            problems.push(format!("the code of {} lies outside the file", subject.symbols.place(begin)));
            continue;
        };
        match subject.image.arch {
            Arch::X64 => x64(subject.symbols, begin, code, &mut problems, &mut count),
            Arch::Arm64 => arm64(subject.symbols, begin, code, &mut problems, &mut count),
        }
    }
    let limit = match subject.image.arch {
        Arch::X64 => "SSE3",
        Arch::Arm64 => "the atomics of ARMv8.0",
    };
    outcome(problems, format!("{count} decoded, none beyond {limit}"))
}

fn x64(symbols: &Symbols, begin: u32, code: &[u8], problems: &mut Vec<String>, count: &mut u64) {
    let mut info = InstructionInfoFactory::new();
    for instruction in &mut Decoder::with_ip(64, code, u64::from(begin), DecoderOptions::NONE) {
        *count += 1;
        if let Some(reason) = objection(&instruction, &mut info) {
            let place = u32::try_from(instruction.ip()).map(|rva| symbols.place(rva)).unwrap_or_default();
            problems.push(format!("{place}: {:?} {reason}", instruction.code()));
            if instruction.is_invalid() {
                // What follows would be decoded out of step.
                break;
            }
        }
    }
}

/// Windows 10 runs on ARMv8.0. Floats and vectors are part of it and open to drivers, so what a compiler could slip in
/// are the atomics of ARMv8.1 and the acquire loads of ARMv8.3.
fn arm64(symbols: &Symbols, begin: u32, code: &[u8], problems: &mut Vec<String>, count: &mut u64) {
    for (rva, bytes) in (begin..).step_by(4).zip(code.chunks_exact(4)) {
        *count += 1;
        let word = bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte));
        let compare_and_swap = word & 0x3fa0_7c00 == 0x08a0_7c00;
        let compare_and_swap_pair = word & 0xbfa0_7c00 == 0x0820_7c00;
        let read_modify_write = word & 0x3f20_0c00 == 0x3820_0000;
        if compare_and_swap || compare_and_swap_pair || read_modify_write {
            problems
                .push(format!("{}: {word:08x} is an atomic of a later ARM than v8.0", symbols.place(rva)));
        }
    }
}

/// Code of the exception directory, and of leaf functions, which only the PDB knows.
fn ranges(image: &Image<'_>, symbols: &Symbols) -> Result<Vec<(u32, u32)>, String> {
    let functions = image.functions()?;
    let mut ranges: Vec<(u32, u32)> =
        functions.iter().map(|function| (function.begin, function.size)).collect();
    let covered = |rva: u32| {
        functions.iter().any(|function| (function.begin..function.begin + function.size).contains(&rva))
    };
    let leaves = symbols.functions.iter().filter(|(rva, symbol)| symbol.size != 0 && !covered(**rva));
    ranges.extend(leaves.map(|(rva, symbol)| (*rva, symbol.size)));
    ranges.sort_unstable();
    Ok(ranges)
}

/// Why a kernel driver may not contain an instruction.
fn objection(instruction: &Instruction, info: &mut InstructionInfoFactory) -> Option<&'static str> {
    if instruction.is_invalid() {
        return Some("is no instruction");
    }
    match instruction.encoding() {
        EncodingKind::Legacy => {}
        EncodingKind::VEX => return Some("is VEX encoded (AVX)"),
        EncodingKind::EVEX => return Some("is EVEX encoded (AVX-512)"),
        _ => {
            return Some("is an extension of one vendor");
        }
    }
    let registers = info.info(instruction).used_registers();
    if registers.iter().any(|used| used.register().is_mm()) {
        return Some("uses an MMX register");
    }
    let features = instruction.cpuid_features();
    if features
        .iter()
        .any(|feature| matches!(feature, CpuidFeature::FPU | CpuidFeature::FPU287 | CpuidFeature::FPU387))
    {
        return Some("is an x87 instruction");
    }
    features.iter().any(|feature| !BASELINE.contains(feature)).then_some("is not in every x64 processor")
}
