//! The control contract: what `weirctl` may ask of `weir.sys` through `\\.\Weir`, byte for byte.
//!
//! Every request is METHOD_BUFFERED. Integers are little-endian, structures have no padding, unknown trailing bytes
//! of a request are refused. The contract is versioned as a whole: [`API_VERSION`] rises with every change, and
//! [`Control::VERSION`] is the one request whose shape never changes.
//!
//! Errors, for every request:
//!
//! | NTSTATUS | meaning |
//! |---|---|
//! | `STATUS_INVALID_DEVICE_REQUEST` | unknown control code |
//! | `STATUS_INVALID_BUFFER_SIZE` | the input has not exactly the size of the request structure |
//! | `STATUS_BUFFER_TOO_SMALL` | the output has no room for the fixed part of the reply |
//! | `STATUS_INVALID_PARAMETER` | a field has a value the request does not allow |
//! | `STATUS_ACCESS_DENIED` | the handle was opened without the access the code demands (checked by the I/O manager) |
//! | `STATUS_INVALID_IMAGE_FORMAT` | [`Control::SET_POLICY`]: the image failed verification; the old policy stays |
//! | `STATUS_INSUFFICIENT_RESOURCES` | no memory for the operation; nothing was changed |
//! | `STATUS_DEVICE_BUSY` | [`Control::TAP_OPEN`]: there is a consumer already; [`Control::QUESTIONS`]: another handle is the agent; [`Control::SET_POLICY`]: another is being put in force |
//! | `STATUS_INVALID_DEVICE_STATE` | [`Control::TAP_READ`]: the handle is not the consumer of the tap; [`Control::ANSWER`]: the handle is not the agent |
//! | `STATUS_RETRY` | a paged read met a policy of another generation: start again |
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod ask;
mod flow;
mod request;
mod status;
mod tap;

pub use ask::{AnswerEntry, AnswerReply, AskCounterId, AskStatusReply, QuestionEntry};
pub use flow::{FlowEntry, FlowFlags, FlowState, Origin, Verdict, rule};
pub use request::{
    AdapterEntry, AdapterState, GetPolicyReply, GetPolicyRequest, IdentityEntry, IdentityKind, ListRequest,
    MediaState, PageHeader, RuleHits, SetPolicyReply, VersionReply,
};
pub use status::{CounterId, StatusReply};
pub use tap::{TapDirection, TapFlags, TapHead, TapMedium, TapOpen, TapRecord};
pub use zerocopy;

/// Version of this contract. A driver and a CLI with different versions do not talk beyond [`Control::VERSION`].
pub const API_VERSION: u32 = 3;

/// Win32 name under which user mode opens the device.
pub const WIN32_DEVICE_PATH: &str = r"\\.\Weir";

/// A Windows I/O control code (`CTL_CODE`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Control(pub u32);

impl Control {
    /// Reads [`VersionReply`]; no input. Allowed for every opener.
    pub const VERSION: Self = Self::new(0x800, Access::Any);
    /// Reads [`StatusReply`]; no input.
    pub const STATUS: Self = Self::new(0x801, Access::Read);
    /// Reads a page of [`AdapterEntry`]; input [`ListRequest`].
    pub const ADAPTERS: Self = Self::new(0x802, Access::Read);
    /// Puts a compiled policy in force; input is the image itself, output [`SetPolicyReply`].
    pub const SET_POLICY: Self = Self::new(0x803, Access::Write);
    /// Reads a piece of the policy image in force; input [`GetPolicyRequest`], output [`GetPolicyReply`] and bytes.
    pub const GET_POLICY: Self = Self::new(0x804, Access::Read);
    /// Reads a page of [`FlowEntry`]; input [`ListRequest`].
    pub const LIST_FLOWS: Self = Self::new(0x805, Access::Read);
    /// Reads a page of [`IdentityEntry`]; input [`ListRequest`].
    pub const LIST_IDENTITIES: Self = Self::new(0x806, Access::Read);
    /// Reads a page of [`RuleHits`], one per rule in the order of the policy; input [`ListRequest`].
    pub const RULE_HITS: Self = Self::new(0x807, Access::Read);

