//! The plan of a run: groups and steps as a task graph.

use auh_graph::{TaskGraph, TaskGraphBuilder, TaskIndex};
use auh_loader::Plugin;
use auh_protocol::{Group, Scope};
use serde_json::{Map, Value};

/// A step of a pipeline, with its plugin loaded.
#[derive(Debug, Clone)]
pub struct Step {
    /// The plugin.
    pub plugin: Plugin,
    /// What it is asked to do.
    pub action: String,
    /// Whether it runs after a failure too.
    pub always: bool,
    /// The plugin's settings.
    pub options: Map<String, Value>,
    /// The other settings that its manifest asks for.
    pub settings: Map<String, Value>,
}

impl Step {
    /// `step` or `step action`: its task's name, unique within a pipeline that makes sense.
    #[must_use]
    pub fn label(&self) -> String {
        let name = &self.plugin.manifest().name;
        match self.action.as_str() {
            "run" => name.clone(),
            action => format!("{name} {action}"),
        }
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
    pub(crate) fn new(pipeline: &Pipeline, groups: &[Group]) -> Self {
        let mut drawing = Drawing::new(pipeline, groups);
        let everybody: Vec<usize> = (0..groups.len()).collect();
        for section in sections(pipeline) {
            match section {
                Section::Run(step) => drawing.stretch(&Stretch::of_run(step), "run", &everybody),
                // Group by group, so that the graph's own order finishes one after another.
                Section::Groups(stretches) => {
                    for (index, group) in groups.iter().enumerate() {
                        for stretch in &stretches {
                            drawing.stretch(stretch, &group.name(), &[index]);
                        }
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
    builder: TaskGraphBuilder,
    assignments: Vec<Assignment>,
    /// Each group's latest task: what its next one waits for.
    latest: Vec<Option<TaskIndex>>,
    /// What the next group's integration waits for.
    integrated: Option<TaskIndex>,
}

impl<'a> Drawing<'a> {
    fn new(pipeline: &'a Pipeline, groups: &[Group]) -> Self {
        Self {
            pipeline,
            builder: TaskGraphBuilder::new(),
            assignments: Vec::new(),
            latest: vec![None; groups.len()],
            integrated: None,
        }
    }

    /// The tasks of one stretch of steps for one group, or for all of them.
    fn stretch(&mut self, stretch: &Stretch, name: &str, groups: &[usize]) {
        if groups.is_empty() {
            return;
        }
        for &step in &stretch.steps {
            let integrates = self.pipeline.steps[step].integrates();
            let label = format!("{step}-{}", self.pipeline.steps[step].label());
            let task = self
                .builder
                .task_of(name, &label)
                .expect("group names differ, and steps are numbered");
            let mut before: Vec<_> = groups
                .iter()
                .filter_map(|group| self.latest[*group])
                .collect();
            before.dedup();
            if integrates {
                before.extend(self.integrated.replace(task));
            }
            for before in before {
                self.builder.depends(task, before);
            }
            for group in groups {
                self.latest[*group] = Some(task);
            }
            self.assignments.push(Assignment {
                step,
                groups: groups.to_vec(),
                stretch: stretch.steps[0],
                place: stretch.place,
            });
        }
    }
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
