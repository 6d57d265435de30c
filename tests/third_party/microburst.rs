//! Microburst, a fault proxy for AWS's protocols that is not ours: between the program and moto, it fails what its rules say.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::processes::{Hermit, Killed, python, soon};

/// A proxy that is running
pub struct Microburst {
    pub url: String,
    // in this order: the proxy ends before its home goes
    _process: Killed,
    _home: Hermit,
}

impl Microburst {
    /// A proxy in front of `upstream`, with these rules for the key service
    pub fn start(upstream: &str, rules: &[Value]) -> Self {
        let home = Hermit::new();
        // its configuration is YAML, of which JSON is a part
        home.write("rules.yaml", &json!({"rules": rules}).to_string());
        let port = free_port().to_string();
        let mut command = home.command(python());
        command.args(["-m", "microburst", "--upstream", upstream, "--port", &port, "--config", "rules.yaml"]);
        let mut process = Killed(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let url = format!("http://127.0.0.1:{port}");
        let ready = soon(|| {
            let ended = process.0.try_wait().unwrap();
            assert!(ended.is_none(), "microburst ended with {ended:?}");
            look(&url, "health")
        });
        assert_eq!(ready.expect("microburst does not get ready")["status"], "ok");
        Self { url, _process: process, _home: home }
    }

    /// How often a rule failed this operation in this way
    pub fn fired(&self, operation: &str, action: &str) -> usize {
        let fired = look(&self.url, "fired?limit=1000").unwrap();
        let is_it = |event: &&Value| event["operation"] == operation && event["action"] == action;
        fired.as_array().unwrap().iter().filter(is_it).count()
    }
}

/// It takes no port of its own choice, so it is given one that nobody had just now
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What its control interface answers, if it is there already
fn look(url: &str, path: &str) -> Option<Value> {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET /_microburst/{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}
