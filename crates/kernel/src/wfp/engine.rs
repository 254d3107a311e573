//! Sessions with the filter engine, and the objects added in them.

use ddk::fwp::{
    FWP_ACTION_TYPE, FWP_EMPTY, FWP_VALUE0, FWPM_ACTION0, FWPM_CALLOUT0, FWPM_DISPLAY_DATA0, FWPM_FILTER0,
    FWPM_PROVIDER0, FWPM_SESSION_FLAG_DYNAMIC, FWPM_SESSION0, FWPM_SUBLAYER0, FwpmCalloutAdd0,
    FwpmEngineClose0, FwpmEngineOpen0, FwpmFilterAdd0, FwpmProviderAdd0, FwpmSubLayerAdd0,
    FwpmTransactionAbort0, FwpmTransactionBegin0, FwpmTransactionCommit0, RPC_C_AUTHN_WINNT,
};
use ddk::nt::{GUID, HANDLE};

use crate::irql::Passive;
use crate::status::Status;
use crate::zero::zeroed;

/// Name and description that every object needs, NUL-terminated.
fn display(name: &'static [u16], description: &'static [u16]) -> FWPM_DISPLAY_DATA0 {
    FWPM_DISPLAY_DATA0 { name: name.as_ptr().cast_mut(), description: description.as_ptr().cast_mut() }
}

/// A dynamic session: the objects added in it vanish when it is closed, which happens on drop.
#[derive(Debug)]
pub struct Session {
    engine: HANDLE,
}

// SAFETY: the handle may be used on any thread.
unsafe impl Send for Session {}

impl Session {
    /// Opens a session. Fails when the Base Filtering Engine does not run.
    #[doc(alias = "FwpmEngineOpen0")]
    pub fn open(name: &'static [u16], _at: Passive<'_>) -> Result<Self, Status> {
        let session =
            FWPM_SESSION0 { displayData: display(name, name), flags: FWPM_SESSION_FLAG_DYNAMIC, ..zeroed() };
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

/// A sublayer to add.
#[derive(Clone, Copy)]
pub struct SubLayerObject {
    /// Its key.
    pub key: GUID,
    /// Its name, NUL-terminated.
    pub name: &'static [u16],
    /// Its weight among sublayers.
    pub weight: u16,
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

/// A filter to add: everything at a layer goes to a callout.
#[derive(Clone, Copy)]
pub struct FilterObject {
    /// Its key.
    pub key: GUID,
    /// The callout, which also gives name and layer.
    pub callout: CalloutObject,
    /// The sublayer.
    pub sublayer: GUID,
    /// `FWP_ACTION_CALLOUT_*`.
    pub action: FWP_ACTION_TYPE,
    /// `FWPM_FILTER_FLAG_*`.
    pub flags: u32,
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
    pub fn add_provider(&mut self, key: GUID, name: &'static [u16]) -> Result<(), Status> {
        let provider = FWPM_PROVIDER0 { providerKey: key, displayData: display(name, name), ..zeroed() };
        // SAFETY: a transaction is open; the structure is copied; NULL is the default security descriptor.
        Status(unsafe { FwpmProviderAdd0(self.session.engine, &raw const provider, core::ptr::null_mut()) })
            .ok()
    }

    /// Adds a sublayer of `provider`.
    #[doc(alias = "FwpmSubLayerAdd0")]
    pub fn add_sublayer(&mut self, provider: &GUID, object: &SubLayerObject) -> Result<(), Status> {
        let sublayer = FWPM_SUBLAYER0 {
            subLayerKey: object.key,
            displayData: display(object.name, object.name),
            providerKey: core::ptr::from_ref(provider).cast_mut(),
            weight: object.weight,
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

    /// Adds a filter of `provider` without conditions.
    #[doc(alias = "FwpmFilterAdd0")]
    pub fn add_filter(&mut self, provider: &GUID, object: &FilterObject) -> Result<(), Status> {
        let mut action = FWPM_ACTION0 { r#type: object.action, ..zeroed() };
        action.u.calloutKey = object.callout.key;
        let filter = FWPM_FILTER0 {
            filterKey: object.key,
            displayData: display(object.callout.name, object.callout.name),
            flags: object.flags,
            providerKey: core::ptr::from_ref(provider).cast_mut(),
            layerKey: object.callout.layer,
            subLayerKey: object.sublayer,
            // Empty: the engine gives a weight. The sublayer is ours alone, so any weight will do.
            weight: FWP_VALUE0 { r#type: FWP_EMPTY, ..zeroed() },
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
        // Whatever the outcome, the transaction is over.
        self.open = false;
        let _at = self.at;
        // SAFETY: a transaction is open.
        Status(unsafe { FwpmTransactionCommit0(self.session.engine) }).ok()
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
