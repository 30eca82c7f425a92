//! The page of `auh schedule compare` in a real browser: it needs nothing but itself, shows every
//! chart, and everything in it can be read.

use auh_tests::{Browser, Environment};
use serde_json::Value;
use std::{fs, path::Path};

const SCHEDULERS: &str = "basic,speed,completion,rm-work,critical-path,disk-bound";
/// The run queue of core-image-sato.
const GRAPH: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../auh-core/graph/tests/data/sato-rmwork.runqueue.json.zst"
);

/// Texts of charts that are cut off by the chart's edge, or lie on another text.
const ILLEGIBLE: &str = "
    const found = [];
    for (const svg of document.querySelectorAll('svg')) {
        const edge = svg.getBoundingClientRect();
        const texts = [...svg.querySelectorAll('text')].map(
            text => ({text: text.textContent, box: text.getBoundingClientRect()}));
        texts.forEach(({text, box}, place) => {
            if (box.left < edge.left - 1 || box.right > edge.right + 1 ||
                box.top < edge.top - 1 || box.bottom > edge.bottom + 1) {
                found.push(text + ' is cut off');
            }
            for (const other of texts.slice(place + 1)) {
                const wide = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
                const high = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
                if (wide > 1 && high > 4) {
                    found.push(text + ' lies on ' + other.text);
                }
            }
        });
    }
    return found;";

/// For each chart its width, height, and how many of its lines have a length.
const CHARTS: &str = "
    return [...document.querySelectorAll('svg')].map(svg => {
        const box = svg.getBoundingClientRect();
        const drawn = [...svg.querySelectorAll('path')].filter(path => path.getTotalLength() > 50);
        return [box.width, box.height, drawn.length];
    });";

#[test]
fn the_page_that_compares_schedulers_can_be_read() {
    let (Some(environment), Some(browser)) = (Environment::six(), Browser::start()) else {
        return;
    };
    let page = environment.beside("page").join("compare.html");
    let call = environment.auh_outside().args(["schedule", "compare"]);
    let call = call.args(["--graph", GRAPH, "--schedulers", SCHEDULERS]);
    let call = call.args(["--threads", "4,16", "--disk-budget", "40G", "--html"]);
    let output = call.args([&page]).run().expect_code(0);
    assert!(output.stdout.contains("disk-bound"), "{}", output.stdout);
    browser.resize(1280, 1000);
    browser.open(&page);
    keep(&browser, "schedule-page.png");
    expect_everything(&browser);
    assert_eq!(browser.console(), Vec::<String>::new());
    let own = format!("file://{}", page.display());
    assert_eq!(browser.requests(), [own]);

    browser.as_printed();
    browser.resize(760, 1000);
    keep(&browser, "schedule-page-printed.png");
    expect_everything(&browser);
}

/// One chart of disk, and one of running tasks for each scheduler, for each number of threads.
fn expect_everything(browser: &Browser) {
    let charts = browser.run(CHARTS);
    let charts = charts.as_array().unwrap();
    assert_eq!(charts.len(), 2 * (1 + 6));
    for chart in charts {
        let figure = |place: usize| chart[place].as_f64().unwrap();
        assert!(figure(0) > 500.0 && figure(1) > 40.0, "{chart}");
        assert!(figure(2) >= 1.0, "nothing is drawn: {chart}");
    }
    let labels = browser.run(
        "return [...document.querySelector('svg').querySelectorAll('text')].map(t => t.textContent)",
    );
    for name in SCHEDULERS.split(',') {
        let named = |label: &Value| label == name;
        assert!(labels.as_array().unwrap().iter().any(named), "{name}");
    }
    let budget = browser.run("return document.querySelector('svg').textContent.includes('budget')");
    assert_eq!(budget, true);
    assert_eq!(browser.run(ILLEGIBLE), serde_json::json!([]));
    let wide = browser.run("return document.documentElement.scrollWidth - window.innerWidth");
    assert!(wide.as_f64().unwrap() <= 0.0, "the page is {wide} too wide");
}

/// For people who want to see it: where `AUH_TEST_SCREENSHOTS` says.
fn keep(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("AUH_TEST_SCREENSHOTS") {
        fs::write(Path::new(&folder).join(name), browser.screenshot()).unwrap();
    }
}
