//! The instructions of x64 code: nothing that needs register state which the kernel does not save for drivers.

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
    if subject.image.arch != Arch::X64 {
        // The base architecture has one register file for floats and vectors, and Windows lets ARM64 drivers use it.
        return Ok("nothing to exclude on ARM64".to_owned());
    }
    let ranges = ranges(subject.image, subject.symbols).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let mut count = 0_u64;
    let mut info = InstructionInfoFactory::new();
    for (begin, size) in ranges {
        let Some(code) = subject.image.bytes(begin, size) else {
            problems.push(format!("the code of {} lies outside the file", subject.symbols.place(begin)));
            continue;
        };
        let mut decoder = Decoder::with_ip(64, code, u64::from(begin), DecoderOptions::NONE);
        for instruction in &mut decoder {
            count += 1;
            if let Some(reason) = objection(&instruction, &mut info) {
                let place = u32::try_from(instruction.ip()).map(|rva| subject.symbols.place(rva));
                let place = place.unwrap_or_default();
                problems.push(format!("{place}: {:?} {reason}", instruction.code()));
                if instruction.is_invalid() {
                    // What follows would be decoded out of step.
                    break;
                }
            }
        }
    }
    outcome(problems, format!("{count} decoded, none beyond SSE3"))
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
