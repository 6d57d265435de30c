//! The vocabulary: alias names, key ids and key references. Pure; every other file speaks in these types.

use std::fmt;
use std::sync::Arc;

use crate::criteria::Criteria;
use crate::render::harmless::harmless;

/// The longest alias name the service takes, `alias/` included
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>).
pub const LONGEST_NAME: usize = 256;

/// An alias name that the service would accept for a customer's alias: `alias/…`, case-sensitive
///
/// The rule is the stricter one of the service's two (`^alias/[a-zA-Z0-9/_-]+$`): the looser pattern in its API model
/// allows a colon, which the service then refuses.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasName(Arc<str>);

/// Why a text is not an alias name
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It does not begin with `alias/`
    #[error("an alias name begins with `alias/`")]
    Prefix,
    /// Nothing follows `alias/`
    #[error("nothing follows `alias/`")]
    Empty,
    /// `alias/aws/…` belongs to AWS
    #[error("names under `alias/aws/` are reserved for AWS")]
    Reserved,
    /// It holds a character that the service refuses
    #[error("{0:?} is not allowed in an alias name")]
    Character(char),
    /// It is longer than 256 characters
    #[error("{0} characters, and the service takes at most {LONGEST_NAME}")]
    Length(usize),
}

impl NameError {
    /// How to mend it, for the line `help:` of a diagnostic
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Prefix => "write it with the prefix, as in `alias/app/billing`",
            Self::Empty => "give the alias a name, as in `alias/app/billing`",
            Self::Reserved => "choose a name of your own: KMS makes and moves these itself",
            Self::Character(_) => "use only letters, digits, `/`, `_` and `-`",
            Self::Length(_) => "choose a shorter name",
        }
    }
}

impl AliasName {
    /// The name `text`, if the service would accept it
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let rest = text.strip_prefix("alias/").ok_or(NameError::Prefix)?;
        if rest.is_empty() {
            return Err(NameError::Empty);
        }
        if let Some(bad) = rest.chars().find(|c| !c.is_ascii_alphanumeric() && !"/_-".contains(*c)) {
            return Err(NameError::Character(bad));
        }
        if is_reserved(text) {
            return Err(NameError::Reserved);
        }
        if text.len() > LONGEST_NAME {
            return Err(NameError::Length(text.len()));
        }
        Ok(Self(text.into()))
    }

    /// The whole name, with `alias/`
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether the name belongs to AWS; DescribeKey by such a name can change the account, so no read may use it
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html>).
pub fn is_reserved(name: &str) -> bool {
    name.starts_with("alias/aws/")
}

/// The id of a key without account or Region: a UUID, or `mrk-` and 32 hexadecimal digits
///
/// Live keys keep whatever id the service gave; declared ones have passed [`KeyId::parse`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// The declared id `text`, if it has the shape of the service's ids: lower-case UUID or `mrk-…`
    pub fn parse(text: &str) -> Option<Self> {
        (is_uuid(text) || is_multi_region(text)).then(|| Self(text.into()))
    }

    /// The id in what the service answered: a bare id, or an ARN, as some servers of its protocol give it
    pub fn from_service(text: &str) -> Self {
        let id = match text.split_once(":key/") {
            Some((_, id)) => id,
            None => text.strip_prefix("key/").unwrap_or(text),
        };
        // Ids are ASCII. What else a server may send is shown in many places, and is no id that anything is done with.
        if id.bytes().all(|b| b.is_ascii_graphic()) { Self(id.into()) } else { Self(harmless(id).into()) }
    }

    /// The whole id
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a multi-Region key, which has one id in all of its Regions
    /// (<https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html>)
    pub fn is_multi_region(&self) -> bool {
        self.0.starts_with("mrk-")
    }

    /// The first part of the id, enough to tell keys apart at a glance: `1234abcd`, `mrk-1234abcd`
    pub fn short(&self) -> &str {
        short(&self.0)
    }
}

