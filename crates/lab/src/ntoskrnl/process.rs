//! Processes: who exists, what a driver may ask about them, and who is told when they start and end.

use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ddk::nt;

use super::object::{self, Kind, Object};
use super::{dispatcher, live};
use crate::cpu::{APC, DISPATCH, HIGH, PASSIVE};
use crate::pool::{self, Fill};
use crate::verifier::{self, violation};
use crate::{clock, driver_object};

/// ProcessObject: the kind of a process's dispatcher object.
const PROCESS: u8 = 3;
const NAME_TAG: u32 = u32::from_le_bytes(*b"SeLo");
const TOKEN_TAG: u32 = u32::from_le_bytes(*b"SeTk");
/// The process number of the machine's user mode.
pub const USER_PROCESS: u32 = 4711;
/// STATUS_PROCEDURE_NOT_FOUND.
const PROCEDURE_NOT_FOUND: i32 = 0xc000_007a_u32 as i32;
/// S-1-5-18.
const LOCAL_SYSTEM: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
/// S-1-5-21-1-2-3-1001: the user of user mode.
const USER: [u8; 28] =
    [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xe9, 3, 0, 0];

/// What a test says about a process that it starts.
#[derive(Clone, Debug)]
pub struct Start {
    /// Process number.
    pub id: u32,
    /// Number of the process that starts it.
    pub parent: u32,
    /// Its image: `\Device\HarddiskVolume1\...`.
    pub image: String,
    /// Whether its user is an administrator.
    pub admin: bool,
}

#[derive(Debug)]
struct Body {
    start: Start,
    created: u64,
    status: AtomicI32,
    token: Arc<Object>,
}

/// What a token says.
#[derive(Debug)]
struct Token {
    sid: Vec<u8>,
    admin: bool,
    /// How many subject contexts hold it.
    locked: AtomicU32,
}

fn body(object: &Object) -> &Body {
    object.body.downcast_ref().expect("a process object has a process's body")
}

fn token(object: &Object) -> &Token {
    object.body.downcast_ref().expect("a token object has a token's body")
}

static PROCESSES: OnceLock<Mutex<Vec<Arc<Object>>>> = OnceLock::new();

fn new_process(start: Start) -> Arc<Object> {
    let system = start.id == 4;
    let sid = if system { LOCAL_SYSTEM.to_vec() } else { USER.to_vec() };
    let token = Token { sid, admin: start.admin || system, locked: AtomicU32::new(0) };
    // A token is no dispatcher object; the kind says so.
    let token = object::create(Kind::Token, 0x7f, 0, token);
    let status = AtomicI32::new(nt::STATUS_PENDING);
    object::create(Kind::Process, PROCESS, 0, Body { start, created: clock::system_time(), status, token })
}

fn processes() -> std::sync::MutexGuard<'static, Vec<Arc<Object>>> {
    let all = PROCESSES.get_or_init(|| {
        let system = Start { id: 4, parent: 0, image: String::new(), admin: true };
        let image = r"\Device\HarddiskVolume1\Windows\System32\lab.exe".into();
        let user = Start { id: USER_PROCESS, parent: 4, image, admin: true };
        Mutex::new(vec![new_process(system), new_process(user)])
    });
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The process in whose context drivers run: System.
pub(crate) fn system() -> Arc<Object> {
    processes()[0].clone()
}

fn find(id: usize) -> Option<Arc<Object>> {
    processes().iter().find(|process| body(process).start.id as usize == id).cloned()
}

/// Routines to tell about processes.
#[derive(Clone, Copy, Debug)]
enum Notify {
    Plain(nt::PCREATE_PROCESS_NOTIFY_ROUTINE),
    Extended(nt::PCREATE_PROCESS_NOTIFY_ROUTINE_EX),
}

impl Notify {
    fn address(self) -> usize {
        match self {
            Self::Plain(routine) => routine.map_or(0, |routine| routine as usize),
            Self::Extended(routine) => routine.map_or(0, |routine| routine as usize),
        }
    }
}

