//! A text -> one comment on a pull request of GitHub or a merge request of GitLab, found by its marker and its author, and edited
//! in place. A comment of somebody else is never touched and never believed, whatever marker it has.

pub mod ci;
pub mod github;
pub mod gitlab;

use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::http::server::{BaseUrl, Token};
use crate::http::{Ask, Client, HttpError, Reply};
use crate::poll::{Patience, wait};
use crate::render::markdown::Marker;

/// Comments on a page, the most that both take
pub const PAGE: usize = 100;

/// Neither has more comments on one pull request
const MOST_PAGES: u32 = 500;

/// Whoever wrote a comment
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// `None` where the server does not tell us ours
    pub id: Option<u64>,
    /// As `github-actions[bot]`
    pub login: String,
}

impl Author {
    /// Whether they are one: by the number, since names can change hands; by the name where only that is told
    fn is(&self, other: &Self) -> bool {
        match (self.id, other.id) {
            (Some(one), Some(other)) => one == other,
            _ => self.login == other.login,
        }
    }
}

/// A comment as it is there
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The server's
    pub id: u64,
    /// Its Markdown
    pub body: String,
    /// `None` where the account is gone, or the server wrote it itself
    pub author: Option<Author>,
}

/// What one of the two calls things; it asks nothing itself
pub trait Dialect {
    /// Sent with everything
    fn headers(&self, token: &Token) -> Vec<(&'static str, String)>;
    /// What tells whose token it is; the next one where one is refused
    fn identities(&self) -> Vec<Ask>;
    /// Whoever a JSON object is about
    fn author(&self, value: &Value) -> Option<Author>;
    /// Asks for a page of all comments, counted from 1
    fn comments(&self, page: u32) -> Ask;
    /// An entry of such a page
    fn comment(&self, value: &Value) -> Option<Comment>;
    /// The page behind this one, where the server says that there is one
    fn next(&self, reply: &Reply) -> Option<u32>;
    /// Makes a comment
    fn create(&self, body: &str) -> Ask;
    /// Gives a comment another text
    fn edit(&self, id: u64, body: &str) -> Ask;
    /// What would help
    fn hint(&self, error: &HttpError) -> Option<&'static str>;
}

/// Why there is no comment, or no digest
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// The server's
    #[error("{doing}: {error}")]
    Http {
        /// A fragment, as `list the comments`
        doing: &'static str,
        /// The cause
        error: HttpError,
        /// What would help
        hint: Option<&'static str>,
    },
    /// A list that is not whole is an error, or a second comment would be made
    #[error("list the comments: {0}")]
    Listing(String),
    /// Nobody knows whose token it is
    #[error("tell whose token this is: the answer names nobody")]
    Nobody,
    /// There is none of ours
    #[error("find the comment: none on this pull request is by {login} and has the id {id:?}")]
    NoComment {
        /// Who we are
        login: String,
        /// As asked for
        id: String,
    },
    /// It has none
    #[error("read the digest: the comment {0} has none")]
    NoDigest(u64),
    /// Two of ours, of which one is not current
    #[error("read the digest: {0} comments of ours have this id")]
    Several(usize),
}

impl ForgeError {
    /// What would help
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Http { hint: Some(hint), .. } => Some(hint),
            Self::Http { error: HttpError::NoAnswer { .. }, .. } => {
                Some("look at --base-url and the network, and run again; proxies are not supported")
            }
            Self::Http { error: HttpError::Limited { .. }, .. } => {
                Some("run again later, or let it wait longer with --timeout, as --timeout 5m")
            }
            Self::Http { error: HttpError::Fault { .. } | HttpError::Unreadable { .. }, .. }
            | Self::Listing(_) => Some("run again; what is there already is found so"),
            Self::Http { .. } => None,
            Self::Nobody => Some("use a token of a user or of an app"),
            Self::NoComment { .. } => Some(
                "write it with `kms-alias comment PLAN`, with the same --id and a token of the same account",
            ),
            Self::NoDigest(_) => Some(
                "it tells of a plan that failed, of an apply, or of more deletions than it holds: plan again",
            ),
            Self::Several(_) => Some("delete all but the newest on the pull request, and run again"),
        }
    }
}

/// What became of a comment
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// There was none
    Created,
    /// It had another text
    Edited,
    /// It had this one
    Unchanged,
}

/// What became of a comment, and how many more of ours have its id
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// What was done
    pub done: Done,
    /// They are left as they are
    pub others: usize,
}

/// Comments on one pull request
pub struct Forge<D> {
    dialect: D,
    client: Client,
    stop: CancellationToken,
    longest: Duration,
}

impl<D: Dialect> Forge<D> {
    /// Comments on the pull request of `dialect`; no request takes longer than `longest`
    pub fn new(dialect: D, base: BaseUrl, token: Token, longest: Duration, stop: CancellationToken) -> Self {
        let headers = dialect.headers(&token);
        Self { client: Client::new(base, token, headers, longest, stop.clone()), dialect, stop, longest }
    }

