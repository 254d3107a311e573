//! A keyed hash of a few words, fast enough to be called per frame.

/// Folds each word into the state with one 64x64 multiplication.
///
/// Keyed so that nobody on the network can aim frames at one bucket; not a cryptographic hash, so a match is
/// always confirmed by comparing what was hashed.
#[must_use]
pub(crate) fn words(seed: [u64; 2], words: impl IntoIterator<Item = u64>) -> u64 {
    let [first, second] = seed;
    let mut state = first ^ 0x9e37_79b9_7f4a_7c15;
    for word in words {
        state = fold(state ^ word, second ^ 0xa076_1d64_78bd_642f);
    }
    fold(state, first ^ 0xe703_7ed1_a0b4_28db)
}

fn fold(a: u64, b: u64) -> u64 {
    // An odd factor keeps a zero seed from collapsing the state.
    let product = u128::from(a).wrapping_mul(u128::from(b | 1));
    (product as u64) ^ ((product >> 64) as u64) ^ a.rotate_left(32)
}
