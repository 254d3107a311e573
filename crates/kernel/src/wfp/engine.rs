//! Sessions with the filter engine, and the objects added in them.

use ddk::fwp::{
    FWP_ACTION_BLOCK, FWP_ACTION_TYPE, FWP_CONDITION_VALUE0, FWP_CONDITION_VALUE0_u, FWP_MATCH_FLAGS_ALL_SET,
    FWP_MATCH_FLAGS_NONE_SET, FWP_UINT8, FWP_UINT32, FWP_VALUE0, FWP_VALUE0_u, FWPM_ACTION0, FWPM_CALLOUT0,
    FWPM_CONDITION_FLAGS, FWPM_DISPLAY_DATA0, FWPM_FILTER_CONDITION0, FWPM_FILTER0,
    FWPM_PROVIDER_FLAG_PERSISTENT, FWPM_PROVIDER0, FWPM_SESSION_FLAG_DYNAMIC, FWPM_SESSION0,
    FWPM_SUBLAYER_FLAG_PERSISTENT, FWPM_SUBLAYER0, FwpmCalloutAdd0, FwpmCalloutDeleteByKey0,
    FwpmEngineClose0, FwpmEngineOpen0, FwpmFilterAdd0, FwpmFilterDeleteByKey0, FwpmProviderAdd0,
    FwpmProviderDeleteByKey0, FwpmSubLayerAdd0, FwpmSubLayerDeleteByKey0, FwpmTransactionAbort0,
    FwpmTransactionBegin0, FwpmTransactionCommit0, RPC_C_AUTHN_WINNT,
};
use ddk::nt::{GUID, HANDLE};

use crate::irql::Passive;
use crate::status::Status;
use crate::zero::zeroed;

/// Name and description that every object needs, NUL-terminated.
fn display(name: &'static [u16], description: &'static [u16]) -> FWPM_DISPLAY_DATA0 {
    FWPM_DISPLAY_DATA0 { name: name.as_ptr().cast_mut(), description: description.as_ptr().cast_mut() }
}

/// A session, closed on drop. The objects added in a dynamic one vanish with it.
#[derive(Debug)]
pub struct Session {
    engine: HANDLE,
}

/// How long objects live that are added in a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lifetime {
    /// As long as the session.
    Dynamic,
    /// Until they are deleted, or as long as the service runs unless their flags say more.
    Lasting,
}

// SAFETY: the handle may be used on any thread.
unsafe impl Send for Session {}

impl Session {
    /// Opens a session. Fails when the Base Filtering Engine does not run.
    #[doc(alias = "FwpmEngineOpen0")]
    pub fn open(name: &'static [u16], lifetime: Lifetime, _at: Passive<'_>) -> Result<Self, Status> {
        let flags = if lifetime == Lifetime::Dynamic { FWPM_SESSION_FLAG_DYNAMIC } else { 0 };
        let session = FWPM_SESSION0 { displayData: display(name, name), flags, ..zeroed() };
        let mut engine = core::ptr::null_mut();
        // SAFETY: server and identity must be NULL in kernel mode; the session structure is copied.
        let status = unsafe {
            FwpmEngineOpen0(
                core::ptr::null(),
                RPC_C_AUTHN_WINNT,
                core::ptr::null_mut(),
                &raw const session,
                &raw mut engine,
            )
        };
        Status(status).ok()?;
        Ok(Self { engine })
    }

    /// Begins a transaction.
    #[doc(alias = "FwpmTransactionBegin0")]
    pub fn begin<'a>(&'a mut self, at: Passive<'a>) -> Result<Transaction<'a>, Status> {
        // SAFETY: the session is open.
        Status(unsafe { FwpmTransactionBegin0(self.engine, 0) }).ok()?;
        Ok(Transaction { session: self, open: true, at })
    }
}

impl Drop for Session {
    /// IRQL: PASSIVE_LEVEL.
    #[doc(alias = "FwpmEngineClose0")]
    fn drop(&mut self) {
        // SAFETY: the session was opened once and is used only here. A failure means that the engine is gone already.
        let _gone = unsafe { FwpmEngineClose0(self.engine) };
    }
}

/// Whether an error says that the service went away and took the session with it.
#[must_use]
pub fn is_gone(error: Status) -> bool {
    matches!(error, Status::FWP_TXN_ABORTED | Status::FWP_SESSION_ABORTED)
}

/// Whether an error of the filter engine may be gone at another try: somebody else writes, or the service went away.
#[must_use]
pub fn is_transient(error: Status) -> bool {
    is_gone(error) || matches!(error, Status::FWP_TXN_IN_PROGRESS | Status::FWP_TIMEOUT)
}

