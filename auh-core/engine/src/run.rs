//! Carrying out a plan: one dispatcher gives tasks to workers, takes their messages in order,
//! writes the journal, and only then tells the watcher.

use crate::{
    EngineError, GroupSoFar, Pipeline, Replay, Scheduler, Seat, Seats, Step, Stop,
    ahead::{self, Ahead},
    company::{self, Parting, Postponed},
    disk::DiskWatch,
    host::{Said, Shared, StepHost},
    leash::Leash,
    plan::{Assignment, Attempt, Place, Plan},
    queue::Queue,
    scheduling::Scheduling,
    work::{carry_out, carry_out_afresh, close_out, failed, guarded},
};
use auh_graph::TaskIndex;
use auh_journal::{Event, GroupVerdict, Record, RunEnd, RunFolder, Writer};
use auh_loader::Plugin;
use auh_oe::{Sources, WorkPlace};
use auh_process::CancelStage;
use auh_protocol::{
    Failure, FailureClass, Group, GroupState, GroupWork, Machine, RecipeName, RepositoryChange,
    RunContext, StepOutcome, StepRequest,
    host::Level,
    step::{NOTES, note_name},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Sees a run as it goes on. Called on the dispatcher's thread only.
pub trait Watcher {
    /// An event, after it was written to the journal.
    fn record(&mut self, record: &Record);
    /// Something that is only of interest now.
    fn live(&mut self, live: &Live);
    /// Nothing happened for a second.
    fn idle(&mut self);
    /// Every group is done; closing steps come next, and want to find the run's results. Not called
    /// where there are none.
    fn groups_finished(&mut self) {}
}

/// How far a group is on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The group.
    pub group: String,
    /// The machine, if it is about one.
    pub machine: Option<Machine>,
    /// Done so far.
    pub current: u64,
    /// Of how many; 0 when unknown.
    pub total: u64,
    /// What is being done.
    pub text: String,
    /// The command that says so, by its number in the journal; none when the step itself does.
    pub command: Option<u64>,
}

/// A run that is ready to go.
pub struct Run<'a> {
    /// What is done with each group.
    pub pipeline: &'a Pipeline,
    /// What orders it.
    pub scheduler: &'a Scheduler,
    /// The groups to attempt.
    pub groups: Vec<Group>,
    /// The run directory.
    pub folder: &'a RunFolder,
    /// Its journal, in which the plan stands already.
    pub journal: &'a mut Writer,
    /// Where groups are worked on.
    pub seats: Seats,
    /// How many groups at most are built in company; more than one needs seats with work trees of
    /// their own.
    pub batch: usize,
    /// Folders on the file systems that the run writes to, the most important one first.
    pub disk: Vec<PathBuf>,
    /// Where the recipes' work lies, of those whose work folders are removed once they are built
    /// well.
    pub work: BTreeMap<RecipeName, WorkPlace>,
    /// How sources are fetched ahead, if they are to be.
    pub sources: Option<Sources>,
    /// `Name <address>` for commits.
    pub author: String,
    /// How long a command may take that names no limit of its own.
    pub command_limit: Option<Duration>,
    /// How long a command that is being stopped may take before it is killed.
    pub stop_grace: Duration,
    /// The request to stop.
    pub stop: Stop,
    /// True when something outside the plan failed already, for the exit status.
    pub failed_before: bool,
    /// When the run began.
    pub began: Instant,
    /// Wall time of commands that ran before there was a plan.
    pub commands_before: Duration,
    /// What earlier processes did of the run; none for one that begins.
    pub so_far: Option<Replay>,
}

/// What workers tell the dispatcher.
pub(crate) enum Message {
    Event(Event),
    Live(Live),
    CommandStarted(Instant, Event),
    CommandFinished(Instant, Event),
    FetchedAhead,
    Done {
        task: TaskIndex,
        outcome: StepOutcome,
        postponed: Vec<Postponed>,
        seconds: f64,
    },
    Closed {
        /// Which of the run's threads says so.
        thread: usize,
        outcome: Result<StepOutcome, Failure>,
        seconds: f64,
    },
}

