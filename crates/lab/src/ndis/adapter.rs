//! Network adapters of the simulated machine: a miniport edge below, a protocol edge above, filter modules
//! between.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ddk::ndis::{NDIS_STATUS, NET_BUFFER_LIST};
use serde::{Deserialize, Serialize};

use super::module::Module;
use crate::edge::packet::Medium;

/// `IF_TYPE_ETHERNET_CSMACD`.
const IF_TYPE_ETHERNET: u64 = 6;
/// `IF_TYPE_WWANPP`.
const IF_TYPE_WWANPP: u64 = 243;

/// What an adapter is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The name in the connections folder.
    pub name: String,
    /// Ethernet, or raw IP as mobile broadband adapters have it.
    pub medium: Medium,
    /// The `NDIS_MEDIUM` that filters are told, if not 802.3 or WirelessWan as `medium` says.
    pub ndis_medium: Option<i32>,
    /// The `NDIS_PHYSICAL_MEDIUM` that filters are told, if not 802.3 or WirelessWan as `medium` says.
    pub physical_medium: Option<i32>,
    /// Current MAC address.
    pub mac: [u8; 6],
    /// Interface index; 0 takes the next free one.
    pub index: u32,
    /// Bytes of an IP packet that fit.
    pub mtu: u32,
    /// Bits per second.
    pub speed: u64,
    /// Whether the medium is connected.
    pub connected: bool,
    /// When filters are attached.
    pub attach: AttachTime,
    /// Addresses of the interface.
    pub addresses: Vec<IpAddr>,
}

/// When NDIS attaches a filter driver to an adapter that is already there (§17, point 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttachTime {
    /// Before NdisFRegisterFilterDriver returns.
    #[default]
    DuringRegistration,
    /// When [`Adapter::attach`] is called.
    OnRequest,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "Ethernet".into(),
            medium: Medium::Ethernet,
            ndis_medium: None,
            physical_medium: None,
            mac: [0x02, 0x00, 0x5e, 0x00, 0x00, 0x01],
            index: 0,
            mtu: 1500,
            speed: 10_000_000_000,
            connected: true,
            attach: AttachTime::default(),
            addresses: Vec::new(),
        }
    }
}

/// What the edges do with NBLs that they are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Giving {
    /// Complete or return them before the handing call returns.
    #[default]
    AtOnce,
    /// Keep them until [`Adapter::complete_sends`] or [`Adapter::return_receives`] is called.
    OnRequest,
}

/// How the edges of an adapter behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behaviour {
    /// When the miniport completes sends.
    pub sends: Giving,
    /// When the protocol returns receives.
    pub receives: Giving,
}

/// What an NBL says beside its frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// `NetBufferListInfo`: number of the slot and its value, for those that are not NULL; without the slots of the
    /// 802.1Q tag and of WFP.
    pub info: Vec<(usize, usize)>,
    /// `NblFlags`.
    pub flags: u32,
}

/// A frame that left the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnWire {
    /// The number under which it was sent; none for a frame that a driver made.
    pub tag: Option<u64>,
    /// Its bytes, without the tag that travels beside them.
    pub bytes: Vec<u8>,
    /// 802.1Q tag control information beside the bytes.
    pub vlan: Option<u16>,
    /// What else was said beside them.
    pub beside: Beside,
}

/// A frame that reached the protocols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The number under which it was received; none for a frame that a driver made.
    pub tag: Option<u64>,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// 802.1Q tag control information beside the bytes.
    pub vlan: Option<u16>,
    /// What else was said beside them.
    pub beside: Beside,
    /// Receive flags of the indication.
    pub flags: u32,
}

/// What happened at the edges since the last look.
#[derive(Debug, Default)]
pub struct Events {
    /// Frames on the wire, in order.
    pub wire: Vec<OnWire>,
    /// Frames at the protocols, in order.
    pub delivered: Vec<Delivered>,
    /// What the information about a large TCP send said when a send came back to the protocol, if anything.
    pub large: Vec<(u64, usize)>,
    /// Sends that came back to the protocol, with their status.
    pub completed: Vec<(u64, NDIS_STATUS)>,
    /// Receives that came back to the miniport.
    pub returned: Vec<u64>,
    /// Status codes that reached the protocols.
    pub statuses: Vec<NDIS_STATUS>,
    /// Network PnP events that reached the protocols.
    pub net_events: Vec<i32>,
    /// Device PnP events that reached the miniport.
    pub device_events: Vec<i32>,
}

/// What happened at the protocol just now; see [`Adapter::when`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Frames came.
    Received,
    /// Sends came back.
    Completed,
}

/// What a protocol does when something happens.
struct Reaction(Arc<React>);

type React = dyn Fn(&Adapter, Edge) + Send + Sync;

impl std::fmt::Debug for Reaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reaction")
    }
}

/// A raw pointer that may travel between the lab's threads.
pub(crate) struct Ptr<T>(pub(crate) *mut T);

impl<T> Clone for Ptr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ptr<T> {}

impl<T> std::fmt::Debug for Ptr<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

// SAFETY: the ownership table decides who may use what the pointer names.
unsafe impl<T> Send for Ptr<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Ptr<T> {}

/// Runs what changes an adapter's stack.
pub(crate) type Change = Arc<dyn Fn(&mut dyn FnMut()) + Send + Sync>;

/// What surrounds a change.
struct Around(Change);

impl std::fmt::Debug for Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Around").finish_non_exhaustive()
    }
}

/// NBLs that an edge keeps.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) sends: Vec<Ptr<NET_BUFFER_LIST>>,
    pub(crate) receives: Vec<Ptr<NET_BUFFER_LIST>>,
}

