//! A CloudFormation template, or the resources of a stack as the AWS CLI prints them -> the aliases that the stack has made, and how it
//! lets go of them. Pure.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::claim::{Claim, Claims, Home, Unfit, name};
use crate::accept::{Content, Map, Node, Tree};

const KIND: &str = "AWS::KMS::Alias";

const LISTING: &str = "write it with `aws cloudformation list-stack-resources --stack-name STACK --output json > FILE`, and name that";

/// DescribeStackResources has no more than these, and does not say that there are others
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html>)
const MOST_DESCRIBED: usize = 100;

/// What `list-stack-resources` and `describe-stack-resources` print
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listing {
    stack_resource_summaries: Option<Vec<Resource>>,
    stack_resources: Option<Vec<Resource>>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    logical_resource_id: String,
    physical_resource_id: Option<String>,
    resource_type: String,
    resource_status: Option<String>,
    stack_id: Option<String>,
}

/// The aliases of a stack
///
/// # Errors
/// It is neither a template nor the resources of a stack, has no aliases, or does not say the name of one.
pub fn claims(text: &str) -> Result<Claims, Unfit> {
    let json: Option<Value> = serde_json::from_str(text).ok();
    let lists =
        |json: &Value| ["StackResources", "StackResourceSummaries"].iter().any(|key| json.get(key).is_some());
    let claims = match json {
        Some(json) if lists(&json) => of_listing(json)?,
        // Written anew, since YAML minds the tabs that JSON may be indented with.
        Some(json) => of_template(&json.to_string())?,
        None => of_template(text)?,
    };
    // As CloudFormation wants them, and nothing else is told of to people and programs.
    let is_id = |claim: &&Claim| claim.address.chars().all(|c| c.is_ascii_alphanumeric());
    if let Some(claim) = claims.values().flatten().find(|claim| !is_id(claim)) {
        return Err(Unfit::new(format!("{:?} is no logical id", claim.address), LISTING));
    }
    if claims.is_empty() {
        return Err(Unfit::new(format!("it has no {KIND}"), LISTING));
    }
    Ok(claims)
}

fn of_listing(listing: Value) -> Result<Claims, Unfit> {
    let listing: Listing = serde_json::from_value(listing).map_err(|error| {
        Unfit::new(format!("it cannot be read as the resources of a stack: {error}"), LISTING)
    })?;
    let described = listing.stack_resources.unwrap_or_default();
    if listing.next_token.is_some() || described.len() >= MOST_DESCRIBED {
        return Err(Unfit::new("it may not have all resources of the stack", LISTING));
    }
    let all = listing.stack_resource_summaries.unwrap_or_default().into_iter().chain(described);
    let mut claims = Claims::new();
    for resource in all.filter(|one| one.resource_type == KIND && is_there(one)) {
        let address = resource.logical_resource_id;
        let name = name(&resource.physical_resource_id.unwrap_or_default(), &address)?;
        let home = match &resource.stack_id {
            Some(id) => Some(Home::of_arn(id).ok_or_else(|| {
                Unfit::new(format!("{address} is of the stack {id:?}, which is no ARN"), LISTING)
            })?),
            None => None,
        };
        claims.entry(name).or_default().push(Claim {
            declaration: address.clone(),
            address,
            home,
            key: None,
        });
    }
    Ok(claims)
}

/// What was deleted is listed for a while, and what could not be made as well.
fn is_there(resource: &Resource) -> bool {
    !matches!(resource.resource_status.as_deref(), Some("DELETE_COMPLETE" | "CREATE_FAILED"))
}

