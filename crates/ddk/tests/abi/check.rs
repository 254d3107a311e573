//! The comparison of source and oracle.
use std::collections::BTreeSet;

use crate::oracle::{self, Oracle};
use crate::source::{Signature, Source};

/// Functions that do not return, which C prototypes here do not say.
const NO_RETURN: [&str; 4] = ["ExRaiseAccessViolation", "ExRaiseStatus", "KeBugCheck", "KeBugCheckEx"];

/// Public Rust items that stand for no C item.
const OWN: [&str; 6] = ["guid", "Slot", "IMPORTS", "WdfFunctions", "WdfDriverGlobals", "WdfFunctionCount"];

/// Pointer constants, compared by name only.
const NULLS: &str = "WDF_NO_";

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub structs: usize,
    pub fields: usize,
    pub bit_fields: usize,
    pub constants: usize,
    pub enum_values: usize,
    pub guids: usize,
    pub functions: usize,
    pub callbacks: usize,
    pub slots: usize,
    pub types: usize,
    pub inlines: usize,
}

pub struct Checker<'a> {
    source: &'a Source,
    oracle: &'a Oracle,
    pub counts: Counts,
    pub errors: Vec<String>,
    /// Helper types reached from a structure that C names.
    reached: BTreeSet<String>,
}

impl<'a> Checker<'a> {
    pub fn run(source: &'a Source, oracle: &'a Oracle) -> Self {
        let mut checker =
            Self { source, oracle, counts: Counts::default(), errors: Vec::new(), reached: BTreeSet::new() };
        checker.errors.extend(source.unclassified.iter().map(|item| format!("unclassified: {item}")));
        checker.structs();
        checker.types();
        checker.constants();
        checker.functions();
        checker.slots();
        checker.inlines();
        checker
    }

    fn fail(&mut self, message: String) {
        self.errors.push(message);
    }

    /// Canonical form of a Rust type, comparable with [`Oracle::canonical`].
    fn canonical(&self, rust: &str) -> String {
        for pointer in ["*mut ", "*const "] {
            if let Some(pointee) = rust.strip_prefix(pointer) {
                return format!("{pointer}{}", self.canonical(pointee));
            }
        }
        if let Some(array) = rust.strip_prefix('[').and_then(|rust| rust.strip_suffix(']')) {
            let (element, length) = array.rsplit_once(';').expect("array length");
            return format!("[{};{length}]", self.canonical(element));
        }
        if rust.ends_with("::Type") {
            return "i32".to_owned();
        }
        if self.source.callbacks.contains_key(rust) {
            return self.oracle.canonical(rust, false);
        }
        // A structure's C name may be an alias of its tag; both are listed under one name.
        let listed = self.oracle.listed(rust);
        if self.oracle.structs.contains_key(listed) {
            return listed.to_owned();
        }
        match self.source.aliases.get(rust) {
            Some(target) => self.canonical(target),
            None => rust.to_owned(),
        }
    }

    fn structs(&mut self) {
        let source = self.source;
        for name in source.structs.keys() {
            let listed = self.oracle.listed(name);
            let Some(entry) = self.oracle.structs.get(listed).filter(|entry| !entry.fields.is_empty()) else {
                continue;
            };
            let Some(layout) = source.layouts.get(name) else {
                self.fail(format!("{name}: no layout! statement"));
                continue;
            };
            self.counts.structs += 1;
            if (layout.size, layout.align) != (entry.size, entry.align) {
                let (size, align) = (layout.size, layout.align);
                self.fail(format!("{name}: {size}/{align}, C has {}/{}", entry.size, entry.align));
            }
            let mut stated: BTreeSet<&str> = layout.fields.iter().map(|(path, ..)| path.as_str()).collect();
            let mut bytes = vec![false; usize::try_from(entry.size).expect("size")];
            self.members(name, name, "", "", entry, &mut stated, &mut bytes);
            for path in stated {
                self.fail(format!("{name}.{path}: layout! states a field that is not declared"));
            }
            for field in entry.fields.iter().filter(|field| field.size > 0) {
                // Where C has several views of the same bytes, one is enough; it may be the narrower one.
                if !bytes[usize::try_from(field.offset).expect("offset")] {
                    self.fail(format!("{name}: nothing is declared where C has {}", field.name));
                }
            }
        }
        for name in source.layouts.keys().filter(|name| !source.structs.contains_key(*name)) {
            self.fail(format!("{name}: layout! without a type"));
        }
        for name in source.structs.keys() {
            let known =
                self.oracle.structs.get(self.oracle.listed(name)).is_some_and(|e| !e.fields.is_empty());
            if !known && !self.reached.contains(name) {
                self.fail(format!("{name}: C has no such structure"));
            }
        }
        for name in &source.opaques {
            self.counts.types += 1;
            if !self.oracle.knows_struct(name) {
                self.fail(format!("{name}: C has no such structure (opaque)"));
            }
        }
        for name in source.bits.keys() {
            if !self.reached.contains(name) && !source.layouts.contains_key(name) {
                self.fail(format!("{name}: bit fields of a type that no structure contains"));
            }
        }
    }

