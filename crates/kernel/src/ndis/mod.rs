//! NDIS: packets, lightweight filters, OID requests.

mod chain;
mod delay;
mod filter;
mod flags;
mod loan;
mod net_buffer;
mod oid;
mod own;
mod registration;
#[cfg(test)]
mod tests;

pub use chain::{Chain, Completed, Incoming, Outgoing, Returned, Sorter, Split};
pub use delay::DelayQueue;
pub use filter::{
    AttachParameters, CancelId, FilterDriver, FilterHandle, FilterModule, RestartParameters, power_event,
    status_buffer,
};
pub use flags::{PortNumber, ReceiveFlags, ReturnFlags, SendCompleteFlags, SendFlags};
pub use loan::Loan;
pub use net_buffer::{FrameBytes, Nbl, NetBuffers, Offloads};
pub use oid::{Direct, OidClone, OidPath, OidRequest, Regular, cancel as cancel_oids};
pub use own::{Homecoming, Originator, OwnChain, OwnNbl, Travel};
pub use registration::{DataHandlers, ModuleOptions, Names, Registration, version};
