//! NT enumerations, one module each.

/// `_POOL_TYPE` (NT).
pub mod _POOL_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const NonPagedPool: Type = 0;
    pub const NonPagedPoolExecute: Type = 0;
    pub const PagedPool: Type = 1;
    pub const NonPagedPoolMustSucceed: Type = 2;
    pub const DontUseThisType: Type = 3;
    pub const NonPagedPoolCacheAligned: Type = 4;
    pub const PagedPoolCacheAligned: Type = 5;
    pub const NonPagedPoolCacheAlignedMustS: Type = 6;
    pub const MaxPoolType: Type = 7;
    pub const NonPagedPoolBase: Type = 0;
    pub const NonPagedPoolBaseMustSucceed: Type = 2;
    pub const NonPagedPoolBaseCacheAligned: Type = 4;
    pub const NonPagedPoolBaseCacheAlignedMustS: Type = 6;
    pub const NonPagedPoolSession: Type = 0x20;
    pub const PagedPoolSession: Type = 33;
    pub const NonPagedPoolMustSucceedSession: Type = 34;
    pub const DontUseThisTypeSession: Type = 35;
    pub const NonPagedPoolCacheAlignedSession: Type = 36;
    pub const PagedPoolCacheAlignedSession: Type = 37;
    pub const NonPagedPoolCacheAlignedMustSSession: Type = 38;
    pub const NonPagedPoolNx: Type = 0x200;
    pub const NonPagedPoolNxCacheAligned: Type = 0x204;
    pub const NonPagedPoolSessionNx: Type = 0x220;
}
pub use self::_POOL_TYPE::Type as POOL_TYPE;

/// `_EVENT_TYPE` (NT).
pub mod _EVENT_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const NotificationEvent: Type = 0;
    pub const SynchronizationEvent: Type = 1;
}
pub use self::_EVENT_TYPE::Type as EVENT_TYPE;

/// `_MODE` (NT).
pub mod _MODE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const KernelMode: Type = 0;
    pub const UserMode: Type = 1;
    pub const MaximumMode: Type = 2;
}
pub use self::_MODE::Type as MODE;

/// `_MEMORY_CACHING_TYPE` (NT).
pub mod _MEMORY_CACHING_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const MmNonCached: Type = 0;
    pub const MmCached: Type = 1;
    pub const MmWriteCombined: Type = 2;
    pub const MmHardwareCoherentCached: Type = 3;
    pub const MmNonCachedUnordered: Type = 4;
    pub const MmUSWCCached: Type = 5;
    pub const MmMaximumCacheType: Type = 6;
    pub const MmNotMapped: Type = -1;
}
pub use self::_MEMORY_CACHING_TYPE::Type as MEMORY_CACHING_TYPE;

/// `_WORK_QUEUE_TYPE` (NT).
pub mod _WORK_QUEUE_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const CriticalWorkQueue: Type = 0;
    pub const DelayedWorkQueue: Type = 1;
    pub const HyperCriticalWorkQueue: Type = 2;
    pub const NormalWorkQueue: Type = 3;
    pub const BackgroundWorkQueue: Type = 4;
    pub const RealTimeWorkQueue: Type = 5;
    pub const SuperCriticalWorkQueue: Type = 6;
    pub const MaximumWorkQueue: Type = 7;
    pub const CustomPriorityWorkQueue: Type = 0x20;
}
pub use self::_WORK_QUEUE_TYPE::Type as WORK_QUEUE_TYPE;

