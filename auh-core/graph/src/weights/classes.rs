//! Weights as sums of named unknowns, so that equal ones are found without computing them.

use std::collections::HashMap;

use num_bigint::BigUint;

use super::END_WEIGHT;
use super::approximate::Approximate;
use crate::task_graph::{TaskGraph, TaskIndex};

/// Which class; a class's members have lower numbers than the class.
pub(super) type Class = u32;

/// The class that is worth nothing.
const NOTHING: Class = 0;

/// Offsets stay below this; what is larger becomes a class of its own. It is low enough for sums to
/// fit, and high enough for offsets to take in all that can make long numbers differ by a little.
const LARGEST_OFFSET: u128 = 1 << 120;

/// A weight: what its class is worth plus an exact offset.
///
/// A task with one dependant has the dependant's class and an offset that is one higher; whole
/// branches that are small enough go into the offset. So the same form means the same weight, and
/// tasks whose forms differ in nothing but the offset are compared by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) class: Class,
    pub(super) offset: u128,
}

/// All classes of a graph: each is worth a constant, or the sum of other classes.
#[derive(Debug)]
pub(super) struct Classes {
    constants: Vec<u128>,
    /// Where each class's members begin; one more than there are classes.
    offsets: Vec<usize>,
    members: Vec<Class>,
    approximate: Vec<Approximate>,
}

impl Classes {
    /// The form of each task's weight, and the classes these are made of.
    pub(super) fn of(graph: &TaskGraph) -> (Self, Vec<Form>) {
        let mut forming = Forming::new();
        let mut forms = vec![
            Form {
                class: NOTHING,
                offset: u128::from(END_WEIGHT),
            };
            graph.len()
        ];
        for &task in graph.dependants_first() {
            let dependants = graph.dependants().of(task);
            if !dependants.is_empty() {
                forms[task as usize] = forming.sum(dependants, &forms);
            }
        }
        (forming.classes, forms)
    }

    /// How many classes there are.
    pub(super) fn len(&self) -> usize {
        self.constants.len()
    }

    pub(super) fn approximate(&self, form: Form) -> Approximate {
        self.approximate[form.class as usize].plus(Approximate::exactly(form.offset))
    }

    /// Computes the classes one after the other and hands those in `wanted` on. A number is
    /// forgotten as soon as nothing is left to be computed from it.
    pub(super) fn evaluate(&self, wanted: &[bool], mut take: impl FnMut(Class, BigUint)) {
        let Some(last) = wanted.iter().rposition(|&wanted| wanted) else {
            return;
        };
        let mut uses = vec![0_u32; last + 1];
        for &member in &self.members[..self.offsets[last + 1]] {
            uses[member as usize] += 1;
        }
        let mut values = vec![BigUint::ZERO; last + 1];
        for class in 0..=last {
            let value = self.value(class, &mut values, &mut uses);
            if wanted[class] {
                take(class as Class, value.clone());
            }
            values[class] = value;
        }
    }

    fn value(&self, class: usize, values: &mut [BigUint], uses: &mut [u32]) -> BigUint {
        let mut sum = BigUint::from(self.constants[class]);
        for &member in self.members_of(class) {
            let member = member as usize;
            uses[member] -= 1;
            sum += &values[member];
            if uses[member] == 0 {
                values[member] = BigUint::ZERO;
            }
        }
        sum
    }

    fn members_of(&self, class: usize) -> &[Class] {
        &self.members[self.offsets[class]..self.offsets[class + 1]]
    }

    fn push(&mut self, constant: u128, members: &[Class]) -> Class {
        let approximate = members
            .iter()
            .map(|&member| self.approximate[member as usize])
            .fold(Approximate::exactly(constant), Approximate::plus);
        self.constants.push(constant);
        self.members.extend_from_slice(members);
        self.offsets.push(self.members.len());
        self.approximate.push(approximate);
        (self.constants.len() - 1) as Class
    }
}

/// Classes while they are found, with what finds equal ones.
struct Forming {
    classes: Classes,
    by_constant: HashMap<u128, Class>,
    by_members: HashMap<Box<[Class]>, Class>,
    /// Kept between calls to save allocations.
    members: Vec<Class>,
}

impl Forming {
    fn new() -> Self {
        let mut classes = Classes {
            constants: Vec::new(),
            offsets: vec![0],
            members: Vec::new(),
            approximate: Vec::new(),
        };
        classes.push(0, &[]);
        Self {
            classes,
            by_constant: HashMap::new(),
            by_members: HashMap::new(),
            members: Vec::new(),
        }
    }

    /// One plus the weights of all dependants.
    fn sum(&mut self, dependants: &[TaskIndex], forms: &[Form]) -> Form {
        self.members.clear();
        let mut offset = 1;
        for &dependant in dependants {
            let form = forms[dependant as usize];
            offset += form.offset;
            if form.class != NOTHING {
                self.members.push(form.class);
            }
            if offset >= LARGEST_OFFSET {
                let constant = self.constant(offset);
                self.members.push(constant);
                offset = 0;
            }
        }
        Form {
            class: self.class_of_members(),
            offset,
        }
    }

    fn constant(&mut self, value: u128) -> Class {
        let classes = &mut self.classes;
        *self
            .by_constant
            .entry(value)
            .or_insert_with(|| classes.push(value, &[]))
    }

    fn class_of_members(&mut self) -> Class {
        match self.members[..] {
            [] => return NOTHING,
            [only] => return only,
            _ => self.members.sort_unstable(),
        }
        if let Some(&class) = self.by_members.get(&self.members[..]) {
            return class;
        }
        let class = self.classes.push(0, &self.members);
        self.by_members
            .insert(self.members.as_slice().into(), class);
        class
    }
}
