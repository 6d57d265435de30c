//! What a key can be selected by, in the words of the manifest: tags, its description, or both. Pure.

use std::collections::BTreeMap;
use std::fmt;

/// What a key must have to be selected: all of it
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Criteria {
    /// Tags, each with this value; the key may have others
    pub tags: BTreeMap<String, String>,
    /// The whole of its description
    pub description: Option<String>,
}

impl Criteria {
    /// Whether a key with these tags has all that are asked for
    pub fn take_tags(&self, tags: &BTreeMap<String, String>) -> bool {
        self.tags.iter().all(|(name, value)| tags.get(name) == Some(value))
    }

    /// Whether it is the description that is asked for, if one is
    pub fn take_description(&self, description: &str) -> bool {
        self.description.as_deref().is_none_or(|wanted| wanted == description)
    }

    /// What they do, in the number that goes with how they are told
    pub fn verb(&self) -> &'static str {
        if self.tags.is_empty() { "selects" } else { "select" }
    }
}

/// `tags {app=billing, purpose=db} and description "db 2026"`
impl fmt::Display for Criteria {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.tags.is_empty() {
            let tags: Vec<_> = self.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
            write!(f, "tags {{{}}}", tags.join(", "))?;
        }
        match &self.description {
            Some(description) if self.tags.is_empty() => write!(f, "description \"{description}\""),
            Some(description) => write!(f, " and description \"{description}\""),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
        tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_key_may_have_more_tags_than_are_asked_for_and_none_less() {
        let criteria = Criteria { tags: tags(&[("app", "x"), ("env", "")]), description: None };
        assert!(criteria.take_tags(&tags(&[("app", "x"), ("env", ""), ("team", "y")])));
        for others in [&[("app", "x")][..], &[("app", "X"), ("env", "")], &[("app", "x"), ("env", "y")], &[]]
        {
            assert!(!criteria.take_tags(&tags(others)), "{others:?}");
        }
    }

    #[test]
    fn a_description_is_the_whole_of_it() {
        let criteria = Criteria { tags: tags(&[]), description: Some("db".to_owned()) };
        assert!(criteria.take_description("db") && criteria.take_tags(&tags(&[("a", "b")])));
        for other in ["", "db 2026", "DB", " db"] {
            assert!(!criteria.take_description(other), "{other:?}");
        }
    }

    #[test]
    fn it_is_told_as_it_is_written() {
        let both =
            Criteria { tags: tags(&[("purpose", "db"), ("app", "x")]), description: Some("d".to_owned()) };
        assert_eq!(both.to_string(), "tags {app=x, purpose=db} and description \"d\"");
        assert_eq!(Criteria { tags: tags(&[]), ..both.clone() }.to_string(), "description \"d\"");
        assert_eq!(Criteria { description: None, ..both }.to_string(), "tags {app=x, purpose=db}");
    }
}
