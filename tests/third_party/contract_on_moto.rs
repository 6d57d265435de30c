//! The contract, on moto.

use kms_alias::alias::KeyId;

use crate::contract::{self, Keys};
use crate::moto::Moto;

/// What moto does otherwise than the service, and therefore cannot show about us. A scenario that begins to pass is an error.
const DIFFERENCES: [(&str, &str); 3] = [
    ("a_key_takes_fifty_aliases", "moto has no quotas"),
    (
        "a_listing_is_whole_in_pages_of_at_most_a_hundred",
        "moto puts every listing on one page, whatever its limit",
    ),
    ("a_marker_that_the_service_did_not_give_is_refused", "moto gives no markers, and looks at none"),
];

fn keys(moto: &Moto) -> Keys {
    std::array::from_fn(|_| KeyId::parse(&moto.raw.plain_key()).unwrap())
}

macro_rules! on_moto {
    ($scenario:ident) => {
        #[tokio::test]
        async fn $scenario() {
            let moto = Moto::start();
            let (keys, kms) = (keys(&moto), contract::client(&moto.raw.url, &moto.raw.region).await);
            let outcome = tokio::spawn(async move { contract::$scenario(&kms, keys).await }).await;
            let difference = DIFFERENCES.iter().find(|(scenario, _)| *scenario == stringify!($scenario));
            match (outcome, difference) {
                (Ok(()), None) | (Err(_), Some(_)) => (),
                (Ok(()), Some((_, reason))) => panic!("no longer true, strike it out: {reason}"),
                (Err(failed), None) => std::panic::resume_unwind(failed.into_panic()),
            }
        }
    };
}

contract::for_every_scenario!(on_moto);
