//! The bridge into BitBake: scheduler plugins behind a plain C interface, which `auhsched.py`
//! beside this folder calls through ctypes.
//!
//! Not here: any scheduler's name, and anything that BitBake decides by itself (limits, stamps,
//! shared state). This is no plugin: it loads them.
//!
//! The interface is [`INTERFACE`]. Every function that can fail answers with a null pointer when
//! all went well, else with a text that the caller gives back to [`auh_bitbake_free_text`]; what
//! it has to tell otherwise goes through pointers. Nothing unwinds out of here. Task numbers are
//! those of the run queue: its ids are numbered from 0 in the order in which they are handed over.

mod queue;
mod scheduler;

use scheduler::{Loading, Scheduler};
use std::{
    ffi::{CStr, CString, c_char},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, slice,
};

/// Number of this interface. A caller that was written for another one must not go on.
const INTERFACE: u32 = 1;

/// Answer of [`auh_bitbake_pick`] that starts nothing for now.
const START_NONE: u32 = u32::MAX;

/// The number of this interface.
#[unsafe(no_mangle)]
pub extern "C" fn auh_bitbake_abi() -> u32 {
    INTERFACE
}

/// Loads the scheduler plugin `name` and makes one object of it, for one run queue.
///
/// `folders` are searched for plugins (separated by `:`); null means the usual ones. `options` is
/// a JSON object, the plugin's settings; null means none. `any_file` other than 0 also loads
/// files that others can write to.
///
/// # Safety
/// `name`, `folders` and `options` are null or C strings; `loaded` can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auh_bitbake_load(
    name: *const c_char,
    folders: *const c_char,
    options: *const c_char,
    any_file: u32,
    loaded: *mut *mut Scheduler,
) -> *mut c_char {
    guarded(|| {
        // SAFETY: what the caller promises.
        let (name, folders, options) = unsafe { (text(name)?, text(folders)?, text(options)?) };
        let scheduler = Scheduler::load(&Loading {
            name: name.ok_or("no scheduler is named")?,
            folders,
            options: options.unwrap_or("{}"),
            any_file: any_file != 0,
        })?;
        // SAFETY: what the caller promises.
        unsafe { loaded.write(Box::into_raw(Box::new(scheduler))) };
        Ok(())
    })
}

/// Orders a run queue of `tasks` tasks: writes all of them to `order`, most important first.
///
/// `tids` has `tids_length` bytes: each task's id (`[mc:NAME:]FILE:do_x`, UTF-8) with a NUL behind
/// it. Task `t` waits for `dependencies[offsets[t] .. offsets[t + 1]]`; `offsets` has one entry more
/// than there are tasks. `durations` (microseconds) and `folder_bytes` (how large the work folder of
/// the task's recipe becomes) are null, or have an entry for each task, with the largest number for
/// an unknown one.
///
/// # Safety
/// `scheduler` is one that was loaded and not freed; the arrays are as long as said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auh_bitbake_order(
    scheduler: *const Scheduler,
    tids: *const u8,
    tids_length: usize,
    tasks: u32,
    offsets: *const u32,
    dependencies: *const u32,
    durations: *const u64,
    folder_bytes: *const u64,
    order: *mut u32,
) -> *mut c_char {
    guarded(|| {
        let tasks = tasks as usize;
        // SAFETY: what the caller promises; the last offset is the number of dependencies.
        let (scheduler, queue) = unsafe {
            let offsets = array(offsets, tasks + 1);
            let edges = offsets.last().copied().unwrap_or(0) as usize;
            let queue = queue::RunQueue {
                tids: array(tids, tids_length),
                offsets,
                dependencies: array(dependencies, edges),
                durations: (!durations.is_null()).then(|| array(durations, tasks)),
                folder_bytes: (!folder_bytes.is_null()).then(|| array(folder_bytes, tasks)),
            };
            (&*scheduler, queue)
        };
        let answer = scheduler.order(&queue.graph()?)?;
        if answer.len() != tasks {
            return Err(format!("{} of {tasks} tasks were ordered", answer.len()));
        }
        // SAFETY: as long as there are tasks, says the caller.
        unsafe { ptr::copy_nonoverlapping(answer.as_ptr(), order, tasks) };
        Ok(())
    })
}

/// Whether the scheduler wants to be asked before each start (1), or its order says all (0).
///
/// # Safety
/// `scheduler` is one that was loaded and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auh_bitbake_restricts(scheduler: *const Scheduler) -> u32 {
    // SAFETY: what the caller promises.
    u32::from(unsafe { &*scheduler }.restricts())
}

