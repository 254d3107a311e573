//! Management objects (fwpmtypes.h).
use super::*;

/// `FWPM_ACTION0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPM_ACTION0 {
    pub r#type: FWP_ACTION_TYPE,
    pub u: FWPM_ACTION0_u,
}
/// Part of [`FWPM_ACTION0`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union FWPM_ACTION0_u {
    pub filterType: GUID,
    pub calloutKey: GUID,
}

/// `FWPM_CALLOUT0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_CALLOUT0 {
    pub calloutKey: GUID,
    pub displayData: FWPM_DISPLAY_DATA0,
    pub flags: u32,
    pub providerKey: *mut GUID,
    pub providerData: FWP_BYTE_BLOB,
    pub applicableLayer: GUID,
    pub calloutId: u32,
}

/// `FWPM_CALLOUT_ENUM_TEMPLATE0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_CALLOUT_ENUM_TEMPLATE0 {
    pub providerKey: *mut GUID,
    pub layerKey: GUID,
}

/// `FWPM_CLASSIFY_OPTION0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPM_CLASSIFY_OPTION0 {
    pub r#type: FWP_CLASSIFY_OPTION_TYPE,
    pub value: FWP_VALUE0,
}

/// `FWPM_CLASSIFY_OPTIONS0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_CLASSIFY_OPTIONS0 {
    pub numOptions: u32,
    pub options: *mut FWPM_CLASSIFY_OPTION0,
}

/// `FWPM_DISPLAY_DATA0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_DISPLAY_DATA0 {
    pub name: *mut u16,
    pub description: *mut u16,
}

/// `FWPM_FIELD0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_FIELD0 {
    pub fieldKey: *mut GUID,
    pub r#type: FWPM_FIELD_TYPE,
    pub dataType: FWP_DATA_TYPE,
}

/// `FWPM_FILTER0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPM_FILTER0 {
    pub filterKey: GUID,
    pub displayData: FWPM_DISPLAY_DATA0,
    pub flags: u32,
    pub providerKey: *mut GUID,
    pub providerData: FWP_BYTE_BLOB,
    pub layerKey: GUID,
    pub subLayerKey: GUID,
    pub weight: FWP_VALUE0,
    pub numFilterConditions: u32,
    pub filterCondition: *mut FWPM_FILTER_CONDITION0,
    pub action: FWPM_ACTION0,
    pub u: FWPM_FILTER0_u,
    pub reserved: *mut GUID,
    pub filterId: u64,
    pub effectiveWeight: FWP_VALUE0,
}
/// Part of [`FWPM_FILTER0`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union FWPM_FILTER0_u {
    pub rawContext: u64,
    pub providerContextKey: GUID,
}

/// `FWPM_FILTER_CONDITION0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FWPM_FILTER_CONDITION0 {
    pub fieldKey: GUID,
    pub matchType: FWP_MATCH_TYPE,
    pub conditionValue: FWP_CONDITION_VALUE0,
}

/// `FWPM_FILTER_ENUM_TEMPLATE0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_FILTER_ENUM_TEMPLATE0 {
    pub providerKey: *mut GUID,
    pub layerKey: GUID,
    pub enumType: FWP_FILTER_ENUM_TYPE,
    pub flags: u32,
    pub providerContextTemplate: *mut FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0,
    pub numFilterConditions: u32,
    pub filterCondition: *mut FWPM_FILTER_CONDITION0,
    pub actionMask: u32,
    pub calloutKey: *mut GUID,
}

/// `FWPM_LAYER0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_LAYER0 {
    pub layerKey: GUID,
    pub displayData: FWPM_DISPLAY_DATA0,
    pub flags: u32,
    pub numFields: u32,
    pub field: *mut FWPM_FIELD0,
    pub defaultSubLayerKey: GUID,
    pub layerId: u16,
}

/// `FWPM_PROVIDER0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_PROVIDER0 {
    pub providerKey: GUID,
    pub displayData: FWPM_DISPLAY_DATA0,
    pub flags: u32,
    pub providerData: FWP_BYTE_BLOB,
    pub serviceName: *mut u16,
}

/// `FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 {
    pub providerKey: *mut GUID,
    pub providerContextType: FWPM_PROVIDER_CONTEXT_TYPE,
}

/// `FWPM_PROVIDER_ENUM_TEMPLATE0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_PROVIDER_ENUM_TEMPLATE0 {
    pub reserved: u64,
}

