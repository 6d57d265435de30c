//! What a diagnosis found -> a tree for people, JSON for programs.

use std::fmt::Write as _;
use std::sync::Arc;

use anstyle::Style;
use serde_json::{Value, json};

use super::style::{Palette, harmless, paint, plural};
use crate::diagnose::{Check, Examined, Status};
use crate::document::FORMAT_VERSION;

/// A target by name, and what was found on the way to it
pub type Diagnosed = (Arc<str>, Vec<Examined>);

/// How many checks ended how
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// They work
    pub ok: usize,
    /// They work, and may soon not
    pub warnings: usize,
    /// They do not
    pub failed: usize,
    /// Nobody can tell by reading
    pub untested: usize,
}

/// Counts the checks
pub fn tally(all: &[Diagnosed]) -> Tally {
    let mut tally = Tally::default();
    for check in all.iter().flat_map(|(_, examined)| examined).flat_map(|one| &one.checks) {
        match check.status {
            Status::Ok => tally.ok += 1,
            Status::Warn => tally.warnings += 1,
            Status::Fail => tally.failed += 1,
            Status::Untested => tally.untested += 1,
        }
    }
    tally
}

/// The tree; the manifest itself, which could be read, is its first line
pub fn text(manifest: &str, all: &[Diagnosed], palette: &Palette) -> String {
    let first = Check {
        subject: "manifest".to_owned(),
        status: Status::Ok,
        finding: manifest.to_owned(),
        hint: None,
    };
    let mut text = line(&first, "", 8, palette);
    for (name, examined) in all {
        let _ = writeln!(text, "{}", paint(palette.heading, name));
        for one in examined {
            text += &role(one, palette);
        }
    }
    let Tally { ok, warnings, failed, untested } = tally(all);
    let warnings = plural(warnings, "warning");
    let _ = writeln!(text, "Doctor: {ok} ok, {warnings}, {failed} failed, {untested} not tested.");
    text
}

fn role(one: &Examined, palette: &Palette) -> String {
    let by = match &one.role {
        Some(role) => format!("as {}", harmless(role)),
        None => "with the credentials as they are".to_owned(),
    };
    let mut text = format!("  {}, {by}\n", one.purposes.join(" and "));
    let width = one.checks.iter().map(|check| check.subject.len()).max().unwrap_or_default();
    text.extend(one.checks.iter().map(|check| line(check, "    ", width, palette)));
    text
}

fn line(check: &Check, indent: &str, width: usize, palette: &Palette) -> String {
    let (sign, style) = sign(check.status, palette);
    let pad = " ".repeat(6 - sign.len());
    let finding = harmless(&check.finding);
    let mut text = format!("{indent}{}{pad} {:width$}  {finding}\n", paint(style, sign), check.subject);
    if let Some(hint) = &check.hint {
        let _ = writeln!(text, "{indent}       hint: {}", harmless(hint));
    }
    text
}

fn sign(status: Status, palette: &Palette) -> (&'static str, Style) {
    match status {
        Status::Ok => ("[OK]", palette.create),
        Status::Warn => ("[WARN]", palette.update),
        Status::Fail => ("[FAIL]", palette.delete),
        Status::Untested => ("[--]", palette.faint),
    }
}

/// The document of `doctor -o json`
pub fn json(all: &[Diagnosed]) -> Value {
    let Tally { ok, warnings, failed, untested } = tally(all);
    let targets = all.iter().map(|(name, examined)| {
        json!({"name": &**name, "roles": examined.iter().map(role_json).collect::<Vec<_>>()})
    });
    json!({
        "format_version": FORMAT_VERSION,
        "kind": "doctor",
        "ok": failed == 0,
        "summary": {"ok": ok, "warnings": warnings, "failed": failed, "untested": untested},
        "targets": targets.collect::<Vec<_>>(),
    })
}

fn role_json(one: &Examined) -> Value {
    let checks = one.checks.iter().map(|check| {
        json!({
            "subject": check.subject,
            "status": word(check.status),
            "finding": check.finding,
            "hint": check.hint,
        })
    });
    json!({"purposes": one.purposes, "role": one.role.as_deref(), "checks": checks.collect::<Vec<_>>()})
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Warn => "warn",
        Status::Fail => "fail",
        Status::Untested => "untested",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_a_line_of_the_tree_and_hints_stand_below() {
        let check = |subject: &str, status, hint: Option<&str>| Check {
            subject: subject.to_owned(),
            status,
            finding: "so it is".to_owned(),
            hint: hint.map(str::to_owned),
        };
        let checks = vec![
            check("clock", Status::Warn, Some("mend it")),
            check("kms:CreateAlias", Status::Untested, None),
        ];
        let examined = Examined { purposes: &["plan", "apply"], role: None, checks };
        let all = [("prod".into(), vec![examined])];
        let expected = "\
[OK]   manifest  1 alias in 1 target
prod
  plan and apply, with the credentials as they are
    [WARN] clock            so it is
           hint: mend it
    [--]   kms:CreateAlias  so it is
Doctor: 0 ok, 1 warning, 0 failed, 1 not tested.
";
        assert_eq!(text("1 alias in 1 target", &all, &Palette::plain()), expected);
        let document = json(&all);
        assert_eq!((&document["ok"], &document["summary"]["warnings"]), (&true.into(), &1.into()));
        assert_eq!(document["targets"][0]["roles"][0]["checks"][1]["status"], "untested");
    }
}
