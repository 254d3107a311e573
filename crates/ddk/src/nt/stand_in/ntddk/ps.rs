//! Processes and threads.
use super::super::*;

imports! {
    dll "ntoskrnl.exe";
    /// Creates a system thread.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn PsCreateSystemThread(
        ThreadHandle: PHANDLE,
        DesiredAccess: ULONG,
        ObjectAttributes: POBJECT_ATTRIBUTES,
        ProcessHandle: HANDLE,
        ClientId: PCLIENT_ID,
        StartRoutine: PKSTART_ROUTINE,
        StartContext: PVOID,
    ) -> NTSTATUS;
    /// Ends the calling system thread.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn PsTerminateSystemThread(ExitStatus: NTSTATUS) -> NTSTATUS;
    /// Id of the current process.
    pub fn PsGetCurrentProcessId() -> HANDLE;
    /// `PsGetCurrentThreadId`.
    pub fn PsGetCurrentThreadId() -> HANDLE;
    /// `PsGetProcessId`.
    pub fn PsGetProcessId(Process: PEPROCESS) -> HANDLE;
    /// References the process with an id.
    ///
    /// IRQL: <= APC_LEVEL.
    #[must_use]
    pub fn PsLookupProcessByProcessId(ProcessId: HANDLE, Process: *mut PEPROCESS) -> NTSTATUS;
    /// `PsSetCreateProcessNotifyRoutineEx`.
    #[must_use]
    pub fn PsSetCreateProcessNotifyRoutineEx(
        NotifyRoutine: PCREATE_PROCESS_NOTIFY_ROUTINE_EX,
        Remove: BOOLEAN,
    ) -> NTSTATUS;
    /// `PsSetCreateProcessNotifyRoutineEx2`.
    #[must_use]
    pub fn PsSetCreateProcessNotifyRoutineEx2(
        NotifyType: PSCREATEPROCESSNOTIFYTYPE,
        NotifyInformation: PVOID,
        Remove: BOOLEAN,
    ) -> NTSTATUS;
    /// `PsGetProcessCreateTimeQuadPart`.
    pub fn PsGetProcessCreateTimeQuadPart(Process: PEPROCESS) -> LONGLONG;
    /// `PsReferencePrimaryToken`.
    pub fn PsReferencePrimaryToken(Process: PEPROCESS) -> PACCESS_TOKEN;
    /// `PsDereferencePrimaryToken`.
    pub fn PsDereferencePrimaryToken(PrimaryToken: PACCESS_TOKEN);
    /// `PsGetThreadId`.
    pub fn PsGetThreadId(Thread: PETHREAD) -> HANDLE;
    /// `PsGetThreadProcessId`.
    pub fn PsGetThreadProcessId(Thread: PETHREAD) -> HANDLE;
    /// `PsIsSystemThread`.
    pub fn PsIsSystemThread(Thread: PETHREAD) -> BOOLEAN;
    /// `PsGetVersion`.
    pub fn PsGetVersion(
        MajorVersion: PULONG,
        MinorVersion: PULONG,
        BuildNumber: PULONG,
        CSDVersion: PUNICODE_STRING,
    ) -> BOOLEAN;
    /// `PsSetCreateProcessNotifyRoutine`.
    #[must_use]
    pub fn PsSetCreateProcessNotifyRoutine(
        NotifyRoutine: PCREATE_PROCESS_NOTIFY_ROUTINE,
        Remove: BOOLEAN,
    ) -> NTSTATUS;
    /// `PsLookupThreadByThreadId`.
    #[must_use]
    pub fn PsLookupThreadByThreadId(ThreadId: HANDLE, Thread: *mut PETHREAD) -> NTSTATUS;
    /// `PsGetProcessExitStatus`.
    #[must_use]
    pub fn PsGetProcessExitStatus(Process: PEPROCESS) -> NTSTATUS;
    /// `PsGetThreadExitStatus`.
    #[must_use]
    pub fn PsGetThreadExitStatus(Thread: PETHREAD) -> NTSTATUS;
}
