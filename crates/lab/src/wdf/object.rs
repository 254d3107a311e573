//! Framework objects: handles, parents, contexts, references and the order in which they go.

use std::collections::HashMap;
use std::ffi::c_void;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use ddk::nt::{
    PCCH, PCWDF_OBJECT_CONTEXT_TYPE_INFO, PFN_WDF_OBJECT_CONTEXT_CLEANUP, PFN_WDF_OBJECT_CONTEXT_DESTROY,
    PVOID, PWDF_DRIVER_GLOBALS, PWDF_OBJECT_ATTRIBUTES, WDF_OBJECT_ATTRIBUTES, WDFOBJECT,
};

use super::deferred::{Memory, SpinLock, Timer, WaitLock, WorkItem};
use super::device::Device;
use super::driver::{Driver, Key};
use super::loader::client;
use super::queue::Queue;
use super::request::Request;
use super::user::FileObject;
use super::{functions, required, status};
use crate::cpu::{self, DISPATCH, PASSIVE};
use crate::handle;
use crate::pool::{self, Fill};
use crate::verifier::{callback, violation};

const CONTEXT_TAG: u32 = u32::from_le_bytes(*b"FxCt");

/// What an object is.
#[derive(Debug)]
pub(super) enum Body {
    Driver(Driver),
    Device(Device),
    Queue(Queue),
    Request(Request),
    File(FileObject),
    Timer(Timer),
    WorkItem(WorkItem),
    SpinLock(SpinLock),
    WaitLock(WaitLock),
    Memory(Memory),
    Key(Key),
}

/// A kind of body.
pub(super) trait Part {
    const NAME: &'static str;
    fn of(body: &Body) -> Option<&Self>;
}

macro_rules! parts {
    ($($variant:ident($part:ty) = $name:literal),* $(,)?) => {
        $(impl Part for $part {
            const NAME: &'static str = $name;
            fn of(body: &Body) -> Option<&Self> {
                match body {
                    Body::$variant(part) => Some(part),
                    _ => None,
                }
            }
        })*

        impl Body {
            fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }
        }
    };
}

parts! {
    Driver(Driver) = "WDFDRIVER", Device(Device) = "WDFDEVICE", Queue(Queue) = "WDFQUEUE",
    Request(Request) = "WDFREQUEST", File(FileObject) = "WDFFILEOBJECT", Timer(Timer) = "WDFTIMER",
    WorkItem(WorkItem) = "WDFWORKITEM", SpinLock(SpinLock) = "WDFSPINLOCK", WaitLock(WaitLock) = "WDFWAITLOCK",
    Memory(Memory) = "WDFMEMORY", Key(Key) = "WDFKEY",
}

#[derive(Debug)]
struct Context {
    /// The address that names the context's type.
    unique: usize,
    memory: usize,
    cleanup: PFN_WDF_OBJECT_CONTEXT_CLEANUP,
    destroy: PFN_WDF_OBJECT_CONTEXT_DESTROY,
}

#[derive(Debug, Default)]
struct State {
    references: u32,
    deleted: bool,
    parent: Weak<Object>,
    children: Vec<Arc<Object>>,
    contexts: Vec<Context>,
}

/// A framework object.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) body: Body,
    handle: OnceLock<usize>,
    state: Mutex<State>,
}

impl handle::Object for Object {
    const KIND: &'static str = "framework object";

    fn kind(&self) -> &'static str {
        self.body.name()
    }

    fn leak_rule(&self) -> Option<&'static str> {
        Some(if matches!(self.body, Body::Request(_)) { "K-31" } else { "K-46" })
    }
}

/// An object whose body is known to be a `T`.
#[derive(Debug)]
pub(super) struct Ref<T> {
    pub(super) object: Arc<Object>,
    kind: std::marker::PhantomData<fn() -> T>,
}

impl<T: Part> Ref<T> {
    /// Wraps an object; none if its body is of another kind.
    pub(super) fn new(object: Arc<Object>) -> Option<Self> {
        T::of(&object.body)?;
        Some(Self { object, kind: std::marker::PhantomData })
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        Self { object: self.object.clone(), kind: std::marker::PhantomData }
    }
}

