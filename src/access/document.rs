//! Policy JSON -> statements. Pure. It is lenient, since the service has accepted the document: what it cannot read becomes a
//! flaw of the statement, and a flawed statement about aliases is unknown later on, never absent.

use serde_json::{Map, Value};

/// A policy and whom it belongs to
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Where it comes from
    pub origin: Origin,
    /// Its statements, in its order
    pub statements: Vec<Statement>,
}

/// Where a policy comes from
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is the policy of the key itself, and its statements name their principals
    Key,
    /// It is an IAM policy of this name, attached to these principals (ARNs), as far as that is known
    Iam {
        /// The policy's name, or the file's
        name: String,
        /// ARNs
        attached: Vec<String>,
    },
}

/// One statement
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its `Sid`
    pub sid: Option<String>,
    /// Which one of the document it is, counted from 1
    pub number: usize,
    /// Allow or deny; `None` where it is neither
    pub effect: Option<Effect>,
    /// `Action` or `NotAction`
    pub actions: Choice,
    /// `Resource` or `NotResource`
    pub resources: Choice,
    /// `Principal` or `NotPrincipal`; in an IAM policy there is none
    pub principals: Choice,
    /// Every operator on every key, all of which must hold
    pub conditions: Vec<Condition>,
    /// Whether `${…}` is a variable in it
    pub variables: bool,
    /// Whether it says anything about aliases
    pub about_aliases: bool,
    /// What of it cannot be read
    pub flaw: Option<&'static str>,
}

/// What a statement does where it matches
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It grants
    Allow,
    /// It refuses, whatever else grants
    Deny,
}

/// An element, or its opposite
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// These
    Only(Vec<String>),
    /// All but these
    AllBut(Vec<String>),
}

/// One operator on one condition key
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `StringLike`, `ForAnyValue:StringEquals`, …
    pub operator: String,
    /// The condition key as written; its case means nothing
    pub key: String,
    /// What the policy compares with; `None` where it cannot be read
    pub values: Option<Vec<String>>,
}

/// A condition key about aliases
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasKey {
    /// `kms:RequestAlias`: the one alias that the request names, if it names any
    Request,
    /// `kms:ResourceAliases`: all the aliases of the key
    Resource,
}

impl Condition {
    /// Which of the keys about aliases it is on; names of condition keys are not case-sensitive
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html>)
    pub fn alias_key(&self) -> Option<AliasKey> {
        if self.key.eq_ignore_ascii_case("kms:RequestAlias") {
            Some(AliasKey::Request)
        } else if self.key.eq_ignore_ascii_case("kms:ResourceAliases") {
            Some(AliasKey::Resource)
        } else {
            None
        }
    }
}

/// The statements of `text`
///
/// # Errors
/// Why it is no policy at all.
pub fn parse(text: &str, origin: Origin) -> Result<Document, String> {
    let value = serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?;
    document(&value, origin)
}

/// The statements of a document that has been read as JSON
///
/// # Errors
/// Why it is no policy at all.
pub fn document(value: &Value, origin: Origin) -> Result<Document, String> {
    let Some(Value::Object(_) | Value::Array(_)) = value.get("Statement") else {
        return Err("it has no statements".to_owned());
    };
    // without a version, or with the older one, variables are plain text
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
    let variables = value["Version"] == "2012-10-17";
    let statements = one_or_many(&value["Statement"]);
    let statements =
        statements.iter().enumerate().map(|(i, value)| statement(i + 1, value, variables)).collect();
    Ok(Document { origin, statements })
}

fn one_or_many(value: &Value) -> &[Value] {
    match value {
        Value::Array(many) => many,
        one => std::slice::from_ref(one),
    }
}