/// `_KWAIT_REASON` (NT).
pub mod _KWAIT_REASON {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const Executive: Type = 0;
    pub const FreePage: Type = 1;
    pub const PageIn: Type = 2;
    pub const PoolAllocation: Type = 3;
    pub const DelayExecution: Type = 4;
    pub const Suspended: Type = 5;
    pub const UserRequest: Type = 6;
    pub const WrExecutive: Type = 7;
    pub const WrFreePage: Type = 8;
    pub const WrPageIn: Type = 9;
    pub const WrPoolAllocation: Type = 10;
    pub const WrDelayExecution: Type = 11;
    pub const WrSuspended: Type = 12;
    pub const WrUserRequest: Type = 13;
    pub const WrSpare0: Type = 14;
    pub const WrQueue: Type = 15;
    pub const WrLpcReceive: Type = 0x10;
    pub const WrLpcReply: Type = 17;
    pub const WrVirtualMemory: Type = 18;
    pub const WrPageOut: Type = 19;
    pub const WrRendezvous: Type = 20;
    pub const WrKeyedEvent: Type = 21;
    pub const WrTerminated: Type = 22;
    pub const WrProcessInSwap: Type = 23;
    pub const WrCpuRateControl: Type = 24;
    pub const WrCalloutStack: Type = 25;
    pub const WrKernel: Type = 26;
    pub const WrResource: Type = 27;
    pub const WrPushLock: Type = 28;
    pub const WrMutex: Type = 29;
    pub const WrQuantumEnd: Type = 30;
    pub const WrDispatchInt: Type = 31;
    pub const WrPreempted: Type = 0x20;
    pub const WrYieldExecution: Type = 33;
    pub const WrFastMutex: Type = 34;
    pub const WrGuardedMutex: Type = 35;
    pub const WrRundown: Type = 36;
    pub const WrAlertByThreadId: Type = 37;
    pub const WrDeferredPreempt: Type = 38;
    pub const WrPhysicalFault: Type = 39;
    pub const WrIoRing: Type = 40;
    pub const WrMdlCache: Type = 41;
    pub const MaximumWaitReason: Type = 42;
}
pub use self::_KWAIT_REASON::Type as KWAIT_REASON;

/// `_LOCK_OPERATION` (NT).
pub mod _LOCK_OPERATION {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const IoReadAccess: Type = 0;
    pub const IoWriteAccess: Type = 1;
    pub const IoModifyAccess: Type = 2;
}
pub use self::_LOCK_OPERATION::Type as LOCK_OPERATION;

/// `_MM_PAGE_PRIORITY` (NT).
pub mod _MM_PAGE_PRIORITY {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const LowPagePriority: Type = 0;
    pub const NormalPagePriority: Type = 0x10;
    pub const HighPagePriority: Type = 0x20;
}
pub use self::_MM_PAGE_PRIORITY::Type as MM_PAGE_PRIORITY;

/// `_RTL_GENERIC_COMPARE_RESULTS` (NT).
pub mod _RTL_GENERIC_COMPARE_RESULTS {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const GenericLessThan: Type = 0;
    pub const GenericGreaterThan: Type = 1;
    pub const GenericEqual: Type = 2;
}
pub use self::_RTL_GENERIC_COMPARE_RESULTS::Type as RTL_GENERIC_COMPARE_RESULTS;

/// `_TIMER_TYPE` (NT).
pub mod _TIMER_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const NotificationTimer: Type = 0;
    pub const SynchronizationTimer: Type = 1;
}
pub use self::_TIMER_TYPE::Type as TIMER_TYPE;

/// `_WAIT_TYPE` (NT).
pub mod _WAIT_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const WaitAll: Type = 0;
    pub const WaitAny: Type = 1;
    pub const WaitNotification: Type = 2;
    pub const WaitDequeue: Type = 3;
    pub const WaitDpc: Type = 4;
}
pub use self::_WAIT_TYPE::Type as WAIT_TYPE;

