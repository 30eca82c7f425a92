//! What a budget costs in time: makespans within budgets from what rm-work needs down to a quarter of
//! it, on graphs with modelled durations and sizes. A table for each graph, and a chart of all.
//!
//! `cargo run --release -p auh-disk-budget --example tradeoff -- CHART.svg GRAPH.dot.zst...`

use auh_disk_budget::Build;
use auh_graph::{TaskGraph, TaskIndex, Weights, model, order, read_task_depends};
use auh_simulate::{Fault, FixedOrder, Moment, Outcome, Scheduler, Slots, simulate};
use std::{fmt::Write as _, fs, io::BufReader};

const SEEDS: [u64; 3] = [1, 2, 3];
const THREADS: [u32; 5] = [2, 4, 8, 16, 32];
/// Budgets in hundredths of rm-work's peak.
const BUDGETS: [u64; 6] = [100, 85, 70, 50, 35, 25];
/// Colour and dashes for each number of threads: the colours of Okabe and Ito.
const STYLES: [(&str, &str); 5] = [
    ("#000000", ""),
    ("#d55e00", "7 3"),
    ("#0072b2", "2 2"),
    ("#009e73", "10 3 2 3"),
    ("#cc79a7", "4 2"),
];

/// A budget, a number of threads, and the build once it is planned.
struct Within(u64, u32, Option<Build>);

impl Scheduler for Within {
    fn order(&mut self, graph: &TaskGraph) -> Result<Vec<TaskIndex>, Fault> {
        let build =
            Build::for_slots(graph, self.0, self.1).map_err(|error| Fault(error.to_string()))?;
        let order = build.order().sequence().to_vec();
        self.2 = Some(build);
        Ok(order)
    }

    fn pick(&mut self, moment: &Moment<'_>) -> Result<Option<TaskIndex>, Fault> {
        let build = self.2.as_mut().expect("an order was asked for");
        Ok(build.pick(moment.ready, moment.ended))
    }
}

/// What came of one graph, seed and number of threads.
struct Row {
    seed: u64,
    threads: u32,
    rm_work: Outcome,
    /// For each budget what came of it, or which recipe does not fit.
    within: Vec<Result<Outcome, String>>,
}

impl Row {
    /// Makespan in units of rm-work's.
    fn ratio(&self, budget: usize) -> Option<f64> {
        let outcome = self.within[budget].as_ref().ok()?;
        Some(outcome.makespan as f64 / self.rm_work.makespan as f64)
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let chart = arguments.next().expect("a file for the chart");
    let mut panels = Vec::new();
    for path in arguments {
        let name = path.rsplit('/').next().unwrap_or(&path);
        let name = name.split('.').next().unwrap_or(name).to_owned();
        let rows = rows(&path);
        table(&name, &rows);
        panels.push((name, rows));
    }
    fs::write(chart, svg(&panels)).expect("a writable file");
}

fn rows(path: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for threads in THREADS {
        for seed in SEEDS {
            rows.push(row(&modelled(path, seed), seed, threads));
        }
    }
    rows
}

fn modelled(path: &str, seed: u64) -> TaskGraph {
    let file = fs::File::open(path).expect("a readable file");
    let mut input = BufReader::new(zstd::Decoder::new(file).expect("a zstd file"));
    let graph = read_task_depends(&mut input).expect("well formed");
    let graph = graph.with_rm_work().expect("small enough");
    model::with_work_bytes(model::with_durations(graph, seed), seed)
}

fn row(graph: &TaskGraph, seed: u64, threads: u32) -> Row {
    let slots = Slots::of(threads);
    let order = order::rm_work(graph, &Weights::of(graph)).order;
    let mut order = FixedOrder(order.into_sequence());
    let rm_work = simulate(graph, &mut order, &slots).expect("it runs");
    let within = BUDGETS.map(|hundredths| {
        let budget = rm_work.peak_disk * hundredths / 100;
        let outcome = simulate(graph, &mut Within(budget, threads, None), &slots);
        let outcome = outcome.map_err(|error| error.to_string())?;
        assert!(outcome.peak_disk <= budget, "the budget is kept");
        Ok(outcome)
    });
    Row {
        seed,
        threads,
        rm_work,
        within: within.into(),
    }
}

/// In Markdown.
fn table(name: &str, rows: &[Row]) {
    println!("\n{name}: rm-work, and disk-bound's makespan in units of rm-work's\n");
    let budgets = BUDGETS
        .map(|hundredths| format!(" {hundredths} % |"))
        .concat();
    println!("| threads | seed | rm-work, s | its peak, GB |{budgets}");
    println!("|{}", "---|".repeat(4 + BUDGETS.len()));
    for row in rows {
        let cells = (0..BUDGETS.len()).map(|budget| match row.ratio(budget) {
            Some(ratio) => format!(" {ratio:.3} |"),
            None => " no way |".to_owned(),
        });
        println!(
            "| {} | {} | {:.0} | {:.2} |{}",
            row.threads,
            row.seed,
            row.rm_work.makespan as f64 / 1e6,
            row.rm_work.peak_disk as f64 / 1e9,
            cells.collect::<String>()
        );
    }
    for row in rows {
        let slower = row.within[0].as_ref().map_or(i128::MAX, |outcome| {
            i128::from(outcome.makespan) - i128::from(row.rm_work.makespan)
        });
        if slower > 0 {
            println!(
                "{} threads, seed {}: {slower} microseconds slower than rm-work at its peak",
                row.threads, row.seed
            );
        }
        for error in row
            .within
            .iter()
            .filter_map(|outcome| outcome.as_ref().err())
        {
            println!("{} threads, seed {}: {error}", row.threads, row.seed);
        }
    }
}

const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 44.0;
/// Makespans are drawn up to this many times rm-work's.
const MOST: f64 = 1.5;
const LEAST: f64 = 0.8;

fn x(hundredths: f64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * (hundredths - 20.0) / 80.0
}

fn y(ratio: f64) -> f64 {
    TOP + (HEIGHT - TOP - BOTTOM) * (MOST - ratio) / (MOST - LEAST)
}

fn svg(panels: &[(String, Vec<Row>)]) -> String {
    let width = WIDTH * panels.len() as f64;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" \
         font-family=\"system-ui,sans-serif\" font-size=\"12\">\n\
         <title>Makespan within a disk budget</title>\n\
         <rect width=\"{width}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
    );
    for (number, (name, rows)) in panels.iter().enumerate() {
        let _ = writeln!(
            text,
            "<g transform=\"translate({} 0)\">",
            WIDTH * number as f64
        );
        axes(&mut text, name);
        for (style, threads) in THREADS.into_iter().enumerate() {
            line(&mut text, style, rows, threads);
        }
        text.push_str("</g>\n");
    }
    text.push_str("</svg>\n");
    text
}

