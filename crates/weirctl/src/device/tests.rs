//! A driver that answers from memory, well or badly.

use weir_ioctl::AdapterState;
use weir_ioctl::FlowState;
use weir_ioctl::Origin;
use weir_ioctl::Verdict;
use weir_ioctl::zerocopy::FromZeros;

use super::*;

/// Answers as `weir.sys` does, a few entries in each page.
struct Fake {
    version: u32,
    flows: Vec<FlowEntry>,
    identities: Vec<IdentityEntry>,
    /// The cursor never ends.
    endless: bool,
    /// Bytes cut from each reply.
    cut: usize,
}

impl Fake {
    fn page<T: IntoBytes + Immutable>(&self, entries: &[T], input: &[u8]) -> Vec<u8> {
        let request = ListRequest::read_from_bytes(input).expect("a list request");
        let start = request.cursor as usize;
        let end = entries.len().min(start + 3);
        let page = &entries[start.min(end)..end];
        let next = if self.endless {
            1
        } else if end < entries.len() {
            end as u64
        } else {
            0
        };
        let head = PageHeader { next, count: page.len() as u32, entry_size: size_of::<T>() as u32 };
        [head.as_bytes(), page.as_bytes()].concat()
    }
}

impl Device for Fake {
    fn ioctl(&mut self, control: Control, input: &[u8], room: usize) -> Result<Vec<u8>, i32> {
        let mut reply = match control {
            Control::VERSION => {
                let driver = [0, 1, 2, 0];
                VersionReply { api_version: self.version, driver, ndis: 6 << 16 | 85 }.as_bytes().to_vec()
            }
            Control::STATUS => {
                let mut status = StatusReply::new_zeroed();
                status.counters[CounterId::BLOCKED_BY_RULE.0 as usize] = 5;
                status.counters[CounterId::PERMITTED_BY_DEFAULT.0 as usize] = 7;
                status.malformed[2] = 1;
                status.as_bytes().to_vec()
            }
            Control::ADAPTERS => {
                let mut adapter = AdapterEntry::new_zeroed();
                adapter.luid = 9;
                adapter.state = AdapterState::RUNNING;
                adapter.mac_length = 6;
                adapter.mac = [2, 0, 0, 0, 0, 0x1f, 0, 0];
                for (to, unit) in adapter.name.iter_mut().zip("Büro".encode_utf16()) {
                    *to = unit;
                }
                self.page(&[adapter], input)
            }
            Control::LIST_FLOWS => self.page(&self.flows, input),
            Control::LIST_IDENTITIES => self.page(&self.identities, input),
            _ => return Err(0xc000_0010_u32 as i32),
        };
        assert!(reply.len() <= room);
        reply.truncate(reply.len() - self.cut.min(reply.len()));
        Ok(reply)
    }
}

fn identity(kind: IdentityKind, id: u32, data: &[u8]) -> IdentityEntry {
    let mut entry = IdentityEntry::new_zeroed();
    entry.kind = kind;
    entry.id = id;
    entry.length = data.len() as u32;
    entry.data[..data.len()].copy_from_slice(data);
    entry
}

fn volumes() -> BTreeMap<char, String> {
    BTreeMap::from([('C', r"\Device\HarddiskVolume3".to_owned())])
}

fn fake() -> Fake {
    let path = r"\device\harddiskvolume3\windows\system32\curl.exe".encode_utf16();
    let path = path.flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let sid = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
    let flow = |id: u64| {
        let mut flow = FlowEntry::new_zeroed();
        flow.id = id;
        flow.interface_luid = 9;
        flow.process_id = 77;
        flow.process_created = 133_801_632_000_000_000;
        flow.package = 2;
        (flow.name, flow.name_generation) = (1, if id == 8 { 3 } else { 2 });
        flow.flags = FlowFlags::LOOPBACK;
        flow.image = 1;
        flow.user = 2;
        flow.protocol = 6;
        flow.local_address = Ipv6Addr::from([0, 0, 0, 0, 0, 0xffff, 0x0a00, 0x0005]).octets();
        flow.remote_address = Ipv6Addr::LOCALHOST.octets();
        flow.local_port = 5000;
        flow.remote_port = 443;
        flow.verdict = Verdict::PERMIT;
        flow.origin = Origin::OUTBOUND;
        flow.state = FlowState::ACTIVE;
        flow.rule = rule::DEFAULT;
        flow.bytes_sent = 60;
        flow
    };
    let mut name = identity(IdentityKind::NAME, 1, b"www.example.com");
    name.generation = 3;
    Fake {
        version: weir_ioctl::API_VERSION,
        flows: (1..=8).map(flow).collect(),
        identities: vec![
            identity(IdentityKind::IMAGE, 1, &path),
            identity(IdentityKind::USER, 2, &sid),
            name,
        ],
        endless: false,
        cut: 0,
    }
}