/// `_EX_POOL_PRIORITY` (NT).
pub mod _EX_POOL_PRIORITY {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const LowPoolPriority: Type = 0;
    pub const LowPoolPrioritySpecialPoolOverrun: Type = 8;
    pub const LowPoolPrioritySpecialPoolUnderrun: Type = 9;
    pub const NormalPoolPriority: Type = 0x10;
    pub const NormalPoolPrioritySpecialPoolOverrun: Type = 24;
    pub const NormalPoolPrioritySpecialPoolUnderrun: Type = 25;
    pub const HighPoolPriority: Type = 0x20;
    pub const HighPoolPrioritySpecialPoolOverrun: Type = 40;
    pub const HighPoolPrioritySpecialPoolUnderrun: Type = 41;
}
pub use self::_EX_POOL_PRIORITY::Type as EX_POOL_PRIORITY;

/// `_KEY_VALUE_INFORMATION_CLASS` (NT).
pub mod _KEY_VALUE_INFORMATION_CLASS {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const KeyValueBasicInformation: Type = 0;
    pub const KeyValueFullInformation: Type = 1;
    pub const KeyValuePartialInformation: Type = 2;
    pub const KeyValueFullInformationAlign64: Type = 3;
    pub const KeyValuePartialInformationAlign64: Type = 4;
    pub const KeyValueLayerInformation: Type = 5;
    pub const MaxKeyValueInfoClass: Type = 6;
}
pub use self::_KEY_VALUE_INFORMATION_CLASS::Type as KEY_VALUE_INFORMATION_CLASS;

/// `_KDPC_IMPORTANCE` (NT).
pub mod _KDPC_IMPORTANCE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const LowImportance: Type = 0;
    pub const MediumImportance: Type = 1;
    pub const HighImportance: Type = 2;
    pub const MediumHighImportance: Type = 3;
}
pub use self::_KDPC_IMPORTANCE::Type as KDPC_IMPORTANCE;

