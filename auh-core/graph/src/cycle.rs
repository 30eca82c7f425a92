//! Names the loops in a graph that has some.

use std::fmt;

use crate::names::Names;
use crate::task_graph::{Adjacency, TaskIndex};

/// More loops than this are not listed: they tend to be one mistake seen many times.
const MOST_LOOPS: usize = 10;

/// Tasks that wait for one another, so that none of them can ever start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loops {
    /// How many tasks can never run: those in loops and those that loops keep from running.
    pub unbuildable: usize,
    /// The first loops that were found, ten at most. Each begins with the task whose id sorts
    /// first, and each task waits for the one before it (the first for the last).
    pub loops: Vec<Vec<LoopTask>>,
    /// Whether there are more loops than are listed.
    pub more: bool,
}

/// One task of a loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopTask {
    /// Its full id.
    pub id: String,
    /// Everything it waits for, as ids without the folders.
    pub waits_for: Vec<String>,
}

impl fmt::Display for Loops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.unbuildable == 1 {
            "task"
        } else {
            "tasks"
        };
        let count = self.unbuildable;
        write!(
            f,
            "{count} {noun} can never run because of circular dependencies"
        )?;
        for (number, tasks) in self.loops.iter().enumerate() {
            write!(f, "\ndependency loop #{}:", number + 1)?;
            for task in tasks {
                write!(
                    f,
                    "\n  {} (waits for {})",
                    task.id,
                    task.waits_for.join(", ")
                )?;
            }
        }
        match self.more {
            true => write!(f, "\nonly the first {MOST_LOOPS} loops are listed"),
            false => Ok(()),
        }
    }
}

/// Lists loops. `buildable` are the tasks that no loop keeps from being ordered.
pub(crate) fn find_loops(
    ids: &Names,
    dependencies: &Adjacency,
    dependants: &Adjacency,
    buildable: &[TaskIndex],
) -> Loops {
    let mut search = Search::new(ids.len(), buildable);
    for root in 0..ids.len() as TaskIndex {
        search.from(root, dependants);
    }
    let describe = |chain: &Vec<TaskIndex>| {
        starting_with_the_lowest(chain, ids)
            .map(|task| describe_task(task, ids, dependencies))
            .collect()
    };
    Loops {
        unbuildable: ids.len() - buildable.len(),
        loops: search
            .chains
            .iter()
            .take(MOST_LOOPS)
            .map(describe)
            .collect(),
        more: search.chains.len() > MOST_LOOPS,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unseen,
    OnPath,
    Done,
}

/// A depth-first walk over the dependants: each edge back onto the walk's own path closes a loop.
/// It visits every edge once, so it misses loops that differ only in where they join others.
struct Search {
    states: Vec<State>,
    path: Vec<(TaskIndex, usize)>,
    chains: Vec<Vec<TaskIndex>>,
}

impl Search {
    fn new(tasks: usize, buildable: &[TaskIndex]) -> Self {
        let mut states = vec![State::Unseen; tasks];
        for &task in buildable {
            states[task as usize] = State::Done;
        }
        Self {
            states,
            path: Vec::new(),
            chains: Vec::new(),
        }
    }

    fn from(&mut self, root: TaskIndex, dependants: &Adjacency) {
        self.visit(root);
        while self.chains.len() <= MOST_LOOPS {
            let Some((task, next)) = self.path.last_mut() else {
                return;
            };
            let Some(&dependant) = dependants.of(*task).get(*next) else {
                self.states[*task as usize] = State::Done;
                self.path.pop();
                continue;
            };
            *next += 1;
            self.visit(dependant);
        }
    }

    fn visit(&mut self, task: TaskIndex) {
        match self.states[task as usize] {
            State::Unseen => {
                self.states[task as usize] = State::OnPath;
                self.path.push((task, 0));
            }
            State::OnPath => {
                let path = self.path.iter().map(|&(task, _)| task);
                self.chains.push(path.skip_while(|&t| t != task).collect());
            }
            State::Done => {}
        }
    }
}

fn starting_with_the_lowest<'a>(
    chain: &'a [TaskIndex],
    ids: &Names,
) -> impl Iterator<Item = TaskIndex> + use<'a> {
    let lowest = (0..chain.len())
        .min_by_key(|&place| ids.get(chain[place]))
        .unwrap_or(0);
    chain[lowest..].iter().chain(&chain[..lowest]).copied()
}

fn describe_task(task: TaskIndex, ids: &Names, dependencies: &Adjacency) -> LoopTask {
    let short = |&task: &TaskIndex| {
        let id = ids.get(task);
        id.rsplit_once('/').map_or(id, |(_, name)| name).to_owned()
    };
    LoopTask {
        id: ids.get(task).to_owned(),
        waits_for: dependencies.of(task).iter().map(short).collect(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{GraphError, TaskGraphBuilder};

    /// The message for tasks `/l/N_1.0.bb:do_x` with these dependencies.
    fn message(tasks: u32, edges: &[(u32, u32)]) -> String {
        let mut builder = TaskGraphBuilder::new();
        for task in 0..tasks {
            builder
                .task(&format!("/l/{task}_1.0.bb:do_x"))
                .expect("a new task");
        }
        for &(task, dependency) in edges {
            builder.depends(task, dependency);
        }
        match builder.build().expect_err("a loop") {
            GraphError::Cycle(loops) => loops.to_string(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_loop_begins_with_its_lowest_id_and_names_what_each_waits_for() {
        let text = message(5, &[(3, 2), (2, 1), (1, 3), (1, 0), (4, 3), (0, 4)]);
        assert_eq!(
            text,
            "5 tasks can never run because of circular dependencies
dependency loop #1:
  /l/1_1.0.bb:do_x (waits for 3_1.0.bb:do_x, 0_1.0.bb:do_x)
  /l/2_1.0.bb:do_x (waits for 1_1.0.bb:do_x)
  /l/3_1.0.bb:do_x (waits for 2_1.0.bb:do_x)
dependency loop #2:
  /l/0_1.0.bb:do_x (waits for 4_1.0.bb:do_x)
  /l/1_1.0.bb:do_x (waits for 3_1.0.bb:do_x, 0_1.0.bb:do_x)
  /l/2_1.0.bb:do_x (waits for 1_1.0.bb:do_x)
  /l/3_1.0.bb:do_x (waits for 2_1.0.bb:do_x)
  /l/4_1.0.bb:do_x (waits for 3_1.0.bb:do_x)"
        );
    }

    #[test]
    fn a_task_that_waits_for_itself_is_a_loop() {
        assert_eq!(
            message(2, &[(0, 0), (1, 0)]),
            "1 task can never run because of circular dependencies\n\
             dependency loop #1:\n  /l/0_1.0.bb:do_x (waits for 0_1.0.bb:do_x)"
        );
    }

    #[test]
    fn ten_loops_are_enough() {
        let edges: Vec<(u32, u32)> = (0..40).map(|task| (task, task ^ 1)).collect();
        let text = message(40, &edges);
        assert!(text.starts_with("40 tasks can never run"), "{text}");
        assert_eq!(text.matches("dependency loop #").count(), 10);
        assert!(
            text.ends_with("\nonly the first 10 loops are listed"),
            "{text}"
        );
    }

    /// A walk that called itself would run out of stack.
    #[test]
    fn a_long_loop_is_found() {
        let edges: Vec<(u32, u32)> = (0..200_000).map(|t| (t, (t + 1) % 200_000)).collect();
        assert_eq!(message(200_000, &edges).lines().count(), 200_002);
    }
}
