//! What a person says, and what a CI job says of itself -> the pull request that is meant, and the token for it. Pure: the
//! environment and the file with the event are handed in.

use serde_json::Value;

use super::{github, gitlab};
use crate::http::server::{BaseUrl, Token};

/// The two that are spoken with
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Provider {
    /// GitHub, and its enterprise server
    #[value(name = "github")]
    GitHub,
    /// GitLab, anywhere
    #[value(name = "gitlab")]
    GitLab,
}

/// What a person says of it; the rest is the job's to say
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Which of the two
    pub provider: Option<Provider>,
    /// The repository or project
    pub repo: Option<String>,
    /// The pull request's number
    pub number: Option<u64>,
    /// Where the API begins
    pub base_url: Option<String>,
}

/// A pull request, and how to speak with its server
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Which of the two
    pub provider: Provider,
    /// The repository or project
    pub repo: String,
    /// The pull request's number
    pub number: u64,
    /// Where the API begins
    pub base: BaseUrl,
    /// From the environment only: a command line is seen by others
    pub token: Token,
    /// Whether it is the job's own, at GitLab
    pub with_job_token: bool,
}

/// What is not known or makes no sense
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tell which pull request is meant: {what}")]
pub struct PlaceError {
    what: String,
    /// What would help
    pub hint: &'static str,
}

fn error(what: impl Into<String>, hint: &'static str) -> PlaceError {
    PlaceError { what: what.into(), hint }
}

/// The surroundings of the program
pub struct Surroundings<'s> {
    /// A variable of the environment
    pub variable: &'s dyn Fn(&str) -> Option<String>,
    /// The text of a file that the environment names
    pub file: &'s dyn Fn(&str) -> Option<String>,
}

impl Surroundings<'_> {
    /// One that is set to nothing is not set
    fn first(&self, names: &[&str]) -> Option<String> {
        let set = |name: &&str| (self.variable)(name).filter(|value| !value.trim().is_empty());
        names.iter().find_map(set)
    }

    fn is(&self, name: &str) -> bool {
        self.first(&[name]).is_some_and(|value| value == "true")
    }

    fn provider(&self) -> Result<Provider, PlaceError> {
        match (self.is("GITHUB_ACTIONS"), self.is("GITLAB_CI")) {
            (true, false) => Ok(Provider::GitHub),
            (false, true) => Ok(Provider::GitLab),
            _ => Err(error(
                "this is a job neither of GitHub nor of GitLab",
                "add --provider github or --provider gitlab",
            )),
        }
    }

    /// The number of the pull request that the job is for: by the name of the merge commit, or by the event
    fn github_number(&self) -> Option<u64> {
        let from_ref = |text: String| text.strip_prefix("refs/pull/")?.split('/').next()?.parse().ok();
        let from_event = || {
            let event: Value =
                serde_json::from_str(&(self.file)(&self.first(&["GITHUB_EVENT_PATH"])?)?).ok()?;
            let of_pull = event["pull_request"]["number"].as_u64();
            let of_issue =
                || event["issue"]["number"].as_u64().filter(|_| event["issue"]["pull_request"].is_object());
            of_pull.or_else(of_issue)
        };
        self.first(&["GITHUB_REF"]).and_then(from_ref).or_else(from_event)
    }
}

/// The pull request that is meant
///
/// # Errors
/// Something of it is not known, or makes no sense.
pub fn place(given: &Given, around: &Surroundings<'_>) -> Result<Place, PlaceError> {
    let provider = given.provider.map_or_else(|| around.provider(), Ok)?;
    let (repo, number, base, token) = match provider {
        Provider::GitHub => (
            around.first(&["GITHUB_REPOSITORY"]),
            around.github_number(),
            around.first(&["GITHUB_API_URL"]).unwrap_or_else(|| github::PUBLIC.to_owned()),
            around.first(&["GH_TOKEN", "GITHUB_TOKEN"]),
        ),
        Provider::GitLab => (
            around.first(&["CI_PROJECT_ID"]),
            around.first(&["CI_MERGE_REQUEST_IID"]).and_then(|text| text.parse().ok()),
            around.first(&["CI_API_V4_URL"]).unwrap_or_else(|| gitlab::PUBLIC.to_owned()),
            around.first(&["GITLAB_TOKEN", "CI_JOB_TOKEN"]),
        ),
    };
    let repo = given.repo.clone().or(repo).ok_or_else(|| error("it has no repository", "add --repo"))?;
    let number = given.number.or(number);
    let number = number
        .ok_or_else(|| error("it has no number", "add --number, or run in a job for a pull request"))?;
    let base = BaseUrl::parse(given.base_url.as_deref().unwrap_or(&base));
    let base =
        base.map_err(|why| error(why, "give --base-url as https://HOST/PATH, without a name or a query"))?;
    let token = token.ok_or_else(|| error("there is no token", no_token(provider)))?;
    let token = Token::parse(&token).map_err(|why| error(why, no_token(provider)))?;
    let with_job_token = provider == Provider::GitLab && around.first(&["GITLAB_TOKEN"]).is_none();
    Ok(Place { provider, repo: checked(provider, repo)?, number, base, token, with_job_token })
}

