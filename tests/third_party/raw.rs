//! The service's protocol without a client library, to ask a server what a program did to it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

/// One account and Region of a server
#[derive(Clone, Debug)]
pub struct Raw {
    pub url: String,
    pub access_key: String,
    pub region: String,
}

impl Raw {
    /// The output of `operation`, or the error as it came
    pub fn try_call(&self, operation: &str, input: &Value) -> Result<Value, Value> {
        let Self { url, access_key, region } = self;
        let address = url.strip_prefix("http://").unwrap();
        let body = input.to_string();
        let mut stream = TcpStream::connect(address).unwrap();
        // no server of this protocol here looks at the signature
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: TrentService.{operation}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential={access_key}/20260101/{region}/kms/aws4_request, \
             SignedHeaders=host, Signature=0\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let value = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
        if head.starts_with("HTTP/1.1 200 ") { Ok(value) } else { Err(value) }
    }

    pub fn call(&self, operation: &str, input: &Value) -> Value {
        self.try_call(operation, input).unwrap_or_else(|error| panic!("{operation} {input}: {error}"))
    }

    /// The id of a new key
    pub fn key(&self, input: &Value) -> String {
        self.call("CreateKey", input)["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    }

    /// A new symmetric key; its usage is the service's default, which moto does not have
    pub fn plain_key(&self) -> String {
        self.key(&json!({"KeyUsage": "ENCRYPT_DECRYPT"}))
    }

    pub fn create_alias(&self, name: &str, key: &str) {
        self.call("CreateAlias", &json!({"AliasName": name, "TargetKeyId": key}));
    }

    /// Every alias with its key, AWS's own left out
    pub fn aliases(&self) -> BTreeMap<String, String> {
        let mut all = self.all_aliases();
        all.retain(|name, _| !name.starts_with("alias/aws/"));
        all
    }

    /// Every alias with its key
    pub fn all_aliases(&self) -> BTreeMap<String, String> {
        let (mut all, mut input) = (BTreeMap::new(), json!({}));
        loop {
            let page = self.call("ListAliases", &input);
            for alias in page["Aliases"].as_array().unwrap() {
                let text = |member: &str| alias[member].as_str().unwrap_or_default().to_owned();
                all.insert(text("AliasName"), text("TargetKeyId"));
            }
            if page["Truncated"] != true {
                return all;
            }
            input["Marker"] = page["NextMarker"].clone();
        }
    }

    /// How many keys there are
    pub fn count_keys(&self) -> usize {
        self.call("ListKeys", &json!({"Limit": 1000}))["Keys"].as_array().unwrap().len()
    }
}
