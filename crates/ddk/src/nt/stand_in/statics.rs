//! Object types, the only data imported from the kernel image.
//!
//! As in C without `dllimport`, each name is the import slot itself: the slot holds the address of the kernel's
//! variable, so `*IoFileObjectType` is the `POBJECT_TYPE`.
use super::*;

macro_rules! object_types {
    ($( $(#[$meta:meta])* $name:ident, $slot:literal; )*) => {
        // Puts the names into the import library; the slots below are what is used.
        #[cfg(windows)]
        mod variables {
            #[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
            unsafe extern "C" {
                $( #[allow(dead_code, reason = "only its import slot is read")] static $name: super::POBJECT_TYPE; )*
            }
        }
        unsafe extern "C" { $(
            $(#[$meta])*
            #[cfg_attr(windows, link_name = $slot)]
            pub static mut $name: *mut POBJECT_TYPE;
        )* }
    };
}

object_types! {
    /// Type of event objects.
    ExEventObjectType, "__imp_ExEventObjectType";
    /// Type of file objects.
    IoFileObjectType, "__imp_IoFileObjectType";
    /// Type of process objects.
    PsProcessType, "__imp_PsProcessType";
    /// Type of thread objects.
    PsThreadType, "__imp_PsThreadType";
}
