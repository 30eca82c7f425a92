//! `task-depends.dot`: a graph or an error with its line, however the bytes come in.
#![no_main]

use std::io::BufReader;

use auh_fuzz::graphs::check_read;
use auh_graph::read_task_depends;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = read_task_depends(&mut &*bytes);
    check_read(bytes, &read);
    // In pieces, so that lines begin and end in different ones.
    let piece = 1 + bytes.len() % 37;
    let again = read_task_depends(&mut BufReader::with_capacity(piece, bytes));
    match (read, again) {
        (Ok(graph), Ok(again)) => assert!(graph == again),
        (Err(error), Err(again)) => assert_eq!(error.to_string(), again.to_string()),
        _ => panic!("the size of the pieces matters"),
    }
});
