//! The Kernel-Mode Driver Framework: a non-PnP driver with a control device.

mod deferred;
mod device;
mod driver;
mod queue;
mod request;

pub use deferred::{Tick, Timer, Work, WorkItem, WorkItemHandle};
pub use device::{ControlDevice, ControlDeviceInit, DeviceControl, FileClose};
pub use driver::{Driver, Unload};
pub use queue::ManualQueue;
pub use request::{FileId, Request};
