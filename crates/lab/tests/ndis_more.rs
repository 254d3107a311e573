//! Fragments, reassembled lists, buffers with data, memory by tag, processors, lookup and written keywords.

use ddk::ndis::{
    NDIS_CONFIGURATION_OBJECT, NDIS_CONFIGURATION_PARAMETER, NDIS_HANDLE, NDIS_OBJECT_TYPE_DEFAULT,
    NET_BUFFER, NET_BUFFER_LIST, NET_BUFFER_LIST_POOL_PARAMETERS, NET_BUFFER_POOL_PARAMETERS,
    NdisParameterString,
};
use ddk::nt::UNICODE_STRING;
use lab::child::{self, Status};
use lab::ndis::exports::*;
use lab::ndis::more::*;

// SAFETY of every `unsafe` block below: the functions called are the lab's exports, whose contracts the tests
// keep except where they break one on purpose.

const TAG: u32 = u32::from_le_bytes(*b"test");

fn machine() -> lab::Machine {
    lab::Machine::new(lab::Options::default())
}

fn finish(machine: lab::Machine) {
    let report = machine.finish();
    assert!(report.is_clean(), "{report:?}");
}

fn list_pool() -> NDIS_HANDLE {
    // SAFETY: see above.
    unsafe {
        let mut parameters: NET_BUFFER_LIST_POOL_PARAMETERS = std::mem::zeroed();
        parameters.Header.Type = NDIS_OBJECT_TYPE_DEFAULT;
        parameters.Header.Revision = 1;
        parameters.Header.Size = size_of::<NET_BUFFER_LIST_POOL_PARAMETERS>() as u16;
        parameters.fAllocateNetBuffer = 1;
        parameters.PoolTag = TAG;
        let pool = NdisAllocateNetBufferListPool(std::ptr::null_mut(), &raw mut parameters);
        assert!(!pool.is_null());
        pool
    }
}

/// A list whose data lie in two MDLs.
fn list(pool: NDIS_HANDLE, first: &'static [u8], second: &'static [u8]) -> *mut NET_BUFFER_LIST {
    let mdl = |bytes: &'static [u8]| {
        let copy: &'static mut [u8] = bytes.to_vec().leak();
        // SAFETY: see above.
        unsafe { NdisAllocateMdl(std::ptr::null_mut(), copy.as_mut_ptr().cast(), copy.len() as u32) }
    };
    let (head, tail) = (mdl(first), mdl(second));
    let length = (first.len() + second.len()) as u64;
    // SAFETY: see above.
    unsafe {
        (*head).Next = tail;
        let list = NdisAllocateNetBufferAndNetBufferList(pool, 0, 0, head, 0, length);
        assert!(!list.is_null());
        list
    }
}

fn free(list: *mut NET_BUFFER_LIST) {
    // SAFETY: see above.
    unsafe {
        let head = (*(*list).FirstNetBuffer).MdlChain;
        let tail = (*head).Next;
        NdisFreeNetBufferList(list);
        NdisFreeMdl(head);
        NdisFreeMdl(tail);
    }
}

fn bytes(buffer: *mut NET_BUFFER) -> Vec<u8> {
    // SAFETY: see above.
    unsafe {
        let length = (*buffer).DataLength;
        let mut storage = vec![0_u8; length as usize];
        let start = NdisGetDataBuffer(buffer, length, storage.as_mut_ptr().cast(), 1, 0);
        assert!(!start.is_null());
        std::slice::from_raw_parts(start.cast::<u8>(), length as usize).to_vec()
    }
}

fn all(list: *mut NET_BUFFER_LIST) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    // SAFETY: see above.
    unsafe {
        let mut buffer = (*list).FirstNetBuffer;
        while !buffer.is_null() {
            parts.push(bytes(buffer));
            buffer = (*buffer).Next;
        }
    }
    parts
}

#[test]
fn a_list_is_cut_and_put_together_again() {
    child::test("a_list_is_cut_and_put_together_again", || {
        let machine = machine();
        let pool = list_pool();
        let original = list(pool, b"HHabcd", b"efghi");
        // SAFETY: see above.
        unsafe {
            let null = std::ptr::null_mut();
            let cut = NdisAllocateFragmentNetBufferList(original, pool, null, 2, 3, 0, 0, 0);
            assert_eq!(all(cut), [b"abc".to_vec(), b"def".to_vec(), b"ghi".to_vec()]);
            let whole = NdisAllocateReassembledNetBufferList(cut, pool, 1, 0, 0, 0);
            assert_eq!(all(whole), [b"bcefhi".to_vec()]);
            NdisFreeReassembledNetBufferList(whole, 0, 0);
            NdisFreeFragmentNetBufferList(cut, 0, 0);
            // Room for a header before each.
            let cut = NdisAllocateFragmentNetBufferList(original, pool, null, 2, 5, 4, 8, 0);
            let lengths: Vec<usize> = all(cut).iter().map(Vec::len).collect();
            assert_eq!(lengths, [9, 8]);
            let first = (*cut).FirstNetBuffer;
            NdisAdvanceNetBufferDataStart(first, 4, 0, None);
            assert_eq!(bytes(first), b"abcde");
            assert_eq!(NdisRetreatNetBufferDataStart(first, 4, 0, None), 0);
            NdisFreeFragmentNetBufferList(cut, 4, 0);
            free(original);
            NdisFreeNetBufferListPool(pool);
        }
        finish(machine);
    });
}