/// Success also when what is to be added is there already, or what is to be deleted is not.
///
/// # Errors
/// Every other error of `result`.
pub fn settled(result: Result<(), Status>) -> Result<(), Status> {
    match result {
        Err(
            Status::FWP_ALREADY_EXISTS
            | Status::FWP_FILTER_NOT_FOUND
            | Status::FWP_SUBLAYER_NOT_FOUND
            | Status::FWP_PROVIDER_NOT_FOUND,
        ) => Ok(()),
        other => other,
    }
}

/// A provider to add.
#[derive(Clone, Copy)]
pub struct ProviderObject {
    /// Its key.
    pub key: GUID,
    /// Its name, NUL-terminated.
    pub name: &'static [u16],
    /// The Windows service that hosts a persistent provider, NUL-terminated: the engine restores the provider's objects
    /// only while that service starts by itself. `None` for a provider that is not persistent.
    pub service: Option<&'static [u16]>,
}

/// A sublayer to add.
#[derive(Clone, Copy)]
pub struct SubLayerObject {
    /// Its key.
    pub key: GUID,
    /// Its name, NUL-terminated.
    pub name: &'static [u16],
    /// Its weight among sublayers.
    pub weight: u16,
    /// Whether it stays until it is deleted.
    pub persistent: bool,
}

/// A callout object to add.
#[derive(Clone, Copy)]
pub struct CalloutObject {
    /// Key, the same as the registered callout's.
    pub key: GUID,
    /// Its name, NUL-terminated.
    pub name: &'static [u16],
    /// Layer that it applies to.
    pub layer: GUID,
}

/// What a filter does.
#[derive(Clone, Copy)]
pub enum FilterAction {
    /// Asks the callout with this key, as `FWP_ACTION_CALLOUT_*` says.
    Callout(FWP_ACTION_TYPE, GUID),
    /// Blocks.
    Block,
}

/// A filter to add.
#[derive(Clone, Copy)]
pub struct FilterObject {
    /// Its key.
    pub key: GUID,
    /// Its name, NUL-terminated.
    pub name: &'static [u16],
    /// Its layer.
    pub layer: GUID,
    /// Its sublayer.
    pub sublayer: GUID,
    /// Weight class in the sublayer, 0 to 15: the highest decides.
    pub weight: u8,
    /// What it does.
    pub action: FilterAction,
    /// `FWPM_FILTER_FLAG_*`.
    pub flags: u32,
    /// It matches only where none of these `FWP_CONDITION_FLAG_*` is set; 0: everywhere.
    pub unless: u32,
    /// It matches only where all of these are set; 0: everywhere. Not together with `unless`.
    pub only: u32,
}

/// A transaction: aborted on drop unless it was committed.
#[derive(Debug)]
#[must_use]
pub struct Transaction<'a> {
    session: &'a mut Session,
    open: bool,
    at: Passive<'a>,
}

