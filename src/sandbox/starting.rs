//! The starting world: what a sandbox holds where no state says otherwise. Small, with one of everything that a manifest can meet.

use super::aliases::Alias;
use super::keys::{Key, KeyState};
use super::organization::Unit;
use super::world::{Home, Millis, World};

/// 1 January 2025
const LONG_AGO: Millis = 1_735_689_600_000;
/// A date of deletion that no test lives to see
const FAR_AWAY: Millis = 4_102_444_800_000;

/// Account, Region, key, description, key spec, key usage, tags
type KeyRow = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// Account, Region, alias, key
type AliasRow = (&'static str, &'static str, &'static str, &'static str);

const MAIN: &str = "111122223333";
const DEV: &str = "444455556666";
const VIRGINIA: &str = "us-east-1";
const IRELAND: &str = "eu-west-1";

const BILLING_2025: &str = "aaaa1111-0000-4000-8000-000000002025";
const BILLING_2026: &str = "bbbb2222-0000-4000-8000-000000002026";
const EXPORT: &str = "cccc3333-0000-4000-8000-000000000003";
const AUDIT: &str = "dddd4444-0000-4000-8000-000000000004";
const LEDGER: &str = "eeee5555-0000-4000-8000-000000000005";
const TOKENS: &str = "ffff6666-0000-4000-8000-000000000006";
const RETIRED: &str = "aaaa7777-0000-4000-8000-000000000007";
const LEAVING: &str = "bbbb8888-0000-4000-8000-000000000008";
const LAKE: &str = "mrk-1234abcd12ab34cd56ef1234567890ab";
const STORAGE: &str = "99990000-0000-4000-8000-000000000009";
const DEV_BILLING: &str = "dddd1111-0000-4000-8000-000000000001";
const IRISH_BILLING: &str = "eeee1111-0000-4000-8000-000000000001";

const SYMMETRIC: (&str, &str) = ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT");

const KEYS: [KeyRow; 14] = [
    (
        MAIN,
        VIRGINIA,
        BILLING_2025,
        "billing db 2025",
        SYMMETRIC.0,
        SYMMETRIC.1,
        &[("app", "billing"), ("purpose", "db-old")],
    ),
    (
        MAIN,
        VIRGINIA,
        BILLING_2026,
        "billing db 2026",
        SYMMETRIC.0,
        SYMMETRIC.1,
        &[("app", "billing"), ("purpose", "db")],
    ),
    (MAIN, VIRGINIA, EXPORT, "legacy export", SYMMETRIC.0, SYMMETRIC.1, &[("app", "legacy")]),
    (MAIN, VIRGINIA, AUDIT, "audit log", SYMMETRIC.0, SYMMETRIC.1, &[("app", "audit")]),
    (MAIN, VIRGINIA, LEDGER, "ledger signing", "RSA_2048", "SIGN_VERIFY", &[("app", "ledger")]),
    (MAIN, VIRGINIA, TOKENS, "session tokens", "HMAC_256", "GENERATE_VERIFY_MAC", &[("app", "tokens")]),
    (MAIN, VIRGINIA, RETIRED, "retired", SYMMETRIC.0, SYMMETRIC.1, &[]),
    (MAIN, VIRGINIA, LEAVING, "to be deleted", SYMMETRIC.0, SYMMETRIC.1, &[]),
    (MAIN, VIRGINIA, LAKE, "data lake", SYMMETRIC.0, SYMMETRIC.1, &[("app", "lake")]),
    (
        MAIN,
        VIRGINIA,
        STORAGE,
        "Default key that protects my s3 data when no other key is defined",
        SYMMETRIC.0,
        SYMMETRIC.1,
        &[],
    ),
    (MAIN, IRELAND, LAKE, "data lake", SYMMETRIC.0, SYMMETRIC.1, &[("app", "lake")]),
    (
        MAIN,
        IRELAND,
        IRISH_BILLING,
        "billing db 2026",
        SYMMETRIC.0,
        SYMMETRIC.1,
        &[("app", "billing"), ("purpose", "db")],
    ),
    (
        DEV,
        VIRGINIA,
        DEV_BILLING,
        "billing db, dev",
        SYMMETRIC.0,
        SYMMETRIC.1,
        &[("app", "billing"), ("purpose", "db")],
    ),
    (DEV, VIRGINIA, AUDIT, "audit log, dev", SYMMETRIC.0, SYMMETRIC.1, &[("app", "audit")]),
];

const ALIASES: [AliasRow; 14] = [
    (MAIN, VIRGINIA, "alias/app/billing/db", BILLING_2025),
    (MAIN, VIRGINIA, "alias/app/billing/archive", BILLING_2025),
    (MAIN, VIRGINIA, "alias/app/legacy/export", EXPORT),
    (MAIN, VIRGINIA, "alias/app/ledger/sign", LEDGER),
    (MAIN, VIRGINIA, "alias/app/tokens", TOKENS),
    (MAIN, VIRGINIA, "alias/app/retired", RETIRED),
    (MAIN, VIRGINIA, "alias/app/scratch", LEAVING),
    (MAIN, VIRGINIA, "alias/data/lake", LAKE),
    (MAIN, VIRGINIA, "alias/data/unmanaged", EXPORT),
    (MAIN, VIRGINIA, "alias/other/team", AUDIT),
    (MAIN, VIRGINIA, "alias/aws/s3", STORAGE),
    (MAIN, IRELAND, "alias/data/lake", LAKE),
    (DEV, VIRGINIA, "alias/app/billing/db", DEV_BILLING),
    (DEV, VIRGINIA, "alias/app/experiment", DEV_BILLING),
];

/// An OU or root, the OUs below it, the accounts below it with their states
type UnitRow = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

const UNITS: [UnitRow; 3] = [
    ("r-ab12", &["ou-ab12-34567890"], &[]),
    ("ou-ab12-34567890", &["ou-ab12-56789012"], &[(MAIN, "ACTIVE"), ("999900001111", "ACTIVE")]),
    ("ou-ab12-56789012", &[], &[(DEV, "ACTIVE"), ("999900002222", "SUSPENDED")]),
];

/// The built-in world
pub fn starting_world() -> World {
    let mut world = World::default();
    for (account, region, id, description, spec, usage, tags) in KEYS {
        let key = Key::new(id).described(description).of_kind(spec, usage);
        let key = tags.iter().fold(key, |key, (name, value)| key.tagged(name, value));
        world.put_key(&Home::new(account, region), special(Key { created: LONG_AGO, ..key }));
    }
    for (account, region, name, key) in ALIASES {
        let alias = Alias { target: Some(key.into()), created: Some(LONG_AGO), updated: Some(LONG_AGO) };
        // in sight from the beginning of time, for the tests whose clock begins there
        world.store(&Home::new(account, region)).aliases.set(name, Some(alias), 0, 0);
    }
    for (id, ous, accounts) in UNITS {
        let accounts = accounts.iter().map(|(id, state)| ((*id).to_owned(), (*state).to_owned()));
        let ous = ous.iter().map(|ou| (*ou).to_owned()).collect();
        world.put_unit(id, Unit { ous, accounts: accounts.collect() });
    }
    world
}

/// What the table has no columns for
fn special(key: Key) -> Key {
    match &*key.id {
        RETIRED => key.in_state(KeyState::Disabled),
        LEAVING => Key { deletion: Some(FAR_AWAY), ..key.in_state(KeyState::PendingDeletion) },
        LAKE => Key { primary: Some(VIRGINIA.into()), ..key },
        STORAGE => Key { aws_managed: true, ..key },
        _ => key,
    }
}
