//! Keys and Regions -> where the service's console shows them, as links that a terminal can follow. Pure.
//!
//! <https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda> has the sequence; a terminal without links shows the text.

/// The hosts of the console, each for a partition (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>)
const HOSTS: [(&str, &str); 3] = [
    ("aws", "console.aws.amazon.com"),
    ("aws-cn", "console.amazonaws.cn"),
    ("aws-us-gov", "console.amazonaws-us-gov.com"),
];

/// The page of a key; none for a partition whose console is not known
pub(super) fn key_page(partition: &str, region: &str, key: &str) -> Option<String> {
    Some(format!("{}/{key}", keys_page(partition, region)?))
}

/// The page of the keys of a Region, likewise
pub(super) fn keys_page(partition: &str, region: &str) -> Option<String> {
    let (_, host) = HOSTS.iter().find(|(name, _)| *name == partition)?;
    Some(format!("https://{region}.{host}/kms/home?region={region}#/kms/keys"))
}

/// `text`, which leads to `url`
pub(super) fn linked(text: &str, url: &str) -> String {
    format!("\u{1b}]8;;{url}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
}

/// The length of the link, or the end of one, that `text` begins with, if it leads to such a page
pub(super) fn link_length(text: &str) -> usize {
    let Some((url, _)) = text.strip_prefix("\u{1b}]8;;").and_then(|rest| rest.split_once("\u{1b}\\")) else {
        return 0;
    };
    if url.is_empty() || is_ours(url) { url.len() + "\u{1b}]8;;\u{1b}\\".len() } else { 0 }
}

fn is_ours(url: &str) -> bool {
    let Some((host, page)) = url.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-?=#/".contains(c);
    let is_host = |(_, known): &(&str, &str)| {
        let region = host.strip_suffix(known).and_then(|region| region.strip_suffix('.'));
        region.is_some_and(|region| !region.is_empty() && !region.contains('.'))
    };
    HOSTS.iter().any(is_host)
        && page.starts_with("kms/home?")
        && page.chars().all(plain)
        && !host.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_link_to_is_known_again_and_nothing_else_is() {
        for (partition, region) in
            [("aws", "us-east-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")]
        {
            let page = key_page(partition, region, "mrk-1234abcd12ab34cd56ef1234567890ab").unwrap();
            let link = linked("x", &page);
            assert_eq!(link_length(&link), link.find('x').unwrap(), "{page}");
            assert_eq!(link_length("\u{1b}]8;;\u{1b}\\"), 7);
        }
        assert_eq!(keys_page("aws-iso", "us-iso-east-1"), None);
        for url in [
            "https://evil.example/kms/home?",
            "https://console.aws.amazon.com.evil.example/kms/home?x",
            "https://us-east-1.console.aws.amazon.com@evil.example/kms/home?x",
            "http://us-east-1.console.aws.amazon.com/kms/home?x",
            "https://us-east-1.console.aws.amazon.com/kms/home?x\u{7}",
            "https://us-east-1.console.aws.amazon.com/iam/home?x",
        ] {
            assert_eq!(link_length(&linked("x", url)), 0, "{url}");
        }
    }
}
