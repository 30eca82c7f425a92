//! A run queue as JSON: a graph or an error with its line; weights and orders fit the graph.
#![no_main]

use auh_fuzz::graphs::check_read;
use auh_graph::read_run_queue;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = read_run_queue(&mut &*bytes);
    if let Ok(queue) = &read {
        let tasks = queue.graph.len();
        for order in [&queue.speed, &queue.completion].into_iter().flatten() {
            assert_eq!(order.sequence().len(), tasks);
            let there_and_back = |task: u32| order.sequence()[order.place(task) as usize] == task;
            assert!(queue.graph.tasks().all(there_and_back));
        }
        if let Some(weights) = &queue.weights {
            assert_eq!(weights.len(), tasks);
            let digits = |weight: &String| weight.bytes().all(|byte| byte.is_ascii_digit());
            assert!(
                weights
                    .iter()
                    .all(|weight| !weight.is_empty() && digits(weight))
            );
        }
    }
    check_read(bytes, &read.map(|queue| queue.graph));
});
