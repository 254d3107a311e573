//! A filter driver written in host Rust: passes everything through, or breaks exactly one rule on demand.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary that includes this file is a crate of its own and uses a part of it"
)]

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ddk::ndis::*;
use ddk::nt::{DRIVER_OBJECT, UNICODE_STRING};
use lab::ndis::exports::{
    NdisAdjustNetBufferCurrentMdl, NdisAllocateCloneOidRequest, NdisAllocateMdl,
    NdisAllocateMemoryWithTagPriority, NdisAllocateNetBufferAndNetBufferList, NdisAllocateNetBufferListPool,
    NdisFDeregisterFilterDriver, NdisFDevicePnPEventNotify, NdisFIndicateReceiveNetBufferLists,
    NdisFIndicateStatus, NdisFNetPnPEvent, NdisFOidRequest, NdisFOidRequestComplete, NdisFPauseComplete,
    NdisFRegisterFilterDriver, NdisFReturnNetBufferLists, NdisFSendNetBufferLists,
    NdisFSendNetBufferListsComplete, NdisFSetAttributes, NdisFreeCloneOidRequest, NdisFreeMdl,
    NdisFreeMemory, NdisFreeNetBufferList, NdisFreeNetBufferListPool,
};
use lab::ndis::{Adapter, AttachTime, Attributes, Config, FilterDriver, driver};

/// The rule that the driver breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    CompleteTwice,
    SendAfterCompletion,
    ReadAfterSend,
    ReturnResources,
    BreakResourcesChain,
    DropResourcesFlag,
    LeaveOffset,
    LeaveMdl,
    LeaveSlot,
    WrongCount,
    WrongSide,
    HoldReceive,
    FalseDispatchFlag,
    ForwardWhilePaused,
    OriginateWhilePaused,
    OriginateInPause,
    OriginateOncePausing,
    CompleteOwn,
    ReturnOwn,
    WrongSource,
    BadOffset,
    AttributesTwice,
    NoAttributes,
    AttachPends,
    PauseNever,
    PauseTwice,
    PauseFails,
    LeakPool,
    LeakList,
    ForwardOriginalOid,
    KeepClone,
    NoCopyBack,
    CompleteOidTwice,
    ChangeUnknownAttribute,
    RaiseIrql,
    FailPower,
    KeepPower,
    SlowPower,
    /// Keeps every send and receive until told otherwise; not a fault.
    Queue,
}

pub static FAULT: Mutex<Fault> = Mutex::new(Fault::None);
pub static HANDLE: AtomicUsize = AtomicUsize::new(0);
static DRIVER_HANDLE: AtomicUsize = AtomicUsize::new(0);
pub static PAUSED: AtomicUsize = AtomicUsize::new(1);
pub static OWN_BACK: AtomicUsize = AtomicUsize::new(0);
pub static QUEUE: Mutex<Vec<usize>> = Mutex::new(Vec::new());

const CONTEXT: usize = 0x5555;

pub fn fault(fault: Fault) -> bool {
    *FAULT.lock().unwrap() == fault
}

pub fn handle() -> NDIS_HANDLE {
    HANDLE.load(Ordering::Relaxed) as NDIS_HANDLE
}

// SAFETY of every `unsafe` block below: the lab calls these handlers as NDIS does, with valid arguments,
// and the functions called are the lab's exports, whose contracts the driver keeps except where a fault is
// asked for.

unsafe extern "win64" fn attach(
    filter: NDIS_HANDLE,
    context: NDIS_HANDLE,
    parameters: PNDIS_FILTER_ATTACH_PARAMETERS,
) -> NDIS_STATUS {
    assert_eq!(context as usize, CONTEXT);
    // SAFETY: see above.
    unsafe {
        assert_eq!((*parameters).Header.Type, NDIS_OBJECT_TYPE_FILTER_ATTACH_PARAMETERS);
        assert_ne!((*parameters).BaseMiniportNetLuid.Value, 0);
    }
    if fault(Fault::AttachPends) {
        return NDIS_STATUS_PENDING;
    }
    HANDLE.store(filter as usize, Ordering::Relaxed);
    let mut attributes = NDIS_FILTER_ATTRIBUTES {
        Header: NDIS_OBJECT_HEADER { Type: NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES, Revision: 1, Size: 8 },
        Flags: 0,
    };
    for _ in 0..if fault(Fault::AttributesTwice) { 2 } else { 1 } {
        if !fault(Fault::NoAttributes) {
            // SAFETY: see above.
            let status = unsafe { NdisFSetAttributes(filter, filter, &raw mut attributes) };
            if status != NDIS_STATUS_SUCCESS {
                return status;
            }
        }
    }
    NDIS_STATUS_SUCCESS
}