fn axes(text: &mut String, name: &str) {
    let (left, right, bottom) = (x(20.0), x(100.0), y(LEAST));
    let _ = writeln!(
        text,
        "<text x=\"{left}\" y=\"18\" ><tspan font-weight=\"bold\">{name}</tspan>: makespan in units of rm-work's</text>"
    );
    for step in 0..=7 {
        let ratio = LEAST + 0.1 * f64::from(step);
        let y = y(ratio);
        let _ = writeln!(
            text,
            "<path d=\"M{left} {y:.1}H{right}\" stroke=\"#ccc\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{ratio:.1}</text>",
            left - 6.0,
            y + 4.0
        );
    }
    for hundredths in BUDGETS.map(|hundredths| hundredths as f64) {
        let _ = writeln!(
            text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{hundredths} %</text>",
            x(hundredths),
            bottom + 16.0
        );
    }
    let _ = writeln!(
        text,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">disk budget (100 %: rm-work's peak)</text>\
         <path d=\"M{left} {one:.1}H{right}\" stroke=\"#111\"/>",
        f64::midpoint(left, right),
        HEIGHT - 8.0,
        one = y(1.0)
    );
}

/// The median of the seeds, as far down as all of them have a way; with an entry in the legend.
fn line(text: &mut String, style: usize, rows: &[Row], threads: u32) {
    let (colour, dashes) = STYLES[style];
    let stroke = format!(
        "fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\""
    );
    let mut path = String::new();
    for (place, hundredths) in BUDGETS.into_iter().enumerate() {
        let of_seeds = rows.iter().filter(|row| row.threads == threads);
        let ratios: Option<Vec<f64>> = of_seeds.map(|row| row.ratio(place)).collect();
        let Some(mut ratios) = ratios else { break };
        ratios.sort_by(f64::total_cmp);
        let (x, y) = (x(hundredths as f64), y(ratios[ratios.len() / 2].min(MOST)));
        let _ = write!(path, "{}{x:.1} {y:.1}", if place == 0 { 'M' } else { 'L' });
        let _ = writeln!(
            text,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
        );
    }
    if style == 0 {
        let (left, height) = (x(64.0), 16.0 * THREADS.len() as f64);
        let _ = writeln!(
            text,
            "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"130\" height=\"{height}\" fill=\"#fff\"/>",
            TOP + 6.0
        );
    }
    let (left, top) = (x(68.0), TOP + 14.0 + 16.0 * style as f64);
    let _ = writeln!(
        text,
        "<path d=\"{path}\" {stroke}/><path d=\"M{left:.1} {top:.1}h34\" {stroke}/>\
         <text x=\"{:.1}\" y=\"{:.1}\">{threads} threads</text>",
        left + 40.0,
        top + 4.0
    );
}
