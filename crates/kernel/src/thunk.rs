//! Generic functions with the kernel's calling convention.

/// Defines generic `unsafe extern` functions; `ddk::abi_fn!` for functions with one type parameter.
macro_rules! thunk {
    ($(
        $(#[$meta:meta])*
        unsafe fn $name:ident<$param:ident: $bound:path>($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
    )*) => { $(
        $(#[$meta])*
        #[cfg(any(windows, not(target_arch = "x86_64")))]
        unsafe extern "C" fn $name<$param: $bound>($($arg: $ty),*) $(-> $ret)? $body
        $(#[$meta])*
        #[cfg(not(any(windows, not(target_arch = "x86_64"))))]
        unsafe extern "win64" fn $name<$param: $bound>($($arg: $ty),*) $(-> $ret)? $body
    )* };
}
