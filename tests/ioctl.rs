//! Promise: each mistake at the control device gets its documented status, and the old policy stays in force.

mod support;

use lab::wdf::Who;
use lab::wdf::{File, open_with};
use support::{ask, boot, list, open, policy, status};
use weir_ioctl::zerocopy::{FromBytes, IntoBytes};
use weir_ioctl::{
    API_VERSION, Control, FlowEntry, GetPolicyReply, GetPolicyRequest, IdentityEntry, ListRequest, RuleHits,
    SetPolicyReply, VersionReply, WIN32_DEVICE_PATH,
};

const STATUS_INVALID_PARAMETER: i32 = 0xC000_000D_u32.cast_signed();
const STATUS_INVALID_DEVICE_REQUEST: i32 = 0xC000_0010_u32.cast_signed();
const STATUS_ACCESS_DENIED: i32 = 0xC000_0022_u32.cast_signed();
const STATUS_BUFFER_TOO_SMALL: i32 = 0xC000_0023_u32.cast_signed();
const STATUS_INVALID_IMAGE_FORMAT: i32 = 0xC000_007B_u32.cast_signed();
const STATUS_INVALID_BUFFER_SIZE: i32 = 0xC000_0206_u32.cast_signed();
const STATUS_RETRY: i32 = 0xC000_022D_u32.cast_signed();
const FILE_READ_DATA: u32 = 1;

const TWO_RULES: &str = r#"
[[rule]]
name = "first"
action = "block"
protocol = "tcp"
remote-port = 25

[[rule]]
name = "second"
action = "permit"
"#;

fn in_child(name: &str, body: impl FnOnce(&File)) {
    lab::child::test(name, || {
        let (machine, mut driver) = boot();
        let file = open(&machine);
        body(&file);
        drop(file);
        driver.unload();
        machine.finish();
    });
}

fn set(file: &File, image: &[u8]) -> SetPolicyReply {
    let output = ask(file, Control::SET_POLICY, image, size_of::<SetPolicyReply>());
    SetPolicyReply::read_from_bytes(&output).expect("a whole reply")
}

/// Reads the image in force in pieces of `piece` bytes.
fn get(file: &File, piece: usize) -> Vec<u8> {
    let (mut image, mut generation) = (Vec::new(), 0);
    loop {
        let request = GetPolicyRequest { offset: u32::try_from(image.len()).expect("small"), generation };
        let output = ask(file, Control::GET_POLICY, request.as_bytes(), size_of::<GetPolicyReply>() + piece);
        let (reply, bytes) = GetPolicyReply::read_from_prefix(&output).expect("a head");
        image.extend(bytes);
        generation = reply.generation;
        if image.len() == reply.total as usize {
            return image;
        }
        assert!(!bytes.is_empty(), "a piece that is not the last one brings something");
    }
}

#[test]
fn the_version_is_open_to_every_handle() {
    in_child("the_version_is_open_to_every_handle", |file| {
        let output = ask(file, Control::VERSION, &[], size_of::<VersionReply>());
        let version = VersionReply::read_from_bytes(&output).expect("a whole reply");
        assert_eq!(version.api_version, API_VERSION);
        let expected: Vec<u16> =
            env!("CARGO_PKG_VERSION").split('.').map(|part| part.parse().expect("a number")).collect();
        assert_eq!(version.driver[..3], expected);
        assert!(version.ndis >> 16 == 6, "NDIS {:#x}", version.ndis);
    });
}

#[test]
fn a_policy_comes_back_as_it_went_in() {
    in_child("a_policy_comes_back_as_it_went_in", |file| {
        assert_eq!(status(file).policy_generation, 0);
        assert!(get(file, 64).is_empty(), "no policy is in force at the start");
        let image = policy(TWO_RULES);
        let first = set(file, &image);
        assert_eq!(first.rules, 2);
        assert_eq!(get(file, image.len()), image);
        assert_eq!(get(file, 7), image);
        let second = set(file, &policy("[defaults]\ninbound = \"block\"\n"));
        assert!(second.generation > first.generation);
        assert_eq!((status(file).policy_generation, status(file).rules), (second.generation, 0));
        let stale = GetPolicyRequest { offset: 0, generation: first.generation };
        assert_eq!(file.ioctl(Control::GET_POLICY.0, stale.as_bytes(), 512).0, STATUS_RETRY);
        let beyond = GetPolicyRequest { offset: u32::MAX, generation: 0 };
        assert_eq!(file.ioctl(Control::GET_POLICY.0, beyond.as_bytes(), 512).0, STATUS_INVALID_PARAMETER);
    });
}