/// `_DPFLTR_TYPE` (NT).
pub mod _DPFLTR_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const DPFLTR_SYSTEM_ID: Type = 0;
    pub const DPFLTR_SMSS_ID: Type = 1;
    pub const DPFLTR_SETUP_ID: Type = 2;
    pub const DPFLTR_NTFS_ID: Type = 3;
    pub const DPFLTR_FSTUB_ID: Type = 4;
    pub const DPFLTR_CRASHDUMP_ID: Type = 5;
    pub const DPFLTR_CDAUDIO_ID: Type = 6;
    pub const DPFLTR_CDROM_ID: Type = 7;
    pub const DPFLTR_CLASSPNP_ID: Type = 8;
    pub const DPFLTR_DISK_ID: Type = 9;
    pub const DPFLTR_REDBOOK_ID: Type = 10;
    pub const DPFLTR_STORPROP_ID: Type = 11;
    pub const DPFLTR_SCSIPORT_ID: Type = 12;
    pub const DPFLTR_SCSIMINIPORT_ID: Type = 13;
    pub const DPFLTR_CONFIG_ID: Type = 14;
    pub const DPFLTR_I8042PRT_ID: Type = 15;
    pub const DPFLTR_SERMOUSE_ID: Type = 0x10;
    pub const DPFLTR_LSERMOUS_ID: Type = 17;
    pub const DPFLTR_KBDHID_ID: Type = 18;
    pub const DPFLTR_MOUHID_ID: Type = 19;
    pub const DPFLTR_KBDCLASS_ID: Type = 20;
    pub const DPFLTR_MOUCLASS_ID: Type = 21;
    pub const DPFLTR_TWOTRACK_ID: Type = 22;
    pub const DPFLTR_WMILIB_ID: Type = 23;
    pub const DPFLTR_ACPI_ID: Type = 24;
    pub const DPFLTR_AMLI_ID: Type = 25;
    pub const DPFLTR_HALIA64_ID: Type = 26;
    pub const DPFLTR_VIDEO_ID: Type = 27;
    pub const DPFLTR_SVCHOST_ID: Type = 28;
    pub const DPFLTR_VIDEOPRT_ID: Type = 29;
    pub const DPFLTR_TCPIP_ID: Type = 30;
    pub const DPFLTR_DMSYNTH_ID: Type = 31;
    pub const DPFLTR_NTOSPNP_ID: Type = 0x20;
    pub const DPFLTR_FASTFAT_ID: Type = 33;
    pub const DPFLTR_SAMSS_ID: Type = 34;
    pub const DPFLTR_PNPMGR_ID: Type = 35;
    pub const DPFLTR_NETAPI_ID: Type = 36;
    pub const DPFLTR_SCSERVER_ID: Type = 37;
    pub const DPFLTR_SCCLIENT_ID: Type = 38;
    pub const DPFLTR_SERIAL_ID: Type = 39;
    pub const DPFLTR_SERENUM_ID: Type = 40;
    pub const DPFLTR_UHCD_ID: Type = 41;
    pub const DPFLTR_RPCPROXY_ID: Type = 42;
    pub const DPFLTR_AUTOCHK_ID: Type = 43;
    pub const DPFLTR_DCOMSS_ID: Type = 44;
    pub const DPFLTR_UNIMODEM_ID: Type = 45;
    pub const DPFLTR_SIS_ID: Type = 46;
    pub const DPFLTR_FLTMGR_ID: Type = 47;
    pub const DPFLTR_WMICORE_ID: Type = 0x30;
    pub const DPFLTR_BURNENG_ID: Type = 49;
    pub const DPFLTR_IMAPI_ID: Type = 50;
    pub const DPFLTR_SXS_ID: Type = 51;
    pub const DPFLTR_FUSION_ID: Type = 52;
    pub const DPFLTR_IDLETASK_ID: Type = 53;
    pub const DPFLTR_SOFTPCI_ID: Type = 54;
    pub const DPFLTR_TAPE_ID: Type = 55;
    pub const DPFLTR_MCHGR_ID: Type = 56;
    pub const DPFLTR_IDEP_ID: Type = 57;
    pub const DPFLTR_PCIIDE_ID: Type = 58;
    pub const DPFLTR_FLOPPY_ID: Type = 59;
    pub const DPFLTR_FDC_ID: Type = 60;
    pub const DPFLTR_TERMSRV_ID: Type = 61;
    pub const DPFLTR_W32TIME_ID: Type = 62;
    pub const DPFLTR_PREFETCHER_ID: Type = 63;
    pub const DPFLTR_RSFILTER_ID: Type = 0x40;
    pub const DPFLTR_FCPORT_ID: Type = 65;
    pub const DPFLTR_PCI_ID: Type = 66;
    pub const DPFLTR_DMIO_ID: Type = 67;
    pub const DPFLTR_DMCONFIG_ID: Type = 68;
    pub const DPFLTR_DMADMIN_ID: Type = 69;
    pub const DPFLTR_WSOCKTRANSPORT_ID: Type = 70;
    pub const DPFLTR_VSS_ID: Type = 71;
    pub const DPFLTR_PNPMEM_ID: Type = 72;
    pub const DPFLTR_PROCESSOR_ID: Type = 73;
    pub const DPFLTR_DMSERVER_ID: Type = 74;
    pub const DPFLTR_SR_ID: Type = 75;
    pub const DPFLTR_INFINIBAND_ID: Type = 76;
    pub const DPFLTR_IHVDRIVER_ID: Type = 77;
    pub const DPFLTR_IHVVIDEO_ID: Type = 78;
    pub const DPFLTR_IHVAUDIO_ID: Type = 79;
    pub const DPFLTR_IHVNETWORK_ID: Type = 0x50;
    pub const DPFLTR_IHVSTREAMING_ID: Type = 81;
    pub const DPFLTR_IHVBUS_ID: Type = 82;
    pub const DPFLTR_HPS_ID: Type = 83;
    pub const DPFLTR_RTLTHREADPOOL_ID: Type = 84;
    pub const DPFLTR_LDR_ID: Type = 85;
    pub const DPFLTR_TCPIP6_ID: Type = 86;
    pub const DPFLTR_ISAPNP_ID: Type = 87;
    pub const DPFLTR_SHPC_ID: Type = 88;
    pub const DPFLTR_STORPORT_ID: Type = 89;
    pub const DPFLTR_STORMINIPORT_ID: Type = 90;
    pub const DPFLTR_PRINTSPOOLER_ID: Type = 91;
    pub const DPFLTR_VSSDYNDISK_ID: Type = 92;
    pub const DPFLTR_VERIFIER_ID: Type = 93;
    pub const DPFLTR_VDS_ID: Type = 94;
    pub const DPFLTR_VDSBAS_ID: Type = 95;
    pub const DPFLTR_VDSDYN_ID: Type = 0x60;
    pub const DPFLTR_VDSDYNDR_ID: Type = 97;
    pub const DPFLTR_VDSLDR_ID: Type = 98;
    pub const DPFLTR_VDSUTIL_ID: Type = 99;
    pub const DPFLTR_DFRGIFC_ID: Type = 100;
    pub const DPFLTR_DEFAULT_ID: Type = 101;
    pub const DPFLTR_MM_ID: Type = 102;
    pub const DPFLTR_DFSC_ID: Type = 103;
    pub const DPFLTR_WOW64_ID: Type = 104;
    pub const DPFLTR_ALPC_ID: Type = 105;
    pub const DPFLTR_WDI_ID: Type = 106;
    pub const DPFLTR_PERFLIB_ID: Type = 107;
    pub const DPFLTR_KTM_ID: Type = 108;
    pub const DPFLTR_IOSTRESS_ID: Type = 109;
    pub const DPFLTR_HEAP_ID: Type = 110;
    pub const DPFLTR_WHEA_ID: Type = 111;
    pub const DPFLTR_USERGDI_ID: Type = 0x70;
    pub const DPFLTR_MMCSS_ID: Type = 113;
    pub const DPFLTR_TPM_ID: Type = 114;
    pub const DPFLTR_THREADORDER_ID: Type = 115;
    pub const DPFLTR_ENVIRON_ID: Type = 116;
    pub const DPFLTR_EMS_ID: Type = 117;
    pub const DPFLTR_WDT_ID: Type = 118;
    pub const DPFLTR_FVEVOL_ID: Type = 119;
    pub const DPFLTR_NDIS_ID: Type = 120;
    pub const DPFLTR_NVCTRACE_ID: Type = 121;
    pub const DPFLTR_LUAFV_ID: Type = 122;
    pub const DPFLTR_APPCOMPAT_ID: Type = 123;
    pub const DPFLTR_USBSTOR_ID: Type = 124;
    pub const DPFLTR_SBP2PORT_ID: Type = 125;
    pub const DPFLTR_COVERAGE_ID: Type = 126;
    pub const DPFLTR_CACHEMGR_ID: Type = 127;
    pub const DPFLTR_MOUNTMGR_ID: Type = 0x80;
    pub const DPFLTR_CFR_ID: Type = 129;
    pub const DPFLTR_TXF_ID: Type = 130;
    pub const DPFLTR_KSECDD_ID: Type = 131;
    pub const DPFLTR_FLTREGRESS_ID: Type = 132;
    pub const DPFLTR_MPIO_ID: Type = 133;
    pub const DPFLTR_MSDSM_ID: Type = 134;
    pub const DPFLTR_UDFS_ID: Type = 135;
    pub const DPFLTR_PSHED_ID: Type = 136;
    pub const DPFLTR_STORVSP_ID: Type = 137;
    pub const DPFLTR_LSASS_ID: Type = 138;
    pub const DPFLTR_SSPICLI_ID: Type = 139;
    pub const DPFLTR_CNG_ID: Type = 140;
    pub const DPFLTR_EXFAT_ID: Type = 141;
    pub const DPFLTR_FILETRACE_ID: Type = 142;
    pub const DPFLTR_XSAVE_ID: Type = 143;
    pub const DPFLTR_SE_ID: Type = 0x90;
    pub const DPFLTR_DRIVEEXTENDER_ID: Type = 145;
    pub const DPFLTR_POWER_ID: Type = 146;
    pub const DPFLTR_CRASHDUMPXHCI_ID: Type = 147;
    pub const DPFLTR_GPIO_ID: Type = 148;
    pub const DPFLTR_REFS_ID: Type = 149;
    pub const DPFLTR_WER_ID: Type = 150;
    pub const DPFLTR_CAPIMG_ID: Type = 151;
    pub const DPFLTR_VPCI_ID: Type = 152;
    pub const DPFLTR_STORAGECLASSMEMORY_ID: Type = 153;
    pub const DPFLTR_FSLIB_ID: Type = 154;
    pub const DPFLTR_ENDOFTABLE_ID: Type = 155;
}
pub use self::_DPFLTR_TYPE::Type as DPFLTR_TYPE;

