//! Value, range and blob types shared by both WFP sides (fwptypes.h).
use super::*;

pub type FWP_ACTION_TYPE = u32;
/// `FWP_BYTE_ARRAY16` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWP_BYTE_ARRAY16 {
    pub byteArray16: [u8; 16],
}

/// `FWP_BYTE_ARRAY6` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWP_BYTE_ARRAY6 {
    pub byteArray6: [u8; 6],
}

/// `FWP_BYTE_BLOB` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWP_BYTE_BLOB {
    pub size: u32,
    pub data: *mut u8,
}

/// `FWP_CONDITION_VALUE0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWP_CONDITION_VALUE0 {
    pub r#type: FWP_DATA_TYPE,
    pub u: FWP_CONDITION_VALUE0_u,
}
/// Part of [`FWP_CONDITION_VALUE0`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union FWP_CONDITION_VALUE0_u {
    pub uint8: u8,
    pub uint16: u16,
    pub uint32: u32,
    pub uint64: *mut u64,
    pub int8: i8,
    pub int16: i16,
    pub int32: i32,
    pub int64: *mut i64,
    pub float32: f32,
    pub double64: *mut f64,
    pub byteArray16: *mut FWP_BYTE_ARRAY16,
    pub byteBlob: *mut FWP_BYTE_BLOB,
    pub sid: *mut SID,
    pub sd: *mut FWP_BYTE_BLOB,
    pub tokenInformation: *mut FWP_TOKEN_INFORMATION,
    pub tokenAccessInformation: *mut FWP_BYTE_BLOB,
    pub unicodeString: *mut u16,
    pub byteArray6: *mut FWP_BYTE_ARRAY6,
    pub v4AddrMask: *mut FWP_V4_ADDR_AND_MASK,
    pub v6AddrMask: *mut FWP_V6_ADDR_AND_MASK,
    pub rangeValue: *mut FWP_RANGE0,
}

/// `FWP_RANGE0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWP_RANGE0 {
    pub valueLow: FWP_VALUE0,
    pub valueHigh: FWP_VALUE0,
}

/// `FWP_TOKEN_INFORMATION` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWP_TOKEN_INFORMATION {
    pub sidCount: ULONG,
    pub sids: PSID_AND_ATTRIBUTES,
    pub restrictedSidCount: ULONG,
    pub restrictedSids: PSID_AND_ATTRIBUTES,
}

/// `FWP_V4_ADDR_AND_MASK` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWP_V4_ADDR_AND_MASK {
    pub addr: u32,
    pub mask: u32,
}

/// `FWP_V6_ADDR_AND_MASK` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWP_V6_ADDR_AND_MASK {
    pub addr: [u8; 16],
    pub prefixLength: u8,
}

/// A typed value. Small integers are stored in the union, everything else behind a pointer.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWP_VALUE0 {
    pub r#type: FWP_DATA_TYPE,
    pub u: FWP_VALUE0_u,
}
/// Part of [`FWP_VALUE0`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union FWP_VALUE0_u {
    pub uint8: u8,
    pub uint16: u16,
    pub uint32: u32,
    pub uint64: *mut u64,
    pub int8: i8,
    pub int16: i16,
    pub int32: i32,
    pub int64: *mut i64,
    pub float32: f32,
    pub double64: *mut f64,
    pub byteArray16: *mut FWP_BYTE_ARRAY16,
    pub byteBlob: *mut FWP_BYTE_BLOB,
    pub sid: *mut SID,
    pub sd: *mut FWP_BYTE_BLOB,
    pub tokenInformation: *mut FWP_TOKEN_INFORMATION,
    pub tokenAccessInformation: *mut FWP_BYTE_BLOB,
    pub unicodeString: *mut u16,
    pub byteArray6: *mut FWP_BYTE_ARRAY6,
}

/// `SEC_WINNT_AUTH_IDENTITY_W` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SEC_WINNT_AUTH_IDENTITY_W {
    pub User: *mut u16,
    pub UserLength: u32,
    pub Domain: *mut u16,
    pub DomainLength: u32,
    pub Password: *mut u16,
    pub PasswordLength: u32,
    pub Flags: u32,
}

opaque! { FWPM_PROVIDER_CONTEXT0, FWPM_PROVIDER_CONTEXT1, FWPM_PROVIDER_CONTEXT2, FWPM_PROVIDER_CONTEXT3, }

layout! {
    FWP_BYTE_ARRAY16: 16, 1 { byteArray16: 0, 16; }
    FWP_BYTE_ARRAY6: 6, 1 { byteArray6: 0, 6; }
    FWP_BYTE_BLOB: 16, 8 { size: 0, 4; data: 8, 8; }
    FWP_CONDITION_VALUE0: 16, 8 {
        r#type: 0, 4; u.uint8: 8, 1; u.uint16: 8, 2; u.uint32: 8, 4; u.uint64: 8, 8; u.int8: 8, 1;
        u.int16: 8, 2; u.int32: 8, 4; u.int64: 8, 8; u.float32: 8, 4; u.double64: 8, 8;
        u.byteArray16: 8, 8; u.byteBlob: 8, 8; u.sid: 8, 8; u.sd: 8, 8; u.tokenInformation: 8, 8;
        u.tokenAccessInformation: 8, 8; u.unicodeString: 8, 8; u.byteArray6: 8, 8; u.v4AddrMask: 8, 8;
        u.v6AddrMask: 8, 8; u.rangeValue: 8, 8;
    }
    FWP_RANGE0: 32, 8 { valueLow: 0, 16; valueHigh: 16, 16; }
    FWP_TOKEN_INFORMATION: 32, 8 {
        sidCount: 0, 4; sids: 8, 8; restrictedSidCount: 16, 4; restrictedSids: 24, 8;
    }
    FWP_V4_ADDR_AND_MASK: 8, 4 { addr: 0, 4; mask: 4, 4; }
    FWP_V6_ADDR_AND_MASK: 17, 1 { addr: 0, 16; prefixLength: 16, 1; }
    FWP_VALUE0: 16, 8 {
        r#type: 0, 4; u.uint8: 8, 1; u.uint16: 8, 2; u.uint32: 8, 4; u.uint64: 8, 8; u.int8: 8, 1;
        u.int16: 8, 2; u.int32: 8, 4; u.int64: 8, 8; u.float32: 8, 4; u.double64: 8, 8;
        u.byteArray16: 8, 8; u.byteBlob: 8, 8; u.sid: 8, 8; u.sd: 8, 8; u.tokenInformation: 8, 8;
        u.tokenAccessInformation: 8, 8; u.unicodeString: 8, 8; u.byteArray6: 8, 8;
    }
    SEC_WINNT_AUTH_IDENTITY_W: 48, 8 {
        User: 0, 8; UserLength: 8, 4; Domain: 16, 8; DomainLength: 24, 4; Password: 32, 8;
        PasswordLength: 40, 4; Flags: 44, 4;
    }
}