#[test]
fn a_bad_image_is_refused_and_the_old_policy_stays() {
    in_child("a_bad_image_is_refused_and_the_old_policy_stays", |file| {
        let good = policy(TWO_RULES);
        let before = set(file, &good);
        let mut bad: Vec<Vec<u8>> =
            vec![vec![0], vec![0xff; 4096], b"[[rule]]\naction = \"block\"\n".to_vec()];
        bad.extend((1..good.len()).map(|length| good[..length].to_vec()));
        bad.extend((0..good.len()).map(|position| {
            let mut image = good.clone();
            image[position] ^= 0x40;
            image
        }));
        let mut longer = good.clone();
        longer.push(0);
        bad.push(longer);
        for (number, image) in bad.iter().enumerate() {
            let (status, _) = file.ioctl(Control::SET_POLICY.0, image, size_of::<SetPolicyReply>());
            assert_eq!(status, STATUS_INVALID_IMAGE_FORMAT, "bad image {number} of {} bytes", image.len());
        }
        assert_eq!(file.ioctl(Control::SET_POLICY.0, &[], 8).0, STATUS_INVALID_IMAGE_FORMAT);
        assert_eq!(file.ioctl(Control::SET_POLICY.0, &good, 7).0, STATUS_BUFFER_TOO_SMALL);
        assert_eq!(get(file, good.len()), good);
        assert_eq!(status(file).policy_generation, before.generation);
    });
}

#[test]
fn short_and_long_buffers_are_told_apart() {
    in_child("short_and_long_buffers_are_told_apart", |file| {
        let cursor = ListRequest { cursor: 0 };
        let lists = [
            (Control::ADAPTERS, size_of::<weir_ioctl::AdapterEntry>()),
            (Control::LIST_FLOWS, size_of::<FlowEntry>()),
            (Control::LIST_IDENTITIES, size_of::<IdentityEntry>()),
            (Control::RULE_HITS, size_of::<RuleHits>()),
        ];
        for (control, entry) in lists {
            for length in [0, 1, 7, 9, 64] {
                let (status, _) = file.ioctl(control.0, &vec![0; length], 4096);
                assert_eq!(status, STATUS_INVALID_BUFFER_SIZE, "{control:?} with {length} bytes of input");
            }
            for room in [0, 1, 15, 16, 16 + entry - 1] {
                let (status, output) = file.ioctl(control.0, cursor.as_bytes(), room);
                assert_eq!(status, STATUS_BUFFER_TOO_SMALL, "{control:?} with room for {room} bytes");
                assert!(output.is_empty());
            }
            assert_eq!(file.ioctl(control.0, cursor.as_bytes(), 16 + entry).0, 0, "{control:?}");
        }
        for control in [Control::VERSION, Control::STATUS] {
            assert_eq!(file.ioctl(control.0, &[0], 4096).0, STATUS_INVALID_BUFFER_SIZE, "{control:?}");
            for room in [0, 1, 15] {
                assert_eq!(file.ioctl(control.0, &[], room).0, STATUS_BUFFER_TOO_SMALL, "{control:?}");
            }
        }
        assert_eq!(file.ioctl(Control::GET_POLICY.0, &[0; 7], 64).0, STATUS_INVALID_BUFFER_SIZE);
        assert_eq!(file.ioctl(Control::GET_POLICY.0, &[0; 8], 7).0, STATUS_BUFFER_TOO_SMALL);
    });
}

#[test]
fn unknown_control_codes_are_refused() {
    in_child("unknown_control_codes_are_refused", |file| {
        let known = Control::ALL.map(|(control, _)| control.0);
        for function in 0x7f0..0x840_u32 {
            for access in 0..4_u32 {
                // METHOD_BUFFERED, METHOD_IN_DIRECT and METHOD_OUT_DIRECT.
                for method in 0..3_u32 {
                    let code = (0x12 << 16) | (access << 14) | (function << 2) | method;
                    if !known.contains(&code) {
                        let (status, _) = file.ioctl(code, &[0; 8], 64);
                        assert_eq!(status, STATUS_INVALID_DEVICE_REQUEST, "control code {code:#x}");
                    }
                }
            }
        }
    });
}

#[test]
fn only_administrators_and_the_system_get_in() {
    lab::child::test("only_administrators_and_the_system_get_in", || {
        let (machine, mut driver) = boot();
        assert_eq!(machine.open(WIN32_DEVICE_PATH, Who::User).err(), Some(STATUS_ACCESS_DENIED));
        for who in [Who::System, Who::Administrator] {
            drop(machine.open(WIN32_DEVICE_PATH, who).expect("opens"));
        }
        // A handle for reading may look, but not change.
        let reader = open_with(WIN32_DEVICE_PATH, Who::Administrator, FILE_READ_DATA).expect("opens");
        assert_eq!(status(&reader).policy_generation, 0);
        let (refused, _) = reader.ioctl(Control::SET_POLICY.0, &policy(TWO_RULES), 8);
        assert_eq!(refused, STATUS_ACCESS_DENIED);
        drop(reader);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn lists_are_empty_and_hits_are_zero_before_any_frame() {
    in_child("lists_are_empty_and_hits_are_zero_before_any_frame", |file| {
        assert!(list::<FlowEntry>(file, Control::LIST_FLOWS, 3).is_empty());
        assert!(list::<IdentityEntry>(file, Control::LIST_IDENTITIES, 3).is_empty());
        assert!(list::<RuleHits>(file, Control::RULE_HITS, 3).is_empty());
        set(file, &policy(TWO_RULES));
        assert_eq!(list::<RuleHits>(file, Control::RULE_HITS, 1), [RuleHits { frames: 0, flows: 0 }; 2]);
    });
}
