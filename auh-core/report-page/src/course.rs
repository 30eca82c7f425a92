//! The section about time: a chart of workers and machines, and the same as tables.

use crate::{Page, lanes::lanes, table::table};
use auh_page::escaped;
use auh_report::{Timeline, duration};
use std::{collections::BTreeMap, fmt::Write as _};

/// The section about time.
pub(crate) fn course(text: &mut String, page: &Page<'_>, timeline: &Timeline) {
    text.push_str("<section aria-labelledby=\"time\"><h2 id=\"time\">Time</h2>\n");
    if timeline.steps.is_empty() && timeline.commands.is_empty() {
        text.push_str("<p>Nothing was begun.</p></section>\n");
        return;
    }
    text.push_str(
        "<p>Above, which group each worker was busy with; below, what ran in the build directory of \
         each machine. Gaps are times without a command; dashed boxes are times in which a machine \
         waited for a slower one. The tables say the same in figures, and the steps of each group \
         stand with its details.</p>\n",
    );
    lanes(text, page.story, timeline);
    machines(text, page, timeline);
    steps(text, timeline);
    text.push_str("</section>\n");
}

fn machines(text: &mut String, page: &Page<'_>, timeline: &Timeline) {
    let machines = page.story.start.iter().flat_map(|start| &start.machines);
    let rows: Vec<Vec<String>> = machines
        .map(|machine| {
            let busy = timeline.busy(machine);
            let of = timeline.commands.iter();
            let count = of.filter(|c| c.machine.as_ref() == Some(machine)).count();
            let share = 100.0 * busy / timeline.seconds.max(f64::MIN_POSITIVE);
            vec![
                escaped(&machine.to_string()),
                count.to_string(),
                format!("{} ({share:.0} %)", duration(busy)),
                duration(timeline.idle(machine)),
            ]
        })
        .collect();
    let head = ["Machine", "Commands", "Busy", "Waited for slower machines"];
    table(
        text,
        "Machines: commands in their build directories",
        &head,
        &rows,
    );
}

#[derive(Default)]
struct StepSum<'t> {
    count: usize,
    seconds: f64,
    longest: f64,
    longest_of: Option<&'t str>,
}

fn steps(text: &mut String, timeline: &Timeline) {
    let mut sums: BTreeMap<(&str, &str), StepSum<'_>> = BTreeMap::new();
    for step in &timeline.steps {
        let sum = sums.entry((&step.step, &step.action)).or_default();
        let seconds = step.to - step.from;
        sum.count += 1;
        sum.seconds += seconds;
        if seconds > sum.longest {
            sum.longest = seconds;
            sum.longest_of = match step.groups.as_slice() {
                [only] => Some(only),
                _ => None,
            };
        }
    }
    let rows: Vec<Vec<String>> = sums
        .iter()
        .map(|(name, sum)| step_row(*name, sum))
        .collect();
    let head = ["Step", "Times", "Together", "Longest"];
    table(text, "Where the time went, by step", &head, &rows);
}

fn step_row((step, action): (&str, &str), sum: &StepSum<'_>) -> Vec<String> {
    let mut name = escaped(step);
    if action != "run" {
        let _ = write!(name, " {}", escaped(action));
    }
    let of = sum.longest_of.map(|group| format!(" ({})", escaped(group)));
    vec![
        name,
        sum.count.to_string(),
        duration(sum.seconds),
        format!("{}{}", duration(sum.longest), of.unwrap_or_default()),
    ]
}
