//! The operations that the sandbox answers, by name: what a quota or a fault can be about. Pure.

use super::{iam, organization, protocol, sts, trail};

/// All of them, sorted
pub(super) fn operations() -> Vec<&'static str> {
    let kms = protocol::RULES.iter().map(|(name, _)| *name);
    let others = [sts::OPERATIONS, organization::OPERATIONS, [iam::OPERATION, trail::OPERATION]];
    let mut all: Vec<_> = kms.chain(others.into_iter().flatten()).collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::{DEFAULT_ACCOUNT, Request, World};

    #[test]
    fn whatever_is_listed_is_answered() {
        let (mut world, input) = (World::default(), json!({}));
        let mut code = |operation: &str| {
            let request = Request { caller: DEFAULT_ACCOUNT, region: "us-east-1", operation, input: &input };
            world.call(0, &request).err().map(|error| error.code)
        };
        assert_eq!(operations().len(), 22);
        for operation in operations() {
            assert_ne!(code(operation).as_deref(), Some("UnknownOperationException"), "{operation}");
        }
        assert_eq!(code("Encrypt").as_deref(), Some("UnknownOperationException"));
    }
}
