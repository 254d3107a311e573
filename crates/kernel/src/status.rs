//! Status values as a type of their own.

use ddk::nt::NTSTATUS;

/// An `NTSTATUS` or `NDIS_STATUS`; both are the same number space as far as severity goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
#[repr(transparent)]
pub struct Status(pub NTSTATUS);

impl Status {
    /// `STATUS_SUCCESS`.
    pub const SUCCESS: Self = Self(0);
    /// `STATUS_PENDING`.
    pub const PENDING: Self = Self(0x103);
    /// `STATUS_UNSUCCESSFUL`, which is also `NDIS_STATUS_FAILURE`.
    pub const UNSUCCESSFUL: Self = Self(0xC000_0001_u32 as i32);
    /// `STATUS_INVALID_PARAMETER`.
    pub const INVALID_PARAMETER: Self = Self(0xC000_000D_u32 as i32);
    /// `STATUS_INVALID_DEVICE_REQUEST`.
    pub const INVALID_DEVICE_REQUEST: Self = Self(0xC000_0010_u32 as i32);
    /// `STATUS_BUFFER_TOO_SMALL`.
    pub const BUFFER_TOO_SMALL: Self = Self(0xC000_0023_u32 as i32);
    /// `STATUS_REVISION_MISMATCH`.
    pub const REVISION_MISMATCH: Self = Self(0xC000_0059_u32 as i32);
    /// `STATUS_INVALID_IMAGE_FORMAT`.
    pub const INVALID_IMAGE_FORMAT: Self = Self(0xC000_007B_u32 as i32);
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub const INSUFFICIENT_RESOURCES: Self = Self(0xC000_009A_u32 as i32);
    /// `STATUS_NOT_SUPPORTED`.
    pub const NOT_SUPPORTED: Self = Self(0xC000_00BB_u32 as i32);
    /// `STATUS_INVALID_BUFFER_SIZE`.
    pub const INVALID_BUFFER_SIZE: Self = Self(0xC000_0206_u32 as i32);
    /// `STATUS_INVALID_DEVICE_STATE`.
    pub const INVALID_DEVICE_STATE: Self = Self(0xC000_0184_u32 as i32);
    /// `STATUS_RETRY`.
    pub const RETRY: Self = Self(0xC000_022D_u32 as i32);
    /// `STATUS_DEVICE_BUSY`.
    pub const DEVICE_BUSY: Self = Self(0x8000_0011_u32 as i32);
    /// `STATUS_FWP_FILTER_NOT_FOUND`.
    pub const FWP_FILTER_NOT_FOUND: Self = Self(0xC022_0003_u32 as i32);
    /// `STATUS_FWP_PROVIDER_NOT_FOUND`.
    pub const FWP_PROVIDER_NOT_FOUND: Self = Self(0xC022_0005_u32 as i32);
    /// `STATUS_FWP_SUBLAYER_NOT_FOUND`.
    pub const FWP_SUBLAYER_NOT_FOUND: Self = Self(0xC022_0007_u32 as i32);
    /// `STATUS_FWP_ALREADY_EXISTS`.
    pub const FWP_ALREADY_EXISTS: Self = Self(0xC022_0009_u32 as i32);
    /// `STATUS_FWP_TXN_IN_PROGRESS`.
    pub const FWP_TXN_IN_PROGRESS: Self = Self(0xC022_000E_u32 as i32);
    /// `STATUS_FWP_TXN_ABORTED`.
    pub const FWP_TXN_ABORTED: Self = Self(0xC022_000F_u32 as i32);
    /// `STATUS_FWP_SESSION_ABORTED`.
    pub const FWP_SESSION_ABORTED: Self = Self(0xC022_0010_u32 as i32);
    /// `STATUS_FWP_TIMEOUT`.
    pub const FWP_TIMEOUT: Self = Self(0xC022_0012_u32 as i32);
    /// `NDIS_STATUS_SEND_ABORTED`.
    pub const SEND_ABORTED: Self = Self(0xC023_000C_u32 as i32);
    /// `NDIS_STATUS_PAUSED`.
    pub const PAUSED: Self = Self(0xC023_002A_u32 as i32);

    /// Whether this is a success or informational value (`NT_SUCCESS`).
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 >= 0
    }

    /// `Ok` for success and informational values.
    pub const fn ok(self) -> Result<(), Status> {
        if self.is_success() { Ok(()) } else { Err(self) }
    }

    /// The value to hand to the kernel for a result.
    #[must_use]
    pub const fn of(result: Result<(), Status>) -> NTSTATUS {
        match result {
            Ok(()) => Self::SUCCESS.0,
            Err(status) => status.0,
        }
    }
}