impl<T: Part> Deref for Ref<T> {
    type Target = T;

    fn deref(&self) -> &T {
        T::of(&self.object.body).expect("checked when the reference was made")
    }
}

/// Copies a driver's attributes after checking them; none if it passes none.
pub(super) fn attributes(attributes: PWDF_OBJECT_ATTRIBUTES) -> Option<WDF_OBJECT_ATTRIBUTES> {
    if attributes.is_null() {
        return None;
    }
    // SAFETY: the driver passes attributes; a bad pointer faults and is reported.
    let attributes = unsafe { attributes.read_unaligned() };
    if attributes.Size as usize != size_of::<WDF_OBJECT_ATTRIBUTES>() {
        violation("K-41", &format!("attributes of {} bytes", attributes.Size));
    }
    if !(1..=3).contains(&attributes.ExecutionLevel) || !(1..=4).contains(&attributes.SynchronizationScope) {
        violation(
            "K-41",
            &format!(
                "execution level {} and synchronization scope {}",
                attributes.ExecutionLevel, attributes.SynchronizationScope
            ),
        );
    }
    Some(attributes)
}

impl Object {
    /// Makes an object with the context and callbacks that `attributes` ask for, below `parent` unless they
    /// name another one.
    pub(super) fn create(
        body: Body,
        attributes: Option<&WDF_OBJECT_ATTRIBUTES>,
        parent: Option<&Arc<Object>>,
    ) -> Result<Arc<Self>, i32> {
        if pool::must_fail() {
            return Err(status::INSUFFICIENT_RESOURCES);
        }
        let named = attributes.map(|attributes| attributes.ParentObject).filter(|parent| !parent.is_null());
        let named = named.map(expect_any);
        let parent = named.as_ref().or(parent);
        let object = Arc::new(Self { body, handle: OnceLock::new(), state: Mutex::default() });
        {
            let mut state = object.state();
            state.references = 1;
            if let Some(parent) = parent {
                state.parent = Arc::downgrade(parent);
            }
        }
        if let Some(parent) = parent {
            let mut state = parent.state();
            if state.deleted {
                drop(state);
                violation("K-42", &format!("a child is created below a deleted {}", parent.body.name()));
            }
            state.children.push(object.clone());
        }
        let _ = object.handle.set(handle::create(object.clone()) as usize);
        if let Some(attributes) = attributes {
            object.add_context(attributes);
        }
        Ok(object)
    }

