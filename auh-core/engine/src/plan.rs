//! The plan of a run: groups and steps as a task graph.

use auh_graph::{TaskGraph, TaskGraphBuilder, TaskIndex};
use auh_loader::Plugin;
use auh_protocol::{Company, Group, Scope, step};
use serde_json::{Map, Value};
use std::time::Duration;

/// A step of a pipeline, with its plugin loaded.
#[derive(Debug, Clone)]
pub struct Step {
    /// The plugin.
    pub plugin: Plugin,
    /// What it is asked to do.
    pub action: String,
    /// Whether it runs after a failure too.
    pub always: bool,
    /// How long one call of it may take; none without a limit.
    pub limit: Option<Duration>,
    /// The plugin's settings.
    pub options: Map<String, Value>,
    /// The other settings that its manifest asks for.
    pub settings: Map<String, Value>,
}

impl Step {
    /// `step` or `step action`: its task's name, unique within a pipeline that makes sense.
    #[must_use]
    pub fn label(&self) -> String {
        step::label(&self.plugin.manifest().name, &self.action)
    }

    /// Whether it can be asked about the recipes of several groups as about one group's.
    #[must_use]
    pub fn takes_company(&self) -> bool {
        self.plugin.manifest().company == Company::Welcome
    }

    /// Whether what it sees has to be one group's alone.
    #[must_use]
    pub fn bears_no_company(&self) -> bool {
        self.plugin.manifest().company == Company::Never
    }

    /// Whether it brings commits to where those of all groups come together.
    #[must_use]
    pub fn integrates(&self) -> bool {
        self.plugin.manifest().integrates && self.action == "run"
    }

    pub(crate) fn scope(&self) -> Scope {
        self.plugin.manifest().scope_of(&self.action)
    }
}

/// The scheduler of a run, with its plugin loaded.
#[derive(Debug, Clone)]
pub struct Scheduler {
    /// The plugin.
    pub plugin: Plugin,
    /// How long one answer of it may take; none without a limit.
    pub limit: Option<Duration>,
    /// The plugin's settings.
    pub options: Map<String, Value>,
}

impl Scheduler {
    /// Its own name, which may be another one than it was asked for by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.plugin.manifest().name
    }
}

/// The steps of a run, in order.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its name in the settings.
    pub name: String,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Steps about the run as a whole, for when its results are written.
    pub closing: Vec<Step>,
}

/// What a task of the plan does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// Place of the step in the pipeline.
    pub step: usize,
    /// The groups it is about: one, or all of them for a step about the whole run.
    pub groups: Vec<usize>,
    /// Place of the stretch of steps that a group walks without another one in between.
    pub stretch: usize,
    /// Where it is carried out.
    pub place: Place,
    /// Which groups' seat it takes: the number of the first of them.
    pub seat_of: usize,
    /// Whether it begins in layers that have nothing of other groups.
    pub fresh: bool,
    /// Which attempt at its groups it belongs to.
    pub attempt: Attempt,
}

/// An attempt at upgrading a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The only one there is, or what follows the one that counts.
    Only,
    /// The one in company, but for the step that is carried out for all at once.
    First,
    /// That step.
    Company,
    /// Another one by itself, for a group that failed in company.
    Alone,
}

/// Where a task of the plan is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Where groups are upgraded and built.
    Groups,
    /// Where the groups' commits have come together.
    Run,
}

/// Groups x steps: each group walks the steps in order; a step about the whole run waits for
/// every group and is waited for by every group; a step that integrates takes the groups in turn.
pub(crate) struct Plan {
    /// The graph. A group takes the part of a recipe in it, a step that of a task.
    pub graph: TaskGraph,
    /// What each task does.
    pub assignments: Vec<Assignment>,
}

