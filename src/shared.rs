//! What all parts of the driver share: the engine, the adapters, and a few facts.

use core::sync::atomic::{AtomicBool, Ordering};

use kernel::cpu;
use kernel::irql::Passive;
use kernel::pool::{Block, PoolBox};
use kernel::published::Published;
use kernel::spin::SpinLock;
use kernel::status::Status;
use kernel::thread::nap;
use weir_core::Time;
use weir_core::engine::{Config, Engine};
use weir_core::policy::Image;

use crate::ask::Asks;
use crate::callout::{Flows, Owners, Platform};
use crate::filter::{Adapters, Demand, Topology};
use crate::tags;
use crate::tap::Slot;

/// The shared state, for entry points without a context.
pub(crate) static SHARED: Published<Shared> = Published::none();

/// What an administrator can set in the service's `Parameters` key; read once, when the driver starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// `FlowTableSize`: flows that the table holds.
    pub(crate) flows: u32,
    /// `Observe`: frames are seen even while nobody needs them.
    pub(crate) observe: bool,
    /// `QuestionTableSize`: questions to the agent that can be open at once.
    pub(crate) questions: u32,
}

/// Shared by every entry point; everything in it is atomic or behind a lock that no packet waits for.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The logic.
    pub(crate) engine: &'static Engine,
    /// Adapters attached to.
    pub(crate) adapters: SpinLock<Adapters>,
    /// Who needs to see frames.
    pub(crate) demand: Demand,
    /// Who reads copies of frames.
    pub(crate) tap: SpinLock<Slot>,
    /// Which adapters lie on which.
    pub(crate) topology: Topology,
    /// Flows that wait for an answer.
    pub(crate) asks: PoolBox<Asks>,
    /// Contexts of flows that are established.
    pub(crate) flows: Flows,
    /// The filtering platform's side.
    pub(crate) platform: Platform,
    /// Owners of flows that are looked up later.
    pub(crate) owners: Owners,
    /// When the driver started.
    pub(crate) started: Time,
    /// NDIS version registered with.
    pub(crate) ndis_version: u32,
    /// Processors that the engine counts on.
    pub(crate) processors: u32,
    /// A policy came and was not taken back yet.
    policy: AtomicBool,
    /// Backs `engine`; freed last.
    _memory: Block,
}

impl Shared {
    /// Reserves all memory that the packet path will ever use.
    #[inline(never)]
    pub(crate) fn new(settings: &Settings, ndis_version: u32, _at: Passive<'_>) -> Result<Self, Status> {
        let processors = u32::try_from(cpu::count()).unwrap_or(1).max(1);
        let (engine, memory) = engine(settings.flows, processors)?;
        engine.watch_names(settings.observe);
        Ok(Self {
            engine,
            adapters: SpinLock::new(Adapters::new()),
            demand: Demand::new(settings.observe),
            tap: SpinLock::new(Slot::Free),
            topology: Topology::new(),
            asks: Asks::new(settings.questions).ok_or(Status::INSUFFICIENT_RESOURCES)?,
            flows: Flows::new(settings.flows),
            platform: Platform::new(),
            owners: Owners::new(),
            started: now(),
            ndis_version,
            processors,
            policy: AtomicBool::new(false),
            _memory: memory,
        })
    }

    /// A copy of a policy image, for [`Shared::set_policy`].
    pub(crate) fn copy_policy(image: &[u8]) -> Result<Block, Status> {
        Block::copy(tags::POLICY, image).ok_or(Status::INSUFFICIENT_RESOURCES)
    }

    /// Puts a policy of [`Shared::copy_policy`] in force; on error the old one stays. Returns its generation.
    pub(crate) fn set_policy(&self, image: Block, at: Passive<'_>) -> Result<u32, Status> {
        let image = core::ptr::NonNull::from(image.leak());
        // SAFETY: the image is a block of its own that nobody else knows yet.
        let undo = match Image::verify(unsafe { image.as_ref() }) {
            // What becomes of connections without the driver comes first: it can fail, and can be taken back.
            Ok(verified) => match self.platform.fail(verified.defaults().failure, at) {
                Ok(undo) => Some(undo),
                Err(error) => {
                    // SAFETY: as above.
                    unsafe { Block::free_bytes(image, tags::POLICY) };
                    return Err(error);
                }
            },
            // The engine says what is wrong with it.
            Err(_) => None,
        };
        // SAFETY: the image is a block of its own that is freed only when the engine gives it back or refuses it.
        match unsafe { self.engine.set_policy(image, || nap(at)) } {
            Ok((generation, old)) => {
                // SAFETY: requests come one at a time, so this image is in force until the next one has come.
                if let Ok(image) = Image::verify(unsafe { image.as_ref() }) {
                    self.demand_for_policy(&image);
                }
                self.policy.store(true, Ordering::Relaxed);
                if let Some(old) = old {
                    // SAFETY: the engine gave back an image that came from above, and does not use it any more.
                    unsafe { Block::free_bytes(old, tags::POLICY) };
                }
                Ok(generation)
            }
            Err(error) => {
                // SAFETY: the engine does not keep what it refuses.
                unsafe { Block::free_bytes(image, tags::POLICY) };
                if let Some(undo) = undo {
                    undo.undo(at);
                }
                Err(refusal(error))
            }
        }
    }
}

impl Drop for Shared {
    /// IRQL: PASSIVE_LEVEL, after every user is gone.
    fn drop(&mut self) {
        if let Ok(Some(image)) = self.engine.clear_policy(|| {}) {
            // SAFETY: the engine gave back an image that came from `set_policy`, and does not use it any more.
            unsafe { Block::free_bytes(image, tags::POLICY) };
        }
    }
}

/// The engine and the memory that it lives in, which must be freed after it.
#[inline(never)]
fn engine(flows: u32, processors: u32) -> Result<(&'static Engine, Block), Status> {
    let mut config = Config::new(processors, cpu::entropy());
    config.flows = flows;
    let layout = Engine::layout(&config).ok_or(Status::INVALID_PARAMETER)?;
    let memory = Block::zeroed(tags::ENGINE, layout).ok_or(Status::INSUFFICIENT_RESOURCES)?;
    // SAFETY: the block has the layout asked for, is zeroed and fresh, and is freed after the engine is out of use: it is
    // the last field of `Shared`, which outlives every registration.
    let engine = unsafe { Engine::init(memory.as_ptr(), &config) };
    Ok((engine.ok_or(Status::INSUFFICIENT_RESOURCES)?, memory))
}

/// Why a policy was refused, as the control contract says it.
fn refusal(error: weir_core::policy::PolicyError) -> Status {
    match error {
        weir_core::policy::PolicyError::Busy => Status::DEVICE_BUSY,
        _ => Status::INVALID_IMAGE_FORMAT,
    }
}

/// Now, for the engine: 100 ns units since 1601.
pub(crate) fn now() -> Time {
    Time(cpu::system_time())
}

/// The current processor, for the engine.
pub(crate) fn processor() -> u32 {
    cpu::current() as u32
}
