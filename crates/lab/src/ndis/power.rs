//! Sleep and resume of an adapter: what NDIS tells the drivers of its stack (§12, N-63, G-43).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ddk::ndis::*;

use super::adapter::Adapter;
use super::module::Attributes;
use crate::{clock, verifier};

/// G-43: how long a filter may keep OID_PNP_SET_POWER from the miniport.
const LIMIT: Duration = Duration::from_secs(1);

/// `NdisDeviceStateD0`.
pub(super) const D0: u32 = 1;
/// `NdisDeviceStateD3`.
const D3: u32 = 4;

impl Adapter {
    /// NDIS puts the adapter to sleep. With a driver below NDIS 6.30 in the stack it pauses it first; otherwise the
    /// protocols, which were told by an event, only stop sending.
    pub fn sleep(self: &Arc<Self>, pausing: bool) {
        self.power_event(D3);
        if pausing {
            self.pause();
        } else {
            self.drain_protocol();
        }
        self.power_request(D3);
    }

    /// NDIS wakes the adapter that [`Adapter::sleep`] put to sleep.
    ///
    /// # Errors
    /// The status with which a module failed its restart.
    pub fn wake(self: &Arc<Self>) -> Result<(), NDIS_STATUS> {
        self.power_request(D0);
        if !self.is_running() {
            self.restart(Attributes::default())?;
        }
        self.power_event(D0);
        Ok(())
    }

    /// NetEventSetPower, on its way up.
    fn power_event(&self, state: u32) {
        let mut state = state;
        let status = self.net_event_with(NetEventSetPower, |event| {
            event.Buffer = (&raw mut state).cast();
            event.BufferLength = size_of::<u32>() as u32;
        });
        if status != NDIS_STATUS_SUCCESS {
            verifier::violation("N-63", &format!("NetEventSetPower was answered with {status:#x}"));
        }
    }

    /// OID_PNP_SET_POWER, on its way down.
    fn power_request(&self, state: u32) {
        // The miniport is asleep once it has the request, and awake before it completes it.
        self.power.store(state, Ordering::SeqCst);
        self.set_oid_value(OID_PNP_SET_POWER, Vec::new());
        let before = clock::now();
        let status = self.set(OID_PNP_SET_POWER, &state.to_le_bytes()).status;
        let took = clock::now() - before;
        if status != NDIS_STATUS_SUCCESS {
            verifier::violation("N-63", &format!("a filter failed OID_PNP_SET_POWER with {status:#x}"));
        }
        if self.oid_value(OID_PNP_SET_POWER).as_deref() != Some(&state.to_le_bytes()) {
            verifier::violation("N-63", "a filter did not forward OID_PNP_SET_POWER");
        }
        if took > LIMIT {
            verifier::violation("G-43", &format!("OID_PNP_SET_POWER took {} ms", took.as_millis()));
        }
    }
}