impl Plan {
    /// `batch` says how many groups at most are built in company. In a run that goes on, `behind` has
    /// for each group how many steps are behind it.
    pub(crate) fn new(
        pipeline: &Pipeline,
        groups: &[Group],
        batch: usize,
        behind: &[usize],
    ) -> Self {
        let mut drawing = Drawing::new(pipeline, groups);
        drawing.behind.copy_from_slice(behind);
        let everybody: Vec<usize> = (0..groups.len()).collect();
        for section in sections(pipeline) {
            match section {
                Section::Run(step) => {
                    let open = |group: &usize| behind[*group] <= step;
                    let open: Vec<usize> = everybody.iter().copied().filter(open).collect();
                    drawing.stretch(&Stretch::of_run(step), "run", &open);
                }
                // Group by group, so that the graph's own order finishes one after another.
                Section::Groups(stretches) => {
                    for company in everybody.chunks(batch.max(1)) {
                        drawing.company(&stretches, company);
                    }
                }
            }
        }
        Self {
            graph: drawing
                .builder
                .build()
                .expect("steps only wait for earlier ones"),
            assignments: drawing.assignments,
        }
    }
}

/// A plan that is being drawn.
struct Drawing<'a> {
    pipeline: &'a Pipeline,
    groups: &'a [Group],
    builder: TaskGraphBuilder,
    assignments: Vec<Assignment>,
    /// Each group's latest task: what its next one waits for.
    latest: Vec<Option<TaskIndex>>,
    /// What the next group's integration waits for.
    integrated: Option<TaskIndex>,
    /// How many steps are behind each group.
    behind: Vec<usize>,
}

impl<'a> Drawing<'a> {
    fn new(pipeline: &'a Pipeline, groups: &'a [Group]) -> Self {
        Self {
            pipeline,
            groups,
            builder: TaskGraphBuilder::new(),
            assignments: Vec::new(),
            latest: vec![None; groups.len()],
            integrated: None,
            behind: vec![0; groups.len()],
        }
    }

    /// Stretches of steps for some groups that may be built in company. Who has gone some of the way
    /// already goes on alone.
    fn company(&mut self, stretches: &[Stretch], company: &[usize]) {
        let is_new = |group: &usize| self.behind[*group] == 0;
        let (together, alone): (Vec<usize>, Vec<usize>) = company.iter().copied().partition(is_new);
        let (first, rest) = match stretches.split_first() {
            Some((first, rest)) if together.len() > 1 => match self.shared_step(first) {
                Some(shared) => {
                    self.in_company(first, shared, &together);
                    for group in alone {
                        self.stretch(first, &self.groups[group].name(), &[group]);
                    }
                    (None, rest)
                }
                None => (Some(first), rest),
            },
            Some((first, rest)) => (Some(first), rest),
            None => return,
        };
        for &group in company {
            for stretch in first.into_iter().chain(rest) {
                self.stretch(stretch, &self.groups[group].name(), &[group]);
            }
        }
    }

    /// The place in a stretch of the step that takes company.
    fn shared_step(&self, stretch: &Stretch) -> Option<usize> {
        let takes_company = |step: &usize| self.pipeline.steps[*step].takes_company();
        let place = stretch.steps.iter().position(takes_company);
        // Who has done nothing yet has nothing to be built in company.
        place.filter(|place| *place > 0 && stretch.place == Place::Groups)
    }

    /// All groups walk to the shared step, one after another in one seat, take it together, and
    /// walk on one after another; then those that failed in company walk the whole way alone.
    fn in_company(&mut self, stretch: &Stretch, shared: usize, company: &[usize]) {
        let (before, after) = (&stretch.steps[..shared], &stretch.steps[shared + 1..]);
        let seat = Seat {
            of: company[0],
            stretch,
        };
        let mut previous = None;
        for (number, &group) in company.iter().enumerate() {
            let fresh = number == 0;
            self.walk(&seat, before, group, (Attempt::First, fresh), &mut previous);
        }
        let name = format!("company of {}", self.groups[company[0]].name());
        let task = self.task(
            &seat,
            stretch.steps[shared],
            &name,
            company,
            (Attempt::Company, false),
        );
        self.wait(task, previous);
        previous = Some(task);
        for &group in company {
            self.walk(&seat, after, group, (Attempt::First, false), &mut previous);
        }
        for &group in company {
            self.walk(
                &seat,
                &stretch.steps,
                group,
                (Attempt::Alone, true),
                &mut previous,
            );
        }
    }

