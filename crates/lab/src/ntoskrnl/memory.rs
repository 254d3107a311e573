//! Memory functions, in frameless assembly: a fault in one of them belongs to its caller.

use std::arch::global_asm;

use crate::export::Export;

// Only volatile registers are used, so that the caller's registers are intact wherever these functions fault.
global_asm!(
    ".balign 16",
    ".globl lab_memory_begin",
    "lab_memory_begin:",
    // memmove(rcx = to, rdx = from, r8 = count), also memcpy
    ".globl lab_memmove",
    "lab_memmove:",
    "mov rax, rcx",
    "mov r9, rcx",
    "sub r9, rdx",
    "cmp r9, r8",
    "jb 5f",
    "2: cmp r8, 16",
    "jb 3f",
    "movdqu xmm0, [rdx]",
    "movdqu [rcx], xmm0",
    "add rdx, 16",
    "add rcx, 16",
    "sub r8, 16",
    "jmp 2b",
    "3: test r8, r8",
    "jz 4f",
    "mov r9b, [rdx]",
    "mov [rcx], r9b",
    "inc rdx",
    "inc rcx",
    "dec r8",
    "jmp 3b",
    "4: ret",
    // The target begins inside the source: from the end.
    "5: cmp r8, 16",
    "jb 6f",
    "movdqu xmm0, [rdx + r8 - 16]",
    "movdqu [rcx + r8 - 16], xmm0",
    "sub r8, 16",
    "jmp 5b",
    "6: test r8, r8",
    "jz 4b",
    "mov r9b, [rdx + r8 - 1]",
    "mov [rcx + r8 - 1], r9b",
    "dec r8",
    "jmp 6b",
    // memset(rcx = to, dl = byte, r8 = count)
    ".globl lab_memset",
    "lab_memset:",
    "mov rax, rcx",
    "movzx edx, dl",
    "mov r9, 0x0101010101010101",
    "imul rdx, r9",
    "2: cmp r8, 8",
    "jb 3f",
    "mov [rcx], rdx",
    "add rcx, 8",
    "sub r8, 8",
    "jmp 2b",
    "3: test r8, r8",
    "jz 4f",
    "mov [rcx], dl",
    "inc rcx",
    "dec r8",
    "jmp 3b",
    "4: ret",
    // memcmp(rcx, rdx, r8 = count)
    ".globl lab_memcmp",
    "lab_memcmp:",
    "test r8, r8",
    "jz 3f",
    "2: movzx eax, byte ptr [rcx]",
    "movzx r9d, byte ptr [rdx]",
    "sub eax, r9d",
    "jnz 4f",
    "inc rcx",
    "inc rdx",
    "dec r8",
    "jnz 2b",
    "3: xor eax, eax",
    "4: ret",
    // RtlCompareMemory(rcx, rdx, r8 = count): number of equal bytes
    ".globl lab_compare_memory",
    "lab_compare_memory:",
    "xor eax, eax",
    "2: cmp rax, r8",
    "jae 3f",
    "mov r9b, [rcx + rax]",
    "cmp r9b, [rdx + rax]",
    "jne 3f",
    "inc rax",
    "jmp 2b",
    "3: ret",
    // __chkstk: the lab's stacks need no probing
    ".globl lab_chkstk",
    "lab_chkstk:",
    "ret",
    ".globl lab_memory_end",
    "lab_memory_end:",
);

unsafe extern "C" {
    fn lab_memory_begin();
    fn lab_memory_end();
    fn lab_memmove();
    fn lab_memset();
    fn lab_memcmp();
    fn lab_compare_memory();
    fn lab_chkstk();
}

/// Whether `address` lies in one of the memory functions.
pub(crate) fn contains(address: usize) -> bool {
    (lab_memory_begin as *const () as usize..lab_memory_end as *const () as usize).contains(&address)
}

/// The memory functions of the kernel.
pub static EXPORTS: &[Export] = &[
    Export::raw("ntoskrnl.exe", "memcpy", lab_memmove as *const ()),
    Export::raw("ntoskrnl.exe", "memmove", lab_memmove as *const ()),
    Export::raw("ntoskrnl.exe", "memset", lab_memset as *const ()),
    Export::raw("ntoskrnl.exe", "memcmp", lab_memcmp as *const ()),
    Export::raw("ntoskrnl.exe", "RtlCopyMemory", lab_memmove as *const ()),
    Export::raw("ntoskrnl.exe", "RtlMoveMemory", lab_memmove as *const ()),
    Export::raw("ntoskrnl.exe", "RtlCompareMemory", lab_compare_memory as *const ()),
    Export::raw("ntoskrnl.exe", "__chkstk", lab_chkstk as *const ()),
];

#[cfg(test)]
mod tests {
    type Move = unsafe extern "win64" fn(*mut u8, *const u8, usize) -> *mut u8;
    type Set = unsafe extern "win64" fn(*mut u8, i32, usize) -> *mut u8;
    type Compare = unsafe extern "win64" fn(*const u8, *const u8, usize) -> i32;
    type Count = unsafe extern "win64" fn(*const u8, *const u8, usize) -> usize;

    fn get<T: Copy>(name: &str) -> T {
        let export = super::EXPORTS.iter().find(|export| export.name == name).unwrap();
        let address = export.bare.get();
        // SAFETY: each name has the function type that the tests ask for.
        unsafe { std::mem::transmute_copy(&address) }
    }

    #[test]
    fn moves_in_both_directions_like_the_library() {
        let memmove: Move = get("memmove");
        for length in 0..70 {
            for (from, to) in [(0, 100), (10, 13), (13, 10), (20, 20), (5, 37)] {
                let mut ours: Vec<u8> = (0..200).collect();
                let mut expected = ours.clone();
                expected.copy_within(from..from + length, to);
                // SAFETY: both ranges lie in the vector.
                unsafe { memmove(ours.as_mut_ptr().add(to), ours.as_ptr().add(from), length) };
                assert_eq!(ours, expected, "{from} to {to}, {length} bytes");
            }
        }
    }

    #[test]
    fn sets_and_compares() {
        let (memset, memcmp): (Set, Compare) = (get("memset"), get("memcmp"));
        let count: Count = get("RtlCompareMemory");
        let mut a = [1u8; 40];
        // SAFETY: all ranges lie in the arrays.
        unsafe {
            memset(a.as_mut_ptr().add(3), 0x1ff, 30);
            assert!(a[3..33].iter().all(|byte| *byte == 0xff) && a[2] == 1 && a[33] == 1);
            let mut b = a;
            assert_eq!(memcmp(a.as_ptr(), b.as_ptr(), 40), 0);
            b[39] = 0;
            assert!(memcmp(a.as_ptr(), b.as_ptr(), 40) > 0 && memcmp(b.as_ptr(), a.as_ptr(), 40) < 0);
            assert_eq!(count(a.as_ptr(), b.as_ptr(), 40), 39);
        }
    }
}
