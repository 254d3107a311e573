//! A callout driver in host Rust whose classify function is the test's.

#![allow(dead_code, reason = "every test uses its part")]

use std::ffi::c_void;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;

use ddk::fwp::*;
use ddk::ndis::{NDIS_HANDLE, NDIS_OBJECT_TYPE_DEFAULT, NET_BUFFER_LIST, NET_BUFFER_LIST_POOL_PARAMETERS};
use ddk::nt::*;
use etherparse::PacketBuilder;
use lab::edge::{Edge, Interface, Medium, ProcessMap};
use lab::ndis::exports::{
    NdisAllocateMdl, NdisAllocateNetBufferListPool, NdisFreeMdl, NdisFreeNetBufferListPool,
};

// SAFETY of every `unsafe` block below: the lab calls the callbacks with valid arguments, and the functions
// called are the lab's exports, whose contracts the tests keep except where they break one on purpose.

/// The exports, apart from the declarations of the same names.
pub(crate) mod fwpk {
    #![allow(unused_imports, reason = "every test uses its part")]
    pub(crate) use lab::fwp::exports::*;
    pub(crate) use lab::fwp::inject_exports::*;
    pub(crate) use lab::fwp::pend_exports::*;
    pub(crate) use lab::fwp::stream::*;
}

/// One call of the classify function.
pub(crate) struct Seen<'a> {
    pub(crate) layer: i32,
    pub(crate) values: &'a [FWPS_INCOMING_VALUE0],
    pub(crate) meta: &'a FWPS_INCOMING_METADATA_VALUES0,
    pub(crate) data: *mut c_void,
    pub(crate) token: *const c_void,
    pub(crate) filter: &'a FWPS_FILTER2,
    pub(crate) context: u64,
    pub(crate) out: &'a mut FWPS_CLASSIFY_OUT0,
}

impl Seen<'_> {
    pub(crate) fn list(&self) -> *mut NET_BUFFER_LIST {
        self.data.cast()
    }

    pub(crate) fn has(&self, field: u32) -> bool {
        self.meta.currentMetadataValues & field != 0
    }

    pub(crate) fn permit(&mut self) {
        self.out.actionType = FWP_ACTION_PERMIT;
    }

    pub(crate) fn block(&mut self, absorb: bool) {
        self.out.actionType = FWP_ACTION_BLOCK;
        self.out.rights &= !FWPS_RIGHT_ACTION_WRITE;
        if absorb {
            self.out.flags |= FWPS_CLASSIFY_OUT_FLAG_ABSORB;
        }
    }

    /// The bytes from the data offset on.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        // SAFETY: see above.
        unsafe { bytes_of(self.list()) }
    }
}

/// The bytes of the first NET_BUFFER, which the lab shows in one MDL.
///
/// # Safety
/// The list is valid.
pub(crate) unsafe fn bytes_of(list: *mut NET_BUFFER_LIST) -> Vec<u8> {
    // SAFETY: see above.
    unsafe {
        let nb = (*list).FirstNetBuffer;
        let start = (*(*nb).CurrentMdl).MappedSystemVa.cast::<u8>().add((*nb).CurrentMdlOffset as usize);
        std::slice::from_raw_parts(start, (*nb).DataLength as usize).to_vec()
    }
}