fn statement(number: usize, value: &Value, variables: bool) -> Statement {
    let mut flaw = (!value.is_object()).then_some("it is not an object");
    let mut note = |wrong: Option<&'static str>| flaw = flaw.or(wrong);
    let effect = match value["Effect"].as_str() {
        Some("Allow") => Some(Effect::Allow),
        Some("Deny") => Some(Effect::Deny),
        _ => None,
    };
    note(effect.is_none().then_some("its Effect is neither Allow nor Deny"));
    let (actions, sound) = choice(value, "Action", "NotAction", texts);
    note((!sound).then_some("its Action cannot be read"));
    let (resources, sound) = choice(value, "Resource", "NotResource", texts);
    note((!sound).then_some("its Resource cannot be read"));
    let (principals, sound) = choice(value, "Principal", "NotPrincipal", principals);
    note((!sound).then_some("its Principal cannot be read"));
    let conditions = conditions(&value["Condition"]);
    note(conditions.is_none().then_some("its Condition cannot be read"));
    let about_aliases = match (&conditions, flaw) {
        (Some(conditions), None) => conditions.iter().any(|condition| condition.alias_key().is_some()),
        _ => mentions_aliases(value),
    };
    Statement {
        sid: value["Sid"].as_str().filter(|sid| !sid.is_empty()).map(str::to_owned),
        number,
        effect,
        actions,
        resources,
        principals,
        conditions: conditions.unwrap_or_default(),
        variables,
        about_aliases,
        flaw,
    }
}

/// Whether what cannot be read may be about aliases
fn mentions_aliases(value: &Value) -> bool {
    let text = value.to_string().to_ascii_lowercase();
    ["kms:requestalias", "kms:resourcealiases"].iter().any(|key| text.contains(key))
}

/// `Action` or `NotAction`, and whether it could be read; a statement may leave out an element that does not apply to it
fn choice(
    value: &Value,
    element: &str,
    opposite: &str,
    read: fn(&Value) -> Option<Vec<String>>,
) -> (Choice, bool) {
    let (list, but) = match (value.get(element), value.get(opposite)) {
        (Some(list), None) => (read(list), false),
        (None, Some(list)) => (read(list), true),
        (None, None) => (Some(Vec::new()), false),
        (Some(_), Some(_)) => (None, false),
    };
    let sound = list.is_some();
    let list = list.unwrap_or_default();
    (if but { Choice::AllBut(list) } else { Choice::Only(list) }, sound)
}

/// One text or many; numbers and booleans stand for themselves
fn texts(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    one_or_many(value).iter().map(text).collect()
}

/// `"*"`, or lists by kind of principal
fn principals(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Object(kinds) => {
            let lists = kinds.values().map(texts).collect::<Option<Vec<_>>>()?;
            Some(lists.concat())
        }
        other => texts(other),
    }
}

fn conditions(value: &Value) -> Option<Vec<Condition>> {
    let operators = match value {
        Value::Null => return Some(Vec::new()),
        Value::Object(operators) => operators,
        _ => return None,
    };
    let lists = operators.iter().map(|(operator, keys)| on_keys(operator, keys.as_object()?));
    Some(lists.collect::<Option<Vec<_>>>()?.concat())
}

