//! A journal: what is read is read again when it is written, and a bad line is named.
#![no_main]

use auh_fuzz::{lines, scratch};
use auh_journal::{JournalError, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match read(&scratch::file("journal.jsonl", bytes)) {
        Ok(journal) => {
            let whole = bytes.iter().filter(|&&byte| byte == b'\n').count();
            assert_eq!(journal.records.len(), whole);
            assert_eq!(
                journal.torn,
                bytes.last().is_some_and(|&byte| byte != b'\n')
            );
            let mut written = Vec::new();
            for record in &journal.records {
                serde_json::to_writer(&mut written, record).expect("a record can be written");
                written.push(b'\n');
            }
            let again = read(&scratch::file("again.jsonl", &written)).expect("it was written so");
            assert_eq!(journal.records, again.records);
        }
        Err(JournalError::BadLine { line, .. }) => {
            assert!((1..lines(bytes)).contains(&(line as u64)))
        }
        Err(error) => assert!(matches!(error, JournalError::NewerFormat { .. }), "{error}"),
    }
});