/// An adapter.
#[derive(Debug)]
pub struct Adapter {
    pub(crate) number: u64,
    config: Mutex<Config>,
    behaviour: Mutex<Behaviour>,
    /// Modules from the bottom to the top.
    stack: Mutex<Vec<Arc<Module>>>,
    events: Mutex<Events>,
    kept: Mutex<Kept>,
    beside: Mutex<Beside>,
    around: Mutex<Option<Around>>,
    reaction: Mutex<Option<Reaction>>,
    /// `NDIS_DEVICE_POWER_STATE` of the miniport.
    pub(super) power: AtomicU32,
    /// The virtual adapter that lies on this one.
    pub(super) above: Mutex<Weak<Adapter>>,
    /// What carries the frames of a virtual adapter.
    pub(super) below: Mutex<Option<Arc<super::mux::Mux>>>,
    pub(crate) oids: super::oid::Miniport,
}

static ADAPTERS: Mutex<Vec<Arc<Adapter>>> = Mutex::new(Vec::new());

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every adapter of the machine, in the order of their arrival.
pub fn all() -> Vec<Arc<Adapter>> {
    lock(&ADAPTERS).clone()
}

impl Adapter {
    /// Plugs in an adapter. Filter drivers that are already registered are not attached to it by this.
    pub fn new(mut config: Config) -> Arc<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        if config.index == 0 {
            config.index = number as u32 + 4;
        }
        let adapter = Arc::new(Self {
            number,
            config: Mutex::new(config),
            behaviour: Mutex::default(),
            stack: Mutex::default(),
            events: Mutex::default(),
            kept: Mutex::default(),
            beside: Mutex::default(),
            around: Mutex::default(),
            reaction: Mutex::default(),
            power: AtomicU32::new(super::power::D0),
            above: Mutex::default(),
            below: Mutex::default(),
            oids: super::oid::Miniport::default(),
        });
        lock(&ADAPTERS).push(adapter.clone());
        adapter
    }

    /// What the adapter is.
    pub fn config(&self) -> Config {
        lock(&self.config).clone()
    }

    /// What frames start with.
    pub fn medium(&self) -> Medium {
        lock(&self.config).medium
    }

    /// Changes what the adapter is, without telling anyone.
    pub fn update(&self, change: impl FnOnce(&mut Config)) {
        change(&mut lock(&self.config));
    }

    /// Sets how the edges behave.
    pub fn behave(&self, behaviour: Behaviour) {
        *lock(&self.behaviour) = behaviour;
    }

    /// Sets what the NBLs that both edges make from now on say beside their frames.
    pub fn say_beside(&self, beside: Beside) {
        *lock(&self.beside) = beside;
    }

    /// Lets the protocol do something whenever frames or completed sends come to it, inside the call that brings them.
    pub fn when(&self, reaction: impl Fn(&Adapter, Edge) + Send + Sync + 'static) {
        *lock(&self.reaction) = Some(Reaction(Arc::new(reaction)));
    }

    pub(super) fn react(&self, edge: Edge) {
        let reaction = lock(&self.reaction).as_ref().map(|reaction| reaction.0.clone());
        if let Some(reaction) = reaction {
            reaction(self, edge);
        }
    }

    pub(crate) fn beside(&self) -> MutexGuard<'_, Beside> {
        lock(&self.beside)
    }

    pub(crate) fn behaviour(&self) -> Behaviour {
        *lock(&self.behaviour)
    }

    /// `NET_LUID` of the miniport's interface: type, index, reserved bits.
    pub fn luid(&self) -> u64 {
        let config = lock(&self.config);
        let kind = if config.medium == Medium::Ethernet { IF_TYPE_ETHERNET } else { IF_TYPE_WWANPP };
        kind << 48 | (0x8000 + self.number) << 24
    }

    /// IANA type of the interface.
    pub fn if_type(&self) -> u32 {
        (self.luid() >> 48) as u32
    }

    /// The GUID that names the adapter in `\DEVICE\{...}`.
    pub fn guid(&self) -> String {
        format!("{{4D36E972-E325-11CE-BFC1-{:012X}}}", 0x0800_2BE1_0000_u64 + self.number)
    }

    /// Says what keeps the edges from handing frames to the stack while it is changed, for as long as somebody drives both:
    /// `around` runs what it is given once, with all ways closed.
    pub(crate) fn surround(&self, around: Option<Change>) {
        *lock(&self.around) = around.map(Around);
    }

    /// Changes the stack while no frame is on its way into it.
    pub fn rebuild<R>(&self, change: impl FnOnce() -> R) -> R {
        let around = lock(&self.around).as_ref().map(|around| around.0.clone());
        let Some(around) = around else { return change() };
        let (mut change, mut result) = (Some(change), None);
        around(&mut || result = change.take().map(|change| change()));
        result.expect("it is run once")
    }

    /// Takes what happened since the last call.
    pub fn take_events(&self) -> Events {
        std::mem::take(&mut *lock(&self.events))
    }

    pub(crate) fn with_events<R>(&self, body: impl FnOnce(&mut Events) -> R) -> R {
        body(&mut lock(&self.events))
    }

    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        lock(&self.kept)
    }

    /// The modules from the bottom to the top.
    pub fn modules(&self) -> Vec<Arc<Module>> {
        lock(&self.stack).clone()
    }

    pub(crate) fn push_module(&self, module: Arc<Module>) {
        lock(&self.stack).push(module);
    }

    pub(crate) fn remove_module(&self, number: u64) {
        lock(&self.stack).retain(|module| module.number != number);
    }

    /// How many filter modules are attached.
    pub fn module_count(&self) -> usize {
        lock(&self.stack).len()
    }
}
