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
        }
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
    fn values_encode_as_in_a_hive() {
        assert_eq!(Value::String("a".into()).encode(), (1, vec![b'a', 0, 0, 0]));
        assert_eq!(Value::Strings(vec!["a".into()]).encode(), (7, vec![b'a', 0, 0, 0, 0, 0]));
        assert_eq!(Value::Dword(1).encode(), (4, vec![1, 0, 0, 0]));
    }
}