/// `_SECURITY_IMPERSONATION_LEVEL` (NT).
pub mod _SECURITY_IMPERSONATION_LEVEL {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const SecurityAnonymous: Type = 0;
    pub const SecurityIdentification: Type = 1;
    pub const SecurityImpersonation: Type = 2;
    pub const SecurityDelegation: Type = 3;
}
pub use self::_SECURITY_IMPERSONATION_LEVEL::Type as SECURITY_IMPERSONATION_LEVEL;

/// `_TOKEN_TYPE` (NT).
pub mod _TOKEN_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const TokenPrimary: Type = 1;
    pub const TokenImpersonation: Type = 2;
}
pub use self::_TOKEN_TYPE::Type as TOKEN_TYPE;

/// `_PSCREATEPROCESSNOTIFYTYPE` (NT).
pub mod _PSCREATEPROCESSNOTIFYTYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const PsCreateProcessNotifySubsystems: Type = 0;
}
pub use self::_PSCREATEPROCESSNOTIFYTYPE::Type as PSCREATEPROCESSNOTIFYTYPE;

/// `_KBUGCHECK_CALLBACK_REASON` (NT).
pub mod _KBUGCHECK_CALLBACK_REASON {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const KbCallbackInvalid: Type = 0;
    pub const KbCallbackReserved1: Type = 1;
    pub const KbCallbackSecondaryDumpData: Type = 2;
    pub const KbCallbackDumpIo: Type = 3;
    pub const KbCallbackAddPages: Type = 4;
    pub const KbCallbackSecondaryMultiPartDumpData: Type = 5;
    pub const KbCallbackRemovePages: Type = 6;
    pub const KbCallbackTriageDumpData: Type = 7;
    pub const KbCallbackReserved2: Type = 8;
}
pub use self::_KBUGCHECK_CALLBACK_REASON::Type as KBUGCHECK_CALLBACK_REASON;