fn on_keys(operator: &str, keys: &Map<String, Value>) -> Option<Vec<Condition>> {
    let condition = |(key, values): (&String, &Value)| Condition {
        operator: operator.to_owned(),
        key: key.clone(),
        values: texts(values),
    };
    Some(keys.iter().map(condition).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn only(value: Value) -> Statement {
        document(&json!({"Version": "2012-10-17", "Statement": value}), Origin::Key)
            .unwrap()
            .statements
            .remove(0)
    }

    fn list(texts: &[&str]) -> Choice {
        Choice::Only(texts.iter().map(|&text| text.to_owned()).collect())
    }

    #[test]
    fn one_and_many_are_read_alike() {
        let one = json!({"Effect": "Allow", "Principal": {"AWS": "a"}, "Action": "kms:Decrypt", "Resource": "*",
                         "Condition": {"StringLike": {"kms:RequestAlias": "alias/*"}}});
        let many = json!([{"Effect": "Allow", "Principal": {"AWS": ["a"]}, "Action": ["kms:Decrypt"], "Resource": ["*"],
                           "Condition": {"StringLike": {"kms:RequestAlias": ["alias/*"]}}}]);
        assert_eq!(only(one.clone()), only(many));
        let statement = only(one);
        assert_eq!((statement.actions, statement.principals), (list(&["kms:Decrypt"]), list(&["a"])));
        assert!(statement.about_aliases && statement.variables && statement.flaw.is_none());
    }

    #[test]
    fn opposites_kinds_of_principals_and_bare_stars_are_read() {
        let statement = only(json!({"Effect": "Deny", "NotPrincipal": {"AWS": ["a", "b"], "Service": "s"},
                                    "NotAction": "kms:Get*", "NotResource": ["r"]}));
        assert_eq!(statement.principals, Choice::AllBut(["a", "b", "s"].map(str::to_owned).into()));
        assert_eq!(statement.actions, Choice::AllBut(vec!["kms:Get*".to_owned()]));
        assert_eq!(
            only(json!({"Effect": "Allow", "Principal": "*", "Action": "*"})).principals,
            list(&["*"])
        );
    }

    #[test]
    fn what_cannot_be_read_is_a_flaw_and_still_about_aliases() {
        for flawed in [
            json!({"Effect": "Maybe", "Action": "*", "Condition": {"Null": {"kms:RequestAlias": true}}}),
            json!({"Effect": "Allow", "Action": {"a": 1}, "Condition": {"Null": {"KMS:requestalias": true}}}),
            json!({"Effect": "Allow", "Action": "*", "Condition": ["kms:ResourceAliases"]}),
            json!({"Effect": "Allow", "Action": "*", "Condition": {"StringLike": "kms:ResourceAliases"}}),
            json!({"Effect": "Allow", "Action": "a", "NotAction": "b", "Condition": {"Null": {"kms:RequestAlias": 1}}}),
            json!(["kms:RequestAlias"]),
        ] {
            let statement = only(flawed.clone());
            assert!(statement.flaw.is_some() && statement.about_aliases, "{flawed}");
        }
        assert!(!only(json!({"Effect": "Maybe"})).about_aliases);
        for nothing in ["", "[]", "{}", "null", r#"{"Statement": 1}"#, r#"{"statement": []}"#] {
            assert!(parse(nothing, Origin::Key).is_err(), "{nothing}");
        }
    }

    #[test]
    fn variables_are_of_the_newer_version_only() {
        for (version, variables) in
            [(json!("2012-10-17"), true), (json!("2008-10-17"), false), (Value::Null, false)]
        {
            let document = json!({"Version": version, "Statement": {"Effect": "Allow"}});
            assert_eq!(document_of(&document).statements[0].variables, variables);
        }
    }

    pub(in crate::access) fn document_of(value: &Value) -> Document {
        document(value, Origin::Key).unwrap()
    }

    /// JSON that is nearly a policy: the right words in the wrong places
    pub(in crate::access) fn nearly_policy() -> impl Strategy<Value = Value> {
        let words = [
            "Allow",
            "Deny",
            "*",
            "kms:RequestAlias",
            "kms:ResourceAliases",
            "alias/a*",
            "true",
            "${x}",
            "",
            "arn:aws:iam::111122223333:role/a",
            "2012-10-17",
        ];
        let keys = [
            "Statement",
            "Effect",
            "Action",
            "NotAction",
            "Principal",
            "Resource",
            "Condition",
            "StringLike",
            "ForAnyValue:StringNotLikeIfExists",
            "Null",
            "kms:RequestAlias",
            "kms:ResourceAliases",
            "AWS",
            "Sid",
            "Version",
        ];
        let leaf = prop_oneof![
            4 => prop::sample::select(words.to_vec()).prop_map(Value::from),
            1 => any::<i64>().prop_map(Value::from),
            1 => any::<bool>().prop_map(Value::from),
            1 => Just(Value::Null),
        ];
        leaf.prop_recursive(6, 48, 5, move |inner| {
            let key = prop::sample::select(keys.to_vec()).prop_map(str::to_owned);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_text_and_no_json_panics(text in any::<String>(), json in nearly_policy()) {
            let _ = parse(&text, Origin::Key);
            let _ = parse(&json.to_string(), Origin::Key);
            let _ = document(&json!({"Statement": json}), Origin::Key);
        }
    }
}
