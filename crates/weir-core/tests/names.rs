//! Names in DNS answers and TLS hellos: what is there is found, over any split, and no bytes whatever do harm.

mod support;

use proptest::prelude::*;
use support::messages::{QUESTION, hello, labels, record, records, response};
use weir_core::names::Name;
use weir_core::names::dns::Answer;
use weir_core::names::tls::{self, Hello};

/// A name, and its addresses with their seconds.
type Answered = (String, Vec<([u8; 16], u32)>);

fn read(message: &[u8]) -> Option<Answered> {
    let answer = Answer::parse(message, 0, message.len())?;
    let mut name = Name::EMPTY;
    answer.name(&mut name)?;
    let name = format!("{name:?}");
    let mut addresses = Vec::new();
    answer.addresses(|address, seconds| addresses.push((address, seconds)));
    Some((name, addresses))
}

fn v4(a: u8, b: u8, c: u8, d: u8) -> [u8; 16] {
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}

#[test]
fn addresses_of_the_question() {
    let message = response(
        "Www.Example.com",
        1,
        &[record(&QUESTION, 1, 300, &[192, 0, 2, 1]), record(&QUESTION, 1, 20, &[192, 0, 2, 2])],
    );
    let expected = vec![(v4(192, 0, 2, 1), 300), (v4(192, 0, 2, 2), 20)];
    assert_eq!(read(&message), Some(("www.example.com".into(), expected)));
    let six = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    let message = response("a.example", 28, &[record(&QUESTION, 28, 5, &six)]);
    assert_eq!(read(&message), Some(("a.example".into(), vec![(six, 5)])));
}

#[test]
fn aliases_are_followed_in_any_order_with_the_least_time() {
    let cname = |owner: &[u8], target: &str, ttl| record(owner, 5, ttl, &labels(target));
    let address = record(&labels("edge.cdn.example"), 1, 600, &[192, 0, 2, 9]);
    let other = record(&labels("stranger.example"), 1, 600, &[192, 0, 2, 66]);
    let chain =
        [cname(&QUESTION, "B.cdn.example", 40), cname(&labels("b.CDN.example"), "edge.cdn.example", 50)];
    let expected = Some(("www.example.com".to_owned(), vec![(v4(192, 0, 2, 9), 40)]));
    let [first, second] = chain;
    for records in [
        vec![first.clone(), second.clone(), address.clone(), other.clone()],
        vec![other.clone(), address.clone(), second.clone(), first.clone()],
    ] {
        assert_eq!(read(&response("www.example.com", 1, &records)), expected);
    }
    // A ring of aliases ends.
    let ring = [cname(&QUESTION, "b.example", 1), cname(&labels("b.example"), "a.example", 1)];
    assert_eq!(read(&response("a.example", 1, &ring)), Some(("a.example".into(), vec![])));
}

#[test]
fn what_is_no_answer_is_none() {
    let good = response("a.example", 1, &[record(&QUESTION, 1, 1, &[192, 0, 2, 1])]);
    assert!(read(&good).is_some());
    let with = |at: usize, byte: u8| {
        let mut message = good.clone();
        message[at] = byte;
        read(&message)
    };
    assert_eq!(with(2, 0x01), None, "a query");
    assert_eq!(with(2, 0x83), None, "cut");
    assert_eq!(with(2, 0x89), None, "another operation");
    assert_eq!(with(3, 0x83), None, "no such name");
    assert_eq!(with(5, 2), None, "two questions");
    assert_eq!(with(12 + labels("a.example").len() + 1, 15), None, "a question about mail");
    // Wrong lengths and pointers to themselves end the reading.
    let record_at = good.len() - 16;
    assert_eq!(with(record_at + 1, record_at as u8), Some(("a.example".into(), vec![])));
    assert_eq!(with(good.len() - 5, 200), Some(("a.example".into(), vec![])));
    assert_eq!(with(12, 0xc0), None, "a name that points nowhere");
}

/// What the bytes are, and the name in them.
type Read = (Hello, Option<Name>);

