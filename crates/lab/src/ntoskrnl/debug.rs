//! Debug output and bug checks of drivers.

use std::fmt::Write;

use ddk::nt;

use crate::cpu::{self, HIGH};
use crate::export::Export;

/// The debug print functions, which take any number of arguments.
pub static VARIADIC: &[Export] = &[
    Export::raw("ntoskrnl.exe", "DbgPrint", dbg_print as *const ()),
    Export::raw("ntoskrnl.exe", "DbgPrintEx", dbg_print_ex as *const ()),
];

// The first four arguments go to their home slots, behind which the others lie: together a flat list.
#[unsafe(naked)]
unsafe extern "win64" fn dbg_print() {
    core::arch::naked_asm!(
        "mov [rsp + 8], rcx",
        "mov [rsp + 16], rdx",
        "mov [rsp + 24], r8",
        "mov [rsp + 32], r9",
        "lea rdx, [rsp + 16]",
        "jmp {body}",
        body = sym print,
    )
}

#[unsafe(naked)]
unsafe extern "win64" fn dbg_print_ex() {
    core::arch::naked_asm!(
        "mov [rsp + 8], rcx",
        "mov [rsp + 16], rdx",
        "mov [rsp + 24], r8",
        "mov [rsp + 32], r9",
        "mov rcx, r8",
        "lea rdx, [rsp + 32]",
        "jmp {body}",
        body = sym print,
    )
}

unsafe extern "win64" fn print(format: *const u8, arguments: *const u64) -> u32 {
    let mut next = arguments;
    let mut take = || {
        // SAFETY: the driver passes as many arguments as its format names; the list is flat.
        unsafe {
            let value = next.read();
            next = next.add(1);
            value
        }
    };
    // SAFETY: the driver passes a zero-terminated format.
    let format = unsafe { std::ffi::CStr::from_ptr(format.cast()) }.to_string_lossy();
    eprint!("driver: {}", expand(&format, &mut take));
    0
}

/// Expands a kernel format string; `take` yields the arguments in order.
fn expand(format: &str, take: &mut impl FnMut() -> u64) -> String {
    let mut text = String::new();
    let mut rest = format.chars().peekable();
    while let Some(char) = rest.next() {
        if char != '%' {
            text.push(char);
            continue;
        }
        let (mut zero, mut left, mut alternate, mut width) = (false, false, false, 0);
        let mut precision = None;
        let (mut long, mut wide) = (false, false);
        loop {
            match rest.next() {
                None => return text,
                Some('%') => text.push('%'),
                Some('0') if width == 0 && precision.is_none() => {
                    zero = true;
                    continue;
                }
                Some('-') => {
                    left = true;
                    continue;
                }
                Some('#') => {
                    alternate = true;
                    continue;
                }
                Some('*') => {
                    width = take() as usize;
                    continue;
                }
                Some('.') => {
                    precision = Some(0);
                    continue;
                }
                Some(digit) if digit.is_ascii_digit() => {
                    let value = digit as usize - '0' as usize;
                    match &mut precision {
                        Some(precision) => *precision = *precision * 10 + value,
                        None => width = width * 10 + value,
                    }
                    continue;
                }
                Some('l') => {
                    // `l` alone is 32 bits here; two of them are 64.
                    long = rest.next_if_eq(&'l').is_some() || long;
                    wide = true;
                    continue;
                }
                Some('I') => {
                    long = rest.next_if_eq(&'6').is_some() && rest.next_if_eq(&'4').is_some();
                    continue;
                }
                Some('h' | 'z') => continue,
                Some('w') => {
                    wide = true;
                    continue;
                }
                Some(conversion) => {
                    let value = convert(conversion, take(), long, wide, alternate, precision);
                    let fill = if zero && !left { '0' } else { ' ' };
                    let missing = width.saturating_sub(value.chars().count());
                    let padding: String = std::iter::repeat_n(fill, missing).collect();
                    if left {
                        let _ = write!(text, "{value}{padding}");
                    } else {
                        let _ = write!(text, "{padding}{value}");
                    }
                }
            }
            break;
        }
    }
    text
}

