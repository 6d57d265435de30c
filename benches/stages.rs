//! Counts of aliases -> the CPU seconds that a plan of as many costs by itself: list, diff, plan and render, against an account in memory.
//! Loading the manifest and making the account are not counted. `benches/run.py cpu` runs it: `stages COUNT in-sync|moved`.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use kms_alias::alias::{AliasName, KeyId};
use kms_alias::document;
use kms_alias::fleet::Surveyed;
use kms_alias::kms::{AliasPage, Calls, Fault, Identity, KeyFacts, KeyPage, KmsError, KmsRead, ListedAlias};
use kms_alias::load::{Input, load};
use kms_alias::plan::Policy;
use kms_alias::prepare::prepare;
use kms_alias::render::style::Palette;
use kms_alias::render::text;
use kms_alias::target::{Target, targets};

/// Names on a page, the most that ListAliases gives
const PAGE: usize = 100;
/// The service allows 50
const ALIASES_PER_KEY: usize = 25;
/// Of the aliases, one in so many is on another key than declared where some were moved
const MOVED: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    // `cargo bench` adds an option of its own.
    let (count, situation) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let usage = "stages COUNT in-sync|moved";
    let count: usize = count.parse().map_err(|_| usage)?;
    let moved = match situation.as_str() {
        "in-sync" => false,
        "moved" => true,
        _ => return Err(usage.into()),
    };
    let (target, account) = (declared(count)?, Account::of(count, moved));
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let began = cpu()?;
    let (_kept, shown) = runtime.block_on(shown(target, &account))?;
    let seconds = cpu()? - began;
    let last = shown.lines().rev().find(|line| line.starts_with("Plan:")).unwrap_or_default();
    writeln!(std::io::stdout(), "{seconds:.3}\n{last}")?;
    Ok(())
}

/// Seconds that this thread has had a core for
fn cpu() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds / 1e9)
}

fn name(number: usize) -> String {
    format!("alias/app/service-{number:07}")
}

fn key(index: usize) -> String {
    format!("{index:08x}-0000-4000-8000-000000000000")
}

/// The one target of a manifest of so many aliases
fn declared(count: usize) -> Result<Target, Box<dyn Error>> {
    let lines = (0..count).map(|number| format!("  {}: {}\n", name(number), key(number / ALIASES_PER_KEY)));
    let text = format!("version: 1\nscope: [alias/app/]\naliases:\n{}", lines.collect::<String>());
    let manifest = load(&[Input::Stdin(text.into_bytes())])?;
    Ok(targets(&manifest).pop().ok_or("a manifest has a target")?)
}

/// What a plan does, from the first page to the text that a person reads; with what it was made from, whose end is not part of it
async fn shown(target: Target, account: &Account) -> Result<(Surveyed, String), Box<dyn Error>> {
    let policy = Policy::of(&target);
    let prepared = prepare(&target, &policy, account).await?;
    let (calls, access, unusable, blame) = (Calls::new(), None, None, None);
    let surveyed = Surveyed { target, policy, calls, prepared: Ok(prepared), access, unusable, blame };
    let shown = text::plan(&document::plan(std::slice::from_ref(&surveyed)), &Palette::plain());
    Ok((surveyed, shown))
}

/// An account in memory, which hands out each page once
struct Account {
    pages: Mutex<std::vec::IntoIter<AliasPage>>,
}

impl Account {
    fn of(count: usize, moved: bool) -> Self {
        let on = |number: usize| match moved && number.is_multiple_of(MOVED) {
            true => key((number / ALIASES_PER_KEY) ^ 1),
            false => key(number / ALIASES_PER_KEY),
        };
        let listed =
            |number| ListedAlias { name: name(number), target: Some(KeyId::from_service(&on(number))) };
        let page = |start: usize| {
            let end = (start + PAGE).min(count);
            let truncated = end < count;
            let next_marker = truncated.then(|| end.to_string());
            AliasPage { aliases: (start..end).map(listed).collect(), next_marker, truncated }
        };
        let pages: Vec<_> = (0..count.max(1)).step_by(PAGE).map(page).collect();
        Self { pages: Mutex::new(pages.into_iter()) }
    }
}

fn never(operation: &'static str) -> KmsError {
    let message = "no plan of these aliases asks this".to_owned();
    KmsError { fault: Fault::Unknown, operation, code: None, message, request_id: None }
}

impl KmsRead for Account {
    async fn identity(&self) -> Result<Identity, KmsError> {
        let [account, region, partition] = ["111122223333", "us-east-1", "aws"].map(Into::into);
        Ok(Identity { account, region, partition, caller: "arn:aws:iam::111122223333:user/bench".into() })
    }

    async fn alias_page(&self, _: Option<&str>) -> Result<AliasPage, KmsError> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.next().ok_or_else(|| never("ListAliases"))
    }

    async fn key_alias_page(&self, _: &KeyId, _: Option<&str>) -> Result<AliasPage, KmsError> {
        Err(never("ListAliases"))
    }

    async fn key_policy(&self, _: &KeyId) -> Result<String, KmsError> {
        Err(never("GetKeyPolicy"))
    }

    async fn describe_key(&self, key: &KeyId) -> Result<KeyFacts, KmsError> {
        Ok(KeyFacts {
            id: key.clone(),
            region: "us-east-1".to_owned(),
            description: String::new(),
            state: "Enabled".to_owned(),
            spec: "SYMMETRIC_DEFAULT".to_owned(),
            usage: "ENCRYPT_DECRYPT".to_owned(),
            deletion_date: None,
            aws_managed: false,
        })
    }

    async fn key_page(&self, _: Option<&str>) -> Result<KeyPage, KmsError> {
        Err(never("ListKeys"))
    }

    async fn tags(&self, _: &KeyId) -> Result<BTreeMap<String, String>, KmsError> {
        Err(never("ListResourceTags"))
    }

    async fn describe_alias(&self, _: &AliasName) -> Result<KeyFacts, KmsError> {
        Err(never("DescribeKey"))
    }

    fn calls(&self) -> Calls {
        Calls::new()
    }
}