unsafe extern "win64" fn detach(context: NDIS_HANDLE) {
    enter(context);
}

unsafe extern "win64" fn restart(
    module: NDIS_HANDLE,
    parameters: PNDIS_FILTER_RESTART_PARAMETERS,
) -> NDIS_STATUS {
    enter(module);
    if fault(Fault::ChangeUnknownAttribute) {
        // SAFETY: see above.
        unsafe {
            let mut entry = (*parameters).RestartAttributes;
            while !entry.is_null() {
                if (*entry).Oid != 0x0001_021d {
                    (*entry).Data[0] ^= 1;
                }
                entry = (*entry).Next;
            }
        }
    }
    PAUSED.store(0, Ordering::Relaxed);
    NDIS_STATUS_SUCCESS
}

unsafe extern "win64" fn pause(module: NDIS_HANDLE, _: PNDIS_FILTER_PAUSE_PARAMETERS) -> NDIS_STATUS {
    enter(module);
    PAUSED.store(1, Ordering::Relaxed);
    if fault(Fault::OriginateInPause) {
        // SAFETY: the driver's own list and handle.
        unsafe { NdisFSendNetBufferLists(handle(), own_list(60), 0, 0) };
    }
    match *FAULT.lock().unwrap() {
        Fault::PauseNever | Fault::OriginateOncePausing => NDIS_STATUS_PENDING,
        Fault::PauseFails => NDIS_STATUS_FAILURE,
        Fault::PauseTwice => {
            // SAFETY: see above.
            unsafe {
                NdisFPauseComplete(handle());
                NdisFPauseComplete(handle());
            }
            NDIS_STATUS_PENDING
        }
        Fault::Queue => {
            std::thread::spawn(|| {
                lab::cpu::init();
                // SAFETY: see above.
                unsafe { NdisFPauseComplete(handle()) };
            });
            NDIS_STATUS_PENDING
        }
        _ => NDIS_STATUS_SUCCESS,
    }
}

unsafe extern "win64" fn send(module: NDIS_HANDLE, lists: PNET_BUFFER_LIST, port: u32, flags: u32) {
    enter(module);
    // SAFETY: see above.
    unsafe {
        if PAUSED.load(Ordering::Relaxed) != 0 && !fault(Fault::ForwardWhilePaused) {
            let mut list = lists;
            while !list.is_null() {
                (*list).Status = NDIS_STATUS_PAUSED;
                list = (*list).Next;
            }
            NdisFSendNetBufferListsComplete(handle(), lists, flags & 1);
            return;
        }
        let flags = if fault(Fault::FalseDispatchFlag) { flags | 1 } else { flags };
        match *FAULT.lock().unwrap() {
            Fault::SendAfterCompletion => NdisFSendNetBufferListsComplete(handle(), lists, flags & 1),
            Fault::LeaveOffset => {
                let nb = (*lists).FirstNetBuffer;
                (*nb).DataOffset += 1;
                (*nb).DataLength -= 1;
                NdisAdjustNetBufferCurrentMdl(nb);
            }
            Fault::LeaveMdl => {
                let mdl = (*(*lists).FirstNetBuffer).MdlChain;
                (*mdl).ByteCount += 1;
            }
            Fault::LeaveSlot => (*lists).NetBufferListInfo[4] = 0x10 as _,
            Fault::BadOffset => (*(*lists).FirstNetBuffer).CurrentMdlOffset += 1,
            Fault::RaiseIrql => {
                lab::cpu::raise(lab::cpu::DISPATCH);
            }
            Fault::Queue => {
                QUEUE.lock().unwrap().push(lists as usize);
                return;
            }
            _ => {}
        }
        NdisFSendNetBufferLists(handle(), lists, port, flags);
        if fault(Fault::ReadAfterSend) {
            std::hint::black_box(std::ptr::read_volatile(&raw const (*lists).Next));
        }
    }
}

