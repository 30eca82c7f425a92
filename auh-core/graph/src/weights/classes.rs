//! Weights as sums of named unknowns, so that equal ones are found without computing them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use num_bigint::BigUint;

use super::END_WEIGHT;
use super::approximate::Approximate;
use crate::index_table::IndexTable;
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

    /// Compares what two forms are worth without computing it, by their difference: what both have
    /// cancels out, and what is left is known well enough, or is taken apart further. `None` when
    /// that takes more than `steps`, or the difference grows long.
    pub(super) fn compare(&self, a: Form, b: Form, steps: usize) -> Option<Ordering> {
        let mut difference = Difference::of(a, b);
        for _ in 0..steps {
            if let Some(ordering) = difference.sign(self) {
                return Some(ordering);
            }
            difference.take_largest_apart(self)?;
        }
        None
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
            if uses[class] > 0 {
                values[class] = value;
            }
        }
    }

    fn value(&self, class: usize, values: &mut [BigUint], uses: &mut [u32]) -> BigUint {
        let mut sum = BigUint::from(self.constants[class]);
        for &member in self.members_of(class as Class) {
            let member = member as usize;
            uses[member] -= 1;
            sum += &values[member];
            if uses[member] == 0 {
                values[member] = BigUint::ZERO;
            }
        }
        sum
    }

    fn members_of(&self, class: Class) -> &[Class] {
        let class = class as usize;
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

/// A difference of more terms will hardly cancel out.
const MOST_TERMS: u64 = 256;

/// A constant and classes, some of them taken away.
#[derive(Debug)]
struct Difference {
    constant: i128,
    /// How often each class is in it.
    times: BTreeMap<Class, i64>,
}

impl Difference {
    fn of(a: Form, b: Form) -> Self {
        let mut difference = Self {
            constant: a.offset as i128 - b.offset as i128,
            times: BTreeMap::new(),
        };
        difference.add(a.class, 1);
        difference.add(b.class, -1);
        difference
    }

    fn add(&mut self, class: Class, times: i64) {
        if class == NOTHING {
            return;
        }
        let sum = self.times.entry(class).or_insert(0);
        *sum += times;
        if *sum == 0 {
            self.times.remove(&class);
        }
    }

    /// Whether it is above, below or zero, if the approximate values tell.
    fn sign(&self, classes: &Classes) -> Option<Ordering> {
        if self.times.is_empty() {
            return Some(self.constant.cmp(&0));
        }
        let constant = Approximate::exactly(self.constant.unsigned_abs());
        let nothing = Approximate::exactly(0);
        let (mut above, mut below) = match self.constant > 0 {
            true => (constant, nothing),
            false => (nothing, constant),
        };
        for (&class, &times) in &self.times {
            let side = if times > 0 { &mut above } else { &mut below };
            for _ in 0..times.unsigned_abs() {
                *side = side.plus(classes.approximate[class as usize]);
            }
        }
        if above.low() > below.high() {
            return Some(Ordering::Greater);
        }
        (below.low() > above.high()).then_some(Ordering::Less)
    }

    /// Replaces the last class by its members, which have lower numbers.
    fn take_largest_apart(&mut self, classes: &Classes) -> Option<()> {
        let (class, times) = self.times.pop_last()?;
        let constant = i128::try_from(classes.constants[class as usize]).ok()?;
        let constant = constant.checked_mul(i128::from(times))?;
        self.constant = self.constant.checked_add(constant)?;
        for &member in classes.members_of(class) {
            self.add(member, times);
        }
        let terms: u64 = self.times.values().map(|times| times.unsigned_abs()).sum();
        (terms <= MOST_TERMS).then_some(())
    }
}

/// Classes while they are found, with what finds equal ones.
struct Forming {
    classes: Classes,
    by_constant: HashMap<u128, Class>,
    by_members: IndexTable,
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
            by_members: IndexTable::new(),
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
        let new = self.classes.len() as Class;
        let hash = self.by_members.hash_of(&self.members);
        let same = |class| self.classes.members_of(class) == self.members;
        let class = self.by_members.find_or_insert(hash, new, same);
        if class == new {
            self.classes.push(0, &self.members);
        }
        class
    }
}
