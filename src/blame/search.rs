//! Pages of events, one name at a time and the newest first -> what is found so far, and whether to read on. Pure.

use std::collections::BTreeMap;

use super::event::{Event, Unreadable};
use super::{Finding, LAST_RESORT, Question};
use crate::alias::AliasName;
use crate::render::style::plural;

/// The order in which names are looked up; what is only a last resort comes last
const ORDER: [&str; 8] = [
    "UpdateAlias",
    "CreateAlias",
    "DeleteAlias",
    "DisableKey",
    "CancelKeyDeletion",
    "ScheduleKeyDeletion",
    "DeleteImportedKeyMaterial",
    LAST_RESORT,
];

/// How far back the events with one name have been read
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// As far as the service goes
    Whole,
    /// Down to this time; nothing is known of what was before
    To(String),
}

/// A search for what explains all questions of one target
#[derive(Debug)]
pub struct Search {
    questions: Vec<(Question, Option<Event>)>,
    reached: BTreeMap<String, Reach>,
    unreadable: usize,
    /// How many events were read of the names that were given up
    given_up: BTreeMap<String, usize>,
    region: String,
    apply_role: Option<String>,
}

impl Search {
    /// A search in this Region; `apply_role` is the ARN of the role that is ours
    pub fn new(questions: Vec<Question>, region: &str, apply_role: Option<&str>) -> Self {
        Self {
            questions: questions.into_iter().map(|question| (question, None)).collect(),
            reached: BTreeMap::new(),
            unreadable: 0,
            given_up: BTreeMap::new(),
            region: region.to_owned(),
            apply_role: apply_role.map(str::to_owned),
        }
    }

    /// The names to look up, in order; each is worth it only if [`Search::wants`] says so when its turn comes
    pub fn names() -> impl Iterator<Item = &'static str> {
        ORDER.into_iter()
    }

    /// Whether the next page of events with this name can matter to anything that is asked
    pub fn wants(&self, name: &str) -> bool {
        let matters = |(question, found): &(Question, Option<Event>)| {
            asks(question, found.as_ref(), name)
                && match (found, self.reached.get(name)) {
                    (_, Some(Reach::Whole)) => false,
                    // What is further back is older than what is found.
                    (Some(found), Some(Reach::To(time))) => found.time < *time,
                    _ => true,
                }
        };
        self.questions.iter().any(matters)
    }

    /// Takes a page of events with this name, after which there are more or not
    pub fn take(&mut self, name: &str, texts: &[String], more: bool) {
        for text in texts {
            match Event::read(text, &self.region, self.apply_role.as_deref()) {
                Ok(Some(event)) if event.call == name => self.weigh(&event),
                Ok(_) => {}
                Err(Unreadable) => self.unreadable += 1,
            }
        }
        if !more {
            self.reached.insert(name.to_owned(), Reach::Whole);
        } else if let Some(time) = texts.iter().rev().find_map(|text| super::event::time(text)) {
            self.reached.insert(name.to_owned(), Reach::To(time));
        }
    }

    /// Says that so many events with this name were read, and that no more of them are, though there are more
    pub fn give_up(&mut self, name: &str, read: usize) {
        self.given_up.insert(name.to_owned(), read);
    }

    /// The newest event about a question is the one that counts; of two in one second, the one that explains it
    fn weigh(&mut self, event: &Event) {
        for (question, found) in &mut self.questions {
            if !asks(question, found.as_ref(), &event.call) || !question.concerns(event) {
                continue;
            }
            let newer = found.as_ref().is_none_or(|found| {
                let better = question.explained_by(event) && !question.explained_by(found);
                event.time > found.time || event.time == found.time && better
            });
            if newer {
                *found = Some(event.clone());
            }
        }
    }

    /// What is known about each alias; nothing about those without an event where the search `failed`
    pub fn findings(&self, failed: bool) -> BTreeMap<AliasName, Finding> {
        let finding = |(question, found): &(Question, Option<Event>)| {
            let finding = match found {
                Some(event) if question.explained_by(event) && self.is_newest(question, event) => {
                    Finding::Cause(event.clone())
                }
                Some(event) => Finding::LastKnown(event.clone()),
                None if failed => return None,
                None => Finding::Unknown(self.unknown(question)),
            };
            Some((question.alias.clone(), finding))
        };
        self.questions.iter().filter_map(finding).collect()
    }

    /// Whether every call that can have come after the event would have been seen
    fn is_newest(&self, question: &Question, event: &Event) -> bool {
        let mut calls = question.calls().iter().filter(|name| asks(question, Some(event), name));
        calls.all(|name| match self.reached.get(*name) {
            Some(Reach::Whole) => true,
            Some(Reach::To(time)) => *time <= event.time,
            None => false,
        })
    }

    fn unknown(&self, question: &Question) -> String {
        let (calls, region) = (question.calls().join(" or "), &self.region);
        let bound = question.calls().iter().find_map(|name| Some((name, self.given_up.get(*name)?)));
        let span = match bound {
            Some((name, read)) => format!("the newest {read} events of {name}, of which there are more"),
            None => "the last 90 days".to_owned(),
        };
        let unreadable = match self.unreadable {
            0 => String::new(),
            count => format!("; {} could not be read", plural(count, "event")),
        };
        format!(
            "CloudTrail shows no {calls} about it in {region} in {span}: it may be older, or too young, since events take some \
             minutes to appear{unreadable}"
        )
    }
}

