//! A small server that speaks the comments of GitHub's and of GitLab's API, and fails where a test says so.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// The token of a user
pub const USER_TOKEN: &str = "user-token-0123456789";
/// The token of an app: whose it is, only the other API says
pub const APP_TOKEN: &str = "app-token-0123456789";
/// The token of a job at GitLab
pub const JOB_TOKEN: &str = "job-token-0123456789";

const PAGE: usize = 100;

/// A request, as it came
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
    /// How many of this method and path came before
    pub nth: usize,
}

/// What becomes of a request
pub enum Fate {
    /// It is done and answered
    Answered,
    /// It is done, and the connection breaks
    Lost,
    /// It is not done, and there is no answer for as long as the server is there
    Silent,
    /// It is not done, and this is the answer: status, more headers with their ends, body
    Refused(u16, String, String),
}

/// A comment that is there
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    pub id: u64,
    pub author: (u64, String),
    pub body: String,
    pub system: bool,
}

#[derive(Default)]
struct State {
    notes: Vec<Note>,
    asked: Vec<Asked>,
    silent: Vec<TcpStream>,
}

/// The server; GitHub is at its root, and below `/api/v3`, GitLab below `/api/v4`
pub struct ForgeServer {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl ForgeServer {
    pub fn start(fate: impl Fn(&Asked) -> Fate + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                attend(stream.unwrap(), &shared, &fate);
            }
        });
        Self { url, state }
    }

    /// Puts a comment there
    pub fn put(&self, author: (u64, &str), body: &str) -> u64 {
        let (id, login) = author;
        put(&mut self.state.lock().unwrap().notes, (id, login.to_owned()), body)
    }

    /// Puts so many comments of others there
    pub fn fill(&self, count: usize) {
        (0..count).for_each(|i| {
            self.put((900, "reviewer"), &format!("comment {i}"));
        });
    }

    pub fn notes(&self) -> Vec<Note> {
        self.state.lock().unwrap().notes.clone()
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    pub fn count(&self, method: &str) -> usize {
        self.asked().iter().filter(|asked| asked.method == method && !asked.path.ends_with("graphql")).count()
    }
}

fn put(notes: &mut Vec<Note>, author: (u64, String), body: &str) -> u64 {
    let id = 1000 + notes.len() as u64;
    notes.push(Note { id, author, body: body.to_owned(), system: false });
    id
}

/// One connection, one request
fn attend(mut stream: TcpStream, state: &Mutex<State>, fate: &impl Fn(&Asked) -> Fate) {
    let Some(mut asked) = receive(&mut stream) else { return };
    let mut state = state.lock().unwrap();
    let same = |other: &&Asked| (&other.method, &other.path) == (&asked.method, &asked.path);
    asked.nth = state.asked.iter().filter(same).count();
    state.asked.push(asked.clone());
    let (status, headers, body) = match fate(&asked) {
        Fate::Answered => answer(&asked, &mut state.notes),
        Fate::Lost => {
            answer(&asked, &mut state.notes);
            return;
        }
        Fate::Silent => {
            state.silent.push(stream);
            return;
        }
        Fate::Refused(status, headers, body) => (status, headers, body),
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n");
    // A client that has gone away is its own affair.
    let _ = stream.write_all((head + &body).as_bytes());
}

fn receive(stream: &mut TcpStream) -> Option<Asked> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let (first, rest) = head.split_once("\r\n")?;
    let [method, target, _] = first.split(' ').collect::<Vec<_>>()[..] else { return None };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = rest.lines().filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<_, _> =
        pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or_default();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let [method, path, query] = [method, path, query].map(str::to_owned);
    Some(Asked { method, path, query, headers, body, nth: 0 })
}

