//! Registration of a lightweight filter driver: its characteristics and entry points.

use core::marker::PhantomData;
use core::ptr::NonNull;

use ddk::ndis::{
    NDIS_FILTER_ATTACH_PARAMETERS, NDIS_FILTER_ATTRIBUTES, NDIS_FILTER_ATTRIBUTES_REVISION_1,
    NDIS_FILTER_CHARACTERISTICS_REVISION_2, NDIS_FILTER_CHARACTERISTICS_REVISION_3,
    NDIS_FILTER_DRIVER_CHARACTERISTICS, NDIS_FILTER_PARTIAL_CHARACTERISTICS,
    NDIS_FILTER_PARTIAL_CHARACTERISTICS_REVISION_1, NDIS_FILTER_PAUSE_PARAMETERS,
    NDIS_FILTER_RESTART_PARAMETERS, NDIS_HANDLE, NDIS_OBJECT_HEADER, NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES,
    NDIS_OBJECT_TYPE_FILTER_DRIVER_CHARACTERISTICS, NDIS_OBJECT_TYPE_FILTER_PARTIAL_CHARACTERISTICS,
    NDIS_OID_REQUEST, NDIS_SIZEOF_FILTER_ATTRIBUTES_REVISION_1,
    NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_2,
    NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_3,
    NDIS_SIZEOF_FILTER_PARTIAL_CHARACTERISTICS_REVISION_1, NDIS_STATUS, NDIS_STATUS_INDICATION,
    NET_BUFFER_LIST, NET_DEVICE_PNP_EVENT, NET_PNP_EVENT_NOTIFICATION, NdisFDeregisterFilterDriver,
    NdisFRegisterFilterDriver, NdisFSetAttributes, NdisGetVersion, NdisSetOptionalHandlers,
};
use ddk::nt::{PDRIVER_OBJECT, PVOID};

use super::chain::Chain;
use super::filter::{
    AttachParameters, CancelId, FilterDriver, FilterHandle, FilterModule, RestartParameters,
};
use super::flags::{PortNumber, ReceiveFlags, ReturnFlags, SendCompleteFlags, SendFlags};
use super::loan::Loan;
use super::oid::{OidClone, OidRequest};
use crate::irql::Passive;
use crate::pool::PoolBox;
use crate::status::Status;
use crate::unicode::UnicodeStr;
use crate::zero::zeroed;

/// Names under which NDIS knows the driver; see its INF.
#[derive(Clone, Copy)]
pub struct Names {
    /// Shown to users.
    pub friendly: UnicodeStr<'static>,
    /// NetCfgInstanceId of the INF, with braces.
    pub unique: UnicodeStr<'static>,
    /// Name of the service.
    pub service: UnicodeStr<'static>,
}

/// Version of the running NDIS: major in the high half, minor in the low half.
#[doc(alias = "NdisGetVersion")]
#[must_use]
pub fn version() -> u32 {
    // SAFETY: no arguments, no preconditions.
    unsafe { NdisGetVersion() }
}

/// A registered filter driver; deregisters, and thereby detaches every module, on drop.
#[derive(Debug)]
pub struct Registration {
    handle: NDIS_HANDLE,
}

// SAFETY: the handle is an opaque number that NDIS accepts on any thread.
unsafe impl Send for Registration {}
// SAFETY: a shared registration offers nothing to call.
unsafe impl Sync for Registration {}

impl Registration {
    /// Registers `driver` with NDIS `version` (as [`version`] tells it). Modules may attach before this returns.
    ///
    /// # Safety
    /// `object` must be the driver object passed to DriverEntry, and `driver` must outlive the registration.
    #[doc(alias = "NdisFRegisterFilterDriver")]
    #[inline(never)]
    pub unsafe fn new<D: FilterDriver>(
        object: PDRIVER_OBJECT,
        driver: NonNull<D>,
        names: &Names,
        version: u32,
        _at: Passive<'_>,
    ) -> Result<Self, Status> {
        let (major, minor) = ((version >> 16) as u8, version as u8);
        let synchronous_oids = (major, minor) >= (6, 80);
        let mut table = characteristics::<D>(names);
        table.MajorNdisVersion = major;
        table.MinorNdisVersion = minor;
        table.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_FILTER_DRIVER_CHARACTERISTICS,
            Revision: if synchronous_oids {
                NDIS_FILTER_CHARACTERISTICS_REVISION_3
            } else {
                NDIS_FILTER_CHARACTERISTICS_REVISION_2
            },
            Size: if synchronous_oids {
                NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_3
            } else {
                NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_2
            },
        };
        let mut handle = core::ptr::null_mut();
        // SAFETY: the object is the driver's own, the context outlives the registration (both by the contract of this
        // function), and NDIS copies the table.
        let status = unsafe {
            NdisFRegisterFilterDriver(object, driver.as_ptr().cast(), &raw mut table, &raw mut handle)
        };
        Status(status).ok()?;
        Ok(Self { handle })
    }
}

