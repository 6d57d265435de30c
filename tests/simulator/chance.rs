//! A seed -> streams of chance, one a concern: what one concern draws never shifts what another draws.

use fastrand::Rng;

/// The stream of one concern of one seed
pub fn stream(seed: u64, concern: &str) -> Rng {
    let named = concern.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Rng::with_seed(mix(seed.wrapping_add(mix(named))))
}

/// Neighbouring seeds must not give neighbouring streams (the finalizer of SplitMix64)
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Draws that the standard generator lacks
pub trait Chance {
    /// Whether something of this probability happens
    fn happens(&mut self, probability: f64) -> bool;
    /// One of these
    fn one<T: Copy>(&mut self, of: &[T]) -> T;
}

impl Chance for Rng {
    fn happens(&mut self, probability: f64) -> bool {
        self.f64() < probability
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.usize(..of.len())]
    }
}