/// Which of the `ready` tasks to start now; writes [`START_NONE`] to wait for the end of another.
///
/// `ready` are the tasks that could start, most important first; `running` those that run, and
/// `ended` those that have ended since the last call, failed ones included. A task that was never
/// picked and ends has done no work: BitBake had its result already.
///
/// # Safety
/// `scheduler` is one that has ordered a queue; the arrays are as long as said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auh_bitbake_pick(
    scheduler: *const Scheduler,
    ready: *const u32,
    ready_length: u32,
    running: *const u32,
    running_length: u32,
    ended: *const u32,
    ended_length: u32,
    picked: *mut u32,
) -> *mut c_char {
    guarded(|| {
        // SAFETY: what the caller promises.
        let (scheduler, ready, running, ended) = unsafe {
            (
                &*scheduler,
                array(ready, ready_length as usize),
                array(running, running_length as usize),
                array(ended, ended_length as usize),
            )
        };
        let answer = scheduler.pick(ready, running, ended)?;
        // SAFETY: what the caller promises.
        unsafe { picked.write(answer.unwrap_or(START_NONE)) };
        Ok(())
    })
}

/// What the scheduler has logged since this was last asked: a JSON array of objects with `level`
/// (`debug`, `info`, `warning`, `error` or `critical`) and `message`. To be freed as a text; null
/// when there is nothing.
///
/// # Safety
/// `scheduler` is one that was loaded and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auh_bitbake_log(scheduler: *const Scheduler) -> *mut c_char {
    catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: what the caller promises.
        unsafe { &*scheduler }.take_log()
    }))
    .ok()
    .flatten()
    .map_or(ptr::null_mut(), |log| owned(&log))
}

/// Ends a scheduler. Its plugin stays loaded.
///
/// # Safety
/// `scheduler` is null, or one that was loaded and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auh_bitbake_free(scheduler: *mut Scheduler) {
    if !scheduler.is_null() {
        // SAFETY: it came from `Box::into_raw` in `auh_bitbake_load`.
        let scheduler = unsafe { Box::from_raw(scheduler) };
        // When a destructor panics, there is nobody to tell.
        drop(catch_unwind(AssertUnwindSafe(|| drop(scheduler))));
    }
}

/// Frees a text that came from here.
///
/// # Safety
/// `text` is null, or came from a function of this interface and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auh_bitbake_free_text(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: it came from `CString::into_raw` in `owned`.
        drop(unsafe { CString::from_raw(text) });
    }
}

fn guarded(work: impl FnOnce() -> Result<(), String>) -> *mut c_char {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => ptr::null_mut(),
        Ok(Err(error)) => owned(&error),
        Err(_) => owned("the bridge panicked; this is a bug of auh"),
    }
}

/// A text as the caller gets it. C strings cannot hold a NUL.
fn owned(text: &str) -> *mut c_char {
    CString::new(text.replace('\0', "\u{fffd}"))
        .unwrap_or_default()
        .into_raw()
}

/// # Safety
/// `pointer` is null or a C string that outlives the answer.
unsafe fn text<'a>(pointer: *const c_char) -> Result<Option<&'a str>, String> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: what the caller promises.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    let text = bytes
        .to_str()
        .map_err(|_| format!("{} is no UTF-8", bytes.to_string_lossy()))?;
    Ok(Some(text))
}

/// # Safety
/// `pointer` is null, or has `length` entries that outlive the answer and that nobody changes.
unsafe fn array<'a, T>(pointer: *const T, length: usize) -> &'a [T] {
    if length == 0 || pointer.is_null() {
        return &[];
    }
    // SAFETY: what the caller promises.
    unsafe { slice::from_raw_parts(pointer, length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_and_an_error_become_texts() {
        let said = |answer: *mut c_char| {
            // SAFETY: it comes from `guarded`.
            let text = unsafe { CStr::from_ptr(answer) }
                .to_str()
                .unwrap()
                .to_owned();
            // SAFETY: likewise.
            unsafe { auh_bitbake_free_text(answer) };
            text
        };
        assert!(guarded(|| Ok(())).is_null());
        assert_eq!(said(guarded(|| Err("a\0b".to_owned()))), "a\u{fffd}b");
        assert!(said(guarded(|| panic!("boom"))).starts_with("the bridge panicked"));
    }

    #[test]
    fn the_module_for_bitbake_speaks_this_interface() {
        let module = include_str!("../auhsched.py");
        let line = format!("INTERFACE = {INTERFACE}");
        assert!(module.lines().any(|l| l == line), "no line {line:?}");
    }

    #[test]
    fn a_scheduler_that_is_nowhere_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let folder = CString::new(folder.path().to_str().unwrap()).unwrap();
        let mut loaded = ptr::null_mut();
        // SAFETY: C strings, and a place to write to.
        let error = unsafe {
            auh_bitbake_load(
                c"nobody".as_ptr(),
                folder.as_ptr(),
                ptr::null(),
                0,
                &raw mut loaded,
            )
        };
        assert!(loaded.is_null());
        // SAFETY: an error is a C string.
        let text = unsafe { CString::from_raw(error) };
        let text = text.to_str().unwrap();
        assert_eq!(
            text,
            "there is no scheduler plugin \"nobody\"; write the layer again with `auh bitbake-layer`"
        );
    }
}
