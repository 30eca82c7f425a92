//! The section about disk space: how much was free, over time.

use crate::table::table;
use auh_journal::{Event, Record};
use auh_page::{escaped, round_step, short};
use auh_report::{Story, Timeline, duration, gigabytes, steady};
use std::{fmt::Write as _, path::Path};

const WIDTH: f64 = 1100.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
const GB: f64 = 1e9;
/// More points than the chart is wide show nothing more.
const POINTS: usize = 500;

/// What was measured at one time.
#[derive(Clone, Copy)]
struct Measured {
    /// Seconds since the run began.
    second: f64,
    /// Gigabytes that could still be written.
    free: f64,
}

/// The section about disk space.
pub(crate) fn disk(text: &mut String, records: &[Record], story: &Story, timeline: &Timeline) {
    text.push_str("<section aria-labelledby=\"disk\"><h2 id=\"disk\">Disk</h2>\n");
    if story.disk.is_empty() {
        text.push_str("<p>The journal of this run tells nothing of disk space.</p>\n");
    }
    for (folder, known) in &story.disk {
        let measured = measured(records, folder, timeline);
        let (Some(first), Some(last)) = (measured.first(), measured.last()) else {
            continue;
        };
        let folder = folder.to_string_lossy();
        let _ = writeln!(
            text,
            "<p>The file system of {}: at its peak the run had <strong>{}</strong> more in use than at \
             its beginning. Whatever else is written there counts, too. The chart shows what was free.</p>",
            escaped(&folder),
            gigabytes(known.peak())
        );
        chart(text, &folder, &measured, timeline.seconds.max(1.0));
        figures(text, &folder, &measured, *first, *last);
    }
    text.push_str("</section>\n");
}

fn measured(records: &[Record], of: &Path, timeline: &Timeline) -> Vec<Measured> {
    let Some(began) = timeline.began else {
        return Vec::new();
    };
    let measured = steady(records).filter_map(|(time, record)| match &record.event {
        Event::DiskMeasured { folder, free, .. } if folder == of => Some(Measured {
            second: time.duration_since(began).as_secs_f64(),
            free: *free as f64 / GB,
        }),
        _ => None,
    });
    measured.collect()
}

/// The least of each few, so that no low is lost.
fn thinned(all: &[Measured]) -> Vec<Measured> {
    let size = all.len().div_ceil(POINTS).max(1);
    let lowest = |few: &[Measured]| few.iter().copied().min_by(|a, b| a.free.total_cmp(&b.free));
    all.chunks(size).filter_map(lowest).collect()
}

fn chart(text: &mut String, folder: &str, all: &[Measured], seconds: f64) {
    let most = all.iter().map(|m| m.free).fold(0.001, f64::max) * 1.05;
    let x = |second: f64| LEFT + (WIDTH - LEFT - RIGHT) * second / seconds;
    let y = |free: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - free / most);
    let _ = write!(
        text,
        "<div class=\"wide\" role=\"region\" aria-label=\"Chart of free disk space in {0}\" tabindex=\"0\">\
         <p class=\"sideways\">The chart scrolls sideways.</p><svg class=\"lanes\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Free disk space over time; the table says the lowest value\">",
        escaped(folder)
    );
    let step = round_step(most / 4.0);
    for number in 0..=(most / step) as u32 {
        let value = f64::from(number) * step;
        let _ = write!(
            text,
            "<path class=\"grid\" d=\"M{LEFT} {0:.1}H{1:.1}\"/>\
             <text x=\"{2:.1}\" y=\"{3:.1}\" text-anchor=\"end\">{4} GB</text>",
            y(value),
            WIDTH - RIGHT,
            LEFT - 6.0,
            y(value) + 4.0,
            short(value)
        );
    }
    crate::lanes::time_axis(text, seconds, HEIGHT - BOTTOM + 18.0, x);
    text.push_str("<path class=\"line\" d=\"");
    for (place, point) in thinned(all).into_iter().enumerate() {
        let command = if place == 0 { 'M' } else { 'L' };
        let _ = write!(text, "{command}{:.1} {:.1}", x(point.second), y(point.free));
    }
    text.push_str("\"/></svg></div>\n");
}

fn figures(text: &mut String, folder: &str, all: &[Measured], first: Measured, last: Measured) {
    let lowest = all.iter().min_by(|a, b| a.free.total_cmp(&b.free));
    let row = |name: &str, at: Measured| {
        vec![
            name.to_owned(),
            format!("{:.1} GB", at.free),
            format!("+{}", duration(at.second)),
        ]
    };
    let mut rows = vec![row("At the beginning", first)];
    rows.extend(lowest.map(|lowest| row("Lowest", *lowest)));
    rows.push(row("At the end", last));
    let caption = format!("Free disk space in {folder}");
    table(text, &caption, &["When", "Free", "Time"], &rows);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_is_never_lost() {
        let free = |n: usize| if n == 777 { 1.0 } else { 50.0 };
        let all: Vec<Measured> = (0..2000)
            .map(|n| Measured {
                second: n as f64,
                free: free(n),
            })
            .collect();
        let thin = thinned(&all);
        assert!(thin.len() <= POINTS);
        assert!(
            thin.iter()
                .any(|point| point.second == 777.0 && point.free == 1.0)
        );
        assert!(thinned(&[]).is_empty());
    }

    #[test]
    fn what_a_journal_measured_is_shown_with_its_lowest() {
        let lines = [
            r#"{"time":"2026-01-01T00:00:00Z","event":"disk-measured","folder":"/b<","free":5000000000,"size":9000000000}"#,
            r#"{"time":"2026-01-01T00:01:00Z","event":"disk-measured","folder":"/b<","free":1500000000,"size":9000000000}"#,
            r#"{"time":"2026-01-01T00:02:00Z","event":"disk-measured","folder":"/b<","free":4000000000,"size":9000000000}"#,
        ];
        let records: Vec<Record> = lines.map(|line| serde_json::from_str(line).unwrap()).into();
        let mut text = String::new();
        let story = Story::of(&records);
        disk(&mut text, &records, &story, &Timeline::of(&records));
        assert!(text.contains("<strong>3.5 GB</strong> more"), "{text}");
        assert!(
            text.contains("1.5 GB</td><td data-h=\"Time\">+1 min 0 s</td>"),
            "{text}"
        );
        assert!(text.contains("/b&lt;") && text.contains("<path class=\"line\""));
    }
}