/// Carries the run out. Returns what the last line of its journal is to say, once everything is put
/// back as it was.
pub fn run(mut run: Run<'_>, watcher: &mut dyn Watcher) -> Result<RunEnd, EngineError> {
    let so_far = run.so_far.take().unwrap_or_else(|| Replay {
        groups: vec![GroupSoFar::default(); run.groups.len()],
        commands_took: run.commands_before,
        ..Replay::default()
    });
    let behind: Vec<usize> = so_far.groups.iter().map(|group| group.steps).collect();
    let plan = Plan::new(run.pipeline, &run.groups, run.batch, &behind);
    let (scheduler, order) = Scheduling::begin(run.scheduler, &plan, &run.stop)?;
    let (messages, inbox) = mpsc::channel();
    let queue = Queue::new(&plan, &order, run.seats.numbers());
    let states = so_far.groups.into_iter().map(Progress::from).collect();
    let shared = Arc::new(Shared {
        stop: run.stop.clone(),
        command_limit: run.command_limit,
        stop_grace: run.stop_grace,
        commands: AtomicU64::new(so_far.commands + 1),
    });
    let clock = CommandClock {
        total: so_far.commands_took,
        ..CommandClock::default()
    };
    let ahead = match run.sources {
        Some(_) => begun_in_order(&plan, &order),
        None => Vec::new(),
    };
    let mut dispatcher = Dispatcher {
        ahead: Ahead::new(ahead, run.seats.numbers().for_groups * run.batch),
        disk: DiskWatch::new(&run.disk),
        run,
        plan: &plan,
        queue,
        scheduler,
        scheduler_failed: false,
        states,
        shared,
        watcher,
        clock,
        seated: BTreeMap::new(),
        calls: BTreeMap::new(),
        threads: 0,
        urgent_since: None,
        said_time_is_up: false,
        closing_failed: false,
        closed: so_far.closed,
        closing_begun: so_far.closing_begun,
        took_before: so_far.took,
    };
    let done = dispatcher.carry_out(&messages, &inbox);
    // Nobody waits for what nobody asked for.
    dispatcher.ahead.cancel();
    if done.is_err() {
        dispatcher.wind_up(&inbox);
    }
    done?;
    dispatcher.end()
}

/// The groups' places in the list, in the order in which the scheduler would have them begun.
///
/// # Errors
/// When the scheduler fails.
pub fn order_of_groups(
    pipeline: &Pipeline,
    groups: &[Group],
    batch: usize,
    scheduler: &Scheduler,
    stop: &Stop,
) -> Result<Vec<usize>, EngineError> {
    let plan = Plan::new(pipeline, groups, batch, &vec![0; groups.len()]);
    let (scheduling, order) = Scheduling::begin(scheduler, &plan, stop)?;
    scheduling.end();
    Ok(begun_in_order(&plan, &order))
}

/// The groups' places in the list, in the order in which they are begun if tasks are in this order.
fn begun_in_order(plan: &Plan, order: &[TaskIndex]) -> Vec<usize> {
    // All groups of a batch are begun with its first task.
    let mut companies: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for assignment in plan.assignments.iter().filter(|a| a.groups.len() == 1) {
        let company = companies.entry(assignment.seat_of).or_default();
        company.extend(&assignment.groups);
    }
    let begun = order.iter().flat_map(|task| {
        let seat_of = plan.assignments[*task as usize].seat_of;
        companies.remove(&seat_of).unwrap_or_default()
    });
    let mut known = BTreeSet::new();
    begun.filter(|group| known.insert(*group)).collect()
}

/// What is known of a group while the run goes on.
#[derive(Default)]
struct Progress {
    state: GroupState,
    folder: Option<PathBuf>,
    began: Option<Instant>,
    /// True when the run was asked to stop while the group was under way.
    stopped: bool,
    /// How it failed in company, once it did.
    postponed: Option<Postponed>,
    /// The steps of the pipeline before this one may have been begun by an earlier process.
    begun: usize,
    /// Whether it was done before this process began.
    done: bool,
}

impl From<GroupSoFar> for Progress {
    fn from(so_far: GroupSoFar) -> Self {
        let was_begun = so_far.begun > 0 || so_far.verdict.is_some();
        Self {
            began: was_begun.then(Instant::now),
            done: so_far.verdict.is_some(),
            begun: so_far.begun,
            state: so_far.state,
            ..Self::default()
        }
    }
}

/// A call of a step under way. Its thread is not waited for at the end: one that is stuck would keep
/// the program from ending.
struct Call {
    /// The step's plugin.
    plugin: String,
    /// The thread's name.
    thread: String,
    leash: Arc<Leash>,
    given_up_at: Option<Instant>,
}

/// How long a call that was given up may take to end by itself, as one in a process of its own does.
const LAST_CHANCE: Duration = Duration::from_secs(2);

