//! Who is born where: each use of a block, each parameter, by the place in the text that makes it, not by its name.
//!
//! A net is unfolded several times (in each mode, in each training, in tests), and definitions are unfolded in the
//! order in which data flow. So a use is known by its parent and its site; names are given at the end, when all are
//! known: `conv` if alone among the block's uses in its parent, else `conv_1`, `conv_2`, ... in text order, the turns of
//! a repeat one after another.
//!
//! **Invariants**: parents come before children; one (parent, site, label) is one birth.

use crate::ids::{Arena, Id, Symbol};
use indexmap::IndexMap;
use smallvec::SmallVec;

/// Where in its parent's text a use stands: byte offsets, and the turn behind each repeat's offset. In text order.
pub type Site = SmallVec<[u32; 6]>;

/// A use of a block, a net, or a named layer.
#[derive(Clone, Debug)]
pub struct Birth {
    pub parent: Option<BirthId>,
    /// The block's name, or the name that the file gives to the layer.
    pub label: Symbol,
    /// Whether the file gave the name: then it has no number.
    pub given: bool,
    pub site: Site,
}
pub type BirthId = Id<Birth>;

/// All births of one run.
#[derive(Debug, Default)]
pub struct Births {
    all: Arena<Birth>,
    known: IndexMap<(Option<BirthId>, Site, Symbol), BirthId>,
}

impl Births {
    /// The birth of a label at a site, made when first asked for.
    pub fn at(&mut self, parent: Option<BirthId>, site: Site, label: &Symbol, given: bool) -> BirthId {
        let key = (parent, site.clone(), label.clone());
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let id = self.all.push(Birth { parent, label: label.clone(), given, site });
        self.known.insert(key, id);
        id
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// One of them.
    pub fn get(&self, id: BirthId) -> &Birth {
        &self.all[id]
    }

    /// Whether `id` is `above` or stands below it.
    pub fn is_within(&self, id: BirthId, above: BirthId) -> bool {
        let mut next = Some(id);
        while let Some(at) = next {
            if at == above {
                return true;
            }
            next = self.all[at].parent;
        }
        false
    }

    /// The name of each birth among its siblings, by id.
    pub fn names(&self) -> Vec<Symbol> {
        let mut groups: IndexMap<(Option<BirthId>, &Symbol), Vec<BirthId>> = IndexMap::new();
        for (id, birth) in self.all.iter() {
            groups.entry((birth.parent, &birth.label)).or_default().push(id);
        }
        let mut names = vec![Symbol::from(""); self.all.len()];
        for ((_, label), mut members) in groups {
            members.sort_by(|a, b| self.all[*a].site.cmp(&self.all[*b].site));
            let numbered = members.len() > 1 && !members.iter().all(|&id| self.all[id].given);
            for (i, id) in members.iter().enumerate() {
                names[id.index()] = if numbered { format!("{label}_{}", i + 1).into() } else { label.clone() };
            }
        }
        names
    }

    /// The whole path of each birth, `ResNet18.Residual_3.conv_1`, by id.
    pub fn paths(&self) -> Vec<Symbol> {
        let names = self.names();
        let mut paths: Vec<Symbol> = Vec::with_capacity(names.len());
        for (id, birth) in self.all.iter() {
            let name = &names[id.index()];
            paths.push(match birth.parent {
                Some(parent) => format!("{}.{name}", paths[parent.index()]).into(),
                None => name.clone(),
            });
        }
        paths
    }
}
