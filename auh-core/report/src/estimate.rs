//! What a run will take, judged by the journals of earlier ones: medians of what steps took, and one
//! group after another given to the job that is free first.

use auh_journal::{Event, Record};
use auh_protocol::step::label;
use std::{collections::BTreeMap, path::PathBuf};

/// What earlier runs took.
#[derive(Debug, Clone, Default)]
pub struct Experience {
    /// How many runs it is made of.
    pub runs: usize,
    /// Seconds by step, and by step and group.
    of_step: BTreeMap<String, Vec<f64>>,
    of_group: BTreeMap<(String, String), Vec<f64>>,
    /// Seconds that a step about several groups took for each of them.
    in_company: BTreeMap<String, Vec<f64>>,
    before_the_plan: Vec<f64>,
    /// Bytes by which each run's free disk space shrank at most, over all file systems.
    disk: Vec<u64>,
}

/// A step of the run to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// `step` or `step action`.
    pub label: String,
    /// Whether it is about the whole run.
    pub of_run: bool,
    /// Whether it is carried out for a batch at once.
    pub shared: bool,
}

/// The run to come.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What is done with each group, in order.
    pub steps: Vec<PlannedStep>,
    /// The groups' names in the order in which they are begun.
    pub groups: Vec<String>,
    /// How many groups are under way side by side.
    pub jobs: usize,
    /// How many are built in company.
    pub batch: usize,
}

/// What it will take.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Wall time in seconds.
    pub seconds: f64,
    /// By group, alone; the order is that of the plan.
    pub groups: Vec<GroupEstimate>,
    /// Bytes of disk space, the most that an earlier run needed; none when none was measured.
    pub disk: Option<u64>,
}

/// What one group will take.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupEstimate {
    /// Its name.
    pub group: String,
    /// Seconds.
    pub seconds: f64,
    /// False when only other groups' times are known.
    pub known: bool,
}

/// A group that is under way.
#[derive(Debug, Clone, PartialEq)]
pub struct UnderWay {
    /// Its name.
    pub group: String,
    /// The steps it has behind it.
    pub behind: Vec<String>,
    /// The step that is carried out for it, and for how many seconds.
    pub current: Option<(String, f64)>,
}

impl Experience {
    /// Adds what one run's journal says. What failed early says little of what success takes, and is
    /// left out.
    pub fn absorb(&mut self, records: &[Record]) {
        self.runs += 1;
        let mut free: BTreeMap<&PathBuf, (u64, u64)> = BTreeMap::new();
        for record in records {
            match &record.event {
                Event::StepFinished {
                    groups,
                    step,
                    action,
                    outcome,
                    seconds,
                    ..
                } if !outcome.failed() => self.step(groups, &label(step, action), *seconds),
                // What comes before there is a plan has the first number.
                Event::CommandFinished(end) if end.id == 0 => {
                    self.before_the_plan.push(end.seconds);
                }
                Event::DiskMeasured {
                    folder, free: now, ..
                } => {
                    let (_, least) = free.entry(folder).or_insert((*now, *now));
                    *least = (*least).min(*now);
                }
                _ => {}
            }
        }
        if !free.is_empty() {
            let shrunk = free.values().map(|(first, least)| first - least);
            self.disk.push(shrunk.sum());
        }
    }

    /// Bytes of disk space, the most that one of the runs needed; none when none was measured.
    #[must_use]
    pub fn disk(&self) -> Option<u64> {
        self.disk.iter().max().copied()
    }

    fn step(&mut self, groups: &[String], label: &str, seconds: f64) {
        match groups {
            [] => {}
            [group] => {
                let key = (label.to_owned(), group.clone());
                self.of_group.entry(key).or_default().push(seconds);
                let of_step = self.of_step.entry(label.to_owned()).or_default();
                of_step.push(seconds);
            }
            several => {
                let share = seconds / several.len() as f64;
                let in_company = self.in_company.entry(label.to_owned()).or_default();
                in_company.push(share);
            }
        }
    }

