//! Every kind of key: which usages each spec allows, its family, and the algorithms DescribeKey names for it.

use super::refusal::{ServiceError, validation};

/// Every KeyUsage of the service
pub(super) const USAGES: [&str; 5] =
    ["SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE"];

/// Every KeySpec of the service
pub(super) const SPECS: [&str; 20] = [
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "SYMMETRIC_DEFAULT",
    "HMAC_224",
    "HMAC_256",
    "HMAC_384",
    "HMAC_512",
    "SM2",
    "ML_DSA_44",
    "ML_DSA_65",
    "ML_DSA_87",
    "ECC_NIST_EDWARDS25519",
    "ML_KEM_512",
    "ML_KEM_768",
    "ML_KEM_1024",
];

/// The usages that `spec` allows (<https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html>)
fn usages(spec: &str) -> &'static [&'static str] {
    match spec {
        "SYMMETRIC_DEFAULT" => &["ENCRYPT_DECRYPT"],
        "ECC_NIST_P256" | "ECC_NIST_P384" | "ECC_NIST_P521" => &["SIGN_VERIFY", "KEY_AGREEMENT"],
        "ECC_SECG_P256K1" | "ECC_NIST_EDWARDS25519" => &["SIGN_VERIFY"],
        "SM2" => &["ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"],
        spec if spec.starts_with("RSA_") => &["ENCRYPT_DECRYPT", "SIGN_VERIFY"],
        spec if spec.starts_with("HMAC_") => &["GENERATE_VERIFY_MAC"],
        spec if spec.starts_with("ML_DSA_") => &["SIGN_VERIFY"],
        spec if spec.starts_with("ML_KEM_") => &["ENCAPSULATE_DECAPSULATE"],
        _ => &[],
    }
}

/// Symmetric, HMAC or asymmetric: the types among which UpdateAlias can move an alias. Not taken from the client's side of the
/// boundary, so that each can show the other wrong
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html>)
pub(super) fn family(spec: &str) -> &'static str {
    match spec {
        "SYMMETRIC_DEFAULT" => "symmetric",
        spec if spec.starts_with("HMAC_") => "HMAC",
        _ => "asymmetric",
    }
}

/// The usage of a new key: as asked for, or the only one a symmetric key has
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html#KMS-CreateKey-request-KeyUsage>)
pub(super) fn usage_for(spec: &str, asked: Option<&'static str>) -> Result<&'static str, ServiceError> {
    let allowed = usages(spec);
    match asked {
        None if spec == "SYMMETRIC_DEFAULT" => Ok("ENCRYPT_DECRYPT"),
        None => {
            let but = "all KMS keys except for symmetric encryption keys";
            Err(validation(format!("You must specify a KeyUsage value for {but}.")))
        }
        Some(usage) if allowed.contains(&usage) => Ok(usage),
        Some(usage) => Err(validation(format!("KeyUsage {usage} is not compatible with KeySpec {spec}"))),
    }
}

/// The member of KeyMetadata that names the key's algorithms, and the algorithms
pub(super) fn algorithms(spec: &str, usage: &str) -> (&'static str, Vec<String>) {
    match usage {
        "ENCRYPT_DECRYPT" => ("EncryptionAlgorithms", encryption(spec)),
        "SIGN_VERIFY" => ("SigningAlgorithms", signing(spec)),
        "GENERATE_VERIFY_MAC" => ("MacAlgorithms", vec![spec.replace("HMAC_", "HMAC_SHA_")]),
        "KEY_AGREEMENT" => ("KeyAgreementAlgorithms", vec!["ECDH".to_owned()]),
        _ => ("EncapsulationAlgorithms", vec![spec.to_owned()]),
    }
}

fn encryption(spec: &str) -> Vec<String> {
    let names: &[&str] = match spec {
        "SYMMETRIC_DEFAULT" => &["SYMMETRIC_DEFAULT"],
        "SM2" => &["SM2PKE"],
        _ => &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn signing(spec: &str) -> Vec<String> {
    let names: &[&str] = match spec {
        "ECC_NIST_P256" | "ECC_SECG_P256K1" => &["ECDSA_SHA_256"],
        "ECC_NIST_P384" => &["ECDSA_SHA_384"],
        "ECC_NIST_P521" => &["ECDSA_SHA_512"],
        "ECC_NIST_EDWARDS25519" => &["ED25519_PH_SHA_512", "ED25519_SHA_512"],
        "SM2" => &["SM2DSA"],
        spec if spec.starts_with("ML_DSA_") => &["ML_DSA_SHAKE_256"],
        _ => &[
            "RSASSA_PKCS1_V1_5_SHA_256",
            "RSASSA_PKCS1_V1_5_SHA_384",
            "RSASSA_PKCS1_V1_5_SHA_512",
            "RSASSA_PSS_SHA_256",
            "RSASSA_PSS_SHA_384",
            "RSASSA_PSS_SHA_512",
        ],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spec_allows_a_usage_and_names_algorithms_for_each() {
        for spec in SPECS {
            assert!(!usages(spec).is_empty(), "{spec}");
            for usage in USAGES {
                let allowed = usages(spec).contains(&usage);
                assert_eq!(usage_for(spec, Some(usage)).is_ok(), allowed, "{spec} {usage}");
                assert!(!allowed || !algorithms(spec, usage).1.is_empty(), "{spec} {usage}");
            }
        }
    }

    #[test]
    fn only_a_symmetric_key_may_leave_its_usage_out() {
        for spec in SPECS {
            assert_eq!(usage_for(spec, None).is_ok(), spec == "SYMMETRIC_DEFAULT", "{spec}");
        }
    }
}
