//! The chart of a run's course as SVG: a lane for each worker and each machine.

use auh_page::escaped;
use auh_protocol::Machine;
use auh_report::{CommandTime, Standing, StepEnd, Story, Timeline, duration};
use std::{collections::HashMap, fmt::Write as _};

const WIDTH: f64 = 1100.0;
const LEFT: f64 = 130.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 8.0;
const LANE: f64 = 30.0;
const BAR: f64 = 22.0;
/// Steps of a group with less than this share of the run between them are one bar.
const GAP: f64 = 0.001;
/// The narrowest bar, in pixels; what is shorter is joined with its neighbour.
const NARROWEST: f64 = 0.7;
/// How wide a letter of a bar's label is, at most.
const LETTER: f64 = 7.2;

/// The chart.
pub(crate) fn lanes(text: &mut String, story: &Story, timeline: &Timeline) {
    let machines = story.start.as_ref().map_or(&[][..], |s| &s.machines);
    let ahead = ahead(timeline);
    let frame = Frame {
        seconds: timeline.seconds.max(1.0),
        lanes: timeline.workers + machines.len() + usize::from(!ahead.is_empty()),
    };
    frame.open(text);
    frame.grid(text);
    for worker in 0..timeline.workers {
        frame.name(text, worker, &format!("worker {}", worker + 1));
        write_all(text, &frame, worker, blocks(story, timeline, worker));
    }
    for (place, machine) in machines.iter().enumerate() {
        let lane = timeline.workers + place;
        frame.name(text, lane, &machine.to_string());
        write_all(text, &frame, lane, idle(timeline, machine));
        write_all(text, &frame, lane, commands(timeline, machine));
    }
    if !ahead.is_empty() {
        let lane = timeline.workers + machines.len();
        frame.name(text, lane, "fetched ahead");
        write_all(text, &frame, lane, ahead);
    }
    text.push_str("</svg></div>\n");
    text.push_str(LEGEND);
}

const LEGEND: &str = "<ul class=\"legend\" aria-label=\"Signs of the chart\">\
    <li><svg width=\"26\" height=\"14\" aria-hidden=\"true\"><rect class=\"good\" width=\"26\" height=\"14\"/></svg> went well</li>\
    <li><svg width=\"26\" height=\"14\" aria-hidden=\"true\"><rect class=\"bad\" width=\"26\" height=\"14\"/><path class=\"stripe\" d=\"M0 14L14 0M10 14L24 0\"/></svg> failed (striped)</li>\
    <li><svg width=\"26\" height=\"14\" aria-hidden=\"true\"><rect class=\"other\" width=\"26\" height=\"14\"/></svg> neither</li>\
    <li><svg width=\"26\" height=\"14\" aria-hidden=\"true\"><rect class=\"command\" width=\"26\" height=\"14\"/></svg> a command</li>\
    <li><svg width=\"26\" height=\"14\" aria-hidden=\"true\"><rect class=\"idle\" x=\"1\" y=\"1\" width=\"24\" height=\"12\"/></svg> waited for a slower machine</li></ul>\n";

/// What fills bars of failures, for those who see no colours.
pub(crate) const STRIPES: &str = "<defs><pattern id=\"stripes\" width=\"8\" height=\"8\" \
    patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect class=\"bad\" width=\"8\" \
    height=\"8\"/><path class=\"stripe\" d=\"M0 0V8\"/></pattern></defs>";

/// A bar of a lane.
struct Bar {
    from: f64,
    to: f64,
    style: &'static str,
    /// What stands in it, if there is room.
    label: String,
    /// What it says when it is pointed at.
    title: String,
}

struct Frame {
    /// How long the run took.
    seconds: f64,
    lanes: usize,
}

impl Frame {
    fn x(&self, second: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * second / self.seconds
    }

    fn y(lane: usize) -> f64 {
        TOP + LANE * lane as f64
    }

    fn open(&self, text: &mut String) {
        let height = Self::y(self.lanes) + 26.0;
        let _ = writeln!(
            text,
            "<div class=\"wide\" role=\"region\" aria-label=\"Chart of the run\" tabindex=\"0\">\
             <p class=\"sideways\">The chart scrolls sideways.</p><svg class=\"lanes\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             aria-label=\"What workers and machines did over {}; the tables below say it in figures\">\
             {STRIPES}",
            duration(self.seconds)
        );
    }