/// `FWPM_SESSION0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_SESSION0 {
    pub sessionKey: GUID,
    pub displayData: FWPM_DISPLAY_DATA0,
    pub flags: u32,
    pub txnWaitTimeoutInMSec: u32,
    pub processId: u32,
    pub sid: *mut SID,
    pub username: *mut u16,
    pub kernelMode: i32,
}

/// `FWPM_SUBLAYER0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_SUBLAYER0 {
    pub subLayerKey: GUID,
    pub displayData: FWPM_DISPLAY_DATA0,
    pub flags: u32,
    pub providerKey: *mut GUID,
    pub providerData: FWP_BYTE_BLOB,
    pub weight: u16,
}

/// `FWPM_SUBLAYER_ENUM_TEMPLATE0` (WFP management).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FWPM_SUBLAYER_ENUM_TEMPLATE0 {
    pub providerKey: *mut GUID,
}

layout! {
    FWPM_ACTION0: 20, 4 { r#type: 0, 4; u.filterType: 4, 16; u.calloutKey: 4, 16; }
    FWPM_CALLOUT0: 88, 8 {
        calloutKey: 0, 16; displayData: 16, 16; flags: 32, 4; providerKey: 40, 8; providerData: 48, 16;
        applicableLayer: 64, 16; calloutId: 80, 4;
    }
    FWPM_CALLOUT_ENUM_TEMPLATE0: 24, 8 { providerKey: 0, 8; layerKey: 8, 16; }
    FWPM_CLASSIFY_OPTION0: 24, 8 { r#type: 0, 4; value: 8, 16; }
    FWPM_CLASSIFY_OPTIONS0: 16, 8 { numOptions: 0, 4; options: 8, 8; }
    FWPM_DISPLAY_DATA0: 16, 8 { name: 0, 8; description: 8, 8; }
    FWPM_FIELD0: 16, 8 { fieldKey: 0, 8; r#type: 8, 4; dataType: 12, 4; }
    FWPM_FILTER0: 200, 8 {
        filterKey: 0, 16; displayData: 16, 16; flags: 32, 4; providerKey: 40, 8; providerData: 48, 16;
        layerKey: 64, 16; subLayerKey: 80, 16; weight: 96, 16; numFilterConditions: 112, 4;
        filterCondition: 120, 8; action: 128, 20; u.rawContext: 152, 8; u.providerContextKey: 152, 16;
        reserved: 168, 8; filterId: 176, 8; effectiveWeight: 184, 16;
    }
    FWPM_FILTER_CONDITION0: 40, 8 { fieldKey: 0, 16; matchType: 16, 4; conditionValue: 24, 16; }
    FWPM_FILTER_ENUM_TEMPLATE0: 72, 8 {
        providerKey: 0, 8; layerKey: 8, 16; enumType: 24, 4; flags: 28, 4; providerContextTemplate: 32, 8;
        numFilterConditions: 40, 4; filterCondition: 48, 8; actionMask: 56, 4; calloutKey: 64, 8;
    }
    FWPM_LAYER0: 72, 8 {
        layerKey: 0, 16; displayData: 16, 16; flags: 32, 4; numFields: 36, 4; field: 40, 8;
        defaultSubLayerKey: 48, 16; layerId: 64, 2;
    }
    FWPM_PROVIDER0: 64, 8 {
        providerKey: 0, 16; displayData: 16, 16; flags: 32, 4; providerData: 40, 16; serviceName: 56, 8;
    }
    FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0: 16, 8 { providerKey: 0, 8; providerContextType: 8, 4; }
    FWPM_PROVIDER_ENUM_TEMPLATE0: 8, 8 { reserved: 0, 8; }
    FWPM_SESSION0: 72, 8 {
        sessionKey: 0, 16; displayData: 16, 16; flags: 32, 4; txnWaitTimeoutInMSec: 36, 4;
        processId: 40, 4; sid: 48, 8; username: 56, 8; kernelMode: 64, 4;
    }
    FWPM_SUBLAYER0: 72, 8 {
        subLayerKey: 0, 16; displayData: 16, 16; flags: 32, 4; providerKey: 40, 8; providerData: 48, 16;
        weight: 64, 2;
    }
    FWPM_SUBLAYER_ENUM_TEMPLATE0: 8, 8 { providerKey: 0, 8; }
}