static NOTIFY: Mutex<Vec<Notify>> = Mutex::new(Vec::new());

fn notify() -> std::sync::MutexGuard<'static, Vec<Notify>> {
    NOTIFY.lock().unwrap_or_else(PoisonError::into_inner)
}

fn register(new: Notify, remove: bool) -> i32 {
    let address = new.address();
    if address == 0 {
        violation("L-2", "a process notify routine that is null");
    }
    let mut all = notify();
    let known = all.iter().position(|known| known.address() == address);
    match (known, remove) {
        (Some(place), true) => {
            all.remove(place);
            live::leave(address);
            nt::STATUS_SUCCESS
        }
        (None, true) => PROCEDURE_NOT_FOUND,
        (Some(_), false) => nt::STATUS_INVALID_PARAMETER,
        (None, false) => {
            all.push(new);
            live::enter(address, 0, "process notify routine", "G-40", address);
            nt::STATUS_SUCCESS
        }
    }
}

/// Starts a process and tells the drivers.
///
/// # Errors
/// The status with which a driver forbids it.
pub fn start(start: Start) -> Result<(), i32> {
    crate::cpu::init();
    let (id, parent, image) = (start.id, start.parent, driver_object::leak_string(&start.image));
    let process = new_process(start);
    processes().push(process.clone());
    // SAFETY: all fields accept zeroes.
    let mut information: nt::PS_CREATE_NOTIFY_INFO = unsafe { std::mem::zeroed() };
    information.Size = size_of::<nt::PS_CREATE_NOTIFY_INFO>() as u64;
    information.ParentProcessId = parent as usize as nt::HANDLE;
    information.CreatingThreadId.UniqueProcess = parent as usize as nt::HANDLE;
    information.ImageFileName = &raw const image;
    information.CommandLine = &raw const image;
    tell(&process, id, parent, Some(&mut information));
    let status = information.CreationStatus;
    if status < 0 {
        exit(id, status);
        return Err(status);
    }
    Ok(())
}

/// Makes sure that a process with this number runs, as if it had been there before the drivers came.
pub(crate) fn ensure(id: u64, image: &str) {
    crate::cpu::init();
    let Ok(number) = u32::try_from(id) else { return };
    if number != 0 && find(number as usize).is_none() {
        let process = Start { id: number, parent: 4, image: image.to_owned(), admin: false };
        processes().push(new_process(process));
    }
}

/// Ends a process and tells the drivers.
pub fn exit(id: u32, status: i32) {
    let Some(process) = find(id as usize) else { return };
    let parent = body(&process).start.parent;
    tell(&process, id, parent, None);
    body(&process).status.store(status, Ordering::Relaxed);
    dispatcher::signal(process.address as *mut u8, 1);
    processes().retain(|other| other.address != process.address);
}

fn tell(process: &Object, id: u32, parent: u32, mut information: Option<&mut nt::PS_CREATE_NOTIFY_INFO>) {
    let all = notify().clone();
    let (id, parent) = (id as usize as nt::HANDLE, parent as usize as nt::HANDLE);
    for routine in all {
        match routine {
            Notify::Plain(Some(routine)) => {
                let create = u8::from(information.is_some());
                // SAFETY: the driver's routine.
                verifier::callback("process notify routine", || unsafe { routine(parent, id, create) });
            }
            Notify::Extended(Some(routine)) => {
                let information = information.as_deref_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
                // SAFETY: the driver's routine, with information that lives through the call.
                verifier::callback("process notify routine", || unsafe {
                    routine(process.address as nt::PEPROCESS, id, information);
                });
            }
            _ => {}
        }
    }
}

const SUBJECT: &str = "a subject context that was not captured";

fn subject_token(context: nt::PSECURITY_SUBJECT_CONTEXT) -> Arc<Object> {
    // SAFETY: a driver passes a captured context; a bad pointer faults and is reported.
    let token = unsafe { (*context).PrimaryToken };
    match object::at(token as usize).filter(|object| object.kind == Kind::Token) {
        Some(token) => token,
        None => violation("L-2", SUBJECT),
    }
}