struct Dispatcher<'r, 'p, 'w> {
    run: Run<'r>,
    plan: &'p Plan,
    queue: Queue<'p>,
    scheduler: Scheduling,
    /// True once it could not say which task to start.
    scheduler_failed: bool,
    states: Vec<Progress>,
    shared: Arc<Shared>,
    watcher: &'w mut dyn Watcher,
    clock: CommandClock,
    disk: DiskWatch,
    ahead: Ahead,
    /// The group that was last in each seat.
    seated: BTreeMap<usize, usize>,
    /// The calls of steps under way, by their tasks; that of a closing step has none.
    calls: BTreeMap<Option<TaskIndex>, Call>,
    /// How many threads were started.
    threads: usize,
    /// Since when the run is to stop at once.
    urgent_since: Option<Instant>,
    /// True once the journal has that the run's time is up.
    said_time_is_up: bool,
    /// True when a closing step failed.
    closing_failed: bool,
    /// How many closing steps an earlier process has done, and whether it has begun the next one.
    closed: usize,
    closing_begun: bool,
    /// How long earlier processes took.
    took_before: Duration,
}

impl Dispatcher<'_, '_, '_> {
    fn carry_out(
        &mut self,
        messages: &mpsc::Sender<Message>,
        inbox: &mpsc::Receiver<Message>,
    ) -> Result<(), EngineError> {
        self.finish_groups_without_tasks()?;
        self.dispatch(messages, inbox)?;
        if !self.run.pipeline.closing.is_empty() {
            self.watcher.groups_finished();
        }
        self.close(messages, inbox)
    }

    /// Ends what goes on of a run that breaks off: nothing works on behind the program's end. What a
    /// step does from here on nobody could write down, so it is let do nothing more; whoever goes on
    /// with the run finds it as after a death.
    fn wind_up(&mut self, inbox: &mpsc::Receiver<Message>) {
        for call in self.calls.values() {
            call.leash.give_up();
        }
        if !self.run.stop.requested() {
            self.run.stop.request();
        }
        self.urgent_since.get_or_insert_with(Instant::now);
        while !self.calls.is_empty() {
            for task in self.stuck() {
                self.calls.remove(&task);
            }
            match inbox.recv_timeout(Duration::from_secs(1)) {
                Ok(Message::Done { task, .. }) => drop(self.calls.remove(&Some(task))),
                Ok(Message::Closed { .. }) => drop(self.calls.remove(&None)),
                _ => {}
            }
        }
    }

    fn dispatch(
        &mut self,
        messages: &mpsc::Sender<Message>,
        inbox: &mpsc::Receiver<Message>,
    ) -> Result<(), EngineError> {
        loop {
            let stopping = self.run.stop.requested();
            self.note_that_time_is_up()?;
            self.abandon_stuck()?;
            self.pass_over_useless()?;
            while let Some(task) = self.pick()? {
                self.start(task, messages)?;
            }
            if self.queue.running().is_empty() {
                return self.end_fetching_ahead(inbox);
            }
            // Most messages change nothing about what can be started.
            let ended = self.queue.ended_so_far();
            while self.queue.ended_so_far() == ended && self.run.stop.requested() == stopping {
                self.fetch_ahead(messages);
                match self.next_message(inbox)? {
                    Some(message) => self.receive(message)?,
                    // Whoever rather waits than starts something is asked again.
                    None => break,
                }
                self.abandon_stuck()?;
            }
        }
    }

    /// Fetches the sources of a group that comes next, if there is room for that.
    fn fetch_ahead(&mut self, messages: &mpsc::Sender<Message>) {
        let Some(sources) = &self.run.sources else {
            return;
        };
        if self.run.stop.requested() {
            self.ahead.cancel();
            return;
        }
        let begun = |group: usize| self.states[group].began.is_some();
        let Some((group, cancel)) = self.ahead.next(Instant::now(), begun) else {
            return;
        };
        let (sources, group) = (sources.clone(), self.run.groups[group].clone());
        let folder = self.run.folder.path().to_owned();
        let (shared, messages) = (Arc::clone(&self.shared), messages.clone());
        thread::spawn(move || ahead::fetch(&sources, &group, &folder, &shared, &cancel, &messages));
    }

    fn end_fetching_ahead(&mut self, inbox: &mpsc::Receiver<Message>) -> Result<(), EngineError> {
        self.ahead.cancel();
        while self.ahead.is_running() {
            if let Some(message) = self.next_message(inbox)? {
                self.receive(message)?;
            }
        }
        Ok(())
    }

    /// Waits a while for a message, and looks after what has to be looked after from time to time.
    fn next_message(
        &mut self,
        inbox: &mpsc::Receiver<Message>,
    ) -> Result<Option<Message>, EngineError> {
        for event in self.disk.look(Instant::now()) {
            self.record(event)?;
        }
        let message = inbox.recv_timeout(Duration::from_secs(1)).ok();
        if message.is_none() {
            self.watcher.idle();
        }
        Ok(message)
    }

    /// Ends tasks without work: later steps of a group that failed or has nothing left to do.
    fn pass_over_useless(&mut self) -> Result<(), EngineError> {
        while let Some(task) = self.queue.find(|task| !self.is_wanted(task)) {
            self.queue.start(task);
            if self.run.stop.requested() {
                for group in &self.plan.assignments[task as usize].groups {
                    self.states[*group].stopped = true;
                }
            }
            self.finish_task(task)?;
        }
        Ok(())
    }

    fn is_wanted(&self, task: TaskIndex) -> bool {
        let assignment = &self.plan.assignments[task as usize];
        let always = self.run.pipeline.steps[assignment.step].always;
        let stopping = self.run.stop.requested();
        assignment.groups.iter().any(|group| {
            let progress = &self.states[*group];
            let counts = match assignment.attempt {
                Attempt::Only => true,
                Attempt::First | Attempt::Company => progress.postponed.is_none(),
                Attempt::Alone => progress.postponed.is_some(),
            };
            if !counts {
                return false;
            }
            if stopping && progress.began.is_none() {
                return false;
            }
            if stopping {
                return always && self.has_to_be_put_in_order(*group, assignment.step);
            }
            always || !(progress.state.failed() || self.nothing_left(*group))
        })
    }

    /// Whether a step is needed for a clean end of a run that is being stopped: while there are files
    /// that are not committed, commits of a failed group, or commits that are nowhere but in work trees.
    fn has_to_be_put_in_order(&self, group: usize, step: usize) -> bool {
        let state = &self.states[group].state;
        let standing = || state.commits.iter().filter(|c| c.reverted_by.is_none());
        let integrates = self.run.pipeline.steps[step].integrates();
        !state.changes.is_empty()
            || (state.failed() && standing().next().is_some())
            || (integrates && standing().any(|commit| commit.integrated_as.is_none()))
    }

    fn nothing_left(&self, group: usize) -> bool {
        let skipped = &self.states[group].state.skipped;
        self.run.groups[group]
            .recipes
            .iter()
            .all(|recipe| skipped.iter().any(|s| s.recipe == recipe.name))
    }

    fn pick(&mut self) -> Result<Option<TaskIndex>, EngineError> {
        let ready = self.queue.startable();
        if ready.is_empty() {
            return Ok(None);
        }
        let ended = self.queue.take_ended();
        if self.scheduler_failed {
            return Ok(ready.first().copied());
        }
        let picked = self.scheduler.pick(&ready, self.queue.running(), &ended);
        let trouble = match picked {
            Ok(None) if self.queue.running().is_empty() => EngineError::Stalled {
                name: self.run.scheduler.name().to_owned(),
                ready: ready.len(),
            },
            Ok(picked) => return Ok(picked),
            Err(trouble) => trouble,
        };
        self.do_without_scheduler(&trouble)?;
        Ok(ready.first().copied())
    }

    /// The order that the scheduler gave at the beginning will do: a run that is under way does not
    /// end because of it.
    fn do_without_scheduler(&mut self, trouble: &EngineError) -> Result<(), EngineError> {
        self.scheduler_failed = true;
        self.record(Event::Log {
            level: Level::Warning,
            group: None,
            message: format!(
                "{trouble}; from here on the tasks are started in the order that it gave before"
            ),
        })
    }

    fn start(
        &mut self,
        task: TaskIndex,
        messages: &mpsc::Sender<Message>,
    ) -> Result<(), EngineError> {
        self.queue.start(task);
        self.ahead.stir();
        let assignment = &self.plan.assignments[task as usize];
        let step = self.run.pipeline.steps[assignment.step].clone();
        let number = self.queue.seat(task);
        let seat = self.run.seats.seat(number).clone();
        let attempt = assignment.attempt;
        let refresh = assignment.fresh && self.is_used(number, assignment.groups[0]);
        let present = self.present(task);
        let mut request = self.request(&step, &present, &seat)?;
        let begun_before = |group: &usize| assignment.step < self.states[*group].begun;
        request.again = assignment.attempt == Attempt::Only && present.iter().any(begun_before);
        let groups = self.names(&present);
        let work = self.work_that_ends(task, &present);
        let host = self.host(messages, &step, groups.join(" "), &seat);
        self.record(step_started(&step, groups, number))?;
        let messages = messages.clone();
        let (plugin, leash) = (step.plugin.clone(), Arc::clone(&host.leash));
        let host_of_work = Arc::clone(&host);
        self.call(Some(task), &plugin, leash, move || {
            let began = Instant::now();
            let carry_out = || match &seat.worktrees {
                Some(worktrees) if attempt == Attempt::Company => {
                    company::carry_out(worktrees, &step, &request, &host)
                }
                Some(worktrees) if refresh => {
                    carry_out_afresh(worktrees, &step, &request, host).into()
                }
                _ => carry_out(&step, &request, host).into(),
            };
            let Parting { outcome, postponed } = guarded(&request, carry_out);
            if !outcome.failed() {
                host_of_work.remove_work(&work);
            }
            let _ = messages.send(Message::Done {
                task,
                outcome: seat.back(outcome),
                postponed,
                seconds: began.elapsed().as_secs_f64(),
            });
        })
    }

    /// Starts the thread of a call, which sends a message at its end.
    fn call(
        &mut self,
        task: Option<TaskIndex>,
        plugin: &Plugin,
        leash: Arc<Leash>,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), EngineError> {
        self.threads += 1;
        let thread = format!("step-{}", self.threads);
        thread::Builder::new()
            .name(thread.clone())
            .spawn(work)
            .map_err(|source| EngineError::Thread { source })?;
        let call = Call {
            plugin: plugin.manifest().name.clone(),
            thread,
            leash,
            given_up_at: None,
        };
        self.calls.insert(task, call);
        Ok(())
    }

    /// The work folders that nobody needs any more after a task, if it does well: those of a group
    /// that has been built well so far, once it has no other step in its build directories.
    fn work_that_ends(&self, task: TaskIndex, groups: &[usize]) -> Vec<WorkPlace> {
        let assignment = &self.plan.assignments[task as usize];
        let goes_on = |later: &TaskIndex| {
            let later = &self.plan.assignments[*later as usize];
            later.groups == assignment.groups
                && later.stretch == assignment.stretch
                && later.attempt == assignment.attempt
        };
        let mut later = self.plan.graph.dependants().of(task).iter();
        let is_last = assignment.place == Place::Groups && !later.any(goes_on);
        let [group] = groups else {
            return Vec::new();
        };
        let progress = &self.states[*group];
        if !is_last || progress.state.failed() || progress.stopped {
            return Vec::new();
        }
        let recipes = self.run.groups[*group].recipes.iter();
        let places = recipes.filter_map(|recipe| self.run.work.get(&recipe.name));
        places.cloned().collect()
    }

    /// The calls that did not come back in time, nor when they were given up.
    fn stuck(&mut self) -> Vec<Option<TaskIndex>> {
        if self.run.stop.work().stage() == Some(CancelStage::Hard) {
            self.urgent_since.get_or_insert_with(Instant::now);
        }
        let mut stuck = Vec::new();
        for (task, call) in &mut self.calls {
            match call.given_up_at {
                Some(at) if at.elapsed() >= LAST_CHANCE => stuck.push(*task),
                None if call.leash.is_overdue(self.urgent_since) => {
                    call.leash.give_up();
                    call.given_up_at = Some(Instant::now());
                }
                _ => {}
            }
        }
        stuck
    }

    fn abandon_stuck(&mut self) -> Result<(), EngineError> {
        let mut stuck = self.stuck().into_iter().flatten();
        stuck.try_for_each(|task| self.abandon(task))
    }

    /// Goes on without a step that is stuck: its recipes have failed. In company nobody knows whose
    /// fault it is, so each group is attempted alone.
    fn abandon(&mut self, task: TaskIndex) -> Result<(), EngineError> {
        let Some(call) = self.calls.remove(&Some(task)) else {
            return Ok(());
        };
        let present = self.present(task);
        let in_company = self.plan.assignments[task as usize].attempt == Attempt::Company;
        let groups: Vec<&Group> = present.iter().map(|g| &self.run.groups[*g]).collect();
        let seconds = call.leash.elapsed().as_secs_f64();
        let failure = call.failure();
        if !in_company || groups.len() == 1 {
            let outcome = failed(StepOutcome::default(), &groups, &failure);
            self.done(task, outcome, seconds)?;
            return self.finish_task(task);
        }
        let postponed = company::all_postponed(&groups, &failure);
        self.done(task, StepOutcome::default(), seconds)?;
        for group in postponed {
            self.postpone(group)?;
        }
        self.finish_task(task)
    }

    /// Says once in the journal that the run ends because its time is up.
    fn note_that_time_is_up(&mut self) -> Result<(), EngineError> {
        if self.said_time_is_up || !self.run.stop.is_out_of_time() {
            return Ok(());
        }
        self.said_time_is_up = true;
        self.record(Event::Log {
            level: Level::Warning,
            group: None,
            message: "the time limit of the run is up: it ends as if it had been asked to stop"
                .to_owned(),
        })
    }

    /// The groups of a task that it is carried out for: of a company those that are still in it.
    fn present(&self, task: TaskIndex) -> Vec<usize> {
        let Assignment {
            groups, attempt, ..
        } = &self.plan.assignments[task as usize];
        let is_in_it = |group: &usize| {
            let progress = &self.states[*group];
            *attempt != Attempt::Company
                || !(progress.state.failed() || progress.stopped || self.nothing_left(*group))
        };
        groups.iter().copied().filter(is_in_it).collect()
    }

    /// Carries out the steps about the run as a whole, one after another. They change no verdict.
    fn close(
        &mut self,
        messages: &mpsc::Sender<Message>,
        inbox: &mpsc::Receiver<Message>,
    ) -> Result<(), EngineError> {
        let pipeline = self.run.pipeline;
        let begun = |group: &usize| self.states[*group].began.is_some();
        let groups: Vec<usize> = (0..self.states.len()).filter(begun).collect();
        let (done, begun) = (self.closed, self.closing_begun);
        for (number, step) in pipeline.closing.iter().enumerate().skip(done) {
            if self.run.stop.requested() && !step.always {
                continue;
            }
            let seats = &self.run.seats;
            let seat_number = seats.numbers().of_run;
            let seat = seats.seat(seat_number).clone();
            let mut request = self.request(step, &groups, &seat)?;
            request.again = begun && number == done;
            self.record(step_started(step, Vec::new(), seat_number))?;
            let host = self.host(messages, step, String::new(), &seat);
            let messages = messages.clone();
            let (leash, called) = (Arc::clone(&host.leash), step.clone());
            let thread = self.threads + 1;
            self.call(None, &step.plugin, leash, move || {
                let began = Instant::now();
                let outcome = close_out(&called, &request, host);
                let _ = messages.send(Message::Closed {
                    thread,
                    outcome,
                    seconds: began.elapsed().as_secs_f64(),
                });
            })?;
            let (outcome, seconds) = self.until_closed(inbox)?;
            self.closing_failed |= outcome.is_err();
            if let Err(failure) = &outcome {
                self.record(Event::Log {
                    level: Level::Error,
                    group: None,
                    message: failure.message.clone(),
                })?;
            }
            let outcome = outcome.unwrap_or_default();
            let note = self.run.folder.path().join(step_note(step));
            self.record(self.step_finished(step, Vec::new(), outcome, seconds))?;
            let _ = fs::remove_file(note);
        }
        Ok(())
    }

    /// Takes messages until the closing step under way has ended.
    fn until_closed(
        &mut self,
        inbox: &mpsc::Receiver<Message>,
    ) -> Result<(Result<StepOutcome, Failure>, f64), EngineError> {
        loop {
            if self.stuck().contains(&None)
                && let Some(call) = self.calls.remove(&None)
            {
                return Ok((Err(call.failure()), call.leash.elapsed().as_secs_f64()));
            }
            match self.next_message(inbox)? {
                Some(Message::Closed {
                    thread,
                    outcome,
                    seconds,
                }) if thread == self.threads => {
                    self.calls.remove(&None);
                    return Ok((outcome, seconds));
                }
                Some(message) => self.receive(message)?,
                None => {}
            }
        }
    }

    fn host(
        &self,
        messages: &mpsc::Sender<Message>,
        step: &Step,
        group: String,
        seat: &Seat,
    ) -> Arc<StepHost> {
        Arc::new(StepHost {
            shared: Arc::clone(&self.shared),
            dirs: Arc::clone(&seat.dirs),
            messages: messages.clone(),
            group: Some(group).filter(|group| !group.is_empty()),
            cleanup: self.run.stop.requested(),
            leash: Arc::new(Leash::new(step.limit)),
            said: Said::default(),
        })
    }

    /// Seats a group. Whether the one before it may have left something there: git takes its time to
    /// look at every file of a layer.
    fn is_used(&mut self, seat: usize, group: usize) -> bool {
        self.seated.insert(seat, group).is_some_and(|before| {
            let Progress { state, stopped, .. } = &self.states[before];
            // Of a company only the first is known here.
            self.run.batch > 1 || *stopped || *state != GroupState::default()
        })
    }

    fn request(
        &mut self,
        step: &Step,
        groups: &[usize],
        seat: &Seat,
    ) -> Result<StepRequest, EngineError> {
        let indexes = groups;
        let mut groups = Vec::new();
        for &index in indexes {
            let group = &self.run.groups[index];
            let progress = &mut self.states[index];
            progress.began.get_or_insert_with(Instant::now);
            let folder = match &progress.folder {
                Some(folder) => folder.clone(),
                None => self.run.folder.create_group(&group.name())?,
            };
            if progress.folder.is_none() && progress.begun > 0 {
                forget_other_notes(&folder, step);
            }
            progress.folder = Some(folder.clone());
            groups.push(seat.here(GroupWork {
                group: group.clone(),
                folder,
                state: progress.state.clone(),
            }));
        }
        let dirs = &seat.dirs;
        Ok(StepRequest {
            action: step.action.clone(),
            run: RunContext {
                folder: self.run.folder.path().to_owned(),
                build_dir: dirs.original().to_owned(),
                workspace: dirs.workspace().to_owned(),
                author: self.run.author.clone(),
                branch: self.run.seats.branch().map(str::to_owned),
            },
            groups,
            machines: seat.machines(),
            options: step.options.clone(),
            settings: step.settings.clone(),
            again: false,
        })
    }

    fn receive(&mut self, message: Message) -> Result<(), EngineError> {
        match message {
            Message::Live(live) => {
                self.watcher.live(&live);
                Ok(())
            }
            Message::Event(event) => self.record(event),
            Message::FetchedAhead => {
                self.ahead.ended();
                Ok(())
            }
            Message::CommandStarted(at, event) => {
                self.clock.started(at);
                self.record(event)
            }
            Message::CommandFinished(at, event) => {
                self.clock.finished(at);
                self.record(event)
            }
            Message::Done {
                task,
                outcome,
                postponed,
                seconds,
            } => {
                // What comes after it was given up comes too late.
                if self.calls.remove(&Some(task)).is_none() {
                    return Ok(());
                }
                self.done(task, outcome, seconds)?;
                for group in postponed {
                    self.postpone(group)?;
                }
                self.finish_task(task)
            }
            // Only a closing step ends so, and it is waited for elsewhere; one that was given up
            // before comes too late.
            Message::Closed { .. } => Ok(()),
        }
    }

    fn done(
        &mut self,
        task: TaskIndex,
        mut outcome: StepOutcome,
        seconds: f64,
    ) -> Result<(), EngineError> {
        let assignment = &self.plan.assignments[task as usize];
        let step = &self.run.pipeline.steps[assignment.step];
        let groups = self.present(task);
        if let ([group], false) = (&groups[..], outcome.failed())
            && assignment.attempt == Attempt::Alone
            && step.takes_company()
        {
            let before = &self.states[*group].postponed;
            outcome.notes.extend(before.as_ref().map(Postponed::remark));
        }
        let names = self.names(&groups);
        outcome.changes.iter().flatten().for_each(put_on_disk);
        self.record(self.step_finished(step, names, outcome.clone(), seconds))?;
        let stopping = self.run.stop.requested();
        for group in groups {
            let progress = &mut self.states[group];
            let part = outcome.part_of(&self.run.groups[group]);
            progress.stopped |= stopping && part.failed();
            progress.state.absorb(&part);
            // What was stopped may have left something behind.
            if let (Some(folder), false) = (&progress.folder, stopping && part.failed()) {
                let _ = fs::remove_file(folder.join(step_note(step)));
            }
        }
        Ok(())
    }

    /// Forgets what came of a group in company; it is attempted once more, alone.
    fn postpone(&mut self, postponed: Postponed) -> Result<(), EngineError> {
        let mut groups = self.run.groups.iter();
        if let Some(group) = groups.position(|group| group.name() == postponed.group) {
            self.states[group].state = GroupState::default();
            self.states[group].postponed = Some(postponed.clone());
        }
        let Postponed {
            group,
            company,
            failures,
        } = postponed;
        self.record(Event::Postponed {
            group,
            company,
            failures,
        })
    }

    fn finish_task(&mut self, task: TaskIndex) -> Result<(), EngineError> {
        self.ahead.stir();
        for group in self.queue.end(task) {
            self.finish_group(group)?;
        }
        Ok(())
    }

    /// Ends groups whose last step is recorded, and their end is not.
    fn finish_groups_without_tasks(&mut self) -> Result<(), EngineError> {
        let assignments = &self.plan.assignments;
        let has_task = |group: &usize| assignments.iter().any(|a| a.groups.contains(group));
        let groups = 0..self.states.len();
        let ended: Vec<usize> = groups
            .filter(|group| !self.states[*group].done && !has_task(group))
            .collect();
        ended
            .into_iter()
            .try_for_each(|group| self.finish_group(group))
    }

    fn finish_group(&mut self, group: usize) -> Result<(), EngineError> {
        let Some(began) = self.states[group].began else {
            return Ok(());
        };
        let name = self.run.groups[group].name();
        let verdict = self.verdict(group);
        self.run.folder.link(&name, verdict)?;
        self.record(Event::GroupFinished {
            group: name,
            verdict,
            seconds: began.elapsed().as_secs_f64(),
        })
    }

    fn verdict(&self, group: usize) -> GroupVerdict {
        let Progress { state, stopped, .. } = &self.states[group];
        if *stopped {
            GroupVerdict::Stopped
        } else if state.failed() {
            GroupVerdict::Failed
        } else if self.nothing_left(group) {
            GroupVerdict::Skipped
        } else {
            GroupVerdict::Succeeded
        }
    }

    fn names(&self, groups: &[usize]) -> Vec<String> {
        let groups = groups.iter();
        groups.map(|group| self.run.groups[*group].name()).collect()
    }

    fn record(&mut self, event: Event) -> Result<(), EngineError> {
        let record = self.run.journal.append(event)?;
        self.watcher.record(&record);
        Ok(())
    }

    fn step_finished(
        &self,
        step: &Step,
        groups: Vec<String>,
        outcome: StepOutcome,
        seconds: f64,
    ) -> Event {
        Event::StepFinished {
            groups,
            step: step.plugin.manifest().name.clone(),
            action: step.action.clone(),
            outcome,
            seconds,
            stopping: self.run.stop.requested(),
        }
    }

    fn end(mut self) -> Result<RunEnd, EngineError> {
        for event in self.disk.look_at_all(Instant::now()) {
            self.record(event)?;
        }
        self.scheduler.end();
        let stopped = self.run.stop.requested();
        let failed = self.run.failed_before
            || self.closing_failed
            || self.states.iter().any(|progress| progress.state.failed());
        Ok(RunEnd {
            exit_code: if stopped { 130 } else { u8::from(failed) },
            stopped,
            seconds: (self.took_before + self.run.began.elapsed()).as_secs_f64(),
            command_seconds: self.clock.total.as_secs_f64(),
        })
    }
}

