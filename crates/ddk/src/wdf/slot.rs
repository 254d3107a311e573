//! The KMDF functions Weir and its simulator name: slot and type of each.
use super::Slot;
use crate::nt::{self, _WDFFUNCENUM as index};

slots! {
    WdfControlDeviceInitAllocate:
        WdfControlDeviceInitAllocateTableIndex, nt::PFN_WDFCONTROLDEVICEINITALLOCATE;
    WdfControlDeviceInitSetShutdownNotification:
        WdfControlDeviceInitSetShutdownNotificationTableIndex, nt::PFN_WDFCONTROLDEVICEINITSETSHUTDOWNNOTIFICATION;
    WdfControlFinishInitializing:
        WdfControlFinishInitializingTableIndex, nt::PFN_WDFCONTROLFINISHINITIALIZING;
    WdfDeviceConfigureRequestDispatching:
        WdfDeviceConfigureRequestDispatchingTableIndex, nt::PFN_WDFDEVICECONFIGUREREQUESTDISPATCHING;
    WdfDeviceCreate: WdfDeviceCreateTableIndex, nt::PFN_WDFDEVICECREATE;
    WdfDeviceCreateSymbolicLink: WdfDeviceCreateSymbolicLinkTableIndex, nt::PFN_WDFDEVICECREATESYMBOLICLINK;
    WdfDeviceGetDefaultQueue: WdfDeviceGetDefaultQueueTableIndex, nt::PFN_WDFDEVICEGETDEFAULTQUEUE;
    WdfDeviceGetDriver: WdfDeviceGetDriverTableIndex, nt::PFN_WDFDEVICEGETDRIVER;
    WdfDeviceGetFileObject: WdfDeviceGetFileObjectTableIndex, nt::PFN_WDFDEVICEGETFILEOBJECT;
    WdfDeviceInitAssignName: WdfDeviceInitAssignNameTableIndex, nt::PFN_WDFDEVICEINITASSIGNNAME;
    WdfDeviceInitAssignSDDLString:
        WdfDeviceInitAssignSDDLStringTableIndex, nt::PFN_WDFDEVICEINITASSIGNSDDLSTRING;
    WdfDeviceInitAssignWdmIrpPreprocessCallback:
        WdfDeviceInitAssignWdmIrpPreprocessCallbackTableIndex, nt::PFN_WDFDEVICEINITASSIGNWDMIRPPREPROCESSCALLBACK;
    WdfDeviceInitFree: WdfDeviceInitFreeTableIndex, nt::PFN_WDFDEVICEINITFREE;
    WdfDeviceInitSetCharacteristics:
        WdfDeviceInitSetCharacteristicsTableIndex, nt::PFN_WDFDEVICEINITSETCHARACTERISTICS;
    WdfDeviceInitSetDeviceType: WdfDeviceInitSetDeviceTypeTableIndex, nt::PFN_WDFDEVICEINITSETDEVICETYPE;
    WdfDeviceInitSetExclusive: WdfDeviceInitSetExclusiveTableIndex, nt::PFN_WDFDEVICEINITSETEXCLUSIVE;
    WdfDeviceInitSetFileObjectConfig:
        WdfDeviceInitSetFileObjectConfigTableIndex, nt::PFN_WDFDEVICEINITSETFILEOBJECTCONFIG;
    WdfDeviceInitSetIoInCallerContextCallback:
        WdfDeviceInitSetIoInCallerContextCallbackTableIndex, nt::PFN_WDFDEVICEINITSETIOINCALLERCONTEXTCALLBACK;
    WdfDeviceInitSetIoType: WdfDeviceInitSetIoTypeTableIndex, nt::PFN_WDFDEVICEINITSETIOTYPE;
    WdfDeviceInitSetPowerNotPageable:
        WdfDeviceInitSetPowerNotPageableTableIndex, nt::PFN_WDFDEVICEINITSETPOWERNOTPAGEABLE;
    WdfDeviceInitSetPowerPageable:
        WdfDeviceInitSetPowerPageableTableIndex, nt::PFN_WDFDEVICEINITSETPOWERPAGEABLE;
    WdfDeviceInitSetRequestAttributes:
        WdfDeviceInitSetRequestAttributesTableIndex, nt::PFN_WDFDEVICEINITSETREQUESTATTRIBUTES;
    WdfDeviceWdmDispatchPreprocessedIrp:
        WdfDeviceWdmDispatchPreprocessedIrpTableIndex, nt::PFN_WDFDEVICEWDMDISPATCHPREPROCESSEDIRP;
    WdfDeviceWdmGetDeviceObject: WdfDeviceWdmGetDeviceObjectTableIndex, nt::PFN_WDFDEVICEWDMGETDEVICEOBJECT;
    WdfDriverCreate: WdfDriverCreateTableIndex, nt::PFN_WDFDRIVERCREATE;
    WdfDriverGetRegistryPath: WdfDriverGetRegistryPathTableIndex, nt::PFN_WDFDRIVERGETREGISTRYPATH;
    WdfDriverIsVersionAvailable: WdfDriverIsVersionAvailableTableIndex, nt::PFN_WDFDRIVERISVERSIONAVAILABLE;
    WdfDriverOpenParametersRegistryKey:
        WdfDriverOpenParametersRegistryKeyTableIndex, nt::PFN_WDFDRIVEROPENPARAMETERSREGISTRYKEY;
    WdfDriverRetrieveVersionString:
        WdfDriverRetrieveVersionStringTableIndex, nt::PFN_WDFDRIVERRETRIEVEVERSIONSTRING;
    WdfDriverWdmGetDriverObject: WdfDriverWdmGetDriverObjectTableIndex, nt::PFN_WDFDRIVERWDMGETDRIVEROBJECT;
    WdfFileObjectGetDevice: WdfFileObjectGetDeviceTableIndex, nt::PFN_WDFFILEOBJECTGETDEVICE;
    WdfFileObjectGetFileName: WdfFileObjectGetFileNameTableIndex, nt::PFN_WDFFILEOBJECTGETFILENAME;
    WdfFileObjectGetFlags: WdfFileObjectGetFlagsTableIndex, nt::PFN_WDFFILEOBJECTGETFLAGS;
    WdfFileObjectGetInitiatorProcessId:
        WdfFileObjectGetInitiatorProcessIdTableIndex, nt::PFN_WDFFILEOBJECTGETINITIATORPROCESSID;
    WdfFileObjectWdmGetFileObject:
        WdfFileObjectWdmGetFileObjectTableIndex, nt::PFN_WDFFILEOBJECTWDMGETFILEOBJECT;
    WdfGetTriageInfo: WdfGetTriageInfoTableIndex, nt::PFN_WDFGETTRIAGEINFO;
    WdfIoQueueCreate: WdfIoQueueCreateTableIndex, nt::PFN_WDFIOQUEUECREATE;
    WdfIoQueueDrain: WdfIoQueueDrainTableIndex, nt::PFN_WDFIOQUEUEDRAIN;
    WdfIoQueueDrainSynchronously:
        WdfIoQueueDrainSynchronouslyTableIndex, nt::PFN_WDFIOQUEUEDRAINSYNCHRONOUSLY;
    WdfIoQueueFindRequest: WdfIoQueueFindRequestTableIndex, nt::PFN_WDFIOQUEUEFINDREQUEST;
    WdfIoQueueGetDevice: WdfIoQueueGetDeviceTableIndex, nt::PFN_WDFIOQUEUEGETDEVICE;
    WdfIoQueueGetState: WdfIoQueueGetStateTableIndex, nt::PFN_WDFIOQUEUEGETSTATE;
    WdfIoQueuePurge: WdfIoQueuePurgeTableIndex, nt::PFN_WDFIOQUEUEPURGE;
    WdfIoQueuePurgeSynchronously:
        WdfIoQueuePurgeSynchronouslyTableIndex, nt::PFN_WDFIOQUEUEPURGESYNCHRONOUSLY;
    WdfIoQueueRetrieveNextRequest:
        WdfIoQueueRetrieveNextRequestTableIndex, nt::PFN_WDFIOQUEUERETRIEVENEXTREQUEST;
    WdfIoQueueRetrieveRequestByFileObject:
        WdfIoQueueRetrieveRequestByFileObjectTableIndex, nt::PFN_WDFIOQUEUERETRIEVEREQUESTBYFILEOBJECT;
    WdfIoQueueStart: WdfIoQueueStartTableIndex, nt::PFN_WDFIOQUEUESTART;
    WdfIoQueueStop: WdfIoQueueStopTableIndex, nt::PFN_WDFIOQUEUESTOP;
    WdfIoQueueStopSynchronously: WdfIoQueueStopSynchronouslyTableIndex, nt::PFN_WDFIOQUEUESTOPSYNCHRONOUSLY;
    WdfMemoryCreate: WdfMemoryCreateTableIndex, nt::PFN_WDFMEMORYCREATE;
    WdfMemoryGetBuffer: WdfMemoryGetBufferTableIndex, nt::PFN_WDFMEMORYGETBUFFER;
    WdfObjectAllocateContext: WdfObjectAllocateContextTableIndex, nt::PFN_WDFOBJECTALLOCATECONTEXT;
    WdfObjectContextGetObject: WdfObjectContextGetObjectTableIndex, nt::PFN_WDFOBJECTCONTEXTGETOBJECT;
    WdfObjectDelete: WdfObjectDeleteTableIndex, nt::PFN_WDFOBJECTDELETE;
    WdfObjectDereferenceActual: WdfObjectDereferenceActualTableIndex, nt::PFN_WDFOBJECTDEREFERENCEACTUAL;
    WdfObjectGetTypedContextWorker:
        WdfObjectGetTypedContextWorkerTableIndex, nt::PFN_WDFOBJECTGETTYPEDCONTEXTWORKER;
    WdfObjectQuery: WdfObjectQueryTableIndex, nt::PFN_WDFOBJECTQUERY;
    WdfObjectReferenceActual: WdfObjectReferenceActualTableIndex, nt::PFN_WDFOBJECTREFERENCEACTUAL;
    WdfRegistryClose: WdfRegistryCloseTableIndex, nt::PFN_WDFREGISTRYCLOSE;
    WdfRegistryQueryULong: WdfRegistryQueryULongTableIndex, nt::PFN_WDFREGISTRYQUERYULONG;
    WdfRegistryQueryUnicodeString:
        WdfRegistryQueryUnicodeStringTableIndex, nt::PFN_WDFREGISTRYQUERYUNICODESTRING;
    WdfRegistryQueryValue: WdfRegistryQueryValueTableIndex, nt::PFN_WDFREGISTRYQUERYVALUE;
    WdfRequestComplete: WdfRequestCompleteTableIndex, nt::PFN_WDFREQUESTCOMPLETE;
    WdfRequestCompleteWithInformation:
        WdfRequestCompleteWithInformationTableIndex, nt::PFN_WDFREQUESTCOMPLETEWITHINFORMATION;
    WdfRequestCompleteWithPriorityBoost:
        WdfRequestCompleteWithPriorityBoostTableIndex, nt::PFN_WDFREQUESTCOMPLETEWITHPRIORITYBOOST;
    WdfRequestForwardToIoQueue: WdfRequestForwardToIoQueueTableIndex, nt::PFN_WDFREQUESTFORWARDTOIOQUEUE;
    WdfRequestGetFileObject: WdfRequestGetFileObjectTableIndex, nt::PFN_WDFREQUESTGETFILEOBJECT;
    WdfRequestGetInformation: WdfRequestGetInformationTableIndex, nt::PFN_WDFREQUESTGETINFORMATION;
    WdfRequestGetIoQueue: WdfRequestGetIoQueueTableIndex, nt::PFN_WDFREQUESTGETIOQUEUE;
    WdfRequestGetParameters: WdfRequestGetParametersTableIndex, nt::PFN_WDFREQUESTGETPARAMETERS;
    WdfRequestGetRequestorMode: WdfRequestGetRequestorModeTableIndex, nt::PFN_WDFREQUESTGETREQUESTORMODE;
    WdfRequestGetRequestorProcessId:
        WdfRequestGetRequestorProcessIdTableIndex, nt::PFN_WDFREQUESTGETREQUESTORPROCESSID;
    WdfRequestGetStatus: WdfRequestGetStatusTableIndex, nt::PFN_WDFREQUESTGETSTATUS;
    WdfRequestIsCanceled: WdfRequestIsCanceledTableIndex, nt::PFN_WDFREQUESTISCANCELED;
    WdfRequestMarkCancelable: WdfRequestMarkCancelableTableIndex, nt::PFN_WDFREQUESTMARKCANCELABLE;
    WdfRequestMarkCancelableEx: WdfRequestMarkCancelableExTableIndex, nt::PFN_WDFREQUESTMARKCANCELABLEEX;
    WdfRequestProbeAndLockUserBufferForRead:
        WdfRequestProbeAndLockUserBufferForReadTableIndex, nt::PFN_WDFREQUESTPROBEANDLOCKUSERBUFFERFORREAD;
    WdfRequestProbeAndLockUserBufferForWrite:
        WdfRequestProbeAndLockUserBufferForWriteTableIndex, nt::PFN_WDFREQUESTPROBEANDLOCKUSERBUFFERFORWRITE;
    WdfRequestRequeue: WdfRequestRequeueTableIndex, nt::PFN_WDFREQUESTREQUEUE;
    WdfRequestRetrieveInputBuffer:
        WdfRequestRetrieveInputBufferTableIndex, nt::PFN_WDFREQUESTRETRIEVEINPUTBUFFER;
    WdfRequestRetrieveInputMemory:
        WdfRequestRetrieveInputMemoryTableIndex, nt::PFN_WDFREQUESTRETRIEVEINPUTMEMORY;
    WdfRequestRetrieveInputWdmMdl:
        WdfRequestRetrieveInputWdmMdlTableIndex, nt::PFN_WDFREQUESTRETRIEVEINPUTWDMMDL;
    WdfRequestRetrieveOutputBuffer:
        WdfRequestRetrieveOutputBufferTableIndex, nt::PFN_WDFREQUESTRETRIEVEOUTPUTBUFFER;
    WdfRequestRetrieveOutputMemory:
        WdfRequestRetrieveOutputMemoryTableIndex, nt::PFN_WDFREQUESTRETRIEVEOUTPUTMEMORY;
    WdfRequestRetrieveOutputWdmMdl:
        WdfRequestRetrieveOutputWdmMdlTableIndex, nt::PFN_WDFREQUESTRETRIEVEOUTPUTWDMMDL;
    WdfRequestRetrieveUnsafeUserInputBuffer:
        WdfRequestRetrieveUnsafeUserInputBufferTableIndex, nt::PFN_WDFREQUESTRETRIEVEUNSAFEUSERINPUTBUFFER;
    WdfRequestRetrieveUnsafeUserOutputBuffer:
        WdfRequestRetrieveUnsafeUserOutputBufferTableIndex, nt::PFN_WDFREQUESTRETRIEVEUNSAFEUSEROUTPUTBUFFER;
    WdfRequestSetInformation: WdfRequestSetInformationTableIndex, nt::PFN_WDFREQUESTSETINFORMATION;
    WdfRequestStopAcknowledge: WdfRequestStopAcknowledgeTableIndex, nt::PFN_WDFREQUESTSTOPACKNOWLEDGE;
    WdfRequestUnmarkCancelable: WdfRequestUnmarkCancelableTableIndex, nt::PFN_WDFREQUESTUNMARKCANCELABLE;
    WdfRequestWdmGetIrp: WdfRequestWdmGetIrpTableIndex, nt::PFN_WDFREQUESTWDMGETIRP;
    WdfSpinLockAcquire: WdfSpinLockAcquireTableIndex, nt::PFN_WDFSPINLOCKACQUIRE;
    WdfSpinLockCreate: WdfSpinLockCreateTableIndex, nt::PFN_WDFSPINLOCKCREATE;
    WdfSpinLockRelease: WdfSpinLockReleaseTableIndex, nt::PFN_WDFSPINLOCKRELEASE;
    WdfTimerCreate: WdfTimerCreateTableIndex, nt::PFN_WDFTIMERCREATE;
    WdfTimerGetParentObject: WdfTimerGetParentObjectTableIndex, nt::PFN_WDFTIMERGETPARENTOBJECT;
    WdfTimerStart: WdfTimerStartTableIndex, nt::PFN_WDFTIMERSTART;
    WdfTimerStop: WdfTimerStopTableIndex, nt::PFN_WDFTIMERSTOP;
    WdfVerifierDbgBreakPoint: WdfVerifierDbgBreakPointTableIndex, nt::PFN_WDFVERIFIERDBGBREAKPOINT;
    WdfVerifierKeBugCheck: WdfVerifierKeBugCheckTableIndex, nt::PFN_WDFVERIFIERKEBUGCHECK;
    WdfWaitLockAcquire: WdfWaitLockAcquireTableIndex, nt::PFN_WDFWAITLOCKACQUIRE;
    WdfWaitLockCreate: WdfWaitLockCreateTableIndex, nt::PFN_WDFWAITLOCKCREATE;
    WdfWaitLockRelease: WdfWaitLockReleaseTableIndex, nt::PFN_WDFWAITLOCKRELEASE;
    WdfWorkItemCreate: WdfWorkItemCreateTableIndex, nt::PFN_WDFWORKITEMCREATE;
    WdfWorkItemEnqueue: WdfWorkItemEnqueueTableIndex, nt::PFN_WDFWORKITEMENQUEUE;
    WdfWorkItemFlush: WdfWorkItemFlushTableIndex, nt::PFN_WDFWORKITEMFLUSH;
    WdfWorkItemGetParentObject: WdfWorkItemGetParentObjectTableIndex, nt::PFN_WDFWORKITEMGETPARENTOBJECT;
}
