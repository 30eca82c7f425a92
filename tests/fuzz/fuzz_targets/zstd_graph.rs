//! Compressed graphs, as the command line opens them: the same as what they hold, and never a graph
//! when the compressed file is damaged.
#![no_main]

use std::io::{BufRead, BufReader, Read};

use auh_fuzz::graphs::check_read;
use auh_graph::{ReadError, TaskGraph, read_run_queue, read_task_depends};
use libfuzzer_sys::fuzz_target;

/// A few bytes can hold gigabytes.
const MOST: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let Ok(decoder) = zstd::Decoder::with_buffer(bytes) else {
        return;
    };
    let read = read(&mut BufReader::with_capacity(100, decoder.take(MOST)));
    let mut held = Vec::new();
    let decoder = zstd::Decoder::with_buffer(bytes).expect("it was one before");
    match decoder.take(MOST).read_to_end(&mut held) {
        Ok(_) => check_read(&held, &read),
        Err(_) => assert!(read.is_err(), "a graph from a damaged file"),
    }
});

fn read(input: &mut dyn BufRead) -> Result<TaskGraph, ReadError> {
    match input.fill_buf()?.first() {
        Some(b'{') => Ok(read_run_queue(input)?.graph),
        _ => read_task_depends(input),
    }
}