    /// What a run will take; none without any run to judge by.
    #[must_use]
    pub fn estimate(&self, planned: &Planned) -> Option<Estimate> {
        if self.runs == 0 {
            return None;
        }
        let groups = planned.groups.iter().map(|group| {
            let steps = planned.steps.iter().filter(|step| !step.of_run);
            let known = self.knows(group);
            GroupEstimate {
                group: group.clone(),
                seconds: steps.map(|step| self.alone(&step.label, group)).sum(),
                known,
            }
        });
        let of_run = planned.steps.iter().filter(|step| step.of_run);
        let of_run: f64 = of_run
            .map(|step| median(self.in_company.get(&step.label)) * planned.groups.len() as f64)
            .sum();
        let before = median(Some(&self.before_the_plan));
        Some(Estimate {
            seconds: before + self.side_by_side(planned) + of_run,
            groups: groups.collect(),
            disk: self.disk(),
        })
    }

    /// Seconds that the rest of a run will take, with some groups under way and others still `waiting`;
    /// none without any run to judge by. A step that takes longer than usual has no time left, and when
    /// it takes far longer nothing is known any more.
    #[must_use]
    pub fn rest(
        &self,
        planned: &Planned,
        under_way: &[UnderWay],
        waiting: &[String],
    ) -> Option<f64> {
        if self.runs == 0 {
            return None;
        }
        if under_way.iter().any(|group| self.is_beyond(group)) {
            return None;
        }
        let mut busy: Vec<f64> = under_way
            .iter()
            .map(|group| self.rest_of(planned, group))
            .collect();
        // Those in company share a job.
        busy.sort_by(|a, b| b.total_cmp(a));
        let jobs = planned.jobs.max(1);
        let mut free_at = vec![0.0_f64; jobs];
        for (place, seconds) in busy.into_iter().enumerate() {
            free_at[place % jobs] += seconds;
        }
        let of_run = planned.steps.iter().filter(|step| step.of_run);
        let of_run: f64 = of_run
            .map(|step| median(self.in_company.get(&step.label)) * planned.groups.len() as f64)
            .sum();
        Some(self.distributed(planned, waiting, free_at) + of_run)
    }

    /// Whether its step takes so long that earlier runs say nothing about it.
    fn is_beyond(&self, under_way: &UnderWay) -> bool {
        const SOON: f64 = 60.0;
        under_way
            .current
            .as_ref()
            .is_some_and(|(step, so_far)| *so_far > 2.0 * self.alone(step, &under_way.group) + SOON)
    }

    fn rest_of(&self, planned: &Planned, under_way: &UnderWay) -> f64 {
        let steps = planned.steps.iter().filter(|step| !step.of_run);
        let ahead = steps.filter(|step| !under_way.behind.contains(&step.label));
        let seconds = ahead.map(|step| {
            let whole = self.alone(&step.label, &under_way.group);
            match &under_way.current {
                Some((current, so_far)) if *current == step.label => (whole - so_far).max(0.0),
                _ => whole,
            }
        });
        seconds.sum()
    }

    /// Batches in their order, each to the job that is free first.
    fn side_by_side(&self, planned: &Planned) -> f64 {
        let free_at = vec![0.0_f64; planned.jobs.max(1)];
        self.distributed(planned, &planned.groups, free_at)
    }

    fn distributed(&self, planned: &Planned, groups: &[String], mut free_at: Vec<f64>) -> f64 {
        for batch in groups.chunks(planned.batch.max(1)) {
            let first = free_at
                .iter_mut()
                .min_by(|a, b| a.total_cmp(b))
                .expect("there is a job");
            *first += self.batch(planned, batch);
        }
        free_at.into_iter().fold(0.0, f64::max)
    }

    fn batch(&self, planned: &Planned, groups: &[String]) -> f64 {
        let steps = planned.steps.iter().filter(|step| !step.of_run);
        let seconds = steps.map(|step| {
            let in_company = self.in_company.get(&step.label);
            match in_company.filter(|_| step.shared && groups.len() > 1) {
                Some(shares) => median(Some(shares)) * groups.len() as f64,
                None => groups.iter().map(|g| self.alone(&step.label, g)).sum(),
            }
        });
        seconds.sum()
    }

    fn alone(&self, label: &str, group: &str) -> f64 {
        let own = self.of_group.get(&(label.to_owned(), group.to_owned()));
        median(own.or_else(|| self.of_step.get(label)))
    }

