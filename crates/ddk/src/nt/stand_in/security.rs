//! Tokens, SIDs, ACLs and privileges.
use super::*;

/// `_ACCESS_ALLOWED_ACE` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _ACCESS_ALLOWED_ACE {
    pub Header: ACE_HEADER,
    pub Mask: ACCESS_MASK,
    pub SidStart: ULONG,
}
pub type ACCESS_ALLOWED_ACE = _ACCESS_ALLOWED_ACE;
pub type PACCESS_ALLOWED_ACE = *mut _ACCESS_ALLOWED_ACE;

/// `_ACE_HEADER` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _ACE_HEADER {
    pub AceType: UCHAR,
    pub AceFlags: UCHAR,
    pub AceSize: USHORT,
}
pub type ACE_HEADER = _ACE_HEADER;
pub type PACE_HEADER = *mut _ACE_HEADER;

/// `_ACL` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _ACL {
    pub AclRevision: UCHAR,
    pub Sbz1: UCHAR,
    pub AclSize: USHORT,
    pub AceCount: USHORT,
    pub Sbz2: USHORT,
}
pub type ACL = _ACL;

/// `_GENERIC_MAPPING` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _GENERIC_MAPPING {
    pub GenericRead: ACCESS_MASK,
    pub GenericWrite: ACCESS_MASK,
    pub GenericExecute: ACCESS_MASK,
    pub GenericAll: ACCESS_MASK,
}
pub type GENERIC_MAPPING = _GENERIC_MAPPING;

/// `_LUID` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _LUID {
    pub LowPart: ULONG,
    pub HighPart: LONG,
}
pub type LUID = _LUID;
pub type PLUID = *mut _LUID;

/// `_LUID_AND_ATTRIBUTES` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _LUID_AND_ATTRIBUTES {
    pub Luid: LUID,
    pub Attributes: ULONG,
}
pub type LUID_AND_ATTRIBUTES = _LUID_AND_ATTRIBUTES;
pub type PLUID_AND_ATTRIBUTES = *mut _LUID_AND_ATTRIBUTES;

/// `_PRIVILEGE_SET` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _PRIVILEGE_SET {
    pub PrivilegeCount: ULONG,
    pub Control: ULONG,
    pub Privilege: [LUID_AND_ATTRIBUTES; 1],
}
pub type PRIVILEGE_SET = _PRIVILEGE_SET;

/// `_SECURITY_DESCRIPTOR` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _SECURITY_DESCRIPTOR {
    pub Revision: UCHAR,
    pub Sbz1: UCHAR,
    pub Control: SECURITY_DESCRIPTOR_CONTROL,
    pub Owner: PSID,
    pub Group: PSID,
    pub Sacl: PACL,
    pub Dacl: PACL,
}
pub type SECURITY_DESCRIPTOR = _SECURITY_DESCRIPTOR;

/// `_SECURITY_SUBJECT_CONTEXT` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _SECURITY_SUBJECT_CONTEXT {
    pub ClientToken: PACCESS_TOKEN,
    pub ImpersonationLevel: SECURITY_IMPERSONATION_LEVEL,
    pub PrimaryToken: PACCESS_TOKEN,
    pub ProcessAuditId: PVOID,
}
pub type SECURITY_SUBJECT_CONTEXT = _SECURITY_SUBJECT_CONTEXT;

/// `_SID` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _SID {
    pub Revision: UCHAR,
    pub SubAuthorityCount: UCHAR,
    pub IdentifierAuthority: SID_IDENTIFIER_AUTHORITY,
    pub SubAuthority: [ULONG; 1],
}
pub type SID = _SID;

/// `_SID_AND_ATTRIBUTES` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _SID_AND_ATTRIBUTES {
    pub Sid: PSID,
    pub Attributes: ULONG,
}
pub type SID_AND_ATTRIBUTES = _SID_AND_ATTRIBUTES;

/// `_SID_AND_ATTRIBUTES_HASH` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _SID_AND_ATTRIBUTES_HASH {
    pub SidCount: ULONG,
    pub SidAttr: PSID_AND_ATTRIBUTES,
    pub Hash: [SID_HASH_ENTRY; 32],
}
pub type SID_AND_ATTRIBUTES_HASH = _SID_AND_ATTRIBUTES_HASH;

/// `_SID_IDENTIFIER_AUTHORITY` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _SID_IDENTIFIER_AUTHORITY {
    pub Value: [UCHAR; 6],
}
pub type SID_IDENTIFIER_AUTHORITY = _SID_IDENTIFIER_AUTHORITY;

/// `_TOKEN_ACCESS_INFORMATION` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _TOKEN_ACCESS_INFORMATION {
    pub SidHash: PSID_AND_ATTRIBUTES_HASH,
    pub RestrictedSidHash: PSID_AND_ATTRIBUTES_HASH,
    pub Privileges: PTOKEN_PRIVILEGES,
    pub AuthenticationId: LUID,
    pub TokenType: TOKEN_TYPE,
    pub ImpersonationLevel: SECURITY_IMPERSONATION_LEVEL,
    pub MandatoryPolicy: TOKEN_MANDATORY_POLICY,
    pub Flags: ULONG,
    pub AppContainerNumber: ULONG,
    pub PackageSid: PSID,
    pub CapabilitiesHash: PSID_AND_ATTRIBUTES_HASH,
    pub TrustLevelSid: PSID,
    pub SecurityAttributes: PSECURITY_ATTRIBUTES_OPAQUE,
}
pub type TOKEN_ACCESS_INFORMATION = _TOKEN_ACCESS_INFORMATION;
pub type PTOKEN_ACCESS_INFORMATION = *mut _TOKEN_ACCESS_INFORMATION;

