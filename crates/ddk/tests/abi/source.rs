//! What `ddk` declares, read back from its source text.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, Fields, Ident, Item, LitInt, LitStr, Token, Type, Visibility, braced};

#[derive(Debug)]
pub struct Struct {
    pub union: bool,
    pub fields: Vec<(String, String)>,
}

#[derive(Debug)]
pub struct Layout {
    pub size: u64,
    pub align: u64,
    pub fields: Vec<(String, u64, u64)>,
}

#[derive(Debug)]
pub struct Signature {
    pub params: Vec<String>,
    pub ret: String,
    pub variadic: bool,
}

#[derive(Debug)]
pub struct Constant {
    /// The module for the values of an NT enumeration.
    pub module: Option<String>,
    pub ty: String,
    pub value: Option<i128>,
    /// For a GUID.
    pub guid: Option<u128>,
    pub text: String,
}

/// Everything public in the crate, by kind.
#[derive(Debug, Default)]
pub struct Source {
    pub structs: BTreeMap<String, Struct>,
    pub layouts: BTreeMap<String, Layout>,
    pub opaques: Vec<String>,
    /// type -> (storage, [(name, offset, width)])
    pub bits: BTreeMap<String, Vec<(String, String, u32, u32)>>,
    pub aliases: BTreeMap<String, String>,
    pub enum_modules: Vec<String>,
    pub callbacks: BTreeMap<String, Signature>,
    pub functions: BTreeMap<String, (String, Signature)>,
    pub constants: Vec<(String, Constant)>,
    pub inlines: Vec<String>,
    pub statics: BTreeMap<String, String>,
    /// name -> (index constant, function type)
    pub slots: BTreeMap<String, (String, String)>,
    pub unclassified: Vec<String>,
}

fn text(tokens: &impl ToTokens) -> String {
    let text: String = tokens.to_token_stream().to_string();
    // Token streams print with spaces between tokens; only the one after `mut` and `const` means something.
    text.replace("* mut ", "*mut~").replace("* const ", "*const~").replace(' ', "").replace('~', " ")
}

fn public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

/// `name: a, b` entries of `layout!`.
struct Layouts(Vec<(String, Layout)>);

impl Parse for Layouts {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut all = Vec::new();
        while !input.is_empty() {
            let name: Ident = input.parse()?;
            input.parse::<Token![:]>()?;
            let size = input.parse::<LitInt>()?.base10_parse()?;
            input.parse::<Token![,]>()?;
            let align = input.parse::<LitInt>()?.base10_parse()?;
            let body;
            braced!(body in input);
            let mut fields = Vec::new();
            while !body.is_empty() {
                let mut path = vec![body.parse::<Ident>()?.to_string()];
                while body.peek(Token![.]) {
                    body.parse::<Token![.]>()?;
                    path.push(body.parse::<Ident>()?.to_string());
                }
                body.parse::<Token![:]>()?;
                let offset = body.parse::<LitInt>()?.base10_parse()?;
                body.parse::<Token![,]>()?;
                let bytes = body.parse::<LitInt>()?.base10_parse()?;
                body.parse::<Token![;]>()?;
                fields.push((path.join(".").replace("r#", ""), offset, bytes));
            }
            all.push((name.to_string(), Layout { size, align, fields }));
        }
        Ok(Self(all))
    }
}

struct Bits(Vec<(String, String, String, u32, u32)>);

impl Parse for Bits {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut all = Vec::new();
        while !input.is_empty() {
            let ty: Ident = input.parse()?;
            input.parse::<Token![.]>()?;
            let storage: Ident = input.parse()?;
            input.parse::<Token![:]>()?;
            input.parse::<Type>()?;
            let body;
            braced!(body in input);
            while !body.is_empty() {
                let name: Ident = body.parse()?;
                body.parse::<Ident>()?;
                body.parse::<Token![:]>()?;
                let offset: u32 = body.parse::<LitInt>()?.base10_parse()?;
                body.parse::<Token![,]>()?;
                let width: u32 = body.parse::<LitInt>()?.base10_parse()?;
                body.parse::<Token![;]>()?;
                all.push((ty.to_string(), storage.to_string(), name.to_string(), offset, width));
            }
        }
        Ok(Self(all))
    }
}

struct Names(Vec<String>);

impl Parse for Names {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let names = input.parse_terminated(Ident::parse, Token![,])?;
        Ok(Self(names.iter().map(ToString::to_string).collect()))
    }
}

