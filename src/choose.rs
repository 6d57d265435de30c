//! Criteria -> the one usable key that each of them selects, or every candidate where it is none or several. Reads only, and
//! nothing at all where no alias of the target selects.
//!
//! ListKeys, then key by key, concurrently: ListResourceTags where tags are asked for, and DescribeKey unless the tags have
//! excluded the key already. A key that cannot be read is never passed over: it may be the second one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::alias::{KeyId, KeyRef};
use crate::criteria::Criteria;
use crate::inspect::{AT_ONCE, Fact, Facts, learn};
use crate::kms::{Fault, KeyFacts, KeyPage, KmsError, KmsRead};
use crate::pages::{PageFault, Pages};
use crate::target::{Declared, Reached, Target};

/// Longer descriptions are cut where candidates are listed
const LONGEST_DESCRIPTION: usize = 40;
/// Candidates are all listed up to here, and of more than that the first two
const MOST_KNOWN: usize = 10;
/// Keys that cannot be read are listed up to here: where they are more, it is seldom one key's own policy
const MOST_UNREAD: usize = 10;

/// What was chosen in one target
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choices {
    /// The key of each criteria, or why there is none
    pub chosen: BTreeMap<Arc<Criteria>, Result<KeyId, Arc<Undecided>>>,
    /// What was learnt of keys on the way
    pub facts: Facts,
}

impl Choices {
    /// What `criteria` select, if they were asked about
    pub fn of(&self, criteria: &Criteria) -> Option<&Result<KeyId, Arc<Undecided>>> {
        self.chosen.get(criteria)
    }
}

/// Why the key of an alias cannot be told
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// A fragment of a sentence, candidates included
    pub why: String,
    /// What would help
    pub hint: String,
}