    /// The handle that the driver has.
    pub(super) fn handle<T>(&self) -> *mut T {
        self.handle.get().copied().unwrap_or_default() as *mut T
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the object was deleted; references may still keep it.
    pub(super) fn is_deleted(&self) -> bool {
        self.state().deleted
    }

    /// The parent.
    pub(super) fn parent(&self) -> Option<Arc<Object>> {
        self.state().parent.upgrade()
    }

    fn add_context(self: &Arc<Self>, attributes: &WDF_OBJECT_ATTRIBUTES) -> (usize, bool) {
        let (unique, size) = match attributes.ContextTypeInfo {
            info if info.is_null() => (0, 0),
            // SAFETY: a driver's type information lives as long as the driver.
            info => unsafe {
                let size = attributes.ContextSizeOverride.max((*info).ContextSize);
                (unique_of(info), size)
            },
        };
        let mut state = self.state();
        if unique != 0
            && let Some(known) = state.contexts.iter().find(|context| context.unique == unique)
        {
            return (known.memory, false);
        }
        let memory = if unique == 0 { 0 } else { pool::lend(size, CONTEXT_TAG, Fill::Zero) as usize };
        state.contexts.push(Context {
            unique,
            memory,
            cleanup: attributes.EvtCleanupCallback,
            destroy: attributes.EvtDestroyCallback,
        });
        if memory != 0 {
            by_context().insert(memory, Arc::downgrade(self));
        }
        (memory, true)
    }

    /// Takes a reference.
    pub(super) fn reference(&self) {
        self.state().references += 1;
    }

    /// Gives a reference back; the last one destroys the object.
    pub(super) fn dereference(self: &Arc<Self>) {
        let mut state = self.state();
        let Some(left) = state.references.checked_sub(1) else {
            drop(state);
            violation("KV-7", "an object is dereferenced more often than referenced");
        };
        if left == 0 && !state.deleted {
            drop(state);
            violation("KV-7", "the last reference goes without WdfObjectDelete");
        }
        state.references = left;
        if left != 0 {
            return;
        }
        let destroys: Vec<_> = state.contexts.iter().filter_map(|context| context.destroy).collect();
        drop(state);
        for destroy in destroys {
            // SAFETY: the driver's callback for this object, whose contexts are still there.
            callback("EvtDestroyCallback", || unsafe { destroy(self.handle()) });
        }
        let contexts = std::mem::take(&mut self.state().contexts);
        for context in contexts.iter().filter(|context| context.memory != 0) {
            by_context().remove(&context.memory);
            pool::take_back(context.memory as *mut u8);
        }
        handle::close::<Self>(self.handle::<c_void>());
    }

    /// Deletes the object: children first, then its cleanup callbacks, then the reference that its creation
    /// took.
    pub(super) fn delete(self: &Arc<Self>) {
        let children = {
            let mut state = self.state();
            if state.deleted {
                drop(state);
                violation("K-42", &format!("{} is deleted twice", self.body.name()));
            }
            state.deleted = true;
            std::mem::take(&mut state.children)
        };
        for child in children.iter().rev() {
            if !child.is_deleted() {
                child.delete();
            }
        }
        match &self.body {
            Body::Device(device) => device.close(),
            Body::Queue(queue) => queue.close(),
            Body::Timer(timer) => timer.close(),
            Body::WorkItem(item) => item.close(),
            Body::Memory(memory) => memory.close(),
            _ => {}
        }
        let cleanups: Vec<_> = self.state().contexts.iter().filter_map(|context| context.cleanup).collect();
        for cleanup in cleanups {
            // SAFETY: the driver's callback for this object.
            callback("EvtCleanupCallback", || unsafe { cleanup(self.handle()) });
        }
        if let Some(parent) = self.parent() {
            parent.state().children.retain(|child| !Arc::ptr_eq(child, self));
        }
        self.dereference();
    }
}

/// # Safety
/// `info` points to type information of a driver.
unsafe fn unique_of(info: PCWDF_OBJECT_CONTEXT_TYPE_INFO) -> usize {
    // SAFETY: the caller's promise.
    let unique = unsafe { (*info).UniqueType };
    if unique.is_null() {
        violation("K-41", "context type information without a unique type");
    }
    unique as usize
}

fn by_context() -> std::sync::MutexGuard<'static, HashMap<usize, Weak<Object>>> {
    static OBJECTS: OnceLock<Mutex<HashMap<usize, Weak<Object>>>> = OnceLock::new();
    OBJECTS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// The object behind a handle of any kind; breaks rule KV-5 if there is none.
pub(super) fn expect_any(object: WDFOBJECT) -> Arc<Object> {
    handle::get::<Object>(object).unwrap_or_else(|| stale(object, "WDFOBJECT"))
}

/// The object behind a handle that has to be of kind `T`; breaks rule KV-5 or K-37 if it is not.
pub(super) fn expect<T: Part, H>(object: *mut H) -> Ref<T> {
    let found = handle::get::<Object>(object.cast()).and_then(Ref::new);
    found.unwrap_or_else(|| stale(object.cast(), T::NAME))
}

fn stale(object: *mut c_void, wanted: &str) -> ! {
    let what = handle::describe(object);
    let rule = if what == "a closed WDFREQUEST handle" { "K-37" } else { "KV-5" };
    violation(rule, &format!("{object:p} is {what}, wanted was an open {wanted} handle"))
}

functions! {
    /// Functions for objects of all kinds.
    pub(super) static TABLE;

    /// Deletes an object.
    irql(0..=DISPATCH) fn WdfObjectDelete: PFN_WDFOBJECTDELETE (globals: PWDF_DRIVER_GLOBALS, object: WDFOBJECT) {
        client(globals);
        let object = expect_any(object);
        let owned = match &object.body {
            Body::Driver(_) | Body::File(_) | Body::Request(_) => false,
            Body::Queue(queue) => !queue.is_default(),
            _ => true,
        };
        if !owned {
            violation("K-42", &format!("a {} belongs to the framework", object.body.name()));
        }
        let waits = matches!(object.body, Body::Device(_) | Body::Queue(_) | Body::WorkItem(_) | Body::Timer(_));
        if waits && cpu::irql() != PASSIVE {
            violation("K-40", &format!("a {} is deleted at IRQL {}", object.body.name(), cpu::irql()));
        }
        object.delete();
    }

    /// Takes a reference.
    irql(0..=DISPATCH) fn WdfObjectReferenceActual: PFN_WDFOBJECTREFERENCEACTUAL (
        globals: PWDF_DRIVER_GLOBALS, object: WDFOBJECT, _tag: PVOID, _line: i32, _file: PCCH
    ) {
        client(globals);
        expect_any(object).reference();
    }

    /// Gives a reference back.
    irql(0..=DISPATCH) fn WdfObjectDereferenceActual: PFN_WDFOBJECTDEREFERENCEACTUAL (
        globals: PWDF_DRIVER_GLOBALS, object: WDFOBJECT, _tag: PVOID, _line: i32, _file: PCCH
    ) {
        client(globals);
        expect_any(object).dereference();
    }

    /// An object's context of a type; null if it has none.
    irql(0..=15) fn WdfObjectGetTypedContextWorker: PFN_WDFOBJECTGETTYPEDCONTEXTWORKER (
        globals: PWDF_DRIVER_GLOBALS, object: WDFOBJECT, info: PCWDF_OBJECT_CONTEXT_TYPE_INFO
    ) -> PVOID {
        client(globals);
        required(info, "the context type");
        // SAFETY: checked not to be null; a driver's type information lives as long as the driver.
        let unique = unsafe { unique_of(info) };
        let object = expect_any(object);
        let state = object.state();
        let found = state.contexts.iter().find(|context| context.unique == unique);
        found.map_or(std::ptr::null_mut(), |context| context.memory as PVOID)
    }

    /// Gives an object another context.
    irql(0..=DISPATCH) fn WdfObjectAllocateContext: PFN_WDFOBJECTALLOCATECONTEXT (
        globals: PWDF_DRIVER_GLOBALS, object: WDFOBJECT, attributes: PWDF_OBJECT_ATTRIBUTES, context: *mut PVOID
    ) -> i32 {
        const OBJECT_NAME_EXISTS: i32 = 0x4000_0000;
        client(globals);
        required(attributes, "the context's attributes");
        let Some(attributes) = self::attributes(attributes) else { return status::INVALID_PARAMETER };
        if attributes.ContextTypeInfo.is_null() || !attributes.ParentObject.is_null() {
            return status::INVALID_PARAMETER;
        }
        if pool::must_fail() {
            return status::INSUFFICIENT_RESOURCES;
        }
        let (memory, fresh) = expect_any(object).add_context(&attributes);
        if !context.is_null() {
            // SAFETY: the driver passes room for the pointer.
            unsafe { context.write(memory as PVOID) };
        }
        if fresh { status::SUCCESS } else { OBJECT_NAME_EXISTS }
    }

    /// The object to which a context belongs.
    irql(0..=15) fn WdfObjectContextGetObject: PFN_WDFOBJECTCONTEXTGETOBJECT (
        globals: PWDF_DRIVER_GLOBALS, context: PVOID
    ) -> WDFOBJECT {
        client(globals);
        match by_context().get(&(context as usize)).and_then(Weak::upgrade) {
            Some(object) => object.handle(),
            None => violation("KV-5", &format!("{context:p} is no object's context")),
        }
    }
}
