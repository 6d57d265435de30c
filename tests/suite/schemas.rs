//! `schema/`: says of every field of a document what it is, and of no other; that of the manifest is what the program prints.

use std::collections::{BTreeMap, BTreeSet};

use kms_alias::cli::exit::Exit;
use kms_alias::document::{
    AccessFinding, AppliedChange, ApplyDocument, BaseText, BlameText, ErrorText, EventText, KeptName,
    PlanDocument, PlannedChange, RefusalText, ReportDocument, RequestsText, RiskText, Source, StatementText,
    Summary, TargetPlan, TargetReport, UnusableText,
};
use kms_alias::kms::connect::AwsConnect;
use kms_alias::render::report::Tally;
use kms_alias::shard::ShardText;
use serde::Serialize;
use serde_json::{Value, json};

use crate::ran::run_args;

const PLAN: &str = include_str!("../../schema/plan.schema.json");
const APPLY: &str = include_str!("../../schema/apply.schema.json");

fn text() -> Option<String> {
    Some("x".to_owned())
}

fn source() -> Source {
    Source { file: "aliases.yaml".to_owned(), line: 1, column: 1 }
}

fn error() -> ErrorText {
    ErrorText { message: "x".to_owned(), hint: text() }
}

fn refusal() -> RefusalText {
    let [guard, message, accept, hint] = ["x"; 4].map(str::to_owned);
    RefusalText { guard, message, source: Some(source()), accept, hint }
}

/// Every field is written out, so that a new one does not compile until somebody has come by here
fn change() -> PlannedChange {
    let [code, message, link] = ["x"; 3].map(str::to_owned);
    PlannedChange {
        alias: "alias/app/x".to_owned(),
        previous_alias: text(),
        successor_alias: text(),
        actions: vec!["create".to_owned()],
        reason: Some("missing".to_owned()),
        origin: "config".to_owned(),
        before: text(),
        after: text(),
        key_description: text(),
        source: Some(source()),
        why: vec!["x".to_owned()],
        risks: vec![RiskText { code, message, link }],
        blocked_by: text(),
        hint: text(),
        accepted: Some(source()),
        blame: Some(blame()),
    }
}

fn finding() -> AccessFinding {
    let list = || vec!["x".to_owned()];
    AccessFinding {
        kind: "begins".to_owned(),
        key: text(),
        statement: Some(StatementText {
            sid: text(),
            number: 1,
            policy: text(),
            effect: text(),
            actions: list(),
            not_actions: list(),
            principals: list(),
            not_principals: list(),
        }),
        requests: Some(RequestsText { aliases: list(), by_key: true }),
        other_conditions: list(),
        permission: text(),
        alias: text(),
        reason: text(),
        sentence: "x".to_owned(),
    }
}

fn blame() -> BlameText {
    let [verdict, call, time, actor] = ["x"; 4].map(str::to_owned);
    let event = EventText {
        call,
        time,
        key: text(),
        actor,
        actor_arn: text(),
        ours: true,
        source_address: text(),
        user_agent: text(),
        event_id: text(),
        request_id: text(),
    };
    BlameText { verdict, message: text(), event: Some(event) }
}

fn unusable() -> UnusableText {
    let [alias, key, message, hint] = ["x"; 4].map(str::to_owned);
    UnusableText {
        alias,
        key,
        key_state: text(),
        message,
        hint,
        source: Some(source()),
        blame: Some(blame()),
    }
}

fn target() -> TargetPlan {
    let [key, successor_alias] = ["x"; 2].map(str::to_owned);
    TargetPlan {
        name: "x".to_owned(),
        partition: text(),
        account: text(),
        region: text(),
        caller: text(),
        prune: true,
        errored: true,
        error: Some(error()),
        read: Some("list".to_owned()),
        changes: vec![change()],
        refusals: vec![refusal()],
        unmanaged: BTreeMap::from([("x".to_owned(), text())]),
        kept: BTreeMap::from([("x".to_owned(), KeptName { key, successor_alias })]),
        in_sync: 1,
        unusable: Some(vec![unusable()]),
        unusable_keys: BTreeMap::from([("Disabled".to_owned(), 1)]),
        access: Some(vec![finding()]),
        access_keys: Some(1),
        blame_error: Some(error()),
    }
}

fn plan() -> PlanDocument {
    PlanDocument {
        format_version: "1.0".to_owned(),
        kind: "plan".to_owned(),
        created_at: text(),
        shard: Some(ShardText { part: "0/2".to_owned(), fleet: text() }),
        missing_shards: vec!["1/2".to_owned()],
        digest: text(),
        errored: true,
        partial: true,
        allow: BTreeSet::from(["x".to_owned()]),
        base: Some(BaseText { commit: "x".to_owned(), readable: true }),
        warnings: vec!["x".to_owned()],
        refusals: vec![refusal()],
        summary: Summary { unusable: Some(1), ..Summary::default() },
        api_calls: BTreeMap::from([("ListAliases".to_owned(), 1)]),
        least_seconds: 0.5,
        targets: vec![target()],
    }
}