/// Why the keys that could be selected are not known
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ChooseError {
    /// A page of keys could not be read
    #[error("list the keys to select from (page {page})")]
    Page {
        /// Counted from 1
        page: u32,
        /// What the service said
        #[source]
        source: KmsError,
    },
    /// The pages are no whole listing
    #[error("list the keys to select from: {0}")]
    Pages(PageFault),
    /// A key could not be looked at, for a reason that is not its own
    #[error("look at a key to select from")]
    Key(#[source] KmsError),
}

/// What the aliases of `target` select by, those included that a selected alias follows
pub fn criteria(target: &Target) -> BTreeSet<Arc<Criteria>> {
    let taken = target.aliases.iter().filter(|(name, _)| target.scope.selection.takes(name.as_str()));
    taken.filter_map(|(_, declared)| selected(target, declared)).cloned().collect()
}

/// What `declared` selects its key by, itself or by the aliases that it follows
fn selected<'t>(target: &'t Target, declared: &'t Declared) -> Option<&'t Arc<Criteria>> {
    match target.reach(declared.want.key()?) {
        Reached::Key(KeyRef::Select(criteria)) => Some(criteria),
        _ => None,
    }
}

/// Finds the key of each of `wanted`; every key is read at most once
///
/// # Errors
/// Whatever keeps the keys from being known, denials aside.
pub async fn choose(kms: &impl KmsRead, wanted: BTreeSet<Arc<Criteria>>) -> Result<Choices, ChooseError> {
    if wanted.is_empty() {
        return Ok(Choices::default());
    }
    let keys = list_keys(kms).await?;
    let reading = stream::iter(keys).map(|key| read(kms, key, &wanted)).buffer_unordered(AT_ONCE);
    let read: BTreeMap<KeyId, Seen> = reading.try_collect().await.map_err(ChooseError::Key)?;
    let chosen = wanted.into_iter().map(|criteria| {
        let choice = decide(&criteria, &read).map_err(Arc::new);
        (criteria, choice)
    });
    let chosen = chosen.collect();
    let facts = read.into_iter().filter_map(|(key, seen)| Some((key, seen.fact?))).collect();
    Ok(Choices { chosen, facts })
}

async fn list_keys(kms: &impl KmsRead) -> Result<BTreeSet<KeyId>, ChooseError> {
    let (mut all, mut pages, mut marker) = (BTreeSet::new(), Pages::default(), None::<String>);
    loop {
        let page = pages.number();
        let read = kms.key_page(marker.as_deref()).await;
        let KeyPage { keys, next_marker, truncated } =
            read.map_err(|source| ChooseError::Page { page, source })?;
        all.extend(keys);
        match pages.turn(truncated, next_marker).map_err(ChooseError::Pages)? {
            None => return Ok(all),
            next => marker = next,
        }
    }
}

/// What was read of one key, as far as it can matter
#[derive(Debug)]
struct Seen {
    tags: Tags,
    /// `None` where the tags excluded it already
    fact: Option<Fact>,
}

#[derive(Debug)]
enum Tags {
    /// Nobody asked for tags
    Unasked,
    Known(BTreeMap<String, String>),
    /// They cannot be read; the service's sentence
    Unread(String),
}

impl Tags {
    /// Whether a key with these tags may be meant
    fn admit(&self, criteria: &Criteria) -> bool {
        match self {
            Self::Known(tags) => criteria.take_tags(tags),
            Self::Unasked | Self::Unread(_) => true,
        }
    }
}

async fn read(
    kms: &impl KmsRead,
    key: KeyId,
    wanted: &BTreeSet<Arc<Criteria>>,
) -> Result<(KeyId, Seen), KmsError> {
    let tags = match wanted.iter().any(|criteria| !criteria.tags.is_empty()) {
        true => read_tags(kms, &key).await?,
        false => Tags::Unasked,
    };
    let fact = match wanted.iter().any(|criteria| tags.admit(criteria)) {
        true => Some(learn(kms, &key).await?),
        false => None,
    };
    Ok((key, Seen { tags, fact }))
}

/// A key that was listed and is not found may be one that not every replica knows yet, so its tags are unread, too
async fn read_tags(kms: &impl KmsRead, key: &KeyId) -> Result<Tags, KmsError> {
    match kms.tags(key).await {
        Ok(tags) => Ok(Tags::Known(tags)),
        Err(error) => match error.fault {
            Fault::AccessDenied | Fault::NotFound | Fault::NoSuchReference => {
                Ok(Tags::Unread(error.to_string()))
            }
            _ => Err(error),
        },
    }
}

/// What one key is to one criteria
enum Standing<'s> {
    /// It has something else, or belongs to no one's choice
    Excluded,
    /// It is what is asked for, and an alias may use it
    Usable(&'s KeyFacts),
    /// It is what is asked for, and cannot be used
    Unusable(&'s KeyFacts),
    /// It may be either, for this reason
    Unknown(&'s str),
}

impl Seen {
    fn standing<'s>(&'s self, criteria: &Criteria) -> Standing<'s> {
        let unread = match &self.tags {
            Tags::Unread(sentence) if !criteria.tags.is_empty() => Some(sentence),
            _ => None,
        };
        if !self.tags.admit(criteria) {
            return Standing::Excluded;
        }
        match (&self.fact, unread) {
            (None, _) => Standing::Excluded,
            (Some(Fact::Known(facts)), _) if !criteria.take_description(&facts.description) => {
                Standing::Excluded
            }
            (Some(Fact::Known(facts)), Some(sentence)) => match is_usable(facts) {
                true => Standing::Unknown(sentence),
                false => Standing::Excluded,
            },
            (Some(Fact::Known(facts)), None) if is_usable(facts) => Standing::Usable(facts),
            (Some(Fact::Known(facts)), None) => Standing::Unusable(facts),
            (Some(Fact::Denied(sentence)), _) => Standing::Unknown(sentence),
            (Some(Fact::Missing), _) => Standing::Unknown("it is listed, and cannot be found"),
        }
    }
}

fn is_usable(facts: &KeyFacts) -> bool {
    !facts.aws_managed && facts.state == "Enabled"
}

/// The keys that have to do with one criteria
#[derive(Default)]
struct Candidates<'s> {
    usable: Vec<&'s KeyFacts>,
    unusable: Vec<&'s KeyFacts>,
    unknown: Vec<(&'s KeyId, &'s str)>,
}