/// Whether events with this name matter to a question about which that much is found
fn asks(question: &Question, found: Option<&Event>, name: &str) -> bool {
    let spared = name == LAST_RESORT && found.is_some_and(|found| found.call != LAST_RESORT);
    question.calls().contains(&name) && !spared
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Matter;
    use super::*;
    use crate::alias::KeyId;

    fn key(id: &str) -> KeyId {
        KeyId::from_service(id)
    }

    fn question(matter: Matter) -> Question {
        Question { alias: AliasName::parse("alias/app/x").unwrap(), matter }
    }

    /// A call, its second, and the key that it names
    type Did<'d> = (&'d str, u32, &'d str);

    /// The event of a call at a second, about that alias, or about the key alone
    fn event(call: &str, second: u32, target: &str) -> String {
        let request = match call {
            "DeleteAlias" => json!({"aliasName": "alias/app/x"}),
            call if call.ends_with("Alias") => json!({"aliasName": "alias/app/x", "targetKeyId": target}),
            _ => json!({"keyId": target}),
        };
        let time = format!("2026-11-21T09:30:{second:02}Z");
        json!({
            "eventName": call, "eventTime": time, "eventSource": "kms.amazonaws.com", "awsRegion": "r",
            "requestParameters": request,
        })
        .to_string()
    }

    /// What a search through all events, one page a name, finds for one question
    fn found(matter: Matter, events: &[Did<'_>]) -> Finding {
        let mut search = Search::new(vec![question(matter)], "r", None);
        for name in Search::names() {
            if !search.wants(name) {
                continue;
            }
            let mut texts: Vec<_> = events.iter().filter(|(call, ..)| *call == name).collect();
            texts.sort_by_key(|(_, second, _)| std::cmp::Reverse(*second));
            let texts: Vec<_> = texts.into_iter().map(|(call, at, key)| event(call, *at, key)).collect();
            search.take(name, &texts, false);
        }
        search.findings(false).into_values().next().unwrap()
    }

    /// `cause CALL SECOND`, `last CALL SECOND` or `nothing`
    fn told(finding: &Finding) -> String {
        let call = |event: &Event| format!("{} {}", event.call, &event.time[17..19]);
        match finding {
            Finding::Cause(event) => format!("cause {}", call(event)),
            Finding::LastKnown(event) => format!("last {}", call(event)),
            Finding::Unknown(_) => "nothing".to_owned(),
        }
    }

    #[test]
    fn the_newest_event_that_matters_is_the_cause_if_it_leads_to_what_is_live() {
        let (missing, moved) = (Matter::Missing(key("want")), Matter::Moved(key("live")));
        let state = |state: &str| Matter::Unusable(key("k"), state.to_owned());
        let cases: [(&Matter, &[Did<'_>], &str); 12] = [
            (&missing, &[("DeleteAlias", 1, ""), ("DeleteAlias", 3, "")], "cause DeleteAlias 03"),
            (&missing, &[("DeleteKey", 5, "want"), ("DeleteAlias", 3, "")], "cause DeleteAlias 03"),
            (&missing, &[("DeleteKey", 5, "want")], "cause DeleteKey 05"),
            (&missing, &[("DeleteKey", 5, "other"), ("CreateAlias", 6, "want")], "nothing"),
            (&moved, &[("UpdateAlias", 1, "live")], "cause UpdateAlias 01"),
            (&moved, &[("UpdateAlias", 1, "live"), ("UpdateAlias", 2, "other")], "last UpdateAlias 02"),
            (&moved, &[("UpdateAlias", 1, "live"), ("DeleteAlias", 2, "")], "last DeleteAlias 02"),
            (
                &moved,
                &[("UpdateAlias", 1, "x"), ("DeleteAlias", 2, ""), ("CreateAlias", 3, "live")],
                "cause CreateAlias 03",
            ),
            (&moved, &[("DeleteAlias", 2, ""), ("CreateAlias", 2, "live")], "cause CreateAlias 02"),
            (&moved, &[("UpdateAlias", 2, "live"), ("DeleteAlias", 2, "")], "cause UpdateAlias 02"),
            (
                &Matter::Unexpected,
                &[("CreateAlias", 1, "x"), ("UpdateAlias", 2, "live")],
                "cause CreateAlias 01",
            ),
            (&Matter::Unexpected, &[], "nothing"),
        ];
        for (matter, events, words) in cases {
            assert_eq!(told(&found(matter.clone(), events)), words, "{matter:?} {events:?}");
        }
        for (at, call) in [
            ("Disabled", "DisableKey"),
            ("Disabled", "CancelKeyDeletion"),
            ("PendingDeletion", "ScheduleKeyDeletion"),
            ("PendingImport", "DeleteImportedKeyMaterial"),
            ("Missing", "DeleteKey"),
        ] {
            assert_eq!(told(&found(state(at), &[(call, 1, "k")])), format!("cause {call} 01"), "{at}");
            assert_eq!(told(&found(state(at), &[(call, 1, "other")])), "nothing", "{at}");
        }
        assert!(question(state("Unavailable")).calls().is_empty(), "that is nobody's call");
    }

    #[test]
    fn what_is_older_than_what_is_found_is_not_read() {
        let mut search = Search::new(vec![question(Matter::Moved(key("live")))], "r", None);
        assert!(search.wants("UpdateAlias") && !search.wants("DisableKey"));
        search.take("UpdateAlias", &[event("UpdateAlias", 9, "live")], true);
        assert!(!search.wants("UpdateAlias") && search.wants("CreateAlias"));
        let older = |second: u32| event("CreateAlias", second, "x").replace("alias/app/x", "alias/app/y");
        search.take("CreateAlias", &[older(20), older(10)], true);
        assert!(search.wants("CreateAlias"), "what is found may not be the newest");
        search.take("CreateAlias", &[older(9), older(8)], true);
        assert!(!search.wants("CreateAlias"));
        assert_eq!(told(&search.findings(false).into_values().next().unwrap()), "last UpdateAlias 09");
        search.take("DeleteAlias", &[], false);
        assert_eq!(told(&search.findings(false).into_values().next().unwrap()), "cause UpdateAlias 09");
    }

    #[test]
    fn texts_that_are_no_events_are_counted_and_those_of_another_name_are_passed_over() {
        let mut search = Search::new(vec![question(Matter::Unexpected)], "r", None);
        let stray = event("DeleteAlias", 1, "");
        search.take("CreateAlias", &["not JSON".to_owned(), String::new(), stray], false);
        let Some(Finding::Unknown(message)) = search.findings(false).into_values().next() else { panic!() };
        assert!(message.ends_with("; 2 events could not be read"), "{message}");
        assert!(search.findings(true).is_empty(), "where the search failed, nothing is known about it");
    }
}
