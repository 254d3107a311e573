//! Flag words of the data path: one type each, because the same bits mean different things in each word.

use ddk::ndis::{
    NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL, NDIS_RECEIVE_FLAGS_RESOURCES, NDIS_RETURN_FLAGS_DISPATCH_LEVEL,
    NDIS_SEND_COMPLETE_FLAGS_DISPATCH_LEVEL, NDIS_SEND_FLAGS_DISPATCH_LEVEL,
};

/// `NDIS_PORT_NUMBER`.
pub type PortNumber = ddk::ndis::NDIS_PORT_NUMBER;

/// `NDIS_SEND_FLAGS_*`. Bits that are not understood here pass through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct SendFlags(pub u32);

impl SendFlags {
    /// The flags for completing, in the same call, NBLs that came with these.
    #[must_use]
    pub fn completion(self) -> SendCompleteFlags {
        if self.0 & NDIS_SEND_FLAGS_DISPATCH_LEVEL != 0 {
            SendCompleteFlags(NDIS_SEND_COMPLETE_FLAGS_DISPATCH_LEVEL)
        } else {
            SendCompleteFlags(0)
        }
    }
}

/// `NDIS_SEND_COMPLETE_FLAGS_*`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct SendCompleteFlags(pub u32);

impl SendCompleteFlags {
    /// The flags for indicating, in the same call, frames of the driver's own.
    #[must_use]
    pub fn receiving(self) -> ReceiveFlags {
        if self.0 & NDIS_SEND_COMPLETE_FLAGS_DISPATCH_LEVEL != 0 {
            ReceiveFlags(NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL)
        } else {
            ReceiveFlags(0)
        }
    }
}

/// `NDIS_RECEIVE_FLAGS_*`. Bits that are not understood here pass through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct ReceiveFlags(pub u32);

impl ReceiveFlags {
    /// Whether the NBLs are only lent for the time of the call (`NDIS_RECEIVE_FLAGS_RESOURCES`).
    #[must_use]
    pub fn resources(self) -> bool {
        self.0 & NDIS_RECEIVE_FLAGS_RESOURCES != 0
    }

    /// The flags for indicating, in the same call, frames of the driver's own: what is said about the whole chain that came
    /// with these need not be true of them.
    #[must_use]
    pub fn indicating(self) -> ReceiveFlags {
        ReceiveFlags(self.0 & NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL)
    }

    /// The flags for returning, in the same call, NBLs that came with these.
    #[must_use]
    pub fn returning(self) -> ReturnFlags {
        if self.0 & NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL != 0 {
            ReturnFlags(NDIS_RETURN_FLAGS_DISPATCH_LEVEL)
        } else {
            ReturnFlags(0)
        }
    }
}

/// `NDIS_RETURN_FLAGS_*`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct ReturnFlags(pub u32);

impl ReturnFlags {
    /// The flags for sending, in the same call, frames of the driver's own.
    #[must_use]
    pub fn sending(self) -> SendFlags {
        if self.0 & NDIS_RETURN_FLAGS_DISPATCH_LEVEL != 0 {
            SendFlags(NDIS_SEND_FLAGS_DISPATCH_LEVEL)
        } else {
            SendFlags(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dispatch_bit_crosses_over() {
        assert_eq!(SendFlags(0x7).completion(), SendCompleteFlags(1));
        assert_eq!(SendFlags(0x6).completion(), SendCompleteFlags(0));
        assert_eq!(ReceiveFlags(0xF01).returning(), ReturnFlags(1));
        assert_eq!(ReceiveFlags(0xF02).returning(), ReturnFlags(0));
        assert_eq!(ReceiveFlags(0xF03).indicating(), ReceiveFlags(1));
        assert!(ReceiveFlags(2).resources());
        assert!(!ReceiveFlags(1).resources());
        assert_eq!(
            (SendCompleteFlags(3).receiving(), SendCompleteFlags(2).receiving()),
            (ReceiveFlags(1), ReceiveFlags(0))
        );
        assert_eq!((ReturnFlags(3).sending(), ReturnFlags(2).sending()), (SendFlags(1), SendFlags(0)));
    }
}
