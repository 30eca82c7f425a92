//! Fetching the sources of groups that come next while others are worked on. It only warms
//! `DL_DIR`: what fails here is left to the step that needs the sources.

use crate::{host::Shared, run::Message};
use auh_journal::{CommandEnd, Event};
use auh_oe::{Fetching, Sources};
use auh_process::{CancelStage, CancelToken};
use auh_protocol::{Group, Recipe};
use std::{
    collections::{HashSet, VecDeque},
    path::Path,
    sync::{atomic::Ordering, mpsc::Sender},
    time::{Duration, Instant},
};

/// A run whose tasks end faster than this has nothing to gain.
const QUIET: Duration = Duration::from_secs(1);
/// How long one fetch may take, whatever other commands may.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// What is stopped here is of no use to anybody.
const GRACE: Duration = Duration::from_secs(2);

/// Which groups' sources are fetched ahead, one group at a time.
pub(crate) struct Ahead {
    /// The groups in the order in which they will be begun.
    order: VecDeque<usize>,
    /// How many of those that come next are looked after.
    window: usize,
    fetched: HashSet<usize>,
    /// Ends the fetch that goes on.
    running: Option<CancelToken>,
    /// When a task began or ended last.
    stirred: Instant,
}

impl Ahead {
    /// `order` has the groups that may be fetched for.
    pub(crate) fn new(order: Vec<usize>, window: usize) -> Self {
        Self {
            order: order.into(),
            window,
            fetched: HashSet::new(),
            running: None,
            stirred: Instant::now(),
        }
    }

    /// A task begins or has ended.
    pub(crate) fn stir(&mut self) {
        self.stirred = Instant::now();
    }

    /// The group whose sources are to be fetched now, if there is one, and what ends that.
    pub(crate) fn next(
        &mut self,
        now: Instant,
        begun: impl Fn(usize) -> bool,
    ) -> Option<(usize, CancelToken)> {
        if self.running.is_some() || now.saturating_duration_since(self.stirred) < QUIET {
            return None;
        }
        while self.order.front().is_some_and(|group| begun(*group)) {
            self.order.pop_front();
        }
        let waiting = self.order.iter().filter(|group| !begun(**group));
        let mut next = waiting.take(self.window).copied();
        let group = next.find(|group| !self.fetched.contains(group))?;
        self.fetched.insert(group);
        let token = CancelToken::new();
        self.running = Some(token.clone());
        Some((group, token))
    }

    /// Whether a fetch goes on.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The fetch has ended.
    pub(crate) fn ended(&mut self) {
        self.running = None;
    }

    /// Ends the fetch that goes on.
    pub(crate) fn cancel(&self) {
        if let Some(token) = &self.running {
            token.cancel(CancelStage::Soft);
        }
    }
}

/// Fetches the sources of a group, and tells of it as of every command.
pub(crate) fn fetch(
    sources: &Sources,
    group: &Group,
    folder: &Path,
    shared: &Shared,
    cancel: &CancelToken,
    messages: &Sender<Message>,
) {
    let recipes = group.recipes.iter();
    for recipe in recipes.take_while(|_| !cancel.is_cancelled()) {
        // Who cannot write a temporary file has greater troubles than this one.
        if let Ok(Some(fetching)) = sources.fetching(recipe, folder) {
            fetch_one(fetching, recipe, group, shared, cancel, messages);
        }
    }
    let _ = messages.send(Message::FetchedAhead);
}

fn fetch_one(
    mut fetching: Fetching,
    recipe: &Recipe,
    group: &Group,
    shared: &Shared,
    cancel: &CancelToken,
    messages: &Sender<Message>,
) {
    let id = shared.commands.fetch_add(1, Ordering::Relaxed);
    let label = format!("fetch ahead {} {}", recipe.name, recipe.target.version);
    let folder = fetching.command.cwd.clone();
    let _ = messages.send(Message::CommandStarted(
        Instant::now(),
        Event::CommandStarted {
            id,
            label: label.clone(),
            argv: fetching.argv.clone(),
            folder: folder.clone(),
            group: Some(group.name()),
            machine: None,
        },
    ));
    let limit = shared.command_limit.unwrap_or(LIMIT).min(LIMIT);
    fetching.command.time_limit = Some(limit);
    fetching.command.stop_grace = GRACE;
    let finished = auh_process::run(&fetching.command, cancel, &mut |_| {});
    let (exit, seconds) = match &finished {
        Ok(finished) => (finished.exit, finished.wall.as_secs_f64()),
        // 127 is what a shell says of a program that it cannot start.
        Err(_) => (auh_process::Exit::Code(127), 0.0),
    };
    let _ = messages.send(Message::CommandFinished(
        Instant::now(),
        Event::CommandFinished(CommandEnd {
            id,
            label,
            folder,
            exit: crate::host::exit(exit),
            seconds,
            parses: Vec::new(),
        }),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_fetched_for_once_each_before_they_begin() {
        let mut ahead = Ahead::new(vec![3, 1, 2, 0], 2);
        let later = Instant::now() + QUIET * 2;
        let next = |ahead: &mut Ahead, begun: &[usize]| {
            let found = ahead.next(later, |group| begun.contains(&group));
            found.map(|(group, _)| group)
        };
        assert_eq!(next(&mut ahead, &[3]), Some(1));
        assert_eq!(next(&mut ahead, &[3]), None, "one at a time");
        ahead.ended();
        assert_eq!(next(&mut ahead, &[3]), Some(2));
        ahead.ended();
        assert_eq!(next(&mut ahead, &[3]), None, "two groups ahead");
        assert_eq!(next(&mut ahead, &[3, 1]), Some(0));
        ahead.ended();
        assert_eq!(next(&mut ahead, &[3, 1, 2]), None);
    }

    #[test]
    fn nothing_is_fetched_while_tasks_come_and_go() {
        let mut ahead = Ahead::new(vec![0], 1);
        ahead.stir();
        assert!(ahead.next(Instant::now(), |_| false).is_none());
        assert!(ahead.next(Instant::now() + QUIET, |_| false).is_some());
        ahead.cancel();
        assert!(ahead.running.as_ref().unwrap().is_cancelled());
    }
}