pub(crate) type Handler = fn(&mut Seen<'_>);
static HANDLER: Mutex<Option<Handler>> = Mutex::new(None);
pub(crate) static DELETED: Mutex<Vec<u64>> = Mutex::new(Vec::new());

unsafe extern "win64" fn classify(
    values: *const FWPS_INCOMING_VALUES0,
    meta: *const FWPS_INCOMING_METADATA_VALUES0,
    data: *mut c_void,
    token: *const c_void,
    filter: *const FWPS_FILTER2,
    context: u64,
    out: *mut FWPS_CLASSIFY_OUT0,
) {
    let handler = *HANDLER.lock().unwrap();
    // SAFETY: see above.
    unsafe {
        let mut seen = Seen {
            layer: i32::from((*values).layerId),
            values: std::slice::from_raw_parts((*values).incomingValue, (*values).valueCount as usize),
            meta: &*meta,
            data,
            token,
            filter: &*filter,
            context,
            out: &mut *out,
        };
        if let Some(handler) = handler {
            handler(&mut seen);
        }
    }
}

unsafe extern "win64" fn notify(_: i32, _: *const GUID, _: *mut FWPS_FILTER2) -> i32 {
    STATUS_SUCCESS
}

unsafe extern "win64" fn flow_deleted(_: u16, _: u32, context: u64) {
    DELETED.lock().unwrap().push(context);
}

const NAME: [u16; 5] = [b't' as u16, b'e' as u16, b's' as u16, b't' as u16, 0];

pub(crate) fn display() -> FWPM_DISPLAY_DATA0 {
    FWPM_DISPLAY_DATA0 { name: NAME.as_ptr().cast_mut(), description: std::ptr::null_mut() }
}

/// The driver: one callout with one filter at each layer.
pub(crate) struct Driver {
    pub(crate) engine: HANDLE,
    pub(crate) callouts: Vec<u32>,
    pub(crate) pool: NDIS_HANDLE,
}

pub(crate) static SUBLAYER: GUID = ddk::guid(0x5000);

impl Driver {
    pub(crate) fn start(layers: &[GUID], handler: Handler) -> Self {
        *HANDLER.lock().unwrap() = Some(handler);
        static DEVICE: u64 = 0;
        let device = (&raw const DEVICE).cast_mut().cast();
        // SAFETY: see above.
        unsafe {
            let mut session: FWPM_SESSION0 = std::mem::zeroed();
            session.flags = FWPM_SESSION_FLAG_DYNAMIC;
            let mut engine = std::ptr::null_mut();
            let status = fwpk::FwpmEngineOpen0(
                std::ptr::null(),
                10,
                std::ptr::null_mut(),
                &raw const session,
                &raw mut engine,
            );
            assert_eq!(status, STATUS_SUCCESS);
            let mut sublayer: FWPM_SUBLAYER0 = std::mem::zeroed();
            sublayer.subLayerKey = SUBLAYER;
            sublayer.displayData = display();
            assert_eq!(
                fwpk::FwpmSubLayerAdd0(engine, &raw const sublayer, std::ptr::null_mut()),
                STATUS_SUCCESS
            );
            let mut callouts = Vec::new();
            for (number, layer) in layers.iter().enumerate() {
                let key = ddk::guid(0x6000 + number as u128);
                let callout = FWPS_CALLOUT2 {
                    calloutKey: key,
                    flags: 0,
                    classifyFn: Some(classify),
                    notifyFn: Some(notify),
                    flowDeleteFn: Some(flow_deleted),
                };
                let mut id = 0;
                assert_eq!(
                    fwpk::FwpsCalloutRegister2(device, &raw const callout, &raw mut id),
                    STATUS_SUCCESS
                );
                callouts.push(id);
                let mut object: FWPM_CALLOUT0 = std::mem::zeroed();
                object.calloutKey = key;
                object.displayData = display();
                object.applicableLayer = *layer;
                let (null, none) = (std::ptr::null_mut(), std::ptr::null_mut());
                assert_eq!(fwpk::FwpmCalloutAdd0(engine, &raw const object, null, none), STATUS_SUCCESS);
                let mut filter: FWPM_FILTER0 = std::mem::zeroed();
                filter.displayData = display();
                filter.layerKey = *layer;
                filter.subLayerKey = SUBLAYER;
                filter.action.r#type = FWP_ACTION_CALLOUT_UNKNOWN;
                filter.action.u.calloutKey = key;
                let none = std::ptr::null_mut();
                assert_eq!(fwpk::FwpmFilterAdd0(engine, &raw const filter, null, none), STATUS_SUCCESS);
            }
            let mut parameters: NET_BUFFER_LIST_POOL_PARAMETERS = std::mem::zeroed();
            parameters.Header.Type = NDIS_OBJECT_TYPE_DEFAULT;
            parameters.Header.Revision = 1;
            parameters.Header.Size = size_of::<NET_BUFFER_LIST_POOL_PARAMETERS>() as u16;
            parameters.fAllocateNetBuffer = 1;
            parameters.PoolTag = u32::from_le_bytes(*b"test");
            let pool = NdisAllocateNetBufferListPool(std::ptr::null_mut(), &raw mut parameters);
            assert!(!pool.is_null());
            Self { engine, callouts, pool }
        }
    }

    pub(crate) fn stop(self) {
        // SAFETY: see above.
        unsafe {
            assert_eq!(fwpk::FwpmEngineClose0(self.engine), STATUS_SUCCESS);
            for id in self.callouts {
                assert_eq!(fwpk::FwpsCalloutUnregisterById0(id), STATUS_SUCCESS);
            }
            NdisFreeNetBufferListPool(self.pool);
        }
    }
}

pub(crate) fn injector(family: u16, flags: u32) -> HANDLE {
    let mut handle = std::ptr::null_mut();
    // SAFETY: see above.
    assert_eq!(unsafe { fwpk::FwpsInjectionHandleCreate0(family, flags, &raw mut handle) }, STATUS_SUCCESS);
    handle
}

pub(crate) fn destroy(injector: HANDLE) {
    // SAFETY: see above.
    assert_eq!(unsafe { fwpk::FwpsInjectionHandleDestroy0(injector) }, STATUS_SUCCESS);
}

/// A list over a leaked copy of the bytes; [`free_made`] frees it.
pub(crate) fn made(pool: NDIS_HANDLE, bytes: &[u8]) -> *mut NET_BUFFER_LIST {
    let bytes: &'static mut [u8] = bytes.to_vec().leak();
    let mut list = std::ptr::null_mut();
    // SAFETY: see above.
    unsafe {
        let mdl = NdisAllocateMdl(std::ptr::null_mut(), bytes.as_mut_ptr().cast(), bytes.len() as u32);
        let length = bytes.len() as u64;
        let status = fwpk::FwpsAllocateNetBufferAndNetBufferList0(pool, 0, 0, mdl, 0, length, &raw mut list);
        assert_eq!(status, STATUS_SUCCESS);
    }
    list
}

pub(crate) fn free_made(list: *mut NET_BUFFER_LIST) {
    // SAFETY: see above.
    unsafe {
        let mdl = (*(*list).FirstNetBuffer).MdlChain;
        fwpk::FwpsFreeNetBufferList0(list);
        NdisFreeMdl(mdl);
    }
}

pub(crate) fn clone(list: *mut NET_BUFFER_LIST) -> *mut NET_BUFFER_LIST {
    let mut clone = std::ptr::null_mut();
    let null = std::ptr::null_mut();
    // SAFETY: see above.
    let status = unsafe { fwpk::FwpsAllocateCloneNetBufferList0(list, null, null, 0, &raw mut clone) };
    assert_eq!(status, STATUS_SUCCESS);
    clone
}

pub(crate) const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
pub(crate) const REMOTE: [u8; 4] = [198, 51, 100, 7];

pub(crate) fn edge() -> (Edge, Interface) {
    let interface = Interface { luid: 0x6_0000, index: 7, kind: 6, medium: Medium::Ethernet, mtu: 1500 };
    (Edge::new([LOCAL], ProcessMap::default()), interface)
}

/// A UDP frame between the local address and the remote one.
pub(crate) fn udp(outbound: bool, payload: &[u8]) -> Vec<u8> {
    let (ours, theirs) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    let builder = if outbound {
        PacketBuilder::ethernet2(ours, theirs).ipv4([192, 0, 2, 1], REMOTE, 64).udp(5000, 53)
    } else {
        PacketBuilder::ethernet2(theirs, ours).ipv4(REMOTE, [192, 0, 2, 1], 64).udp(53, 5000)
    };
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame
}

/// A TCP frame; `flags` of SYN 2, ACK 16, FIN 1.
pub(crate) fn tcp(outbound: bool, flags: u8, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let (ours, theirs) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    let mut builder = if outbound {
        PacketBuilder::ethernet2(ours, theirs).ipv4([192, 0, 2, 1], REMOTE, 64).tcp(5000, 80, sequence, 1000)
    } else {
        PacketBuilder::ethernet2(theirs, ours).ipv4(REMOTE, [192, 0, 2, 1], 64).tcp(80, 5000, sequence, 1000)
    };
    if flags & 2 != 0 {
        builder = builder.syn();
    }
    if flags & 16 != 0 {
        builder = builder.ack(1);
    }
    if flags & 1 != 0 {
        builder = builder.fin();
    }
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame
}

pub(crate) fn machine() -> lab::Machine {
    lab::Machine::new(lab::Options::default())
}

pub(crate) fn finish(machine: lab::Machine) {
    let report = machine.finish();
    assert!(report.is_clean(), "{report:?}");
}
