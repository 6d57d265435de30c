//! The Query protocol of the token service and of IAM: a form in, XML out.

use serde_json::{Map, Value};

use super::refusal::ServiceError;

/// Members that are numbers; a form has only texts
const NUMBERS: [&str; 2] = ["DurationSeconds", "MaxItems"];

/// The operation and the members of a form-encoded request, or `None` where it names no `Action`
pub(super) fn parse_form(body: &str) -> Option<(String, Value)> {
    let mut members = Map::new();
    for (name, value) in body.split('&').filter_map(|pair| pair.split_once('=')) {
        let (name, value) = (decode(name), decode(value));
        let value = match value.parse::<u64>() {
            Ok(number) if NUMBERS.contains(&name.as_str()) => number.into(),
            _ => value.into(),
        };
        members.insert(name, value);
    }
    let action = members.get("Action")?.as_str()?.to_owned();
    Some((action, members.into()))
}

fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next().unwrap_or(0), bytes.next().unwrap_or(0)];
                std::str::from_utf8(&digits)
                    .ok()
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok())
                    .unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The answer to `operation` as a service with this XML namespace writes it
pub(super) fn to_xml(
    namespace: &str,
    operation: &str,
    result: &Result<Value, ServiceError>,
    request_id: &str,
) -> String {
    match result {
        Ok(output) => format!(
            "<{operation}Response xmlns=\"{namespace}\"><{operation}Result>{}</{operation}Result>\
             <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>",
            elements(output)
        ),
        Err(error) => format!(
            "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{}</Type><Code>{}</Code><Message>{}</Message></Error>\
             <RequestId>{request_id}</RequestId></ErrorResponse>",
            if error.status < 500 { "Sender" } else { "Receiver" },
            escape(&error.code),
            escape(&error.message)
        ),
    }
}

fn elements(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| format!("<{name}>{}</{name}>", elements(value))).collect()
        }
        Value::Array(list) => {
            list.iter().map(|value| format!("<member>{}</member>", elements(value))).collect()
        }
        Value::String(text) => escape(text),
        other => other.to_string(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_is_read_with_its_escapes() {
        let (action, members) =
            parse_form("Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam&RoleSessionName=a+b&MaxItems=3").unwrap();
        assert_eq!(
            (action.as_str(), &members["RoleArn"], &members["RoleSessionName"], &members["MaxItems"]),
            ("AssumeRole", &json!("arn:aws:iam"), &json!("a b"), &json!(3))
        );
        assert_eq!(parse_form("Version=1"), None);
    }

    #[test]
    fn a_list_has_an_element_for_each_of_its_members() {
        let output = json!({"Empty": [], "List": [{"A": "<&>"}, {"A": true}]});
        assert_eq!(
            elements(&output),
            "<Empty></Empty><List><member><A>&lt;&amp;&gt;</A></member><member><A>true</A></member></List>"
        );
    }
}