/// `_IO_PRIORITY_HINT` (NT).
pub mod _IO_PRIORITY_HINT {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const IoPriorityVeryLow: Type = 0;
    pub const IoPriorityLow: Type = 1;
    pub const IoPriorityNormal: Type = 2;
    pub const IoPriorityHigh: Type = 3;
    pub const IoPriorityCritical: Type = 4;
    pub const MaxIoPriorityTypes: Type = 5;
}
pub use self::_IO_PRIORITY_HINT::Type as IO_PRIORITY_HINT;

/// `_DIRECTORY_NOTIFY_INFORMATION_CLASS` (NT).
pub mod _DIRECTORY_NOTIFY_INFORMATION_CLASS {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const DirectoryNotifyInformation: Type = 1;
    pub const DirectoryNotifyExtendedInformation: Type = 2;
    pub const DirectoryNotifyFullInformation: Type = 3;
    pub const DirectoryNotifyMaximumInformation: Type = 4;
}
pub use self::_DIRECTORY_NOTIFY_INFORMATION_CLASS::Type as DIRECTORY_NOTIFY_INFORMATION_CLASS;

/// `_DEVICE_RELATION_TYPE` (NT).
pub mod _DEVICE_RELATION_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const BusRelations: Type = 0;
    pub const EjectionRelations: Type = 1;
    pub const PowerRelations: Type = 2;
    pub const RemovalRelations: Type = 3;
    pub const TargetDeviceRelation: Type = 4;
    pub const SingleBusRelations: Type = 5;
    pub const TransportRelations: Type = 6;
}
pub use self::_DEVICE_RELATION_TYPE::Type as DEVICE_RELATION_TYPE;

