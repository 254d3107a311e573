//! Security descriptors in text form, as far as device objects use them, and who may open a device.

/// Who opens a device from user mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// LocalSystem.
    System,
    /// An elevated administrator.
    Administrator,
    /// A user without rights of an administrator.
    User,
}

impl Who {
    /// The security identifiers in the token, in SDDL's short form.
    fn identities(self) -> &'static [&'static str] {
        match self {
            Self::System => &["SY", "BA", "AU", "WD"],
            Self::Administrator => &["BA", "BU", "AU", "IU", "WD"],
            Self::User => &["BU", "AU", "IU", "WD"],
        }
    }
}

/// FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE and FILE_ALL_ACCESS.
const READ: u32 = 0x0012_0089;
const WRITE: u32 = 0x0012_0116;
const EXECUTE: u32 = 0x0012_00a0;
const ALL: u32 = 0x001f_01ff;

/// Right to read data, which a control code with FILE_READ_ACCESS asks for.
pub(super) const READ_DATA: u32 = 1;
/// Right to write data, which a control code with FILE_WRITE_ACCESS asks for.
pub(super) const WRITE_DATA: u32 = 2;
/// What CreateFile asks for with GENERIC_READ | GENERIC_WRITE.
pub(super) const READ_WRITE: u32 = READ | WRITE;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    allow: bool,
    rights: u32,
    identity: String,
}

/// A discretionary access control list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acl {
    entries: Vec<Entry>,
}

impl Acl {
    /// Reads `D:<flags>(type;flags;rights;;;sid)...`; none if the text is anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let start = text.find("D:")?;
        let owner = &text[..start];
        if !(owner.is_empty() || owner.starts_with("O:") || owner.starts_with("G:")) {
            return None;
        }
        let rest = &text[start + 2..];
        let list = rest.find('(').map_or("", |at| &rest[at..]);
        let flags = &rest[..rest.len() - list.len()];
        if !flags.chars().all(|flag| "PARI".contains(flag)) {
            return None;
        }
        let mut entries = Vec::new();
        let mut rest = list;
        while let Some(inner) = rest.strip_prefix('(') {
            let end = inner.find(')')?;
            entries.push(entry(&inner[..end])?);
            rest = &inner[end + 1..];
        }
        (rest.is_empty() || rest.starts_with("S:")).then_some(Self { entries })
    }

    /// Whether `who` gets all of `wanted`: entries in order, the first that names a right decides it.
    pub(super) fn allows(&self, who: Who, wanted: u32) -> bool {
        let mut missing = wanted;
        for entry in &self.entries {
            if !who.identities().contains(&entry.identity.as_str()) {
                continue;
            }
            if entry.allow {
                missing &= !entry.rights;
            } else if missing & entry.rights != 0 {
                return false;
            }
        }
        missing == 0
    }
}

fn entry(text: &str) -> Option<Entry> {
    let fields: Vec<&str> = text.split(';').collect();
    let &[kind, _flags, rights, "", "", identity] = fields.as_slice() else { return None };
    let allow = match kind {
        "A" => true,
        "D" => false,
        _ => return None,
    };
    let identity = match identity {
        "S-1-5-18" => "SY",
        "S-1-5-32-544" => "BA",
        "S-1-5-32-545" => "BU",
        "S-1-1-0" => "WD",
        "S-1-5-11" => "AU",
        short if short.len() == 2 && short.chars().all(|char| char.is_ascii_uppercase()) => short,
        long if long.starts_with("S-1-") => long,
        _ => return None,
    };
    Some(Entry { allow, rights: self::rights(rights)?, identity: identity.to_owned() })
}

fn rights(text: &str) -> Option<u32> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u32::from_str_radix(hex, 16).ok();
    }
    let mut rights = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (name, tail) = rest.split_at_checked(2)?;
        rights |= match name {
            "GA" | "FA" => ALL,
            "GR" | "FR" => READ,
            "GW" | "FW" => WRITE,
            "GX" | "FX" => EXECUTE,
            "RC" => 0x2_0000,
            "SD" => 0x1_0000,
            "WD" => 0x4_0000,
            "WO" => 0x8_0000,
            _ => return None,
        };
        rest = tail;
    }
    Some(rights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administrators_and_the_system_only() {
        let acl = Acl::parse("D:P(A;;GA;;;SY)(A;;GA;;;BA)").unwrap();
        assert!(acl.allows(Who::System, READ_WRITE) && acl.allows(Who::Administrator, READ_WRITE));
        assert!(!acl.allows(Who::User, READ_WRITE) && !acl.allows(Who::User, READ_DATA));
    }

    #[test]
    fn the_first_entry_that_names_a_right_decides() {
        let acl = Acl::parse("D:P(D;;GW;;;BU)(A;;GA;;;WD)").unwrap();
        assert!(!acl.allows(Who::User, WRITE_DATA) && acl.allows(Who::User, READ_DATA));
        assert!(acl.allows(Who::System, READ_WRITE));
        let acl = Acl::parse("D:(A;;GR;;;S-1-5-11)").unwrap();
        assert!(acl.allows(Who::User, READ_DATA) && !acl.allows(Who::System, READ_WRITE));
        assert!(!Acl::parse("D:P").unwrap().allows(Who::System, READ_DATA));
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for text in
            ["", "(A;;GA;;;SY)", "D:P(A;;GA;;;SY", "D:P(A;;QQ;;;SY)", "D:X(A;;GA;;;SY)", "D:P(A;;GA;SY)"]
        {
            assert_eq!(Acl::parse(text), None, "{text}");
        }
    }
}
