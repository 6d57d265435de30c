//! One operator on one condition key about aliases -> whether it holds: yes, no, or why that cannot be told. Pure.
//!
//! The rules are those of <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
//! and <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>.
//! Where they are silent, the answer is unknown.

use super::document::{AliasKey, Condition};
use super::pattern::{Cover, Pattern, Reading};

/// Whether something holds
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// It does
    Yes,
    /// It does not
    No,
    /// That cannot be told, for this reason: a fragment, as `operator StringFoo`
    Unknown(String),
}

impl Match {
    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown(why.into())
    }

    /// Both: a no decides, whatever cannot be told
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// Either: a yes decides, whatever cannot be told
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (Self::No, Self::No) => Self::No,
        }
    }
}

impl std::ops::Not for Match {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            unknown @ Self::Unknown(_) => unknown,
        }
    }
}

/// What a request carries for a condition key
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried<'v> {
    /// One value, or the key is not there
    One(Option<&'v str>),
    /// A set of values, which may be empty
    Set(&'v [&'v str]),
}

impl<'v> Carried<'v> {
    fn values(self) -> Vec<&'v str> {
        match self {
            Self::One(value) => value.into_iter().collect(),
            Self::Set(values) => values.to_vec(),
        }
    }
}

/// Over how many of the values of a set an operator speaks
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Any,
    All,
}

/// A string operator without its set prefix
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Test {
    over: Option<Over>,
    wildcards: bool,
    ignore_case: bool,
    negated: bool,
    if_exists: bool,
}

enum Operator {
    Null,
    String(Test),
}

/// The operator called `name`, unless it is one that this program does not know for texts
fn operator(name: &str) -> Option<Operator> {
    if name == "Null" {
        return Some(Operator::Null);
    }
    let (over, rest) = match name.split_once(':') {
        Some(("ForAnyValue", rest)) => (Some(Over::Any), rest),
        Some(("ForAllValues", rest)) => (Some(Over::All), rest),
        Some(_) => return None,
        None => (None, name),
    };
    let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
    let (wildcards, ignore_case, negated) = match base {
        "StringEquals" => (false, false, false),
        "StringNotEquals" => (false, false, true),
        "StringEqualsIgnoreCase" => (false, true, false),
        "StringNotEqualsIgnoreCase" => (false, true, true),
        "StringLike" => (true, false, false),
        "StringNotLike" => (true, false, true),
        _ => return None,
    };
    Some(Operator::String(Test { over, wildcards, ignore_case, negated, if_exists }))
}

/// Whether `condition` holds for a request that carries `carried`; `variables` as of its document
pub fn holds(condition: &Condition, carried: Carried<'_>, variables: bool) -> Match {
    let Some(wanted) = condition.values.as_deref().filter(|values| !values.is_empty()) else {
        return Match::unknown(format!("the values of its {}", condition.operator));
    };
    match operator(&condition.operator) {
        Some(Operator::Null) => is_null(wanted, carried),
        Some(Operator::String(test)) => test.holds(condition, wanted, carried, variables),
        None => Match::unknown(format!("operator {}", condition.operator)),
    }
}

/// `true` wants the key absent or without values, `false` present with some
fn is_null(wanted: &[String], carried: Carried<'_>) -> Match {
    let empty = carried.values().is_empty();
    match wanted {
        [one] if one.eq_ignore_ascii_case("true") => Match::of(empty),
        [one] if one.eq_ignore_ascii_case("false") => Match::of(!empty),
        _ => Match::unknown("the values of its Null"),
    }
}

impl Test {
    fn holds(self, condition: &Condition, wanted: &[String], carried: Carried<'_>, variables: bool) -> Match {
        let values = carried.values();
        let Self { over, wildcards, ignore_case, .. } = self;
        if over.is_none() && matches!(carried, Carried::Set(_)) {
            return Match::unknown(format!(
                "{} has many values, and {} says neither ForAnyValue nor ForAllValues",
                condition.key, condition.operator
            ));
        }
        if values.is_empty() {
            return self.of_nothing(condition);
        }
        let reading = Reading { wildcards, variables, ignore_case };
        let wanted: Vec<Pattern> = wanted.iter().map(|text| Pattern::parse(text, reading)).collect();
        let each = values.into_iter().map(|value| self.of_one(condition, &wanted, value));
        match over {
            Some(Over::Any) => each.fold(Match::No, Match::or),
            Some(Over::All) | None => each.fold(Match::Yes, Match::and),
        }
    }

    /// A key that is absent or has no values
    fn of_nothing(self, condition: &Condition) -> Match {
        match self.over {
            Some(Over::All) => Match::Yes,
            // one page says that ForAnyValue fails, the other that IfExists saves it
            Some(Over::Any) if self.if_exists => {
                Match::unknown(format!("{} where there are no values", condition.operator))
            }
            Some(Over::Any) => Match::No,
            None => Match::of(self.if_exists || self.negated),
        }
    }

    /// Any of the wanted texts, or for a negated operator none of them
    fn of_one(self, condition: &Condition, wanted: &[Pattern], value: &str) -> Match {
        let covers = |pattern: &Pattern| match pattern.covers(value, self.ignore_case) {
            Cover::Yes => Match::Yes,
            Cover::No => Match::No,
            Cover::Variable => Match::unknown(format!("a policy variable in its {}", condition.operator)),
        };
        let any = wanted.iter().map(covers).fold(Match::No, Match::or);
        if self.negated { !any } else { any }
    }
}

/// What a request carries for `key`, with the aliases of the key and the one that the request names
pub fn carried<'v>(key: AliasKey, aliases: &'v [&'v str], requested: Option<&'v str>) -> Carried<'v> {
    match key {
        AliasKey::Request => Carried::One(requested),
        AliasKey::Resource => Carried::Set(aliases),
    }
}

#[cfg(test)]
mod cases;
