//! The prefixes of what is live: what import and init have a person choose from, since which names are theirs is for people to say.

use std::collections::BTreeMap;

use super::Session;
use super::exit::Exit;
use super::import::{Or, own_target};
use crate::import::claim::Claims;
use crate::import::look::Request;
use crate::import::skeleton::counts;
use crate::kms::Connect;
use crate::kms::connect::Options;

/// Prefixes, and how many names each has
pub(super) type LivePrefixes = BTreeMap<String, usize>;

/// `alias/app/ (10), alias/data/ (2)`
pub(super) fn told_prefixes(live: &LivePrefixes) -> String {
    live.iter().map(|(prefix, count)| format!("{prefix} ({count})")).collect::<Vec<_>>().join(", ")
}

impl Session<'_> {
    /// Says which prefixes there are to name
    pub(super) fn refuse_without_prefix(&self, command: &str, live: &LivePrefixes) -> Exit {
        let sentence = format!("which names are meant is not said; live are {}", told_prefixes(live));
        let most = live.iter().rev().max_by_key(|(_, count)| *count).map(|(prefix, _)| &**prefix);
        let hint = format!(
            "name what you own, as in `kms-alias {command} --prefix {}`; --prefix may be repeated",
            most.unwrap_or("alias/app/")
        );
        self.fail(Exit::Usage, &sentence, Some(&hint))
    }

    /// The prefixes of what is live, each with how many names it has
    pub(super) async fn live_prefixes<C: Connect>(
        &self,
        request: &Request,
        connect: &impl Fn(Options) -> C,
    ) -> Or<LivePrefixes> {
        // Nothing is declared yet, so that no key has to be looked at.
        let request = Request { claims: Some(Claims::new()), ..request.clone() };
        let seen = match self.look(&[own_target(&["alias/".into()])], &request, connect).await? {
            Ok(seen) => seen,
            Err(exit) => return Ok(Err(exit)),
        };
        let live = seen.iter().flat_map(|one| one.snapshot.live.keys()).map(|name| name.as_str());
        let counted: LivePrefixes =
            counts(live).into_iter().map(|(prefix, count)| (prefix.to_string(), count)).collect();
        if counted.is_empty() {
            let hint = "see with `kms-alias doctor` whose credentials these are";
            return Ok(Err(self.fail(Exit::Usage, "there is no alias here but those of AWS", Some(hint))));
        }
        Ok(Ok(counted))
    }
}