    /// Makes the handle the consumer of the tap; input [`TapOpen`].
    pub const TAP_OPEN: Self = Self::new(0x810, Access::Read);
    /// Takes copies of frames; no input, output [`TapHead`] and [`TapRecord`]s.
    pub const TAP_READ: Self = Self::new(0x811, Access::Read);
    /// Waits for questions and reads a page of [`QuestionEntry`]; no input. The handle becomes the agent that rules with
    /// `ask` have questions for, until it is closed; open questions then end as without an answer. A page may be empty.
    /// Each question is told once.
    pub const QUESTIONS: Self = Self::new(0x818, Access::Write);
    /// Answers questions that this handle was told; input is one or more [`AnswerEntry`], output [`AnswerReply`].
    pub const ANSWER: Self = Self::new(0x819, Access::Write);
    /// Reads [`AskStatusReply`]; no input.
    pub const ASK_STATUS: Self = Self::new(0x81A, Access::Read);

    /// Every control code of this version, with its name.
    pub const ALL: [(Self, &'static str); 13] = [
        (Self::VERSION, "VERSION"),
        (Self::STATUS, "STATUS"),
        (Self::ADAPTERS, "ADAPTERS"),
        (Self::SET_POLICY, "SET_POLICY"),
        (Self::GET_POLICY, "GET_POLICY"),
        (Self::LIST_FLOWS, "LIST_FLOWS"),
        (Self::LIST_IDENTITIES, "LIST_IDENTITIES"),
        (Self::RULE_HITS, "RULE_HITS"),
        (Self::TAP_OPEN, "TAP_OPEN"),
        (Self::TAP_READ, "TAP_READ"),
        (Self::QUESTIONS, "QUESTIONS"),
        (Self::ANSWER, "ANSWER"),
        (Self::ASK_STATUS, "ASK_STATUS"),
    ];

    const fn new(function: u32, access: Access) -> Self {
        /// `FILE_DEVICE_NETWORK`.
        const DEVICE: u32 = 0x12;
        /// `METHOD_BUFFERED`.
        const METHOD: u32 = 0;
        Self((DEVICE << 16) | ((access as u32) << 14) | (function << 2) | METHOD)
    }
}

/// Access a handle must have been opened with (`FILE_ANY_ACCESS`, `FILE_READ_DATA`, `FILE_WRITE_DATA`).
#[derive(Clone, Copy)]
enum Access {
    Any = 0,
    Read = 1,
    Write = 2,
}

/// Defines an open enumeration: values this version does not know survive and print as numbers.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident: $repr:ty { $($(#[$vmeta:meta])* $variant:ident = $value:literal => $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, PartialEq, Eq, Hash,
            zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout,
        )]
        #[repr(transparent)]
        pub struct $name(pub $repr);

        impl $name {
            $($(#[$vmeta])* pub const $variant: Self = Self($value);)*

            /// The value's name, or `None` for one that this version does not know.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!(stringify!($name), "({})"), self.0),
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Debug::fmt(self, f)
            }
        }
    };
}
pub(crate) use open_enum;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_codes_are_distinct_and_pinned() {
        // CTL_CODE(FILE_DEVICE_NETWORK, 0x800.., METHOD_BUFFERED, access), computed by hand.
        let expected = [
            0x0012_2000_u32,
            0x0012_6004,
            0x0012_6008,
            0x0012_A00C,
            0x0012_6010,
            0x0012_6014,
            0x0012_6018,
            0x0012_601C,
            0x0012_6040,
            0x0012_6044,
            0x0012_A060,
            0x0012_A064,
            0x0012_6068,
        ];
        let actual = Control::ALL.map(|(control, _)| control.0);
        assert_eq!(actual, expected, "a changed control code is a new API_VERSION");
    }

    #[test]
    fn unknown_enum_values_survive() {
        assert_eq!(Verdict(9).name(), None);
        assert_eq!(format!("{:?}", Verdict(9)), "Verdict(9)");
        assert_eq!(format!("{}", Verdict::BLOCK), "block");
    }
}