fn convert(
    conversion: char,
    value: u64,
    long: bool,
    wide: bool,
    alternate: bool,
    precision: Option<usize>,
) -> String {
    let cut = if long { value } else { value & 0xffff_ffff };
    let limit = precision.unwrap_or(1024);
    match conversion {
        'd' | 'i' if long => (value as i64).to_string(),
        'd' | 'i' => (value as i32).to_string(),
        'u' => cut.to_string(),
        'x' if alternate => format!("{cut:#x}"),
        'x' => format!("{cut:x}"),
        'X' => format!("{cut:X}"),
        'p' => format!("{value:016X}"),
        'c' => char::from(value as u8).to_string(),
        'f' => format!("{}", f64::from_bits(value)),
        's' if !wide => narrow(value as *const u8, limit),
        's' | 'S' => {
            // SAFETY: the driver passes a zero-terminated string of 16-bit units.
            let unit = |i| unsafe { (value as *const u16).add(i).read_unaligned() };
            let units: Vec<u16> = (0..limit).map(unit).take_while(|unit| *unit != 0).collect();
            String::from_utf16_lossy(&units)
        }
        'Z' if value == 0 => "(null)".into(),
        'Z' if wide => super::string::text(value as *const _),
        'Z' => {
            // SAFETY: the driver passes a counted string: length at 0, buffer at 8.
            let (length, buffer) = unsafe { (*(value as *const u16), *((value + 8) as *const *const u8)) };
            narrow(buffer, usize::from(length))
        }
        other => format!("%{other}"),
    }
}

fn narrow(text: *const u8, limit: usize) -> String {
    if text.is_null() {
        return "(null)".into();
    }
    // SAFETY: the driver passes a string that ends in a zero or has at least `limit` bytes.
    let byte = |i| unsafe { text.add(i).read() };
    let bytes: Vec<u8> = (0..limit).map(byte).take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

crate::exports! {
    /// Bug check functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Stops the machine.
    irql(0..=HIGH) fn KeBugCheckEx(code: u32, a: u64, b: u64, c: u64, d: u64) -> ! {
        crate::bugcheck(code, [a, b, c, d])
    }

    /// Stops the machine.
    irql(0..=HIGH) fn KeBugCheck(code: u32) -> ! {
        crate::bugcheck(code, [0; 4])
    }

    /// The process in whose context drivers run here: System.
    irql(0..=HIGH) fn PsGetCurrentProcessId() -> nt::HANDLE {
        4usize as nt::HANDLE
    }

    /// The current thread's number.
    irql(0..=HIGH) fn PsGetCurrentThreadId() -> nt::HANDLE {
        (cpu::thread_id() * 4) as nt::HANDLE
    }
}

#[cfg(test)]
mod tests {
    use super::expand;

    fn check(format: &str, arguments: &[u64], expected: &str) {
        let mut arguments = arguments.iter().copied();
        assert_eq!(expand(format, &mut || arguments.next().unwrap()), expected, "{format}");
    }

    #[test]
    fn formats_as_the_kernel_does() {
        check("plain %% text\n", &[], "plain % text\n");
        check("%d %u %x %X", &[u64::from(-1i32 as u32), 7, 0xbeef, 0xbeef], "-1 7 beef BEEF");
        check("%08x|%4d|%-4d|", &[0x1f, 5, 5], "0000001f|   5|5   |");
        check("%I64x %llu %ld", &[1 << 40, 1 << 40, 3], "10000000000 1099511627776 3");
        check("%p", &[0xffff_8000_0000_1234], "FFFF800000001234");
        let (narrow, wide) = (c"abc", [b'w' as u16, b'x' as u16, 0]);
        check(
            "%s %.2s %ws %S",
            &[narrow.as_ptr() as u64, narrow.as_ptr() as u64, wide.as_ptr() as u64, wide.as_ptr() as u64],
            "abc ab wx wx",
        );
        check("%*d", &[3, 9], "  9");
        check("%s", &[0], "(null)");
    }
}