fn of_template(text: &str) -> Result<Claims, Unfit> {
    let no_template = || {
        Unfit::new(
            "it is neither a template, as YAML or JSON, nor the resources of a stack, as JSON",
            LISTING,
        )
    };
    let tree = Tree::of(text).ok_or_else(no_template)?;
    let resources =
        map(&tree.root).and_then(|root| map(&root.pair("Resources")?.1)).ok_or_else(no_template)?;
    let (mut claims, mut untold) = (Claims::new(), BTreeSet::new());
    for (id, resource) in &resources.pairs {
        let id = id.text().ok_or_else(no_template)?;
        // A loop, a reference or a merge key may bring anything.
        let kind = map(resource).and_then(|resource| literal(resource, "Type"));
        if kind.is_some_and(|kind| kind != KIND) {
            continue;
        }
        let properties = map(resource).and_then(|resource| map(&resource.pair("Properties")?.1));
        let Some(text) = properties.and_then(|properties| literal(properties, "AliasName")) else {
            untold.insert(id);
            continue;
        };
        let (address, declaration) = (id.to_owned(), id.to_owned());
        let claim = Claim { address, declaration, home: None, key: None };
        claims.entry(name(text, id)?).or_default().push(claim);
    }
    match untold.is_empty() {
        true => Ok(claims),
        false => {
            let untold = untold.into_iter().collect::<Vec<_>>().join(", ");
            Err(Unfit::new(
                format!("it makes the names of {untold} by functions, and only the stack tells them"),
                LISTING,
            ))
        }
    }
}

fn map(node: &Node) -> Option<&Map> {
    match &node.content {
        Content::Map(map) if !node.tagged => Some(map),
        _ => None,
    }
}

/// The text under a key, if it is one and no function
fn literal<'t>(map: &'t Map, key: &str) -> Option<&'t str> {
    let (_, node) = map.pair(key)?;
    node.text().filter(|_| !node.tagged)
}

