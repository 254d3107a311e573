//! The object manager: kernel objects, handles to them, and references that drivers count.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Once, PoisonError};

use ddk::nt;

use super::{dispatcher, process, thread};
use crate::cpu::{self, DISPATCH, PASSIVE};
use crate::handle;
use crate::pool::{self, Fill};
use crate::verifier::{self, Leak, violation};

const OBJECT_TAG: u32 = u32::from_le_bytes(*b"Obj ");

/// What an object is, as far as a driver may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Process,
    Thread,
    Event,
    Token,
    Key,
    Section,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Thread => "thread",
            Self::Event => "event",
            Self::Token => "token",
            Self::Key => "key",
            Self::Section => "section",
        }
    }
}

/// A kernel object. Its address, which drivers see, is lent memory that starts with a dispatcher object.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    pub(crate) address: usize,
    pub(crate) body: Box<dyn Any + Send + Sync>,
}

impl Drop for Object {
    fn drop(&mut self) {
        pool::take_back(self.address as *mut u8);
    }
}

/// A handle to an object.
struct Handle(Arc<Object>);

impl handle::Object for Handle {
    const KIND: &'static str = "kernel";

    fn kind(&self) -> &'static str {
        self.0.kind.name()
    }

    fn leak_rule(&self) -> Option<&'static str> {
        Some("G-6")
    }
}

/// References that a driver holds to what is at an address.
#[derive(Clone, Debug, Default)]
struct References {
    object: Option<Arc<Object>>,
    count: i64,
    creator: usize,
}

static REFERENCES: Mutex<BTreeMap<usize, References>> = Mutex::new(BTreeMap::new());
/// Objects that exist, by address. The kernel itself keeps them as long as they are in here.
static OBJECTS: Mutex<BTreeMap<usize, std::sync::Weak<Object>>> = Mutex::new(BTreeMap::new());

/// Makes an object whose dispatcher object is of the given kind and state.
pub(crate) fn create(kind: Kind, dispatcher: u8, state: i32, body: impl Any + Send + Sync) -> Arc<Object> {
    let address = pool::lend(64, OBJECT_TAG, Fill::Zero);
    dispatcher::initialize(address, dispatcher, 6, state);
    let object = Arc::new(Object { kind, address: address as usize, body: Box::new(body) });
    let mut objects = OBJECTS.lock().unwrap_or_else(PoisonError::into_inner);
    objects.insert(address as usize, Arc::downgrade(&object));
    object
}

/// The object at `address`.
pub(crate) fn at(address: usize) -> Option<Arc<Object>> {
    OBJECTS.lock().unwrap_or_else(PoisonError::into_inner).get(&address)?.upgrade()
}

/// The object at `address`; breaks rule G-35 if there is none of that kind.
pub(crate) fn expect<T>(pointer: *const T, kind: Kind) -> Arc<Object> {
    match at(pointer as usize).filter(|object| object.kind == kind) {
        Some(object) => object,
        None => violation("G-35", &format!("{pointer:p} is no {} object that still exists", kind.name())),
    }
}

/// Opens a handle to an object.
pub(crate) fn open(object: Arc<Object>) -> nt::HANDLE {
    handle::create(Arc::new(Handle(object)))
}

/// The object behind a handle.
pub(crate) fn by_handle(handle: nt::HANDLE) -> Option<Arc<Object>> {
    const CURRENT_PROCESS: isize = -1;
    const CURRENT_THREAD: isize = -2;
    match handle as isize {
        CURRENT_PROCESS => Some(process::system()),
        CURRENT_THREAD => thread::current(),
        _ => handle::get::<Handle>(handle).map(|handle| handle.0.clone()),
    }
}

/// The object behind a handle; breaks rule G-34 if the value is no open handle.
pub(crate) fn expect_handle(handle: nt::HANDLE) -> Arc<Object> {
    match by_handle(handle) {
        Some(object) => object,
        None => {
            handle::expect::<Handle>(handle);
            violation("G-34", &format!("{handle:p} is no handle here"))
        }
    }
}