impl AsRef<str> for KeyId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The first part of a key's id, as [`KeyId::short`]
pub fn short(id: &str) -> &str {
    let length = if id.starts_with("mrk-") { 12 } else { 8 };
    id.get(..length).unwrap_or(id)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut parts = text.split('-');
    lengths.iter().all(|n| parts.next().is_some_and(|p| p.len() == *n && is_hex(p))) && parts.next().is_none()
}

fn is_multi_region(text: &str) -> bool {
    text.strip_prefix("mrk-").is_some_and(|hex| hex.len() == 32 && is_hex(hex))
}

/// The ARN of a key, `arn:<partition>:kms:<region>:<account>:key/<id>`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyArn {
    /// `aws`, `aws-cn`, …; the list is not closed
    pub partition: Arc<str>,
    /// As `us-east-1`
    pub region: Arc<str>,
    /// Twelve digits
    pub account: Arc<str>,
    /// The key in it
    pub id: KeyId,
}

impl KeyArn {
    /// The parts of `text`, if it is the ARN of a KMS key
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let id = KeyId::parse(resource.strip_prefix("key/")?)?;
        let sound = arn == "arn" && !partition.is_empty() && service == "kms" && !region.is_empty();
        (sound && is_account(account)).then(|| Self {
            partition: partition.into(),
            region: region.into(),
            account: account.into(),
            id,
        })
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:{}:kms:{}:{}:key/{}", self.partition, self.region, self.account, self.id)
    }
}

/// Whether `text` is an account id: twelve digits
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// How a manifest names a key
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRef {
    /// By bare id, in the target's own account and Region
    Id(KeyId),
    /// By ARN; its account and Region have been checked against the target
    Arn(Arc<KeyArn>),
    /// The key that another alias points at, declared or live
    Alias(AliasName),
    /// The one usable key of the target that has all of this
    Select(Arc<Criteria>),
}

macro_rules! text_type {
    ($type:ident) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
text_type!(AliasName);
text_type!(KeyId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_stricter_of_the_services_two_rules() {
        for good in
            ["alias/a", "alias/a/b_c-D9", "alias/my-alias_/", "alias/a//b", "alias/alias/x", "alias/awsome"]
        {
            assert_eq!(AliasName::parse(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("app/x", NameError::Prefix),
            ("Alias/x", NameError::Prefix),
            ("alias/", NameError::Empty),
            ("alias/a:b", NameError::Character(':')),
            ("alias/ä", NameError::Character('ä')),
            ("alias/aws/s3", NameError::Reserved),
        ] {
            assert_eq!(AliasName::parse(bad), Err(why), "{bad}");
        }
        let longest = format!("alias/{}", "x".repeat(LONGEST_NAME - 6));
        assert!(AliasName::parse(&longest).is_ok());
        assert_eq!(AliasName::parse(&(longest + "x")), Err(NameError::Length(257)));
    }

    #[test]
    fn ids_arns_and_multi_region_ids_of_one_key_are_equal() {
        let id = KeyId::parse("1234abcd-12ab-34cd-56ef-1234567890ab").unwrap();
        let arn =
            KeyArn::parse("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
                .unwrap();
        assert_eq!(arn.id, id);
        assert_eq!(KeyId::from_service(&arn.to_string()), id);
        assert_eq!(KeyId::from_service("key/1234abcd-12ab-34cd-56ef-1234567890ab"), id);
        let multi = KeyId::parse("mrk-1234abcd12ab34cd56ef1234567890ab").unwrap();
        let far = "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
        assert_eq!(KeyId::from_service(far), multi);
        assert_eq!((id.short(), multi.short()), ("1234abcd", "mrk-1234abcd"));
    }

    #[test]
    fn what_is_not_an_id_or_arn_is_refused() {
        for bad in ["", "1234abcd", "mrk-1234", "1234ABCD-12ab-34cd-56ef-1234567890ab", "alias/x"] {
            assert_eq!(KeyId::parse(bad), None, "{bad}");
        }
        for bad in [
            "arn:aws:kms:us-east-1:111122223333:alias/x",
            "arn:aws:s3:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:kms:us-east-1:1111:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:kms::111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ] {
            assert_eq!(KeyArn::parse(bad), None, "{bad}");
        }
    }
}
