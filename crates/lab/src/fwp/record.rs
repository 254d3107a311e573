//! Management objects in the form that drivers read: a structure and all it points to, in one block.

use ddk::fwp::*;
use ddk::nt::GUID;

use super::callout;
use super::engine::{Callout, Filter, Lifetime, Object, Provider, SubLayer};
use super::layer::{self, Layer};
use super::value::{Operand, Value};
use crate::pool::{self, Fill};

const READ_TAG: u32 = u32::from_le_bytes(*b"FwpR");
const ALIGNMENT: usize = 8;
/// Where the union of FWP_VALUE0 and FWP_CONDITION_VALUE0 begins.
const UNION: usize = std::mem::offset_of!(FWP_VALUE0, u);

/// A block in the making: places are offsets, and pointers are found again when the block has an address.
#[derive(Default)]
pub(super) struct Record {
    bytes: Vec<u8>,
    pointers: Vec<usize>,
}

macro_rules! place {
    ($at:expr, $ty:ty, $($field:ident).+) => { $at + std::mem::offset_of!($ty, $($field).+) };
}

impl Record {
    /// Room for `count` structures, all zero.
    pub(super) fn room<T>(&mut self, count: usize) -> usize {
        self.put(&vec![0; size_of::<T>() * count])
    }

    fn put(&mut self, bytes: &[u8]) -> usize {
        let at = self.bytes.len().next_multiple_of(ALIGNMENT);
        self.bytes.resize(at, 0);
        self.bytes.extend(bytes);
        at
    }

