//! Opaque handles: values that fault when a driver dereferences them and that are recognised when stale.

use std::any::Any;
use std::ffi::c_void;
use std::sync::{Arc, OnceLock, RwLock};

use crate::{cpu, verifier};

/// Address space that handle values come from; never accessible.
const SPACE: usize = 1 << 30;
/// Distance of handle values.
pub(crate) const STEP: usize = 16;

/// A kind of object to which drivers hold handles.
pub trait Object: Any + Send + Sync {
    /// The name of the kind in reports, for example `filter module`.
    const KIND: &'static str;
    /// The rule that a handle breaks which is still open when the machine ends; `None` if the lab itself owns
    /// such handles.
    const LEAK_RULE: Option<&'static str> = None;

    /// The name of this very object's kind; differs from [`Object::KIND`] where one type serves several
    /// kinds.
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    /// The leak rule of this very object.
    fn leak_rule(&self) -> Option<&'static str> {
        Self::LEAK_RULE
    }
}

struct Entry {
    kind: &'static str,
    leak_rule: Option<&'static str>,
    creator: usize,
    object: Option<Arc<dyn Any + Send + Sync>>,
}

struct Table {
    base: usize,
    entries: RwLock<Vec<Entry>>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        // SAFETY: a fresh reservation that nothing ever makes accessible.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                SPACE,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        assert_ne!(base, libc::MAP_FAILED, "no address space for handles");
        Table { base: base as usize, entries: RwLock::new(Vec::new()) }
    })
}

/// Opens a handle to `object`. Handle values are never reused.
pub fn create<T: Object>(object: Arc<T>) -> *mut c_void {
    let table = table();
    let mut entries = table.entries.write().expect("handle table");
    let index = entries.len();
    assert!(index < SPACE / STEP - 1, "handle space used up");
    entries.push(Entry {
        kind: object.kind(),
        leak_rule: object.leak_rule(),
        creator: cpu::current_call().map_or(0, |call| call.caller),
        object: Some(object),
    });
    (table.base + (index + 1) * STEP) as *mut c_void
}

fn index(table: &Table, handle: *const c_void) -> Option<usize> {
    let offset = (handle as usize).checked_sub(table.base)?;
    (offset < SPACE && offset.is_multiple_of(STEP)).then(|| (offset / STEP).checked_sub(1)).flatten()
}

/// Of `handle`: the value of handle number 0, and its own number; none if it is no handle value.
pub(crate) fn number(handle: *const c_void) -> Option<(usize, usize)> {
    let table = table();
    index(table, handle).map(|index| (table.base, index + 1))
}

/// The object behind `handle`, if it is an open handle to a `T`.
pub fn get<T: Object>(handle: *const c_void) -> Option<Arc<T>> {
    let table = table();
    let entries = table.entries.read().expect("handle table");
    entries.get(index(table, handle)?)?.object.clone()?.downcast().ok()
}

/// The object behind `handle`; breaks rule G-34 if the value is anything but an open handle to a `T`.
pub fn expect<T: Object>(handle: *const c_void) -> Arc<T> {
    match get::<T>(handle) {
        Some(object) => object,
        None => verifier::violation(
            "G-34",
            &format!("{handle:p} is {}, not an open {} handle", describe(handle), T::KIND),
        ),
    }
}

/// Closes `handle` and returns its object; breaks rule G-34 if it is not an open handle to a `T`.
pub fn close<T: Object>(handle: *const c_void) -> Arc<T> {
    let object = expect::<T>(handle);
    let table = table();
    let mut entries = table.entries.write().expect("handle table");
    if let Some(entry) = index(table, handle).and_then(|index| entries.get_mut(index)) {
        entry.object = None;
    }
    object
}

/// What `handle` is, in words.
pub fn describe(handle: *const c_void) -> String {
    let table = table();
    let Ok(entries) = table.entries.try_read() else { return "unknown".into() };
    match index(table, handle).and_then(|index| entries.get(index)) {
        Some(Entry { object: Some(_), kind, .. }) => format!("an open {kind} handle"),
        Some(Entry { kind, .. }) => format!("a closed {kind} handle"),
        None if handle.is_null() => "null".into(),
        None => "no handle".into(),
    }
}

/// Whether `address` lies in the space from which handle values come.
pub fn contains(address: usize) -> bool {
    let base = table().base;
    (base..base + SPACE).contains(&address)
}

/// Open handles whose kind has a leak rule: rule, kind, value and creator's address.
pub fn open_with_rule() -> Vec<(&'static str, &'static str, usize, usize)> {
    let table = table();
    let entries = table.entries.read().expect("handle table");
    let leaked = entries.iter().enumerate().filter(|(_, entry)| entry.object.is_some());
    leaked
        .filter_map(|(i, entry)| {
            entry.leak_rule.map(|rule| (rule, entry.kind, table.base + (i + 1) * STEP, entry.creator))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Apple;
    impl Object for Apple {
        const KIND: &'static str = "apple";
    }
    struct Pear;
    impl Object for Pear {
        const KIND: &'static str = "pear";
    }

    #[test]
    fn a_handle_knows_its_kind_and_goes_stale() {
        let handle = create(Arc::new(Apple));
        assert!(get::<Apple>(handle).is_some());
        assert!(get::<Pear>(handle).is_none());
        assert!(get::<Apple>(handle.wrapping_byte_add(1)).is_none());
        close::<Apple>(handle);
        assert!(get::<Apple>(handle).is_none());
        assert_eq!(describe(handle), "a closed apple handle");
        assert_ne!(create(Arc::new(Apple)), handle);
        assert_eq!(describe(std::ptr::null()), "null");
    }
}
