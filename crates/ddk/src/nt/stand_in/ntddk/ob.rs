//! Object manager and security reference monitor.
use super::super::*;

imports! {
    dll "ntoskrnl.exe";
    /// NT path of a process image; free it with `ExFreePool`.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn SeLocateProcessImageName(Process: PEPROCESS, pImageFileName: *mut PUNICODE_STRING) -> NTSTATUS;
    /// `SeCaptureSubjectContext`.
    pub fn SeCaptureSubjectContext(SubjectContext: PSECURITY_SUBJECT_CONTEXT);
    /// `SeReleaseSubjectContext`.
    pub fn SeReleaseSubjectContext(SubjectContext: PSECURITY_SUBJECT_CONTEXT);
    /// Reads from a token; free the result with `ExFreePool`.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn SeQueryInformationToken(
        Token: PACCESS_TOKEN,
        TokenInformationClass: TOKEN_INFORMATION_CLASS,
        TokenInformation: *mut PVOID,
    ) -> NTSTATUS;
    /// `SeAccessCheck`.
    pub fn SeAccessCheck(
        SecurityDescriptor: PSECURITY_DESCRIPTOR,
        SubjectSecurityContext: PSECURITY_SUBJECT_CONTEXT,
        SubjectContextLocked: BOOLEAN,
        DesiredAccess: ACCESS_MASK,
        PreviouslyGrantedAccess: ACCESS_MASK,
        Privileges: *mut PPRIVILEGE_SET,
        GenericMapping: PGENERIC_MAPPING,
        AccessMode: KPROCESSOR_MODE,
        GrantedAccess: PACCESS_MASK,
        AccessStatus: PNTSTATUS,
    ) -> BOOLEAN;
    /// `SeSinglePrivilegeCheck`.
    pub fn SeSinglePrivilegeCheck(PrivilegeValue: LUID, PreviousMode: KPROCESSOR_MODE) -> BOOLEAN;
    /// Adds a reference to an object.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn ObfReferenceObject(Object: PVOID) -> LONG_PTR;
    /// Gives back a reference to an object.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn ObfDereferenceObject(Object: PVOID) -> LONG_PTR;
    /// References the object behind a handle.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn ObReferenceObjectByHandle(
        Handle: HANDLE,
        DesiredAccess: ACCESS_MASK,
        ObjectType: POBJECT_TYPE,
        AccessMode: KPROCESSOR_MODE,
        Object: *mut PVOID,
        HandleInformation: POBJECT_HANDLE_INFORMATION,
    ) -> NTSTATUS;
    /// `ObOpenObjectByPointer`.
    #[must_use]
    pub fn ObOpenObjectByPointer(
        Object: PVOID,
        HandleAttributes: ULONG,
        PassedAccessState: PACCESS_STATE,
        DesiredAccess: ACCESS_MASK,
        ObjectType: POBJECT_TYPE,
        AccessMode: KPROCESSOR_MODE,
        Handle: PHANDLE,
    ) -> NTSTATUS;
    /// `ObRegisterCallbacks`.
    #[must_use]
    pub fn ObRegisterCallbacks(
        CallbackRegistration: POB_CALLBACK_REGISTRATION,
        RegistrationHandle: *mut PVOID,
    ) -> NTSTATUS;
    /// `ObReferenceObjectByPointer`.
    #[must_use]
    pub fn ObReferenceObjectByPointer(
        Object: PVOID,
        DesiredAccess: ACCESS_MASK,
        ObjectType: POBJECT_TYPE,
        AccessMode: KPROCESSOR_MODE,
    ) -> NTSTATUS;
    /// `ObfReferenceObjectWithTag`.
    pub fn ObfReferenceObjectWithTag(Object: PVOID, Tag: ULONG) -> LONG_PTR;
    /// `ObfDereferenceObjectWithTag`.
    pub fn ObfDereferenceObjectWithTag(Object: PVOID, Tag: ULONG) -> LONG_PTR;
    /// `ObUnRegisterCallbacks`.
    pub fn ObUnRegisterCallbacks(RegistrationHandle: PVOID);
    /// `ObQueryNameString`.
    #[must_use]
    pub fn ObQueryNameString(
        Object: PVOID,
        ObjectNameInfo: POBJECT_NAME_INFORMATION,
        Length: ULONG,
        ReturnLength: PULONG,
    ) -> NTSTATUS;
    /// `ObDereferenceObjectDeferDelete`.
    pub fn ObDereferenceObjectDeferDelete(Object: PVOID);
    /// `ObGetObjectSecurity`.
    #[must_use]
    pub fn ObGetObjectSecurity(
        Object: PVOID,
        SecurityDescriptor: *mut PSECURITY_DESCRIPTOR,
        MemoryAllocated: PBOOLEAN,
    ) -> NTSTATUS;
    /// `ObReleaseObjectSecurity`.
    pub fn ObReleaseObjectSecurity(SecurityDescriptor: PSECURITY_DESCRIPTOR, MemoryAllocated: BOOLEAN);
    /// `SeCaptureSubjectContextEx`.
    pub fn SeCaptureSubjectContextEx(
        Thread: PETHREAD,
        Process: PEPROCESS,
        SubjectContext: PSECURITY_SUBJECT_CONTEXT,
    );
    /// `SeLockSubjectContext`.
    pub fn SeLockSubjectContext(SubjectContext: PSECURITY_SUBJECT_CONTEXT);
    /// `SeUnlockSubjectContext`.
    pub fn SeUnlockSubjectContext(SubjectContext: PSECURITY_SUBJECT_CONTEXT);
    /// `SeTokenIsAdmin`.
    pub fn SeTokenIsAdmin(Token: PACCESS_TOKEN) -> BOOLEAN;
    /// `ObReferenceObjectByHandleWithTag`.
    #[must_use]
    pub fn ObReferenceObjectByHandleWithTag(Handle: HANDLE, DesiredAccess: ACCESS_MASK, ObjectType: POBJECT_TYPE, AccessMode: KPROCESSOR_MODE, Tag: ULONG, Object: *mut PVOID, HandleInformation: POBJECT_HANDLE_INFORMATION) -> NTSTATUS;
    /// `ObCloseHandle`.
    #[must_use]
    pub fn ObCloseHandle(Handle: HANDLE, PreviousMode: KPROCESSOR_MODE) -> NTSTATUS;
}