unsafe extern "win64" fn send_complete(module: NDIS_HANDLE, lists: PNET_BUFFER_LIST, flags: u32) {
    enter(module);
    // SAFETY: see above.
    unsafe {
        // O10: own lists are taken out and freed.
        let (mut own, mut foreign, mut tail): (PNET_BUFFER_LIST, PNET_BUFFER_LIST, PNET_BUFFER_LIST) =
            (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
        let mut list = lists;
        while !list.is_null() {
            let next = (*list).Next;
            if (*list).SourceHandle == handle() && !fault(Fault::CompleteOwn) {
                (*list).Next = own;
                own = list;
            } else {
                (*list).Next = std::ptr::null_mut();
                if tail.is_null() {
                    foreign = list;
                } else {
                    (*tail).Next = list;
                }
                tail = list;
            }
            list = next;
        }
        while !own.is_null() {
            let next = (*own).Next;
            OWN_BACK.fetch_add(1, Ordering::Relaxed);
            free_own(own);
            own = next;
        }
        if !foreign.is_null() {
            NdisFSendNetBufferListsComplete(handle(), foreign, flags);
            if fault(Fault::CompleteTwice) {
                NdisFSendNetBufferListsComplete(handle(), foreign, flags);
            }
        }
    }
}

unsafe extern "win64" fn receive(
    module: NDIS_HANDLE,
    lists: PNET_BUFFER_LIST,
    port: u32,
    count: u32,
    flags: u32,
) {
    enter(module);
    // SAFETY: see above.
    unsafe {
        match *FAULT.lock().unwrap() {
            Fault::ReturnResources => return NdisFReturnNetBufferLists(handle(), lists, flags & 1),
            Fault::BreakResourcesChain => {
                (*lists).Next = std::ptr::null_mut();
                return;
            }
            Fault::DropResourcesFlag => {
                return NdisFIndicateReceiveNetBufferLists(handle(), lists, port, count, flags & !2);
            }
            Fault::WrongSide => return NdisFSendNetBufferListsComplete(handle(), lists, 0),
            Fault::HoldReceive => return,
            Fault::Queue => {
                QUEUE.lock().unwrap().push(lists as usize);
                return;
            }
            _ => {}
        }
        if fault(Fault::OriginateOncePausing) && PAUSED.load(Ordering::Relaxed) != 0 {
            NdisFIndicateReceiveNetBufferLists(handle(), own_list(60), 0, 1, 0);
        }
        let count = if fault(Fault::WrongCount) { count + 1 } else { count };
        NdisFIndicateReceiveNetBufferLists(handle(), lists, port, count, flags);
    }
}

unsafe extern "win64" fn give_back(module: NDIS_HANDLE, lists: PNET_BUFFER_LIST, flags: u32) {
    enter(module);
    // SAFETY: see above.
    unsafe {
        if (*lists).SourceHandle == handle() && !fault(Fault::ReturnOwn) {
            OWN_BACK.fetch_add(1, Ordering::Relaxed);
            return free_own(lists);
        }
        NdisFReturnNetBufferLists(handle(), lists, flags);
    }
}

unsafe extern "win64" fn oid(module: NDIS_HANDLE, request: PNDIS_OID_REQUEST) -> NDIS_STATUS {
    enter(module);
    // SAFETY: see above.
    unsafe {
        if fault(Fault::ForwardOriginalOid) {
            return NdisFOidRequest(handle(), request);
        }
        if (*request).DATA.SET_INFORMATION.Oid == OID_PNP_SET_POWER {
            match *FAULT.lock().unwrap() {
                Fault::FailPower => return NDIS_STATUS_FAILURE,
                Fault::KeepPower => return NDIS_STATUS_SUCCESS,
                Fault::SlowPower => std::thread::sleep(std::time::Duration::from_millis(1_300)),
                _ => {}
            }
        }
        let mut clone = std::ptr::null_mut();
        let status =
            NdisAllocateCloneOidRequest(handle(), request, u32::from_le_bytes(*b"mock"), &raw mut clone);
        if status != NDIS_STATUS_SUCCESS {
            return status;
        }
        (&raw mut (*clone).SourceReserved).cast::<PNDIS_OID_REQUEST>().write_unaligned(request);
        let status = NdisFOidRequest(handle(), clone);
        if status != NDIS_STATUS_PENDING {
            finish_oid(request, clone);
        }
        status
    }
}

/// The module whose handler runs: its context is its handle.
fn enter(module: NDIS_HANDLE) {
    HANDLE.store(module as usize, Ordering::Relaxed);
}

/// # Safety
/// Both are live requests.
unsafe fn finish_oid(request: PNDIS_OID_REQUEST, clone: PNDIS_OID_REQUEST) {
    // SAFETY: see above.
    unsafe {
        if !fault(Fault::NoCopyBack) {
            let (to, from) = (&mut (*request).DATA.QUERY_INFORMATION, &(*clone).DATA.QUERY_INFORMATION);
            to.BytesWritten = from.BytesWritten;
            to.BytesNeeded = from.BytesNeeded;
            (*request).SupportedRevision = (*clone).SupportedRevision;
        }
        if !fault(Fault::KeepClone) {
            NdisFreeCloneOidRequest(handle(), clone);
        }
    }
}

unsafe extern "win64" fn oid_complete(module: NDIS_HANDLE, clone: PNDIS_OID_REQUEST, status: NDIS_STATUS) {
    enter(module);
    // SAFETY: see above.
    unsafe {
        let request = (&raw const (*clone).SourceReserved).cast::<PNDIS_OID_REQUEST>().read_unaligned();
        finish_oid(request, clone);
        NdisFOidRequestComplete(handle(), request, status);
        if fault(Fault::CompleteOidTwice) {
            NdisFOidRequestComplete(handle(), request, status);
        }
    }
}

unsafe extern "win64" fn status(module: NDIS_HANDLE, indication: PNDIS_STATUS_INDICATION) {
    enter(module);
    // SAFETY: see above.
    unsafe { NdisFIndicateStatus(handle(), indication) }
}

unsafe extern "win64" fn net_event(module: NDIS_HANDLE, event: PNET_PNP_EVENT_NOTIFICATION) -> NDIS_STATUS {
    enter(module);
    // SAFETY: see above.
    unsafe { NdisFNetPnPEvent(handle(), event) }
}

unsafe extern "win64" fn device_event(module: NDIS_HANDLE, event: PNET_DEVICE_PNP_EVENT) {
    enter(module);
    // SAFETY: see above.
    unsafe { NdisFDevicePnPEventNotify(handle(), event) }
}

fn string(text: &str) -> UNICODE_STRING {
    let units: &'static mut [u16] = Box::leak(text.encode_utf16().collect::<Vec<_>>().into_boxed_slice());
    let bytes = (units.len() * 2) as u16;
    UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: units.as_mut_ptr() }
}

