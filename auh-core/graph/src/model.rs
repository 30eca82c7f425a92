//! A stated model of a build: how long tasks take and how large work folders become where nothing
//! was measured. Made to be plausible and the same everywhere, not to be right about one recipe.
//!
//! Each recipe has a *size*, from 1 to 256: sizes from 2^k to 2^(k+1) are half as frequent as those
//! from 2^(k-1) to 2^k, so few recipes make most of the work (a Pareto distribution with exponent
//! 1, cut off), as it is with software. The size follows from a hash of the recipe's name and the
//! seed; the name is the id without the folders, so that it does not matter where layers are.
//!
//! | what | value |
//! |---|---|
//! | work folder of a recipe with `do_unpack` | 20 MB x size |
//! | work folder of a recipe with `do_rootfs` | 2 GB |
//! | work folder of any other recipe | 1 MB |
//! | a task that grows with its recipe (compile) | its seconds x size |
//! | other tasks with an entry in the table `SECONDS` | their seconds x the root of the size |
//! | tasks without an entry | 0.3 s |
//!
//! Each duration then varies by up to a quarter in both directions, by a hash of recipe, task and
//! seed. All arithmetic is in whole numbers.

use crate::task_graph::TaskGraph;

/// The seed where nobody gave one.
pub const DEFAULT_SEED: u64 = 1;

const MEGABYTE: u64 = 1_000_000;
/// Sizes are kept in units of 1/1024.
const ONE: u64 = 1024;

/// Task names, their milliseconds for a recipe of size 1, and whether they grow with the size
/// itself rather than with its root. A name that ends in `_` stands for all that begin so.
const SECONDS: &[(&str, u64, bool)] = &[
    ("do_fetch", 2000, false),
    ("do_unpack", 700, false),
    ("do_patch", 300, false),
    ("do_configure", 6000, false),
    ("do_compile", 4000, true),
    ("do_compile_", 1500, true),
    ("do_install", 1500, false),
    ("do_install_", 500, false),
    ("do_package", 2500, false),
    ("do_package_qa", 800, false),
    ("do_package_write_", 2000, false),
    ("do_packagedata", 300, false),
    ("do_populate_sysroot", 600, false),
    ("do_prepare_recipe_sysroot", 800, false),
    ("do_create_spdx", 1500, false),
    ("do_create_package_spdx", 600, false),
    ("do_rm_work", 500, false),
    ("do_rootfs", 90_000, false),
    ("do_image", 15_000, false),
    ("do_image_", 15_000, false),
];

/// The graph with a modelled duration for each task that has none.
#[must_use]
pub fn with_durations(graph: TaskGraph, seed: u64) -> TaskGraph {
    let sizes = sizes(&graph, seed);
    let kinds: Vec<(u64, bool)> = graph.task_names().iter().map(kind).collect();
    graph.with_durations(|graph, task| {
        graph.duration(task).or_else(|| {
            let size = sizes[graph.recipe_of(task) as usize];
            let kind = kinds[graph.task_name_of(task) as usize];
            let hash = hash(graph.task_name(task).as_bytes(), size.hash);
            Some(duration(kind, size.value, hash))
        })
    })
}

/// The graph with a modelled size for each recipe, at the task that begins its work folder, unless
/// the bytes of some of its tasks are known.
#[must_use]
pub fn with_work_bytes(graph: TaskGraph, seed: u64) -> TaskGraph {
    let mut known = vec![false; graph.recipes().len()];
    let mut rootfs = known.clone();
    let mut unpack = known.clone();
    for task in graph.tasks() {
        let recipe = graph.recipe_of(task) as usize;
        known[recipe] |= graph.work_bytes(task).is_some();
        rootfs[recipe] |= graph.task_name(task) == "do_rootfs";
        unpack[recipe] |= graph.task_name(task) == "do_unpack";
    }
    let sizes = sizes(&graph, seed);
    let modelled = graph.clone().with_work_folders(|_, recipe| {
        let recipe = recipe as usize;
        Some(match (rootfs[recipe], unpack[recipe]) {
            (true, _) => 2000 * MEGABYTE,
            (_, true) => 20 * MEGABYTE * sizes[recipe].value / ONE,
            _ => MEGABYTE,
        })
    });
    graph.with_work_bytes(|graph, task| {
        if known[graph.recipe_of(task) as usize] {
            graph.work_bytes(task)
        } else {
            modelled.work_bytes(task)
        }
    })
}

