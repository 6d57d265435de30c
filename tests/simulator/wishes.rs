//! A random manifest: the YAML that the program is given, and what it allows and asks for, by our own reading.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use fastrand::Rng;

use super::chance::Chance;
use super::world::{HMAC, Id, NOWHERE, SYMMETRIC, World, description};

/// Names that manifests declare and rivals change
pub const NAMES: [&str; 11] = [
    "alias/app/a",
    "alias/app/b",
    "alias/app/c",
    "alias/app/d",
    "alias/app/e",
    "alias/app/f",
    "alias/app/g",
    "alias/app/h",
    "alias/data/p",
    "alias/data/q",
    "alias/data/r",
];
/// Names inside the scope that are somebody else's
pub const IGNORED: [&str; 2] = ["alias/app/tmp/i", "alias/app/tmp/j"];
/// Names outside every scope
pub const FOREIGN: [&str; 3] = ["alias/application", "alias/other/k", "alias/zoo"];

/// What is asked for one name
#[derive(Clone, Debug)]
pub enum Want {
    Key(Id),
    Follow(&'static str),
    Absent,
}

#[derive(Clone, Debug)]
pub struct Wish {
    pub want: Want,
    pub previously: Option<&'static str>,
    pub retain: bool,
    pub replace: bool,
    /// Whether the manifest names the key by what it has
    pub select: bool,
}

/// A manifest
#[derive(Clone, Debug)]
pub struct Wishes {
    pub prefix: &'static str,
    pub ignore: bool,
    pub prune: bool,
    /// Names that may not be deleted
    pub undeletable: BTreeSet<&'static str>,
    /// Names that may not be moved
    pub unmovable: BTreeSet<&'static str>,
    pub rates: [u32; 3],
    /// `max_delete` and `max_update`
    guard: &'static str,
    selects: bool,
    pub wishes: BTreeMap<String, Wish>,
}

/// Those of the program's three writes, in the order of `rates`
pub const WRITES: [&str; 3] = ["CreateAlias", "UpdateAlias", "DeleteAlias"];
/// The service's default quotas (<https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>)
pub const QUOTAS: [u32; 3] = [5, 5, 15];

impl Wishes {
    /// A manifest about names under `prefix`
    pub fn random(random: &mut Rng, prefix: &'static str) -> Self {
        let rates = if random.happens(0.8) {
            QUOTAS
        } else {
            [random.u32(1..6), random.u32(1..6), random.u32(1..16)]
        };
        let mut wishes = Self {
            prefix,
            ignore: random.happens(0.5),
            prune: random.happens(0.4),
            undeletable: BTreeSet::new(),
            unmovable: BTreeSet::new(),
            rates,
            guard: if random.happens(0.95) { "100%" } else { "30%" },
            selects: random.happens(0.2),
            wishes: BTreeMap::new(),
        };
        let keen = 0.3 + random.f64() * 0.6;
        let ours: Vec<_> = NAMES.into_iter().filter(|name| name.starts_with(prefix)).collect();
        for name in &ours {
            if random.happens(keen) {
                wishes.wish(random, name);
            }
        }
        if wishes.wishes.is_empty() {
            wishes.wish(random, ours[0]);
        }
        wishes.follow(random);
        wishes.rename(random, &ours);
        if random.happens(0.15) {
            wishes.crowd(random);
        }
        if random.happens(0.2) {
            wishes.undeletable.insert(random.one(&ours));
            wishes.unmovable.insert(random.one(&ours));
        }
        wishes
    }

    fn wish(&mut self, random: &mut Rng, name: &str) {
        let want = match random.u32(..20) {
            0..3 => Want::Absent,
            3 => Want::Key(NOWHERE),
            4..6 => Want::Key(HMAC),
            _ => Want::Key(random.one(&SYMMETRIC)),
        };
        let select = self.selects && random.happens(0.5);
        let wish = Wish { want, previously: None, retain: false, replace: random.happens(0.5), select };
        self.wishes.insert(name.to_owned(), wish);
    }