/// Characteristics of an NDIS 6.30 driver with every handler.
pub fn characteristics() -> NDIS_FILTER_DRIVER_CHARACTERISTICS {
    // SAFETY: integers and nullable pointers.
    let mut all: NDIS_FILTER_DRIVER_CHARACTERISTICS = unsafe { std::mem::zeroed() };
    all.Header = NDIS_OBJECT_HEADER {
        Type: NDIS_OBJECT_TYPE_FILTER_DRIVER_CHARACTERISTICS,
        Revision: NDIS_FILTER_CHARACTERISTICS_REVISION_2,
        Size: NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_2,
    };
    all.MajorNdisVersion = 6;
    all.MinorNdisVersion = 30;
    all.FriendlyName = string("Mock filter");
    all.UniqueName = string("{5CBF81BD-5055-47CD-9055-A76B2B4E3697}");
    all.ServiceName = string("mock");
    all.AttachHandler = Some(attach);
    all.DetachHandler = Some(detach);
    all.RestartHandler = Some(restart);
    all.PauseHandler = Some(pause);
    all.SendNetBufferListsHandler = Some(send);
    all.SendNetBufferListsCompleteHandler = Some(send_complete);
    all.ReceiveNetBufferListsHandler = Some(receive);
    all.ReturnNetBufferListsHandler = Some(give_back);
    all.OidRequestHandler = Some(oid);
    all.OidRequestCompleteHandler = Some(oid_complete);
    all.StatusHandler = Some(status);
    all.NetPnPEventHandler = Some(net_event);
    all.DevicePnPEventNotifyHandler = Some(device_event);
    all
}