fn capture(process: &Object, context: nt::PSECURITY_SUBJECT_CONTEXT) {
    let primary = &body(process).token;
    token(primary).locked.fetch_add(1, Ordering::Relaxed);
    object::reference(primary.address);
    // SAFETY: the driver passes room for a context, whose fields accept zeroes.
    unsafe {
        context.write(std::mem::zeroed());
        (*context).PrimaryToken = primary.address as nt::PACCESS_TOKEN;
        (*context).ProcessAuditId = body(process).start.id as usize as nt::PVOID;
    }
}

/// The bytes that a class of token information has; a pointer inside is relative to `base`.
fn information(token: &Token, class: i32, base: usize) -> Option<Vec<u8>> {
    use nt::_TOKEN_INFORMATION_CLASS as class_of;
    let flag = |value: bool| u32::from(value).to_le_bytes().to_vec();
    Some(match class {
        class_of::TokenUser => {
            let mut bytes = ((base + 16) as u64).to_le_bytes().to_vec();
            bytes.extend([0; 8]);
            bytes.extend(&token.sid);
            bytes
        }
        class_of::TokenType => flag(true),
        class_of::TokenElevation => flag(token.admin),
        class_of::TokenSessionId => flag(!token.admin),
        class_of::TokenIsAppContainer | class_of::TokenHasRestrictions => flag(false),
        class_of::TokenIntegrityLevel => {
            // S-1-16-12288 (high) or S-1-16-8192 (medium), enabled.
            let level: u32 = if token.admin { 0x3000 } else { 0x2000 };
            let mut bytes = ((base + 16) as u64).to_le_bytes().to_vec();
            bytes.extend([0x60, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 16]);
            bytes.extend(level.to_le_bytes());
            bytes
        }
        _ => return None,
    })
}

/// Writes token information into the driver's buffer.
///
/// # Safety
/// `buffer` has `length` bytes and `needed` room for a number.
pub(crate) unsafe fn query_token(
    object: &Object,
    class: i32,
    buffer: nt::PVOID,
    length: u32,
    needed: nt::PULONG,
) -> i32 {
    let Some(bytes) = information(token(object), class, buffer as usize) else {
        return nt::STATUS_INVALID_INFO_CLASS;
    };
    // SAFETY: the caller's promise.
    unsafe {
        needed.write(bytes.len() as u32);
        if (length as usize) < bytes.len() {
            return nt::STATUS_BUFFER_TOO_SMALL;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast(), bytes.len());
    }
    nt::STATUS_SUCCESS
}

/// A handle to the token of a process.
pub(crate) fn open_token(process: &Object) -> nt::HANDLE {
    object::open(body(process).token.clone())
}

/// The object of the process with this number.
pub(crate) fn by_id(id: usize) -> Option<Arc<Object>> {
    find(id)
}