#[derive(Clone, Copy)]
struct Size {
    /// In units of 1/1024.
    value: u64,
    hash: u64,
}

fn sizes(graph: &TaskGraph, seed: u64) -> Vec<Size> {
    let size = |recipe| {
        let hash = hash(name(recipe).as_bytes(), seed);
        Size {
            value: (ONE + hash % ONE) << hash.leading_zeros().min(7),
            hash,
        }
    };
    graph.recipes().iter().map(size).collect()
}

/// What is behind the last `/`, and a variant such as `virtual:native:` before the first one.
fn name(recipe: &str) -> String {
    match (recipe.find('/'), recipe.rfind('/')) {
        (Some(first), Some(last)) => format!("{}{}", &recipe[..first], &recipe[last + 1..]),
        _ => recipe.to_owned(),
    }
}

/// The longest entry that fits.
fn kind(task_name: &str) -> (u64, bool) {
    let fits = |entry: &str| match entry.strip_suffix('_') {
        Some(_) => task_name.starts_with(entry),
        None => task_name == entry,
    };
    SECONDS
        .iter()
        .filter(|(entry, ..)| fits(entry))
        .max_by_key(|(entry, ..)| entry.len())
        .map_or((300, false), |&(_, milliseconds, grows)| {
            (milliseconds, grows)
        })
}

fn duration((milliseconds, grows): (u64, bool), size: u64, hash: u64) -> u64 {
    let factor = if grows { size } else { (size * ONE).isqrt() };
    let varied = milliseconds * 1000 * (768 + (hash >> 20) % 513) / 1024;
    varied * factor / ONE
}

/// FNV-1a with the finish of SplitMix64: spread well enough, and the same on every machine.
fn hash(bytes: &[u8], seed: u64) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for &byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TaskGraphBuilder, WorkFolders};

    fn graph(folder: &str) -> TaskGraph {
        let mut builder = TaskGraphBuilder::new();
        for recipe in 0..2000 {
            for name in ["do_unpack", "do_compile", "do_compile_ptest_base"] {
                let id = format!("virtual:native:{folder}/r{recipe}_1.0.bb:{name}");
                builder.task(&id).expect("a new task");
            }
        }
        builder.build().expect("no loop")
    }

    fn modelled(folder: &str, seed: u64) -> TaskGraph {
        with_work_bytes(with_durations(graph(folder), seed), seed)
    }

    #[test]
    fn the_model_knows_no_folders_and_depends_on_the_seed() {
        let (here, there) = (modelled("/a/b", 1), modelled("/c", 1));
        assert_eq!(here.durations(), there.durations());
        assert_eq!(here.work_sizes(), there.work_sizes());
        assert_ne!(here.durations(), modelled("/c", 2).durations());
        let first = (here.durations()[..3].to_vec(), here.work_sizes()[0]);
        assert_eq!(first, (FIRST.0.to_vec(), FIRST.1), "the model has changed");
    }

    /// What the model says of `r0` with seed 1.
    const FIRST: ([u64; 3], u64) = ([940_448, 7_974_243, 3_327_869], 38_085_937);

    #[test]
    fn each_octave_of_sizes_is_half_as_frequent_as_the_one_before() {
        let folders = WorkFolders::of(&modelled("/a", 1));
        let above = |size: u64| {
            let large = |&recipe: &u32| folders.bytes(recipe) >= size * 20 * MEGABYTE;
            (0..2000).filter(large).count()
        };
        assert_eq!(above(1), 2000);
        assert!((900..1100).contains(&above(2)), "{}", above(2));
        assert!((200..300).contains(&above(8)), "{}", above(8));
        assert_eq!(above(256), 0);
    }

    #[test]
    fn what_is_known_is_kept() {
        let graph = graph("/a");
        let graph = graph.with_durations(|_, task| (task == 1).then_some(5));
        let graph = graph.with_work_bytes(|_, task| (task == 2).then_some(9));
        let graph = with_work_bytes(with_durations(graph, 1), 1);
        assert_eq!(graph.duration(1), Some(5));
        assert_eq!((graph.work_bytes(0), graph.work_bytes(2)), (None, Some(9)));
    }

    #[test]
    fn the_longest_entry_counts() {
        assert_eq!(kind("do_package_write_ipk"), (2000, false));
        assert_eq!(kind("do_package"), (2500, false));
        assert_eq!(kind("do_compile_kernelmodules"), (1500, true));
        assert_eq!(kind("do_deploy"), (300, false));
    }
}