fn client_hello(source: &[u8], start: usize, end: usize) -> Read {
    let mut name = Name::EMPTY;
    let hello = tls::client_hello(source, start, end, &mut name);
    (hello, (hello == Hello::Named).then_some(name))
}

fn named(server: &str) -> Read {
    (Hello::Named, Some(Name::new(server.bytes()).expect("a host name")))
}

#[test]
fn a_hello_names_its_server_whatever_the_records() {
    for padding in [0, 10, 3_000] {
        let message = hello(Some("WWW.example.org"), padding);
        let mut name = Name::EMPTY;
        assert_eq!(tls::bare_client_hello(&message[..], 0, message.len(), &mut name), Hello::Named);
        assert_eq!(name.as_bytes(), b"www.example.org");
        for size in [1, 2, 5, 100, 16_384] {
            let bytes = records(&message, size);
            assert_eq!(client_hello(&bytes[..], 0, bytes.len()), named("www.example.org"));
            // Somewhere in a frame.
            let framed = [&[9; 54][..], &bytes, &[9; 4]].concat();
            assert_eq!(client_hello(&framed[..], 54, 54 + bytes.len()), named("www.example.org"));
        }
    }
    let bytes = records(&hello(None, 5), 16_384);
    assert_eq!(client_hello(&bytes[..], 0, bytes.len()), (Hello::Nameless, None));
    let bytes = records(&hello(Some("192.0.2.1"), 5), 16_384);
    assert_eq!(client_hello(&bytes[..], 0, bytes.len()), (Hello::Nameless, None), "an address is no name");
}

#[test]
fn a_hello_that_is_cut_asks_for_more_until_its_name() {
    for size in [3, 16_384] {
        let bytes = records(&hello(Some("www.example.org"), 300), size);
        let mut found = None;
        for length in 0..=bytes.len() {
            match client_hello(&bytes[..], 0, length) {
                (Hello::Cut, None) => assert_eq!(found, None, "at {length}"),
                other => {
                    assert_eq!(other, named("www.example.org"));
                    found = found.or(Some(length));
                }
            }
        }
        assert!(found.is_some());
    }
}

#[test]
fn what_is_no_hello_is_known_at_once() {
    for other in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"SSH-2.0-x",
        &[22, 2, 0],
        &[23, 3, 3, 0, 5],
        &[22, 3, 1, 0, 0],
        &[22, 3, 1, 0xff, 0xff, 1],
    ] {
        assert_eq!(client_hello(other, 0, other.len()), (Hello::Other, None), "{other:?}");
    }
    let mut server = records(&hello(Some("a.example"), 0), 16_384);
    server[5] = 2;
    assert_eq!(client_hello(&server[..], 0, server.len()), (Hello::Other, None), "a ServerHello");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..600), start in 0_usize..8, cut in 0_usize..8) {
        let end = bytes.len().saturating_sub(cut);
        if let Some(answer) = Answer::parse(&bytes[..], start, end) {
            let _name = answer.name(&mut Name::EMPTY.clone());
            answer.addresses(|_, _| {});
        }
        let _hello = client_hello(&bytes[..], start, end);
    }

    /// Sound messages with a few bytes changed get deeper into the parsers than noise does.
    #[test]
    fn damaged_messages_are_read_without_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        beyond in 0_usize..4,
    ) {
        let cname = record(&QUESTION, 5, 1, &labels("b.example"));
        let mut message = response("a.example", 1, &[cname, record(&labels("b.example"), 1, 1, &[1, 2, 3, 4])]);
        let mut client = records(&hello(Some("www.example.org"), 20), 64);
        for (index, byte) in changes {
            let at = index.index(message.len());
            message[at] = byte;
            let at = index.index(client.len());
            client[at] = byte;
        }
        // Also with an end that lies beyond the frame.
        if let Some(answer) = Answer::parse(&message[..], 0, message.len() + beyond) {
            let _name = answer.name(&mut Name::EMPTY.clone());
            answer.addresses(|_, _| {});
        }
        let _hello = client_hello(&client[..], 0, client.len() + beyond);
    }
}
