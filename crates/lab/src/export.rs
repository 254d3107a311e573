//! Declares functions that drivers import: the checked and the bare entry, the IRQL rule and the type check.

use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::cpu::{self, Frame};
use crate::{schedule, trace, verifier};

/// What the lab knows about one export besides its code.
#[derive(Debug)]
pub struct Meta {
    /// The importing name of the DLL, as it stands in a driver's import table.
    pub dll: &'static str,
    /// The exported name.
    pub name: &'static str,
    /// The IRQLs at which the export may be called.
    pub irql: RangeInclusive<u8>,
    /// The rule that a call at another IRQL breaks.
    pub rule: &'static str,
}

/// The address of an export: code or data.
#[derive(Clone, Copy, Debug)]
pub struct Address(*const ());

// SAFETY: an address of immutable code, or of data whose owner synchronises access.
unsafe impl Sync for Address {}
// SAFETY: as above.
unsafe impl Send for Address {}

impl Address {
    /// Wraps the address of a function or of exported data.
    pub const fn new(address: *const ()) -> Self {
        Self(address)
    }

    /// The address as it is written into an import table.
    pub fn get(self) -> usize {
        self.0 as usize
    }
}

/// One entry of a DLL's export table.
#[derive(Clone, Copy, Debug)]
pub struct Export {
    /// The DLL that exports it.
    pub dll: &'static str,
    /// The exported name.
    pub name: &'static str,
    /// Entry with the IRQL rule and the record of the caller.
    pub checked: Address,
    /// Entry with the body alone, for measurements.
    pub bare: Address,
}

impl Export {
    /// Whether the lab notices a call: not those of [`Export::raw`].
    pub fn tells(&self) -> bool {
        self.checked.get() != self.bare.get()
    }

    /// An export whose entry needs no checks, such as hand-written assembly or data.
    pub const fn raw(dll: &'static str, name: &'static str, address: *const ()) -> Self {
        Self { dll, name, checked: Address::new(address), bare: Address::new(address) }
    }
}

/// A running call from a driver into an export; ends when dropped.
#[derive(Debug)]
pub struct Call(PhantomData<*const ()>);

impl Call {
    /// Starts a call: remembers who called and checks the IRQL rule.
    ///
    /// Only the wrapper that [`exports!`](crate::exports) generates calls this, right after its assembly
    /// entry has stored the caller.
    #[inline]
    pub fn enter(meta: &'static Meta) -> Self {
        Self::enter_with(meta, &[])
    }

    /// As [`Call::enter`], with the first bytes of the arguments for the trace.
    #[inline]
    pub fn enter_with(meta: &'static Meta, arguments: &[u64]) -> Self {
        let entry = cpu::last_entry();
        cpu::push_call(Frame { meta: Some(meta), ..entry });
        trace::record(meta, entry.caller, arguments);
        let irql = cpu::irql();
        if !meta.irql.contains(&irql) {
            verifier::violation(
                meta.rule,
                &format!(
                    "{}!{} called at IRQL {irql}, allowed are {} to {}",
                    meta.dll,
                    meta.name,
                    meta.irql.start(),
                    meta.irql.end()
                ),
            );
        }
        schedule::point();
        if HOOKED.load(Ordering::Relaxed) {
            before(meta);
        }
        Self(PhantomData)
    }
}

