//! BitBake's run queue as it comes through the C interface, and the task graph that it is.

use auh_graph::{TaskGraph, TaskGraphBuilder, UNKNOWN};

/// A run queue as flat arrays, see `auh_bitbake_order`.
pub(crate) struct RunQueue<'a> {
    /// The tasks' ids, each with a NUL behind it.
    pub tids: &'a [u8],
    /// Where each task's dependencies begin; one entry more than there are tasks.
    pub offsets: &'a [u32],
    /// Task numbers.
    pub dependencies: &'a [u32],
    /// Microseconds for each task.
    pub durations: Option<&'a [u64]>,
    /// For each task the bytes of its recipe's work folder.
    pub folder_bytes: Option<&'a [u64]>,
}

impl RunQueue<'_> {
    /// The task graph; numbers stay as they are.
    pub(crate) fn graph(&self) -> Result<TaskGraph, String> {
        let mut builder = TaskGraphBuilder::new();
        for tid in self.ids()? {
            builder.task(tid).map_err(|error| error.to_string())?;
        }
        if builder.len() + 1 != self.offsets.len() {
            return Err(format!(
                "there are {} task ids and {} lists of dependencies",
                builder.len(),
                self.offsets.len().saturating_sub(1)
            ));
        }
        for (task, range) in (0..).zip(self.offsets.windows(2)) {
            let list = self
                .dependencies
                .get(range[0] as usize..range[1] as usize)
                .ok_or("the offsets of the dependencies do not ascend")?;
            for &dependency in list {
                builder.depends(task, dependency);
            }
        }
        for (task, &duration) in (0..).zip(self.durations.unwrap_or_default()) {
            builder.duration(task, duration);
        }
        let graph = builder.build().map_err(|error| error.to_string())?;
        Ok(match self.folder_bytes {
            Some(bytes) => with_folders(graph, bytes),
            None => graph,
        })
    }

    fn ids(&self) -> Result<impl Iterator<Item = &str>, String> {
        let text =
            std::str::from_utf8(self.tids).map_err(|_| "a task id is no UTF-8".to_owned())?;
        if !text.is_empty() && !text.ends_with('\0') {
            return Err("the last task id has no end".to_owned());
        }
        Ok(text.split_terminator('\0'))
    }
}

fn with_folders(graph: TaskGraph, bytes: &[u64]) -> TaskGraph {
    let mut folders = vec![UNKNOWN; graph.recipes().len()];
    for (&recipe, &bytes) in graph.recipe_indices().iter().zip(bytes) {
        folders[recipe as usize] = bytes;
    }
    graph.with_work_folders(|_, recipe| {
        Some(folders[recipe as usize]).filter(|&bytes| bytes != UNKNOWN)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue<'a>(tids: &'a str, offsets: &'a [u32], dependencies: &'a [u32]) -> RunQueue<'a> {
        RunQueue {
            tids: tids.as_bytes(),
            offsets,
            dependencies,
            durations: None,
            folder_bytes: None,
        }
    }

    #[test]
    fn numbers_ids_and_dependencies_stay_as_they_are() {
        let queue = queue("/b.bb:do_b\0mc:x:/a.bb:do_a\0", &[0, 1, 1], &[1]);
        let graph = queue.graph().unwrap();
        assert_eq!(graph.id(0), "/b.bb:do_b");
        assert_eq!(graph.recipe(1), "mc:x:/a.bb");
        assert_eq!(graph.dependencies().of(0), [1]);
        assert_eq!(graph.dependencies().of(1), [0; 0]);
        assert_eq!(graph.duration(0), None);
    }

    #[test]
    fn durations_and_sizes_come_along() {
        let queue = RunQueue {
            durations: Some(&[7, UNKNOWN, 8]),
            folder_bytes: Some(&[UNKNOWN, 9, 9]),
            ..queue("a:do_a\0b:do_b\0b:do_unpack\0", &[0, 0, 0, 0], &[])
        };
        let graph = queue.graph().unwrap();
        assert_eq!((graph.duration(0), graph.duration(1)), (Some(7), None));
        // A folder begins where it is unpacked into.
        let bytes = [0, 1, 2].map(|task| graph.work_bytes(task));
        assert_eq!(bytes, [None, Some(0), Some(9)]);
    }

    #[test]
    fn an_empty_queue_is_a_graph() {
        assert!(queue("", &[0], &[]).graph().unwrap().is_empty());
    }

    fn check_error(queue: &RunQueue<'_>, expect: &str) {
        let error = queue.graph().unwrap_err();
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn what_does_not_fit_together_is_an_error() {
        check_error(&queue("a:b", &[0, 0], &[]), "has no end");
        check_error(&queue("a:b\0", &[0, 0, 0], &[]), "1 task ids and 2 lists");
        check_error(
            &queue("a:b\0c:d\0", &[0, 5, 1], &[0]),
            "offsets of the dependencies",
        );
        check_error(&queue("a:b\0a:b\0", &[0, 0, 0], &[]), "a:b");
        check_error(&queue("a:b\0c:d\0", &[0, 1, 2], &[1, 0]), "a:b");
    }
}