    /// One group's steps, each of which waits for the one before it and for what the seat did before.
    fn walk(
        &mut self,
        seat: &Seat<'_>,
        steps: &[usize],
        group: usize,
        (attempt, fresh): (Attempt, bool),
        previous: &mut Option<TaskIndex>,
    ) {
        let name = self.groups[group].name();
        for (number, &step) in steps.iter().enumerate() {
            let fresh = fresh && number == 0;
            let task = self.task(seat, step, &name, &[group], (attempt, fresh));
            self.wait(task, previous.replace(task));
        }
    }

    /// The tasks of one stretch of steps for one group, or for all of them.
    fn stretch(&mut self, stretch: &Stretch, name: &str, groups: &[usize]) {
        let Some(&of) = groups.first() else {
            return;
        };
        let behind = self.behind[of];
        let steps = stretch.steps.iter().enumerate();
        for (number, &step) in steps.filter(|(_, step)| **step >= behind) {
            let fresh = number == 0 && stretch.place == Place::Groups;
            let seat = Seat { of, stretch };
            let task = self.task(&seat, step, name, groups, (Attempt::Only, fresh));
            if self.pipeline.steps[step].integrates() {
                let before = self.integrated.replace(task);
                self.wait(task, before);
            }
        }
    }

    /// A task that waits for the latest one of each of its groups.
    fn task(
        &mut self,
        seat: &Seat<'_>,
        step: usize,
        name: &str,
        groups: &[usize],
        (attempt, fresh): (Attempt, bool),
    ) -> TaskIndex {
        let label = self.pipeline.steps[step].label();
        let label = match attempt {
            Attempt::Alone => format!("{step}-{label} alone"),
            Attempt::Only | Attempt::First | Attempt::Company => format!("{step}-{label}"),
        };
        let task = self
            .builder
            .task_of(name, &label)
            .expect("group names differ, and steps are numbered");
        let mut before: Vec<_> = groups.iter().filter_map(|g| self.latest[*g]).collect();
        before.dedup();
        for before in before {
            self.builder.depends(task, before);
        }
        for group in groups {
            self.latest[*group] = Some(task);
        }
        self.assignments.push(Assignment {
            step,
            groups: groups.to_vec(),
            stretch: seat.stretch.steps[0],
            place: seat.stretch.place,
            seat_of: seat.of,
            fresh,
            attempt,
        });
        task
    }

    fn wait(&mut self, task: TaskIndex, before: Option<TaskIndex>) {
        // To wait twice for the same is to wait for it.
        if let Some(before) = before {
            self.builder.depends(task, before);
        }
    }
}

/// Who takes a seat, and for which steps.
struct Seat<'a> {
    of: usize,
    stretch: &'a Stretch,
}

/// A part of a pipeline.
enum Section {
    /// Steps that each group walks by itself, in stretches.
    Groups(Vec<Stretch>),
    /// A step about the whole run.
    Run(usize),
}

/// Steps that a group walks without another one in between. Its first step names it.
struct Stretch {
    steps: Vec<usize>,
    place: Place,
}

impl Stretch {
    fn of_run(step: usize) -> Self {
        Self {
            steps: vec![step],
            place: Place::Run,
        }
    }
}

/// Whether a group with so many steps behind it still is where groups are upgraded and built.
pub(crate) fn is_among_groups(pipeline: &Pipeline, behind: usize) -> bool {
    let stretches = sections(pipeline)
        .into_iter()
        .flat_map(|section| match section {
            Section::Groups(stretches) => stretches,
            Section::Run(step) => vec![Stretch::of_run(step)],
        });
    let mut holding = stretches.filter(|stretch| stretch.steps.contains(&behind));
    holding.any(|stretch| stretch.place == Place::Groups)
}

/// The steps of a pipeline, cut around each one that is about the whole run, and before each one
/// that integrates.
fn sections(pipeline: &Pipeline) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut place = Place::Groups;
    for (index, step) in pipeline.steps.iter().enumerate() {
        if step.scope() == Scope::Run {
            sections.push(Section::Groups(std::mem::take(&mut stretches)));
            sections.push(Section::Run(index));
            place = Place::Run;
            continue;
        }
        if step.integrates() {
            place = Place::Run;
        }
        match stretches.last_mut() {
            Some(stretch) if !step.integrates() => stretch.steps.push(index),
            _ => stretches.push(Stretch {
                steps: vec![index],
                place,
            }),
        }
    }
    sections.push(Section::Groups(stretches));
    sections
}