    /// Compares the members of `ty`, which lies in `root` at the Rust path `at` and the C path `c`.
    #[expect(clippy::too_many_arguments, reason = "a recursive walk with its whole state in the open")]
    fn members(
        &mut self,
        root: &str,
        ty: &str,
        at: &str,
        c: &str,
        entry: &oracle::Struct,
        stated: &mut BTreeSet<&str>,
        bytes: &mut [bool],
    ) {
        let source = self.source;
        let record = &source.structs[ty];
        if at.is_empty() && record.union != (entry.kind == "union") {
            self.fail(format!("{root}: struct and union confused"));
        }
        if let Some(bits) = source.bits.get(ty) {
            for (_, name, offset, width) in bits {
                self.counts.bit_fields += 1;
                let path = join(c, name);
                let found = entry.fields.iter().find(|field| field.name == path).and_then(|field| field.bits);
                if found != Some((*offset, *width)) {
                    self.fail(format!("{root}.{path}: bits {offset}, {width}, C has {found:?}"));
                }
            }
        }
        for (name, field_ty) in &record.fields {
            if name.starts_with("__bindgen_padding_") || name.starts_with("_padding_") {
                continue;
            }
            let path = join(at, name);
            let c_path = join(c, name);
            let found = entry.fields.iter().find(|field| field.name == c_path && field.bits.is_none());
            let helper = source.structs.contains_key(field_ty)
                && !self.oracle.structs.contains_key(self.oracle.listed(field_ty));
            let stated_here = self.source.layouts[root].fields.iter().find(|(stated, ..)| *stated == path);
            stated.remove(path.as_str());
            if helper {
                self.reached.insert(field_ty.clone());
                if let Some(field) = found {
                    self.place(root, &path, stated_here, field.offset, field.size, bytes);
                }
                // A member that C does not name adds nothing to the C path.
                let inner = if found.is_some() { c_path } else { c.to_owned() };
                self.members(root, field_ty, &path, &inner, entry, stated, bytes);
                continue;
            }
            if let Some(field) = found {
                self.place(root, &path, stated_here, field.offset, field.size, bytes);
                let (rust, expected) = (self.canonical(field_ty), self.oracle.canonical(&field.ty, false));
                if rust != expected {
                    self.fail(format!(
                        "{root}.{path}: type {field_ty} ({rust}), C has {} ({expected})",
                        field.ty
                    ));
                }
                continue;
            }
            // Storage of bit fields: C names the bits only.
            let storage = stated_here.and_then(|(_, offset, size)| {
                entry.fields.iter().find(|f| f.bits.is_some() && f.offset == *offset && f.size == *size)
            });
            match storage {
                Some(field) => {
                    self.place(root, &path, stated_here, field.offset, field.size, bytes);
                    let (rust, expected) =
                        (self.canonical(field_ty), self.oracle.canonical(&field.ty, false));
                    if rust != expected {
                        self.fail(format!("{root}.{path}: storage {rust}, C has {expected}"));
                    }
                }
                None => self.fail(format!("{root}.{path}: C has no such field")),
            }
        }
    }

