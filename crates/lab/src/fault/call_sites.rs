//! The places in an image that call the lab, and those among them that a run came by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};
use serde::{Deserialize, Serialize};

use crate::export::Meta;
use crate::pe::{self, Image};
use crate::{verifier, wdf};

/// A place in an image's code that calls the lab.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeSite {
    /// Offset of the return address, or of the jump that a call in tail position became.
    pub offset: u32,
    /// The function that is called: `DLL!Function`.
    pub export: String,
    /// Whether the call is a jump: then nobody's return address tells of it.
    pub jump: bool,
    /// Where that is in the source.
    pub text: String,
}

/// A call that a run made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Made {
    /// The function that was called: `DLL!Function`.
    pub export: String,
    /// Offset in the image of the return address; none if a routine that the lab called ended in a jump.
    pub offset: Option<u32>,
}

/// DLL and name of an export, and the offset of a return address.
type Reached = (&'static str, &'static str, Option<u32>);

/// The calls that were made.
static REACHED: Mutex<BTreeSet<Reached>> = Mutex::new(BTreeSet::new());

/// Notes a driver's call.
pub(crate) fn reach(meta: &'static Meta, caller: usize) {
    let offset = pe::find(caller).map(|image| (caller - image.base) as u32);
    REACHED.lock().unwrap_or_else(PoisonError::into_inner).insert((meta.dll, meta.name, offset));
}

/// The calls that drivers made so far.
pub(super) fn reached() -> Vec<Made> {
    let reached = REACHED.lock().unwrap_or_else(PoisonError::into_inner);
    reached
        .iter()
        .map(|(dll, name, offset)| Made { export: format!("{dll}!{name}"), offset: *offset })
        .collect()
}

/// Where a driver keeps the address of the framework's function table, or 0.
static FRAMEWORK: AtomicUsize = AtomicUsize::new(0);

/// Tells where a driver keeps the address of the framework's function table: its calls go through it.
pub(crate) fn framework_table(place: usize) {
    FRAMEWORK.store(place, Ordering::Relaxed);
}

/// What a place in the code calls.
enum Target {
    /// The import with this slot of the table.
    Import(u32),
    /// The function at this offset of the table whose address this variable holds.
    Table { variable: u32, offset: u32 },
}

/// A place in the code that calls something.
pub(super) struct Candidate {
    offset: u32,
    jump: bool,
    target: Target,
    text: String,
}

/// The sites among `candidates`, now that it is known where `image` keeps the framework's table.
pub(super) fn resolve(image: &Image, candidates: &[Candidate]) -> Vec<CodeSite> {
    let table = FRAMEWORK.load(Ordering::Relaxed).wrapping_sub(image.base);
    let sites = candidates.iter().filter_map(|candidate| {
        let export = match candidate.target {
            Target::Import(slot) => image.import(slot)?.to_owned(),
            Target::Table { variable, offset } if variable as usize == table => {
                format!("WDF!{}", wdf::TABLE_NAMES.lines().nth(offset as usize / 8)?)
            }
            Target::Table { .. } => return None,
        };
        let Candidate { offset, jump, text, .. } = candidate;
        Some(CodeSite { offset: *offset, export, jump: *jump, text: text.clone() })
    });
    sites.collect()
}

/// Every place in the code of `image` that calls an import or calls through a table.
pub(super) fn of_image(image: &Image) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (start, code) in image.code() {
        // What the registers hold: the contents of these variables.
        let mut held: BTreeMap<Register, u32> = BTreeMap::new();
        for instruction in Decoder::with_ip(64, code, u64::from(start), DecoderOptions::NONE) {
            if let Some(target) = target(&instruction, &held) {
                let jump = instruction.mnemonic() == Mnemonic::Jmp;
                let offset = if jump { instruction.ip() } else { instruction.next_ip() } as u32;
                let inside = image.base + instruction.ip() as usize + 1;
                found.push(Candidate { offset, jump, target, text: verifier::locate(inside) });
            }
            follow(&instruction, &mut held);
        }
    }
    found
}

/// What `instruction` calls.
fn target(instruction: &Instruction, held: &BTreeMap<Register, u32>) -> Option<Target> {
    match instruction.code() {
        Code::Call_rm64 | Code::Jmp_rm64 => {}
        _ => return None,
    }
    match instruction.op0_kind() {
        OpKind::Memory if instruction.is_ip_rel_memory_operand() => {
            Some(Target::Import(instruction.ip_rel_memory_address() as u32))
        }
        OpKind::Memory if instruction.memory_index() == Register::None => Some(Target::Table {
            variable: *held.get(&instruction.memory_base())?,
            offset: instruction.memory_displacement64() as u32,
        }),
        OpKind::Register => Some(Target::Import(*held.get(&instruction.op0_register())?)),
        _ => None,
    }
}

/// Follows loads of variables into registers in the order of the code, up to the padding between functions.
fn follow(instruction: &Instruction, held: &mut BTreeMap<Register, u32>) {
    if instruction.mnemonic() == Mnemonic::Int3 {
        held.clear();
    }
    if instruction.op0_kind() != OpKind::Register
        || !matches!(instruction.mnemonic(), Mnemonic::Mov | Mnemonic::Lea)
    {
        return;
    }
    let register = instruction.op0_register();
    if instruction.code() == Code::Mov_r64_rm64 && instruction.is_ip_rel_memory_operand() {
        held.insert(register, instruction.ip_rel_memory_address() as u32);
    } else {
        held.remove(&register.full_register());
    }
}
