//! The settings of a node. Every one that is there must be understood by the operator.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::super::proto::{AttributeProto, AttributeType};

/// Attributes of a node, and which of them have been looked at.
pub(super) struct Attributes<'a> {
    all: &'a [AttributeProto],
    used: RefCell<BTreeSet<&'a str>>,
}

impl<'a> Attributes<'a> {
    pub fn new(all: &'a [AttributeProto]) -> Self {
        Self { all, used: RefCell::default() }
    }

    pub fn integer(&self, name: &str) -> Result<i64, String> {
        self.find(name, AttributeType::Int)?.i.ok_or_else(|| empty(name))
    }

    pub fn float(&self, name: &str) -> Result<f32, String> {
        self.find(name, AttributeType::Float)?.f.ok_or_else(|| empty(name))
    }

    pub fn integers(&self, name: &str) -> Result<&'a [i64], String> {
        Ok(&self.find(name, AttributeType::Ints)?.ints)
    }

    /// A list of `D` sizes.
    pub fn sizes<const D: usize>(&self, name: &str) -> Result<[usize; D], String> {
        let values = self.integers(name)?.iter().map(|&value| usize::try_from(value));
        let values = values.collect::<Result<Vec<_>, _>>().map_err(|_| format!("{name} is negative"))?;
        values.try_into().map_err(|_| format!("{name} does not have {D} numbers"))
    }

    /// Fails on an attribute that the operator has not asked for.
    pub fn all_used(&self) -> Result<(), String> {
        let used = self.used.borrow();
        match self.all.iter().find(|attribute| !used.contains(attribute.name.as_str())) {
            Some(attribute) => Err(format!("attribute {} is not known", attribute.name)),
            None => Ok(()),
        }
    }

    fn find(&self, name: &str, kind: AttributeType) -> Result<&'a AttributeProto, String> {
        let found = self.all.iter().find(|attribute| attribute.name == name);
        let found = found.ok_or_else(|| format!("attribute {name} is missing"))?;
        self.used.borrow_mut().insert(&found.name);
        if found.kind() == kind { Ok(found) } else { Err(format!("attribute {name} is of another type")) }
    }
}

fn empty(name: &str) -> String {
    format!("attribute {name} has no value")
}