    fn place(
        &mut self,
        root: &str,
        path: &str,
        stated: Option<&(String, u64, u64)>,
        offset: u64,
        size: u64,
        bytes: &mut [bool],
    ) {
        self.counts.fields += 1;
        match stated {
            None => self.fail(format!("{root}.{path}: not in layout!")),
            Some((_, at, length)) if (*at, *length) != (offset, size) => {
                self.fail(format!("{root}.{path}: {at}, {length}, C has {offset}, {size}"));
            }
            Some(_) => {}
        }
        let range = usize::try_from(offset).expect("offset")..usize::try_from(offset + size).expect("end");
        if let Some(covered) = bytes.get_mut(range) {
            covered.fill(true);
        }
    }

    fn types(&mut self) {
        let source = self.source;
        for (name, target) in &source.aliases {
            self.counts.types += 1;
            if name.ends_with("::Type") {
                if target != "i32" {
                    self.fail(format!("{name} is {target}"));
                }
                continue;
            }
            let oracle = self.oracle;
            let known = oracle.typedefs.contains_key(name)
                || oracle.aliases.contains_key(name)
                || oracle.callbacks.contains_key(name)
                || oracle.structs.contains_key(oracle.listed(name))
                || oracle.enums.contains_key(oracle.listed(name));
            let (rust, expected) = (self.canonical(target), oracle.canonical(name, false));
            if !known {
                self.fail(format!("{name}: C has no such type"));
            } else if rust != expected && self.canonical(&expected) != rust {
                self.fail(format!("{name}: {target} ({rust}), C has {expected}"));
            }
        }
        for (name, signature) in &source.callbacks {
            self.counts.callbacks += 1;
            match self.oracle.callbacks.get(name) {
                Some(entry) => self.signature(name, signature, &entry.params, &entry.ret),
                None => self.fail(format!("{name}: C has no such callback")),
            }
        }
        for name in &source.enum_modules {
            let Some(entry) = self.oracle.enums.get(self.oracle.listed(name)) else {
                self.fail(format!("{name}: C has no such enumeration"));
                continue;
            };
            for value in entry.values.keys() {
                if !source.constants.iter().any(|(c, at)| c == value && at.module.as_ref() == Some(name)) {
                    self.fail(format!("{name}::{value} is missing"));
                }
            }
        }
        for (name, statics) in &source.statics {
            let ty = match name.as_str() {
                "WdfFunctions" => "const WDFFUNC *",
                _ => match self.oracle.globals.get(name) {
                    Some(entry) => entry.ty.as_str(),
                    None => {
                        self.fail(format!("{name}: C has no such variable"));
                        continue;
                    }
                },
            };
            let (rust, expected) = (self.canonical(statics), self.oracle.canonical(ty, false));
            if rust != expected {
                self.fail(format!("{name}: {rust}, C has {expected}"));
            }
        }
    }

    fn signature(&mut self, name: &str, rust: &Signature, params: &[(String, String)], ret: &str) {
        let params: Vec<_> = params.iter().filter(|(ty, _)| ty != "void").collect();
        if rust.params.len() != params.len() {
            return self.fail(format!("{name}: {} parameters, C has {}", rust.params.len(), params.len()));
        }
        for (index, (ours, (theirs, _))) in rust.params.iter().zip(params).enumerate() {
            let (ours, expected) = (self.canonical(ours), self.oracle.canonical(theirs, true));
            if ours != expected {
                self.fail(format!("{name}: parameter {} is {ours}, C has {theirs} ({expected})", index + 1));
            }
        }
        let ours = match rust.ret.as_str() {
            "" => "c_void".to_owned(),
            "!" if NO_RETURN.contains(&name) => "c_void".to_owned(),
            ty => self.canonical(ty),
        };
        let expected = self.oracle.canonical(ret, false);
        if ours != expected {
            self.fail(format!("{name}: returns {ours}, C has {ret} ({expected})"));
        }
    }

