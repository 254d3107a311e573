//! The registry: keys and values in memory, set by tests and read by drivers.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// REG_DWORD.
    Dword(u32),
    /// REG_QWORD.
    Qword(u64),
    /// REG_SZ.
    String(String),
    /// REG_MULTI_SZ.
    Strings(Vec<String>),
    /// REG_BINARY.
    Binary(Vec<u8>),
    /// Any other REG_ type, and its bytes.
    Raw(u32, Vec<u8>),
}

impl Value {
    /// The REG_ type and the bytes as they are stored.
    pub fn encode(&self) -> (u32, Vec<u8>) {
        let terminated =
            |text: &str| -> Vec<u8> { text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect() };
        match self {
            Self::String(text) => (1, terminated(text)),
            Self::Binary(bytes) => (3, bytes.clone()),
            Self::Dword(value) => (4, value.to_le_bytes().to_vec()),
            Self::Strings(texts) => {
                let mut bytes: Vec<u8> = texts.iter().flat_map(|text| terminated(text)).collect();
                bytes.extend([0, 0]);
                (7, bytes)
            }
            Self::Qword(value) => (11, value.to_le_bytes().to_vec()),
            Self::Raw(kind, bytes) => (*kind, bytes.clone()),
        }
    }
}

impl Value {
    /// The value that a REG_ type and its bytes are; one that is not well formed stays as it is.
    pub fn decode(kind: u32, bytes: &[u8]) -> Self {
        let text = |bytes: &[u8]| {
            let units: Vec<u16> =
                bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
            String::from_utf16(&units).ok()
        };
        let decoded = match (kind, bytes.len()) {
            (1, _) => text(bytes).and_then(|text| Some(Self::String(text.strip_suffix('\0')?.to_owned()))),
            (3, _) => Some(Self::Binary(bytes.to_vec())),
            (4, 4) => bytes.first_chunk().map(|bytes| Self::Dword(u32::from_le_bytes(*bytes))),
            (7, _) => text(bytes).and_then(|text| {
                let texts = text.strip_suffix("\0\0")?;
                Some(Self::Strings(texts.split('\0').map(str::to_owned).collect()))
            }),
            (11, 8) => bytes.first_chunk().map(|bytes| Self::Qword(u64::from_le_bytes(*bytes))),
            _ => None,
        };
        decoded.filter(|value| value.encode().1 == bytes).unwrap_or_else(|| Self::Raw(kind, bytes.to_vec()))
    }
}

type Key = BTreeMap<String, Value>;

/// The registry of the machine. Names do not depend on case.
#[derive(Debug)]
pub struct Registry {
    keys: Mutex<BTreeMap<String, Key>>,
}

static REGISTRY: Registry = Registry { keys: Mutex::new(BTreeMap::new()) };

fn fold(name: &str) -> String {
    name.trim_end_matches('\\').to_lowercase()
}

impl Registry {
    /// The registry.
    pub fn get() -> &'static Self {
        &REGISTRY
    }

    fn with<R>(&self, body: impl FnOnce(&mut BTreeMap<String, Key>) -> R) -> R {
        body(&mut self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Creates `key` if it does not exist.
    pub fn create(&self, key: &str) {
        self.with(|keys| {
            keys.entry(fold(key)).or_default();
        });
    }

    /// Sets a value, and creates its key.
    pub fn set(&self, key: &str, name: &str, value: Value) {
        self.with(|keys| keys.entry(fold(key)).or_default().insert(fold(name), value));
    }

    /// Whether `key` exists, itself or as the parent of another one.
    pub fn exists(&self, key: &str) -> bool {
        let key = fold(key);
        self.with(|keys| {
            keys.keys().any(|known| {
                known.strip_prefix(&key).is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
            })
        })
    }

    /// Removes `key`; false if it does not exist or has keys below it.
    pub fn remove(&self, key: &str) -> bool {
        self.children(key).is_empty() && self.with(|keys| keys.remove(&fold(key)).is_some())
    }

    /// Removes the value `name` of `key`; whether it was there.
    pub fn remove_value(&self, key: &str, name: &str) -> bool {
        self.with(|keys| keys.get_mut(&fold(key)).is_some_and(|key| key.remove(&fold(name)).is_some()))
    }

    /// The names of the keys directly below `key`, in lower case and order.
    pub fn children(&self, key: &str) -> Vec<String> {
        let prefix = fold(key) + "\\";
        let child = |known: &String| Some(known.strip_prefix(&prefix)?.split('\\').next()?.to_owned());
        let mut names: Vec<String> = self.with(|keys| keys.keys().filter_map(child).collect());
        names.dedup();
        names
    }

    /// The values of `key`, names in lower case and order.
    pub fn values(&self, key: &str) -> Vec<(String, Value)> {
        let pairs = |key: &Key| key.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        self.with(|keys| keys.get(&fold(key)).map(pairs).unwrap_or_default())
    }

    /// The value `name` of `key`.
    pub fn value(&self, key: &str, name: &str) -> Option<Value> {
        self.with(|keys| keys.get(&fold(key))?.get(&fold(name)).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_and_parents_exist() {
        let registry = Registry { keys: Mutex::default() };
        registry.set(r"\Registry\Machine\A\B", "Size", Value::Dword(7));
        assert_eq!(registry.value(r"\registry\machine\a\b\", "SIZE"), Some(Value::Dword(7)));
        assert!(registry.exists(r"\Registry\Machine\A"));
        assert!(!registry.exists(r"\Registry\Machine\A\B\C") && !registry.exists(r"\Registry\Mach"));
    }

    #[test]
    fn keys_and_values_are_listed_and_removed() {
        let registry = Registry { keys: Mutex::default() };
        registry.set(r"\A\B\C", "x", Value::Dword(1));
        registry.set(r"\A\B", "y", Value::Dword(2));
        registry.create(r"\A\D");
        assert_eq!(registry.children(r"\a"), ["b", "d"]);
        assert_eq!(registry.values(r"\A\B"), [("y".to_owned(), Value::Dword(2))]);
        assert!(!registry.remove(r"\A\B"), "a key with keys below it stays");
        assert!(registry.remove(r"\A\B\C") && registry.remove(r"\A\B") && !registry.remove(r"\A\B"));
        assert!(!registry.remove_value(r"\A\D", "z"));
    }

    #[test]
    fn what_is_encoded_decodes() {
        for value in [
            Value::Dword(7),
            Value::Qword(8),
            Value::String("abc".into()),
            Value::Strings(vec!["a".into(), "b".into()]),
            Value::Binary(vec![1, 2]),
            Value::Raw(4, vec![1]),
        ] {
            let (kind, bytes) = value.encode();
            assert_eq!(Value::decode(kind, &bytes), value);
        }
    }

    #[test]
    fn values_encode_as_in_a_hive() {
        assert_eq!(Value::String("a".into()).encode(), (1, vec![b'a', 0, 0, 0]));
        assert_eq!(Value::Strings(vec!["a".into()]).encode(), (7, vec![b'a', 0, 0, 0, 0, 0]));
        assert_eq!(Value::Dword(1).encode(), (4, vec![1, 0, 0, 0]));
    }
}