struct Callbacks(Vec<(String, Signature)>);

impl Parse for Callbacks {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut all = Vec::new();
        while !input.is_empty() {
            let item: syn::ItemType = input.parse()?;
            let Type::BareFn(function) = &*item.ty else { return Err(input.error("not a function type")) };
            let params = function.inputs.iter().map(|param| text(&param.ty)).collect();
            all.push((
                item.ident.to_string(),
                Signature { params, ret: ret(&function.output), variadic: false },
            ));
        }
        Ok(Self(all))
    }
}

fn ret(output: &syn::ReturnType) -> String {
    match output {
        syn::ReturnType::Default => String::new(),
        syn::ReturnType::Type(_, ty) => text(&**ty),
    }
}

struct Imports(Vec<(String, String, Signature)>);

impl Parse for Imports {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut all = Vec::new();
        let mut dll = String::new();
        while !input.is_empty() {
            if input.peek(Ident) && input.fork().parse::<Ident>()? == "dll" {
                input.parse::<Ident>()?;
                dll = input.parse::<LitStr>()?.value();
                input.parse::<Token![;]>()?;
                continue;
            }
            let function: syn::ForeignItemFn = input.parse()?;
            let params = function.sig.inputs.iter().map(|param| match param {
                syn::FnArg::Typed(param) => text(&param.ty),
                syn::FnArg::Receiver(_) => "self".to_owned(),
            });
            let params = params.collect();
            let signature = Signature {
                params,
                ret: ret(&function.sig.output),
                variadic: function.sig.variadic.is_some(),
            };
            all.push((dll.clone(), function.sig.ident.to_string(), signature));
        }
        Ok(Self(all))
    }
}

struct Slots(Vec<(String, String, String)>);

impl Parse for Slots {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut all = Vec::new();
        while !input.is_empty() {
            let name: Ident = input.parse()?;
            input.parse::<Token![:]>()?;
            let index: Ident = input.parse()?;
            input.parse::<Token![,]>()?;
            let path: syn::Path = input.parse()?;
            input.parse::<Token![;]>()?;
            let last = path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
            all.push((name.to_string(), index.to_string(), last));
        }
        Ok(Self(all))
    }
}

struct Statics(Vec<String>);

impl Parse for Statics {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut all = Vec::new();
        while !input.is_empty() {
            Attribute::parse_outer(input)?;
            all.push(input.parse::<Ident>()?.to_string());
            input.parse::<Token![,]>()?;
            input.parse::<LitStr>()?;
            input.parse::<Token![;]>()?;
        }
        Ok(Self(all))
    }
}

fn integer(expr: &Expr) -> Option<i128> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            syn::Lit::Int(int) => int.base10_parse().ok(),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => {
            integer(&unary.expr).map(|value| -value)
        }
        Expr::Cast(cast) => integer(&cast.expr),
        Expr::Paren(paren) => integer(&paren.expr),
        _ => None,
    }
}

fn guid(expr: &Expr) -> Option<u128> {
    let Expr::Call(call) = expr else { return None };
    let Some(Expr::Lit(lit)) = call.args.first() else { return None };
    let syn::Lit::Int(int) = &lit.lit else { return None };
    (text(&call.func) == "guid").then(|| int.base10_parse().ok()).flatten()
}

