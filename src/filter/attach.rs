//! A module's beginning and end.

use core::sync::atomic::AtomicU32;

use ddk::ndis::{NDIS_MEDIUM, NdisMedium802_3, NdisMediumIP, NdisMediumTunnel, NdisMediumWirelessWan};
use kernel::interface;
use kernel::irql::Passive;
use kernel::ndis::{AttachParameters, FilterDriver, FilterHandle, Originator};
use kernel::pool::PoolBox;
use kernel::rundown::Rundown;
use kernel::status::Status;
use weir_core::crossing::Seat;
use weir_core::wire::Medium;

use super::adapters::{Link, NAME_LENGTH};
use super::counts::Counts;
use super::demand::Installed;
use super::held::Held;
use super::link::Current;
use super::{COMPARTMENT, Facts, Module};
use crate::shared::Shared;
use crate::tags;

/// Most NBLs of its own that a module has on the way. More than this waiting at a network card means that the card does
/// not keep up, and another frame would make it worse.
const OWN_NBLS: u32 = 1_024;

impl FilterDriver for Shared {
    type Module = Module;

    /// Attaches to adapters of every medium. The INF binds to those whose frames the parser knows; the frames of others
    /// pass.
    #[doc(alias = "FilterAttach")]
    fn attach(
        &'static self,
        filter: FilterHandle,
        parameters: &AttachParameters<'_>,
        at: Passive<'_>,
    ) -> Result<PoolBox<Module>, Status> {
        let facts = Facts::new(parameters, at)?;
        let gate = Rundown::new(tags::MODULE, at).ok_or(Status::INSUFFICIENT_RESOURCES)?;
        // A module is born paused.
        gate.close(at);
        let users = Rundown::new(tags::MODULE, at).ok_or(Status::INSUFFICIENT_RESOURCES)?;
        let own = Originator::new(filter, tags::OWN, OWN_NBLS, at)?;
        let held = Held::new().ok_or(Status::INSUFFICIENT_RESOURCES)?;
        let counts = Counts::new(self.processors).ok_or(Status::INSUFFICIENT_RESOURCES)?;
        let state = AtomicU32::new(weir_ioctl::AdapterState::PAUSED.0);
        let module = Module {
            handle: filter,
            shared: self,
            gate,
            users,
            state,
            compartment: AtomicU32::new(COMPARTMENT),
            installed: Installed::new(),
            seat: Seat::new(),
            own,
            held,
            link: Link::new(),
            facts,
            current: Current::new(parameters),
            counts,
        };
        let module = PoolBox::new(tags::MODULE, module).ok_or(Status::INSUFFICIENT_RESOURCES)?;
        // SAFETY: the module lies in the pool and owns what it holds.
        unsafe { module.held.connect(module.as_ptr()) };
        self.adapters.lock().insert(&module);
        Ok(module)
    }
}

impl Drop for Module {
    /// FilterDetach, or a FilterAttach that failed half-way. IRQL: PASSIVE_LEVEL.
    #[doc(alias = "FilterDetach")]
    fn drop(&mut self) {
        self.shared.adapters.lock().remove(self);
        // SAFETY: NDIS calls FilterAttach and FilterDetach at PASSIVE_LEVEL.
        self.users.close(unsafe { Passive::assume() });
    }
}

impl Facts {
    /// In the pool, and not inlined: kernel stacks are small, and the name is long.
    #[inline(never)]
    fn new(parameters: &AttachParameters<'_>, at: Passive<'_>) -> Result<PoolBox<Self>, Status> {
        let medium = parameters.medium();
        let frames = framing(medium.cast_signed());
        let mut facts = Self {
            luid: parameters.base_luid(),
            index: parameters.base_index(),
            medium,
            frames,
            name_length: 0,
            name: [0; NAME_LENGTH],
        };
        match interface::alias(facts.luid, &mut facts.name, at) {
            Ok(length) => facts.name_length = u8::try_from(length).unwrap_or(u8::MAX),
            // Without an alias, the name that the device manager shows.
            Err(_) => {
                for (to, from) in facts.name.iter_mut().zip(parameters.base_name()) {
                    *to = *from;
                    facts.name_length = facts.name_length.wrapping_add(1);
                }
            }
        }
        PoolBox::new(tags::MODULE, facts).ok_or(Status::INSUFFICIENT_RESOURCES)
    }
}

/// What frames of an adapter begin with; `None` for media that the parser does not know.
fn framing(medium: NDIS_MEDIUM) -> Option<Medium> {
    const ETHERNET: NDIS_MEDIUM = NdisMedium802_3;
    const MOBILE_BROADBAND: NDIS_MEDIUM = NdisMediumWirelessWan;
    const RAW_IP: NDIS_MEDIUM = NdisMediumIP;
    const TUNNEL: NDIS_MEDIUM = NdisMediumTunnel;
    match medium {
        ETHERNET => Some(Medium::Ethernet),
        MOBILE_BROADBAND | RAW_IP | TUNNEL => Some(Medium::RawIp),
        _ => None,
    }
}
