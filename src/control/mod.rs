//! The control device `\\.\Weir`: what user mode may ask.

mod ioctl;
mod pages;
mod tap;

use kernel::irql::Passive;
use kernel::status::Status;
use kernel::unicode::UnicodeStr;
use kernel::wdf::{ControlDevice, ControlDeviceInit, Driver};
use kernel::wide;

use ioctl::Controls;
use tap::Handles;

/// SYSTEM and administrators; nobody else, neither to read nor to write.
const SDDL: &str = "D:P(A;;GA;;;SY)(A;;GA;;;BA)";
/// The device.
const DEVICE: &str = r"\Device\Weir";
/// The name under which user mode opens it. A driver loaded by the system creates it for all sessions.
const LINK: &str = r"\DosDevices\Weir";

/// Creates the device. It answers nothing before [`ControlDevice::finish`].
#[inline(never)]
pub(crate) fn create(driver: &Driver, at: Passive<'_>) -> Result<ControlDevice, Status> {
    let mut init = ControlDeviceInit::new(driver, &UnicodeStr::from_wide(wide!(SDDL)), at)?;
    init.watch_handles::<Handles>(at);
    let device = init.create(&UnicodeStr::from_wide(wide!(DEVICE)), at)?;
    device.symbolic_link(&UnicodeStr::from_wide(wide!(LINK)), at)?;
    device.handle_controls::<Controls>(at)?;
    Ok(device)
}
