//! NT information classes, one module each.

/// `_TOKEN_INFORMATION_CLASS` (NT).
pub mod _TOKEN_INFORMATION_CLASS {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const TokenUser: Type = 1;
    pub const TokenGroups: Type = 2;
    pub const TokenPrivileges: Type = 3;
    pub const TokenOwner: Type = 4;
    pub const TokenPrimaryGroup: Type = 5;
    pub const TokenDefaultDacl: Type = 6;
    pub const TokenSource: Type = 7;
    pub const TokenType: Type = 8;
    pub const TokenImpersonationLevel: Type = 9;
    pub const TokenStatistics: Type = 10;
    pub const TokenRestrictedSids: Type = 11;
    pub const TokenSessionId: Type = 12;
    pub const TokenGroupsAndPrivileges: Type = 13;
    pub const TokenSessionReference: Type = 14;
    pub const TokenSandBoxInert: Type = 15;
    pub const TokenAuditPolicy: Type = 0x10;
    pub const TokenOrigin: Type = 17;
    pub const TokenElevationType: Type = 18;
    pub const TokenLinkedToken: Type = 19;
    pub const TokenElevation: Type = 20;
    pub const TokenHasRestrictions: Type = 21;
    pub const TokenAccessInformation: Type = 22;
    pub const TokenVirtualizationAllowed: Type = 23;
    pub const TokenVirtualizationEnabled: Type = 24;
    pub const TokenIntegrityLevel: Type = 25;
    pub const TokenUIAccess: Type = 26;
    pub const TokenMandatoryPolicy: Type = 27;
    pub const TokenLogonSid: Type = 28;
    pub const TokenIsAppContainer: Type = 29;
    pub const TokenCapabilities: Type = 30;
    pub const TokenAppContainerSid: Type = 31;
    pub const TokenAppContainerNumber: Type = 0x20;
    pub const TokenUserClaimAttributes: Type = 33;
    pub const TokenDeviceClaimAttributes: Type = 34;
    pub const TokenRestrictedUserClaimAttributes: Type = 35;
    pub const TokenRestrictedDeviceClaimAttributes: Type = 36;
    pub const TokenDeviceGroups: Type = 37;
    pub const TokenRestrictedDeviceGroups: Type = 38;
    pub const TokenSecurityAttributes: Type = 39;
    pub const TokenIsRestricted: Type = 40;
    pub const TokenProcessTrustLevel: Type = 41;
    pub const TokenPrivateNameSpace: Type = 42;
    pub const TokenSingletonAttributes: Type = 43;
    pub const TokenBnoIsolation: Type = 44;
    pub const TokenChildProcessFlags: Type = 45;
    pub const TokenIsLessPrivilegedAppContainer: Type = 46;
    pub const TokenIsSandboxed: Type = 47;
    pub const TokenIsAppSilo: Type = 0x30;
    pub const MaxTokenInfoClass: Type = 49;
}
pub use self::_TOKEN_INFORMATION_CLASS::Type as TOKEN_INFORMATION_CLASS;

/// `DEVICE_REGISTRY_PROPERTY` (NT).
pub mod DEVICE_REGISTRY_PROPERTY {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const DevicePropertyDeviceDescription: Type = 0;
    pub const DevicePropertyHardwareID: Type = 1;
    pub const DevicePropertyCompatibleIDs: Type = 2;
    pub const DevicePropertyBootConfiguration: Type = 3;
    pub const DevicePropertyBootConfigurationTranslated: Type = 4;
    pub const DevicePropertyClassName: Type = 5;
    pub const DevicePropertyClassGuid: Type = 6;
    pub const DevicePropertyDriverKeyName: Type = 7;
    pub const DevicePropertyManufacturer: Type = 8;
    pub const DevicePropertyFriendlyName: Type = 9;
    pub const DevicePropertyLocationInformation: Type = 10;
    pub const DevicePropertyPhysicalDeviceObjectName: Type = 11;
    pub const DevicePropertyBusTypeGuid: Type = 12;
    pub const DevicePropertyLegacyBusType: Type = 13;
    pub const DevicePropertyBusNumber: Type = 14;
    pub const DevicePropertyEnumeratorName: Type = 15;
    pub const DevicePropertyAddress: Type = 0x10;
    pub const DevicePropertyUINumber: Type = 17;
    pub const DevicePropertyInstallState: Type = 18;
    pub const DevicePropertyRemovalPolicy: Type = 19;
    pub const DevicePropertyResourceRequirements: Type = 20;
    pub const DevicePropertyAllocatedResources: Type = 21;
    pub const DevicePropertyContainerID: Type = 22;
}

