//! What GitHub calls things: comments of an issue, which a pull request is too
//! (<https://docs.github.com/en/rest/issues/comments>).

use serde_json::{Value, json};

use super::{Author, Comment, Dialect, PAGE};
use crate::http::server::Token;
use crate::http::{Ask, HttpError, Reply};

/// Where the public one is
pub const PUBLIC: &str = "https://api.github.com";

/// A pull request
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHub {
    /// As `owner/name`
    pub repo: String,
    /// Its number
    pub number: u64,
    /// Where the other API is, relative to this one: `graphql`, or `../graphql` on servers of one's own
    pub graphql: &'static str,
}

impl GitHub {
    /// A pull request on the server with this base URL
    pub fn new(repo: String, number: u64, base: &str) -> Self {
        // https://docs.github.com/en/enterprise-server@latest/graphql/guides/forming-calls-with-graphql
        let graphql = if base.ends_with("/api/v3") { "../graphql" } else { "graphql" };
        Self { repo, number, graphql }
    }
}

impl Dialect for GitHub {
    fn headers(&self, token: &Token) -> Vec<(&'static str, String)> {
        vec![
            ("accept", "application/vnd.github+json".to_owned()),
            ("x-github-api-version", "2022-11-28".to_owned()),
            ("authorization", format!("Bearer {}", token.reveal())),
        ]
    }

    /// The token of an app, such as that of a job, is no user's: only the other API says whose it is
    /// (<https://docs.github.com/en/rest/authentication/endpoints-available-for-github-app-installation-access-tokens>)
    fn identities(&self) -> Vec<Ask> {
        let query = json!({"query": "query { viewer { login } }"});
        let viewer = Ask { repeatable: true, ..Ask::send("POST", self.graphql.to_owned(), query) };
        vec![Ask::get("user".to_owned()), viewer]
    }

    fn author(&self, value: &Value) -> Option<Author> {
        let user = if value["data"]["viewer"].is_object() { &value["data"]["viewer"] } else { value };
        Some(Author { id: user["id"].as_u64(), login: user["login"].as_str()?.to_owned() })
    }

    fn comments(&self, page: u32) -> Ask {
        Ask::get(format!("{}?per_page={PAGE}&page={page}", self.path()))
    }

    fn comment(&self, value: &Value) -> Option<Comment> {
        let (id, body) = (value["id"].as_u64()?, value["body"].as_str().unwrap_or_default().to_owned());
        Some(Comment { id, body, author: self.author(&value["user"]) })
    }

    /// The number of the page only: no address that a server gives is followed
    fn next(&self, reply: &Reply) -> Option<u32> {
        let links = reply.link.as_deref()?.split(',');
        let next = links
            .filter(|link| link.contains("rel=\"next\""))
            .find_map(|link| link.split(['<', '>']).nth(1))?;
        let query = next.split_once('?')?.1;
        query.split('&').find_map(|pair| pair.strip_prefix("page="))?.parse().ok()
    }

    fn create(&self, body: &str) -> Ask {
        Ask::send("POST", self.path(), json!({"body": body}))
    }

    fn edit(&self, id: u64, body: &str) -> Ask {
        Ask::send("PATCH", format!("repos/{}/issues/comments/{id}", self.repo), json!({"body": body}))
    }

    fn hint(&self, error: &HttpError) -> Option<&'static str> {
        let HttpError::Refused { status, .. } = error else { return None };
        Some(match status {
            301..=308 => {
                "the repository has moved: give its new name with --repo, or the server's address with --base-url"
            }
            401 => "set GH_TOKEN or GITHUB_TOKEN to a token of this server that has not expired",
            403 => {
                "give the job `permissions: pull-requests: write`; a job for a pull request from a fork has no such token, \
                 see docs/comment.md"
            }
            404 => "look at --repo and --number, and whether the token may see that repository",
            _ => return None,
        })
    }
}

impl GitHub {
    fn path(&self) -> String {
        format!("repos/{}/issues/{}/comments", self.repo, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_number_of_the_next_page_is_taken_from_a_link() {
        let github = GitHub::new("o/r".to_owned(), 1, PUBLIC);
        let next = |link: &str| {
            github.next(&Reply { body: Value::Null, link: Some(link.to_owned()), next_page: None })
        };
        let last = "<https://x/repositories/1/issues/1/comments?per_page=100&page=9>; rel=\"last\"";
        assert_eq!(next(&format!("<https://evil/x?per_page=100&page=3>; rel=\"next\", {last}")), Some(3));
        assert_eq!(next(last), None);
    }
}
