//! A server that answers as the sandbox would, and bends its answers on the way out: what no scenario of the sandbox can do,
//! because it is about bytes, dates and pages that no KMS has.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use kms_alias::sandbox::{Reply, Request, Scenario, Service, World};
use serde_json::{Value, json};

use crate::fake::{ACCOUNT, REGION, home};

const NOW: u64 = 1_800_000_000_000;

/// A request, as far as bending depends on it
pub struct Asked {
    pub operation: String,
    pub input: Value,
    /// How many of this operation came before
    pub nth: usize,
    /// When the client signed it, as `20261201T090000Z`
    pub signed: String,
}

/// What goes over the wire
pub struct Response {
    pub status: u16,
    /// More of them, each with its end
    pub headers: String,
    pub body: String,
    /// Of the body, as the header has it
    pub length: usize,
}

impl Response {
    pub fn new(status: u16, body: String) -> Self {
        Self { status, headers: String::new(), length: body.len(), body }
    }
}

/// The server
pub struct Bent {
    pub url: String,
    service: Arc<Mutex<Service>>,
    counts: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Bent {
    /// Serves `world`; `bend` makes of each answer what the client gets, and of some a connection that breaks
    pub fn start(
        world: World,
        bend: impl Fn(&Asked, Response) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = Arc::new(Mutex::new(Service::new(world, Scenario::default())));
        let counts = Arc::new(Mutex::new(BTreeMap::new()));
        let (server, seen, bend) = (service.clone(), counts.clone(), Arc::new(bend));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (server, seen, bend) = (server.clone(), seen.clone(), bend.clone());
                std::thread::spawn(move || attend(stream.unwrap(), &server, &seen, &*bend));
            }
        });
        Self { url, service, counts }
    }

    pub fn count(&self, operation: &str) -> usize {
        self.counts.lock().unwrap().get(operation).copied().unwrap_or_default()
    }

    pub fn writes(&self) -> usize {
        ["CreateAlias", "UpdateAlias", "DeleteAlias"].map(|operation| self.count(operation)).iter().sum()
    }

    /// The aliases as they truly are; AWS's own are not among them
    pub fn truth(&self) -> Vec<(String, String)> {
        let aliases = self.service.lock().unwrap().world().aliases(&home());
        aliases.into_iter().filter_map(|(name, key)| Some((name, key?))).collect()
    }
}

/// One connection, one request
fn attend(
    mut stream: TcpStream,
    service: &Mutex<Service>,
    counts: &Mutex<BTreeMap<String, usize>>,
    bend: &impl Fn(&Asked, Response) -> Option<Response>,
) {
    let headers = headers(&mut stream);
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let length: usize = header("content-length").parse().unwrap();
    let mut body = vec![0; length];
    // The last byte is looked at and left there: to close a connection with something unread is to reset it.
    let (rest, last) = body.split_at_mut(length - 1);
    stream.read_exact(rest).unwrap();
    stream.peek(last).unwrap();
    let (operation, input) = question(&header("x-amz-target"), &body);
    let nth =
        *counts.lock().unwrap().entry(operation.clone()).and_modify(|count| *count += 1).or_insert(1) - 1;
    let asked = Asked { operation, input, nth, signed: header("x-amz-date") };
    let answer = answer(&asked, service);
    let Some(Response { status, headers, body: answer, length }) = bend(&asked, answer) else { return };
    stream.read_exact(&mut [0]).unwrap();
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n");
    // A client that has gone away is its own affair.
    let _ = stream.write_all((head + &answer).as_bytes());
}

/// The headers, read byte by byte so that nothing of the body is
fn headers(stream: &mut TcpStream) -> BTreeMap<String, String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let pairs = head.lines().filter_map(|line| line.split_once(": "));
    pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect()
}

fn question(target: &str, body: &[u8]) -> (String, Value) {
    match target.strip_prefix("TrentService.") {
        Some(operation) => (operation.to_owned(), serde_json::from_slice(body).unwrap()),
        None => ("GetCallerIdentity".to_owned(), Value::Null),
    }
}

/// What the sandbox answers
fn answer(asked: &Asked, service: &Mutex<Service>) -> Response {
    let Asked { operation, input, .. } = asked;
    if operation == "GetCallerIdentity" {
        return Response::new(
            200,
            format!(
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn>\
             <Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
            ),
        );
    }
    let mut input = input.clone();
    if operation == "ListAliases" {
        // Always the whole of it, from which a test makes pages of its own.
        input["Marker"].take();
    }
    let request = Request { caller: ACCOUNT, region: REGION, operation, input: &input };
    match service.lock().unwrap().answer(NOW, &request).reply {
        Reply::Whole(Ok(Value::Null)) => Response::new(200, String::new()),
        Reply::Whole(Ok(output)) => Response::new(200, output.to_string()),
        Reply::Whole(Err(error)) => refusal(error.status, &error.code, &error.message),
        other => panic!("{other:?}"),
    }
}

/// An error as the service writes it
pub fn refusal(status: u16, code: &str, message: &str) -> Response {
    Response::new(status, json!({"__type": code, "message": message}).to_string())
}