#[test]
fn a_buffer_comes_with_its_data() {
    child::test("a_buffer_comes_with_its_data", || {
        let machine = machine();
        // SAFETY: see above.
        unsafe {
            let mut parameters: NET_BUFFER_POOL_PARAMETERS = std::mem::zeroed();
            parameters.Header.Type = NDIS_OBJECT_TYPE_DEFAULT;
            parameters.Header.Revision = 1;
            parameters.Header.Size = size_of::<NET_BUFFER_POOL_PARAMETERS>() as u16;
            parameters.PoolTag = TAG;
            parameters.DataSize = 100;
            let pool = NdisAllocateNetBufferPool(std::ptr::null_mut(), &raw mut parameters);
            let buffer = NdisAllocateNetBufferMdlAndData(pool);
            assert_eq!((bytes(buffer).len(), (*(*buffer).MdlChain).ByteCount), (100, 100));
            NdisFreeNetBuffer(buffer);
            NdisFreeNetBufferPool(pool);
        }
        finish(machine);
    });
}

fn text(string: &'static str) -> UNICODE_STRING {
    let units: &'static mut [u16] = string.encode_utf16().collect::<Vec<_>>().leak();
    let length = (units.len() * 2) as u16;
    UNICODE_STRING { Length: length, MaximumLength: length, Buffer: units.as_mut_ptr() }
}

#[test]
fn memory_processors_and_routines_are_found() {
    child::test("memory_processors_and_routines_are_found", || {
        let machine = lab::Machine::new(lab::Options { processors: 3, ..lab::Options::default() });
        // SAFETY: see above.
        unsafe {
            let mut memory = std::ptr::null_mut();
            assert_eq!(NdisAllocateMemoryWithTag(&raw mut memory, 32, TAG), 0);
            NdisFreeMemoryWithTag(memory, TAG);
            let memory = NdisAllocateMemoryWithTagPriority(std::ptr::null_mut(), 32, TAG, 0);
            NdisFreeMemoryWithTagPriority(std::ptr::null_mut(), memory, TAG);
            assert_eq!(NdisSystemProcessorCount(), 3);
            assert_eq!(NdisActiveGroupCount(), 1);
            let counts = [0, 1, 0xffff].map(|group| NdisGroupActiveProcessorCount(group));
            assert_eq!(counts, [3, 0, 3]);
            assert!(NdisGetSharedDataAlignment().is_power_of_two());
            let found = NdisGetRoutineAddress(&mut text("NdisMSleep"));
            assert_eq!(Some(found as usize), machine.export("NDIS.SYS", "NdisMSleep"));
            assert!(NdisGetRoutineAddress(&mut text("NdisNoSuchThing")).is_null());
        }
        finish(machine);
    });
}

#[test]
fn a_written_keyword_is_read_again() {
    child::test("a_written_keyword_is_read_again", || {
        let machine = machine();
        // SAFETY: see above.
        unsafe {
            let mut object: NDIS_CONFIGURATION_OBJECT = std::mem::zeroed();
            object.Header.Type = ddk::ndis::NDIS_OBJECT_TYPE_CONFIGURATION_OBJECT;
            object.Header.Revision = 1;
            object.Header.Size = 20;
            let mut handle = std::ptr::null_mut();
            assert_eq!(NdisOpenConfigurationEx(&raw mut object, &raw mut handle), 0);
            let mut value: NDIS_CONFIGURATION_PARAMETER = std::mem::zeroed();
            value.ParameterType = NdisParameterString;
            value.ParameterData.StringData = text("on");
            let (mut status, mut keyword) = (-1, text("Mode"));
            NdisWriteConfiguration(&raw mut status, handle, &raw mut keyword, &raw mut value);
            assert_eq!(status, 0);
            let mut read = std::ptr::null_mut();
            let kind = NdisParameterString;
            NdisReadConfiguration(&raw mut status, &raw mut read, handle, &raw mut keyword, kind);
            assert_eq!(status, 0);
            let read = (*read).ParameterData.StringData;
            let units = std::slice::from_raw_parts(read.Buffer, usize::from(read.Length) / 2);
            assert_eq!(String::from_utf16_lossy(units), "on");
            NdisCloseConfiguration(handle);
        }
        finish(machine);
    });
}

macro_rules! broken_rules {
    ($($name:ident: $rule:literal, $scenario:expr;)*) => { $(
        #[test]
        fn $name() {
            child::expect(stringify!($name), Status::Verifier, $rule, || {
                let _machine = machine();
                let pool = list_pool();
                let original = list(pool, b"abc", b"def");
                let null = std::ptr::null_mut();
                // SAFETY: see above.
                let cut = unsafe { NdisAllocateFragmentNetBufferList(original, pool, null, 0, 3, 4, 0, 0) };
                let scenario: unsafe fn(*mut NET_BUFFER_LIST) = $scenario;
                // SAFETY: see above.
                unsafe { scenario(cut) };
            });
        }
    )* };
}

broken_rules! {
    fragments_are_freed_with_another_delta: "N-53", |cut| {
        // SAFETY: see above.
        unsafe { NdisFreeFragmentNetBufferList(cut, 0, 0) };
    };
    fragments_are_freed_as_reassembled: "N-53", |cut| {
        // SAFETY: see above.
        unsafe { NdisFreeReassembledNetBufferList(cut, 4, 0) };
    };
    fragments_are_freed_as_a_list: "N-53", |cut| {
        // SAFETY: see above.
        unsafe { NdisFreeNetBufferList(cut) };
    };
    memory_is_freed_with_another_tag: "G-3", |_| {
        let mut memory = std::ptr::null_mut();
        // SAFETY: see above.
        let _ = unsafe { NdisAllocateMemoryWithTag(&raw mut memory, 32, TAG) };
        // SAFETY: see above.
        unsafe { NdisFreeMemoryWithTagPriority(std::ptr::null_mut(), memory, TAG + 1) };
    };
}
