//! What a run comes to -> events, one JSON object a line, in the form of Terraform's `-json`
//! (<https://developer.hashicorp.com/terraform/internals/machine-readable-ui>), with our fields beside. Pure: the time is handed in.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::findings::{Finding, Level};
use super::harmless;
use crate::apply::Applied;
use crate::document::{PlanDocument, PlannedChange, ReportDocument, Verb};
use crate::plan::Action;

/// Of the events; a reader takes any minor one, and passes over types and fields that it does not know
pub const FORMAT_VERSION: &str = "1.0";

/// Something that a reader of the stream is told
#[derive(Debug)]
pub struct Event {
    level: &'static str,
    kind: &'static str,
    message: String,
    fields: Value,
}

impl Event {
    fn new(kind: &'static str, message: impl Into<String>, fields: Value) -> Self {
        Self { level: "info", kind, message: message.into(), fields }
    }

    /// The line, its end included; it happened at `time`
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn line(self, time: &str) -> serde_json::Result<String> {
        let mut line = Map::new();
        for (name, value) in [
            ("@level", self.level),
            ("@message", &self.message),
            ("@module", "kms-alias"),
            ("@timestamp", time),
            ("type", self.kind),
        ] {
            line.insert(name.to_owned(), value.into());
        }
        if let Value::Object(fields) = self.fields {
            line.extend(fields);
        }
        harmless::json_line(&line)
    }
}

/// The first one: which program this is, and what it does
pub fn version(command: &str) -> Event {
    let version = env!("CARGO_PKG_VERSION");
    let fields = json!({"kms_alias": version, "ui": FORMAT_VERSION, "command": command});
    Event::new("version", format!("kms-alias {version}"), fields)
}

/// What a plan would do
pub fn planned(plan: &PlanDocument) -> Vec<Event> {
    let mut events = Vec::new();
    let look = plan.kind == "drift";
    for target in &plan.targets {
        for change in &target.changes {
            let fields = json!({"change": planned_change(&target.name, change)});
            if look || change.origin == "drift" {
                let message = format!("{}: {} has drifted", target.name, change.alias);
                events.push(Event::new("resource_drift", message, fields.clone()));
            }
            let message = format!("{}: {}: plan to {}", target.name, change.alias, verb(change.verb()));
            events.push(Event::new("planned_change", message, fields));
        }
    }
    events.push(planned_summary(plan));
    events
}

fn planned_change(target: &str, change: &PlannedChange) -> Value {
    let mut shown = json!({
        "resource": resource(target, &change.alias),
        "action": verb(change.verb()),
        "reason": change.reason,
        "origin": change.origin,
        "before": change.before,
        "after": change.after,
        "source": change.source,
    });
    if let Some(old) = &change.previous_alias {
        shown["previous_resource"] = resource(target, old);
    }
    shown
}

fn resource(target: &str, alias: &str) -> Value {
    json!({"addr": format!("{target}: {alias}"), "target": target, "alias": alias})
}

/// In Terraform's words
fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "create",
        Verb::Retarget => "update",
        Verb::Replace => "replace",
        Verb::Rename => "move",
        Verb::Delete => "delete",
        Verb::Held => "noop",
    }
}

fn planned_summary(plan: &PlanDocument) -> Event {
    let all = &plan.summary;
    let both = all.replace + all.rename;
    let (add, change, remove) = (all.create + both, all.update, all.delete + both);
    let fields = json!({
        "changes": {
            "add": add, "change": change, "remove": remove, "operation": "plan",
            "held": all.held, "in_sync": all.in_sync, "unmanaged": all.unmanaged, "unread_targets": all.unread_targets,
            "unlisted_targets": all.unlisted_targets,
        },
        "digest": plan.digest,
        "errored": plan.errored,
    });
    Event::new(
        "change_summary",
        format!("Plan: {add} to add, {change} to change, {remove} to remove."),
        fields,
    )
}

/// What an apply did
pub fn applied(report: &ReportDocument) -> Event {
    let all = &report.summary;
    let both = all.replaced + all.renamed;
    let (add, change, remove) = (all.created + both, all.retargeted, all.deleted + both);
    let converged = report.targets.iter().all(|target| target.converged);
    let fields = json!({
        "changes": {
            "add": add, "change": change, "remove": remove, "operation": "apply",
            "already_so": all.already_so, "contested": all.contested, "failed": all.failed,
            "unverified": all.unverified, "not_attempted": all.not_attempted, "gone": all.gone,
        },
        "converged": converged,
    });
    Event::new("change_summary", format!("Apply: {add} added, {change} changed, {remove} removed."), fields)
}

/// An action begins
pub fn started(target: &str, action: &Action) -> Event {
    let name = action.name().as_str();
    Event::new(
        "apply_start",
        format!("{target}: {name}: {}...", doing(action)),
        json!({"hook": hook(target, action)}),
    )
}

/// An action has ended, so long after it began
pub fn ended(target: &str, applied: &Applied, took: Duration) -> Event {
    let Applied { action, outcome, attempts, request_id } = applied;
    let (name, word) = (action.name(), outcome.word());
    let mut hook = hook(target, action);
    hook["elapsed_seconds"] = json!(took.as_secs_f64());
    hook["status"] = word.into();
    hook["attempts"] = json!(attempts);
    hook["request_id"] = json!(request_id);
    if let Some(error) = outcome.error() {
        hook["error"] = error.into();
    }
    let message = format!("{target}: {name}: {word}");
    match outcome.is_success() {
        true => Event::new("apply_complete", message, json!({"hook": hook})),
        false => Event { level: "error", ..Event::new("apply_errored", message, json!({"hook": hook})) },
    }
}

fn hook(target: &str, action: &Action) -> Value {
    let (before, after) = action.keys();
    json!({
        "resource": resource(target, action.name().as_str()),
        "action": verb(Verb::of(action)),
        "before": before.map(ToString::to_string),
        "after": after.map(ToString::to_string),
    })
}

fn doing(action: &Action) -> &'static str {
    match action {
        Action::Create { .. } => "creating",
        Action::Update { .. } => "retargeting",
        Action::Replace { .. } => "replacing",
        Action::Delete { .. } => "deleting",
    }
}

/// Something to look at
pub fn diagnostic(finding: &Finding) -> Event {
    let mut diagnostic =
        json!({"severity": finding.level.as_str(), "summary": finding.rule, "detail": finding.message});
    if let Some(source) = &finding.source {
        let start = json!({"line": source.line, "column": source.column});
        diagnostic["range"] = json!({"filename": source.file, "start": start});
    }
    let level = if finding.level == Level::Error { "error" } else { "warn" };
    Event { level, ..Event::new("diagnostic", &*finding.message, json!({"diagnostic": diagnostic})) }
}