/// `BUS_QUERY_ID_TYPE` (NT).
pub mod BUS_QUERY_ID_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const BusQueryDeviceID: Type = 0;
    pub const BusQueryHardwareIDs: Type = 1;
    pub const BusQueryCompatibleIDs: Type = 2;
    pub const BusQueryInstanceID: Type = 3;
    pub const BusQueryDeviceSerialNumber: Type = 4;
    pub const BusQueryContainerID: Type = 5;
}

/// `DEVICE_TEXT_TYPE` (NT).
pub mod DEVICE_TEXT_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const DeviceTextDescription: Type = 0;
    pub const DeviceTextLocationInformation: Type = 1;
}

/// `_DEVICE_USAGE_NOTIFICATION_TYPE` (NT).
pub mod _DEVICE_USAGE_NOTIFICATION_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const DeviceUsageTypeUndefined: Type = 0;
    pub const DeviceUsageTypePaging: Type = 1;
    pub const DeviceUsageTypeHibernation: Type = 2;
    pub const DeviceUsageTypeDumpFile: Type = 3;
    pub const DeviceUsageTypeBoot: Type = 4;
    pub const DeviceUsageTypePostDisplay: Type = 5;
    pub const DeviceUsageTypeGuestAssigned: Type = 6;
}
pub use self::_DEVICE_USAGE_NOTIFICATION_TYPE::Type as DEVICE_USAGE_NOTIFICATION_TYPE;

/// `_KEY_INFORMATION_CLASS` (NT).
pub mod _KEY_INFORMATION_CLASS {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const KeyBasicInformation: Type = 0;
    pub const KeyNodeInformation: Type = 1;
    pub const KeyFullInformation: Type = 2;
    pub const KeyNameInformation: Type = 3;
    pub const KeyCachedInformation: Type = 4;
    pub const KeyFlagsInformation: Type = 5;
    pub const KeyVirtualizationInformation: Type = 6;
    pub const KeyHandleTagsInformation: Type = 7;
    pub const KeyTrustInformation: Type = 8;
    pub const KeyLayerInformation: Type = 9;
    pub const MaxKeyInfoClass: Type = 10;
}
pub use self::_KEY_INFORMATION_CLASS::Type as KEY_INFORMATION_CLASS;

/// `_SECTION_INHERIT` (NT).
pub mod _SECTION_INHERIT {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const ViewShare: Type = 1;
    pub const ViewUnmap: Type = 2;
}
pub use self::_SECTION_INHERIT::Type as SECTION_INHERIT;

/// `_OB_PREOP_CALLBACK_STATUS` (NT).
pub mod _OB_PREOP_CALLBACK_STATUS {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const OB_PREOP_SUCCESS: Type = 0;
}
pub use self::_OB_PREOP_CALLBACK_STATUS::Type as OB_PREOP_CALLBACK_STATUS;

/// `_IO_ALLOCATION_ACTION` (NT).
pub mod _IO_ALLOCATION_ACTION {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const KeepObject: Type = 1;
    pub const DeallocateObject: Type = 2;
    pub const DeallocateObjectKeepRegisters: Type = 3;
}
pub use self::_IO_ALLOCATION_ACTION::Type as IO_ALLOCATION_ACTION;