    /// Lets a name follow a declared one, or one that is somebody else's
    fn follow(&mut self, random: &mut Rng) {
        let keyed = |(name, wish): (&String, &Wish)| {
            matches!(wish.want, Want::Key(_))
                .then(|| NAMES.into_iter().find(|known| *known == name))
                .flatten()
        };
        let keyed: Vec<&'static str> = self.wishes.iter().filter_map(keyed).collect();
        if let [first, .., last] = keyed[..] {
            let followed = if random.happens(0.7) { first } else { FOREIGN[1] };
            if let Some(wish) = self.wishes.get_mut(last).filter(|_| random.happens(0.3)) {
                wish.want = Want::Follow(followed);
            }
        }
    }

    fn rename(&mut self, random: &mut Rng, ours: &[&'static str]) {
        let free = ours.iter().filter(|name| !self.wishes.contains_key(**name));
        let free: Vec<&'static str> = free.copied().collect();
        let mut free = free.into_iter();
        for wish in self.wishes.values_mut().filter(|wish| !matches!(wish.want, Want::Absent)) {
            if random.happens(0.25) {
                wish.previously = free.next();
                wish.retain = wish.previously.is_some() && random.happens(0.2);
            }
        }
    }

    /// So many names that the rates matter
    fn crowd(&mut self, random: &mut Rng) {
        for number in 0..random.usize(6..24) {
            self.wish(random, &format!("{}m{number:02}", self.prefix));
        }
    }

    pub fn yaml(&self) -> String {
        let ([create, update, delete], guard) = (self.rates, self.guard);
        let mut text = format!(
            "version: 1\nscope: [{}]\nprune: {}\nrates: {{create: {create}, update: {update}, delete: {delete}}}\n\
             guards: {{max_delete: {guard}, max_update: {guard}, min_existing: 0}}\n",
            self.prefix, self.prune
        );
        if self.ignore {
            text += "ignore: [\"alias/app/tmp/**\"]\n";
        }
        if !self.undeletable.is_empty() || !self.unmovable.is_empty() {
            text += "protect:\n";
        }
        for (harm, names) in [("delete", &self.undeletable), ("retarget", &self.unmovable)] {
            for name in names {
                let _ = writeln!(text, "  - {{match: \"{name}\", from: [{harm}]}}");
            }
        }
        text += "aliases:\n";
        for (name, wish) in &self.wishes {
            let _ = writeln!(text, "  {name}: {}", wish.yaml());
        }
        text
    }

    pub fn owns(&self, name: &str) -> bool {
        name.starts_with(self.prefix) && !(self.ignore && name.starts_with("alias/app/tmp/"))
    }

    /// Whether the manifest, whatever is live, could ever ask for this name's deletion
    pub fn may_delete(&self, name: &str) -> bool {
        let previous = self.wishes.values().any(|wish| wish.previously == Some(name) && !wish.retain);
        match self.wishes.get(name) {
            Some(wish) => matches!(wish.want, Want::Absent) || wish.replace,
            None => self.prune || previous,
        }
    }

    /// The key that a declared name should be on in the end
    pub fn end(&self, name: &str, world: &World) -> Option<Id> {
        match self.wishes.get(name).map(|wish| &wish.want) {
            Some(Want::Key(id)) => Some(id),
            Some(Want::Follow(other)) => self.end(other, world).or_else(|| world.now(other)),
            Some(Want::Absent) | None => None,
        }
    }
}

impl Wish {
    fn yaml(&self) -> String {
        let key = match &self.want {
            Want::Absent => return "absent".to_owned(),
            Want::Key(key) if self.select => format!("{{description: {}}}", description(key)),
            Want::Key(key) => (*key).to_owned(),
            Want::Follow(name) => (*name).to_owned(),
        };
        let mut text = format!("{{key: {key}");
        if let Some(previously) = self.previously {
            let _ = write!(text, ", previously: [{previously}]");
        }
        for (flag, word) in [(self.retain, "retain_previous"), (self.replace, "replace")] {
            if flag {
                let _ = write!(text, ", {word}: true");
            }
        }
        text + "}"
    }
}
