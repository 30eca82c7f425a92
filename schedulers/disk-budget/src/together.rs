//! Says which recipes do not fit into a budget.

use crate::TooSmall;
use crate::folders::Folders;
use crate::needs::Needs;
use crate::plan::Plan;
use auh_graph::Names;
use std::cmp::Reverse;

/// What is wrong with a budget below the plan's peak.
pub(crate) fn too_small(
    recipes: &Names,
    folders: &Folders,
    needs: Option<&Needs>,
    plan: &Plan,
    budget: u64,
) -> TooSmall {
    let name = |&folder: &u32| recipes.get(folders.recipe(folder)).to_owned();
    let bytes = |of: &[u32]| of.iter().map(|&folder| folders.bytes(folder)).sum();
    let bound = inevitable(folders, needs);
    let at_once: u64 = bytes(&bound);
    if at_once > budget {
        return TooSmall::Impossible {
            recipe: bound.first().map(name).unwrap_or_default(),
            with: bound.iter().skip(1).map(name).collect(),
            kept: bound.iter().filter(|&&f| !folders.removable(f)).count(),
            bytes: at_once,
            budget,
        };
    }
    let present = at_peak(folders, plan);
    TooSmall::NoWayFound {
        recipe: present.first().map(name).unwrap_or_default(),
        with: present.iter().skip(1).map(name).collect(),
        bytes: bytes(&present),
        bound: at_once,
        budget,
    }
}

/// Folders that are there at one time whatever the order, largest first. The heaviest such set is
/// hard to find; this takes, for each folder, the largest others that fit to all taken so far.
fn inevitable(folders: &Folders, needs: Option<&Needs>) -> Vec<u32> {
    let mut by_size: Vec<u32> = (0..folders.len() as u32).collect();
    by_size.sort_by_key(|&folder| Reverse(folders.bytes(folder)));
    let together = |a: u32, b: u32| {
        let kept = !folders.removable(a) && !folders.removable(b);
        kept || needs.is_some_and(|needs| needs.need_each_other(a, b))
    };
    let around = |&first: &u32| {
        let mut set = vec![first];
        for &other in by_size.iter().filter(|&&other| other != first) {
            if set.iter().all(|&member| together(member, other)) {
                set.push(other);
            }
        }
        set
    };
    let mut heaviest = by_size
        .iter()
        .map(around)
        .max_by_key(|set| set.iter().map(|&f| folders.bytes(f)).sum::<u64>())
        .unwrap_or_default();
    heaviest.sort_by_key(|&folder| Reverse(folders.bytes(folder)));
    heaviest
}

/// The folders that the plan has at its peak, the one that was begun then first, others by size.
fn at_peak(folders: &Folders, plan: &Plan) -> Vec<u32> {
    let places = 0..plan.used.len() as u32;
    let Some(peak) = places.max_by_key(|&place| (plan.used[place as usize], Reverse(place))) else {
        return Vec::new();
    };
    let present =
        |&folder: &u32| plan.places[folder as usize] <= peak && peak <= plan.until[folder as usize];
    let mut found: Vec<u32> = (0..folders.len() as u32).filter(present).collect();
    let newest = plan.sequence[peak as usize];
    found.sort_by_key(|&folder| (folder != newest, Reverse(folders.bytes(folder))));
    found
}