fn decide(criteria: &Criteria, read: &BTreeMap<KeyId, Seen>) -> Result<KeyId, Undecided> {
    let mut candidates = Candidates::default();
    for (key, seen) in read {
        match seen.standing(criteria) {
            Standing::Excluded => {}
            Standing::Usable(facts) => candidates.usable.push(facts),
            Standing::Unusable(facts) => candidates.unusable.push(facts),
            Standing::Unknown(sentence) => candidates.unknown.push((key, sentence)),
        }
    }
    match (&candidates.usable[..], &candidates.unknown[..]) {
        ([one], []) => Ok(one.id.clone()),
        _ => Err(candidates.undecided(criteria)),
    }
}

impl Candidates<'_> {
    fn undecided(&self, criteria: &Criteria) -> Undecided {
        let verb = criteria.verb();
        let (count, told) = (self.usable.len(), self.told());
        match (count, self.unknown.is_empty()) {
            (0, true) if told.is_empty() => Undecided {
                why: format!("{criteria} {verb} no key of this account and Region"),
                hint: "give them to one key, or name a key by its id".to_owned(),
            },
            (0, true) => Undecided {
                why: format!("{criteria} {verb} no usable key: {told}"),
                hint: "enable one of these, or name another key: only an enabled customer managed key is selected"
                    .to_owned(),
            },
            (0 | 1, false) => Undecided {
                why: format!("{criteria} may select a key that cannot be read; candidates are {told}{}", self.cause()),
                hint: "let the role that plans read them, with kms:ListResourceTags and kms:DescribeKey, or name the key by its id"
                    .to_owned(),
            },
            _ => Undecided {
                why: format!("{criteria} {verb} {count} usable keys, and only one may be: {told}"),
                hint: "ask for what only one of these has, or name the key by its id".to_owned(),
            },
        }
    }

    /// The candidates, the usable ones first
    fn told(&self) -> String {
        let name = self.names();
        let count = self.usable.len() + self.unusable.len();
        let named = if count > MOST_KNOWN { 2 } else { count };
        let known = self.usable.iter().chain(&self.unusable).take(named).map(|facts| {
            let state = if facts.aws_managed { "managed by AWS" } else { &facts.state };
            format!("{}{} ({state})", name(&facts.id), quoted(&facts.description))
        });
        let others = (count > named).then(|| format!("{} more", count - named));
        let shown = self.unknown.iter().take(MOST_UNREAD);
        let unread = shown.map(|(key, _)| format!("{} (cannot be read)", name(key)));
        let more = self.unknown.len().saturating_sub(MOST_UNREAD);
        let more = (more > 0).then(|| format!("{more} more that cannot be read"));
        known.chain(others).chain(unread).chain(more).collect::<Vec<_>>().join(", ")
    }

    /// Why the first of those that cannot be read cannot be; the others are much the same
    fn cause(&self) -> String {
        self.unknown.first().map(|(_, sentence)| format!("; {sentence}")).unwrap_or_default()
    }

    /// Short ids where they tell the candidates apart
    fn names(&self) -> impl Fn(&KeyId) -> String {
        let known = self.usable.iter().chain(&self.unusable).map(|facts| &facts.id);
        let all: Vec<&KeyId> = known.chain(self.unknown.iter().map(|(key, _)| *key)).collect();
        let short: BTreeSet<&str> = all.iter().map(|key| key.short()).collect();
        let apart = short.len() == all.len();
        move |key| if apart { key.short().to_owned() } else { key.to_string() }
    }
}

fn quoted(description: &str) -> String {
    let mut short: String = description.chars().take(LONGEST_DESCRIPTION).collect();
    if short.len() < description.len() {
        short.push('…');
    }
    if short.is_empty() { short } else { format!(" \"{short}\"") }
}
