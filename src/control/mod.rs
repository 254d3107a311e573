//! The control device `\\.\Weir`: what user mode may ask.

mod ask;
mod ioctl;
mod pages;
mod tap;

use kernel::irql::Passive;
use kernel::status::Status;
use kernel::unicode::UnicodeStr;
use kernel::wdf::{ControlDevice, ControlDeviceInit, Driver, FileClose, FileId, ManualQueue};
use kernel::wide;

pub(crate) use ask::questions;
use ioctl::Controls;

use crate::shared::SHARED;

/// SYSTEM and administrators; nobody else, neither to read nor to write.
const SDDL: &str = "D:P(A;;GA;;;SY)(A;;GA;;;BA)";
/// The device.
const DEVICE: &str = r"\Device\Weir";
/// The name under which user mode opens it. A driver loaded by the system creates it for all sessions.
const LINK: &str = r"\DosDevices\Weir";

/// Creates the device, and the queue in which requests of the agent wait. It answers nothing before
/// [`ControlDevice::finish`].
#[inline(never)]
pub(crate) fn create(driver: &Driver, at: Passive<'_>) -> Result<(ControlDevice, ManualQueue), Status> {
    let mut init = ControlDeviceInit::new(driver, &UnicodeStr::from_wide(wide!(SDDL)), at)?;
    init.watch_handles::<Handles>(at);
    let device = init.create(&UnicodeStr::from_wide(wide!(DEVICE)), at)?;
    device.symbolic_link(&UnicodeStr::from_wide(wide!(LINK)), at)?;
    device.handle_controls::<Controls>(at)?;
    let waiting = ManualQueue::create(&device, at)?;
    Ok((device, waiting))
}

/// What dies with a handle.
enum Handles {}

impl FileClose for Handles {
    fn file_cleanup(file: FileId, _at: Passive<'_>) {
        if let Some(shared) = SHARED.get() {
            shared.asks.closed(shared, file);
        }
    }

    fn file_close(file: FileId, at: Passive<'_>) {
        if let Some(shared) = SHARED.get() {
            shared.close_tap(file, at);
        }
    }
}