type Hook = Box<dyn FnMut(&'static Meta) + Send>;

/// Whether there is a hook: one flag, to spare other calls the lock.
static HOOKED: AtomicBool = AtomicBool::new(false);
static HOOK: Mutex<Option<Hook>> = Mutex::new(None);

/// From now on runs `hook` before every call of a driver, on its thread and at its IRQL, for what is to happen at
/// some point of a driver's life. Calls that come while it runs, on whatever thread, pass by it.
pub fn hook_calls(hook: impl FnMut(&'static Meta) + Send + 'static) {
    *HOOK.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
    HOOKED.store(true, Ordering::Relaxed);
}

/// Ends [`hook_calls`].
pub fn unhook_calls() {
    HOOKED.store(false, Ordering::Relaxed);
    HOOK.lock().unwrap_or_else(PoisonError::into_inner).take();
}

fn before(meta: &'static Meta) {
    let taken = HOOK.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut hook) = taken else { return };
    hook(meta);
    if HOOKED.load(Ordering::Relaxed) {
        *HOOK.lock().unwrap_or_else(PoisonError::into_inner) = Some(hook);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        cpu::pop_call();
        schedule::point();
    }
}

/// Declares the exports of one DLL.
///
/// ```text
/// lab::exports! {
///     /// Exports of the kernel's lock functions.
///     pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::sig;
///
///     /// Documentation.
///     irql(0..=2) fn KeInitializeSpinLock(lock: *mut u64) {
///         // SAFETY: ...
///         unsafe { *lock = 0 };
///     }
///     /// A function for which `ddk` declares no signature, with its own IRQL rule.
///     irql(0..=0, "G-18") untyped fn ZwClose(handle: usize) -> i32 { 0 }
/// }
/// ```
///
/// Every function becomes an `unsafe extern "win64" fn` of that name (the bare entry, callable from Rust) and
/// an entry of the table. The checked entry that the table names records the caller's return address, stack
/// and frame pointer, checks the IRQL, and then runs the same body.
#[macro_export]
macro_rules! exports {
    (
        $(#[$table_meta:meta])*
        $vis:vis static $table:ident: $dll:literal $(, sig $sig:path)?;
        $($rest:tt)*
    ) => {
        $crate::exports!(@split [$(#[$table_meta])* $vis $table $dll] [$($sig)?] [] $($rest)*);
    };
    // Typed function.
    (@split $head:tt [$sig:path] [$($done:tt)*]
        $(#[$meta:meta])* irql($irql:expr $(, $rule:literal)?)
        fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
        $($rest:tt)*
    ) => {
        $crate::exports!(@split $head [$sig]
            [$($done)* { [$(#[$meta])*] [$irql] [$($rule)?] $name [$($arg: $ty),*] [$($ret)?] $body
                [const _: () = { use $sig as declared; let _: declared::$name = $name; };] }]
            $($rest)*);
    };
    (@split $head:tt $sig:tt [$($done:tt)*]
        $(#[$meta:meta])* irql($irql:expr $(, $rule:literal)?)
        untyped fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
        $($rest:tt)*
    ) => {
        $crate::exports!(@split $head $sig
            [$($done)* { [$(#[$meta])*] [$irql] [$($rule)?] $name [$($arg: $ty),*] [$($ret)?] $body [] }]
            $($rest)*);
    };
    (@split [$(#[$table_meta:meta])* $vis:vis $table:ident $dll:literal] $sig:tt
        [$({ [$(#[$meta:meta])*] [$irql:expr] [$($rule:literal)?] $name:ident
            [$($arg:ident: $ty:ty),*] [$($ret:ty)?] $body:block [$($check:tt)*] })*]
    ) => {
        $(
            $(#[$meta])*
            ///
            /// # Safety
            /// The caller keeps the contract that the function's DDI page states.
            #[allow(
                non_snake_case, unreachable_pub, clippy::too_many_arguments,
                reason = "named and shaped by the DDI; not every table is public"
            )]
            pub unsafe extern "win64" fn $name($($arg: $ty),*) $(-> $ret)? $body
            $($check)*
        )*

        $(#[$table_meta])*
        $vis static $table: &[$crate::export::Export] = &[$({
            static META: $crate::export::Meta = $crate::export::Meta {
                dll: $dll,
                name: stringify!($name),
                irql: $irql,
                rule: $crate::exports!(@rule $($rule)?),
            };
            #[allow(clippy::too_many_arguments, reason = "shaped by the DDI")]
            unsafe extern "win64" fn checked($($arg: $ty),*) $(-> $ret)? {
                let _call = $crate::export::Call::enter_with(&META, &[$($crate::trace::word(&$arg)),*]);
                // SAFETY: the driver's call is passed on unchanged; its contract is the callee's.
                unsafe { $name($($arg),*) }
            }
            // Stores who called (see `cpu::last_entry`); rax is free at a function's entry.
            #[unsafe(naked)]
            unsafe extern "win64" fn entry() {
                core::arch::naked_asm!(
                    "mov rax, [rsp]",
                    "mov gs:[{caller}], rax",
                    "mov gs:[{stack}], rsp",
                    "mov gs:[{frame}], rbp",
                    "jmp {checked}",
                    caller = const $crate::cpu::GS_CALLER,
                    stack = const $crate::cpu::GS_CALLER_STACK,
                    frame = const $crate::cpu::GS_CALLER_FRAME,
                    checked = sym checked,
                )
            }
            $crate::export::Export {
                dll: $dll,
                name: stringify!($name),
                checked: $crate::export::Address::new(entry as *const ()),
                bare: $crate::export::Address::new($name as *const ()),
            }
        }),*];
    };
    (@rule) => { "L-1" };
    (@rule $rule:literal) => { $rule };
}