impl Transaction<'_> {
    /// Adds a provider.
    #[doc(alias = "FwpmProviderAdd0")]
    pub fn add_provider(&mut self, object: &ProviderObject) -> Result<(), Status> {
        let provider = FWPM_PROVIDER0 {
            providerKey: object.key,
            displayData: display(object.name, object.name),
            flags: if object.service.is_some() { FWPM_PROVIDER_FLAG_PERSISTENT } else { 0 },
            serviceName: object.service.map_or(core::ptr::null_mut(), |name| name.as_ptr().cast_mut()),
            ..zeroed()
        };
        // SAFETY: a transaction is open; the structure is copied; NULL is the default security descriptor.
        Status(unsafe { FwpmProviderAdd0(self.session.engine, &raw const provider, core::ptr::null_mut()) })
            .ok()
    }

    /// Deletes a provider that no object refers to.
    #[doc(alias = "FwpmProviderDeleteByKey0")]
    pub fn delete_provider(&mut self, key: &GUID) -> Result<(), Status> {
        // SAFETY: a transaction is open; the key is read.
        Status(unsafe { FwpmProviderDeleteByKey0(self.session.engine, key) }).ok()
    }

    /// Deletes a sublayer that no filter refers to.
    #[doc(alias = "FwpmSubLayerDeleteByKey0")]
    pub fn delete_sublayer(&mut self, key: &GUID) -> Result<(), Status> {
        // SAFETY: a transaction is open; the key is read.
        Status(unsafe { FwpmSubLayerDeleteByKey0(self.session.engine, key) }).ok()
    }

    /// Deletes a filter.
    #[doc(alias = "FwpmFilterDeleteByKey0")]
    pub fn delete_filter(&mut self, key: &GUID) -> Result<(), Status> {
        // SAFETY: a transaction is open; the key is read.
        Status(unsafe { FwpmFilterDeleteByKey0(self.session.engine, key) }).ok()
    }

    /// Deletes a callout object that no filter refers to.
    #[doc(alias = "FwpmCalloutDeleteByKey0")]
    pub fn delete_callout(&mut self, key: &GUID) -> Result<(), Status> {
        // SAFETY: a transaction is open; the key is read.
        Status(unsafe { FwpmCalloutDeleteByKey0(self.session.engine, key) }).ok()
    }

    /// Adds a sublayer of `provider`.
    #[doc(alias = "FwpmSubLayerAdd0")]
    pub fn add_sublayer(&mut self, provider: &GUID, object: &SubLayerObject) -> Result<(), Status> {
        let sublayer = FWPM_SUBLAYER0 {
            subLayerKey: object.key,
            displayData: display(object.name, object.name),
            providerKey: core::ptr::from_ref(provider).cast_mut(),
            weight: object.weight,
            flags: if object.persistent { FWPM_SUBLAYER_FLAG_PERSISTENT } else { 0 },
            ..zeroed()
        };
        // SAFETY: a transaction is open; the structure is copied; NULL is the default security descriptor.
        Status(unsafe { FwpmSubLayerAdd0(self.session.engine, &raw const sublayer, core::ptr::null_mut()) })
            .ok()
    }

    /// Adds a callout object of `provider`.
    #[doc(alias = "FwpmCalloutAdd0")]
    pub fn add_callout(&mut self, provider: &GUID, object: &CalloutObject) -> Result<(), Status> {
        let callout = FWPM_CALLOUT0 {
            calloutKey: object.key,
            displayData: display(object.name, object.name),
            providerKey: core::ptr::from_ref(provider).cast_mut(),
            applicableLayer: object.layer,
            ..zeroed()
        };
        // SAFETY: a transaction is open; the structure is copied; NULL is the default security descriptor, and the
        // run-time id is not wanted.
        Status(unsafe {
            FwpmCalloutAdd0(
                self.session.engine,
                &raw const callout,
                core::ptr::null_mut(),
                core::ptr::null_mut(),
            )
        })
        .ok()
    }

    /// Adds a filter of `provider`.
    #[doc(alias = "FwpmFilterAdd0")]
    pub fn add_filter(&mut self, provider: &GUID, object: &FilterObject) -> Result<(), Status> {
        let mut action: FWPM_ACTION0 = zeroed();
        match object.action {
            FilterAction::Callout(kind, callout) => {
                action.r#type = kind;
                action.u.calloutKey = callout;
            }
            FilterAction::Block => action.r#type = FWP_ACTION_BLOCK,
        }
        let (kind, flags) = match object.only {
            0 => (FWP_MATCH_FLAGS_NONE_SET, object.unless),
            only => (FWP_MATCH_FLAGS_ALL_SET, only),
        };
        let mut condition = FWPM_FILTER_CONDITION0 {
            fieldKey: FWPM_CONDITION_FLAGS,
            matchType: kind,
            conditionValue: FWP_CONDITION_VALUE0 {
                r#type: FWP_UINT32,
                u: FWP_CONDITION_VALUE0_u { uint32: flags },
            },
        };
        let filter = FWPM_FILTER0 {
            filterKey: object.key,
            displayData: display(object.name, object.name),
            flags: object.flags,
            providerKey: core::ptr::from_ref(provider).cast_mut(),
            layerKey: object.layer,
            subLayerKey: object.sublayer,
            // The engine orders filters of one class; none of ours depends on that.
            weight: FWP_VALUE0 { r#type: FWP_UINT8, u: FWP_VALUE0_u { uint8: object.weight } },
            numFilterConditions: u32::from(flags != 0),
            filterCondition: &raw mut condition,
            action,
            ..zeroed()
        };
        // SAFETY: a transaction is open; the structure is copied; NULL is the default security descriptor, and the
        // run-time id is not wanted.
        Status(unsafe {
            FwpmFilterAdd0(
                self.session.engine,
                &raw const filter,
                core::ptr::null_mut(),
                core::ptr::null_mut(),
            )
        })
        .ok()
    }

    /// Makes everything added take effect at once.
    #[doc(alias = "FwpmTransactionCommit0")]
    pub fn commit(mut self) -> Result<(), Status> {
        let _at = self.at;
        // SAFETY: a transaction is open.
        let committed = Status(unsafe { FwpmTransactionCommit0(self.session.engine) }).ok();
        // What could not be committed may still be open: it is aborted on drop.
        self.open = committed.is_err();
        committed
    }
}

impl Drop for Transaction<'_> {
    #[doc(alias = "FwpmTransactionAbort0")]
    fn drop(&mut self) {
        if self.open {
            // SAFETY: the transaction is open. A failure means that the engine has aborted it already.
            let _aborted = unsafe { FwpmTransactionAbort0(self.session.engine) };
        }
    }
}