    fn grid(&self, text: &mut String) {
        let bottom = Self::y(self.lanes);
        for second in ticks(self.seconds) {
            let x = self.x(second);
            let _ = write!(
                text,
                "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom:.1}\"/>"
            );
        }
        time_axis(text, self.seconds, bottom + 18.0, |second| self.x(second));
        text.push('\n');
    }

    fn name(&self, text: &mut String, lane: usize, name: &str) {
        let shown: String = name.chars().take(17).collect();
        let _ = writeln!(
            text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}<title>{}</title></text>",
            LEFT - 8.0,
            Self::y(lane) + BAR / 2.0 + 4.0,
            escaped(&shown),
            escaped(name)
        );
    }

    fn bar(&self, text: &mut String, lane: usize, bar: &Bar) {
        let (x, y) = (self.x(bar.from), Self::y(lane));
        let width = (self.x(bar.to) - x).max(NARROWEST);
        let _ = write!(
            text,
            "<rect class=\"{}\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\"><title>{}</title></rect>",
            bar.style,
            escaped(&bar.title)
        );
        let letters = bar.label.chars().count() as f64;
        if letters > 0.0 && letters * LETTER + 8.0 < width {
            let _ = write!(
                text,
                "<text class=\"in\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                x + 4.0,
                y + BAR / 2.0 + 4.0,
                escaped(&bar.label)
            );
        }
        text.push('\n');
    }
}

/// Bars from the first to the last; those too narrow to be seen are joined while they look alike.
fn write_all(text: &mut String, frame: &Frame, lane: usize, bars: Vec<Bar>) {
    let mut waiting: Option<(Bar, usize)> = None;
    for bar in bars {
        let is_narrow = |bar: &Bar| frame.x(bar.to) - frame.x(bar.from) < NARROWEST;
        match &mut waiting {
            Some((known, count))
                if is_narrow(&bar)
                    && known.style == bar.style
                    && frame.x(bar.from) - frame.x(known.to) < NARROWEST =>
            {
                known.to = bar.to;
                *count += 1;
            }
            _ => {
                if let Some(done) = waiting.replace((bar, 1)) {
                    write_joined(text, frame, lane, done);
                }
            }
        }
    }
    if let Some(done) = waiting {
        write_joined(text, frame, lane, done);
    }
}

fn write_joined(text: &mut String, frame: &Frame, lane: usize, (mut bar, count): (Bar, usize)) {
    if count > 1 {
        let _ = write!(bar.title, " and {} more", count - 1);
        bar.label.clear();
    }
    frame.bar(text, lane, &bar);
}

/// What a worker did: the steps of one group in a row are one bar.
fn blocks(story: &Story, timeline: &Timeline, worker: usize) -> Vec<Bar> {
    let chapters = story.chapters.iter();
    let standings: HashMap<String, Standing> = chapters
        .map(|chapter| (chapter.group.name(), Standing::of(chapter)))
        .collect();
    let gap = timeline.seconds * GAP;
    let mut bars: Vec<Bar> = Vec::new();
    for step in timeline.steps.iter().filter(|s| s.worker == worker) {
        let label = match step.groups.as_slice() {
            [only] => only.clone(),
            _ => step.step.clone(),
        };
        let standing = standings.get(&label);
        let style = match standing {
            Some(Standing::Succeeded) => "good",
            Some(Standing::Failed(_)) => "bad",
            None if step.end == StepEnd::Failed => "bad",
            None => "command",
            Some(_) => "other",
        };
        match bars.last_mut() {
            Some(last) if last.label == label && step.from - last.to < gap => last.to = step.to,
            _ => bars.push(Bar {
                from: step.from,
                to: step.to,
                style,
                title: standing.map_or_else(String::new, |s| format!(", {s}")),
                label,
            }),
        }
    }
    for bar in &mut bars {
        let took = duration(bar.to - bar.from);
        bar.title = format!(
            "{}{}: {took} from {}",
            bar.label,
            bar.title,
            duration(bar.from)
        );
    }
    bars
}