/// Closes a handle; false if it is none of this module.
pub(crate) fn close(handle: nt::HANDLE) -> bool {
    let known = handle::get::<Handle>(handle).is_some();
    if known {
        handle::close::<Handle>(handle);
    }
    known
}

/// Adds a reference of the driver to what is at `address`, and returns the count.
pub(crate) fn reference(address: usize) -> i64 {
    static CHECK: Once = Once::new();
    CHECK.call_once(|| verifier::on_leak_check(leaks));
    if address == 0 {
        violation("G-35", "reference of no object");
    }
    let object = at(address);
    let creator = cpu::current_call().map_or(0, |call| call.caller);
    let mut references = REFERENCES.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = references.entry(address).or_insert_with(|| References { object, count: 0, creator });
    entry.count += 1;
    entry.count
}

/// Takes a reference of the driver away; breaks rule G-35 if it has none.
pub(crate) fn dereference(address: usize) -> i64 {
    let mut references = REFERENCES.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(entry) = references.get_mut(&address) else {
        drop(references);
        violation("G-35", &format!("{address:#x} is dereferenced more often than it was referenced"));
    };
    entry.count -= 1;
    let left = entry.count;
    let gone = if left == 0 { references.remove(&address) } else { None };
    drop(references);
    drop(gone);
    left
}

fn leaks(leaks: &mut Vec<Leak>) {
    let references = REFERENCES.lock().unwrap_or_else(PoisonError::into_inner);
    leaks.extend(references.iter().map(|(address, entry)| {
        let kind = entry.object.as_ref().map_or("object", |object| object.kind.name());
        Leak {
            rule: "G-35".into(),
            what: format!("{} references to the {kind} at {address:#x}", entry.count),
            creator: verifier::locate(entry.creator),
        }
    }));
}