impl Drop for Registration {
    /// IRQL: PASSIVE_LEVEL. Pauses and detaches every module and returns when none is left.
    #[doc(alias = "NdisFDeregisterFilterDriver")]
    fn drop(&mut self) {
        // SAFETY: the handle came from a successful registration and is used only here.
        unsafe { NdisFDeregisterFilterDriver(self.handle) };
    }
}

#[inline(never)]
fn characteristics<D: FilterDriver>(names: &Names) -> NDIS_FILTER_DRIVER_CHARACTERISTICS {
    // The data handlers stay NULL until FilterSetModuleOptions of a module installs them: NDIS passes frames by a module
    // that needs none. So does the synchronous OID pair, and FilterSetOptions, for which there is nothing to register.
    NDIS_FILTER_DRIVER_CHARACTERISTICS {
        MajorDriverVersion: 0,
        MinorDriverVersion: 1,
        FriendlyName: names.friendly.raw(),
        UniqueName: names.unique.raw(),
        ServiceName: names.service.raw(),
        AttachHandler: Some(attach::<D>),
        SetFilterModuleOptionsHandler: Some(set_module_options::<D::Module>),
        DetachHandler: Some(detach::<D::Module>),
        RestartHandler: Some(restart::<D::Module>),
        PauseHandler: Some(pause::<D::Module>),
        OidRequestHandler: Some(oid_request::<D::Module>),
        OidRequestCompleteHandler: Some(oid_complete::<D::Module>),
        CancelOidRequestHandler: Some(oid_cancel::<D::Module>),
        DevicePnPEventNotifyHandler: Some(device_event::<D::Module>),
        NetPnPEventHandler: Some(net_event::<D::Module>),
        StatusHandler: Some(status::<D::Module>),
        DirectOidRequestHandler: Some(direct_oid_request::<D::Module>),
        DirectOidRequestCompleteHandler: Some(direct_oid_complete::<D::Module>),
        CancelDirectOidRequestHandler: Some(direct_oid_cancel::<D::Module>),
        ..zeroed()
    }
}

/// The module behind a context that NDIS passes back.
///
/// # Safety
/// `context` must be the module context of an attached module whose type is `M`.
unsafe fn module<'a, M: FilterModule>(context: NDIS_HANDLE) -> &'a M {
    // SAFETY: `attach` gave NDIS this pointer; it is freed in `detach`, after which NDIS makes no call for the module.
    unsafe { &*context.cast::<M>() }
}

