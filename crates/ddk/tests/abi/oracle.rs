//! The facts about the C headers, from `tests/data/*.json`.
use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub struct Field {
    pub name: String,
    pub offset: u64,
    pub size: u64,
    #[serde(rename = "type")]
    pub ty: String,
    pub bits: Option<(u32, u32)>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Struct {
    pub kind: String,
    pub size: u64,
    pub align: u64,
    pub tag: Option<String>,
    #[serde(default)]
    pub aliases: Vec<String>,
    #[serde(default)]
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Enum {
    pub tag: Option<String>,
    #[serde(default)]
    pub aliases: Vec<String>,
    pub values: BTreeMap<String, i64>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Typedef {
    #[serde(rename = "type")]
    pub ty: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Callback {
    pub kind: String,
    pub of: Option<String>,
    pub ret: String,
    pub params: Vec<(String, String)>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Function {
    pub ret: String,
    pub params: Vec<(String, String)>,
    #[serde(default)]
    pub inline: bool,
    pub dll: Option<String>,
    #[serde(default)]
    pub exported: serde_json::Value,
    #[serde(default)]
    pub variadic: bool,
    pub table_index: Option<i64>,
    pub table_type: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Oracle {
    pub structs: BTreeMap<String, Struct>,
    pub enums: BTreeMap<String, Enum>,
    pub typedefs: BTreeMap<String, Typedef>,
    pub callbacks: BTreeMap<String, Callback>,
    pub constants: BTreeMap<String, i128>,
    pub guids: BTreeMap<String, String>,
    pub functions: BTreeMap<String, Function>,
    pub aliases: BTreeMap<String, String>,
    pub globals: BTreeMap<String, Typedef>,
    pub macros: BTreeMap<String, serde_json::Value>,
    /// Tag or further name of a structure -> its name.
    #[serde(skip)]
    other_names: BTreeMap<String, String>,
}

impl Oracle {
    /// All families in one.
    pub fn load() -> Self {
        let mut all = Self::default();
        for family in [
            include_str!("../data/nt.json"),
            include_str!("../data/wdf.json"),
            include_str!("../data/ndis.json"),
            include_str!("../data/fwps.json"),
            include_str!("../data/fwpm.json"),
            include_str!("../data/netio.json"),
            include_str!("../data/wsk.json"),
        ] {
            let one: Self = serde_json::from_str(family).expect("oracle file");
            all.structs.extend(one.structs);
            all.enums.extend(one.enums);
            all.typedefs.extend(one.typedefs);
            all.callbacks.extend(one.callbacks);
            all.constants.extend(one.constants);
            all.guids.extend(one.guids);
            all.functions.extend(one.functions);
            all.aliases.extend(one.aliases);
            all.globals.extend(one.globals);
            all.macros.extend(one.macros);
        }
        for (name, entry) in &all.structs {
            for other in entry.tag.iter().chain(&entry.aliases) {
                all.other_names.insert(other.clone(), name.clone());
            }
        }
        for (name, entry) in &all.enums {
            for other in entry.tag.iter().chain(&entry.aliases) {
                all.other_names.insert(other.clone(), name.clone());
            }
        }
        all
    }

    /// The name under which a structure or enumeration is listed.
    pub fn listed<'a>(&'a self, name: &'a str) -> &'a str {
        if self.structs.contains_key(name) || self.enums.contains_key(name) {
            return name;
        }
        self.other_names.get(name).map_or(name, String::as_str)
    }

    /// Canonical form of a C type: typedefs resolved down to primitives, structures and callbacks.
    pub fn canonical(&self, c: &str, param: bool) -> String {
        let c = c.replace("volatile", "");
        let c = c.trim();
        if let Some(open) = c.find('[') {
            let element = &c[..open];
            if param {
                return format!("*mut {}", self.canonical(element, false));
            }
            let mut ty = self.canonical(element, false);
            for dimension in
                c[open + 1..].trim_end_matches(']').split("][").collect::<Vec<_>>().into_iter().rev()
            {
                ty = format!("[{ty};{}]", if dimension.is_empty() { "0" } else { dimension });
            }
            return ty;
        }
        let c = c.strip_suffix("const").filter(|rest| rest.trim_end().ends_with('*')).unwrap_or(c).trim();
        if let Some(pointee) = c.strip_suffix('*') {
            let pointee = pointee.trim();
            if self.callbacks.get(pointee).is_some_and(|callback| callback.kind == "fn") {
                return self.canonical(pointee, false);
            }
            if let Some(constant) = pointee.strip_prefix("const ").filter(|pointee| !pointee.contains('*')) {
                return format!("*const {}", self.canonical(constant, false));
            }
            return format!("*mut {}", self.canonical(pointee, false));
        }
        let c = c.strip_prefix("const ").unwrap_or(c);
        let c = ["struct ", "union ", "enum "].iter().find_map(|word| c.strip_prefix(word)).unwrap_or(c);
        let primitive = match c {
            "void" => "c_void",
            "char" => "c_char",
            "signed char" => "i8",
            "unsigned char" => "u8",
            "short" => "i16",
            "unsigned short" | "wchar_t" => "u16",
            "int" | "long" | "signed int" => "i32",
            // `UINT` is windef.h's, which is not among the headers read.
            "unsigned int" | "unsigned long" | "UINT" => "u32",
            "long long" | "__int64" => "i64",
            "unsigned long long" | "unsigned __int64" => "u64",
            "size_t" => "usize",
            "float" => "f32",
            "double" => "f64",
            _ => "",
        };
        if !primitive.is_empty() {
            return primitive.to_owned();
        }
        let name = self.listed(c);
        if self.structs.contains_key(name) {
            return name.to_owned();
        }
        if self.enums.contains_key(name) {
            return "i32".to_owned();
        }
        if let Some(callback) = self.callbacks.get(c) {
            return callback.of.as_ref().map_or_else(|| c.to_owned(), |of| self.canonical(of, false));
        }
        if let Some(typedef) = self.typedefs.get(c) {
            return self.canonical(&typedef.ty, false);
        }
        if let Some(target) = self.aliases.get(c) {
            return self.canonical(target, false);
        }
        c.to_owned()
    }

    /// True if some C type names this structure, or it is listed.
    pub fn knows_struct(&self, name: &str) -> bool {
        self.structs.contains_key(self.listed(name))
            || self.typedefs.values().any(|typedef| {
                let mut words = typedef.ty.split(|c: char| !(c.is_alphanumeric() || c == '_'));
                words.any(|word| word == name)
            })
            || self.structs.values().flat_map(|entry| &entry.fields).any(|field| {
                field.ty.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name)
            })
    }
}