impl Source {
    /// Reads every file of the crate except those that hold macros only.
    pub fn load() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut source = Self::default();
        let mut pending = vec![root];
        let mut files = Vec::new();
        while let Some(path) = pending.pop() {
            if path.is_dir() {
                pending.extend(
                    fs::read_dir(&path).expect("directory").map(|entry| entry.expect("entry").path()),
                );
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
        files.sort();
        for file in &files {
            source.read(file);
        }
        source
    }

    fn read(&mut self, path: &PathBuf) {
        let content = fs::read_to_string(path).expect("source file");
        let file = syn::parse_file(&content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for item in &file.items {
            self.item(item, None, path);
        }
    }

    fn item(&mut self, item: &Item, module: Option<&str>, path: &Path) {
        match item {
            Item::Struct(item) if public(&item.vis) => {
                let Fields::Named(named) = &item.fields else {
                    return self.unclassified.push(format!("{}: {}", path.display(), item.ident));
                };
                // A type that is not `repr(C)` is Rust's own business.
                if !item.attrs.iter().any(|attr| attr.path().is_ident("repr")) {
                    return self.inlines.push(item.ident.to_string());
                }
                self.record(&item.ident, false, named);
            }
            Item::Union(item) if public(&item.vis) => self.record(&item.ident, true, &item.fields),
            Item::Type(item) if public(&item.vis) => {
                let name = if let Some(module) = module {
                    format!("{module}::{}", item.ident)
                } else {
                    item.ident.to_string()
                };
                let ty = text(&*item.ty);
                if let Some(other) =
                    self.aliases.insert(name.clone(), ty.clone()).filter(|other| *other != ty)
                {
                    self.unclassified.push(format!("{name} is both {other} and {ty}"));
                }
            }
            Item::Const(item) if public(&item.vis) => {
                let constant = Constant {
                    module: module.map(str::to_owned),
                    ty: text(&*item.ty),
                    value: integer(&item.expr),
                    guid: guid(&item.expr),
                    text: text(&*item.expr),
                };
                self.constants.push((item.ident.to_string(), constant));
            }
            Item::Mod(item) => {
                let Some((_, items)) = &item.content else { return };
                let name = item.ident.to_string();
                if name == "sig" {
                    return;
                }
                if items.iter().any(|item| matches!(item, Item::Type(item) if item.ident == "Type")) {
                    self.enum_modules.push(name.clone());
                }
                for item in items {
                    self.item(item, Some(&name), path);
                }
            }
            Item::Fn(item) if public(&item.vis) => self.inlines.push(item.sig.ident.to_string()),
            Item::Static(item) if public(&item.vis) => {
                self.statics.insert(item.ident.to_string(), text(&*item.ty));
            }
            Item::ForeignMod(item) => self.unclassified.push(format!("{}: {}", path.display(), text(item))),
            Item::Use(item) if public(&item.vis) => {
                // `pub use self::_TAG::Type as NAME`
                let tree = text(&item.tree);
                if let Some((tag, name)) =
                    tree.strip_prefix("self::").and_then(|tree| tree.split_once("::Typeas"))
                {
                    self.aliases.insert(name.to_owned(), format!("{tag}::Type"));
                }
            }
            Item::Macro(item) => self.invocation(item, path),
            _ => {}
        }
    }

    fn record(&mut self, name: &Ident, union: bool, fields: &syn::FieldsNamed) {
        let fields = fields.named.iter().map(|field| {
            let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
            (name.replace("r#", ""), text(&field.ty))
        });
        let previous = self.structs.insert(name.to_string(), Struct { union, fields: fields.collect() });
        assert!(previous.is_none(), "{name} is declared twice");
    }

    fn invocation(&mut self, item: &syn::ItemMacro, path: &Path) {
        let name = item.mac.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        let tokens = item.mac.tokens.clone();
        let parsed = match name.as_str() {
            "macro_rules" | "zeroed_default" => Ok(()),
            "layout" => syn::parse2::<Layouts>(tokens).map(|all| {
                for (name, layout) in all.0 {
                    assert!(self.layouts.insert(name.clone(), layout).is_none(), "{name} has two layouts");
                }
            }),
            "opaque" => syn::parse2::<Names>(tokens).map(|names| self.opaques.extend(names.0)),
            "bitfields" => syn::parse2::<Bits>(tokens).map(|all| {
                for (ty, storage, name, offset, width) in all.0 {
                    self.bits.entry(ty).or_default().push((storage, name, offset, width));
                }
            }),
            "callback" => syn::parse2::<Callbacks>(tokens).map(|all| self.callbacks.extend(all.0)),
            "imports" => syn::parse2::<Imports>(tokens).map(|all| {
                for (dll, name, signature) in all.0 {
                    assert!(self.functions.insert(name.clone(), (dll, signature)).is_none(), "{name} twice");
                }
            }),
            "slots" => syn::parse2::<Slots>(tokens).map(|all| {
                self.slots.extend(all.0.into_iter().map(|(name, index, ty)| (name, (index, ty))));
            }),
            "object_types" => syn::parse2::<Statics>(tokens).map(|all| {
                self.statics.extend(all.0.into_iter().map(|name| (name, "*mut POBJECT_TYPE".to_owned())));
            }),
            other => {
                self.unclassified.push(format!("{}: {other}!", path.display()));
                Ok(())
            }
        };
        parsed.unwrap_or_else(|error| panic!("{}: {name}!: {error}", path.display()));
    }
}
