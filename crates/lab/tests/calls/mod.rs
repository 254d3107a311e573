//! Calls exports as a driver does: by name, through the checked entry, with the type that its bindings declare.

/// The checked entry of an export of the kernel.
pub(crate) fn export(name: &str) -> usize {
    let exports = lab::ntoskrnl::exports();
    let found = exports.into_iter().flatten().find(|export| export.name == name);
    found.unwrap_or_else(|| panic!("no export {name}")).checked.get()
}

/// Calls an export by name.
macro_rules! call {
    ($name:ident($($arg:expr),* $(,)?)) => {
        // SAFETY: the export has this type, which its declaration asserts; the tests break contracts on
        // purpose.
        unsafe {
            std::mem::transmute::<usize, ddk::nt::ntddk::sig::$name>($crate::calls::export(stringify!($name)))(
                $($arg),*
            )
        }
    };
}
pub(crate) use call;

/// Tests that each body breaks its rule: `name: "rule" Verifier { ... }`.
macro_rules! breaks {
    ($($name:ident: $rule:literal $status:ident $body:block)*) => { $(
        #[test]
        fn $name() {
            lab::child::expect(stringify!($name), lab::child::Status::$status, $rule, || {
                let machine = lab::Machine::new(lab::Options::default());
                $body
                machine.finish();
            });
        }
    )* };
}
pub(crate) use breaks;

/// Tests that each body breaks no rule and leaves nothing behind.
macro_rules! clean {
    ($($name:ident $body:block)*) => { $(
        #[test]
        fn $name() {
            lab::child::test(stringify!($name), || {
                let machine = lab::Machine::new(lab::Options::default());
                $body
                machine.finish();
            });
        }
    )* };
}
pub(crate) use clean;

/// An object that starts as zeroes, at an address that stays.
pub(crate) fn zeroed<T>() -> &'static mut T {
    // SAFETY: the tests use this for C structures, which accept zeroes.
    Box::leak(Box::new(unsafe { std::mem::zeroed() }))
}
