//! The inline `*_INIT` functions of the KMDF headers; they return the structure instead of filling one.
use crate::nt::{
    _WDF_EXECUTION_LEVEL, _WDF_FILEOBJECT_CLASS, _WDF_IO_QUEUE_DISPATCH_TYPE, _WDF_SYNCHRONIZATION_SCOPE,
    _WDF_TRI_STATE, BOOLEAN, PFN_WDF_DEVICE_FILE_CREATE, PFN_WDF_DRIVER_DEVICE_ADD, PFN_WDF_FILE_CLEANUP,
    PFN_WDF_FILE_CLOSE, PFN_WDF_TIMER, PFN_WDF_WORKITEM, TRUE, ULONG, USHORT, WDF_DRIVER_CONFIG,
    WDF_FILEOBJECT_CONFIG, WDF_IO_QUEUE_CONFIG, WDF_IO_QUEUE_DISPATCH_TYPE, WDF_OBJECT_ATTRIBUTES,
    WDF_REQUEST_PARAMETERS, WDF_TIMER_CONFIG, WDF_WORKITEM_CONFIG,
};

const fn size_of_u32<T>() -> ULONG {
    size_of::<T>() as ULONG
}

/// Driver configuration. A driver without devices of its own passes `None` and sets
/// `DriverInitFlags = WdfDriverInitNonPnpDriver` and `EvtDriverUnload`.
#[must_use]
pub fn WDF_DRIVER_CONFIG_INIT(EvtDriverDeviceAdd: PFN_WDF_DRIVER_DEVICE_ADD) -> WDF_DRIVER_CONFIG {
    WDF_DRIVER_CONFIG { Size: size_of_u32::<WDF_DRIVER_CONFIG>(), EvtDriverDeviceAdd, ..Default::default() }
}

/// Object attributes that inherit execution level and synchronization scope from the parent.
#[must_use]
pub fn WDF_OBJECT_ATTRIBUTES_INIT() -> WDF_OBJECT_ATTRIBUTES {
    WDF_OBJECT_ATTRIBUTES {
        Size: size_of_u32::<WDF_OBJECT_ATTRIBUTES>(),
        ExecutionLevel: _WDF_EXECUTION_LEVEL::WdfExecutionLevelInheritFromParent,
        SynchronizationScope: _WDF_SYNCHRONIZATION_SCOPE::WdfSynchronizationScopeInheritFromParent,
        ..Default::default()
    }
}

/// Configuration of a queue; a parallel one presents any number of requests.
#[must_use]
pub fn WDF_IO_QUEUE_CONFIG_INIT(DispatchType: WDF_IO_QUEUE_DISPATCH_TYPE) -> WDF_IO_QUEUE_CONFIG {
    let mut config = WDF_IO_QUEUE_CONFIG {
        Size: size_of_u32::<WDF_IO_QUEUE_CONFIG>(),
        DispatchType,
        PowerManaged: _WDF_TRI_STATE::WdfUseDefault,
        ..Default::default()
    };
    if DispatchType == _WDF_IO_QUEUE_DISPATCH_TYPE::WdfIoQueueDispatchParallel {
        config.Settings.Parallel.NumberOfPresentedRequests = ULONG::MAX;
    }
    config
}

/// [`WDF_IO_QUEUE_CONFIG_INIT`] for the device's default queue.
#[must_use]
pub fn WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(
    DispatchType: WDF_IO_QUEUE_DISPATCH_TYPE,
) -> WDF_IO_QUEUE_CONFIG {
    WDF_IO_QUEUE_CONFIG { DefaultQueue: TRUE as BOOLEAN, ..WDF_IO_QUEUE_CONFIG_INIT(DispatchType) }
}

/// Callbacks for a device's file objects; the driver must not use the file object's context fields.
#[must_use]
pub fn WDF_FILEOBJECT_CONFIG_INIT(
    EvtDeviceFileCreate: PFN_WDF_DEVICE_FILE_CREATE,
    EvtFileClose: PFN_WDF_FILE_CLOSE,
    EvtFileCleanup: PFN_WDF_FILE_CLEANUP,
) -> WDF_FILEOBJECT_CONFIG {
    WDF_FILEOBJECT_CONFIG {
        Size: size_of_u32::<WDF_FILEOBJECT_CONFIG>(),
        EvtDeviceFileCreate,
        EvtFileClose,
        EvtFileCleanup,
        AutoForwardCleanupClose: _WDF_TRI_STATE::WdfUseDefault,
        FileObjectClass: _WDF_FILEOBJECT_CLASS::WdfFileObjectWdfCannotUseFsContexts,
    }
}

/// An empty parameter block for `WdfRequestGetParameters`.
#[must_use]
pub fn WDF_REQUEST_PARAMETERS_INIT() -> WDF_REQUEST_PARAMETERS {
    WDF_REQUEST_PARAMETERS { Size: size_of::<WDF_REQUEST_PARAMETERS>() as USHORT, ..Default::default() }
}

/// A one-shot timer whose callback the framework serializes with the parent's.
#[must_use]
pub fn WDF_TIMER_CONFIG_INIT(EvtTimerFunc: PFN_WDF_TIMER) -> WDF_TIMER_CONFIG {
    WDF_TIMER_CONFIG {
        Size: size_of_u32::<WDF_TIMER_CONFIG>(),
        EvtTimerFunc,
        AutomaticSerialization: TRUE as BOOLEAN,
        ..Default::default()
    }
}

/// A work item whose callback the framework serializes with the parent's.
#[must_use]
pub fn WDF_WORKITEM_CONFIG_INIT(EvtWorkItemFunc: PFN_WDF_WORKITEM) -> WDF_WORKITEM_CONFIG {
    WDF_WORKITEM_CONFIG {
        Size: size_of_u32::<WDF_WORKITEM_CONFIG>(),
        EvtWorkItemFunc,
        AutomaticSerialization: TRUE as BOOLEAN,
    }
}
