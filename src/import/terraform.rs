//! A Terraform state, or what `terraform show -json` makes of one -> the aliases that Terraform has made, and how it lets go of them. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use super::claim::{Claim, Claims, Home, Unfit, name};
use crate::alias::{AliasName, KeyId};

const PULL: &str = "write it with `terraform state pull > FILE`, or `terraform show -json > FILE`";

/// The state as it is stored (<https://developer.hashicorp.com/terraform/internals/json-format> tells of the other form alone)
#[derive(Deserialize)]
struct State {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    module: Option<String>,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    index_key: Option<Value>,
    deposed: Option<String>,
    attributes: Option<Value>,
}

/// The state as it is shown
#[derive(Deserialize)]
struct Shown {
    values: Option<Values>,
}

#[derive(Deserialize)]
struct Values {
    root_module: Module,
}

#[derive(Deserialize)]
struct Module {
    #[serde(default)]
    resources: Vec<ShownResource>,
    #[serde(default)]
    child_modules: Vec<Module>,
}

#[derive(Deserialize)]
struct ShownResource {
    address: String,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    deposed_key: Option<String>,
    values: Option<Value>,
}

/// What the provider keeps of an alias
#[derive(Deserialize)]
struct Attributes {
    name: String,
    arn: String,
    target_key_id: Option<String>,
    target_key_arn: Option<String>,
}

/// The aliases in a state, in either form
///
/// # Errors
/// It is no state, or has no aliases, or what it says of one cannot be.
pub fn claims(text: &str) -> Result<Claims, Unfit> {
    let wrong = |error: serde_json::Error| Unfit::new(format!("it is no Terraform state: {error}"), PULL);
    let state: Value = serde_json::from_str(text).map_err(wrong)?;
    let (stored, shown) =
        (state.get("version").and_then(Value::as_u64), state.get("format_version").is_some());
    let found = match (stored, shown) {
        (Some(4), _) => stored_aliases(serde_json::from_value(state).map_err(wrong)?)?,
        (Some(other), _) => {
            return Err(Unfit::new(format!("it is a state of version {other}, and version 4 is read"), PULL));
        }
        (None, true) => {
            let shown: Shown = serde_json::from_value(state).map_err(wrong)?;
            let Some(values) = shown.values else {
                return Err(Unfit::new("it has no `values`: it is no state, or an empty one", PULL));
            };
            let mut found = Vec::new();
            shown_aliases(values.root_module, &mut found);
            found
        }
        (None, false) => return Err(Unfit::new("it has neither a `version` nor a `format_version`", PULL)),
    };
    let mut claims = Claims::new();
    for (address, attributes) in found {
        let (name, claim) = claim(address, attributes)?;
        claims.entry(name).or_default().push(claim);
    }
    if claims.is_empty() {
        return Err(Unfit::new("it has no `aws_kms_alias` that Terraform manages", PULL));
    }
    Ok(claims)
}

/// What is about to be destroyed anyway is no alias that anybody wants.
fn is_wanted(mode: &str, kind: &str) -> bool {
    mode == "managed" && kind == "aws_kms_alias"
}

fn stored_aliases(state: State) -> Result<Vec<(String, Value)>, Unfit> {
    let mut found = Vec::new();
    for resource in state.resources.into_iter().filter(|one| is_wanted(&one.mode, &one.kind)) {
        let module = resource.module.map(|module| module + ".").unwrap_or_default();
        let whole = format!("{module}{}.{}", resource.kind, resource.name);
        for instance in resource.instances.into_iter().filter(|one| one.deposed.is_none()) {
            let key = match instance.index_key {
                None | Some(Value::Null) => String::new(),
                Some(key @ (Value::Number(_) | Value::String(_))) => format!("[{key}]"),
                Some(key) => return Err(Unfit::new(format!("{whole} has an instance {key}"), PULL)),
            };
            found.push((format!("{whole}{key}"), instance.attributes.unwrap_or_default()));
        }
    }
    Ok(found)
}

fn shown_aliases(module: Module, found: &mut Vec<(String, Value)>) {
    let aliases = module.resources.into_iter().filter(|one| is_wanted(&one.mode, &one.kind));
    let there = aliases.filter(|one| one.deposed_key.is_none());
    found.extend(there.map(|one| (one.address, one.values.unwrap_or_default())));
    module.child_modules.into_iter().for_each(|child| shown_aliases(child, found));
}

fn claim(address: String, attributes: Value) -> Result<(AliasName, Claim), Unfit> {
    let declaration = without_keys(&address);
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    // What is to be written into a configuration and a shell stays on its line.
    if !declaration.split('.').all(word) || address.contains(char::is_control) {
        return Err(Unfit::new(format!("{address:?} is no address of Terraform's"), PULL));
    }
    let attributes: Attributes = serde_json::from_value(attributes)
        .map_err(|error| Unfit::new(format!("what it says of {address} cannot be read: {error}"), PULL))?;
    let name = name(&attributes.name, &address)?;
    let home = Home::of_arn(&attributes.arn).filter(|_| attributes.arn.ends_with(&format!(":{name}")));
    let Some(home) = home else {
        let why = format!("{address} has the ARN {:?}, which is not that of {name}", attributes.arn);
        return Err(Unfit::new(why, PULL));
    };
    let key = attributes.target_key_arn.or(attributes.target_key_id).filter(|key| !key.is_empty());
    let key = key.map(|key| KeyId::from_service(&key));
    Ok((name, Claim { address, declaration, home: Some(home), key }))
}

