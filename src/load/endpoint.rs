//! `endpoint_url:` of a target -> where its KMS is asked, such as a VPC endpoint of its Region. Pure.
//!
//! Whoever writes the manifest must not be able to have it asked of a server of their own, which would be sent signed requests and
//! could answer what it likes: so an endpoint is one of KMS itself, whose names nobody else can have, or on this machine.

use hyper::Uri;

use super::manifest::{Instance, Manifest};
use super::problem::{Problem, Problems};
use super::read::{Fields, text};
use super::roles::{Template, fill, partition, unknown_placeholder};

/// What the names of KMS end with in a partition, and where there are any those for IPv6
/// (<https://docs.aws.amazon.com/general/latest/gr/kms.html>, and the endpoint rules of the SDKs)
fn suffixes(partition: &str) -> &'static [&'static str] {
    match partition {
        "aws-cn" => &["amazonaws.com.cn", "api.amazonwebservices.com.cn"],
        "aws-eusc" => &["amazonaws.eu", "api.amazonwebservices.eu"],
        "aws-iso" => &["c2s.ic.gov"],
        "aws-iso-b" => &["sc2s.sgov.gov"],
        "aws-iso-e" => &["cloud.adc-e.uk"],
        "aws-iso-f" => &["csp.hci.ic.gov"],
        _ => &["amazonaws.com", "api.aws"],
    }
}

const HELP: &str = "write `https://kms.{region}.amazonaws.com`, or a VPC endpoint as \
                    `https://vpce-0123456789abcdef0-abcdefgh.kms.{region}.vpce.amazonaws.com`; any other is for `--endpoint-url`";

/// The URL as written, if it can be one
pub(super) fn read(fields: &Fields<'_>, found: &mut Problems) -> Option<Template> {
    let node = fields.get("endpoint_url")?;
    let template = text(node, "the URL of an endpoint as text", found)?;
    if let Some(problem) = wrong(template) {
        found.add(problem.at(&node.spot, ""));
        return None;
    }
    Some((template.into(), node.spot.clone()))
}

pub(super) fn wrong(template: &str) -> Option<Problem> {
    let sample = fill(template, "111122223333", "us-east-1");
    if let Some(problem) = unknown_placeholder(&sample) {
        return Some(problem);
    }
    let message = match parts(&sample) {
        Some((_, host)) if is_loopback(&host) => return None,
        Some((true, _)) => return None,
        Some((false, host)) => format!("requests to `{host}` would not be encrypted"),
        None => format!("`{template}` is not the URL of an endpoint"),
    };
    Some(Problem::error("endpoint", message).help(HELP))
}

/// Whether it is encrypted, and the host
fn parts(url: &str) -> Option<(bool, String)> {
    let uri = url.parse::<Uri>().ok()?;
    let encrypted = match uri.scheme_str()? {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    // Nobody signs in to KMS, and what stands before an `@` passes for the host with who reads it.
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    Some((encrypted, authority.host().to_owned())).filter(|(_, host)| !host.is_empty())
}

/// Whether requests to it stay on this machine, as they do to an emulator
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// An endpoint that is not KMS's own in the Region of the target
pub(super) fn misfit(manifest: &Manifest, instance: &Instance) -> Option<Problem> {
    let (template, spot) = manifest.spec_of(instance)?.endpoint_url.as_ref()?;
    let (account, region) = (instance.account.as_deref()?, instance.region.as_deref()?);
    let (_, host) = parts(&fill(template, account, region))?;
    let message = format!("`{host}` is no endpoint of KMS in {region}");
    let own = is_loopback(&host) || is_of_kms(&host, region);
    (!own).then(|| Problem::error("endpoint", message).at(spot, "").help(HELP))
}

/// `kms.us-east-1.amazonaws.com`, or `vpce-….kms.us-east-1.vpce.amazonaws.com`
fn is_of_kms(host: &str, region: &str) -> bool {
    let (host, vpce) = match host.split_once('.') {
        Some((endpoint, rest)) if endpoint.starts_with("vpce-") => (rest, "vpce."),
        _ => (host, ""),
    };
    let services = ["kms", "kms-fips"].map(|service| format!("{service}.{region}.{vpce}"));
    let suffix = services.iter().find_map(|service| host.strip_prefix(service.as_str()));
    suffix.is_some_and(|suffix| suffixes(partition(region)).contains(&suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_encrypted_or_on_this_machine() {
        for good in [
            "https://vpce-1.kms.{region}.vpce.amazonaws.com",
            "https://kms.{region}.amazonaws.com:8443/x",
            "http://localhost:4566",
            "http://127.0.0.1:4566",
            "http://[::1]:4566",
        ] {
            assert!(wrong(good).is_none(), "{good}");
        }
        for bad in [
            "",
            "kms.us-east-1.amazonaws.com",
            "//host",
            "https://",
            "ftp://host",
            "http://kms.us-east-1.amazonaws.com",
            "http://10.0.0.1",
            "http://localhost.example.com",
            "https://{host}",
            "https://a b",
            "https://kms.us-east-1.amazonaws.com@example.com",
        ] {
            assert!(wrong(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn nobody_elses_server_is_an_endpoint_of_kms() {
        for good in [
            "kms.us-east-1.amazonaws.com",
            "kms-fips.us-east-1.amazonaws.com",
            "kms.us-east-1.api.aws",
            "vpce-0a1b-x.kms.us-east-1.vpce.amazonaws.com",
            "vpce-0a1b-x-us-east-1a.kms-fips.us-east-1.vpce.amazonaws.com",
        ] {
            assert!(is_of_kms(good, "us-east-1"), "{good}");
        }
        assert!(is_of_kms("kms.cn-north-1.amazonaws.com.cn", "cn-north-1"));
        assert!(is_of_kms("vpce-1.kms.cn-north-1.vpce.amazonaws.com.cn", "cn-north-1"));
        for bad in [
            "kms.us-east-1.example.com",
            "kms.eu-west-1.amazonaws.com",
            "abcdef.execute-api.us-east-1.amazonaws.com",
            "kms.us-east-1.amazonaws.com.example.com",
            "kms.us-east-1.s3.amazonaws.com",
            "x.kms.us-east-1.vpce.amazonaws.com",
            "vpce-1.kms.us-east-1.amazonaws.com",
            "kms.us-east-1.vpce.amazonaws.com",
            "kms.us-east-1.amazonaws.com.cn",
            "vpce-1.vpce-2.kms.us-east-1.vpce.amazonaws.com",
            "amazonaws.com",
        ] {
            assert!(!is_of_kms(bad, "us-east-1"), "{bad}");
        }
    }
}
