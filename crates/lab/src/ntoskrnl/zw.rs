//! System calls: the registry, handles, events, tokens, and files, of which the lab has none.

use std::sync::Arc;

use ddk::nt;

use super::object::{self, Kind, Object};
use super::{dispatcher, process, string};
use crate::cpu::PASSIVE;
use crate::pool;
use crate::registry::{Registry, Value};
use crate::verifier::violation;

/// All attributes that a driver may name (OBJ_VALID_ATTRIBUTES).
const OBJ_ATTRIBUTES: u32 = 0x1ff2;
const REG_CREATED_NEW_KEY: u32 = 1;
const REG_OPENED_EXISTING_KEY: u32 = 2;

/// STATUS_CANNOT_DELETE.
const CANNOT_DELETE: i32 = 0xc000_0121_u32 as i32;

/// The path of an open key.
#[derive(Debug)]
struct Key(String);

fn key(handle: nt::HANDLE) -> String {
    let object = object::expect_handle(handle);
    match object.body.downcast_ref::<Key>() {
        Some(key) => key.0.clone(),
        None => violation("G-34", &format!("{handle:p} is a handle, but not to a key")),
    }
}

/// Attributes and full name that a driver passes.
fn name(attributes: nt::POBJECT_ATTRIBUTES) -> Result<String, i32> {
    // SAFETY: a driver passes attributes; a bad pointer faults and is reported.
    let attributes = unsafe { &*attributes };
    if attributes.Length as usize != size_of::<nt::OBJECT_ATTRIBUTES>()
        || attributes.Attributes & !OBJ_ATTRIBUTES != 0
    {
        return Err(nt::STATUS_INVALID_PARAMETER);
    }
    let name = match attributes.ObjectName.is_null() {
        true => String::new(),
        false => string::text(attributes.ObjectName.cast()),
    };
    if attributes.RootDirectory.is_null() {
        return if name.starts_with('\\') { Ok(name) } else { Err(nt::STATUS_OBJECT_PATH_SYNTAX_BAD) };
    }
    let root = key(attributes.RootDirectory);
    Ok(if name.is_empty() { root } else { format!(r"{root}\{name}") })
}

/// The attributes of an object that needs no name.
fn unnamed(attributes: nt::POBJECT_ATTRIBUTES) -> Result<(), i32> {
    // SAFETY: the driver passes null or attributes.
    let named = unsafe { attributes.as_ref() }.is_some_and(|attributes| !attributes.ObjectName.is_null());
    // The lab has no directory of objects, so that nobody else could open a named one.
    if named { Err(nt::STATUS_OBJECT_PATH_NOT_FOUND) } else { Ok(()) }
}

/// # Safety
/// `out` has room for a handle.
unsafe fn put(out: nt::PHANDLE, object: Arc<Object>) {
    // SAFETY: the caller's promise.
    unsafe { out.write(object::open(object)) };
}

/// # Safety
/// `out` has room for a handle.
unsafe fn open_key(out: nt::PHANDLE, path: String) {
    // A key is no dispatcher object; the kind says so.
    let object = object::create(Kind::Key, 0x7f, 0, Key(path));
    // SAFETY: the caller's promise.
    unsafe { put(out, object) };
}

/// Copies as much of `bytes` as there is room for.
///
/// # Safety
/// `buffer` has `length` bytes and `needed` room for a number.
unsafe fn give(bytes: &[u8], fixed: usize, buffer: nt::PVOID, length: u32, needed: nt::PULONG) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        needed.write(bytes.len() as u32);
        let room = length as usize;
        if room < fixed {
            return nt::STATUS_BUFFER_TOO_SMALL;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast::<u8>(), bytes.len().min(room));
        if room < bytes.len() { nt::STATUS_BUFFER_OVERFLOW } else { nt::STATUS_SUCCESS }
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A value in the form of an information class, and the size of its fixed part.
fn describe_value(name: &str, value: &Value, class: i32) -> Option<(Vec<u8>, usize)> {
    use nt::_KEY_VALUE_INFORMATION_CLASS as class_of;
    let (kind, data) = value.encode();
    let (name, size) = (wide(name), data.len() as u32);
    Some(match class {
        class_of::KeyValueBasicInformation => ([words(&[0, kind, name.len() as u32]), name].concat(), 12),
        class_of::KeyValueFullInformation => {
            let offset = (20 + name.len()).next_multiple_of(8);
            let mut bytes = words(&[0, kind, offset as u32, size, name.len() as u32]);
            bytes.extend(name);
            bytes.resize(offset, 0);
            bytes.extend(data);
            (bytes, 20)
        }
        class_of::KeyValuePartialInformation => ([words(&[0, kind, size]), data].concat(), 12),
        class_of::KeyValuePartialInformationAlign64 => ([words(&[kind, size]), data].concat(), 8),
        _ => return None,
    })
}

