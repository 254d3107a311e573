//! The tap: copies of frames for one consumer, which belongs to a handle of the control device.

use kernel::irql::{Dispatch, Passive};
use kernel::pool::Block;
use kernel::status::Status;
use kernel::thread::nap;
use kernel::wdf::FileId;
use weir_core::tap::{About, Consumer, Settings};
use weir_core::wire::Source;

use crate::shared::{Shared, now, processor};
use crate::tags;

/// Whether there is a consumer.
#[derive(Debug)]
pub(crate) enum Slot {
    /// Nobody reads.
    Free,
    /// It is being opened, read or closed.
    Taken,
    /// It waits to be read.
    Open(OpenTap),
}

/// A consumer, its handle, and the memory of its rings.
#[derive(Debug)]
pub(crate) struct OpenTap {
    owner: FileId,
    pub(crate) consumer: Consumer,
    pub(crate) snap: u32,
    memory: Block,
}

impl Shared {
    /// Hands a copy of a frame to the tap: to be called for a frame whose rule says so, once it is known what becomes of it.
    /// A copy for which there is no room, or no consumer, is counted as lost. Needs no memory and waits for nobody.
    /// IRQL: <= DISPATCH_LEVEL.
    #[inline(never)]
    pub(crate) fn tap<S: Source>(&self, about: &About, frame: &S) {
        // Each processor writes to a ring of its own.
        let _here = Dispatch::raise();
        self.engine.tap(processor(), now, about, frame);
    }

    /// Makes the handle `owner` the consumer, if there is none.
    pub(crate) fn open_tap(&self, owner: FileId, settings: &Settings, at: Passive<'_>) -> Result<(), Status> {
        let layout = settings.layout(self.processors).ok_or(Status::INVALID_PARAMETER)?;
        {
            let mut slot = self.tap.lock();
            if !matches!(*slot, Slot::Free) {
                return Err(Status::DEVICE_BUSY);
            }
            *slot = Slot::Taken;
        }
        let opened = Block::zeroed(tags::TAP, layout).and_then(|memory| {
            // SAFETY: the block has the layout asked for, is zeroed and fresh, and is freed in `close_tap`.
            let consumer = unsafe { self.engine.open_tap(memory.as_ptr(), settings) }?;
            Some(OpenTap { owner, consumer, snap: settings.snap, memory })
        });
        let (slot, result) = match opened {
            Some(open) => (Slot::Open(open), Ok(())),
            None => (Slot::Free, Err(Status::INSUFFICIENT_RESOURCES)),
        };
        *self.tap.lock() = slot;
        if result.is_ok() {
            self.platform.show_loopback(true, at);
        }
        result
    }

    /// Takes the consumer if it belongs to `owner`.
    fn take_tap(&self, owner: FileId) -> Option<OpenTap> {
        let mut slot = self.tap.lock();
        match core::mem::replace(&mut *slot, Slot::Taken) {
            Slot::Open(open) if open.owner == owner => Some(open),
            other => {
                *slot = other;
                None
            }
        }
    }

    /// Shows the consumer to `read`, if it belongs to `owner`.
    pub(crate) fn with_tap<R>(
        &self,
        owner: FileId,
        read: impl FnOnce(&mut OpenTap) -> R,
    ) -> Result<R, Status> {
        let mut open = self.take_tap(owner).ok_or(Status::INVALID_DEVICE_STATE)?;
        let result = read(&mut open);
        *self.tap.lock() = Slot::Open(open);
        Ok(result)
    }

    /// Ends the consumer if it belongs to `owner`, whose handle is closed. What was not read is gone.
    pub(crate) fn close_tap(&self, owner: FileId, at: Passive<'_>) {
        // No request of the handle is under way any more, so nobody else has taken it.
        if let Some(OpenTap { consumer, memory, .. }) = self.take_tap(owner) {
            self.platform.show_loopback(false, at);
            self.engine.close_tap(consumer, || nap(at));
            drop(memory);
            *self.tap.lock() = Slot::Free;
        }
    }
}