fn apply() -> ApplyDocument {
    let change = AppliedChange {
        alias: "x".to_owned(),
        previous_alias: text(),
        actions: vec!["create".to_owned()],
        before: text(),
        after: text(),
        status: "done".to_owned(),
        attempts: 1,
        request_id: text(),
        found: text(),
        error: text(),
        reason: text(),
    };
    let target = TargetReport {
        name: "x".to_owned(),
        error: Some(error()),
        converged: true,
        listings: Some(2),
        waited_seconds: Some(0.5),
        left: BTreeSet::from(["x".to_owned()]),
        verify_error: text(),
        changes: vec![change],
    };
    ApplyDocument {
        format_version: "1.0".to_owned(),
        kind: "apply".to_owned(),
        plan: plan(),
        receipt: text(),
        receipts: vec!["x".to_owned()],
        report: Some(ReportDocument { summary: Tally::default(), targets: vec![target] }),
        error: Some(error()),
        exit_code: 0,
    }
}

/// Compares a document with what its schema says of it, object by object; the places where the two have other fields
fn apart(schema: &Value, whole: &Value, document: &Value, place: &str) -> Vec<String> {
    let schema = follow(schema, whole);
    let below = |schema: &Value, document: &Value, name: &str| {
        apart(schema, whole, document, &format!("{place}/{name}"))
    };
    match document {
        Value::Object(fields) if schema["properties"].is_object() => {
            let described = schema["properties"].as_object().unwrap();
            let names =
                |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<BTreeSet<_>>();
            let different = names(fields)
                .symmetric_difference(&names(described))
                .map(|name| format!("{place}/{name}"))
                .collect::<Vec<_>>();
            let inner = fields.iter().flat_map(|(name, value)| below(&described[name.as_str()], value, name));
            if different.is_empty() { inner.collect() } else { different }
        }
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| below(&schema["additionalProperties"], value, name))
            .collect(),
        Value::Array(items) => items.iter().flat_map(|item| below(&schema["items"], item, "[]")).collect(),
        _ => Vec::new(),
    }
}

/// The schema that a reference leads to, or the one that is not `null`
fn follow<'s>(schema: &'s Value, whole: &'s Value) -> &'s Value {
    if let Some(first) = schema["anyOf"].get(0) {
        return follow(first, whole);
    }
    match schema["$ref"].as_str() {
        Some(reference) => whole.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null),
        None => schema,
    }
}

fn compare(schema: &str, document: &impl Serialize) -> Vec<String> {
    let (schema, document) = (serde_json::from_str(schema).unwrap(), json!(document));
    apart(&schema, &schema, &document, "")
}

#[test]
fn the_schemas_describe_every_field_of_their_documents_and_no_other() {
    assert_eq!(compare(PLAN, &plan()), [""; 0]);
    assert_eq!(compare(APPLY, &apply()), [""; 0]);
}

#[test]
fn what_a_document_must_have_is_what_a_reader_of_it_needs() {
    let schema: Value = serde_json::from_str(PLAN).unwrap();
    let named = |schema: &Value, field: &str| schema["required"].as_array().unwrap().contains(&json!(field));
    let mut whole = json!(plan());
    let fields: Vec<String> = whole.as_object().unwrap().keys().cloned().collect();
    for field in fields {
        let value = whole.as_object_mut().unwrap().remove(&field).unwrap();
        let read = serde_json::from_value::<PlanDocument>(whole.clone()).is_ok();
        // Serde takes an absent field for `null` where there may be one; the program always writes it.
        let or_null = ["digest", "base", "created_at", "shard"].contains(&&*field);
        assert!(or_null || read != named(&schema, &field), "{field}");
        whole[&field] = value;
    }
}

/// What the program prints
async fn printed(args: &[&str]) -> String {
    let ran = run_args(AwsConnect::new, args, None).await;
    assert_eq!((ran.exit, &*ran.err), (Exit::Success, ""));
    ran.out
}

#[tokio::test]
async fn the_published_schema_of_the_manifest_is_what_the_program_prints() {
    let published = include_str!("../../schema/aliases.schema.json");
    assert!(published == printed(&["schema"]).await, "kms-alias schema > schema/aliases.schema.json");
}

#[tokio::test]
async fn the_reference_of_the_manifest_is_what_the_program_prints() {
    let published = include_str!("../../docs/manifest.md");
    let printed = printed(&["schema", "--output", "markdown"]).await;
    assert!(published == printed, "kms-alias schema -o markdown > docs/manifest.md");
}