/// `_FILE_INFORMATION_CLASS` (NT).
pub mod _FILE_INFORMATION_CLASS {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const FileDirectoryInformation: Type = 1;
    pub const FileFullDirectoryInformation: Type = 2;
    pub const FileBothDirectoryInformation: Type = 3;
    pub const FileBasicInformation: Type = 4;
    pub const FileStandardInformation: Type = 5;
    pub const FileInternalInformation: Type = 6;
    pub const FileEaInformation: Type = 7;
    pub const FileAccessInformation: Type = 8;
    pub const FileNameInformation: Type = 9;
    pub const FileRenameInformation: Type = 10;
    pub const FileLinkInformation: Type = 11;
    pub const FileNamesInformation: Type = 12;
    pub const FileDispositionInformation: Type = 13;
    pub const FilePositionInformation: Type = 14;
    pub const FileFullEaInformation: Type = 15;
    pub const FileModeInformation: Type = 0x10;
    pub const FileAlignmentInformation: Type = 17;
    pub const FileAllInformation: Type = 18;
    pub const FileAllocationInformation: Type = 19;
    pub const FileEndOfFileInformation: Type = 20;
    pub const FileAlternateNameInformation: Type = 21;
    pub const FileStreamInformation: Type = 22;
    pub const FilePipeInformation: Type = 23;
    pub const FilePipeLocalInformation: Type = 24;
    pub const FilePipeRemoteInformation: Type = 25;
    pub const FileMailslotQueryInformation: Type = 26;
    pub const FileMailslotSetInformation: Type = 27;
    pub const FileCompressionInformation: Type = 28;
    pub const FileObjectIdInformation: Type = 29;
    pub const FileCompletionInformation: Type = 30;
    pub const FileMoveClusterInformation: Type = 31;
    pub const FileQuotaInformation: Type = 0x20;
    pub const FileReparsePointInformation: Type = 33;
    pub const FileNetworkOpenInformation: Type = 34;
    pub const FileAttributeTagInformation: Type = 35;
    pub const FileTrackingInformation: Type = 36;
    pub const FileIdBothDirectoryInformation: Type = 37;
    pub const FileIdFullDirectoryInformation: Type = 38;
    pub const FileValidDataLengthInformation: Type = 39;
    pub const FileShortNameInformation: Type = 40;
    pub const FileIoCompletionNotificationInformation: Type = 41;
    pub const FileIoStatusBlockRangeInformation: Type = 42;
    pub const FileIoPriorityHintInformation: Type = 43;
    pub const FileSfioReserveInformation: Type = 44;
    pub const FileSfioVolumeInformation: Type = 45;
    pub const FileHardLinkInformation: Type = 46;
    pub const FileProcessIdsUsingFileInformation: Type = 47;
    pub const FileNormalizedNameInformation: Type = 0x30;
    pub const FileNetworkPhysicalNameInformation: Type = 49;
    pub const FileIdGlobalTxDirectoryInformation: Type = 50;
    pub const FileIsRemoteDeviceInformation: Type = 51;
    pub const FileUnusedInformation: Type = 52;
    pub const FileNumaNodeInformation: Type = 53;
    pub const FileStandardLinkInformation: Type = 54;
    pub const FileRemoteProtocolInformation: Type = 55;
    pub const FileRenameInformationBypassAccessCheck: Type = 56;
    pub const FileLinkInformationBypassAccessCheck: Type = 57;
    pub const FileVolumeNameInformation: Type = 58;
    pub const FileIdInformation: Type = 59;
    pub const FileIdExtdDirectoryInformation: Type = 60;
    pub const FileReplaceCompletionInformation: Type = 61;
    pub const FileHardLinkFullIdInformation: Type = 62;
    pub const FileIdExtdBothDirectoryInformation: Type = 63;
    pub const FileDispositionInformationEx: Type = 0x40;
    pub const FileRenameInformationEx: Type = 65;
    pub const FileRenameInformationExBypassAccessCheck: Type = 66;
    pub const FileDesiredStorageClassInformation: Type = 67;
    pub const FileStatInformation: Type = 68;
    pub const FileMemoryPartitionInformation: Type = 69;
    pub const FileStatLxInformation: Type = 70;
    pub const FileCaseSensitiveInformation: Type = 71;
    pub const FileLinkInformationEx: Type = 72;
    pub const FileLinkInformationExBypassAccessCheck: Type = 73;
    pub const FileStorageReserveIdInformation: Type = 74;
    pub const FileCaseSensitiveInformationForceAccessCheck: Type = 75;
    pub const FileKnownFolderInformation: Type = 76;
    pub const FileMaximumInformation: Type = 77;
}
pub use self::_FILE_INFORMATION_CLASS::Type as FILE_INFORMATION_CLASS;

/// `_FSINFOCLASS` (NT).
pub mod _FSINFOCLASS {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const FileFsVolumeInformation: Type = 1;
    pub const FileFsLabelInformation: Type = 2;
    pub const FileFsSizeInformation: Type = 3;
    pub const FileFsDeviceInformation: Type = 4;
    pub const FileFsAttributeInformation: Type = 5;
    pub const FileFsControlInformation: Type = 6;
    pub const FileFsFullSizeInformation: Type = 7;
    pub const FileFsObjectIdInformation: Type = 8;
    pub const FileFsDriverPathInformation: Type = 9;
    pub const FileFsVolumeFlagsInformation: Type = 10;
    pub const FileFsSectorSizeInformation: Type = 11;
    pub const FileFsDataCopyInformation: Type = 12;
    pub const FileFsMetadataSizeInformation: Type = 13;
    pub const FileFsFullSizeInformationEx: Type = 14;
    pub const FileFsMaximumInformation: Type = 15;
}
pub use self::_FSINFOCLASS::Type as FS_INFORMATION_CLASS;