    fn constants(&mut self) {
        let source = self.source;
        for (name, constant) in &source.constants {
            if OWN.contains(&name.as_str()) || name.starts_with(NULLS) {
                self.counts.inlines += 1;
                continue;
            }
            if let Some(bits) = constant.guid {
                self.counts.guids += 1;
                let hex = format!("{bits:032x}");
                let text = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
                if self.oracle.guids.get(name) != Some(&text) {
                    self.fail(format!("{name}: {text}, C has {:?}", self.oracle.guids.get(name)));
                }
                continue;
            }
            let Some(value) = constant.value else {
                self.fail(format!("{name}: {} is not a literal", constant.text));
                continue;
            };
            let listed = constant.module.as_ref().map(|module| self.oracle.listed(module));
            let listed = listed.or_else(|| {
                Some(self.oracle.listed(&constant.ty)).filter(|ty| self.oracle.enums.contains_key(*ty))
            });
            let expected = match listed {
                Some(listed) => {
                    self.counts.enum_values += 1;
                    self.oracle
                        .enums
                        .get(listed)
                        .and_then(|e| e.values.get(name))
                        .map(|value| i128::from(*value))
                }
                None => {
                    self.counts.constants += 1;
                    self.oracle.constants.get(name).copied()
                }
            };
            let ty = if constant.ty == "Type" { "i32".to_owned() } else { self.canonical(&constant.ty) };
            let bits = match ty.as_str() {
                "u8" => 8,
                "u16" => 16,
                "u32" | "i32" => 32,
                "u64" => 64,
                _ => {
                    self.fail(format!("{name}: type {ty}"));
                    continue;
                }
            };
            let Some(expected) = expected else {
                self.fail(format!("{name}: C has no such constant"));
                continue;
            };
            // The C value must fit the Rust type, read as signed or unsigned, and be the same bits.
            let fits = expected >= -(1 << (bits - 1)) && expected < (1 << bits);
            if !fits || (value - expected).rem_euclid(1 << bits) != 0 {
                self.fail(format!("{name}: {value:#x}, C has {expected:#x}"));
            }
        }
        // An enumeration outside `nt` is an alias with its values beside it: none may be missing.
        for (name, entry) in &self.oracle.enums {
            if source.aliases.get(name).is_some_and(|target| target == "i32") {
                for value in entry.values.keys() {
                    if !source.constants.iter().any(|(constant, _)| constant == value) {
                        self.fail(format!("{name}: {value} is missing"));
                    }
                }
            }
        }
    }

    fn functions(&mut self) {
        let source = self.source;
        let exports = include_str!("../data/exports.txt");
        let exports: BTreeSet<&str> =
            exports.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).collect();
        for (name, (dll, signature)) in &source.functions {
            self.counts.functions += 1;
            let Some(entry) = self.oracle.functions.get(name) else {
                self.fail(format!("{name}: C has no such function"));
                continue;
            };
            if entry.dll.as_deref() != Some(dll) {
                self.fail(format!("{name}: imported from {dll}, C has {:?}", entry.dll));
            }
            if entry.exported != true && entry.exported != "unknown" {
                self.fail(format!("{name}: not exported"));
            }
            if !exports.contains(format!("{dll}!{name}").as_str()) {
                self.fail(format!("{name}: not in exports.txt"));
            }
            if entry.variadic != signature.variadic {
                self.fail(format!("{name}: variadic"));
            }
            self.signature(name, signature, &entry.params, &entry.ret);
        }
    }

    fn slots(&mut self) {
        let source = self.source;
        for (name, (index, ty)) in &source.slots {
            self.counts.slots += 1;
            let Some(entry) = self.oracle.functions.get(name) else {
                self.fail(format!("{name}: C has no such framework function"));
                continue;
            };
            let number = source
                .constants
                .iter()
                .find(|(constant, at)| constant == index && at.module.as_deref() == Some("_WDFFUNCENUM"))
                .and_then(|(_, constant)| constant.value);
            if number != entry.table_index.map(i128::from) || number.is_none() {
                self.fail(format!("{name}: slot {number:?}, C has {:?}", entry.table_index));
            }
            if Some(ty) != entry.table_type.as_ref() {
                self.fail(format!("{name}: type {ty}, C has {:?}", entry.table_type));
            }
        }
    }

    fn inlines(&mut self) {
        for name in &self.source.inlines {
            self.counts.inlines += 1;
            let inline = self.oracle.functions.get(name).is_some_and(|entry| entry.inline);
            if !inline && !self.oracle.macros.contains_key(name) && !OWN.contains(&name.as_str()) {
                self.fail(format!("{name}: C has no such inline function or macro"));
            }
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