/// Registers with these characteristics.
pub fn register_with(mut all: NDIS_FILTER_DRIVER_CHARACTERISTICS) -> NDIS_STATUS {
    // SAFETY: a driver object that nobody looks into; the other pointers live on this stack.
    unsafe {
        let object: &'static mut DRIVER_OBJECT = Box::leak(Box::new(std::mem::zeroed()));
        let mut handle = std::ptr::null_mut();
        let status = NdisFRegisterFilterDriver(object, CONTEXT as _, &raw mut all, &raw mut handle);
        DRIVER_HANDLE.store(handle as usize, Ordering::Relaxed);
        status
    }
}

/// The handle of the driver that registered last.
pub fn driver_handle() -> NDIS_HANDLE {
    DRIVER_HANDLE.load(Ordering::Relaxed) as NDIS_HANDLE
}

/// Deregisters the driver.
pub fn deregister() {
    // SAFETY: see above.
    unsafe { NdisFDeregisterFilterDriver(DRIVER_HANDLE.load(Ordering::Relaxed) as *mut c_void) }
}

/// The NBL pool of own lists; made at first use.
static POOL: AtomicUsize = AtomicUsize::new(0);

/// An own NBL with one frame of `length` bytes.
pub fn own_list(length: u32) -> PNET_BUFFER_LIST {
    // SAFETY: see above.
    unsafe {
        if POOL.load(Ordering::Relaxed) == 0 {
            let mut parameters: NET_BUFFER_LIST_POOL_PARAMETERS = std::mem::zeroed();
            parameters.Header = NDIS_OBJECT_HEADER { Type: NDIS_OBJECT_TYPE_DEFAULT, Revision: 1, Size: 16 };
            parameters.fAllocateNetBuffer = 1;
            parameters.PoolTag = u32::from_le_bytes(*b"mock");
            POOL.store(
                NdisAllocateNetBufferListPool(handle(), &raw mut parameters) as usize,
                Ordering::Relaxed,
            );
        }
        let tag = u32::from_le_bytes(*b"mock");
        let data = NdisAllocateMemoryWithTagPriority(handle(), length, tag, 0);
        std::ptr::write_bytes(data.cast::<u8>(), 0x11, length as usize);
        let mdl = NdisAllocateMdl(handle(), data, length);
        let pool = POOL.load(Ordering::Relaxed) as *mut c_void;
        let list = NdisAllocateNetBufferAndNetBufferList(pool, 0, 0, mdl, 0, u64::from(length));
        if !fault(Fault::WrongSource) {
            (*list).SourceHandle = handle();
        }
        list
    }
}

/// Frees an own NBL with its frame.
///
/// # Safety
/// `list` comes from [`own_list`] and is back.
pub unsafe fn free_own(list: PNET_BUFFER_LIST) {
    if fault(Fault::LeakList) {
        return;
    }
    // SAFETY: see above.
    unsafe {
        let mdl = (*(*list).FirstNetBuffer).MdlChain;
        let data = (*mdl).MappedSystemVa;
        NdisFreeNetBufferList(list);
        NdisFreeMdl(mdl);
        NdisFreeMemory(data, 0, 0);
    }
}

/// Frees the pool of own lists.
pub fn free_pool() {
    let pool = POOL.swap(0, Ordering::Relaxed);
    if pool != 0 && !fault(Fault::LeakPool) {
        // SAFETY: see above.
        unsafe { NdisFreeNetBufferListPool(pool as *mut c_void) };
    }
}

/// Boots a machine with one adapter, registers the driver and starts the adapter.
pub fn start(with: Fault) -> (lab::Machine, Arc<Adapter>, Arc<FilterDriver>) {
    let machine = lab::Machine::new(lab::Options::default());
    *FAULT.lock().unwrap() = with;
    let adapter = Adapter::new(Config { attach: AttachTime::DuringRegistration, ..Config::default() });
    assert_eq!(register_with(characteristics()), NDIS_STATUS_SUCCESS);
    let driver = driver::all().remove(0);
    assert_eq!(adapter.module_count(), 1, "attached inside NdisFRegisterFilterDriver");
    adapter.restart(Attributes::General).expect("restart");
    (machine, adapter, driver)
}

/// Pauses, detaches, deregisters and ends the machine.
pub fn stop(machine: lab::Machine) {
    free_pool();
    deregister();
    let report = machine.finish();
    assert!(report.is_clean(), "{report:?}");
}