fn commands(timeline: &Timeline, machine: &Machine) -> Vec<Bar> {
    let commands = timeline.commands.iter();
    let own = commands.filter(|command| command.machine.as_ref() == Some(machine));
    own.map(command_bar).collect()
}

/// What ran in no machine's build directory and for no step.
fn ahead(timeline: &Timeline) -> Vec<Bar> {
    let commands = timeline.commands.iter();
    let own = commands.filter(|command| command.machine.is_none() && command.step.is_none());
    own.map(command_bar).collect()
}

fn command_bar(command: &CommandTime) -> Bar {
    Bar {
        from: command.from,
        to: command.to,
        style: "command",
        label: command.label.clone(),
        title: format!(
            "{}: {} from {}",
            command.label,
            duration(command.to - command.from),
            duration(command.from)
        ),
    }
}

fn idle(timeline: &Timeline, machine: &Machine) -> Vec<Bar> {
    let idle = timeline.steps.iter().flat_map(|step| &step.idle);
    let own = idle.filter(|idle| idle.machine == *machine);
    own.map(|idle| Bar {
        from: idle.from,
        to: idle.from + idle.seconds,
        style: "idle",
        label: String::new(),
        title: format!("waited {} for {}", duration(idle.seconds), idle.for_machine),
    })
    .collect()
}

/// The labels of an axis of time at this height.
pub(crate) fn time_axis(text: &mut String, seconds: f64, y: f64, x: impl Fn(f64) -> f64) {
    for second in ticks(seconds) {
        let _ = write!(
            text,
            "<text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{}</text>",
            x(second),
            tick_label(second)
        );
    }
}

fn ticks(seconds: f64) -> impl Iterator<Item = f64> {
    let step = tick(seconds);
    (0..=(seconds / step) as u32).map(move |number| f64::from(number) * step)
}

/// Seconds between two ticks: about eight in a chart.
fn tick(seconds: f64) -> f64 {
    const STEPS: [f64; 16] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
        14_400.0, 28_800.0,
    ];
    let fits = |step: &f64| seconds / step <= 9.0;
    let days = 86_400.0 * (seconds / 9.0 / 86_400.0).ceil();
    STEPS.into_iter().find(fits).unwrap_or(days)
}

fn tick_label(second: f64) -> String {
    let whole = second as u64;
    match whole {
        0 => "0".to_owned(),
        _ if whole < 60 => format!("{whole} s"),
        _ if whole < 3600 && whole.is_multiple_of(60) => format!("{} min", whole / 60),
        _ if whole < 3600 => format!("{}:{:02} min", whole / 60, whole % 60),
        _ if whole.is_multiple_of(3600) => format!("{} h", whole / 3600),
        _ => format!("{}:{:02} h", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_what_people_count_in() {
        for (seconds, step, label) in [
            (5.0, 1.0, "1 s"),
            (100.0, 15.0, "15 s"),
            (1000.0, 120.0, "2 min"),
            (14_000.0, 1800.0, "30 min"),
            (100_000.0, 14_400.0, "4 h"),
            (1_000_000.0, 172_800.0, "48 h"),
        ] {
            assert_eq!(tick(seconds), step, "{seconds}");
            assert_eq!(tick_label(step), label);
        }
        assert_eq!(tick_label(90.0), "1:30 min");
        assert_eq!(tick_label(5400.0), "1:30 h");
    }

    #[test]
    fn bars_too_narrow_to_be_seen_become_one() {
        let frame = Frame {
            seconds: 100_000.0,
            lanes: 1,
        };
        let bar = |from: f64, to: f64| Bar {
            from,
            to,
            style: "good",
            label: "x".to_owned(),
            title: "x".to_owned(),
        };
        let bars = (0..100)
            .map(|n| bar(f64::from(n), f64::from(n) + 1.0))
            .collect();
        let mut text = String::new();
        write_all(&mut text, &frame, 0, bars);
        assert_eq!(text.matches("<rect").count(), 1, "{text}");
        assert!(text.contains(" more</title>"), "{text}");
    }
}
