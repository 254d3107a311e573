//! Walks a driver's stack with the unwind data of its image.

use crate::ntoskrnl::memory;
use crate::pe;

/// Registers as far as unwinding restores them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// Instruction pointer.
    pub rip: usize,
    /// rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15: the numbering of unwind codes.
    pub registers: [usize; 16],
    /// xmm0 to xmm15.
    pub xmm: [u128; 16],
}

/// Index of the stack pointer.
pub const RSP: usize = 4;

/// A function on a driver's stack, as its exception handler sees it.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Address of its entry in the exception directory.
    pub entry: usize,
    /// Where its frame begins.
    pub establisher: usize,
    /// Its handler, if it has one and its prologue has run.
    pub handler: Option<Handler>,
}

/// The language's handler of a function.
#[derive(Clone, Copy, Debug)]
pub struct Handler {
    /// Address of its code.
    pub routine: usize,
    /// Address of its data.
    pub data: usize,
    /// Whether it wants to hear of exceptions.
    pub exceptions: bool,
    /// Whether it wants to hear when its function is left.
    pub unwinding: bool,
}

impl Context {
    /// A context of which only the instruction, stack and frame pointers are known.
    pub fn new(rip: usize, rsp: usize, rbp: usize) -> Self {
        let mut registers = [0; 16];
        registers[RSP] = rsp;
        registers[5] = rbp;
        Self { rip, registers, xmm: [0; 16] }
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
    step_frame(context, readable).map(|(caller, _)| caller)
}

/// Like [`step`], and describes the function's frame; a leaf function has none.
pub fn step_frame(context: &Context, readable: &impl Fn(usize) -> bool) -> Option<(Context, Option<Frame>)> {
    let mut caller = *context;
    let read = |address: usize| {
        // SAFETY: the caller says that the address can be read.
        readable(address).then(|| unsafe { (address as *const usize).read_unaligned() })
    };
    let mut frame = None;
    // The memory functions of the lab count as leaf functions of the driver that called them.
    if !memory::contains(context.rip) {
        let image = pe::find(context.rip)?;
        if let Some((entry, function)) = image.function_entry(context.rip) {
            let mut offset = context.rip - (image.base + function.begin as usize);
            let mut unwind = function.unwind;
            let establisher = establisher(image, unwind, offset, context)?;
            let handler = loop {
                let prologue = usize::from(image.bytes::<4>(unwind)?[1]);
                match undo(image, unwind, offset, establisher, &mut caller, &read)? {
                    Next::Parent(parent) => (unwind, offset) = (parent, usize::MAX),
                    Next::Handler(handler) => break handler.filter(|_| offset >= prologue),
                }
            };
            frame = Some(Frame { entry, establisher, handler });
        }
    }
    // A leaf function, or all pushes undone: the return address is on top.
    caller.rip = read(caller.registers[RSP])?;
    caller.registers[RSP] += 8;
    Some((caller, frame))
}

/// Where the frame of the function at `context` begins: where its frame pointer says, if it is set already.
fn establisher(image: &pe::Image, unwind: u32, offset: usize, context: &Context) -> Option<usize> {
    let [flags, prologue, count, frame] = image.bytes::<4>(unwind)?;
    let register = usize::from(frame & 15);
    let set_up = || {
        // Inside the prologue, the instruction that sets the frame pointer has to lie behind.
        (0..u32::from(count)).any(|slot| {
            image
                .bytes::<2>(unwind + 4 + 2 * slot)
                .is_some_and(|[at, code]| code & 15 == SET_FPREG && offset >= usize::from(at))
        })
    };
    let past = offset >= usize::from(prologue) || flags >> 3 & CHAINED != 0;
    Some(if register != 0 && (past || set_up()) {
        context.registers[register].wrapping_sub(usize::from(frame >> 4) * 16)
    } else {
        context.registers[RSP]
    })
}

const PUSH_NONVOL: u8 = 0;
const ALLOC_LARGE: u8 = 1;
const ALLOC_SMALL: u8 = 2;
const SET_FPREG: u8 = 3;
const SAVE_NONVOL: u8 = 4;
const SAVE_NONVOL_FAR: u8 = 5;
const SAVE_XMM128: u8 = 8;
const SAVE_XMM128_FAR: u8 = 9;
const PUSH_MACHFRAME: u8 = 10;
/// Flags of a block of unwind data.
const EXCEPTIONS: u8 = 1;
const UNWINDING: u8 = 2;
const CHAINED: u8 = 4;

/// What follows the codes of a block of unwind data.
enum Next {
    /// The unwind data of the function part that this one is chained to.
    Parent(u32),
    /// The handler of the function.
    Handler(Option<Handler>),
}

/// Undoes what one block of unwind codes describes, as far as the prologue had run at `offset`. Saved
/// registers lie relative to `base`, where the frame begins.
fn undo(
    image: &pe::Image,
    unwind: u32,
    offset: usize,
    base: usize,
    context: &mut Context,
    read: &impl Fn(usize) -> Option<usize>,
) -> Option<Next> {
    let byte = |at: u32| image.bytes::<1>(unwind.checked_add(at)?).map(|[byte]| byte);
    let word = |slot: u32| image.bytes::<2>(unwind.checked_add(4 + 2 * slot)?).map(u16::from_le_bytes);
    let flags = byte(0)? >> 3;
    let count = u32::from(byte(2)?);
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
        let wide = |at: usize| Some(read(at)? as u128 | (read(at + 8)? as u128) << 64);
        if done {
            match operation {
                PUSH_NONVOL => {
                    context.registers[usize::from(info)] = read(context.registers[RSP])?;
                    context.registers[RSP] += 8;
                }
                ALLOC_LARGE if info == 0 => context.registers[RSP] += operand(1)? * 8,
                ALLOC_LARGE => context.registers[RSP] += far()?,
                ALLOC_SMALL => context.registers[RSP] += usize::from(info) * 8 + 8,
                SET_FPREG => context.registers[RSP] = base,
                SAVE_NONVOL => context.registers[usize::from(info)] = read(base + operand(1)? * 8)?,
                SAVE_NONVOL_FAR => context.registers[usize::from(info)] = read(base + far()?)?,
                SAVE_XMM128 => context.xmm[usize::from(info)] = wide(base + operand(1)? * 16)?,
                SAVE_XMM128_FAR => context.xmm[usize::from(info)] = wide(base + far()?)?,
                PUSH_MACHFRAME => context.registers[RSP] += if info == 0 { 40 } else { 48 },
                _ => {}
            }
        }
        slot += slots;
    }
    let behind = unwind + 4 + 2 * count.next_multiple_of(2);
    let number = |at: u32| image.bytes::<4>(at).map(u32::from_le_bytes);
    if flags & CHAINED != 0 {
        // A RUNTIME_FUNCTION follows the codes; its third word is the parent's unwind data.
        return Some(Next::Parent(number(behind + 8)?));
    }
    if flags & (EXCEPTIONS | UNWINDING) == 0 {
        return Some(Next::Handler(None));
    }
    Some(Next::Handler(Some(Handler {
        routine: image.base + number(behind)? as usize,
        data: image.base + behind as usize + 4,
        exceptions: flags & EXCEPTIONS != 0,
        unwinding: flags & UNWINDING != 0,
    })))
}