/// Puts changed files on the disk before the journal says that they are changed, so that both survive
/// a loss of power. What cannot be put there is no reason to stop.
fn put_on_disk(change: &RepositoryChange) {
    let mut folders = BTreeSet::new();
    for path in change.paths.iter().map(|path| change.repository.join(path)) {
        let _ = File::open(&path).and_then(|file| file.sync_all());
        folders.extend(path.parent().map(Path::to_owned));
    }
    for folder in folders {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

impl Call {
    /// How the step fails that is stuck in it.
    fn failure(&self) -> Failure {
        let Self { plugin, thread, .. } = self;
        let span = self.leash.span();
        let message = format!(
            "plugin {plugin} did not come back within {span} and was left behind: its thread \
             {thread} is stuck"
        );
        Failure::new(FailureClass::Hang, message)
    }
}

fn step_note(step: &Step) -> String {
    note_name(&step.plugin.manifest().name, &step.action)
}

/// Takes away the notes of steps whose end is recorded: an earlier process may have died between both.
fn forget_other_notes(folder: &Path, step: &Step) {
    let own = step_note(step);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(NOTES) && *name != own {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn step_started(step: &Step, groups: Vec<String>, seat: usize) -> Event {
    Event::StepStarted {
        groups,
        step: step.plugin.manifest().name.clone(),
        action: step.action.clone(),
        seat: Some(seat),
    }
}

/// Wall time in which at least one command was running.
#[derive(Default)]
struct CommandClock {
    running: usize,
    since: Option<Instant>,
    total: Duration,
}

impl CommandClock {
    fn started(&mut self, at: Instant) {
        self.running += 1;
        self.since.get_or_insert(at);
    }

    fn finished(&mut self, at: Instant) {
        self.running -= 1;
        if let (0, Some(since)) = (self.running, self.since) {
            self.total += at.saturating_duration_since(since);
            self.since = None;
        }
    }
}
