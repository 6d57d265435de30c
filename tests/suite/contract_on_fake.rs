//! The contract, on FakeKms under paused time.

use crate::contract;
use crate::fake::{A, B, C, FakeKms, key};

macro_rules! on_the_fake {
    ($scenario:ident) => {
        #[tokio::test(start_paused = true)]
        async fn $scenario() {
            contract::$scenario(&FakeKms::with(&[]), [A, B, C].map(key)).await;
        }
    };
}

contract::for_every_scenario!(on_the_fake);
