//! Identifiers that look random and are not: UUIDs, multi-Region key ids, access key ids. The same number gives the same one.

/// 128 bits that look random, the same for the same `seed`
pub(super) fn scatter(seed: u64) -> u128 {
    fastrand::Rng::with_seed(seed).u128(..)
}

/// A version 4 UUID
pub(super) fn uuid(bits: u128) -> String {
    let bits = (bits & !(0xf << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The id of a multi-Region key
pub(super) fn multi_region(bits: u128) -> String {
    format!("mrk-{bits:032x}")
}

/// The access key id of a role's session
pub(super) fn session_access_key(bits: u128) -> String {
    const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letters = (0..16).map(|i| char::from(BASE32[((bits >> (5 * i)) & 31) as usize]));
    "ASIA".chars().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alias::KeyId;

    #[test]
    fn identifiers_have_the_services_shapes_and_differ() {
        for seed in 0..100 {
            let (one, next) = (scatter(seed), scatter(seed + 1));
            assert!(KeyId::parse(&uuid(one)).is_some() && KeyId::parse(&multi_region(one)).is_some());
            assert_eq!((&uuid(one)[14..15], session_access_key(one).len()), ("4", 20));
            assert_ne!(uuid(one), uuid(next));
        }
    }
}
