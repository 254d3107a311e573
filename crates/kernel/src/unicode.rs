//! UTF-16 strings: constants and counted views.

use core::marker::PhantomData;

use ddk::nt::UNICODE_STRING;

/// Converts ASCII to UTF-16 with a terminating NUL; `N` is the length with the NUL. For constants.
#[must_use]
pub const fn widen<const N: usize>(text: &str) -> [u16; N] {
    let bytes = text.as_bytes();
    assert!(bytes.len() + 1 == N, "length with NUL");
    let mut wide = [0_u16; N];
    let mut at = 0;
    while at < bytes.len() {
        assert!(bytes[at].is_ascii(), "ASCII only");
        wide[at] = bytes[at] as u16;
        at += 1;
    }
    wide
}

/// A NUL-terminated UTF-16 constant: `wide!("text")` is a `&'static [u16]`.
#[macro_export]
macro_rules! wide {
    ($text:expr) => {{
        const WIDE: &[u16] = {
            const ARRAY: [u16; $text.len() + 1] = $crate::unicode::widen($text);
            &ARRAY
        };
        WIDE
    }};
}

/// A borrowed `UNICODE_STRING`.
#[derive(Clone, Copy)]
pub struct UnicodeStr<'a> {
    raw: UNICODE_STRING,
    text: PhantomData<&'a [u16]>,
}

impl<'a> UnicodeStr<'a> {
    /// A view of a constant from [`wide!`], without its NUL.
    #[must_use]
    pub fn from_wide(text: &'a [u16]) -> Self {
        let units = text.strip_suffix(&[0]).unwrap_or(text).len().min(0x7FFE);
        let room = text.len().min(0x7FFF);
        let raw = UNICODE_STRING {
            Length: (units * 2) as u16,
            MaximumLength: (room * 2) as u16,
            Buffer: text.as_ptr().cast_mut(),
        };
        Self { raw, text: PhantomData }
    }

    /// The structure, by value; the kernel only reads what it points to.
    #[must_use]
    pub fn raw(&self) -> UNICODE_STRING {
        self.raw
    }
}

/// The units of a `UNICODE_STRING` that the kernel passes.
///
/// # Safety
/// `string` must be null or valid, and its buffer must stay valid and unchanged for `'a`.
#[must_use]
pub unsafe fn units<'a>(string: *const UNICODE_STRING) -> &'a [u16] {
    // SAFETY: by the contract of this function.
    let Some(string) = (unsafe { string.as_ref() }) else { return &[] };
    if string.Buffer.is_null() {
        return &[];
    }
    // SAFETY: the buffer holds `Length` bytes, by the contract of UNICODE_STRING.
    unsafe { core::slice::from_raw_parts(string.Buffer, usize::from(string.Length >> 1)) }
}
