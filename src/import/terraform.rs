//! A Terraform state, or what `terraform show -json` makes of one -> the aliases that Terraform has made, and how it lets go of them. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use super::claim::{Claim, Claims, Found, Home, Unfit, name};
use crate::alias::{AliasName, KeyId};
use crate::render::harmless::is_plain;
use crate::render::shell;

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

/// An object that Terraform has made, in either form
struct Object {
    address: String,
    is_deposed: bool,
    attributes: Value,
}

/// The aliases in a state, in either form
///
/// # Errors
/// It is no state, or has no aliases, or what it says of one cannot be.
pub fn claims(text: &str) -> Result<Found, Unfit> {
    let mut found = Found::default();
    for object in objects(text)? {
        let declaration = declaration(&object.address)?;
        if object.is_deposed {
            found.remarks.push(leftover(&object));
            continue;
        }
        let (name, claim) = claim(object, declaration)?;
        found.claims.entry(name).or_default().push(claim);
    }
    if found.claims.is_empty() {
        let hint = "name the state that has them: each workspace and each root module has its own";
        return Err(Unfit::new("it has no `aws_kms_alias` that Terraform manages", hint));
    }
    Ok(found)
}

fn objects(text: &str) -> Result<Vec<Object>, Unfit> {
    let wrong = |error: serde_json::Error| Unfit::new(format!("it is no Terraform state: {error}"), PULL);
    let state: Value = serde_json::from_str(text).map_err(wrong)?;
    let (stored, shown) =
        (state.get("version").and_then(Value::as_u64), state.get("format_version").is_some());
    match (stored, shown) {
        (Some(4), _) => stored_objects(serde_json::from_value(state).map_err(wrong)?),
        (Some(other), _) => {
            Err(Unfit::new(format!("it is a state of version {other}, and version 4 is read"), PULL))
        }
        (None, true) => {
            let shown: Shown = serde_json::from_value(state).map_err(wrong)?;
            let Some(values) = shown.values else {
                return Err(Unfit::new("it has no `values`: it is a plan, or an empty state", PULL));
            };
            let mut found = Vec::new();
            shown_objects(values.root_module, &mut found);
            Ok(found)
        }
        (None, false) => Err(Unfit::new("it has neither a `version` nor a `format_version`", PULL)),
    }
}

fn is_alias(mode: &str, kind: &str) -> bool {
    mode == "managed" && kind == "aws_kms_alias"
}

fn stored_objects(state: State) -> Result<Vec<Object>, Unfit> {
    let mut found = Vec::new();
    for resource in state.resources.into_iter().filter(|one| is_alias(&one.mode, &one.kind)) {
        let module = resource.module.map(|module| module + ".").unwrap_or_default();
        let whole = format!("{module}{}.{}", resource.kind, resource.name);
        for instance in resource.instances {
            let key = match instance.index_key {
                None | Some(Value::Null) => String::new(),
                Some(Value::Number(number)) => format!("[{number}]"),
                Some(Value::String(key)) => format!("[{}]", literal(&key)),
                Some(key) => return Err(Unfit::new(format!("{whole} has an instance {key}"), PULL)),
            };
            found.push(Object {
                address: format!("{whole}{key}"),
                is_deposed: instance.deposed.is_some(),
                attributes: instance.attributes.unwrap_or_default(),
            });
        }
    }
    Ok(found)
}

/// A key as Terraform writes and reads it in an address: in the string literals of its language, `${` and `%{` begin a template
/// (<https://developer.hashicorp.com/terraform/language/expressions/strings>).
fn literal(key: &str) -> String {
    let mut literal = String::from('"');
    let mut rest = key.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' => literal += "\\n",
            '\r' => literal += "\\r",
            '\t' => literal += "\\t",
            '"' | '\\' => literal.extend(['\\', c]),
            '$' | '%' if rest.peek() == Some(&'{') => literal.extend([c, c]),
            _ if is_plain(c) => literal.push(c),
            _ => {
                _ = match u32::from(c) {
                    code @ ..=0xffff => write!(literal, "\\u{code:04x}"),
                    code => write!(literal, "\\U{code:08x}"),
                }
            }
        }
    }
    literal + "\""
}

fn shown_objects(module: Module, found: &mut Vec<Object>) {
    let aliases = module.resources.into_iter().filter(|one| is_alias(&one.mode, &one.kind));
    found.extend(aliases.map(|one| Object {
        address: one.address,
        is_deposed: one.deposed_key.is_some(),
        attributes: one.values.unwrap_or_default(),
    }));
    module.child_modules.into_iter().for_each(|child| shown_objects(child, found));
}

/// What a replacement that failed half way has left: it is about to be destroyed, so it is no alias that anybody wants, but Terraform
/// forgets it along with the resource.
fn leftover(Object { address, attributes, .. }: &Object) -> String {
    let name = attributes.get("name").and_then(Value::as_str).unwrap_or("without a name");
    format!(
        "{address} has a deposed object, {name}, which Terraform is still to destroy: it is not imported, and is left over where Terraform \
        lets go of the resource before; `terraform apply` destroys it"
    )
}

/// The address without its keys, if what is to be written into a configuration and a shell stays on its line
fn declaration(address: &str) -> Result<String, Unfit> {
    let declaration = without_keys(address);
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    match declaration.split('.').all(word) && !address.contains(char::is_control) {
        true => Ok(declaration),
        false => Err(Unfit::new(format!("{address:?} is no address of Terraform's"), PULL)),
    }
}

fn claim(object: Object, declaration: String) -> Result<(AliasName, Claim), Unfit> {
    let address = object.address;
    let attributes: Attributes = serde_json::from_value(object.attributes)
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
    let head = match blocks.contains("\nremoved {") {
        true => {
            "# Terraform 1.7 or later lets go of these aliases, and deletes none: take their resource blocks out, put this into the root\n\
            # module, look that the plan destroys nothing, and apply.\n"
        }
        false => "# Terraform lets go of these aliases, and deletes none:\n",
    };
    let older = "\n# Before Terraform 1.7, for single instances, and where a resource block has to stay, these commands do the same. Run them first, then\n\
        # see that nothing makes these aliases any more: a plan that makes or destroys one is not to be applied.\n";
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
    format!("terraform state rm {}", shell::quoted(address))
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

    #[test]
    fn a_key_is_written_as_terraform_writes_it() {
        for (key, written) in [
            ("it's <&> $x", "it's <&> $x"),
            ("say \"hi\"", r#"say \"hi\""#),
            ("back\\slash", r"back\\slash"),
            ("${x}%{y}", "$${x}%%{y}"),
            ("$${x} $ {", "$$${x} $ {"),
            ("\t\n\r", r"\t\n\r"),
            ("\u{1}\u{8}\u{7f}\u{85}", r"\u0001\u0008\u007f\u0085"),
            ("\u{200b}\u{2028}\u{e0001}", r"\u200b\u2028\U000e0001"),
            ("é ключ/鍵 😀", "é ключ/鍵 😀"),
        ] {
            assert_eq!(literal(key), format!("\"{written}\""));
        }
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
                "{\"format_version\": \"1.0\", \"values\": {\"root_module\": {\"resources\": [\
                {\"address\": \"aws_kms_alias.a[\\\"\\u0007\\\"]\", \"mode\": \"managed\", \"type\": \"aws_kms_alias\"}]}}}",
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
