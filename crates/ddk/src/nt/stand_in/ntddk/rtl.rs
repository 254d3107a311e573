//! Run-time library and debugger output.
use super::super::*;
use core::ffi::c_void;

imports! {
    dll "ntoskrnl.exe";
    /// `RtlInitUnicodeString`.
    pub fn RtlInitUnicodeString(DestinationString: PUNICODE_STRING, SourceString: PCWSTR);
    /// `RtlCopyUnicodeString`.
    pub fn RtlCopyUnicodeString(DestinationString: PUNICODE_STRING, SourceString: PCUNICODE_STRING);
    /// `RtlEqualUnicodeString`.
    pub fn RtlEqualUnicodeString(
        String1: PCUNICODE_STRING,
        String2: PCUNICODE_STRING,
        CaseInSensitive: BOOLEAN,
    ) -> BOOLEAN;
    /// `RtlCompareUnicodeString`.
    pub fn RtlCompareUnicodeString(
        String1: PCUNICODE_STRING,
        String2: PCUNICODE_STRING,
        CaseInSensitive: BOOLEAN,
    ) -> LONG;
    /// `RtlAppendUnicodeStringToString`.
    #[must_use]
    pub fn RtlAppendUnicodeStringToString(
        Destination: PUNICODE_STRING,
        Source: PCUNICODE_STRING,
    ) -> NTSTATUS;
    /// `RtlUnicodeStringToInteger`.
    #[must_use]
    pub fn RtlUnicodeStringToInteger(String: PCUNICODE_STRING, Base: ULONG, Value: PULONG) -> NTSTATUS;
    /// `RtlIntegerToUnicodeString`.
    #[must_use]
    pub fn RtlIntegerToUnicodeString(Value: ULONG, Base: ULONG, String: PUNICODE_STRING) -> NTSTATUS;
    /// `RtlAnsiStringToUnicodeString`.
    #[must_use]
    pub fn RtlAnsiStringToUnicodeString(
        DestinationString: PUNICODE_STRING,
        SourceString: PCANSI_STRING,
        AllocateDestinationString: BOOLEAN,
    ) -> NTSTATUS;
    /// `RtlFreeUnicodeString`.
    pub fn RtlFreeUnicodeString(UnicodeString: PUNICODE_STRING);
    /// `RtlUpcaseUnicodeChar`.
    pub fn RtlUpcaseUnicodeChar(SourceCharacter: WCHAR) -> WCHAR;
    /// `RtlStringFromGUID`.
    #[must_use]
    pub fn RtlStringFromGUID(Guid: *const GUID, GuidString: PUNICODE_STRING) -> NTSTATUS;
    /// `RtlGUIDFromString`.
    #[must_use]
    pub fn RtlGUIDFromString(GuidString: PCUNICODE_STRING, Guid: *mut GUID) -> NTSTATUS;
    /// `RtlGetVersion`.
    #[must_use]
    pub fn RtlGetVersion(lpVersionInformation: PRTL_OSVERSIONINFOW) -> NTSTATUS;
    /// `RtlRandomEx`.
    pub fn RtlRandomEx(Seed: PULONG) -> ULONG;
    /// `RtlCompareMemory`.
    pub fn RtlCompareMemory(Source1: *const c_void, Source2: *const c_void, Length: SIZE_T) -> SIZE_T;
    /// `RtlLengthSid`.
    pub fn RtlLengthSid(Sid: PSID) -> ULONG;
    /// `RtlCopySid`.
    #[must_use]
    pub fn RtlCopySid(DestinationSidLength: ULONG, DestinationSid: PSID, SourceSid: PSID) -> NTSTATUS;
    /// `RtlValidSid`.
    pub fn RtlValidSid(Sid: PSID) -> BOOLEAN;
    /// `RtlCreateSecurityDescriptor`.
    #[must_use]
    pub fn RtlCreateSecurityDescriptor(
        SecurityDescriptor: PSECURITY_DESCRIPTOR,
        Revision: ULONG,
    ) -> NTSTATUS;
    /// `RtlSetDaclSecurityDescriptor`.
    #[must_use]
    pub fn RtlSetDaclSecurityDescriptor(
        SecurityDescriptor: PSECURITY_DESCRIPTOR,
        DaclPresent: BOOLEAN,
        Dacl: PACL,
        DaclDefaulted: BOOLEAN,
    ) -> NTSTATUS;
    /// `RtlQueryRegistryValues`.
    #[must_use]
    pub fn RtlQueryRegistryValues(
        RelativeTo: ULONG,
        Path: PCWSTR,
        QueryTable: PRTL_QUERY_REGISTRY_TABLE,
        Context: PVOID,
        Environment: PVOID,
    ) -> NTSTATUS;
    /// Writes to the kernel debugger, filtered by component and level.
    pub fn DbgPrintEx(ComponentId: ULONG, Level: ULONG, Format: PCSTR, ...) -> ULONG;
    /// Writes to the kernel debugger.
    pub fn DbgPrint(Format: PCSTR, ...) -> ULONG;
    /// `RtlInitAnsiString`.
    pub fn RtlInitAnsiString(DestinationString: PANSI_STRING, SourceString: PCSZ);
    /// `RtlUnicodeStringToAnsiString`.
    #[must_use]
    pub fn RtlUnicodeStringToAnsiString(
        DestinationString: PANSI_STRING,
        SourceString: PCUNICODE_STRING,
        AllocateDestinationString: BOOLEAN,
    ) -> NTSTATUS;
    /// `RtlAppendUnicodeToString`.
    #[must_use]
    pub fn RtlAppendUnicodeToString(Destination: PUNICODE_STRING, Source: PCWSTR) -> NTSTATUS;
    /// `RtlDowncaseUnicodeChar`.
    pub fn RtlDowncaseUnicodeChar(SourceCharacter: WCHAR) -> WCHAR;
    /// `RtlPrefixUnicodeString`.
    pub fn RtlPrefixUnicodeString(
        String1: PCUNICODE_STRING,
        String2: PCUNICODE_STRING,
        CaseInSensitive: BOOLEAN,
    ) -> BOOLEAN;
    /// `RtlUpcaseUnicodeString`.
    #[must_use]
    pub fn RtlUpcaseUnicodeString(
        DestinationString: PUNICODE_STRING,
        SourceString: PCUNICODE_STRING,
        AllocateDestinationString: BOOLEAN,
    ) -> NTSTATUS;
    /// `RtlHashUnicodeString`.
    #[must_use]
    pub fn RtlHashUnicodeString(
        String: PCUNICODE_STRING,
        CaseInSensitive: BOOLEAN,
        HashAlgorithm: ULONG,
        HashValue: PULONG,
    ) -> NTSTATUS;
    /// `RtlTimeToTimeFields`.
    pub fn RtlTimeToTimeFields(Time: PLARGE_INTEGER, TimeFields: PTIME_FIELDS);
    /// `RtlLengthSecurityDescriptor`.
    pub fn RtlLengthSecurityDescriptor(SecurityDescriptor: PSECURITY_DESCRIPTOR) -> ULONG;
    /// `RtlSubAuthoritySid`.
    pub fn RtlSubAuthoritySid(Sid: PSID, SubAuthority: ULONG) -> PULONG;
    /// `RtlSubAuthorityCountSid`.
    pub fn RtlSubAuthorityCountSid(Sid: PSID) -> PUCHAR;
    /// `RtlLengthRequiredSid`.
    pub fn RtlLengthRequiredSid(SubAuthorityCount: ULONG) -> ULONG;
    /// `RtlInitializeSid`.
    #[must_use]
    pub fn RtlInitializeSid(
        Sid: PSID,
        IdentifierAuthority: PSID_IDENTIFIER_AUTHORITY,
        SubAuthorityCount: UCHAR,
    ) -> NTSTATUS;
    /// `RtlEqualSid`.
    pub fn RtlEqualSid(Sid1: PSID, Sid2: PSID) -> BOOLEAN;
    /// `RtlConvertSidToUnicodeString`.
    #[must_use]
    pub fn RtlConvertSidToUnicodeString(
        UnicodeString: PUNICODE_STRING,
        Sid: PSID,
        AllocateDestinationString: BOOLEAN,
    ) -> NTSTATUS;
    /// `RtlCreateAcl`.
    #[must_use]
    pub fn RtlCreateAcl(Acl: PACL, AclLength: ULONG, AclRevision: ULONG) -> NTSTATUS;
    /// `RtlAddAccessAllowedAce`.
    #[must_use]
    pub fn RtlAddAccessAllowedAce(
        Acl: PACL,
        AceRevision: ULONG,
        AccessMask: ACCESS_MASK,
        Sid: PSID,
    ) -> NTSTATUS;
    /// `RtlVerifyVersionInfo`.
    #[must_use]
    pub fn RtlVerifyVersionInfo(
        VersionInfo: PRTL_OSVERSIONINFOEXW,
        TypeMask: ULONG,
        ConditionMask: ULONGLONG,
    ) -> NTSTATUS;
    /// `RtlIsNtDdiVersionAvailable`.
    pub fn RtlIsNtDdiVersionAvailable(Version: ULONG) -> BOOLEAN;
    /// `RtlWriteRegistryValue`.
    #[must_use]
    pub fn RtlWriteRegistryValue(
        RelativeTo: ULONG,
        Path: PCWSTR,
        ValueName: PCWSTR,
        ValueType: ULONG,
        ValueData: PVOID,
        ValueLength: ULONG,
    ) -> NTSTATUS;
    /// `RtlCheckRegistryKey`.
    #[must_use]
    pub fn RtlCheckRegistryKey(RelativeTo: ULONG, Path: PWSTR) -> NTSTATUS;
    /// `RtlCaptureStackBackTrace`.
    pub fn RtlCaptureStackBackTrace(
        FramesToSkip: ULONG,
        FramesToCapture: ULONG,
        BackTrace: *mut PVOID,
        BackTraceHash: PULONG,
    ) -> USHORT;
    /// `RtlAssert`.
    pub fn RtlAssert(
        VoidFailedAssertion: PVOID,
        VoidFileName: PVOID,
        LineNumber: ULONG,
        MutableMessage: PSTR,
    );
    /// `RtlNumberOfSetBitsUlongPtr`.
    pub fn RtlNumberOfSetBitsUlongPtr(Target: ULONG_PTR) -> ULONG;
    /// `RtlGetOwnerSecurityDescriptor`.
    #[must_use]
    pub fn RtlGetOwnerSecurityDescriptor(
        SecurityDescriptor: PSECURITY_DESCRIPTOR,
        Owner: *mut PSID,
        OwnerDefaulted: PBOOLEAN,
    ) -> NTSTATUS;
    /// `DbgPrompt`.
    pub fn DbgPrompt(Prompt: PCCH, Response: PCH, Length: ULONG) -> ULONG;
}
