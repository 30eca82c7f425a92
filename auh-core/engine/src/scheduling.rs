//! The scheduler of a run, asked on a thread of its own: one that does not answer in time is left
//! behind, and so is its thread.
//!
//! Not here: what becomes of a run whose scheduler fails.

use crate::{EngineError, Scheduler, Stop, plan::Plan};
use auh_graph::{TaskGraph, TaskIndex};
use auh_loader::{HostCalls, Plugin};
use auh_process::CancelStage;
use auh_protocol::{PluginFault, host::op};
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

/// What the thread is called, as people are told of it when it is stuck.
const THREAD: &str = "scheduler";
/// How often to look whether the run is to stop at once.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// How long it may take to clear up after itself.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long its thread may take to see that nobody waits for it.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// A scheduler that has given its order and is asked which task to start.
pub(crate) struct Scheduling {
    name: String,
    questions: Sender<Moment>,
    picks: Receiver<Result<Option<TaskIndex>, PluginFault>>,
    patience: Patience,
}

/// What tasks do at the moment when another one could be started.
struct Moment {
    ready: Vec<TaskIndex>,
    running: Vec<TaskIndex>,
    ended: Vec<TaskIndex>,
}

impl Scheduling {
    /// Asks for the order of a plan's tasks.
    ///
    /// # Errors
    /// When the scheduler fails, or does not answer in time.
    pub(crate) fn begin(
        scheduler: &Scheduler,
        plan: &Plan,
        stop: &Stop,
    ) -> Result<(Self, Vec<TaskIndex>), EngineError> {
        let name = scheduler.name().to_owned();
        let (questions, asked) = mpsc::channel();
        let (told, picks) = mpsc::channel();
        let (ordered, order) = mpsc::channel();
        let patience = Patience {
            limit: scheduler.limit,
            stop: stop.clone(),
            host: Arc::default(),
        };
        let work = Work {
            plugin: scheduler.plugin.clone(),
            options: Value::Object(scheduler.options.clone()).to_string(),
            host: Arc::clone(&patience.host),
            graph: plan.graph.clone(),
        };
        thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || work.carry_out(&ordered, &asked, &told))
            .map_err(|source| EngineError::Thread { source })?;
        let this = Self {
            name,
            questions,
            picks,
            patience,
        };
        let order = this.patience.wait(&order);
        let order = order.map_err(|fault| this.failure(fault))?;
        Ok((this, order))
    }

    /// Which of the ready tasks to start; none to wait.
    ///
    /// # Errors
    /// When the scheduler fails, or does not answer in time. It is not to be asked again then.
    pub(crate) fn pick(
        &self,
        ready: &[TaskIndex],
        running: &[TaskIndex],
        ended: &[TaskIndex],
    ) -> Result<Option<TaskIndex>, EngineError> {
        // A thread that has ended does not answer either.
        let _ = self.questions.send(Moment {
            ready: ready.into(),
            running: running.into(),
            ended: ended.into(),
        });
        let picked = self.patience.wait(&self.picks);
        picked.map_err(|fault| self.failure(fault))
    }

    /// Ends it. A destructor that fails or hangs after the work is done changes nothing about the work.
    pub(crate) fn end(self) {
        drop(self.questions);
        let host = &self.patience.host;
        if !host.given_up() && !has_ended(&self.picks, FAREWELL) {
            host.give_up();
        }
        // What has a process of its own is killed now.
        has_ended(&self.picks, LAST_MOMENT);
    }

    fn failure(&self, fault: PluginFault) -> EngineError {
        EngineError::Scheduler {
            name: self.name.clone(),
            fault,
        }
    }
}

/// Whether whoever answers ends within a time.
fn has_ended<T>(answers: &Receiver<T>, within: Duration) -> bool {
    loop {
        match answers.recv_timeout(within) {
            Ok(_) => {}
            Err(error) => return error == RecvTimeoutError::Disconnected,
        }
    }
}

/// What the scheduler's thread works with.
struct Work {
    plugin: Plugin,
    options: String,
    host: Arc<SchedulerHost>,
    graph: TaskGraph,
}

impl Work {
    fn carry_out(
        self,
        ordered: &Sender<Result<Vec<TaskIndex>, PluginFault>>,
        asked: &Receiver<Moment>,
        told: &Sender<Result<Option<TaskIndex>, PluginFault>>,
    ) {
        let object = match self.plugin.create(self.host, &self.options) {
            Ok(object) => object,
            Err(fault) => return drop(ordered.send(Err(fault))),
        };
        // Whoever does not listen any more asks nothing either.
        let _ = ordered.send(object.order(&self.graph));
        for moment in asked {
            let picked = object.pick(&moment.ready, &moment.running, &moment.ended);
            let _ = told.send(picked);
        }
        let _ = object.finish();
    }
}

/// How long the scheduler is waited for.
struct Patience {
    limit: Option<Duration>,
    stop: Stop,
    host: Arc<SchedulerHost>,
}

impl Patience {
    fn wait<T>(&self, answers: &Receiver<Result<T, PluginFault>>) -> Result<T, PluginFault> {
        let began = Instant::now();
        loop {
            match answers.recv_timeout(BETWEEN_LOOKS) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(PluginFault::error("its thread has ended"));
                }
                Err(RecvTimeoutError::Timeout) if self.is_over(began) => {
                    self.host.give_up();
                    return Err(PluginFault::error(format!(
                        "it did not answer within {:.0} s and was left behind: its thread {THREAD} is \
                         stuck",
                        began.elapsed().as_secs_f64()
                    )));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn is_over(&self, began: Instant) -> bool {
        let in_a_hurry = self.stop.work().stage() == Some(CancelStage::Hard);
        in_a_hurry || self.limit.is_some_and(|limit| began.elapsed() >= limit)
    }
}

/// Schedulers order; they have nothing to ask for.
#[derive(Default)]
struct SchedulerHost {
    given_up: AtomicBool,
}

impl SchedulerHost {
    fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }
}

impl HostCalls for SchedulerHost {
    fn call(&self, op: &str, _payload: &str) -> Result<String, String> {
        match op {
            op::LOG => Ok("null".to_owned()),
            _ => Err(format!("a scheduler has no operation {op:?}")),
        }
    }

    fn given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }
}