/// `module.a["x"].aws_kms_alias.b[0]` -> `module.a.aws_kms_alias.b`
fn without_keys(address: &str) -> String {
    let (mut bare, mut depth, mut quoted, mut escaped) = (String::new(), 0, false, false);
    for c in address.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if depth > 0 => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted && depth > 0 => depth -= 1,
            _ if depth == 0 => bare.push(c),
            _ => {}
        }
    }
    bare
}

/// How Terraform lets go of the `taken` addresses and deletes none of them: a configuration, with the commands for older versions beside
///
/// `from` takes no instance keys: a block is for all instances of a resource
/// (<https://developer.hashicorp.com/terraform/language/state/remove>).
pub fn removal(claims: &Claims, taken: &BTreeSet<String>) -> String {
    let mut declarations: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for claim in claims.values().flatten() {
        declarations.entry(&claim.declaration).or_default().push(&claim.address);
    }
    let mut blocks = String::new();
    let mut commands = BTreeSet::new();
    for (declaration, addresses) in declarations {
        let gone: Vec<&str> = addresses.iter().copied().filter(|address| taken.contains(*address)).collect();
        if gone.len() == addresses.len() {
            let _ = write!(
                blocks,
                "\nremoved {{\n  from = {declaration}\n\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"
            );
            // `state rm` takes a module without its keys for the one that has none.
            match addresses.iter().any(|address| has_keyed_module(address)) {
                true => commands.extend(gone.into_iter().map(command)),
                false => _ = commands.insert(command(declaration)),
            }
        } else if !gone.is_empty() {
            let (some, all) = (gone.len(), addresses.len());
            let _ = write!(
                blocks,
                "\n# {declaration}: {some} of its {all} instances are declared now, and a block lets go of all: use the commands below\n"
            );
            commands.extend(gone.into_iter().map(command));
        }
    }
    if commands.is_empty() {
        return "# Nothing was imported that Terraform would have to let go of.\n".to_owned();
    }
    let head = "# Terraform 1.7 or later lets go of these aliases, and deletes none: take their resource blocks out, put this into the root\n\
        # module, look that the plan destroys nothing, and apply.\n";
    let older = "\n# Before Terraform 1.7, and for single instances, these commands do the same:\n";
    let commands: String = commands.iter().map(|command| format!("#   {command}\n")).collect();
    format!("{head}{blocks}{older}{commands}")
}

/// Whether the resource is in an instance of a module with `count` or `for_each`
fn has_keyed_module(address: &str) -> bool {
    address
        .split(".aws_kms_alias.")
        .next()
        .is_some_and(|module| module.starts_with("module.") && module.contains('['))
}

fn command(address: &str) -> String {
    format!("terraform state rm '{}'", address.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_without_its_keys_whatever_is_in_them() {
        for (address, bare) in [
            ("aws_kms_alias.a", "aws_kms_alias.a"),
            ("aws_kms_alias.a[0]", "aws_kms_alias.a"),
            ("module.m[\"x.y\"].module.n.aws_kms_alias.a[\"]\\\"[\"]", "module.m.module.n.aws_kms_alias.a"),
        ] {
            assert_eq!(without_keys(address), bare);
        }
    }

    #[test]
    fn a_command_quotes_for_the_shell() {
        assert_eq!(command("a.b[\"it's\"]"), r#"terraform state rm 'a.b["it'\''s"]'"#);
    }

    /// What is said of a file with this text
    fn refused(text: &str) -> String {
        claims(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_state_is_refused_with_what_is_wrong() {
        let alias = |attributes: &str| {
            format!(
                "{{\"version\": 4, \"resources\": [{{\"mode\": \"managed\", \"type\": \"aws_kms_alias\", \"name\": \"a\", \
                \"instances\": [{{\"attributes\": {attributes}}}]}}]}}"
            )
        };
        let arn = "arn:aws:kms:us-east-1:111122223333:alias";
        for (text, why) in [
            ("[", "no Terraform state"),
            (&alias("{}").replace("\"a\"", "\"a b\""), "no address of Terraform's"),
            (
                &alias("{}").replace("{\"attributes\"", "{\"index_key\": \"\u{7f}\", \"attributes\""),
                "no address of Terraform's",
            ),
            ("{}", "neither a `version`"),
            ("{\"version\": 3, \"modules\": []}", "version 3"),
            ("{\"version\": 4}", "no `aws_kms_alias`"),
            ("{\"format_version\": \"1.0\"}", "no `values`"),
            (&alias("{}"), "aws_kms_alias.a cannot be read: missing field `name`"),
            (&alias(&format!("{{\"name\": \"x\", \"arn\": \"{arn}/x\"}}")), "no alias can have"),
            (&alias(&format!("{{\"name\": \"alias/x\", \"arn\": \"{arn}/y\"}}")), "not that of alias/x"),
            (&alias("{\"name\": \"alias/x\", \"arn\": \"alias/x\"}"), "not that of alias/x"),
        ] {
            assert!(refused(text).contains(why), "{text}: {}", refused(text));
        }
    }
}