fn no_token(provider: Provider) -> &'static str {
    match provider {
        Provider::GitHub => {
            "set GITHUB_TOKEN or GH_TOKEN; in a job: `env: {GITHUB_TOKEN: \"${{ github.token }}\"}`"
        }
        Provider::GitLab => "set GITLAB_TOKEN to a project access token with the scope `api`",
    }
}

/// A repository that stays one part, or two, of the address that it is put into
fn checked(provider: Provider, repo: String) -> Result<String, PlaceError> {
    let parts: Vec<&str> = repo.split('/').collect();
    let is_name = |part: &&str| {
        !matches!(*part, "" | "." | "..")
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    let count = match provider {
        Provider::GitHub => parts.len() == 2,
        Provider::GitLab => true,
    };
    match count && parts.iter().all(is_name) {
        true => Ok(repo),
        false => {
            let hint =
                "give --repo as OWNER/NAME at GitHub, and as the project's number or GROUP/NAME at GitLab";
            Err(error(format!("{repo:?} is no repository"), hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(given: &Given, variables: &[(&str, &str)], event: &str) -> Result<Place, PlaceError> {
        let variable = |name: &str| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        };
        place(given, &Surroundings { variable: &variable, file: &|_| Some(event.to_owned()) })
    }

    const GITHUB: [(&str, &str); 5] = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REPOSITORY", "o/r"),
        ("GITHUB_REF", "refs/pull/7/merge"),
        ("GITHUB_API_URL", "https://ghe.example/api/v3"),
        ("GITHUB_TOKEN", "t"),
    ];

    const GITLAB: [(&str, &str); 5] = [
        ("GITLAB_CI", "true"),
        ("CI_PROJECT_ID", "42"),
        ("CI_MERGE_REQUEST_IID", "8"),
        ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
        ("CI_JOB_TOKEN", "j"),
    ];

    #[test]
    fn a_job_says_which_pull_request_it_is_for() {
        let github = placed(&Given::default(), &GITHUB, "").unwrap();
        assert_eq!(
            (&*github.repo, github.number, github.base.as_str()),
            ("o/r", 7, "https://ghe.example/api/v3")
        );
        let gitlab = placed(&Given::default(), &GITLAB, "").unwrap();
        assert_eq!((&*gitlab.repo, gitlab.number, gitlab.with_job_token), ("42", 8, true));
        let with_token = [&GITLAB[..], &[("GITLAB_TOKEN", "g")]].concat();
        let gitlab = placed(&Given::default(), &with_token, "").unwrap();
        assert_eq!((gitlab.token.reveal(), gitlab.with_job_token), ("g", false));
    }

    #[test]
    fn an_event_gives_the_number_where_the_ref_is_a_branch_and_an_issue_is_no_pull_request() {
        let variables =
            [&GITHUB[..2], &GITHUB[3..], &[("GITHUB_REF", "refs/heads/main"), ("GITHUB_EVENT_PATH", "e")]]
                .concat();
        let number =
            |event: &str| placed(&Given::default(), &variables, event).map(|place| place.number).ok();
        assert_eq!(number("{\"pull_request\": {\"number\": 9}}"), Some(9));
        assert_eq!(number("{\"issue\": {\"number\": 9, \"pull_request\": {}}}"), Some(9));
        assert_eq!(number("{\"issue\": {\"number\": 9}}"), None);
        assert_eq!(number("no JSON"), None);
    }

    #[test]
    fn what_a_person_says_goes_before_what_the_job_says() {
        let given = Given {
            provider: Some(Provider::GitHub),
            repo: Some("a/b".to_owned()),
            number: Some(3),
            base_url: Some("http://127.0.0.1:9".to_owned()),
        };
        let place = placed(&given, &[&GITHUB[..], &[("GH_TOKEN", "h")]].concat(), "").unwrap();
        assert_eq!(
            (&*place.repo, place.number, place.base.as_str(), place.token.reveal()),
            ("a/b", 3, "http://127.0.0.1:9", "h")
        );
    }

    #[test]
    fn what_is_missing_or_makes_no_sense_is_told_with_what_helps() {
        let missing = |given: &Given, variables: &[(&str, &str)]| placed(given, variables, "").unwrap_err();
        assert!(missing(&Given::default(), &[]).hint.contains("--provider"));
        assert!(missing(&Given::default(), &GITHUB[..1]).hint.contains("--repo"));
        assert!(missing(&Given::default(), &GITHUB[..2]).hint.contains("--number"));
        assert!(missing(&Given::default(), &GITHUB[..4]).hint.contains("GITHUB_TOKEN"));
        for repo in ["o", "o/r/x", "../r", "o/r?x", "o/r#", "o/"] {
            let given = Given { repo: Some(repo.to_owned()), ..Given::default() };
            assert!(missing(&given, &GITHUB).hint.contains("OWNER/NAME"), "{repo}");
        }
        let plain = Given { base_url: Some("http://ghe.example".to_owned()), ..Given::default() };
        assert!(missing(&plain, &GITHUB).to_string().contains("in the clear"));
    }
}
