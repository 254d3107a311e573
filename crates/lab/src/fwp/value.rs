//! Typed values of a classify: the lab's form, what a callout sees of it, and the matching of filter
//! conditions.

use std::net::IpAddr;
use std::sync::Arc;

use ddk::fwp::*;
use ddk::nt::{SID_AND_ATTRIBUTES, SID_AND_ATTRIBUTES_HASH, TOKEN_ACCESS_INFORMATION};

/// A value of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the FWP_DATA_TYPE")]
pub enum Value {
    #[default]
    Empty,
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    Bytes16([u8; 16]),
    Mac([u8; 6]),
    Blob(Arc<[u8]>),
    Sid(Arc<[u8]>),
    /// `FWP_TOKEN_ACCESS_INFORMATION_TYPE`: a TOKEN_ACCESS_INFORMATION whose first SID is this user.
    Token(Arc<[u8]>),
}

impl Value {
    /// An address as WFP writes it: IPv4 in host order, IPv6 in 16 bytes.
    pub fn address(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::U32(v4.to_bits()),
            IpAddr::V6(v6) => Self::Bytes16(v6.octets()),
        }
    }

    fn number(&self) -> Option<u64> {
        match *self {
            Self::U8(value) => Some(value.into()),
            Self::U16(value) => Some(value.into()),
            Self::U32(value) => Some(value.into()),
            Self::U64(value) => Some(value),
            _ => None,
        }
    }
}

/// The memory behind the pointers of [`FWP_VALUE0`]s.
#[derive(Default)]
#[allow(clippy::vec_box, reason = "callouts get pointers to the boxed values, which must not move")]
struct Storage {
    numbers: Vec<Box<u64>>,
    arrays: Vec<Box<FWP_BYTE_ARRAY16>>,
    macs: Vec<Box<FWP_BYTE_ARRAY6>>,
    blobs: Vec<Box<FWP_BYTE_BLOB>>,
    bytes: Vec<Arc<[u8]>>,
    tokens: Vec<Box<[u64]>>,
}

/// The fixed values of a classify in the form that callouts get; valid while it lives.
pub(crate) struct Fixed {
    values: Vec<FWPS_INCOMING_VALUE0>,
    _storage: Storage,
}

impl Fixed {
    pub(crate) fn new(values: &[Value]) -> Self {
        let mut storage = Storage::default();
        let values =
            values.iter().map(|value| FWPS_INCOMING_VALUE0 { value: storage.lower(value) }).collect();
        Self { values, _storage: storage }
    }

    pub(crate) fn incoming(&mut self, layer: u16) -> FWPS_INCOMING_VALUES0 {
        FWPS_INCOMING_VALUES0 {
            layerId: layer,
            valueCount: self.values.len() as u32,
            incomingValue: self.values.as_mut_ptr(),
        }
    }
}

impl Storage {
    fn blob(&mut self, bytes: &Arc<[u8]>) -> *mut FWP_BYTE_BLOB {
        self.bytes.push(bytes.clone());
        self.blobs
            .push(Box::new(FWP_BYTE_BLOB { size: bytes.len() as u32, data: bytes.as_ptr().cast_mut() }));
        self.blobs.last_mut().map_or(std::ptr::null_mut(), |blob| &raw mut **blob)
    }