    fn knows(&self, group: &str) -> bool {
        self.of_group.keys().any(|(_, known)| known == group)
    }
}

/// The upper one of two; 0 of nothing.
fn median(values: Option<&Vec<f64>>) -> f64 {
    let mut values = values.cloned().unwrap_or_default();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_protocol::StepOutcome;

    fn record(event: Event) -> Record {
        Record {
            time: "2026-01-01T00:00:00Z".parse().unwrap(),
            event,
        }
    }

    fn step(groups: &[&str], step: &str, seconds: f64) -> Record {
        record(Event::StepFinished {
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            step: step.to_owned(),
            action: "run".to_owned(),
            outcome: StepOutcome::default(),
            seconds,
            stopping: false,
        })
    }

    fn free(bytes: u64) -> Record {
        record(Event::DiskMeasured {
            folder: "/b".into(),
            free: bytes,
            size: 1000,
        })
    }

    fn planned(groups: &[&str], jobs: usize, batch: usize) -> Planned {
        let step = |label: &str, shared| PlannedStep {
            label: label.to_owned(),
            of_run: false,
            shared,
        };
        Planned {
            steps: vec![step("upgrade", false), step("compile", true)],
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            jobs,
            batch,
        }
    }

    fn experience() -> Experience {
        let mut experience = Experience::default();
        experience.absorb(&[
            free(900),
            step(&["a"], "upgrade", 10.0),
            step(&["a"], "compile", 30.0),
            free(400),
            step(&["b"], "upgrade", 20.0),
            free(600),
        ]);
        experience
    }

    #[test]
    fn what_is_not_known_of_a_group_is_taken_from_others() {
        let estimate = experience()
            .estimate(&planned(&["a", "new"], 1, 1))
            .unwrap();
        let of = |group: &str, seconds, known| GroupEstimate {
            group: group.to_owned(),
            seconds,
            known,
        };
        assert_eq!(
            estimate.groups,
            [of("a", 40.0, true), of("new", 50.0, false)]
        );
        assert!((estimate.seconds - 90.0).abs() < 1e-9);
        assert_eq!(estimate.disk, Some(500));
    }

    #[test]
    fn jobs_work_side_by_side_and_batches_share_their_builds() {
        let seconds = |experience: &Experience, jobs, batch| {
            let planned = planned(&["a", "b", "a"], jobs, batch);
            experience.estimate(&planned).unwrap().seconds
        };
        let mut experience = experience();
        assert!((seconds(&experience, 1, 1) - 130.0).abs() < 1e-9);
        assert!((seconds(&experience, 2, 1) - 80.0).abs() < 1e-9);
        // Nothing is known of batches: what they would take alone.
        assert!((seconds(&experience, 1, 3) - 130.0).abs() < 1e-9);
        experience.absorb(&[step(&["a", "b"], "compile", 40.0)]);
        assert!((seconds(&experience, 1, 3) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn the_rest_is_what_no_step_has_done_yet() {
        let experience = experience();
        let planned = planned(&["a", "b", "new"], 1, 1);
        let rest = |behind: &[&str], current: Option<(&str, f64)>, waiting: &[&str]| {
            let under_way = UnderWay {
                group: "a".to_owned(),
                behind: behind.iter().map(|&step| step.to_owned()).collect(),
                current: current.map(|(step, seconds)| (step.to_owned(), seconds)),
            };
            let waiting: Vec<String> = waiting.iter().map(|&group| group.to_owned()).collect();
            experience.rest(&planned, &[under_way], &waiting).unwrap()
        };
        assert!((rest(&[], Some(("upgrade", 4.0)), &[]) - 36.0).abs() < 1e-9);
        assert!((rest(&["upgrade"], Some(("compile", 4.0)), &[]) - 26.0).abs() < 1e-9);
        assert!((rest(&["upgrade"], Some(("compile", 99.0)), &[]) - 0.0).abs() < 1e-9);
        assert!((rest(&["upgrade"], None, &["b"]) - 80.0).abs() < 1e-9);
        assert_eq!(Experience::default().rest(&planned, &[], &[]), None);
    }

    #[test]
    fn without_a_run_nothing_is_known() {
        assert_eq!(Experience::default().estimate(&planned(&["a"], 1, 1)), None);
    }
}
