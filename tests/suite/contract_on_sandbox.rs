//! The contract, on the sandbox over HTTP.

use kms_alias::alias::KeyId;
use kms_alias::kms::connect::SANDBOX_ACCOUNT;
use kms_alias::sandbox::{Home, Key, Scenario, Service, World, serve};

use crate::contract::{self, Keys};

const REGION: &str = "us-east-1";
const KEYS: [&str; 3] = [
    "c0c0c0c0-0000-4000-8000-000000000001",
    "c0c0c0c0-0000-4000-8000-000000000002",
    "c0c0c0c0-0000-4000-8000-000000000003",
];

/// A world with nothing but the keys of the contract
fn world() -> World {
    let (mut world, home) = (World::default(), Home::new(SANDBOX_ACCOUNT, REGION));
    for id in KEYS {
        world.put_key(&home, Key::new(id));
    }
    world
}

fn keys() -> Keys {
    KEYS.map(|id| KeyId::parse(id).unwrap())
}

macro_rules! on_the_sandbox {
    ($scenario:ident) => {
        #[tokio::test]
        async fn $scenario() {
            let sandbox = serve(Service::new(world(), Scenario::default()), None, 0).await.unwrap();
            let kms = contract::client(&sandbox.endpoint_url(), REGION).await;
            contract::$scenario(&kms, keys()).await;
        }
    };
}

contract::for_every_scenario!(on_the_sandbox);
