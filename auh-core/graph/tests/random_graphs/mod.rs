//! Random graphs of many shapes, the same ones for the same seed.

use auh_graph::{TaskGraph, TaskGraphBuilder};

/// Tasks that most recipes have, in the order in which they run.
const USUAL: [&str; 10] = [
    "do_fetch",
    "do_unpack",
    "do_patch",
    "do_configure",
    "do_compile",
    "do_install",
    "do_package",
    "do_package_qa",
    "do_rm_work",
    "do_build",
];

/// A graph as lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct RandomGraph {
    /// The tasks' ids in run-queue order.
    pub(crate) tids: Vec<String>,
    /// For each task what it waits for.
    pub(crate) depends: Vec<Vec<u32>>,
}

impl RandomGraph {
    /// One of many shapes. `size` bounds the number of recipes; long weights need more tasks
    /// regardless of it.
    pub(crate) fn new(seed: u64, size: u64) -> Self {
        let mut random = Random(seed);
        let random = &mut random;
        match random.below(12) {
            0 => Self::recipes(random, 1),
            1 => Self::tower(random, 60, 200),
            2 => Self::tower(random, 120, 90),
            3 | 4 => Self::tangle(random, size * 4),
            _ => Self::recipes(random, size),
        }
    }

    /// As the type under test.
    pub(crate) fn task_graph(&self) -> TaskGraph {
        let mut builder = TaskGraphBuilder::new();
        for tid in &self.tids {
            builder.task(tid).expect("ids are well formed and differ");
        }
        for (task, depends) in self.depends.iter().enumerate() {
            for &dependency in depends {
                builder.depends(task as u32, dependency);
            }
        }
        builder.build().expect("there is no loop")
    }

    /// Recipes with most of the usual tasks and some of their own, as OpenEmbedded has them.
    fn recipes(random: &mut Random, most: u64) -> Self {
        let mut tasks: Vec<(String, Vec<usize>)> = Vec::new();
        let mut ends: Vec<usize> = Vec::new();
        for recipe in 0..random.below(most + 1) {
            let file = file_name(random, recipe);
            let names = task_names(random, recipe);
            let first = tasks.len();
            for name in names {
                let place = tasks.len();
                let mut depends = Vec::new();
                if place > first && random.below(8) > 0 {
                    depends.push(place - 1);
                }
                for _ in 0..random.below(3) {
                    depends.extend(random.pick(&ends));
                }
                tasks.push((format!("{file}:{name}"), depends));
            }
            ends.extend(first..tasks.len());
        }
        Self::shuffled(random, &tasks)
    }

    /// Edges anywhere.
    fn tangle(random: &mut Random, most: u64) -> Self {
        let count = random.below(most + 1) as usize;
        let most_edges = 1 + random.below(6);
        let tasks: Vec<(String, Vec<usize>)> = (0..count)
            .map(|task| {
                let recipe = random.below(1 + most / 4);
                let depends = (0..random.below(most_edges + 1))
                    .filter_map(|_| random.index(task))
                    .collect();
                (format!("/l/t{recipe}.bb:do_t{task}"), depends)
            })
            .collect();
        Self::shuffled(random, &tasks)
    }

    /// So many paths that weights outgrow machine integers, with ties and near ties among them.
    fn tower(random: &mut Random, least: u64, more: u64) -> Self {
        let count = (least + random.below(more)) as usize;
        let window = 2 + random.below(5) as usize;
        let recipes = 1 + random.below(20);
        let tasks: Vec<(String, Vec<usize>)> = (0..count)
            .map(|task| {
                let near = task.saturating_sub(window)..task;
                let mut depends: Vec<usize> = near.filter(|_| random.below(6) > 0).collect();
                depends.extend(random.index(task).filter(|_| random.below(9) == 0));
                let recipe = random.below(recipes);
                (
                    format!("mc:m{}:/l/w{recipe}.bb:do_w{task}", recipe % 2),
                    depends,
                )
            })
            .collect();
        Self::shuffled(random, &tasks)
    }

    /// The run queue's order has nothing to do with the dependencies.
    fn shuffled(random: &mut Random, tasks: &[(String, Vec<usize>)]) -> Self {
        let mut order: Vec<usize> = (0..tasks.len()).collect();
        for place in (1..order.len()).rev() {
            order.swap(place, random.below(place as u64 + 1) as usize);
        }
        if random.below(4) == 0 {
            order.sort_unstable();
        }
        let mut places = vec![0; tasks.len()];
        for (place, &task) in order.iter().enumerate() {
            places[task] = place as u32;
        }
        Self {
            tids: order.iter().map(|&task| tasks[task].0.clone()).collect(),
            depends: order
                .iter()
                .map(|&task| tasks[task].1.iter().map(|&dep| places[dep]).collect())
                .collect(),
        }
    }
}

fn file_name(random: &mut Random, recipe: u64) -> String {
    let prefix = [
        "",
        "",
        "virtual:native:",
        "mc:arm:",
        "mc:arm:virtual:nativesdk:",
    ];
    let prefix = prefix[random.below(5) as usize];
    // Now and then the same file in another variant.
    let number = recipe - recipe % (1 + random.below(2));
    format!("{prefix}/layers/recipes-{recipe}/r{number}_1.{recipe}.bb")
}

/// Usually in the usual order, without some, with others put in.
fn task_names(random: &mut Random, recipe: u64) -> Vec<String> {
    let mut names = Vec::new();
    for usual in USUAL {
        if random.below(9) == 0 {
            names.push(format!("do_own_{}", random.below(4)));
        }
        if random.below(12) == 0 {
            names.push(format!("do_only_{recipe}_{}", names.len()));
        }
        if random.below(5) > 0 {
            names.push(usual.to_owned());
        }
    }
    if random.below(6) == 0 && names.len() > 2 {
        let place = random.below(names.len() as u64 - 1) as usize;
        names.swap(place, place + 1);
    }
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// splitmix64: small, and good enough to choose shapes.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn index(&mut self, end: usize) -> Option<usize> {
        (end > 0).then(|| self.below(end as u64) as usize)
    }

    fn pick(&mut self, from: &[usize]) -> Option<usize> {
        self.index(from.len()).map(|place| from[place])
    }
}
