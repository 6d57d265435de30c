//! A key reference that names another alias -> the declared aliases it goes through, and what it comes to. Pure.

use std::iter::successors;

use super::{Declared, Target};
use crate::alias::{AliasName, KeyRef};

/// What a key reference comes to by what is declared
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reached<'t> {
    /// A key, by id, by ARN or by what selects it; an alias only where names follow one another in a circle, which the loader refuses
    Key(&'t KeyRef),
    /// This alias, which is declared absent
    Absent(&'t AliasName),
    /// This alias, which nothing declares
    Undeclared(&'t AliasName),
}

impl Target {
    /// The aliases that `first` goes through, in order, each with its declaration; only the last can be without one
    pub fn chain<'t>(
        &'t self,
        first: &'t KeyRef,
    ) -> impl Iterator<Item = (&'t AliasName, Option<&'t Declared>)> {
        let link = |key: &'t KeyRef| match key {
            KeyRef::Alias(name) => Some((name, self.aliases.get(name))),
            KeyRef::Id(_) | KeyRef::Arn(_) | KeyRef::Select(_) => None,
        };
        let next = move |(_, declared): &(_, Option<&'t Declared>)| link(declared.as_ref()?.want.key()?);
        // Nobody follows more names than there are, but in a circle.
        successors(link(first), next).take(self.aliases.len() + 1)
    }

    /// What `first` comes to
    pub fn reach<'t>(&'t self, first: &'t KeyRef) -> Reached<'t> {
        match self.chain(first).last() {
            None => Reached::Key(first),
            Some((name, None)) => Reached::Undeclared(name),
            Some((name, Some(declared))) => declared.want.key().map_or(Reached::Absent(name), Reached::Key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Input, load};
    use crate::target::{Want, targets};

    fn target(aliases: &str) -> Target {
        let text = format!("version: 1\nscope: [alias/]\naliases:\n{aliases}");
        targets(&load(&[Input::Stdin(text.into_bytes())]).unwrap()).remove(0)
    }

    fn alias(name: &str) -> KeyRef {
        KeyRef::Alias(AliasName::parse(name).unwrap())
    }

    #[test]
    fn a_reference_is_followed_to_a_key_an_absent_alias_or_one_that_nothing_declares() {
        let target = target(
            "  alias/a: alias/b\n  alias/b: 1234abcd-12ab-34cd-56ef-1234567890ab\n  alias/c: alias/live\n  alias/gone: {absent: true}\n",
        );
        let (a, c, gone) = (alias("alias/a"), alias("alias/c"), alias("alias/gone"));
        let names: Vec<_> = target.chain(&a).map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["alias/a", "alias/b"]);
        let Reached::Key(key @ KeyRef::Id(id)) = target.reach(&a) else { panic!("{:?}", target.reach(&a)) };
        assert_eq!(id.short(), "1234abcd");
        assert_eq!((target.chain(key).count(), target.reach(key)), (0, Reached::Key(key)));
        assert!(matches!(target.reach(&c), Reached::Undeclared(name) if name.as_str() == "alias/live"));
        assert!(matches!(target.reach(&gone), Reached::Absent(name) if name.as_str() == "alias/gone"));
    }

    #[test]
    fn a_circle_ends_as_well() {
        let mut target = target("  alias/a: 1234abcd-12ab-34cd-56ef-1234567890ab\n");
        let a = alias("alias/a");
        target.aliases.values_mut().for_each(|declared| declared.want = Want::Key(a.clone()));
        assert_eq!((target.chain(&a).count(), target.reach(&a)), (2, Reached::Key(&a)));
    }
}