crate::exports! {
    /// Process and token functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// The number of a process.
    irql(0..=HIGH) fn PsGetProcessId(process: nt::PEPROCESS) -> nt::HANDLE {
        body(&object::expect(process, Kind::Process)).start.id as usize as nt::HANDLE
    }

    /// The current process.
    irql(0..=DISPATCH) fn IoGetCurrentProcess() -> nt::PEPROCESS {
        system().address as nt::PEPROCESS
    }

    /// The process with a number, referenced.
    irql(PASSIVE..=APC) fn PsLookupProcessByProcessId(id: nt::HANDLE, out: *mut nt::PEPROCESS) -> i32 {
        let Some(process) = find(id as usize) else { return nt::STATUS_INVALID_CID };
        object::reference(process.address);
        // SAFETY: the driver passes room for the pointer.
        unsafe { out.write(process.address as nt::PEPROCESS) };
        nt::STATUS_SUCCESS
    }

    /// When a process started.
    irql(0..=HIGH) fn PsGetProcessCreateTimeQuadPart(process: nt::PEPROCESS) -> i64 {
        body(&object::expect(process, Kind::Process)).created as i64
    }

    /// The status with which a process ended.
    irql(PASSIVE..=PASSIVE) fn PsGetProcessExitStatus(process: nt::PEPROCESS) -> i32 {
        body(&object::expect(process, Kind::Process)).status.load(Ordering::Relaxed)
    }

    /// Registers or removes a routine for processes.
    irql(PASSIVE..=PASSIVE) fn PsSetCreateProcessNotifyRoutine(
        routine: nt::PCREATE_PROCESS_NOTIFY_ROUTINE, remove: u8
    ) -> i32 {
        register(Notify::Plain(routine), remove != 0)
    }

    /// Registers or removes a routine that may forbid processes.
    irql(PASSIVE..=PASSIVE) fn PsSetCreateProcessNotifyRoutineEx(
        routine: nt::PCREATE_PROCESS_NOTIFY_ROUTINE_EX, remove: u8
    ) -> i32 {
        register(Notify::Extended(routine), remove != 0)
    }

    /// Registers or removes a routine that may forbid processes, also those of subsystems.
    irql(PASSIVE..=PASSIVE) fn PsSetCreateProcessNotifyRoutineEx2(
        kind: nt::PSCREATEPROCESSNOTIFYTYPE, routine: nt::PVOID, remove: u8
    ) -> i32 {
        if kind != 0 {
            return nt::STATUS_INVALID_PARAMETER;
        }
        // SAFETY: of this kind, the pointer is a routine of this type.
        let routine = unsafe { std::mem::transmute::<nt::PVOID, nt::PCREATE_PROCESS_NOTIFY_ROUTINE_EX>(routine) };
        register(Notify::Extended(routine), remove != 0)
    }

    /// The name of a process's image, in memory that the driver frees.
    irql(PASSIVE..=PASSIVE) fn SeLocateProcessImageName(
        process: nt::PEPROCESS, out: *mut nt::PUNICODE_STRING
    ) -> i32 {
        let process = object::expect(process, Kind::Process);
        let units: Vec<u16> = body(&process).start.image.encode_utf16().collect();
        let size = size_of::<nt::UNICODE_STRING>();
        let block = pool::allocate(pool::Kind::Paged, size + units.len() * 2 + 2, NAME_TAG, Fill::Zero);
        if block.is_null() {
            return nt::STATUS_INSUFFICIENT_RESOURCES;
        }
        let length = (units.len() * 2) as u16;
        // SAFETY: the block has room for the string and its characters, and the driver for the pointer.
        unsafe {
            let buffer = block.add(size).cast::<u16>();
            std::ptr::copy_nonoverlapping(units.as_ptr(), buffer, units.len());
            let string = block.cast::<nt::UNICODE_STRING>();
            string.write(nt::UNICODE_STRING { Length: length, MaximumLength: length + 2, Buffer: buffer });
            out.write(string);
        }
        nt::STATUS_SUCCESS
    }

    /// The token of a process, referenced.
    irql(PASSIVE..=PASSIVE) fn PsReferencePrimaryToken(process: nt::PEPROCESS) -> nt::PACCESS_TOKEN {
        let process = object::expect(process, Kind::Process);
        let token = &body(&process).token;
        object::reference(token.address);
        token.address as nt::PACCESS_TOKEN
    }

    /// Takes a reference to a token away.
    irql(PASSIVE..=PASSIVE) fn PsDereferencePrimaryToken(token: nt::PACCESS_TOKEN) {
        object::dereference(token as usize);
    }

    /// Information about a token: in memory that the driver frees, or a number in the pointer itself.
    irql(PASSIVE..=PASSIVE) fn SeQueryInformationToken(
        token: nt::PACCESS_TOKEN, class: nt::TOKEN_INFORMATION_CLASS, out: *mut nt::PVOID
    ) -> i32 {
        use nt::_TOKEN_INFORMATION_CLASS as class_of;
        let token = object::expect(token, Kind::Token);
        let Some(bytes) = information(self::token(&token), class, 0) else {
            return nt::STATUS_INVALID_INFO_CLASS;
        };
        if matches!(class, class_of::TokenSessionId | class_of::TokenIntegrityLevel) {
            let number = bytes.last_chunk().map_or(0, |last| u32::from_le_bytes(*last));
            // SAFETY: the driver passes room for a number of this class.
            unsafe { out.cast::<u32>().write(number) };
            return nt::STATUS_SUCCESS;
        }
        let block = pool::allocate(pool::Kind::Paged, bytes.len(), TOKEN_TAG, Fill::Zero);
        if block.is_null() {
            return nt::STATUS_INSUFFICIENT_RESOURCES;
        }
        let bytes = information(self::token(&token), class, block as usize).unwrap_or(bytes);
        // SAFETY: the block has room for the bytes, and the driver for the pointer.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), block, bytes.len());
            out.write(block.cast());
        }
        nt::STATUS_SUCCESS
    }

    /// Whether a token's user is an administrator.
    irql(PASSIVE..=PASSIVE) fn SeTokenIsAdmin(token: nt::PACCESS_TOKEN) -> u8 {
        u8::from(self::token(&object::expect(token, Kind::Token)).admin)
    }

    /// Captures who the current thread acts for.
    irql(PASSIVE..=PASSIVE) fn SeCaptureSubjectContext(context: nt::PSECURITY_SUBJECT_CONTEXT) {
        capture(&system(), context);
    }

    /// Captures who a thread of a process acts for.
    irql(PASSIVE..=PASSIVE) fn SeCaptureSubjectContextEx(
        _thread: nt::PETHREAD, process: nt::PEPROCESS, context: nt::PSECURITY_SUBJECT_CONTEXT
    ) {
        capture(&object::expect(process, Kind::Process), context);
    }

    /// Locks the tokens of a captured context.
    irql(PASSIVE..=PASSIVE) fn SeLockSubjectContext(context: nt::PSECURITY_SUBJECT_CONTEXT) {
        token(&subject_token(context)).locked.fetch_add(1, Ordering::Relaxed);
    }

    /// Unlocks the tokens of a captured context.
    irql(PASSIVE..=PASSIVE) fn SeUnlockSubjectContext(context: nt::PSECURITY_SUBJECT_CONTEXT) {
        if token(&subject_token(context)).locked.fetch_sub(1, Ordering::Relaxed) < 2 {
            violation("L-2", "SeUnlockSubjectContext for a context that is not locked");
        }
    }

    /// Releases a captured context.
    irql(PASSIVE..=PASSIVE) fn SeReleaseSubjectContext(context: nt::PSECURITY_SUBJECT_CONTEXT) {
        let primary = subject_token(context);
        token(&primary).locked.fetch_sub(1, Ordering::Relaxed);
        object::dereference(primary.address);
        // SAFETY: the driver passes its context, whose fields accept zeroes.
        unsafe { context.write(std::mem::zeroed()) };
    }

    /// Whether the current thread has a privilege: a caller in the kernel has all of them.
    irql(PASSIVE..=PASSIVE) fn SeSinglePrivilegeCheck(_privilege: nt::LUID, mode: nt::KPROCESSOR_MODE) -> u8 {
        u8::from(mode == 0 || token(&body(&system()).token).admin)
    }

    /// The version of the system.
    irql(PASSIVE..=PASSIVE) fn PsGetVersion(
        major: nt::PULONG, minor: nt::PULONG, build: nt::PULONG, service_pack: nt::PUNICODE_STRING
    ) -> u8 {
        let (a, b, c) = super::version::VERSION;
        for (place, value) in [(major, a), (minor, b), (build, c)] {
            if !place.is_null() {
                // SAFETY: the driver passes null or room for a number.
                unsafe { place.write(value) };
            }
        }
        if !service_pack.is_null() {
            // SAFETY: the driver passes null or a string.
            unsafe { (*service_pack).Length = 0 };
        }
        0
    }
}
