//! What GitLab calls things: notes of a merge request (<https://docs.gitlab.com/api/notes/>).

use serde_json::{Value, json};

use super::{Author, Comment, Dialect, PAGE};
use crate::http::server::Token;
use crate::http::{Ask, HttpError, Reply};

/// Where the public one is
pub const PUBLIC: &str = "https://gitlab.com/api/v4";

/// A merge request
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitLab {
    /// Its number, or its path
    pub project: String,
    /// The merge request's number in it
    pub number: u64,
    /// Whether the token is that of a job, which few parts of the API take
    /// (<https://docs.gitlab.com/ci/jobs/ci_job_token/>)
    pub with_job_token: bool,
}

impl Dialect for GitLab {
    fn headers(&self, token: &Token) -> Vec<(&'static str, String)> {
        let token = token.reveal();
        vec![match self.with_job_token {
            true => ("job-token", token.to_owned()),
            false => ("authorization", format!("Bearer {token}")),
        }]
    }

    fn identities(&self) -> Vec<Ask> {
        vec![Ask::get(if self.with_job_token { "job" } else { "user" }.to_owned())]
    }

    fn author(&self, value: &Value) -> Option<Author> {
        let user = if value["user"].is_object() { &value["user"] } else { value };
        Some(Author { id: user["id"].as_u64(), login: user["username"].as_str()?.to_owned() })
    }

    fn comments(&self, page: u32) -> Ask {
        Ask::get(format!("{}?per_page={PAGE}&page={page}&sort=asc&order_by=created_at", self.path()))
    }

    fn comment(&self, value: &Value) -> Option<Comment> {
        let (id, body) = (value["id"].as_u64()?, value["body"].as_str().unwrap_or_default().to_owned());
        let author = Some(&value["author"]).filter(|_| value["system"] != true);
        Some(Comment { id, body, author: author.and_then(|author| self.author(author)) })
    }

    fn next(&self, reply: &Reply) -> Option<u32> {
        reply.next_page.as_deref()?.parse().ok()
    }

    fn create(&self, body: &str) -> Ask {
        Ask::send("POST", self.path(), json!({"body": body}))
    }

    fn edit(&self, id: u64, body: &str) -> Ask {
        Ask::send("PUT", format!("{}/{id}", self.path()), json!({"body": body}))
    }

    fn hint(&self, error: &HttpError) -> Option<&'static str> {
        let HttpError::Refused { status, .. } = error else { return None };
        Some(match status {
            301..=308 => {
                "the project has moved: give its number with --repo, or the server's address with --base-url"
            }
            401 | 403 | 404 if self.with_job_token => {
                "the token of a job may not write notes: set GITLAB_TOKEN to a project access token with the scope `api`"
            }
            401 => "set GITLAB_TOKEN to a token of this server that has not expired",
            403 => "the token needs the scope `api` and the role Reporter in the project",
            404 => "look at --repo and --number, and whether the token may see that project",
            _ => return None,
        })
    }
}

impl GitLab {
    fn path(&self) -> String {
        format!("projects/{}/merge_requests/{}/notes", self.project.replace('/', "%2F"), self.number)
    }
}
