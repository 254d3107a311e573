//! NDIS memory and configuration: tagged blocks, MDLs, and the keyword store of a driver.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ddk::ndis::*;
use ddk::nt::{MDL, PVOID, UNICODE_STRING};

use super::adapter::lock;
use super::build;
use super::module::Text;
use crate::{handle, pool};

const TAG_MDL: u32 = u32::from_le_bytes(*b"NDmd");

/// NdisAllocateMdl: describes nonpaged memory of the driver.
pub(crate) fn allocate_mdl(address: PVOID, length: u32) -> *mut MDL {
    let size = build::mdl_size(length as usize);
    let mdl = pool::allocate(pool::Kind::NonPaged, size, TAG_MDL, pool::Fill::Zero).cast::<MDL>();
    if !mdl.is_null() {
        // SAFETY: a fresh zeroed block of the size that `init_mdl` asks for.
        unsafe { build::init_mdl(mdl, address.cast(), length as usize) };
    }
    mdl
}

/// A value of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `NdisParameterInteger`.
    Integer(u32),
    /// `NdisParameterString`.
    String(String),
}

static VALUES: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());

/// Sets a keyword that drivers find with NdisReadConfiguration. Keywords have no case.
pub fn set_configuration(keyword: &str, value: Value) {
    lock(&VALUES).insert(keyword.to_lowercase(), value);
}

/// An open configuration (N-68: it must be closed).
struct Configuration {
    /// What was handed out; freed when the handle is closed.
    parameters: Mutex<Vec<Parameter>>,
}

struct Parameter {
    value: Box<NDIS_CONFIGURATION_PARAMETER>,
    _text: Option<Text>,
}

// SAFETY: the strings that the parameters point to live in the same object and are not changed.
unsafe impl Send for Parameter {}

impl handle::Object for Configuration {
    const KIND: &'static str = "configuration";
    const LEAK_RULE: Option<&'static str> = Some("N-68");
}

/// NdisOpenConfigurationEx.
///
/// # Safety
/// Both pointers are valid.
pub(crate) unsafe fn open(object: *const NDIS_CONFIGURATION_OBJECT, out: *mut NDIS_HANDLE) -> NDIS_STATUS {
    // SAFETY: the caller guarantees it.
    let found = unsafe { (*object).Header };
    super::header::check(
        &found,
        NDIS_OBJECT_TYPE_CONFIGURATION_OBJECT,
        1..=1,
        20,
        "NDIS_CONFIGURATION_OBJECT",
    );
    if pool::must_fail() {
        return NDIS_STATUS_RESOURCES;
    }
    // SAFETY: as above.
    unsafe { *out = handle::create(Arc::new(Configuration { parameters: Mutex::default() })) };
    NDIS_STATUS_SUCCESS
}

/// NdisCloseConfiguration.
pub(crate) fn close(configuration: NDIS_HANDLE) {
    handle::close::<Configuration>(configuration);
}

/// The text of a driver's string.
///
/// # Safety
/// The string is valid.
pub(crate) unsafe fn text(string: *const UNICODE_STRING) -> String {
    // SAFETY: the caller guarantees it.
    unsafe {
        let length = usize::from((*string).Length) / 2;
        if length == 0 {
            return String::new();
        }
        String::from_utf16_lossy(std::slice::from_raw_parts((*string).Buffer, length))
    }
}

/// NdisWriteConfiguration.
///
/// # Safety
/// Keyword and value are valid.
pub(crate) unsafe fn write(
    configuration: NDIS_HANDLE,
    keyword: *const UNICODE_STRING,
    value: *const NDIS_CONFIGURATION_PARAMETER,
) -> NDIS_STATUS {
    handle::expect::<Configuration>(configuration);
    // SAFETY: the caller guarantees valid structures, of which the type names the valid member.
    unsafe {
        let kind = (*value).ParameterType;
        let value = if kind == NdisParameterInteger || kind == NdisParameterHexInteger {
            Value::Integer((*value).ParameterData.IntegerData)
        } else if kind == NdisParameterString {
            Value::String(text(&raw const (*value).ParameterData.StringData))
        } else {
            return NDIS_STATUS_NOT_SUPPORTED;
        };
        set_configuration(&text(keyword), value);
    }
    NDIS_STATUS_SUCCESS
}

/// NdisReadConfiguration.
///
/// # Safety
/// `keyword` is a valid string, the outputs are writable.
pub(crate) unsafe fn read(
    status: *mut NDIS_STATUS,
    out: *mut *mut NDIS_CONFIGURATION_PARAMETER,
    configuration: NDIS_HANDLE,
    keyword: *const UNICODE_STRING,
    kind: NDIS_PARAMETER_TYPE,
) {
    let configuration = handle::expect::<Configuration>(configuration);
    // SAFETY: the caller guarantees a valid string.
    let keyword = unsafe { text(keyword) };
    let value = lock(&VALUES).get(&keyword.to_lowercase()).cloned();
    let Some(value) = value else {
        // SAFETY: as above.
        unsafe { *status = NDIS_STATUS_FAILURE };
        return;
    };
    // SAFETY: a C structure of integers and pointers, for which zero is valid.
    let mut parameter: Box<NDIS_CONFIGURATION_PARAMETER> = Box::new(unsafe { std::mem::zeroed() });
    let mut text = None;
    match value {
        Value::Integer(integer) => {
            parameter.ParameterType = kind;
            parameter.ParameterData.IntegerData = integer;
        }
        Value::String(string) => {
            let string = Text::new(&string);
            parameter.ParameterType = NdisParameterString;
            // SAFETY: `Text` holds a valid string, which moves into the configuration object below.
            parameter.ParameterData.StringData = unsafe { *string.pointer() };
            text = Some(string);
        }
    }
    let mut parameters = lock(&configuration.parameters);
    parameters.push(Parameter { value: parameter, _text: text });
    if let Some(last) = parameters.last_mut() {
        // SAFETY: as above; the box keeps its address until the configuration is closed.
        unsafe {
            *out = &raw mut *last.value;
            *status = NDIS_STATUS_SUCCESS;
        }
    }
}
