//! DNS answers and TLS hellos.

/// The name of the question, which stands behind the head.
pub const QUESTION: [u8; 2] = [0xc0, 12];

pub fn labels(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}

pub fn record(owner: &[u8], kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16).to_be_bytes();
    [owner, &kind.to_be_bytes(), &[0, 1], &ttl.to_be_bytes(), &length, data].concat()
}

/// A response about the addresses of `name`.
pub fn response(name: &str, kind: u16, records: &[Vec<u8>]) -> Vec<u8> {
    let count = (records.len() as u16).to_be_bytes();
    let head = [0x12, 0x34, 0x81, 0x80, 0, 1, count[0], count[1], 0, 0, 0, 0];
    [&head[..], &labels(name), &kind.to_be_bytes(), &[0, 1], &records.concat()].concat()
}

/// A ClientHello, without records around it.
pub fn hello(server: Option<&str>, padding: usize) -> Vec<u8> {
    let extension =
        |kind: u16, data: &[u8]| [&kind.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), data].concat();
    let mut extensions = extension(21, &vec![0; padding]);
    if let Some(server) = server {
        let length = server.len() as u16;
        let name = [&(length + 3).to_be_bytes()[..], &[0], &length.to_be_bytes(), server.as_bytes()].concat();
        extensions.extend(extension(0, &name));
    }
    extensions.extend(extension(43, &[2, 3, 4]));
    let body = [
        &[3, 3][..],
        &[7; 32],
        &[32],
        &[8; 32],
        &[0, 2, 0x13, 1],
        &[1, 0],
        &(extensions.len() as u16).to_be_bytes(),
        &extensions,
    ]
    .concat();
    let length = (body.len() as u32).to_be_bytes();
    [&[1][..], &length[1..], &body].concat()
}

/// In records of `size` bytes.
pub fn records(message: &[u8], size: usize) -> Vec<u8> {
    message
        .chunks(size)
        .flat_map(|piece| [&[22, 3, 1][..], &(piece.len() as u16).to_be_bytes(), piece].concat())
        .collect()
}