thunk! {
    unsafe fn attach<D: FilterDriver>(
        filter: NDIS_HANDLE,
        context: NDIS_HANDLE,
        parameters: *mut NDIS_FILTER_ATTACH_PARAMETERS,
    ) -> NDIS_STATUS {
        // SAFETY: the registration passed this context, which outlives it.
        let driver: &'static D = unsafe { &*context.cast::<D>() };
        // SAFETY: NDIS passes valid parameters for the time of the call.
        let parameters = AttachParameters::new(unsafe { &*parameters });
        // SAFETY: NDIS calls FilterAttach at PASSIVE_LEVEL.
        let at = unsafe { Passive::assume() };
        match driver.attach(FilterHandle::new(filter), &parameters, at) {
            Ok(module) => set_attributes(filter, module).0,
            Err(status) => status.0,
        }
    }

    unsafe fn detach<M: FilterModule>(context: NDIS_HANDLE) {
        if let Some(module) = NonNull::new(context.cast::<M>()) {
            // SAFETY: `attach` released the box to NDIS, which gives it back here, once, and makes no further call.
            drop(unsafe { PoolBox::from_raw(module, M::TAG) });
        }
    }

    unsafe fn set_module_options<M: FilterModule>(context: NDIS_HANDLE) -> NDIS_STATUS {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        // SAFETY: NDIS calls FilterSetModuleOptions at PASSIVE_LEVEL, and this value does not leave the call.
        Status::of(module.set_options(unsafe { ModuleOptions::new() }))
    }

    unsafe fn restart<M: FilterModule>(
        context: NDIS_HANDLE,
        parameters: *mut NDIS_FILTER_RESTART_PARAMETERS,
    ) -> NDIS_STATUS {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        // SAFETY: NDIS passes valid parameters for the time of the call.
        let parameters = RestartParameters::new(unsafe { &*parameters });
        // SAFETY: NDIS calls FilterRestart at PASSIVE_LEVEL.
        Status::of(module.restart(&parameters, unsafe { Passive::assume() }))
    }

    unsafe fn pause<M: FilterModule>(
        context: NDIS_HANDLE,
        _parameters: *mut NDIS_FILTER_PAUSE_PARAMETERS,
    ) -> NDIS_STATUS {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        // SAFETY: NDIS calls FilterPause at PASSIVE_LEVEL.
        module.pause(unsafe { Passive::assume() });
        Status::SUCCESS.0
    }

    unsafe fn send<M: FilterModule>(
        context: NDIS_HANDLE,
        lists: *mut NET_BUFFER_LIST,
        port: PortNumber,
        flags: u32,
    ) {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        // SAFETY: NDIS hands over the chain with this call.
        if let Some(chain) = unsafe { Chain::from_raw(lists) } {
            module.send(chain, port, SendFlags(flags));
        }
    }

    unsafe fn send_complete<M: FilterModule>(context: NDIS_HANDLE, lists: *mut NET_BUFFER_LIST, flags: u32) {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        // SAFETY: NDIS hands over the chain with this call.
        if let Some(chain) = unsafe { Chain::from_raw(lists) } {
            module.send_complete(chain, SendCompleteFlags(flags));
        }
    }

    unsafe fn cancel_send<M: FilterModule>(context: NDIS_HANDLE, id: PVOID) {
        // SAFETY: the context is that of an attached module.
        unsafe { module::<M>(context) }.cancel_send(CancelId(id));
    }

    unsafe fn receive<M: FilterModule>(
        context: NDIS_HANDLE,
        lists: *mut NET_BUFFER_LIST,
        port: PortNumber,
        count: u32,
        flags: u32,
    ) {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        let flags = ReceiveFlags(flags);
        if flags.resources() {
            // SAFETY: with RESOURCES NDIS lends the chain for the time of the call.
            if let Some(loan) = unsafe { Loan::from_raw(lists) } {
                module.receive_loan(loan, port, flags);
            }
        // SAFETY: without RESOURCES NDIS hands over the chain with this call.
        } else if let Some(chain) = unsafe { Chain::from_raw(lists) } {
            module.receive(chain, port, count, flags);
        }
    }

    unsafe fn receive_return<M: FilterModule>(context: NDIS_HANDLE, lists: *mut NET_BUFFER_LIST, flags: u32) {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        // SAFETY: NDIS hands over the chain with this call.
        if let Some(chain) = unsafe { Chain::from_raw(lists) } {
            module.receive_return(chain, ReturnFlags(flags));
        }
    }

    unsafe fn oid_request<M: FilterModule>(context: NDIS_HANDLE, request: *mut NDIS_OID_REQUEST) -> NDIS_STATUS {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        // SAFETY: the request is this entry point's, whose result is the module's.
        match unsafe { OidRequest::from_raw(request) } {
            Some(request) => module.oid_request(request).0,
            None => Status::INVALID_PARAMETER.0,
        }
    }

    unsafe fn oid_complete<M: FilterModule>(
        context: NDIS_HANDLE,
        request: *mut NDIS_OID_REQUEST,
        status: NDIS_STATUS,
    ) {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        // SAFETY: the module issues no requests of its own, so what completes is a clone made by `forward`.
        if let Some(clone) = unsafe { OidClone::from_raw(request) } {
            module.oid_complete(clone, Status(status));
        }
    }

    unsafe fn oid_cancel<M: FilterModule>(context: NDIS_HANDLE, id: PVOID) {
        // SAFETY: the context is that of an attached module.
        unsafe { module::<M>(context) }.oid_cancel(CancelId(id));
    }

    unsafe fn direct_oid_request<M: FilterModule>(
        context: NDIS_HANDLE,
        request: *mut NDIS_OID_REQUEST,
    ) -> NDIS_STATUS {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        // SAFETY: the request is this entry point's, whose result is the module's.
        match unsafe { OidRequest::from_raw(request) } {
            Some(request) => module.direct_oid_request(request).0,
            None => Status::INVALID_PARAMETER.0,
        }
    }

    unsafe fn direct_oid_complete<M: FilterModule>(
        context: NDIS_HANDLE,
        request: *mut NDIS_OID_REQUEST,
        status: NDIS_STATUS,
    ) {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        // SAFETY: the module issues no requests of its own, so what completes is a clone made by `forward`.
        if let Some(clone) = unsafe { OidClone::from_raw(request) } {
            module.direct_oid_complete(clone, Status(status));
        }
    }

    unsafe fn direct_oid_cancel<M: FilterModule>(context: NDIS_HANDLE, id: PVOID) {
        // SAFETY: the context is that of an attached module.
        unsafe { module::<M>(context) }.direct_oid_cancel(CancelId(id));
    }

    unsafe fn status<M: FilterModule>(context: NDIS_HANDLE, status: *mut NDIS_STATUS_INDICATION) {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        // SAFETY: NDIS passes a valid indication for the time of the call.
        if let Some(status) = unsafe { status.as_mut() } {
            module.status(status);
        }
    }

    unsafe fn device_event<M: FilterModule>(context: NDIS_HANDLE, event: *mut NET_DEVICE_PNP_EVENT) {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        // SAFETY: NDIS passes a valid event for the time of the call.
        if let Some(event) = unsafe { event.as_mut() } {
            // SAFETY: NDIS calls FilterDevicePnPEventNotify at PASSIVE_LEVEL.
            module.device_event(event, unsafe { Passive::assume() });
        }
    }

    unsafe fn net_event<M: FilterModule>(
        context: NDIS_HANDLE,
        event: *mut NET_PNP_EVENT_NOTIFICATION,
    ) -> NDIS_STATUS {
        // SAFETY: the context is that of an attached module.
        let module = unsafe { module::<M>(context) };
        // SAFETY: NDIS passes a valid event for the time of the call.
        match unsafe { event.as_mut() } {
            // SAFETY: NDIS calls FilterNetPnPEvent at PASSIVE_LEVEL.
            Some(event) => module.net_event(event, unsafe { Passive::assume() }).0,
            None => Status::INVALID_PARAMETER.0,
        }
    }
}