    fn lower(&mut self, value: &Value) -> FWP_VALUE0 {
        let (kind, u) = match value {
            Value::Empty => (FWP_EMPTY, FWP_VALUE0_u { uint32: 0 }),
            Value::U8(value) => (FWP_UINT8, FWP_VALUE0_u { uint8: *value }),
            Value::U16(value) => (FWP_UINT16, FWP_VALUE0_u { uint16: *value }),
            Value::U32(value) => (FWP_UINT32, FWP_VALUE0_u { uint32: *value }),
            Value::U64(value) => {
                let mut number = Box::new(*value);
                let pointer = &raw mut *number;
                self.numbers.push(number);
                (FWP_UINT64, FWP_VALUE0_u { uint64: pointer })
            }
            Value::Bytes16(bytes) => {
                let mut array = Box::new(FWP_BYTE_ARRAY16 { byteArray16: *bytes });
                let pointer = &raw mut *array;
                self.arrays.push(array);
                (FWP_BYTE_ARRAY16_TYPE, FWP_VALUE0_u { byteArray16: pointer })
            }
            Value::Mac(bytes) => {
                let mut array = Box::new(FWP_BYTE_ARRAY6 { byteArray6: *bytes });
                let pointer = &raw mut *array;
                self.macs.push(array);
                (FWP_BYTE_ARRAY6_TYPE, FWP_VALUE0_u { byteArray6: pointer })
            }
            Value::Blob(bytes) => (FWP_BYTE_BLOB_TYPE, FWP_VALUE0_u { byteBlob: self.blob(bytes) }),
            Value::Sid(bytes) => {
                self.bytes.push(bytes.clone());
                (FWP_SID, FWP_VALUE0_u { sid: bytes.as_ptr().cast_mut().cast() })
            }
            Value::Token(sid) => {
                let blob = self.token(sid);
                (FWP_TOKEN_ACCESS_INFORMATION_TYPE, FWP_VALUE0_u { tokenAccessInformation: blob })
            }
        };
        // The rest of the union is what the caller's stack held; here it is zero.
        FWP_VALUE0 { r#type: kind, u }
    }

    /// One block: TOKEN_ACCESS_INFORMATION, its SID hash, one SID_AND_ATTRIBUTES and the SID.
    fn token(&mut self, sid: &[u8]) -> *mut FWP_BYTE_BLOB {
        let hash_at = size_of::<TOKEN_ACCESS_INFORMATION>();
        let attributes_at = hash_at + size_of::<SID_AND_ATTRIBUTES_HASH>();
        let sid_at = attributes_at + size_of::<SID_AND_ATTRIBUTES>();
        let size = sid_at + sid.len();
        let mut block: Box<[u64]> = vec![0; size.div_ceil(8)].into_boxed_slice();
        let base = block.as_mut_ptr().cast::<u8>();
        // SAFETY: the block holds all four parts at aligned offsets, zeroed, which is valid for each of them.
        unsafe {
            let hash = base.add(hash_at).cast::<SID_AND_ATTRIBUTES_HASH>();
            let attributes = base.add(attributes_at).cast::<SID_AND_ATTRIBUTES>();
            base.add(sid_at).copy_from_nonoverlapping(sid.as_ptr(), sid.len());
            (*base.cast::<TOKEN_ACCESS_INFORMATION>()).SidHash = hash;
            (*hash).SidCount = 1;
            (*hash).SidAttr = attributes;
            (*attributes).Sid = base.add(sid_at).cast();
        }
        self.tokens.push(block);
        self.blobs.push(Box::new(FWP_BYTE_BLOB { size: size as u32, data: base }));
        self.blobs.last_mut().map_or(std::ptr::null_mut(), |blob| &raw mut **blob)
    }
}

/// A condition of a filter, copied out of the driver's memory.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) field: usize,
    pub(crate) kind: FWP_MATCH_TYPE,
    pub(crate) operand: Operand,
}

/// What a condition compares with.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Value(Value),
    V4Mask { address: u32, mask: u32 },
    V6Prefix { address: [u8; 16], bits: u8 },
    Range(Value, Value),
}

impl Condition {
    /// Whether the value matches; a type that cannot be compared does not.
    pub(crate) fn matches(&self, value: &Value) -> bool {
        match &self.operand {
            Operand::V4Mask { address, mask } => {
                let equal = matches!(value, Value::U32(value) if value & mask == address & mask);
                equal != (self.kind == FWP_MATCH_NOT_EQUAL)
            }
            Operand::V6Prefix { address, bits } => {
                let mask = u128::MAX.checked_shl(128 - u32::from((*bits).min(128))).unwrap_or(0);
                let wanted = u128::from_be_bytes(*address) & mask;
                let equal = matches!(value, Value::Bytes16(v) if u128::from_be_bytes(*v) & mask == wanted);
                equal != (self.kind == FWP_MATCH_NOT_EQUAL)
            }
            Operand::Range(low, high) => match (value.number(), low.number(), high.number()) {
                (Some(value), Some(low), Some(high)) => (low..=high).contains(&value),
                _ => false,
            },
            Operand::Value(operand) => self.compare(value, operand),
        }
    }

    fn compare(&self, value: &Value, operand: &Value) -> bool {
        let numbers = value.number().zip(operand.number());
        match self.kind {
            FWP_MATCH_EQUAL | FWP_MATCH_EQUAL_CASE_INSENSITIVE => value == operand,
            FWP_MATCH_NOT_EQUAL => value != operand,
            FWP_MATCH_GREATER => numbers.is_some_and(|(a, b)| a > b),
            FWP_MATCH_LESS => numbers.is_some_and(|(a, b)| a < b),
            FWP_MATCH_GREATER_OR_EQUAL => numbers.is_some_and(|(a, b)| a >= b),
            FWP_MATCH_LESS_OR_EQUAL => numbers.is_some_and(|(a, b)| a <= b),
            FWP_MATCH_FLAGS_ALL_SET => numbers.is_some_and(|(a, b)| a & b == b),
            FWP_MATCH_FLAGS_ANY_SET => numbers.is_some_and(|(a, b)| a & b != 0),
            FWP_MATCH_FLAGS_NONE_SET => numbers.is_some_and(|(a, b)| a & b == 0),
            _ => false,
        }
    }
}