    /// Makes the comment with the marker of `id`, or gives it this text
    ///
    /// # Errors
    /// The server's; a comment may then be there all the same, and is found by the next run.
    pub async fn publish(&self, id: &str, body: &str) -> Result<Published, ForgeError> {
        let me = self.me().await?;
        let mut delays =
            Patience { first: Duration::from_secs(1), budget: self.longest, ..Patience::default() }.delays();
        let mut created = false;
        loop {
            let ours = self.ours(&me, id).await?;
            if let Some(comment) = ours.first() {
                let unchanged = if created { Done::Created } else { Done::Unchanged };
                let done = if is_same(&comment.body, body) {
                    unchanged
                } else {
                    self.edit(comment.id, body).await?
                };
                return Ok(Published { done, others: ours.len() - 1 });
            }
            let Err(error) = self.client.ask(&self.dialect.create(body)).await else {
                return Ok(Published { done: Done::Created, others: 0 });
            };
            // It may be there: whoever creates it again without a look may make two.
            created = error.is_unclear();
            match delays.next().filter(|_| created) {
                Some(delay) if wait(delay, &self.stop).await => {}
                _ => return Err(self.failed("create the comment", error)),
            }
        }
    }

    /// The digest that our own comment with this id has
    ///
    /// # Errors
    /// The server's; there is no such comment, more than one, or it has no digest.
    pub async fn digest(&self, id: &str) -> Result<String, ForgeError> {
        let me = self.me().await?;
        let ours = self.ours(&me, id).await?;
        let [comment] = &ours[..] else {
            return Err(match ours.len() {
                0 => ForgeError::NoComment { login: me.login, id: id.to_owned() },
                several => ForgeError::Several(several),
            });
        };
        let marker = Marker::read(&comment.body);
        marker.and_then(|marker| marker.digest).ok_or(ForgeError::NoDigest(comment.id))
    }

    async fn edit(&self, id: u64, body: &str) -> Result<Done, ForgeError> {
        let edited = self.client.ask(&self.dialect.edit(id, body)).await;
        edited.map(|_| Done::Edited).map_err(|error| self.failed("edit the comment", error))
    }

    /// Whose token it is
    async fn me(&self) -> Result<Author, ForgeError> {
        let mut refused = None;
        for ask in self.dialect.identities() {
            match self.client.ask(&ask).await {
                Ok(reply) => return self.dialect.author(&reply.body).ok_or(ForgeError::Nobody),
                Err(error @ HttpError::Refused { status: 403 | 404, .. }) => refused = Some(error),
                Err(error) => return Err(self.failed("tell whose token this is", error)),
            }
        }
        Err(refused.map_or(ForgeError::Nobody, |error| self.failed("tell whose token this is", error)))
    }

    /// Our comments with this id, the oldest first
    async fn ours(&self, me: &Author, id: &str) -> Result<Vec<Comment>, ForgeError> {
        let is_ours = |comment: &Comment| {
            comment.author.as_ref().is_some_and(|author| author.is(me))
                && Marker::read(&comment.body).is_some_and(|marker| marker.id == id)
        };
        let mut ours: Vec<Comment> = self.all().await?.into_iter().filter(is_ours).collect();
        ours.sort_by_key(|comment| comment.id);
        ours.dedup_by_key(|comment| comment.id);
        Ok(ours)
    }

    async fn all(&self) -> Result<Vec<Comment>, ForgeError> {
        let (mut all, mut page) = (Vec::new(), 1);
        while page <= MOST_PAGES {
            let reply = self.client.ask(&self.dialect.comments(page)).await;
            let reply = reply.map_err(|error| self.failed("list the comments", error))?;
            let wrong = |what: &str| ForgeError::Listing(format!("page {page} {what}"));
            let entries = reply.body.as_array().ok_or_else(|| wrong("is no list"))?;
            for entry in entries {
                all.push(
                    self.dialect.comment(entry).ok_or_else(|| wrong("has an entry that is no comment"))?,
                );
            }
            page = match self.dialect.next(&reply) {
                Some(next) if next <= page => return Err(wrong("is followed by one that came before")),
                Some(next) => next,
                // Where something on the way takes the header off, a full page still says that more may follow.
                None if entries.len() >= PAGE => page + 1,
                None => return Ok(all),
            };
        }
        Err(ForgeError::Listing(format!("it does not end after {MOST_PAGES} pages")))
    }

    fn failed(&self, doing: &'static str, error: HttpError) -> ForgeError {
        let hint = self.dialect.hint(&error);
        ForgeError::Http { doing, error, hint }
    }
}

/// Whether a server would only keep what it has; it may change line ends and take off the last one
fn is_same(there: &str, ours: &str) -> bool {
    there.replace("\r\n", "\n").trim_end() == ours.trim_end()
}
