//! `--key-ref` -> how the key of an alias is written: by id, by ARN, or by tags where these select that key and no other. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::look::Seen;
use crate::alias::{KeyArn, KeyId, KeyRef};
use crate::criteria::Criteria;
use crate::kms::Identity;

/// How keys are referred to
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Refer {
    /// By id, which a multi-Region key has in all its Regions
    #[default]
    Id,
    /// By ARN
    Arn,
    /// By tags: by those with these names, or by all but those that AWS sets
    Tags(Option<BTreeSet<String>>),
}

impl Refer {
    /// What `id`, `arn`, `tags` or `tags=app,purpose` says
    ///
    /// # Errors
    /// It is none of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "id" => Ok(Self::Id),
            None if text == "arn" => Ok(Self::Arn),
            None if text == "tags" => Ok(Self::Tags(None)),
            Some(("tags", names)) if !names.split(',').any(str::is_empty) => {
                Ok(Self::Tags(Some(names.split(',').map(str::to_owned).collect())))
            }
            _ => Err("write id, arn, tags, or tags=NAME,NAME".to_owned()),
        }
    }

    /// What a key with these tags would be selected by; nothing where none of them counts
    pub(super) fn criteria(&self, tags: &BTreeMap<String, String>) -> Option<Arc<Criteria>> {
        let Self::Tags(named) = self else { return None };
        let counts = |name: &str| match named {
            Some(named) => named.contains(name),
            None => !name.starts_with("aws:"),
        };
        let tags = tags.iter().filter(|(name, _)| counts(name));
        let tags: BTreeMap<_, _> = tags.map(|(name, value)| (name.clone(), value.clone())).collect();
        (!tags.is_empty()).then(|| Criteria { tags, description: None }.into())
    }

    /// How `key` is written in a target, and why not as it was asked
    pub(super) fn reference(&self, key: &KeyId, seen: &Seen) -> (KeyRef, Option<String>) {
        let by_id = KeyRef::Id(key.clone());
        match self {
            Self::Id => (by_id, None),
            Self::Arn => (KeyRef::Arn(arn(key, &seen.identity).into()), None),
            Self::Tags(_) => match self.selection(key, seen) {
                Ok(criteria) => (KeyRef::Select(criteria), None),
                Err(why) => (by_id, Some(why)),
            },
        }
    }

    /// What selects `key` and no other
    fn selection(&self, key: &KeyId, seen: &Seen) -> Result<Arc<Criteria>, String> {
        let tags = match seen.tags.get(key) {
            Some(Ok(tags)) => tags,
            Some(Err(why)) => return Err(format!("the tags of key {key} cannot be read: {why}")),
            None => return Err(format!("nobody read the tags of key {key}")),
        };
        let criteria = self.criteria(tags).ok_or_else(|| format!("key {key} has no tags to select it by"))?;
        match seen.choices.of(&criteria) {
            Some(Ok(chosen)) if chosen == key => Ok(criteria),
            Some(Ok(other)) => Err(format!("{criteria} {} key {other}", criteria.verb())),
            Some(Err(undecided)) => Err(undecided.why.clone()),
            None => Err(format!("nobody looked for a key with {criteria}")),
        }
    }
}

fn arn(key: &KeyId, identity: &Identity) -> KeyArn {
    let Identity { partition, region, account, .. } = identity.clone();
    KeyArn { partition, region, account, id: key.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_to_refer_is_one_of_three_and_tags_may_be_named() {
        assert_eq!(Refer::parse("arn"), Ok(Refer::Arn));
        let named = Refer::parse("tags=app,purpose").unwrap();
        assert_eq!(named, Refer::Tags(Some(["app", "purpose"].map(str::to_owned).into())));
        for wrong in ["", "ids", "tags=", "tags=a,,b", "arn=x", "TAGS"] {
            assert!(Refer::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tags_that_aws_sets_select_only_where_they_are_named() {
        let tags = [("app", "x"), ("aws:cloudformation:stack-name", "s"), ("team", "y")];
        let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let told = |text: &str| {
            let criteria = Refer::parse(text).unwrap().criteria(&tags);
            criteria.map(|criteria| criteria.to_string()).unwrap_or_default()
        };
        assert_eq!(told("tags"), "tags {app=x, team=y}");
        assert_eq!(told("tags=team,none"), "tags {team=y}");
        assert_eq!(told("tags=aws:cloudformation:stack-name"), "tags {aws:cloudformation:stack-name=s}");
        assert_eq!((told("tags=none"), told("id")), (String::new(), String::new()));
    }
}
