//! Walks a driver's stack with the unwind data of its image.

use crate::pe;

/// Registers as far as unwinding restores them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// Instruction pointer.
    pub rip: usize,
    /// rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15: the numbering of unwind codes.
    pub registers: [usize; 16],
}

const RSP: usize = 4;

impl Context {
    /// A context of which only the instruction, stack and frame pointers are known.
    pub fn new(rip: usize, rsp: usize, rbp: usize) -> Self {
        let mut registers = [0; 16];
        registers[RSP] = rsp;
        registers[5] = rbp;
        Self { rip, registers }
    }
}

/// The instruction pointers from `context` outwards, itself first, until the stack leaves driver images.
///
/// `readable` says whether eight bytes of stack at an address may be read.
pub fn trace(mut context: Context, readable: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut frames = Vec::new();
    while frames.len() < 64 && pe::find(context.rip).is_some() {
        frames.push(context.rip);
        match step(&context, &readable) {
            Some(caller) => context = caller,
            None => break,
        }
    }
    frames
}

/// Restores the registers of the caller of the function in which `context` stopped.
pub fn step(context: &Context, readable: &impl Fn(usize) -> bool) -> Option<Context> {
    let image = pe::find(context.rip)?;
    let mut caller = *context;
    let read = |address: usize| {
        // SAFETY: the caller says that the address can be read.
        readable(address).then(|| unsafe { (address as *const usize).read_unaligned() })
    };
    if let Some(function) = image.function(context.rip) {
        let mut unwind = function.unwind;
        let mut offset = context.rip - (image.base + function.begin as usize);
        loop {
            let chained = undo(image, unwind, offset, &mut caller, &read)?;
            match chained {
                Some(parent) => (unwind, offset) = (parent, usize::MAX),
                None => break,
            }
        }
    }
    // A leaf function, or all pushes undone: the return address is on top.
    caller.rip = read(caller.registers[RSP])?;
    caller.registers[RSP] += 8;
    Some(caller)
}

/// Undoes what one block of unwind codes describes, as far as the prologue had run at `offset`. Returns the
/// unwind data of the function part that this one is chained to.
fn undo(
    image: &pe::Image,
    unwind: u32,
    offset: usize,
    context: &mut Context,
    read: &impl Fn(usize) -> Option<usize>,
) -> Option<Option<u32>> {
    const PUSH_NONVOL: u8 = 0;
    const ALLOC_LARGE: u8 = 1;
    const ALLOC_SMALL: u8 = 2;
    const SET_FPREG: u8 = 3;
    const SAVE_NONVOL: u8 = 4;
    const SAVE_NONVOL_FAR: u8 = 5;
    const SAVE_XMM128: u8 = 8;
    const SAVE_XMM128_FAR: u8 = 9;
    const PUSH_MACHFRAME: u8 = 10;
    const CHAINED: u8 = 4;

    let byte = |at: u32| image.bytes::<1>(unwind.checked_add(at)?).map(|[byte]| byte);
    let word = |slot: u32| image.bytes::<2>(unwind.checked_add(4 + 2 * slot)?).map(u16::from_le_bytes);
    let flags = byte(0)? >> 3;
    let count = u32::from(byte(2)?);
    let frame = byte(3)?;
    let mut slot = 0;
    while slot < count {
        let [prologue, code] = word(slot)?.to_le_bytes();
        let (operation, info) = (code & 15, code >> 4);
        let done = offset >= usize::from(prologue);
        let operand = |at: u32| -> Option<usize> { word(slot + at).map(usize::from) };
        let far = || Some(operand(1)? | operand(2)? << 16);
        let slots = match operation {
            ALLOC_LARGE if info == 0 => 2,
            ALLOC_LARGE | SAVE_NONVOL_FAR | SAVE_XMM128_FAR => 3,
            SAVE_NONVOL | SAVE_XMM128 => 2,
            _ => 1,
        };
        if done {
            match operation {
                PUSH_NONVOL => {
                    context.registers[usize::from(info)] = read(context.registers[RSP])?;
                    context.registers[RSP] += 8;
                }
                ALLOC_LARGE if info == 0 => context.registers[RSP] += operand(1)? * 8,
                ALLOC_LARGE => context.registers[RSP] += far()?,
                ALLOC_SMALL => context.registers[RSP] += usize::from(info) * 8 + 8,
                SET_FPREG => {
                    let base = context.registers[usize::from(frame & 15)];
                    context.registers[RSP] = base.wrapping_sub(usize::from(frame >> 4) * 16);
                }
                SAVE_NONVOL => {
                    let at = context.registers[RSP] + operand(1)? * 8;
                    context.registers[usize::from(info)] = read(at)?;
                }
                SAVE_NONVOL_FAR => {
                    context.registers[usize::from(info)] = read(context.registers[RSP] + far()?)?;
                }
                PUSH_MACHFRAME => context.registers[RSP] += if info == 0 { 40 } else { 48 },
                _ => {}
            }
        }
        slot += slots;
    }
    if flags & CHAINED == 0 {
        return Some(None);
    }
    // A RUNTIME_FUNCTION follows the codes, at an even slot; its third word is the parent's unwind data.
    let parent = unwind + 4 + 2 * count.next_multiple_of(2) + 8;
    Some(Some(u32::from_le_bytes(image.bytes::<4>(parent)?)))
}
