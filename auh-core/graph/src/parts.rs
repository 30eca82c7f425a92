//! Makes a [`TaskGraph`] of slices: for a graph that is already numbered and compressed, as it
//! crosses the plugin boundary. No id is put together, nothing is looked up by name.

use std::sync::OnceLock;

use crate::builder::{GraphError, without_loops};
use crate::names::Names;
use crate::task_graph::{Adjacency, TaskGraph, TaskIndex, UNKNOWN};

/// A graph in pieces. Tasks are numbered from 0.
#[derive(Clone, Debug, Default)]
pub struct GraphParts<'a> {
    /// Task `t` waits for `dependencies[dependency_offsets[t]..dependency_offsets[t + 1]]`; one
    /// entry more than there are tasks.
    pub dependency_offsets: &'a [u32],
    /// What the tasks wait for, task after task.
    pub dependencies: &'a [TaskIndex],
    /// For each task its place in `recipes`.
    pub recipe_of: &'a [u32],
    /// For each task its place in `task_names`.
    pub task_name_of: &'a [u32],
    /// The recipes: what stands before the last `:` of the ids.
    pub recipes: Names,
    /// The task names.
    pub task_names: Names,
    /// For each task its duration in microseconds or [`UNKNOWN`]; empty when all are unknown.
    pub durations: &'a [u64],
    /// For each task its bytes in the work folder or [`UNKNOWN`]; empty when all are unknown.
    pub work_bytes: &'a [u64],
}

impl TaskGraph {
    /// Checks the parts and makes the graph. Names are taken as they are: whether ids are printable
    /// and differ was the affair of whoever numbered the tasks.
    ///
    /// # Errors
    /// When the parts do not fit one another, or tasks wait for one another.
    pub fn from_parts(parts: GraphParts<'_>) -> Result<Self, GraphError> {
        parts.check()?;
        let dependencies = Adjacency::from_compressed(parts.dependency_offsets, parts.dependencies);
        let (dependants, dependants_first) = without_loops(&dependencies, || parts.ids())?;
        let tasks = parts.recipe_of.len();
        Ok(Self {
            ids: OnceLock::new(),
            recipe_of: parts.recipe_of.to_vec(),
            task_name_of: parts.task_name_of.to_vec(),
            recipes: parts.recipes,
            recipe_names: Names::default(),
            task_names: parts.task_names,
            dependencies,
            dependants,
            dependants_first,
            durations: or_unknown(parts.durations, tasks),
            work_bytes: or_unknown(parts.work_bytes, tasks),
        })
    }
}

impl GraphParts<'_> {
    fn check(&self) -> Result<(), GraphError> {
        let tasks = self.recipe_of.len();
        let fits = |values: &[u64]| values.is_empty() || values.len() == tasks;
        let below = |indices: &[u32], count: usize| indices.iter().all(|&i| (i as usize) < count);
        let wrong = |holds: bool, what| {
            if holds {
                Ok(())
            } else {
                Err(GraphError::Misshapen(what))
            }
        };
        wrong(
            self.task_name_of.len() == tasks && self.dependency_offsets.len() == tasks + 1,
            "the lists of recipes, task names and dependencies differ in length",
        )?;
        wrong(
            fits(self.durations) && fits(self.work_bytes),
            "the durations or sizes are not one for each task",
        )?;
        wrong(
            self.dependency_offsets.is_sorted()
                && self.dependency_offsets.first() == Some(&0)
                && self.dependency_offsets.last().map(|&end| end as usize)
                    == Some(self.dependencies.len()),
            "the offsets do not part the list of dependencies",
        )?;
        wrong(
            below(self.dependencies, tasks)
                && below(self.recipe_of, self.recipes.len())
                && below(self.task_name_of, self.task_names.len()),
            "an index is of no task, recipe or task name",
        )
    }

    fn ids(&self) -> Names {
        Names::of_ids(
            &self.recipes,
            self.recipe_of,
            &self.task_names,
            self.task_name_of,
        )
    }
}

fn or_unknown(values: &[u64], tasks: usize) -> Vec<u64> {
    if values.is_empty() {
        vec![UNKNOWN; tasks]
    } else {
        values.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskGraphBuilder;

    fn parts_of(graph: &TaskGraph) -> GraphParts<'_> {
        GraphParts {
            dependency_offsets: graph.dependencies().offsets(),
            dependencies: graph.dependencies().targets(),
            recipe_of: graph.recipe_indices(),
            task_name_of: graph.task_name_indices(),
            recipes: graph.recipes().clone(),
            task_names: graph.task_names().clone(),
            durations: graph.durations(),
            work_bytes: &[],
        }
    }

    fn small() -> TaskGraph {
        let mut builder = TaskGraphBuilder::new();
        let [a, b, c] = ["mc:x:/l/a.bb:do_x", "/l/b.bb:do_x", "/l/b.bb:do_y"]
            .map(|id| builder.task(id).expect("a new task"));
        builder.depends(c, b);
        builder.depends(c, a);
        builder.duration(b, 5);
        builder.build().expect("no loop")
    }

    #[test]
    fn a_graph_in_pieces_is_the_same_graph() {
        let graph = small();
        let again = TaskGraph::from_parts(parts_of(&graph)).expect("the parts fit");
        assert_eq!(again, graph);
        assert_eq!(again.ids(), graph.ids());
        assert_eq!(again.find("/l/b.bb:do_y"), Some(2));
    }

    #[test]
    fn a_dependency_given_twice_counts_once() {
        let graph = small();
        let parts = GraphParts {
            dependency_offsets: &[0, 0, 0, 3],
            dependencies: &[1, 0, 1],
            ..parts_of(&graph)
        };
        assert_eq!(TaskGraph::from_parts(parts).expect("the parts fit"), graph);
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let graph = small();
        let refused = |parts: GraphParts<'_>| {
            let error = TaskGraph::from_parts(parts).expect_err("misshapen");
            assert!(matches!(error, GraphError::Misshapen(_)), "{error}");
        };
        let parts = || parts_of(&graph);
        refused(GraphParts {
            recipe_of: &[0, 1],
            ..parts()
        });
        refused(GraphParts {
            recipe_of: &[0, 1, 2],
            ..parts()
        });
        refused(GraphParts {
            task_name_of: &[0, 0, 2],
            ..parts()
        });
        refused(GraphParts {
            dependencies: &[1, 3],
            ..parts()
        });
        refused(GraphParts {
            dependency_offsets: &[0, 0, 0, 1],
            ..parts()
        });
        refused(GraphParts {
            dependency_offsets: &[0, 2, 0, 2],
            ..parts()
        });
        refused(GraphParts {
            dependency_offsets: &[0, 0, 0],
            ..parts()
        });
        refused(GraphParts {
            durations: &[1],
            ..parts()
        });
        refused(GraphParts::default());
    }

    #[test]
    fn a_loop_is_named() {
        let graph = small();
        let parts = GraphParts {
            dependency_offsets: &[0, 0, 1, 2],
            dependencies: &[2, 1],
            ..parts_of(&graph)
        };
        let error = TaskGraph::from_parts(parts).expect_err("a loop");
        assert!(
            error.to_string().contains("b.bb:do_y (waits for"),
            "{error}"
        );
    }
}