    fn write(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn number(&mut self, at: usize, number: u32) {
        self.write(at, &number.to_le_bytes());
    }

    fn guid(&mut self, at: usize, id: u128) {
        let GUID { Data1, Data2, Data3, Data4 } = ddk::guid(id);
        let (first, second, third) = (Data1.to_le_bytes(), Data2.to_le_bytes(), Data3.to_le_bytes());
        self.write(at, &[&first[..], &second, &third, &Data4].concat());
    }

    /// Makes the pointer at `at` point to `target`.
    pub(super) fn point(&mut self, at: usize, target: usize) {
        self.write(at, &(target as u64).to_le_bytes());
        self.pointers.push(at);
    }

    /// A NUL-terminated string; where it begins.
    fn text(&mut self, text: &str) -> usize {
        let units: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        self.put(&units)
    }

    /// Display data and provider of an object.
    fn common(&mut self, object: &Object, display: usize, provider: Option<usize>) {
        let name = self.text(&object.name);
        self.point(place!(display, FWPM_DISPLAY_DATA0, name), name);
        if let (Some(at), Some(key)) = (provider, object.provider) {
            let key_at = self.room::<GUID>(1);
            self.guid(key_at, key);
            self.point(at, key_at);
        }
    }

    /// A value at `at`, which has room for FWP_VALUE0.
    fn value(&mut self, at: usize, value: &Value) {
        let (kind, bytes) = match value {
            Value::Empty => (FWP_EMPTY, Vec::new()),
            Value::U8(value) => (FWP_UINT8, vec![*value]),
            Value::U16(value) => (FWP_UINT16, value.to_le_bytes().to_vec()),
            Value::U32(value) => (FWP_UINT32, value.to_le_bytes().to_vec()),
            Value::U64(value) => return self.behind(at, FWP_UINT64, &value.to_le_bytes()),
            Value::Bytes16(bytes) => return self.behind(at, FWP_BYTE_ARRAY16_TYPE, bytes),
            Value::Mac(bytes) => return self.behind(at, FWP_BYTE_ARRAY6_TYPE, bytes),
            Value::Sid(bytes) => return self.behind(at, FWP_SID, bytes),
            Value::Blob(bytes) => return self.blob(at, FWP_BYTE_BLOB_TYPE, bytes),
            Value::Token(bytes) => return self.blob(at, FWP_TOKEN_ACCESS_INFORMATION_TYPE, bytes),
        };
        self.number(at, kind as u32);
        self.write(at + UNION, &bytes);
    }

    fn behind(&mut self, at: usize, kind: FWP_DATA_TYPE, bytes: &[u8]) {
        let target = self.put(bytes);
        self.number(at, kind as u32);
        self.point(at + UNION, target);
    }

    fn blob(&mut self, at: usize, kind: FWP_DATA_TYPE, bytes: &[u8]) {
        let data = self.put(bytes);
        let blob = self.room::<FWP_BYTE_BLOB>(1);
        self.number(place!(blob, FWP_BYTE_BLOB, size), bytes.len() as u32);
        self.point(place!(blob, FWP_BYTE_BLOB, data), data);
        self.number(at, kind as u32);
        self.point(at + UNION, blob);
    }

    fn operand(&mut self, at: usize, operand: &Operand) {
        match operand {
            Operand::Value(value) => self.value(at, value),
            Operand::V4Mask { address, mask } => {
                let bytes = [address.to_le_bytes(), mask.to_le_bytes()].concat();
                self.behind(at, FWP_V4_ADDR_MASK, &bytes);
            }
            Operand::V6Prefix { address, bits } => {
                self.behind(at, FWP_V6_ADDR_MASK, &[&address[..], &[*bits]].concat());
            }
            Operand::Range(low, high) => {
                let range = self.room::<FWP_RANGE0>(1);
                self.value(place!(range, FWP_RANGE0, valueLow), low);
                self.value(place!(range, FWP_RANGE0, valueHigh), high);
                self.number(at, FWP_RANGE_TYPE as u32);
                self.point(at + UNION, range);
            }
        }
    }

    /// FWPM_FILTER0; where it begins.
    pub(super) fn filter(&mut self, filter: &Filter) -> usize {
        type F = FWPM_FILTER0;
        let at = self.room::<F>(1);
        self.common(&filter.object, place!(at, F, displayData), Some(place!(at, F, providerKey)));
        self.guid(place!(at, F, filterKey), filter.key);
        self.number(place!(at, F, flags), filter.flags);
        self.guid(place!(at, F, subLayerKey), filter.sublayer);
        self.value(place!(at, F, weight), &filter.given_weight);
        self.value(place!(at, F, effectiveWeight), &Value::U64(filter.weight));
        self.number(place!(at, F, action), filter.action);
        if let Some(callout) = filter.callout {
            self.guid(place!(at, F, action.u), callout);
        }
        self.write(place!(at, F, u), &filter.raw_context.to_le_bytes());
        self.write(place!(at, F, filterId), &filter.id.to_le_bytes());
        let Some(layer) = layer::by_id(filter.layer) else { return at };
        self.guid(place!(at, F, layerKey), layer::key(&layer.key));
        if filter.conditions.is_empty() {
            return at;
        }
        type C = FWPM_FILTER_CONDITION0;
        let conditions = self.room::<C>(filter.conditions.len());
        self.number(place!(at, F, numFilterConditions), filter.conditions.len() as u32);
        self.point(place!(at, F, filterCondition), conditions);
        for (index, condition) in filter.conditions.iter().enumerate() {
            let at = conditions + index * size_of::<C>();
            if let Some((key, _)) = layer.conditions.iter().find(|(_, field)| *field == condition.field) {
                self.guid(place!(at, C, fieldKey), layer::key(key));
            }
            self.number(place!(at, C, matchType), condition.kind as u32);
            self.operand(place!(at, C, conditionValue), &condition.operand);
        }
        at
    }

    /// FWPM_CALLOUT0; where it begins.
    pub(super) fn callout(&mut self, key: u128, callout: &Callout) -> usize {
        type C = FWPM_CALLOUT0;
        let at = self.room::<C>(1);
        self.common(&callout.object, place!(at, C, displayData), Some(place!(at, C, providerKey)));
        self.guid(place!(at, C, calloutKey), key);
        let registered = if callout::by_key(key).is_some() { FWPM_CALLOUT_FLAG_REGISTERED } else { 0 };
        self.number(
            place!(at, C, flags),
            registered | persistent(&callout.object, FWPM_CALLOUT_FLAG_PERSISTENT),
        );
        if let Some(layer) = layer::by_id(callout.layer) {
            self.guid(place!(at, C, applicableLayer), layer::key(&layer.key));
        }
        self.number(place!(at, C, calloutId), callout::id_of(key));
        at
    }

    /// FWPM_SUBLAYER0; where it begins.
    pub(super) fn sublayer(&mut self, key: u128, sublayer: &SubLayer) -> usize {
        type S = FWPM_SUBLAYER0;
        let at = self.room::<S>(1);
        self.common(&sublayer.object, place!(at, S, displayData), Some(place!(at, S, providerKey)));
        self.guid(place!(at, S, subLayerKey), key);
        self.number(place!(at, S, flags), persistent(&sublayer.object, FWPM_SUBLAYER_FLAG_PERSISTENT));
        self.write(place!(at, S, weight), &sublayer.weight.to_le_bytes());
        at
    }

    /// FWPM_PROVIDER0; where it begins.
    pub(super) fn provider(&mut self, key: u128, provider: &Provider, disabled: bool) -> usize {
        type P = FWPM_PROVIDER0;
        let at = self.room::<P>(1);
        self.common(&provider.object, place!(at, P, displayData), None);
        self.guid(place!(at, P, providerKey), key);
        let flags = persistent(&provider.object, FWPM_PROVIDER_FLAG_PERSISTENT);
        let disabled = if disabled { FWPM_PROVIDER_FLAG_DISABLED } else { 0 };
        self.number(place!(at, P, flags), flags | disabled);
        if let Some(service) = &provider.service {
            let service = self.text(service);
            self.point(place!(at, P, serviceName), service);
        }
        at
    }

    /// FWPM_LAYER0 with the fields that conditions can name; where it begins.
    pub(super) fn layer(&mut self, layer: &Layer) -> usize {
        type L = FWPM_LAYER0;
        type F = FWPM_FIELD0;
        let at = self.room::<L>(1);
        let name = self.text(layer.name);
        self.point(place!(at, L, displayData.name), name);
        self.guid(place!(at, L, layerKey), layer::key(&layer.key));
        self.number(place!(at, L, flags), FWPM_LAYER_FLAG_KERNEL | FWPM_LAYER_FLAG_BUILTIN);
        self.guid(place!(at, L, defaultSubLayerKey), layer::key(&FWPM_SUBLAYER_UNIVERSAL));
        self.write(place!(at, L, layerId), &layer.id.to_le_bytes());
        self.number(place!(at, L, numFields), layer.conditions.len() as u32);
        if layer.conditions.is_empty() {
            return at;
        }
        let fields = self.room::<F>(layer.conditions.len());
        self.point(place!(at, L, field), fields);
        for (index, (condition, _)) in layer.conditions.iter().enumerate() {
            let at = fields + index * size_of::<F>();
            let key = self.room::<GUID>(1);
            self.guid(key, layer::key(condition));
            self.point(place!(at, F, fieldKey), key);
            let (kind, data) = layer.field_type(condition);
            self.number(place!(at, F, r#type), kind as u32);
            self.number(place!(at, F, dataType), data as u32);
        }
        at
    }

    /// FWP_VALUE0; where it begins.
    pub(super) fn option(&mut self, value: u32) -> usize {
        let at = self.room::<FWP_VALUE0>(1);
        self.value(at, &Value::U32(value));
        at
    }

    /// The block at an address, for the driver to free; none without memory.
    pub(super) fn finish(mut self) -> Option<*mut u8> {
        let block = pool::allocate(pool::Kind::NonPaged, self.bytes.len(), READ_TAG, Fill::Zero);
        if block.is_null() {
            return None;
        }
        for at in std::mem::take(&mut self.pointers) {
            let target = u64::from_le_bytes(std::array::from_fn(|i| self.bytes[at + i]));
            self.write(at, &(block as u64 + target).to_le_bytes());
        }
        // SAFETY: the block was just made with this size.
        unsafe { block.copy_from_nonoverlapping(self.bytes.as_ptr(), self.bytes.len()) };
        Some(block)
    }
}

fn persistent(object: &Object, flag: u32) -> u32 {
    if object.lifetime == Lifetime::Persistent { flag } else { 0 }
}

/// FwpmFreeMemory0.
pub(super) fn free(block: *mut u8) {
    pool::free(block, Some(READ_TAG));
}