fn answer(asked: &Asked, notes: &mut Vec<Note>) -> (u16, String, String) {
    let gitlab = asked.path.starts_with("/api/v4/");
    let path = asked.path.trim_start_matches("/api/v4").trim_start_matches("/api/v3");
    let path = path.trim_start_matches("/api/graphql").trim_start_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let header = |name: &str| asked.headers.get(name).map_or("", String::as_str);
    let token = header("authorization").strip_prefix("Bearer ").unwrap_or_else(|| header("job-token"));
    let refused =
        |status: u16, message: &str| (status, String::new(), json!({"message": message}).to_string());
    let author = match token {
        USER_TOKEN => (1, "me"),
        APP_TOKEN if !gitlab => (77, "kms-app[bot]"),
        JOB_TOKEN if gitlab => (1, "me"),
        _ => return refused(401, "Bad credentials"),
    };
    match (&*asked.method, &parts[..]) {
        ("GET", ["user"]) if token == APP_TOKEN => refused(403, "Resource not accessible by integration"),
        ("GET", ["user"]) if token == JOB_TOKEN => refused(401, "401 Unauthorized"),
        ("GET", ["user"]) if gitlab => good(200, json!({"id": author.0, "username": author.1})),
        ("GET", ["user"]) => good(200, json!({"id": author.0, "login": author.1})),
        ("GET", ["job"]) if gitlab => {
            good(200, json!({"id": 5, "user": {"id": author.0, "username": author.1}}))
        }
        ("POST", ["graphql" | ""]) if !gitlab => good(200, json!({"data": {"viewer": {"login": author.1}}})),
        ("GET", ["repos", "o", "r", "issues", "7", "comments"]) => list(asked, notes, github),
        ("POST", ["repos", "o", "r", "issues", "7", "comments"]) => create(asked, notes, author, github),
        ("PATCH", ["repos", "o", "r", "issues", "comments", id]) => edit(asked, notes, id, github),
        (_, ["projects", ..]) if token == JOB_TOKEN => refused(401, "401 Unauthorized"),
        ("GET", ["projects", "g%2Fp" | "42", "merge_requests", "8", "notes"]) => {
            list(asked, notes, gitlab_note)
        }
        ("POST", ["projects", "g%2Fp" | "42", "merge_requests", "8", "notes"]) => {
            create(asked, notes, author, gitlab_note)
        }
        ("PUT", ["projects", "g%2Fp" | "42", "merge_requests", "8", "notes", id]) => {
            edit(asked, notes, id, gitlab_note)
        }
        _ => refused(404, "Not Found"),
    }
}

fn good(status: u16, body: Value) -> (u16, String, String) {
    (status, String::new(), body.to_string())
}

fn github(note: &Note) -> Value {
    let (id, login) = &note.author;
    json!({"id": note.id, "user": {"id": id, "login": login}, "body": note.body})
}

fn gitlab_note(note: &Note) -> Value {
    let (id, login) = &note.author;
    json!({"id": note.id, "author": {"id": id, "username": login}, "body": note.body, "system": note.system})
}

/// A page, and in each provider's own words what follows it
fn list(asked: &Asked, notes: &[Note], show: fn(&Note) -> Value) -> (u16, String, String) {
    let number = |name: &str| {
        asked.query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))?.parse::<usize>().ok())
    };
    assert_eq!(number("per_page"), Some(PAGE));
    let page = number("page").unwrap_or(1);
    let shown: Vec<Value> = notes.iter().skip((page - 1) * PAGE).take(PAGE).map(show).collect();
    let more = notes.len() > page * PAGE;
    let next = if more { (page + 1).to_string() } else { String::new() };
    // The address is one that nobody may follow.
    let link = format!("link: <http://127.0.0.1:1/elsewhere?per_page=100&page={next}>; rel=\"next\"\r\n");
    let headers = match (asked.path.starts_with("/api/v4"), more) {
        (true, _) => format!("x-next-page: {next}\r\n"),
        (false, true) => link,
        (false, false) => String::new(),
    };
    (200, headers, Value::from(shown).to_string())
}

fn create(
    asked: &Asked,
    notes: &mut Vec<Note>,
    (id, login): (u64, &str),
    show: fn(&Note) -> Value,
) -> (u16, String, String) {
    put(notes, (id, login.to_owned()), asked.body["body"].as_str().unwrap());
    good(201, show(notes.last().unwrap()))
}

fn edit(asked: &Asked, notes: &mut [Note], id: &str, show: fn(&Note) -> Value) -> (u16, String, String) {
    let note = notes.iter_mut().find(|note| note.id.to_string() == id).unwrap();
    note.body = asked.body["body"].as_str().unwrap().to_owned();
    good(200, show(note))
}
