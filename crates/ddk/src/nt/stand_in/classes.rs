//! Classes of `NTSTATUS`, which its two top bits hold.
use super::*;

/// True for success and information.
#[must_use]
pub const fn NT_SUCCESS(Status: NTSTATUS) -> bool {
    Status >= 0
}

/// True for information.
#[must_use]
pub const fn NT_INFORMATION(Status: NTSTATUS) -> bool {
    Status.cast_unsigned() >> 30 == 1
}

/// True for warnings.
#[must_use]
pub const fn NT_WARNING(Status: NTSTATUS) -> bool {
    Status.cast_unsigned() >> 30 == 2
}

/// True for errors.
#[must_use]
pub const fn NT_ERROR(Status: NTSTATUS) -> bool {
    Status.cast_unsigned() >> 30 == 3
}
