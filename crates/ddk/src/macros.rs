//! Item macros that write the kernel's calling convention and prove layouts.

/// Defines nullable function pointer types: `pub type X = fn(a: A) -> R;` becomes `Option<unsafe extern ..
/// fn(..)>`.
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
/// Beside the functions it defines the module `sig` with the type of each function under the function's
/// name, and the table `IMPORTS` of (DLL, function). One invocation per module.
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
        #[allow(unreachable_pub, reason = "a parent re-exports it")]
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
        #[allow(unreachable_pub, reason = "a parent re-exports it")]
        pub const IMPORTS: &[(&str, &str)] = &[$( $( ($dll, stringify!($name)), )* )*];
    };
}

/// Defines functions with the kernel's calling convention; visibility, attributes and `unsafe` as written.
#[macro_export]
macro_rules! abi_fn {
    ($(
        $(#[$meta:meta])*
        $vis:vis unsafe fn $name:ident($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
    )*) => { $(
        $(#[$meta])*
        #[cfg(any(windows, not(target_arch = "x86_64")))]
        $vis unsafe extern "C" fn $name($($arg: $ty),*) $(-> $ret)? $body
        $(#[$meta])*
        #[cfg(not(any(windows, not(target_arch = "x86_64"))))]
        $vis unsafe extern "win64" fn $name($($arg: $ty),*) $(-> $ret)? $body
    )* };
}

/// Declares types of which only pointers are passed around.
macro_rules! opaque {
    ($($name:ident),* $(,)?) => { $(
        #[doc = concat!("Opaque: only pointers to `", stringify!($name), "` are exchanged.")]
        #[repr(C)]
        #[derive(Debug)]
        pub struct $name { _unused: [u8; 0] }
    )* };
}

/// Accessors for C bit fields: `TYPE.storage: T { Name set_Name: offset, width; }`, offsets from the low bit.
macro_rules! bitfields {
    ($(
        $ty:ident.$storage:ident: $word:ty { $( $get:ident $set:ident: $offset:literal, $width:literal; )* }
    )*) => { $(
        impl $ty { $(
            #[doc = concat!("Bit field, ", stringify!($width), " wide at bit ", stringify!($offset), ".")]
            #[must_use]
            pub const fn $get(&self) -> $word {
                (self.$storage >> $offset) & (<$word>::MAX >> (<$word>::BITS - $width))
            }
            #[doc = concat!("Sets [`Self::", stringify!($get), "`]; bits that do not fit are dropped.")]
            pub const fn $set(&mut self, value: $word) {
                let mask = (<$word>::MAX >> (<$word>::BITS - $width)) << $offset;
                self.$storage = (self.$storage & !mask) | ((value << $offset) & mask);
            }
        )* }
    )* };
}

/// `Default` as `wdk-sys` has it for C types: all zero.
#[cfg_attr(all(windows, feature = "wdk"), allow(unused_macros, reason = "wdk-sys brings its own"))]
macro_rules! zeroed_default {
    ($($ty:ident),* $(,)?) => { $(
        impl Default for $ty {
            fn default() -> Self {
                // SAFETY: a C type made of integers, nullable pointers and arrays or unions of them: zero
                // is valid.
                unsafe { ::core::mem::zeroed() }
            }
        }
    )* };
}

/// States size, alignment and for each field offset and size of a type; the compiler refuses a false
/// statement.
///
/// The tests read these statements back from the source and compare them with the layouts of the C headers.
macro_rules! layout {
    ($(
        $ty:ident: $size:literal, $align:literal { $( $($path:ident).+: $offset:literal, $bytes:literal; )* }
    )*) => { $(
        const _: () = {
            assert!(::core::mem::size_of::<$ty>() == $size, concat!("size of ", stringify!($ty)));
            assert!(::core::mem::align_of::<$ty>() == $align, concat!("alignment of ", stringify!($ty)));
            $(
                assert!(
                    ::core::mem::offset_of!($ty, $($path).+) == $offset,
                    concat!("offset of ", stringify!($ty), ".", stringify!($($path).+))
                );
                let whole = ::core::mem::MaybeUninit::<$ty>::uninit();
                // SAFETY: only the address of a field of a live local is taken; nothing is read.
                let field = unsafe { &raw const (*whole.as_ptr()).$($path).+ };
                assert!(
                    $crate::macros::size_behind(field) == $bytes,
                    concat!("field size of ", stringify!($ty), ".", stringify!($($path).+))
                );
            )*
        };
    )* };
}

/// Size of the type behind a pointer that is not read.
pub(crate) const fn size_behind<T>(_: *const T) -> usize {
    size_of::<T>()
}
