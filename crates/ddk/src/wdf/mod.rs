//! KMDF beyond the header types: the call macro, the loader interface and the `*_INIT` functions.
//!
//! A framework function is an entry of a table that the loader hands out. [`wdf_call!`](crate::wdf_call)
//! reads the entry through [`slot`], which joins each function's index with its type, and passes the driver
//! globals first. It works alike on the stand-in's statics and on those of `wdk-sys`.
use core::marker::PhantomData;

use crate::nt;

mod init;
mod loader;

pub use init::*;
pub use loader::*;

/// Index and type of one framework function.
#[derive(Debug)]
pub struct Slot<F> {
    index: i32,
    function: PhantomData<F>,
}

impl<F: Copy> Slot<F> {
    /// The slot at `index`, which holds an `F`.
    ///
    /// # Safety
    /// `F` must be the type of the framework function at `index`.
    const unsafe fn new(index: i32) -> Self {
        Self { index, function: PhantomData }
    }

    /// The function's index in the table.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index.unsigned_abs() as usize
    }

    /// The function, from the table of the bound framework.
    ///
    /// # Safety
    /// The driver must be bound to the framework and the bound table must reach this slot.
    #[must_use]
    pub unsafe fn get(&self) -> F {
        // SAFETY: the entry stub stored the table before any framework call, per the caller; the slot is
        // inside it and its function has type F, per `new`.
        unsafe { nt::WdfFunctions.add(self.index()).cast::<F>().read() }
    }
}

/// Defines `pub const NAME: Slot<PFN>` for each function.
macro_rules! slots {
    ($( $name:ident: $index:ident, $function:path; )*) => { $(
        #[doc = concat!("Slot of `", stringify!($name), "`.")]
        // SAFETY: index and type come from the same header entry; the tests compare both with it.
        pub const $name: Slot<$function> = unsafe { Slot::new(index::$index) };
    )* };
}

pub mod slot;

/// Calls a framework function: `wdf_call!(WdfDriverCreate, driver, path, ..)`, without the driver globals.
///
/// To be used inside `unsafe`: the driver must be bound to the framework (between a successful
/// `WdfVersionBind` and `WdfVersionUnbind`), and the arguments must satisfy the function's own contract.
#[macro_export]
macro_rules! wdf_call {
    ($name:ident $(, $arg:expr)* $(,)?) => {
        ($crate::wdf::slot::$name.get().unwrap_unchecked())($crate::nt::WdfDriverGlobals $(, $arg)*)
    };
}
