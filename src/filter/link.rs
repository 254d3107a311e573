//! What may change about an adapter while the filter is on it: its address, the size of its packets, its link, its power.
//!
//! Known from the attach parameters at first, then from the attributes of each restart, from status indications on their way
//! up, and from answers to requests that pass by. Nothing is asked for: a request of the driver's own would have to
//! outlive a module.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use ddk::ndis::{
    NDIS_LINK_STATE, NDIS_STATUS_CURRENT_MAC_ADDRESS_CHANGE, NDIS_STATUS_INDICATION,
    NDIS_STATUS_L2_MTU_SIZE_CHANGE, NDIS_STATUS_LINK_STATE, NDIS_STATUS_MEDIA_CONNECT,
    NDIS_STATUS_MEDIA_DISCONNECT, OID_802_3_CURRENT_ADDRESS, OID_GEN_MAXIMUM_FRAME_SIZE, OID_PNP_SET_POWER,
};
use kernel::ndis::{AttachParameters, RestartParameters, status_buffer};
use kernel::status::Status;
use weir_ioctl::{AdapterState, MediaState};

use super::Module;

/// `NdisDeviceStateD0`: the one power state in which there is a data path.
const D0: u32 = 1;
/// `NDIS_STATUS_LOW_POWER_STATE`.
const LOW_POWER: Status = Status(ddk::ndis::NDIS_STATUS_LOW_POWER_STATE);

/// The changing facts. Each is a number of its own, for display: what is read while one changes may be half old.
#[derive(Debug)]
pub(super) struct Current {
    media: AtomicU32,
    mtu: AtomicU32,
    mac: AtomicU64,
    mac_length: AtomicU32,
}

impl Current {
    pub(super) fn new(parameters: &AttachParameters<'_>) -> Self {
        let media = AtomicU32::new(parameters.media());
        let this =
            Self { media, mtu: AtomicU32::new(0), mac: AtomicU64::new(0), mac_length: AtomicU32::new(0) };
        this.set_mac(parameters.mac());
        this
    }

    fn set_mac(&self, address: &[u8]) {
        let (mut bytes, mut length) = ([0; 8], 0);
        for (to, from) in bytes.iter_mut().zip(address) {
            *to = *from;
            length += 1;
        }
        self.mac.store(u64::from_le_bytes(bytes), Ordering::Relaxed);
        self.mac_length.store(length, Ordering::Relaxed);
    }

    /// The MAC address, and how much of it is used.
    pub(super) fn mac(&self) -> ([u8; 8], u32) {
        (self.mac.load(Ordering::Relaxed).to_le_bytes(), self.mac_length.load(Ordering::Relaxed))
    }

    /// Bytes of a packet that fit into a frame, 0 when not known.
    pub(super) fn mtu(&self) -> u32 {
        self.mtu.load(Ordering::Relaxed)
    }

    /// Whether there is a link.
    pub(super) fn media(&self) -> MediaState {
        MediaState(self.media.load(Ordering::Relaxed))
    }

    /// The adapter restarts.
    pub(super) fn restart(&self, parameters: &RestartParameters<'_>) {
        if let Some(mtu) = parameters.mtu() {
            self.mtu.store(mtu, Ordering::Relaxed);
        }
    }

    /// A status goes by. One that is too short for what it says is ignored here, and passes all the same.
    pub(super) fn status(&self, status: &NDIS_STATUS_INDICATION) {
        let buffer = status_buffer(status);
        match status.StatusCode {
            NDIS_STATUS_LINK_STATE => {
                const STATE: usize = core::mem::offset_of!(NDIS_LINK_STATE, MediaConnectState);
                if let Some(state) = word(buffer.get(STATE..).unwrap_or(&[])) {
                    self.media.store(state, Ordering::Relaxed);
                }
            }
            NDIS_STATUS_MEDIA_CONNECT => self.media.store(MediaState::CONNECTED.0, Ordering::Relaxed),
            NDIS_STATUS_MEDIA_DISCONNECT => self.media.store(MediaState::DISCONNECTED.0, Ordering::Relaxed),
            NDIS_STATUS_L2_MTU_SIZE_CHANGE => {
                if let Some(mtu) = word(buffer) {
                    self.mtu.store(mtu, Ordering::Relaxed);
                }
            }
            // IF_PHYSICAL_ADDRESS: a length of two bytes, and the address.
            NDIS_STATUS_CURRENT_MAC_ADDRESS_CHANGE => {
                if let Some(([low, high], rest)) = buffer.split_first_chunk()
                    && let Some(address) = rest.get(..usize::from(u16::from_le_bytes([*low, *high])))
                {
                    self.set_mac(address);
                }
            }
            _ => {}
        }
    }

    /// A query was answered.
    pub(super) fn answer(&self, oid: u32, value: &[u8]) {
        match oid {
            OID_802_3_CURRENT_ADDRESS if value.len() == 6 => self.set_mac(value),
            OID_GEN_MAXIMUM_FRAME_SIZE => {
                if let Some(mtu) = word(value) {
                    self.mtu.store(mtu, Ordering::Relaxed);
                }
            }
            _ => {}
        }
    }
}

/// The number at the beginning of a buffer.
fn word(buffer: &[u8]) -> Option<u32> {
    buffer.first_chunk().copied().map(u32::from_le_bytes)
}

impl Module {
    /// A request sets something.
    pub(super) fn learn_setting(&self, oid: u32, value: &[u8]) {
        if oid == OID_PNP_SET_POWER
            && let Some(state) = word(value)
        {
            self.power(state);
        }
    }

    /// The adapter goes to a device power state. From NDIS 6.30 on it may sleep without a pause: what is held then would be
    /// sent to a device that cannot send. IRQL: <= DISPATCH_LEVEL.
    pub(super) fn power(&self, state: u32) {
        if state != D0 {
            self.refuse_held(LOW_POWER);
        } else if self.state() == AdapterState::RUNNING {
            self.held.open();
        }
    }
}
