//! KMDF event callback types.
use super::super::*;

callback! {
    /// Callback `WDFFUNC`.
    pub type WDFFUNC = fn();
    /// Callback `PFN_WDF_DEVICE_FILE_CREATE`.
    pub type PFN_WDF_DEVICE_FILE_CREATE = fn(arg1: WDFDEVICE, arg2: WDFREQUEST, arg3: WDFFILEOBJECT);
    /// Callback `PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION`.
    pub type PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION = fn(arg1: WDFDEVICE);
    /// Callback `PFN_WDF_DRIVER_DEVICE_ADD`.
    pub type PFN_WDF_DRIVER_DEVICE_ADD = fn(arg1: WDFDRIVER, arg2: PWDFDEVICE_INIT) -> NTSTATUS;
    /// Callback `PFN_WDF_DRIVER_UNLOAD`.
    pub type PFN_WDF_DRIVER_UNLOAD = fn(arg1: WDFDRIVER);
    /// Callback `PFN_WDF_FILE_CLEANUP`.
    pub type PFN_WDF_FILE_CLEANUP = fn(arg1: WDFFILEOBJECT);
    /// Callback `PFN_WDF_FILE_CLOSE`.
    pub type PFN_WDF_FILE_CLOSE = fn(arg1: WDFFILEOBJECT);
    /// Callback `PFN_WDF_IO_IN_CALLER_CONTEXT`.
    pub type PFN_WDF_IO_IN_CALLER_CONTEXT = fn(arg1: WDFDEVICE, arg2: WDFREQUEST);
    /// Callback `PFN_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE`.
    pub type PFN_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE = fn(arg1: WDFQUEUE, arg2: WDFREQUEST);
    /// Callback `PFN_WDF_IO_QUEUE_IO_DEFAULT`.
    pub type PFN_WDF_IO_QUEUE_IO_DEFAULT = fn(arg1: WDFQUEUE, arg2: WDFREQUEST);
    /// Callback `PFN_WDF_IO_QUEUE_IO_DEVICE_CONTROL`.
    pub type PFN_WDF_IO_QUEUE_IO_DEVICE_CONTROL = fn(
        arg1: WDFQUEUE,
        arg2: WDFREQUEST,
        arg3: usize,
        arg4: usize,
        arg5: ULONG,
    );
    /// Callback `PFN_WDF_IO_QUEUE_IO_INTERNAL_DEVICE_CONTROL`.
    pub type PFN_WDF_IO_QUEUE_IO_INTERNAL_DEVICE_CONTROL = fn(
        arg1: WDFQUEUE,
        arg2: WDFREQUEST,
        arg3: usize,
        arg4: usize,
        arg5: ULONG,
    );
    /// Callback `PFN_WDF_IO_QUEUE_IO_READ`.
    pub type PFN_WDF_IO_QUEUE_IO_READ = fn(arg1: WDFQUEUE, arg2: WDFREQUEST, arg3: usize);
    /// Callback `PFN_WDF_IO_QUEUE_IO_RESUME`.
    pub type PFN_WDF_IO_QUEUE_IO_RESUME = fn(arg1: WDFQUEUE, arg2: WDFREQUEST);
    /// Callback `PFN_WDF_IO_QUEUE_IO_STOP`.
    pub type PFN_WDF_IO_QUEUE_IO_STOP = fn(arg1: WDFQUEUE, arg2: WDFREQUEST, arg3: ULONG);
    /// Callback `PFN_WDF_IO_QUEUE_IO_WRITE`.
    pub type PFN_WDF_IO_QUEUE_IO_WRITE = fn(arg1: WDFQUEUE, arg2: WDFREQUEST, arg3: usize);
    /// Callback `PFN_WDF_IO_QUEUE_STATE`.
    pub type PFN_WDF_IO_QUEUE_STATE = fn(arg1: WDFQUEUE, arg2: WDFCONTEXT);
    /// Callback `PFN_WDF_OBJECT_CONTEXT_CLEANUP`.
    pub type PFN_WDF_OBJECT_CONTEXT_CLEANUP = fn(arg1: WDFOBJECT);
    /// Callback `PFN_WDF_OBJECT_CONTEXT_DESTROY`.
    pub type PFN_WDF_OBJECT_CONTEXT_DESTROY = fn(arg1: WDFOBJECT);
    /// Callback `PFN_WDF_REQUEST_CANCEL`.
    pub type PFN_WDF_REQUEST_CANCEL = fn(arg1: WDFREQUEST);
    /// Callback `PFN_WDF_TIMER`.
    pub type PFN_WDF_TIMER = fn(arg1: WDFTIMER);
    /// Callback `PFN_WDF_WORKITEM`.
    pub type PFN_WDF_WORKITEM = fn(arg1: WDFWORKITEM);
    /// Callback `PFN_GET_UNIQUE_CONTEXT_TYPE`.
    pub type PFN_GET_UNIQUE_CONTEXT_TYPE = fn() -> PCWDF_OBJECT_CONTEXT_TYPE_INFO;
    /// Callback `PFN_WDFDEVICE_WDM_IRP_PREPROCESS`.
    pub type PFN_WDFDEVICE_WDM_IRP_PREPROCESS = fn(arg1: WDFDEVICE, arg2: PIRP) -> NTSTATUS;
}