/// `_TOKEN_GROUPS` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _TOKEN_GROUPS {
    pub GroupCount: ULONG,
    pub Groups: [SID_AND_ATTRIBUTES; 1],
}
pub type TOKEN_GROUPS = _TOKEN_GROUPS;
pub type PTOKEN_GROUPS = *mut _TOKEN_GROUPS;

/// `_TOKEN_MANDATORY_POLICY` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _TOKEN_MANDATORY_POLICY {
    pub Policy: ULONG,
}
pub type TOKEN_MANDATORY_POLICY = _TOKEN_MANDATORY_POLICY;
pub type PTOKEN_MANDATORY_POLICY = *mut _TOKEN_MANDATORY_POLICY;

/// `_TOKEN_PRIVILEGES` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _TOKEN_PRIVILEGES {
    pub PrivilegeCount: ULONG,
    pub Privileges: [LUID_AND_ATTRIBUTES; 1],
}
pub type TOKEN_PRIVILEGES = _TOKEN_PRIVILEGES;

/// `_TOKEN_USER` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _TOKEN_USER {
    pub User: SID_AND_ATTRIBUTES,
}
pub type TOKEN_USER = _TOKEN_USER;
pub type PTOKEN_USER = *mut _TOKEN_USER;

layout! {
    _ACCESS_ALLOWED_ACE: 12, 4 { Header: 0, 4; Mask: 4, 4; SidStart: 8, 4; }
    _ACE_HEADER: 4, 2 { AceType: 0, 1; AceFlags: 1, 1; AceSize: 2, 2; }
    _ACL: 8, 2 { AclRevision: 0, 1; Sbz1: 1, 1; AclSize: 2, 2; AceCount: 4, 2; Sbz2: 6, 2; }
    _GENERIC_MAPPING: 16, 4 {
        GenericRead: 0, 4; GenericWrite: 4, 4; GenericExecute: 8, 4; GenericAll: 12, 4;
    }
    _LUID: 8, 4 { LowPart: 0, 4; HighPart: 4, 4; }
    _LUID_AND_ATTRIBUTES: 12, 4 { Luid: 0, 8; Attributes: 8, 4; }
    _PRIVILEGE_SET: 20, 4 { PrivilegeCount: 0, 4; Control: 4, 4; Privilege: 8, 12; }
    _SECURITY_DESCRIPTOR: 40, 8 {
        Revision: 0, 1; Sbz1: 1, 1; Control: 2, 2; Owner: 8, 8; Group: 16, 8; Sacl: 24, 8; Dacl: 32, 8;
    }
    _SECURITY_SUBJECT_CONTEXT: 32, 8 {
        ClientToken: 0, 8; ImpersonationLevel: 8, 4; PrimaryToken: 16, 8; ProcessAuditId: 24, 8;
    }
    _SID: 12, 4 { Revision: 0, 1; SubAuthorityCount: 1, 1; IdentifierAuthority: 2, 6; SubAuthority: 8, 4; }
    _SID_AND_ATTRIBUTES: 16, 8 { Sid: 0, 8; Attributes: 8, 4; }
    _SID_AND_ATTRIBUTES_HASH: 272, 8 { SidCount: 0, 4; SidAttr: 8, 8; Hash: 16, 256; }
    _SID_IDENTIFIER_AUTHORITY: 6, 1 { Value: 0, 6; }
    _TOKEN_ACCESS_INFORMATION: 88, 8 {
        SidHash: 0, 8; RestrictedSidHash: 8, 8; Privileges: 16, 8; AuthenticationId: 24, 8;
        TokenType: 32, 4; ImpersonationLevel: 36, 4; MandatoryPolicy: 40, 4; Flags: 44, 4;
        AppContainerNumber: 48, 4; PackageSid: 56, 8; CapabilitiesHash: 64, 8; TrustLevelSid: 72, 8;
        SecurityAttributes: 80, 8;
    }
    _TOKEN_GROUPS: 24, 8 { GroupCount: 0, 4; Groups: 8, 16; }
    _TOKEN_MANDATORY_POLICY: 4, 4 { Policy: 0, 4; }
    _TOKEN_PRIVILEGES: 16, 4 { PrivilegeCount: 0, 4; Privileges: 4, 12; }
    _TOKEN_USER: 16, 8 { User: 0, 16; }
}

zeroed_default! {
    _ACCESS_ALLOWED_ACE, _ACE_HEADER, _ACL, _GENERIC_MAPPING, _LUID, _LUID_AND_ATTRIBUTES, _PRIVILEGE_SET,
    _SECURITY_DESCRIPTOR, _SECURITY_SUBJECT_CONTEXT, _SID, _SID_AND_ATTRIBUTES, _SID_AND_ATTRIBUTES_HASH,
    _SID_IDENTIFIER_AUTHORITY, _TOKEN_ACCESS_INFORMATION, _TOKEN_GROUPS, _TOKEN_MANDATORY_POLICY,
    _TOKEN_PRIVILEGES, _TOKEN_USER,
}