/// How the stack lets go of the `taken` logical ids and deletes none of them
///
/// DeletionPolicy is for what leaves the template or goes with the stack, UpdateReplacePolicy for what is replaced, as an alias is by a
/// new name (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html>,
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html>).
pub fn retention(taken: &BTreeSet<String>) -> String {
    if taken.is_empty() {
        return "# Nothing was imported that CloudFormation would have to let go of.\n".to_owned();
    }
    let ids: String = taken.iter().map(|id| format!("#   {id}\n")).collect();
    format!(
        "# CloudFormation lets go of these resources, and deletes none, in two steps. First add to each, beside its Type, and deploy:\n\
        #   DeletionPolicy: Retain\n#   UpdateReplacePolicy: Retain\n\
        # or, in a template that is JSON:\n\
        #   \"DeletionPolicy\": \"Retain\",\n#   \"UpdateReplacePolicy\": \"Retain\",\n\
        # Then take them out of the template, and deploy again. The resources:\n{ids}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let claims = claims(text).unwrap();
        claims
            .iter()
            .flat_map(|(name, all)| all.iter().map(move |one| format!("{} {name}", one.address)))
            .collect()
    }

    fn refused(text: &str) -> String {
        claims(text).unwrap_err().to_string()
    }

    const YAML: &str = "AWSTemplateFormatVersion: '2010-09-09'\nParameters: {Stage: {Type: String}}\nResources:\n  \
        Key: {Type: AWS::KMS::Key, Properties: {KeyPolicy: !Sub \"${AWS::AccountId}\"}}\n  \
        One:\n    Type: AWS::KMS::Alias\n    Properties:\n      AliasName: alias/app/one\n      TargetKeyId: !GetAtt Key.Arn\n  \
        Two:\n    Type: \"AWS::KMS::Alias\"\n    DependsOn: [One]\n    Properties: {TargetKeyId: !Ref Key, AliasName: \"alias/app/two\"}\n";

    #[test]
    fn literal_names_of_a_template_are_taken_in_yaml_and_json() {
        assert_eq!(told(YAML), ["One alias/app/one", "Two alias/app/two"]);
        let json = "{\"Resources\": {\"One\": {\"Type\": \"AWS::KMS::Alias\", \"Properties\": {\"AliasName\": \"alias/app/one\", \
            \"TargetKeyId\": {\"Ref\": \"Key\"}}}, \"Key\": {\"Type\": \"AWS::KMS::Key\"}}}";
        assert_eq!(told(json), ["One alias/app/one"]);
        assert_eq!(told(&json.replace(' ', "\n\t")), ["One alias/app/one"], "however it is indented");
    }

    #[test]
    fn names_that_functions_make_are_asked_of_the_stack() {
        for made in [
            "!Sub alias/${Stage}/one",
            "{\"Fn::Sub\": \"alias/${Stage}/one\"}",
            "!Join [\"\", [alias/, x]]",
            "!Ref Name",
        ] {
            let text = YAML.replace("alias/app/one", made);
            let error = claims(&text).unwrap_err();
            assert!(error.to_string().contains("the names of One by functions"), "{error}");
            assert!(error.hint().contains("list-stack-resources --stack-name"), "{}", error.hint());
        }
    }

    #[test]
    fn what_may_bring_an_alias_is_asked_of_the_stack() {
        for (more, id) in [
            ("  Fn::ForEach::Aliases: [Name, [a, b], {}]\n", "Fn::ForEach::Aliases"),
            ("  Three: &three {Type: AWS::KMS::Key}\n  Four: *three\n", "Four"),
            ("  Five: {<<: {Type: AWS::KMS::Alias}}\n", "Five"),
            ("  Six: {Type: AWS::KMS::Alias, Properties: !Transform {Name: x}}\n", "Six"),
        ] {
            let told = refused(&format!("{YAML}{more}"));
            assert!(told.contains(&format!("the names of {id} by functions")), "{told}");
        }
    }

    #[test]
    fn resources_of_a_stack_are_those_that_are_there() {
        let one = |id: &str, name: &str, status: &str| {
            format!(
                "{{\"LogicalResourceId\": \"{id}\", \"PhysicalResourceId\": \"{name}\", \"ResourceType\": \"AWS::KMS::Alias\", \
                \"ResourceStatus\": \"{status}\", \"LastUpdatedTimestamp\": \"2026-01-01T00:00:00Z\"}}"
            )
        };
        let all = [
            one("One", "alias/app/one", "CREATE_COMPLETE"),
            one("Two", "alias/app/two", "UPDATE_COMPLETE"),
            one("Old", "alias/app/old", "DELETE_COMPLETE"),
            one("Bad", "", "CREATE_FAILED"),
            one("Key", "x", "CREATE_COMPLETE").replace("KMS::Alias", "KMS::Key"),
        ];
        let listing = |key: &str, more: &str| format!("{{\"{key}\": [{}]{more}}}", all.join(", "));
        assert_eq!(told(&listing("StackResourceSummaries", "")), ["One alias/app/one", "Two alias/app/two"]);
        assert_eq!(told(&listing("StackResources", "")), ["One alias/app/one", "Two alias/app/two"]);
        let cut = listing("StackResourceSummaries", ", \"NextToken\": \"x\"");
        assert_eq!(refused(&cut), "it may not have all resources of the stack");
        let many = format!("{{\"StackResources\": [{}]}}", vec![all[4].clone(); 100].join(", "));
        assert_eq!(refused(&many), "it may not have all resources of the stack");
    }

    #[test]
    fn a_stack_is_where_its_arn_says() {
        let listing = |stack: &str| {
            format!(
                "{{\"StackResources\": [{{\"StackName\": \"s\", \"StackId\": \"{stack}\", \"LogicalResourceId\": \"One\", \
                \"PhysicalResourceId\": \"alias/app/one\", \"ResourceType\": \"AWS::KMS::Alias\", \"ResourceStatus\": \"CREATE_COMPLETE\"}}]}}"
            )
        };
        let claims =
            claims(&listing("arn:aws:cloudformation:eu-west-1:111122223333:stack/s/51af3dc0")).unwrap();
        let home = claims.values().flatten().next().unwrap().home.clone().unwrap();
        assert_eq!((&*home.account, &*home.region), ("111122223333", "eu-west-1"));
        assert!(refused(&listing("s")).contains("no ARN"));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for (text, why) in [
            ("", "neither a template"),
            ("a: [", "neither a template"),
            ("{\"Resources\": []}", "neither a template"),
            ("Resources: {Key: {Type: AWS::KMS::Key}}", "no AWS::KMS::Alias"),
            ("{\"StackResources\": [{}]}", "cannot be read as the resources"),
            (&YAML.replace("  One:", "  One-1:"), "\"One-1\" is no logical id"),
            ("Resources: {A: {Type: AWS::KMS::Alias, Properties: {AliasName: app}}}", "no alias can have"),
        ] {
            assert!(refused(text).contains(why), "{text}: {}", refused(text));
        }
    }
}