#[test]
fn all_pages_are_read_and_put_into_words() {
    let driver = read(&mut fake(), &volumes()).expect("a driver");
    assert_eq!((driver.version.as_str(), driver.ndis.as_str()), ("0.1.2", "6.85"));
    assert_eq!((driver.frames_permitted, driver.frames_blocked), (7, 5));
    assert_eq!(driver.malformed[0].name, "cut inside the IP header");
    let [adapter] = driver.adapters.as_slice() else { panic!("{:?}", driver.adapters) };
    assert_eq!((adapter.name.as_str(), adapter.mac.as_str()), ("Büro", "02:00:00:00:00:1f"));
    assert_eq!(driver.flows.iter().map(|flow| flow.id).collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
    let flow = &driver.flows[7];
    let process = flow.process.as_ref().expect("a process");
    assert_eq!((process.id, process.name.as_str()), (77, "curl.exe"));
    assert_eq!(process.path.as_deref(), Some(r"C:\windows\system32\curl.exe"));
    assert_eq!(process.created.as_deref(), Some("2025-01-01T00:00:00.0000000Z"));
    assert_eq!(flow.user.as_deref(), Some("S-1-5-32-544"));
    assert_eq!(flow.name.as_deref(), Some("www.example.com"));
    assert_eq!(driver.flows[0].name, None, "its number stands for another name now");
    assert_eq!((flow.package.as_deref(), flow.loopback), (Some("S-1-5-32-544"), true));
    assert_eq!(flow.local_address.to_string(), "10.0.0.5");
    assert_eq!(flow.remote_address.to_string(), "::1");
    assert_eq!(flow.adapter.as_deref(), Some("Büro"));
    assert_eq!(flow.decided_by, DecidedBy::Default);
}

#[test]
fn ports_belong_to_protocols_that_have_them() {
    let mut fake = fake();
    fake.flows.truncate(2);
    fake.flows[0].protocol = 1;
    fake.flows[1].protocol = 47;
    let driver = read(&mut fake, &volumes()).expect("a driver");
    assert_eq!((driver.flows[0].local_port, driver.flows[0].icmp_id), (None, Some(5000)));
    assert_eq!((driver.flows[1].local_port, driver.flows[1].icmp_id), (None, None));
}

#[test]
fn another_contract_is_refused() {
    let error = read(&mut Fake { version: 99, ..fake() }, &volumes()).expect_err("refused");
    assert!(error.to_string().contains("version 99"), "{error}");
}

#[test]
fn answers_of_the_wrong_shape_are_refused() {
    for cut in 1..200 {
        let error = read(&mut Fake { cut, ..fake() }, &volumes()).expect_err("refused");
        assert!(matches!(error, Error::Shape(_)), "{error}");
    }
}

#[test]
fn a_list_that_does_not_end_is_given_up() {
    let mut fake = Fake { endless: true, ..fake() };
    fake.flows.clear();
    assert!(matches!(list::<FlowEntry>(&mut fake, Control::LIST_FLOWS), Err(Error::Shape(_))));
}

#[test]
fn a_refusal_names_request_and_status() {
    let error = set_policy(&mut fake(), &[]).expect_err("refused");
    assert_eq!(error.to_string(), "the driver refused SET_POLICY: STATUS_INVALID_DEVICE_REQUEST");
}

#[test]
fn sids() {
    assert_eq!(sid(&[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]).as_deref(), Some("S-1-5-18"));
    for bad in [&[][..], &[1, 2, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0], &[1; 7]] {
        assert_eq!(sid(bad), None);
    }
}
