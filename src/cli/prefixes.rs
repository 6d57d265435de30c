//! The prefixes of what is live: what import and init have a person choose from, since which names are theirs is for people to say.

use std::collections::BTreeMap;

use super::Session;
use super::args::PlacesArgs;
use super::exit::Exit;
use super::import::Or;
use crate::import::claim::Claims;
use crate::import::look::{Request, Seen};
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
        if live.is_empty() {
            let hint = format!(
                "see with `kms-alias doctor` whose credentials these are; `kms-alias init --prefix alias/app/` begins with none{}",
                if command == "init" { "" } else { " as well" }
            );
            return self.fail(Exit::Usage, "there is no alias here but those of AWS", Some(&hint));
        }
        let sentence = format!("which names are meant is not said; live are {}", told_prefixes(live));
        let most = live.iter().rev().max_by_key(|(_, count)| *count).map(|(prefix, _)| &**prefix);
        let hint = format!(
            "name what you own, as in `kms-alias {command} --prefix {}`; --prefix may be repeated",
            most.unwrap_or("alias/app/")
        );
        self.fail(Exit::Usage, &sentence, Some(&hint))
    }

    /// Reads which names are live, and nothing of their keys
    pub(super) async fn look_at_names<C: Connect>(
        &self,
        places: &PlacesArgs,
        request: &Request,
        connect: &impl Fn(Options) -> C,
    ) -> Or<Vec<Seen>> {
        // Nothing is declared yet, so that no key has to be looked at.
        let request = Request { claims: Some(Claims::new()), ..request.clone() };
        self.look(&places.targets(&["alias/".into()]), &request, connect).await
    }
}

/// The prefixes of what is live
pub(super) fn live_prefixes(seen: &[Seen]) -> LivePrefixes {
    let live = seen.iter().flat_map(|one| one.snapshot.live.keys()).map(|name| name.as_str());
    counts(live).into_iter().map(|(prefix, count)| (prefix.to_string(), count)).collect()
}
