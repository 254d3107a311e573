//! Running and paused.

use core::sync::atomic::Ordering;

use kernel::irql::Passive;
use kernel::status::Status;
use weir_ioctl::AdapterState;

use super::Module;

impl Module {
    /// Paused to running. NDIS serialises this with every other state change of the module.
    #[doc(alias = "FilterRestart")]
    pub(super) fn to_running(&self, at: Passive<'_>) {
        // Only for the eyes of user mode: the gate is what decides.
        self.state.store(AdapterState::RUNNING.0, Ordering::Relaxed);
        self.own.open(at);
        self.held.open();
        self.gate.reopen(at);
    }

    /// Running to paused: waits until no processor is inside the data path any more, and until the module's own NBLs are
    /// home. NBLs that it forwarded are drained by their owners.
    #[doc(alias = "FilterPause")]
    pub(super) fn to_paused(&self, at: Passive<'_>) {
        self.state.store(AdapterState::PAUSING.0, Ordering::Relaxed);
        self.leave_topology();
        self.gate.close(at);
        self.refuse_held(Status::PAUSED);
        self.own.close(at);
        self.state.store(AdapterState::PAUSED.0, Ordering::Relaxed);
    }

    /// The state, for user mode.
    pub(super) fn state(&self) -> AdapterState {
        match AdapterState(self.state.load(Ordering::Relaxed)) {
            AdapterState::RUNNING if self.installed.is_none() => AdapterState::IDLE,
            state => state,
        }
    }
}