/// A key in the form of an information class, and the size of its fixed part.
fn describe_key(path: &str, class: i32) -> Option<(Vec<u8>, usize)> {
    use nt::_KEY_INFORMATION_CLASS as class_of;
    let (children, values) = (Registry::get().children(path), Registry::get().values(path));
    let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or_default() as u32;
    let leaf = wide(path.rsplit('\\').next().unwrap_or_default());
    let time = [0; 8];
    Some(match class {
        class_of::KeyBasicInformation => ([&time[..], &words(&[0, leaf.len() as u32]), &leaf].concat(), 16),
        class_of::KeyFullInformation => {
            let bytes = words(&[
                0,
                u32::MAX,
                0,
                children.len() as u32,
                longest(&mut children.iter().map(|child| wide(child).len())),
                0,
                values.len() as u32,
                longest(&mut values.iter().map(|(name, _)| wide(name).len())),
                longest(&mut values.iter().map(|(_, value)| value.encode().1.len())),
            ]);
            ([&time[..], &bytes].concat(), 44)
        }
        class_of::KeyNameInformation => {
            let name = wide(path);
            ([words(&[name.len() as u32]), name].concat(), 4)
        }
        _ => return None,
    })
}

crate::exports! {
    /// System calls of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Closes a handle.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwClose(handle: nt::HANDLE) -> i32 {
        if !object::close(handle) {
            violation("G-34", &format!("ZwClose of {handle:p}, which is {}", crate::handle::describe(handle)));
        }
        nt::STATUS_SUCCESS
    }

    /// Opens a key.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwOpenKey(
        out: nt::PHANDLE, _access: u32, attributes: nt::POBJECT_ATTRIBUTES
    ) -> i32 {
        let path = match name(attributes) {
            Ok(path) => path,
            Err(status) => return status,
        };
        if pool::must_fail() {
            return nt::STATUS_INSUFFICIENT_RESOURCES;
        }
        if !Registry::get().exists(&path) {
            return nt::STATUS_OBJECT_NAME_NOT_FOUND;
        }
        // SAFETY: the driver passes room for the handle.
        unsafe { open_key(out, path) };
        nt::STATUS_SUCCESS
    }

    /// Opens a key, with options.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwOpenKeyEx(
        out: nt::PHANDLE, access: u32, attributes: nt::POBJECT_ATTRIBUTES, _options: u32
    ) -> i32 {
        // SAFETY: passes the driver's arguments on.
        unsafe { ZwOpenKey(out, access, attributes) }
    }

    /// Opens a key, and creates it if it does not exist.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwCreateKey(
        out: nt::PHANDLE, _access: u32, attributes: nt::POBJECT_ATTRIBUTES, _title: u32, _class: nt::PUNICODE_STRING,
        _options: u32, disposition: nt::PULONG
    ) -> i32 {
        let path = match name(attributes) {
            Ok(path) => path,
            Err(status) => return status,
        };
        if pool::must_fail() {
            return nt::STATUS_INSUFFICIENT_RESOURCES;
        }
        let registry = Registry::get();
        let existed = registry.exists(&path);
        let parent = path.rsplit_once('\\').map_or("", |(parent, _)| parent);
        if !existed && !registry.exists(parent) {
            return nt::STATUS_OBJECT_NAME_NOT_FOUND;
        }
        registry.create(&path);
        // SAFETY: the driver passes room for the handle, and null or room for a number.
        unsafe {
            if !disposition.is_null() {
                disposition.write(if existed { REG_OPENED_EXISTING_KEY } else { REG_CREATED_NEW_KEY });
            }
            open_key(out, path);
        }
        nt::STATUS_SUCCESS
    }

    /// Reads a value.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwQueryValueKey(
        handle: nt::HANDLE, name: nt::PUNICODE_STRING, class: nt::KEY_VALUE_INFORMATION_CLASS, buffer: nt::PVOID,
        length: u32, needed: nt::PULONG
    ) -> i32 {
        let (path, name) = (key(handle), string::text(name.cast()));
        let Some(value) = Registry::get().value(&path, &name) else {
            return nt::STATUS_OBJECT_NAME_NOT_FOUND;
        };
        let Some((bytes, fixed)) = describe_value(&name, &value, class) else {
            return nt::STATUS_INVALID_PARAMETER;
        };
        // SAFETY: the driver passes a buffer of this length.
        unsafe { give(&bytes, fixed, buffer, length, needed) }
    }

    /// Writes a value.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwSetValueKey(
        handle: nt::HANDLE, name: nt::PUNICODE_STRING, _title: u32, kind: u32, data: nt::PVOID, size: u32
    ) -> i32 {
        let path = key(handle);
        let bytes = match size {
            0 => &[][..],
            // SAFETY: the driver passes this many bytes.
            size => unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size as usize) },
        };
        Registry::get().set(&path, &string::text(name.cast()), Value::decode(kind, bytes));
        nt::STATUS_SUCCESS
    }

    /// Removes a value.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwDeleteValueKey(handle: nt::HANDLE, name: nt::PUNICODE_STRING) -> i32 {
        let removed = Registry::get().remove_value(&key(handle), &string::text(name.cast()));
        if removed { nt::STATUS_SUCCESS } else { nt::STATUS_OBJECT_NAME_NOT_FOUND }
    }

    /// Removes a key.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwDeleteKey(handle: nt::HANDLE) -> i32 {
        if Registry::get().remove(&key(handle)) { nt::STATUS_SUCCESS } else { CANNOT_DELETE }
    }

    /// Describes a key.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwQueryKey(
        handle: nt::HANDLE, class: nt::KEY_INFORMATION_CLASS, buffer: nt::PVOID, length: u32, needed: nt::PULONG
    ) -> i32 {
        let Some((bytes, fixed)) = describe_key(&key(handle), class) else {
            return nt::STATUS_INVALID_PARAMETER;
        };
        // SAFETY: the driver passes a buffer of this length.
        unsafe { give(&bytes, fixed, buffer, length, needed) }
    }

    /// Describes a key below a key.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwEnumerateKey(
        handle: nt::HANDLE, index: u32, class: nt::KEY_INFORMATION_CLASS, buffer: nt::PVOID, length: u32,
        needed: nt::PULONG
    ) -> i32 {
        let path = key(handle);
        let children = Registry::get().children(&path);
        let Some(child) = children.get(index as usize) else { return nt::STATUS_NO_MORE_ENTRIES };
        let Some((bytes, fixed)) = describe_key(&format!(r"{path}\{child}"), class) else {
            return nt::STATUS_INVALID_PARAMETER;
        };
        // SAFETY: the driver passes a buffer of this length.
        unsafe { give(&bytes, fixed, buffer, length, needed) }
    }

    /// Describes a value of a key.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwEnumerateValueKey(
        handle: nt::HANDLE, index: u32, class: nt::KEY_VALUE_INFORMATION_CLASS, buffer: nt::PVOID, length: u32,
        needed: nt::PULONG
    ) -> i32 {
        let values = Registry::get().values(&key(handle));
        let Some((name, value)) = values.get(index as usize) else { return nt::STATUS_NO_MORE_ENTRIES };
        let Some((bytes, fixed)) = describe_value(name, value, class) else {
            return nt::STATUS_INVALID_PARAMETER;
        };
        // SAFETY: the driver passes a buffer of this length.
        unsafe { give(&bytes, fixed, buffer, length, needed) }
    }

    /// Writes a key to disk: there is none.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwFlushKey(handle: nt::HANDLE) -> i32 {
        key(handle);
        nt::STATUS_SUCCESS
    }

    /// Makes an event and opens a handle to it.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwCreateEvent(
        out: nt::PHANDLE, _access: u32, attributes: nt::POBJECT_ATTRIBUTES, kind: nt::EVENT_TYPE, state: u8
    ) -> i32 {
        if let Err(status) = unnamed(attributes) {
            return status;
        }
        if pool::must_fail() {
            return nt::STATUS_INSUFFICIENT_RESOURCES;
        }
        let event = object::create(Kind::Event, u8::from(kind != 0), i32::from(state != 0), ());
        // SAFETY: the driver passes room for the handle.
        unsafe { put(out, event) };
        nt::STATUS_SUCCESS
    }

    /// Sets an event.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwSetEvent(handle: nt::HANDLE, previous: nt::PLONG) -> i32 {
        let event = object::expect_handle(handle);
        if event.kind != Kind::Event {
            return nt::STATUS_OBJECT_TYPE_MISMATCH;
        }
        let old = dispatcher::signal(event.address as *mut u8, 1);
        if !previous.is_null() {
            // SAFETY: the driver passes null or room for a number.
            unsafe { previous.write(old) };
        }
        nt::STATUS_SUCCESS
    }

    /// Waits for the object behind a handle.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwWaitForSingleObject(
        handle: nt::HANDLE, _alertable: u8, timeout: nt::PLARGE_INTEGER
    ) -> i32 {
        let object = object::expect_handle(handle);
        if !matches!(object.kind, Kind::Event | Kind::Thread | Kind::Process) {
            return nt::STATUS_OBJECT_TYPE_MISMATCH;
        }
        // SAFETY: the driver passes null or a time.
        let deadline = unsafe { dispatcher::deadline(timeout.cast()) };
        let ended = dispatcher::wait(&[object.address as *mut u8], false, deadline);
        ended.map_or(nt::STATUS_TIMEOUT, |_| nt::STATUS_SUCCESS)
    }

    /// Opens a handle to the process with a number.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwOpenProcess(
        out: nt::PHANDLE, _access: u32, _attributes: nt::POBJECT_ATTRIBUTES, client: nt::PCLIENT_ID
    ) -> i32 {
        // SAFETY: the driver passes the number.
        let id = unsafe { (*client).UniqueProcess };
        let Some(process) = process::by_id(id as usize) else { return nt::STATUS_INVALID_CID };
        // SAFETY: the driver passes room for the handle.
        unsafe { put(out, process) };
        nt::STATUS_SUCCESS
    }

    /// Opens a handle to the token of a process.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwOpenProcessTokenEx(
        handle: nt::HANDLE, _access: u32, _attributes: u32, out: nt::PHANDLE
    ) -> i32 {
        let process = object::expect_handle(handle);
        if process.kind != Kind::Process {
            return nt::STATUS_OBJECT_TYPE_MISMATCH;
        }
        // SAFETY: the driver passes room for the handle.
        unsafe { out.write(process::open_token(&process)) };
        nt::STATUS_SUCCESS
    }

    /// Reads information about a token.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwQueryInformationToken(
        handle: nt::HANDLE, class: nt::TOKEN_INFORMATION_CLASS, buffer: nt::PVOID, length: u32, needed: nt::PULONG
    ) -> i32 {
        let token = object::expect_handle(handle);
        if token.kind != Kind::Token {
            return nt::STATUS_OBJECT_TYPE_MISMATCH;
        }
        // SAFETY: the driver passes a buffer of this length.
        unsafe { process::query_token(&token, class, buffer, length, needed) }
    }

    /// Opens or creates a file: there is no file system.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwCreateFile(
        _out: nt::PHANDLE, _access: u32, attributes: nt::POBJECT_ATTRIBUTES, _status: nt::PIO_STATUS_BLOCK,
        _size: nt::PLARGE_INTEGER, _file_attributes: u32, _share: u32, _disposition: u32, _options: u32, _ea: nt::PVOID,
        _ea_length: u32
    ) -> i32 {
        name(attributes).map_or_else(|status| status, |_| nt::STATUS_OBJECT_PATH_NOT_FOUND)
    }

    /// Opens a file: there is no file system.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwOpenFile(
        _out: nt::PHANDLE, _access: u32, attributes: nt::POBJECT_ATTRIBUTES, _status: nt::PIO_STATUS_BLOCK,
        _share: u32, _options: u32
    ) -> i32 {
        name(attributes).map_or_else(|status| status, |_| nt::STATUS_OBJECT_PATH_NOT_FOUND)
    }

    /// Removes a file: there is no file system.
    irql(PASSIVE..=PASSIVE, "G-18") fn ZwDeleteFile(attributes: nt::POBJECT_ATTRIBUTES) -> i32 {
        name(attributes).map_or_else(|status| status, |_| nt::STATUS_OBJECT_PATH_NOT_FOUND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_form_of_each_class() {
        use nt::_KEY_VALUE_INFORMATION_CLASS as class_of;
        let value = Value::Dword(0x0403_0201);
        let (partial, fixed) = describe_value("ab", &value, class_of::KeyValuePartialInformation).unwrap();
        assert_eq!((partial, fixed), (vec![0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4], 12));
        let (full, _) = describe_value("ab", &value, class_of::KeyValueFullInformation).unwrap();
        assert_eq!(full[8..12], 24u32.to_le_bytes());
        assert_eq!(full[20..24], [b'a', 0, b'b', 0]);
        assert_eq!(full[24..], [1, 2, 3, 4]);
        assert!(describe_value("ab", &value, 99).is_none());
    }
}
