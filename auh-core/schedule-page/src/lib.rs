//! Runs on paper, side by side, as one HTML page: a table, and charts of disk and running tasks over
//! time. The page needs nothing but itself: no script, no font, no network.
//!
//! Schedulers are told apart by dash patterns and labels at the lines, so the charts can be read in
//! print and without telling colours; the colours are those of Okabe and Ito, chosen for people with
//! any kind of colour vision.
//!
//! Not here: running anything, and opening files.

mod chart;
mod course;

use auh_page::{Document, escaped};
use auh_simulate::Outcome;
use chart::{Line, lines, steps};
use course::Course;
use std::fmt::Write as _;

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// What was built.
    pub title: &'a str,
    /// Where durations and sizes come from.
    pub remark: &'a str,
    /// A budget for the work folders in bytes, drawn as a line.
    pub budget: Option<u64>,
    /// The runs, those of one number of threads together.
    pub runs: Vec<Run<'a>>,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The scheduler's name.
    pub scheduler: &'a str,
    /// How many tasks could run at the same time.
    pub threads: u32,
    /// What came of it, or why nothing did.
    pub outcome: Result<&'a Outcome, String>,
}

const STYLE: &str = "\
:root{color-scheme:light}body{font:16px/1.45 system-ui,sans-serif;color:#111;background:#fff;max-width:62rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.5rem}h3{font-size:1rem;margin:1.5rem 0 .2rem}\
table{border-collapse:collapse;width:100%}th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid #bbb;font-variant-numeric:tabular-nums}\
th:first-child,td:first-child,td.why{text-align:left}svg{display:block;width:100%;height:auto}\
figure{margin:0 0 1rem;break-inside:avoid}\
text{font:12px system-ui,sans-serif;fill:#111;stroke:#fff;stroke-width:3px;stroke-linejoin:round;paint-order:stroke}\
@media print{body{margin:0;max-width:none;font-size:11pt}h2{break-before:page}h2:first-of-type{break-before:auto}}";

/// The page as a text.
#[must_use]
pub fn html(page: &Page<'_>) -> String {
    let mut text = format!(
        "<h1>{}</h1>\n<p>{}</p>\n",
        escaped(page.title),
        escaped(page.remark)
    );
    for runs in page.runs.chunk_by(|a, b| a.threads == b.threads) {
        let _ = writeln!(text, "<section>\n<h2>{} threads</h2>", runs[0].threads);
        table(&mut text, runs);
        charts(&mut text, runs, page.budget);
        text.push_str("</section>\n");
    }
    let document = Document {
        title: page.title,
        style: STYLE,
        script: None,
        body: &text,
    };
    document.html()
}

fn table(text: &mut String, runs: &[Run<'_>]) {
    text.push_str(
        "<table>\n<thead><tr><th>scheduler</th><th>makespan</th><th>above the bound</th>\
         <th>peak disk</th><th>peak recipes</th><th>mean parallelism</th></tr></thead>\n<tbody>\n",
    );
    for run in runs {
        let name = escaped(run.scheduler);
        let _ = match &run.outcome {
            Ok(outcome) => writeln!(
                text,
                "<tr><td>{name}</td><td>{}</td><td>{:+.1} %</td><td>{:.2} GB</td><td>{}</td><td>{:.2}</td></tr>",
                hours(outcome.makespan),
                100.0 * outcome.distance_to(outcome.bounds.highest()),
                outcome.peak_disk as f64 / 1e9,
                outcome.peak_recipes,
                outcome.mean_parallelism(),
            ),
            Err(why) => writeln!(
                text,
                "<tr><td>{name}</td><td class=\"why\" colspan=\"5\">{}</td></tr>",
                escaped(why)
            ),
        };
    }
    text.push_str("</tbody>\n</table>\n");
}

/// One chart of all disks together, and one of running tasks for each run.
fn charts(text: &mut String, runs: &[Run<'_>], budget: Option<u64>) {
    let good: Vec<(usize, &str, &Outcome)> = runs
        .iter()
        .enumerate()
        .filter_map(|(place, run)| Some((place, run.scheduler, *run.outcome.as_ref().ok()?)))
        .collect();
    let Some(end) = good.iter().map(|(.., outcome)| outcome.makespan).max() else {
        return;
    };
    let courses = |value: fn(&auh_simulate::Sample) -> f64| -> Vec<Line<'_>> {
        good.iter()
            .map(|&(style, label, outcome)| Line {
                style,
                label,
                course: Course::of(outcome, end, value),
            })
            .collect()
    };
    let disk = courses(|sample| sample.disk as f64 / 1e9);
    text.push_str("<h3>Work folders, GB over hours</h3>\n");
    lines(text, &disk, end, budget.map(|bytes| bytes as f64 / 1e9));
    text.push_str("<h3>Running tasks over hours</h3>\n");
    for line in &courses(|sample| f64::from(sample.running)) {
        steps(text, line, end, f64::from(runs[0].threads));
    }
}

fn hours(microseconds: u64) -> String {
    let minutes = microseconds / 60_000_000;
    let seconds = microseconds / 1_000_000 % 60;
    match minutes {
        0 => format!("{:.2} s", microseconds as f64 / 1e6),
        _ => format!("{}:{:02}:{seconds:02} h", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_simulate::{Bounds, Sample};

    fn outcome() -> Outcome {
        let sample = |time, running, disk| Sample {
            time,
            running,
            recipes: 1,
            disk,
        };
        Outcome {
            makespan: 7_200_000_000,
            work: 7_200_000_000,
            peak_disk: 2_500_000_000,
            peak_recipes: 3,
            bounds: Bounds {
                critical_path: 3_600_000_000,
                work_per_slot: 1,
            },
            runs: Vec::new(),
            samples: vec![sample(0, 1, 2_500_000_000), sample(7_200_000_000, 0, 0)],
        }
    }

    #[test]
    fn the_page_has_everything_and_needs_nothing() {
        let outcome = outcome();
        let run = |scheduler, outcome| Run {
            scheduler,
            threads: 4,
            outcome,
        };
        let page = html(&Page {
            title: "a <b> & \"c\"",
            remark: "modelled",
            budget: Some(2_000_000_000),
            runs: vec![
                run("one", Ok(&outcome)),
                run("two", Ok(&outcome)),
                run("three", Err("budget < 1".to_owned())),
            ],
        });
        assert!(page.contains("<title>a &lt;b&gt; &amp; &quot;c&quot;</title>"));
        assert!(page.contains("<td>2:00:00 h</td><td>+100.0 %</td><td>2.50 GB</td>"));
        assert!(page.contains("budget &lt; 1"));
        assert!(page.contains(">budget 2.0 GB</text>"));
        assert_eq!(page.matches("<svg").count(), 3);
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
        for outside in [
            "http:", "https:", "src=", "href=", "url(", "<script", "@import",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_page_of_failures_has_no_chart() {
        let runs = vec![Run {
            scheduler: "x",
            threads: 1,
            outcome: Err("no".to_owned()),
        }];
        let page = html(&Page {
            title: "t",
            remark: "",
            budget: None,
            runs,
        });
        assert!(!page.contains("<svg") && page.contains(">no</td>"));
    }
}
