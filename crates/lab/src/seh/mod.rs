//! Structured exception handling: faults and raised statuses reach the `__except` and `__finally` blocks of
//! drivers.
//!
//! An exception starts with the registers at the fault, or at the call of a function that raises. A search
//! asks the language handler of every driver function on the stack, from the innermost outwards; once one
//! wants to handle it, a second pass runs the `__finally` blocks on the way, and the thread goes on in the
//! `__except` block. The walk ends where the stack leaves driver code: the lab's own functions have no
//! handlers and are never unwound, so an exception in a callback does not reach a `__try` around the call
//! that led to it.

mod context;
mod dispatch;
mod raise;

pub(crate) use context::{ContextRecord, Exception, ExceptionRecord, Fault};
pub(crate) use dispatch::deliver;
pub(crate) use raise::{Access, is_kernel, probe};

use crate::export::Export;

/// All export tables for exceptions.
pub fn exports() -> [&'static [Export]; 2] {
    [raise::EXPORTS, raise::CHECKED]
}

/// The driver read or wrote where it may not, or where nothing is.
pub(crate) const ACCESS_VIOLATION: u32 = 0xc000_0005;
/// An address does not have the alignment that was asked for.
pub(crate) const DATATYPE_MISALIGNMENT: u32 = 0x8000_0002;
/// A breakpoint instruction.
pub(crate) const BREAKPOINT: u32 = 0x8000_0003;
/// An instruction that the processor does not have.
pub(crate) const ILLEGAL_INSTRUCTION: u32 = 0xc000_001d;
/// A division by zero, or one whose result does not fit.
pub(crate) const DIVIDE_BY_ZERO: u32 = 0xc000_0094;
/// An instruction that is not allowed here.
pub(crate) const PRIVILEGED_INSTRUCTION: u32 = 0xc000_0096;
/// A failed assertion (`int 2c`).
pub(crate) const ASSERTION_FAILURE: u32 = 0xc000_0420;
