//! Types of the KMDF functions in the table.
use super::super::*;

callback! {
    /// Callback `PFN_WDFDRIVERCREATE`.
    pub type PFN_WDFDRIVERCREATE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DriverObject: PDRIVER_OBJECT,
        RegistryPath: PCUNICODE_STRING,
        DriverAttributes: PWDF_OBJECT_ATTRIBUTES,
        DriverConfig: PWDF_DRIVER_CONFIG,
        Driver: *mut WDFDRIVER,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFDRIVERGETREGISTRYPATH`.
    pub type PFN_WDFDRIVERGETREGISTRYPATH = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Driver: WDFDRIVER,
    ) -> PWSTR;
    /// Callback `PFN_WDFDRIVERWDMGETDRIVEROBJECT`.
    pub type PFN_WDFDRIVERWDMGETDRIVEROBJECT = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Driver: WDFDRIVER,
    ) -> PDRIVER_OBJECT;
    /// Callback `PFN_WDFCONTROLDEVICEINITALLOCATE`.
    pub type PFN_WDFCONTROLDEVICEINITALLOCATE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Driver: WDFDRIVER,
        SDDLString: *const UNICODE_STRING,
    ) -> PWDFDEVICE_INIT;
    /// Callback `PFN_WDFCONTROLFINISHINITIALIZING`.
    pub type PFN_WDFCONTROLFINISHINITIALIZING = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, Device: WDFDEVICE);
    /// Callback `PFN_WDFDEVICEINITASSIGNNAME`.
    pub type PFN_WDFDEVICEINITASSIGNNAME = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: PWDFDEVICE_INIT,
        DeviceName: PCUNICODE_STRING,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFDEVICEINITSETIOTYPE`.
    pub type PFN_WDFDEVICEINITSETIOTYPE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: PWDFDEVICE_INIT,
        IoType: WDF_DEVICE_IO_TYPE,
    );
    /// Callback `PFN_WDFDEVICEINITSETEXCLUSIVE`.
    pub type PFN_WDFDEVICEINITSETEXCLUSIVE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: PWDFDEVICE_INIT,
        IsExclusive: BOOLEAN,
    );
    /// Callback `PFN_WDFDEVICEINITSETDEVICETYPE`.
    pub type PFN_WDFDEVICEINITSETDEVICETYPE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: PWDFDEVICE_INIT,
        DeviceType: ULONG,
    );
    /// Callback `PFN_WDFDEVICEINITSETCHARACTERISTICS`.
    pub type PFN_WDFDEVICEINITSETCHARACTERISTICS = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: PWDFDEVICE_INIT,
        DeviceCharacteristics: ULONG,
        OrInValues: BOOLEAN,
    );
    /// Callback `PFN_WDFDEVICEINITASSIGNSDDLSTRING`.
    pub type PFN_WDFDEVICEINITASSIGNSDDLSTRING = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: PWDFDEVICE_INIT,
        SDDLString: PCUNICODE_STRING,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFDEVICEINITSETFILEOBJECTCONFIG`.
    pub type PFN_WDFDEVICEINITSETFILEOBJECTCONFIG = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: PWDFDEVICE_INIT,
        FileObjectConfig: PWDF_FILEOBJECT_CONFIG,
        FileObjectAttributes: PWDF_OBJECT_ATTRIBUTES,
    );
    /// Callback `PFN_WDFDEVICEINITSETIOINCALLERCONTEXTCALLBACK`.
    pub type PFN_WDFDEVICEINITSETIOINCALLERCONTEXTCALLBACK = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: PWDFDEVICE_INIT,
        EvtIoInCallerContext: PFN_WDF_IO_IN_CALLER_CONTEXT,
    );
    /// Callback `PFN_WDFDEVICEINITSETREQUESTATTRIBUTES`.
    pub type PFN_WDFDEVICEINITSETREQUESTATTRIBUTES = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: PWDFDEVICE_INIT,
        RequestAttributes: PWDF_OBJECT_ATTRIBUTES,
    );
    /// Callback `PFN_WDFDEVICEINITFREE`.
    pub type PFN_WDFDEVICEINITFREE = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, DeviceInit: PWDFDEVICE_INIT);
    /// Callback `PFN_WDFDEVICECREATE`.
    pub type PFN_WDFDEVICECREATE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: *mut PWDFDEVICE_INIT,
        DeviceAttributes: PWDF_OBJECT_ATTRIBUTES,
        Device: *mut WDFDEVICE,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFDEVICECREATESYMBOLICLINK`.
    pub type PFN_WDFDEVICECREATESYMBOLICLINK = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Device: WDFDEVICE,
        SymbolicLinkName: PCUNICODE_STRING,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFDEVICEWDMGETDEVICEOBJECT`.
    pub type PFN_WDFDEVICEWDMGETDEVICEOBJECT = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Device: WDFDEVICE,
    ) -> PDEVICE_OBJECT;
    /// Callback `PFN_WDFDEVICEGETDRIVER`.
    pub type PFN_WDFDEVICEGETDRIVER = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Device: WDFDEVICE,
    ) -> WDFDRIVER;
    /// Callback `PFN_WDFIOQUEUECREATE`.
    pub type PFN_WDFIOQUEUECREATE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Device: WDFDEVICE,
        Config: PWDF_IO_QUEUE_CONFIG,
        QueueAttributes: PWDF_OBJECT_ATTRIBUTES,
        Queue: *mut WDFQUEUE,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFIOQUEUEGETDEVICE`.
    pub type PFN_WDFIOQUEUEGETDEVICE = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, Queue: WDFQUEUE) -> WDFDEVICE;
    /// Callback `PFN_WDFIOQUEUERETRIEVENEXTREQUEST`.
    pub type PFN_WDFIOQUEUERETRIEVENEXTREQUEST = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Queue: WDFQUEUE,
        OutRequest: *mut WDFREQUEST,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFIOQUEUEPURGESYNCHRONOUSLY`.
    pub type PFN_WDFIOQUEUEPURGESYNCHRONOUSLY = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, Queue: WDFQUEUE);
    /// Callback `PFN_WDFIOQUEUESTART`.
    pub type PFN_WDFIOQUEUESTART = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, Queue: WDFQUEUE);
    /// Callback `PFN_WDFIOQUEUESTOPSYNCHRONOUSLY`.
    pub type PFN_WDFIOQUEUESTOPSYNCHRONOUSLY = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, Queue: WDFQUEUE);
    /// Callback `PFN_WDFREQUESTFORWARDTOIOQUEUE`.
    pub type PFN_WDFREQUESTFORWARDTOIOQUEUE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        DestinationQueue: WDFQUEUE,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTRETRIEVEINPUTBUFFER`.
    pub type PFN_WDFREQUESTRETRIEVEINPUTBUFFER = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        MinimumRequiredLength: usize,
        Buffer: *mut PVOID,
        Length: *mut usize,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTRETRIEVEOUTPUTBUFFER`.
    pub type PFN_WDFREQUESTRETRIEVEOUTPUTBUFFER = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        MinimumRequiredSize: usize,
        Buffer: *mut PVOID,
        Length: *mut usize,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTRETRIEVEINPUTMEMORY`.
    pub type PFN_WDFREQUESTRETRIEVEINPUTMEMORY = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        Memory: *mut WDFMEMORY,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTRETRIEVEOUTPUTMEMORY`.
    pub type PFN_WDFREQUESTRETRIEVEOUTPUTMEMORY = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        Memory: *mut WDFMEMORY,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTRETRIEVEINPUTWDMMDL`.
    pub type PFN_WDFREQUESTRETRIEVEINPUTWDMMDL = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        Mdl: *mut PMDL,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTRETRIEVEOUTPUTWDMMDL`.
    pub type PFN_WDFREQUESTRETRIEVEOUTPUTWDMMDL = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        Mdl: *mut PMDL,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTGETPARAMETERS`.
    pub type PFN_WDFREQUESTGETPARAMETERS = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        Parameters: PWDF_REQUEST_PARAMETERS,
    );
    /// Callback `PFN_WDFREQUESTGETFILEOBJECT`.
    pub type PFN_WDFREQUESTGETFILEOBJECT = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
    ) -> WDFFILEOBJECT;
    /// Callback `PFN_WDFREQUESTGETREQUESTORMODE`.
    pub type PFN_WDFREQUESTGETREQUESTORMODE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
    ) -> KPROCESSOR_MODE;
    /// Callback `PFN_WDFREQUESTMARKCANCELABLEEX`.
    pub type PFN_WDFREQUESTMARKCANCELABLEEX = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        EvtRequestCancel: PFN_WDF_REQUEST_CANCEL,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTUNMARKCANCELABLE`.
    pub type PFN_WDFREQUESTUNMARKCANCELABLE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTCOMPLETE`.
    pub type PFN_WDFREQUESTCOMPLETE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        Status: NTSTATUS,
    );
    /// Callback `PFN_WDFREQUESTCOMPLETEWITHINFORMATION`.
    pub type PFN_WDFREQUESTCOMPLETEWITHINFORMATION = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        Status: NTSTATUS,
        Information: ULONG_PTR,
    );
    /// Callback `PFN_WDFREQUESTSETINFORMATION`.
    pub type PFN_WDFREQUESTSETINFORMATION = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        Information: ULONG_PTR,
    );
    /// Callback `PFN_WDFFILEOBJECTGETDEVICE`.
    pub type PFN_WDFFILEOBJECTGETDEVICE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        FileObject: WDFFILEOBJECT,
    ) -> WDFDEVICE;
    /// Callback `PFN_WDFFILEOBJECTGETFILENAME`.
    pub type PFN_WDFFILEOBJECTGETFILENAME = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        FileObject: WDFFILEOBJECT,
    ) -> PUNICODE_STRING;
    /// Callback `PFN_WDFOBJECTDELETE`.
    pub type PFN_WDFOBJECTDELETE = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, Object: WDFOBJECT);
    /// Callback `PFN_WDFOBJECTREFERENCEACTUAL`.
    pub type PFN_WDFOBJECTREFERENCEACTUAL = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Handle: WDFOBJECT,
        Tag: PVOID,
        Line: LONG,
        File: PCCH,
    );
    /// Callback `PFN_WDFOBJECTDEREFERENCEACTUAL`.
    pub type PFN_WDFOBJECTDEREFERENCEACTUAL = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Handle: WDFOBJECT,
        Tag: PVOID,
        Line: LONG,
        File: PCCH,
    );
    /// Callback `PFN_WDFOBJECTGETTYPEDCONTEXTWORKER`.
    pub type PFN_WDFOBJECTGETTYPEDCONTEXTWORKER = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Handle: WDFOBJECT,
        TypeInfo: PCWDF_OBJECT_CONTEXT_TYPE_INFO,
    ) -> PVOID;
    /// Callback `PFN_WDFOBJECTALLOCATECONTEXT`.
    pub type PFN_WDFOBJECTALLOCATECONTEXT = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Handle: WDFOBJECT,
        ContextAttributes: PWDF_OBJECT_ATTRIBUTES,
        Context: *mut PVOID,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFOBJECTCONTEXTGETOBJECT`.
    pub type PFN_WDFOBJECTCONTEXTGETOBJECT = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        ContextPointer: PVOID,
    ) -> WDFOBJECT;
    /// Callback `PFN_WDFTIMERCREATE`.
    pub type PFN_WDFTIMERCREATE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Config: PWDF_TIMER_CONFIG,
        Attributes: PWDF_OBJECT_ATTRIBUTES,
        Timer: *mut WDFTIMER,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFTIMERSTART`.
    pub type PFN_WDFTIMERSTART = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Timer: WDFTIMER,
        DueTime: LONGLONG,
    ) -> BOOLEAN;
    /// Callback `PFN_WDFTIMERSTOP`.
    pub type PFN_WDFTIMERSTOP = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Timer: WDFTIMER,
        Wait: BOOLEAN,
    ) -> BOOLEAN;
    /// Callback `PFN_WDFWORKITEMCREATE`.
    pub type PFN_WDFWORKITEMCREATE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Config: PWDF_WORKITEM_CONFIG,
        Attributes: PWDF_OBJECT_ATTRIBUTES,
        WorkItem: *mut WDFWORKITEM,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFWORKITEMENQUEUE`.
    pub type PFN_WDFWORKITEMENQUEUE = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, WorkItem: WDFWORKITEM);
    /// Callback `PFN_WDFWORKITEMFLUSH`.
    pub type PFN_WDFWORKITEMFLUSH = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, WorkItem: WDFWORKITEM);
    /// Callback `PFN_WDFSPINLOCKCREATE`.
    pub type PFN_WDFSPINLOCKCREATE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        SpinLockAttributes: PWDF_OBJECT_ATTRIBUTES,
        SpinLock: *mut WDFSPINLOCK,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFSPINLOCKACQUIRE`.
    pub type PFN_WDFSPINLOCKACQUIRE = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, SpinLock: WDFSPINLOCK);
    /// Callback `PFN_WDFSPINLOCKRELEASE`.
    pub type PFN_WDFSPINLOCKRELEASE = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, SpinLock: WDFSPINLOCK);
    /// Callback `PFN_WDFDEVICEINITSETPOWERPAGEABLE`.
    pub type PFN_WDFDEVICEINITSETPOWERPAGEABLE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: PWDFDEVICE_INIT,
    );
    /// Callback `PFN_WDFDEVICEINITSETPOWERNOTPAGEABLE`.
    pub type PFN_WDFDEVICEINITSETPOWERNOTPAGEABLE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: PWDFDEVICE_INIT,
    );
    /// Callback `PFN_WDFIOQUEUEGETSTATE`.
    pub type PFN_WDFIOQUEUEGETSTATE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Queue: WDFQUEUE,
        QueueRequests: PULONG,
        DriverRequests: PULONG,
    ) -> WDF_IO_QUEUE_STATE;
    /// Callback `PFN_WDFIOQUEUEDRAIN`.
    pub type PFN_WDFIOQUEUEDRAIN = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Queue: WDFQUEUE,
        DrainComplete: PFN_WDF_IO_QUEUE_STATE,
        Context: WDFCONTEXT,
    );
    /// Callback `PFN_WDFIOQUEUESTOP`.
    pub type PFN_WDFIOQUEUESTOP = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Queue: WDFQUEUE,
        StopComplete: PFN_WDF_IO_QUEUE_STATE,
        Context: WDFCONTEXT,
    );
    /// Callback `PFN_WDFIOQUEUEPURGE`.
    pub type PFN_WDFIOQUEUEPURGE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Queue: WDFQUEUE,
        PurgeComplete: PFN_WDF_IO_QUEUE_STATE,
        Context: WDFCONTEXT,
    );
    /// Callback `PFN_WDFIOQUEUEDRAINSYNCHRONOUSLY`.
    pub type PFN_WDFIOQUEUEDRAINSYNCHRONOUSLY = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, Queue: WDFQUEUE);
    /// Callback `PFN_WDFREQUESTGETIOQUEUE`.
    pub type PFN_WDFREQUESTGETIOQUEUE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
    ) -> WDFQUEUE;
    /// Callback `PFN_WDFDEVICEENQUEUEREQUEST`.
    pub type PFN_WDFDEVICEENQUEUEREQUEST = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Device: WDFDEVICE,
        Request: WDFREQUEST,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTWDMGETIRP`.
    pub type PFN_WDFREQUESTWDMGETIRP = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, Request: WDFREQUEST) -> PIRP;
    /// Callback `PFN_WDFREQUESTGETSTATUS`.
    pub type PFN_WDFREQUESTGETSTATUS = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTGETINFORMATION`.
    pub type PFN_WDFREQUESTGETINFORMATION = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
    ) -> ULONG_PTR;
    /// Callback `PFN_WDFREQUESTISCANCELED`.
    pub type PFN_WDFREQUESTISCANCELED = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
    ) -> BOOLEAN;
    /// Callback `PFN_WDFREQUESTSTOPACKNOWLEDGE`.
    pub type PFN_WDFREQUESTSTOPACKNOWLEDGE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        Requeue: BOOLEAN,
    );
    /// Callback `PFN_WDFREQUESTREQUEUE`.
    pub type PFN_WDFREQUESTREQUEUE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFIOQUEUEFINDREQUEST`.
    pub type PFN_WDFIOQUEUEFINDREQUEST = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Queue: WDFQUEUE,
        FoundRequest: WDFREQUEST,
        FileObject: WDFFILEOBJECT,
        Parameters: PWDF_REQUEST_PARAMETERS,
        OutRequest: *mut WDFREQUEST,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFIOQUEUERETRIEVEREQUESTBYFILEOBJECT`.
    pub type PFN_WDFIOQUEUERETRIEVEREQUESTBYFILEOBJECT = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Queue: WDFQUEUE,
        FileObject: WDFFILEOBJECT,
        OutRequest: *mut WDFREQUEST,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFMEMORYGETBUFFER`.
    pub type PFN_WDFMEMORYGETBUFFER = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Memory: WDFMEMORY,
        BufferSize: *mut usize,
    ) -> PVOID;
    /// Callback `PFN_WDFMEMORYCREATE`.
    pub type PFN_WDFMEMORYCREATE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Attributes: PWDF_OBJECT_ATTRIBUTES,
        PoolType: POOL_TYPE,
        PoolTag: ULONG,
        BufferSize: usize,
        Memory: *mut WDFMEMORY,
        Buffer: *mut PVOID,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFDEVICECONFIGUREREQUESTDISPATCHING`.
    pub type PFN_WDFDEVICECONFIGUREREQUESTDISPATCHING = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Device: WDFDEVICE,
        Queue: WDFQUEUE,
        RequestType: WDF_REQUEST_TYPE,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFDEVICEGETDEFAULTQUEUE`.
    pub type PFN_WDFDEVICEGETDEFAULTQUEUE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Device: WDFDEVICE,
    ) -> WDFQUEUE;
    /// Callback `PFN_WDFDEVICEGETFILEOBJECT`.
    pub type PFN_WDFDEVICEGETFILEOBJECT = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Device: WDFDEVICE,
        FileObject: PFILE_OBJECT,
    ) -> WDFFILEOBJECT;
    /// Callback `PFN_WDFFILEOBJECTWDMGETFILEOBJECT`.
    pub type PFN_WDFFILEOBJECTWDMGETFILEOBJECT = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        FileObject: WDFFILEOBJECT,
    ) -> PFILE_OBJECT;
    /// Callback `PFN_WDFFILEOBJECTGETFLAGS`.
    pub type PFN_WDFFILEOBJECTGETFLAGS = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        FileObject: WDFFILEOBJECT,
    ) -> ULONG;
    /// Callback `PFN_WDFFILEOBJECTGETINITIATORPROCESSID`.
    pub type PFN_WDFFILEOBJECTGETINITIATORPROCESSID = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        FileObject: WDFFILEOBJECT,
    ) -> ULONG;
    /// Callback `PFN_WDFOBJECTQUERY`.
    pub type PFN_WDFOBJECTQUERY = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Object: WDFOBJECT,
        Guid: *const GUID,
        QueryBufferLength: ULONG,
        QueryBuffer: PVOID,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFDRIVEROPENPARAMETERSREGISTRYKEY`.
    pub type PFN_WDFDRIVEROPENPARAMETERSREGISTRYKEY = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Driver: WDFDRIVER,
        DesiredAccess: ACCESS_MASK,
        KeyAttributes: PWDF_OBJECT_ATTRIBUTES,
        Key: *mut WDFKEY,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREGISTRYQUERYULONG`.
    pub type PFN_WDFREGISTRYQUERYULONG = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Key: WDFKEY,
        ValueName: PCUNICODE_STRING,
        Value: PULONG,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREGISTRYQUERYUNICODESTRING`.
    pub type PFN_WDFREGISTRYQUERYUNICODESTRING = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Key: WDFKEY,
        ValueName: PCUNICODE_STRING,
        ValueByteLength: PUSHORT,
        Value: PUNICODE_STRING,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREGISTRYCLOSE`.
    pub type PFN_WDFREGISTRYCLOSE = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, Key: WDFKEY);
    /// Callback `PFN_WDFREGISTRYQUERYVALUE`.
    pub type PFN_WDFREGISTRYQUERYVALUE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Key: WDFKEY,
        ValueName: PCUNICODE_STRING,
        ValueLength: ULONG,
        Value: PVOID,
        ValueLengthQueried: PULONG,
        ValueType: PULONG,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFDRIVERISVERSIONAVAILABLE`.
    pub type PFN_WDFDRIVERISVERSIONAVAILABLE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Driver: WDFDRIVER,
        VersionAvailableParams: PWDF_DRIVER_VERSION_AVAILABLE_PARAMS,
    ) -> BOOLEAN;
    /// Callback `PFN_WDFDRIVERRETRIEVEVERSIONSTRING`.
    pub type PFN_WDFDRIVERRETRIEVEVERSIONSTRING = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Driver: WDFDRIVER,
        String: WDFSTRING,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFWAITLOCKCREATE`.
    pub type PFN_WDFWAITLOCKCREATE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        LockAttributes: PWDF_OBJECT_ATTRIBUTES,
        Lock: *mut WDFWAITLOCK,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFWAITLOCKACQUIRE`.
    pub type PFN_WDFWAITLOCKACQUIRE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Lock: WDFWAITLOCK,
        Timeout: PLONGLONG,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFWAITLOCKRELEASE`.
    pub type PFN_WDFWAITLOCKRELEASE = fn(DriverGlobals: PWDF_DRIVER_GLOBALS, Lock: WDFWAITLOCK);
    /// Callback `PFN_WDFWORKITEMGETPARENTOBJECT`.
    pub type PFN_WDFWORKITEMGETPARENTOBJECT = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        WorkItem: WDFWORKITEM,
    ) -> WDFOBJECT;
    /// Callback `PFN_WDFTIMERGETPARENTOBJECT`.
    pub type PFN_WDFTIMERGETPARENTOBJECT = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Timer: WDFTIMER,
    ) -> WDFOBJECT;
    /// Callback `PFN_WDFREQUESTPROBEANDLOCKUSERBUFFERFORREAD`.
    pub type PFN_WDFREQUESTPROBEANDLOCKUSERBUFFERFORREAD = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        Buffer: PVOID,
        Length: usize,
        MemoryObject: *mut WDFMEMORY,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTPROBEANDLOCKUSERBUFFERFORWRITE`.
    pub type PFN_WDFREQUESTPROBEANDLOCKUSERBUFFERFORWRITE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        Buffer: PVOID,
        Length: usize,
        MemoryObject: *mut WDFMEMORY,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTRETRIEVEUNSAFEUSERINPUTBUFFER`.
    pub type PFN_WDFREQUESTRETRIEVEUNSAFEUSERINPUTBUFFER = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        MinimumRequiredLength: usize,
        InputBuffer: *mut PVOID,
        Length: *mut usize,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTRETRIEVEUNSAFEUSEROUTPUTBUFFER`.
    pub type PFN_WDFREQUESTRETRIEVEUNSAFEUSEROUTPUTBUFFER = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        MinimumRequiredLength: usize,
        OutputBuffer: *mut PVOID,
        Length: *mut usize,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTCOMPLETEWITHPRIORITYBOOST`.
    pub type PFN_WDFREQUESTCOMPLETEWITHPRIORITYBOOST = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        Status: NTSTATUS,
        PriorityBoost: CCHAR,
    );
    /// Callback `PFN_WDFCONTROLDEVICEINITSETSHUTDOWNNOTIFICATION`.
    pub type PFN_WDFCONTROLDEVICEINITSETSHUTDOWNNOTIFICATION = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: PWDFDEVICE_INIT,
        Notification: PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION,
        Flags: UCHAR,
    );
    /// Callback `PFN_WDFVERIFIERDBGBREAKPOINT`.
    pub type PFN_WDFVERIFIERDBGBREAKPOINT = fn(DriverGlobals: PWDF_DRIVER_GLOBALS);
    /// Callback `PFN_WDFVERIFIERKEBUGCHECK`.
    pub type PFN_WDFVERIFIERKEBUGCHECK = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        BugCheckCode: ULONG,
        BugCheckParameter1: ULONG_PTR,
        BugCheckParameter2: ULONG_PTR,
        BugCheckParameter3: ULONG_PTR,
        BugCheckParameter4: ULONG_PTR,
    );
    /// Callback `PFN_WDFGETTRIAGEINFO`.
    pub type PFN_WDFGETTRIAGEINFO = fn(DriverGlobals: PWDF_DRIVER_GLOBALS) -> PVOID;
    /// Callback `PFN_WDFDEVICEINITASSIGNWDMIRPPREPROCESSCALLBACK`.
    pub type PFN_WDFDEVICEINITASSIGNWDMIRPPREPROCESSCALLBACK = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        DeviceInit: PWDFDEVICE_INIT,
        EvtDeviceWdmIrpPreprocess: PFN_WDFDEVICE_WDM_IRP_PREPROCESS,
        MajorFunction: UCHAR,
        MinorFunctions: PUCHAR,
        NumMinorFunctions: ULONG,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFDEVICEWDMDISPATCHPREPROCESSEDIRP`.
    pub type PFN_WDFDEVICEWDMDISPATCHPREPROCESSEDIRP = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Device: WDFDEVICE,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Callback `PFN_WDFREQUESTGETREQUESTORPROCESSID`.
    pub type PFN_WDFREQUESTGETREQUESTORPROCESSID = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
    ) -> ULONG;
    /// Callback `PFN_WDFREQUESTMARKCANCELABLE`.
    pub type PFN_WDFREQUESTMARKCANCELABLE = fn(
        DriverGlobals: PWDF_DRIVER_GLOBALS,
        Request: WDFREQUEST,
        EvtRequestCancel: PFN_WDF_REQUEST_CANCEL,
    );
}