/// Gives NDIS the module context; the module is dropped when NDIS does not take it.
#[doc(alias = "NdisFSetAttributes")]
fn set_attributes<M: FilterModule>(filter: NDIS_HANDLE, module: PoolBox<M>) -> Status {
    let mut attributes = NDIS_FILTER_ATTRIBUTES {
        Header: NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES,
            Revision: NDIS_FILTER_ATTRIBUTES_REVISION_1,
            Size: NDIS_SIZEOF_FILTER_ATTRIBUTES_REVISION_1,
        },
        Flags: 0,
    };
    // SAFETY: this is the FilterAttach call of `filter`; the context lives until FilterDetach.
    let status =
        Status(unsafe { NdisFSetAttributes(filter, module.as_ptr().as_ptr().cast(), &raw mut attributes) });
    if status.is_success() {
        let _context = module.into_raw();
    }
    status
}

/// Which data handlers a module has: always both of a pair, because what went through one comes back through the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DataHandlers {
    /// Sends and their completions, with cancellation.
    pub send: bool,
    /// Receives and their returns.
    pub receive: bool,
}

/// The chance that FilterSetModuleOptions is to replace the data handlers of the module `M`, which is paused.
#[derive(Debug)]
pub struct ModuleOptions<M>(PhantomData<*mut M>);

impl<M: FilterModule> ModuleOptions<M> {
    /// # Safety
    /// To be made in FilterSetModuleOptions of a module of type `M`, and not to be kept.
    unsafe fn new() -> Self {
        Self(PhantomData)
    }

    /// Installs `handlers`; NDIS passes frames by the module where one is missing. IRQL: PASSIVE_LEVEL.
    #[doc(alias = "NdisSetOptionalHandlers")]
    pub fn install(self, filter: FilterHandle, handlers: DataHandlers) -> Result<(), Status> {
        let mut table = partial_characteristics::<M>(handlers);
        // SAFETY: this is FilterSetModuleOptions of the module whose entry points these are; NDIS copies the table.
        Status(unsafe { NdisSetOptionalHandlers(filter.raw(), (&raw mut table).cast()) }).ok()
    }
}

fn partial_characteristics<M: FilterModule>(handlers: DataHandlers) -> NDIS_FILTER_PARTIAL_CHARACTERISTICS {
    let mut table = NDIS_FILTER_PARTIAL_CHARACTERISTICS {
        Header: NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_FILTER_PARTIAL_CHARACTERISTICS,
            Revision: NDIS_FILTER_PARTIAL_CHARACTERISTICS_REVISION_1,
            Size: NDIS_SIZEOF_FILTER_PARTIAL_CHARACTERISTICS_REVISION_1,
        },
        ..zeroed()
    };
    if handlers.send {
        table.SendNetBufferListsHandler = Some(send::<M>);
        table.SendNetBufferListsCompleteHandler = Some(send_complete::<M>);
        table.CancelSendNetBufferListsHandler = Some(cancel_send::<M>);
    }
    if handlers.receive {
        table.ReceiveNetBufferListsHandler = Some(receive::<M>);
        table.ReturnNetBufferListsHandler = Some(receive_return::<M>);
    }
    table
}
