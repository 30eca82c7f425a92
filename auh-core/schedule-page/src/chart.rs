//! Charts as SVG.

use crate::course::{Course, INTERVALS};
use auh_page::{escaped, round_step, short};
use std::fmt::Write as _;

/// Colour and dash pattern of each line; then they begin anew.
const STYLES: [(&str, &str); 7] = [
    ("#000000", ""),
    ("#d55e00", "7 3"),
    ("#0072b2", "2 2"),
    ("#009e73", "10 3 2 3"),
    ("#cc79a7", "4 2"),
    ("#e69f00", "12 4"),
    ("#56b4e9", "1 3"),
];

const WIDTH: f64 = 960.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 30.0;
const LINE_HEIGHT: f64 = 14.0;

/// One run in a chart.
pub(crate) struct Line<'a> {
    /// Which of the styles.
    pub(crate) style: usize,
    pub(crate) label: &'a str,
    pub(crate) course: Course,
}

/// Where values and times are drawn.
struct Frame {
    height: f64,
    /// The value at the upper edge.
    most: f64,
    /// The time at the right edge, in microseconds.
    end: u64,
}

impl Frame {
    fn x(&self, interval: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * interval / INTERVALS as f64
    }

    fn y(&self, value: f64) -> f64 {
        TOP + (self.height - TOP - BOTTOM) * (1.0 - value / self.most)
    }

    fn open(&self, text: &mut String, what: &str) {
        let _ = write!(
            text,
            "<figure><svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">",
            self.height,
            escaped(what)
        );
        self.grid(text);
    }

    fn grid(&self, text: &mut String) {
        let right = self.x(INTERVALS as f64);
        let step = round_step(self.most / (self.height / 45.0));
        for number in 0..=(self.most / step) as u32 {
            let value = f64::from(number) * step;
            let y = self.y(value);
            let _ = write!(
                text,
                "<path d=\"M{LEFT} {y:.1}H{right:.1}\" stroke=\"#ccc\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                y + 4.0,
                short(value)
            );
        }
        let hours = self.end as f64 / 3.6e9;
        let step = round_step(hours / 8.0);
        for number in 0..=(hours / step) as u32 {
            let at = f64::from(number) * step;
            let x = self.x(at / hours * INTERVALS as f64);
            let _ = write!(
                text,
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                self.height - 10.0,
                short(at)
            );
        }
    }
}

/// All lines in one chart, each labelled at the right at the height of its peak.
pub(crate) fn lines(text: &mut String, lines: &[Line<'_>], end: u64, budget: Option<f64>) {
    let peaks = lines.iter().map(|line| line.course.peak().1);
    let highest = peaks.chain(budget).fold(0.0, f64::max);
    let frame = Frame {
        height: 340.0,
        most: if highest > 0.0 { highest * 1.04 } else { 1.0 },
        end: end.max(1),
    };
    frame.open(text, "work folders over time");
    if let Some(budget) = budget {
        let (y, right) = (frame.y(budget), frame.x(INTERVALS as f64));
        let _ = write!(
            text,
            "<path d=\"M{LEFT} {y:.1}H{right:.1}\" stroke=\"#111\" stroke-width=\"2.5\" opacity=\".45\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">budget {budget:.1} GB</text>",
            LEFT + 4.0,
            y - 4.0
        );
    }
    for line in lines {
        let path = upper_edge(&frame, &line.course);
        let _ = write!(text, "<path d=\"{path}\" {}/>", stroke(line.style));
    }
    labels(text, &frame, lines);
    text.push_str("</svg></figure>\n");
}

/// Labels from the top down, moved apart, each with a piece of its line, and a thin line to the peak.
fn labels(text: &mut String, frame: &Frame, lines: &[Line<'_>]) {
    let mut order: Vec<&Line<'_>> = lines.iter().collect();
    order.sort_by(|a, b| b.course.peak().1.total_cmp(&a.course.peak().1));
    let right = frame.x(INTERVALS as f64);
    let mut free = TOP;
    for line in order {
        let (place, peak) = line.course.peak();
        let (x, y) = (frame.x(place as f64 + 0.5), frame.y(peak));
        let at = y.max(free);
        free = at + LINE_HEIGHT;
        let _ = write!(
            text,
            "<path d=\"M{x:.1} {y:.1}H{right:.1}L{:.1} {at:.1}\" fill=\"none\" stroke=\"#888\" stroke-width=\".5\"/>\
             <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{}\"/>\
             <path d=\"M{:.1} {at:.1}h22\" {}/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            right + 10.0,
            STYLES[line.style % STYLES.len()].0,
            right + 12.0,
            stroke(line.style),
            right + 38.0,
            at + 4.0,
            escaped(line.label),
        );
    }
}

/// One run in a low chart: between the lowest and the highest value of each interval all is filled.
pub(crate) fn steps(text: &mut String, line: &Line<'_>, end: u64, most: f64) {
    let frame = Frame {
        height: 110.0,
        most: most.max(1.0),
        end: end.max(1),
    };
    frame.open(text, &format!("running tasks under {}", line.label));
    let upper = upper_edge(&frame, &line.course);
    let mut lower = String::new();
    for (place, range) in line.course.ranges.iter().enumerate().rev() {
        let (from, to) = (frame.x(place as f64 + 1.0), frame.x(place as f64));
        let _ = write!(lower, "L{from:.1} {y:.1}H{to:.1}", y = frame.y(range.0));
    }
    let colour = STYLES[line.style % STYLES.len()].0;
    let _ = write!(
        text,
        "<path d=\"{upper}{lower}Z\" fill=\"{colour}\" fill-opacity=\".25\" stroke=\"{colour}\" stroke-width=\".8\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\">{}</text></svg></figure>",
        frame.x(INTERVALS as f64) + 12.0,
        TOP + 12.0,
        escaped(line.label),
    );
    text.push('\n');
}

fn upper_edge(frame: &Frame, course: &Course) -> String {
    let mut path = String::new();
    for (place, range) in course.ranges.iter().enumerate() {
        let command = if place == 0 { 'M' } else { 'L' };
        let (from, to) = (frame.x(place as f64), frame.x(place as f64 + 1.0));
        let _ = write!(path, "{command}{from:.1} {:.1}H{to:.1}", frame.y(range.1));
    }
    path
}

fn stroke(style: usize) -> String {
    let (colour, dashes) = STYLES[style % STYLES.len()];
    format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" stroke-dasharray=\"{dashes}\"")
}