/// `_SYSTEM_POWER_STATE` (NT).
pub mod _SYSTEM_POWER_STATE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const PowerSystemUnspecified: Type = 0;
    pub const PowerSystemWorking: Type = 1;
    pub const PowerSystemSleeping1: Type = 2;
    pub const PowerSystemSleeping2: Type = 3;
    pub const PowerSystemSleeping3: Type = 4;
    pub const PowerSystemHibernate: Type = 5;
    pub const PowerSystemShutdown: Type = 6;
    pub const PowerSystemMaximum: Type = 7;
}
pub use self::_SYSTEM_POWER_STATE::Type as SYSTEM_POWER_STATE;

/// `_POWER_STATE_TYPE` (NT).
pub mod _POWER_STATE_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const SystemPowerState: Type = 0;
    pub const DevicePowerState: Type = 1;
}
pub use self::_POWER_STATE_TYPE::Type as POWER_STATE_TYPE;

/// `POWER_ACTION` (NT).
pub mod POWER_ACTION {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const PowerActionNone: Type = 0;
    pub const PowerActionReserved: Type = 1;
    pub const PowerActionSleep: Type = 2;
    pub const PowerActionHibernate: Type = 3;
    pub const PowerActionShutdown: Type = 4;
    pub const PowerActionShutdownReset: Type = 5;
    pub const PowerActionShutdownOff: Type = 6;
    pub const PowerActionWarmEject: Type = 7;
    pub const PowerActionDisplayOff: Type = 8;
}

/// `_THREADINFOCLASS` (NT).
pub mod _THREADINFOCLASS {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const ThreadBasicInformation: Type = 0;
    pub const ThreadTimes: Type = 1;
    pub const ThreadPriority: Type = 2;
    pub const ThreadBasePriority: Type = 3;
    pub const ThreadAffinityMask: Type = 4;
    pub const ThreadImpersonationToken: Type = 5;
    pub const ThreadDescriptorTableEntry: Type = 6;
    pub const ThreadEnableAlignmentFaultFixup: Type = 7;
    pub const ThreadEventPair_Reusable: Type = 8;
    pub const ThreadQuerySetWin32StartAddress: Type = 9;
    pub const ThreadZeroTlsCell: Type = 10;
    pub const ThreadPerformanceCount: Type = 11;
    pub const ThreadAmILastThread: Type = 12;
    pub const ThreadIdealProcessor: Type = 13;
    pub const ThreadPriorityBoost: Type = 14;
    pub const ThreadSetTlsArrayAddress: Type = 15;
    pub const ThreadIsIoPending: Type = 0x10;
    pub const ThreadHideFromDebugger: Type = 17;
    pub const ThreadBreakOnTermination: Type = 18;
    pub const ThreadSwitchLegacyState: Type = 19;
    pub const ThreadIsTerminated: Type = 20;
    pub const ThreadLastSystemCall: Type = 21;
    pub const ThreadIoPriority: Type = 22;
    pub const ThreadCycleTime: Type = 23;
    pub const ThreadPagePriority: Type = 24;
    pub const ThreadActualBasePriority: Type = 25;
    pub const ThreadTebInformation: Type = 26;
    pub const ThreadCSwitchMon: Type = 27;
    pub const ThreadCSwitchPmu: Type = 28;
    pub const ThreadWow64Context: Type = 29;
    pub const ThreadGroupInformation: Type = 30;
    pub const ThreadUmsInformation: Type = 31;
    pub const ThreadCounterProfiling: Type = 0x20;
    pub const ThreadIdealProcessorEx: Type = 33;
    pub const ThreadCpuAccountingInformation: Type = 34;
    pub const ThreadSuspendCount: Type = 35;
    pub const ThreadActualGroupAffinity: Type = 41;
    pub const ThreadDynamicCodePolicyInfo: Type = 42;
    pub const ThreadSubsystemInformation: Type = 45;
    pub const MaxThreadInfoClass: Type = 56;
}
pub use self::_THREADINFOCLASS::Type as THREADINFOCLASS;

/// `_DEVICE_POWER_STATE` (NT).
pub mod _DEVICE_POWER_STATE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const PowerDeviceUnspecified: Type = 0;
    pub const PowerDeviceD0: Type = 1;
    pub const PowerDeviceD1: Type = 2;
    pub const PowerDeviceD2: Type = 3;
    pub const PowerDeviceD3: Type = 4;
    pub const PowerDeviceMaximum: Type = 5;
}
pub use self::_DEVICE_POWER_STATE::Type as DEVICE_POWER_STATE;
