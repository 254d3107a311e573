//! Item macros that write the kernel's calling convention and prove layouts.

/// Defines nullable function pointer types: `pub type X = fn(a: A) -> R;` becomes `Option<unsafe extern .. fn(..)>`.
#[macro_export]
macro_rules! callback {
    ($( $(#[$meta:meta])* pub type $name:ident = fn($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)?; )*) => { $(
        $(#[$meta])*
        #[cfg(any(windows, not(target_arch = "x86_64")))]
        pub type $name = ::core::option::Option<unsafe extern "C" fn($($arg: $ty),*) $(-> $ret)?>;
        $(#[$meta])*
        #[cfg(not(any(windows, not(target_arch = "x86_64"))))]
        pub type $name = ::core::option::Option<unsafe extern "win64" fn($($arg: $ty),*) $(-> $ret)?>;
    )* };
}

/// Declares imported functions: `dll "X.SYS"; pub fn F(a: A) -> R; ...`, any number of DLLs.
///
/// Beside the functions it defines the module `sig` with the type of each function under the function's name, and
/// the table `IMPORTS` of (DLL, function). One invocation per module.
#[macro_export]
macro_rules! imports {
    ($(
        dll $dll:literal;
        $(
            $(#[$meta:meta])*
            pub fn $name:ident($($arg:ident : $ty:ty),* $(, ... $(@ $never:tt)?)? $(,)?) $(-> $ret:ty)?;
        )*
    )*) => {
        $(
            #[cfg(any(windows, not(target_arch = "x86_64")))]
            #[cfg_attr(windows, link(name = $dll, kind = "raw-dylib", modifiers = "+verbatim"))]
            unsafe extern "C" {
                $( $(#[$meta])* pub fn $name($($arg: $ty,)* $(... $($never)?)?) $(-> $ret)?; )*
            }
            #[cfg(not(any(windows, not(target_arch = "x86_64"))))]
            unsafe extern "win64" {
                $( $(#[$meta])* pub fn $name($($arg: $ty,)* $(... $($never)?)?) $(-> $ret)?; )*
            }
        )*

        /// The type of each imported function, under the function's name.
        pub mod sig {
            #[allow(unused_imports, reason = "not every module names a type of its parent")]
            use super::*;
            $( $(
                #[doc = concat!("Type of `", stringify!($name), "`.")]
                #[cfg(any(windows, not(target_arch = "x86_64")))]
                pub type $name = unsafe extern "C" fn($($arg: $ty,)* $(... $($never)?)?) $(-> $ret)?;
                #[doc = concat!("Type of `", stringify!($name), "`.")]
                #[cfg(not(any(windows, not(target_arch = "x86_64"))))]
                pub type $name = unsafe extern "win64" fn($($arg: $ty,)* $(... $($never)?)?) $(-> $ret)?;
            )* )*
        }

        /// (DLL, function) of every function declared here.
        pub const IMPORTS: &[(&str, &str)] = &[$( $( ($dll, stringify!($name)), )* )*];
    };
}

/// Defines functions with the kernel's calling convention; visibility, attributes and `unsafe` as written.
#[macro_export]
macro_rules! abi_fn {
    ($( $(#[$meta:meta])* $vis:vis unsafe fn $name:ident($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block )*) => { $(
        $(#[$meta])*
        #[cfg(any(windows, not(target_arch = "x86_64")))]
        $vis unsafe extern "C" fn $name($($arg: $ty),*) $(-> $ret)? $body
        $(#[$meta])*
        #[cfg(not(any(windows, not(target_arch = "x86_64"))))]
        $vis unsafe extern "win64" fn $name($($arg: $ty),*) $(-> $ret)? $body
    )* };
}

/// States size, alignment and for each field offset and size of a type; the compiler refuses a false statement.
///
/// The tests read these statements back from the source and compare them with the layouts of the C headers.
#[allow(unused_macros, reason = "unused while every layout is taken from wdk-sys")]
macro_rules! layout {
    ($( $ty:ident: $size:literal, $align:literal { $( $($path:ident).+ : $offset:literal, $bytes:literal; )* } )*) => { $(
        const _: () = {
            assert!(::core::mem::size_of::<$ty>() == $size, "size");
            assert!(::core::mem::align_of::<$ty>() == $align, "alignment");
            $(
                assert!(::core::mem::offset_of!($ty, $($path).+) == $offset, "offset");
                let whole = ::core::mem::MaybeUninit::<$ty>::uninit();
                // SAFETY: only the address of a field of a live local is taken; nothing is read.
                let field = unsafe { &raw const (*whole.as_ptr()).$($path).+ };
                assert!($crate::macros::size_behind(field) == $bytes, "field size");
            )*
        };
    )* };
}

/// Size of the type behind a pointer that is not read.
pub(crate) const fn size_behind<T>(_: *const T) -> usize {
    size_of::<T>()
}