/// Copies a value of a driver; `None` for a type that the lab does not know.
///
/// # Safety
/// The value is valid with everything it points to.
pub(crate) unsafe fn lift(value: &FWP_VALUE0) -> Option<Value> {
    // SAFETY: the type says which member is valid; the caller guarantees the pointers.
    unsafe {
        Some(match value.r#type {
            FWP_EMPTY => Value::Empty,
            FWP_UINT8 => Value::U8(value.u.uint8),
            FWP_UINT16 => Value::U16(value.u.uint16),
            FWP_UINT32 => Value::U32(value.u.uint32),
            FWP_UINT64 => Value::U64(value.u.uint64.as_ref().copied()?),
            FWP_BYTE_ARRAY16_TYPE => Value::Bytes16(value.u.byteArray16.as_ref()?.byteArray16),
            FWP_BYTE_ARRAY6_TYPE => Value::Mac(value.u.byteArray6.as_ref()?.byteArray6),
            FWP_BYTE_BLOB_TYPE => {
                let blob = value.u.byteBlob.as_ref()?;
                Value::Blob(std::slice::from_raw_parts(blob.data, blob.size as usize).into())
            }
            _ => return None,
        })
    }
}

/// Copies the operand of a driver's condition.
///
/// # Safety
/// As for [`lift`].
pub(crate) unsafe fn lift_operand(value: &FWP_CONDITION_VALUE0) -> Option<Operand> {
    // SAFETY: as in `lift`; the two unions share their first members and layout.
    unsafe {
        Some(match value.r#type {
            FWP_V4_ADDR_MASK => {
                let mask = value.u.v4AddrMask.as_ref()?;
                Operand::V4Mask { address: mask.addr, mask: mask.mask }
            }
            FWP_V6_ADDR_MASK => {
                let mask = value.u.v6AddrMask.as_ref()?;
                Operand::V6Prefix { address: mask.addr, bits: mask.prefixLength }
            }
            FWP_RANGE_TYPE => {
                let range = value.u.rangeValue.as_ref()?;
                Operand::Range(lift(&range.valueLow)?, lift(&range.valueHigh)?)
            }
            _ => Operand::Value(lift(&*(&raw const *value).cast::<FWP_VALUE0>())?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(kind: FWP_MATCH_TYPE, operand: Operand) -> Condition {
        Condition { field: 0, kind, operand }
    }

    #[test]
    fn conditions_match_by_their_type() {
        let port = |kind, value| condition(kind, Operand::Value(Value::U16(value)));
        assert!(port(FWP_MATCH_EQUAL, 80).matches(&Value::U16(80)));
        assert!(!port(FWP_MATCH_EQUAL, 80).matches(&Value::U32(80)), "another type");
        assert!(port(FWP_MATCH_GREATER, 79).matches(&Value::U16(80)));
        assert!(!port(FWP_MATCH_LESS, 80).matches(&Value::U16(80)));
        let flags = |kind| condition(kind, Operand::Value(Value::U32(5)));
        assert!(flags(FWP_MATCH_FLAGS_ALL_SET).matches(&Value::U32(7)));
        assert!(!flags(FWP_MATCH_FLAGS_ALL_SET).matches(&Value::U32(1)));
        assert!(flags(FWP_MATCH_FLAGS_ANY_SET).matches(&Value::U32(1)));
        assert!(flags(FWP_MATCH_FLAGS_NONE_SET).matches(&Value::U32(2)));
        let range = condition(FWP_MATCH_RANGE, Operand::Range(Value::U16(10), Value::U16(20)));
        assert!(range.matches(&Value::U16(20)) && !range.matches(&Value::U16(21)));
        let net = condition(FWP_MATCH_EQUAL, Operand::V4Mask { address: 0x0a00_0000, mask: 0xff00_0000 });
        assert!(net.matches(&Value::U32(0x0a01_0203)) && !net.matches(&Value::U32(0x0b01_0203)));
        let mut address = [0; 16];
        address[0] = 0xfd;
        let prefix = condition(FWP_MATCH_EQUAL, Operand::V6Prefix { address, bits: 8 });
        address[15] = 9;
        assert!(prefix.matches(&Value::Bytes16(address)));
        address[0] = 0xfe;
        assert!(!prefix.matches(&Value::Bytes16(address)));
        assert!(
            condition(FWP_MATCH_EQUAL, Operand::V6Prefix { address, bits: 0 })
                .matches(&Value::Bytes16([1; 16]))
        );
    }

    #[test]
    fn a_token_carries_its_user() {
        let sid: Arc<[u8]> = Arc::from([1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]);
        let mut fixed = Fixed::new(&[Value::Token(sid.clone()), Value::U64(7)]);
        let incoming = fixed.incoming(48);
        assert_eq!(incoming.valueCount, 2);
        // SAFETY: the values live in `fixed`.
        unsafe {
            let value = &(*incoming.incomingValue).value;
            assert_eq!(value.r#type, FWP_TOKEN_ACCESS_INFORMATION_TYPE);
            let token = (*value.u.tokenAccessInformation).data.cast::<TOKEN_ACCESS_INFORMATION>();
            let first = (*(*token).SidHash).SidAttr;
            let bytes = std::slice::from_raw_parts((*first).Sid.cast::<u8>(), sid.len());
            assert_eq!(bytes, &*sid);
            assert_eq!(*(*incoming.incomingValue.add(1)).value.u.uint64, 7);
        }
    }
}