/// An object type: its address is what drivers compare.
macro_rules! object_types {
    ($($name:ident = $kind:expr),* $(,)?) => {
        $(
            #[allow(non_upper_case_globals, reason = "named by the kernel")]
            static $name: (u64, Option<Kind>) = (0, $kind);
        )*

        /// The object types, which drivers import as data: variables that hold the type's address.
        pub static TYPES: &[crate::export::Export] = &[$({
            struct Slot(#[allow(dead_code, reason = "read by drivers")] *const (u64, Option<Kind>));
            // SAFETY: an address of immutable data.
            unsafe impl Sync for Slot {}
            static SLOT: Slot = Slot(&raw const $name);
            crate::export::Export::raw("ntoskrnl.exe", stringify!($name), (&raw const SLOT).cast())
        }),*];

        /// The kind that an object type stands for.
        fn kind_of(object_type: nt::POBJECT_TYPE) -> Option<Kind> {
            $(if std::ptr::eq(object_type.cast(), &raw const $name) { return $name.1; })*
            violation("L-2", &format!("{object_type:p} is no object type"))
        }
    };
}

object_types! {
    PsProcessType = Some(Kind::Process),
    PsThreadType = Some(Kind::Thread),
    ExEventObjectType = Some(Kind::Event),
    SeTokenObjectType = Some(Kind::Token),
    CmKeyObjectType = Some(Kind::Key),
    MmSectionObjectType = Some(Kind::Section),
    IoFileObjectType = None,
}

fn matches(object: &Object, object_type: nt::POBJECT_TYPE) -> bool {
    object_type.is_null() || kind_of(object_type) == Some(object.kind)
}

/// # Safety
/// `out` has room for a pointer.
unsafe fn by_handle_into(handle: nt::HANDLE, object_type: nt::POBJECT_TYPE, out: *mut nt::PVOID) -> i32 {
    let object = expect_handle(handle);
    if !matches(&object, object_type) {
        return nt::STATUS_OBJECT_TYPE_MISMATCH;
    }
    reference(object.address);
    // SAFETY: the caller's promise.
    unsafe { out.write(object.address as nt::PVOID) };
    nt::STATUS_SUCCESS
}

/// # Safety
/// `out` has room for a handle.
unsafe fn by_pointer_into(object: nt::PVOID, object_type: nt::POBJECT_TYPE, out: nt::PHANDLE) -> i32 {
    let Some(object) = at(object as usize) else {
        violation("G-35", &format!("{object:p} is no object that still exists"));
    };
    if !matches(&object, object_type) {
        return nt::STATUS_OBJECT_TYPE_MISMATCH;
    }
    // SAFETY: the caller's promise.
    unsafe { out.write(open(object)) };
    nt::STATUS_SUCCESS
}

crate::exports! {
    /// Object functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Adds a reference.
    irql(0..=DISPATCH) fn ObfReferenceObject(object: nt::PVOID) -> nt::LONG_PTR {
        reference(object as usize) + 1
    }

    /// Adds a reference with a tag.
    irql(0..=DISPATCH) fn ObfReferenceObjectWithTag(object: nt::PVOID, _tag: u32) -> nt::LONG_PTR {
        reference(object as usize) + 1
    }

    /// Takes a reference away.
    irql(0..=DISPATCH) fn ObfDereferenceObject(object: nt::PVOID) -> nt::LONG_PTR {
        dereference(object as usize) + 1
    }

    /// Takes a reference with a tag away.
    irql(0..=DISPATCH) fn ObfDereferenceObjectWithTag(object: nt::PVOID, _tag: u32) -> nt::LONG_PTR {
        dereference(object as usize) + 1
    }

    /// Takes a reference away, and leaves the deletion to a worker.
    irql(0..=DISPATCH) fn ObDereferenceObjectDeferDelete(object: nt::PVOID) {
        dereference(object as usize);
    }

    /// Adds a reference if the object is of the type.
    irql(0..=DISPATCH) fn ObReferenceObjectByPointer(
        object: nt::PVOID, _access: u32, object_type: nt::POBJECT_TYPE, _mode: i8
    ) -> i32 {
        if at(object as usize).is_some_and(|object| !matches(&object, object_type)) {
            return nt::STATUS_OBJECT_TYPE_MISMATCH;
        }
        reference(object as usize);
        nt::STATUS_SUCCESS
    }

    /// The object behind a handle, with a reference.
    irql(PASSIVE..=PASSIVE, "G-18") fn ObReferenceObjectByHandle(
        handle: nt::HANDLE, _access: u32, object_type: nt::POBJECT_TYPE, _mode: i8, out: *mut nt::PVOID,
        _information: nt::POBJECT_HANDLE_INFORMATION
    ) -> i32 {
        // SAFETY: the driver passes room for the pointer.
        unsafe { by_handle_into(handle, object_type, out) }
    }

    /// The object behind a handle, with a tagged reference.
    irql(PASSIVE..=PASSIVE, "G-18") fn ObReferenceObjectByHandleWithTag(
        handle: nt::HANDLE, _access: u32, object_type: nt::POBJECT_TYPE, _mode: i8, _tag: u32, out: *mut nt::PVOID,
        _information: nt::POBJECT_HANDLE_INFORMATION
    ) -> i32 {
        // SAFETY: as above.
        unsafe { by_handle_into(handle, object_type, out) }
    }

    /// Opens a handle to an object.
    irql(PASSIVE..=PASSIVE, "G-18") fn ObOpenObjectByPointer(
        object: nt::PVOID, _attributes: u32, _state: nt::PACCESS_STATE, _access: u32,
        object_type: nt::POBJECT_TYPE, _mode: i8, out: nt::PHANDLE
    ) -> i32 {
        // SAFETY: the driver passes room for the handle.
        unsafe { by_pointer_into(object, object_type, out) }
    }

    /// Closes a handle.
    irql(PASSIVE..=PASSIVE, "G-18") fn ObCloseHandle(handle: nt::HANDLE, _mode: i8) -> i32 {
        if !close(handle) {
            handle::close::<Handle>(handle);
        }
        nt::STATUS_SUCCESS
    }
}
