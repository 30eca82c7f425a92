//! The page of a run in a real browser: everything is there and can be read, found, sorted and
//! reached with a keyboard, it runs nothing of what it shows, and asks nobody for anything.

use auh_tests::{Browser, Environment, axe, make_up_run};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

const MACHINES: &str = "qemux86-64 qemuarm64";
/// As WebDriver names them.
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// How many rows of the table are to be seen.
const SHOWN_ROWS: &str = "return [...document.querySelectorAll('#table tbody tr')].filter(row => row.offsetHeight > 0).length";

/// What goes over the edge of the page, or is cut off by what it stands in.
const CUT_OFF: &str = "
    const found = [];
    const width = document.documentElement.clientWidth;
    for (const element of document.querySelectorAll('body *')) {
        const box = element.getBoundingClientRect();
        const scrolls = element.closest('.wide, pre, svg');
        if (!scrolls && box.width > 0 && (box.right > width + 1 || box.left < -1)) {
            found.push(`${element.tagName} ${element.textContent.slice(0, 40)}`);
        }
    }
    return found;";

/// A made-up run over this many groups with another one before it, and its page.
fn made_up(environment: &Environment, groups: usize) -> PathBuf {
    let workdir = environment.beside("runs");
    let _ = make_up_run(&workdir, "20260101000000", groups, 1);
    let run = make_up_run(&workdir, "20260102000000", groups, 0);
    let call = environment.auh_outside().args(["report"]);
    let output = call.args([&run]).run().expect_code(0);
    let page = run.join("report.html");
    assert_eq!(output.stdout, format!("{}\n", page.display()));
    page
}

#[test]
fn each_run_leaves_a_page_that_shows_what_happened() {
    let (Some(environment), Some(browser)) = (Environment::six(), Browser::start()) else {
        return;
    };
    let call = environment.upgrade("hello mhello chello bhello --machines");
    let _ = call.args([MACHINES]).run().expect_code(1);
    let page = environment.latest_run().path.join("report.html");
    open(&browser, &page);
    assert_eq!(browser.run(SHOWN_ROWS), 4);
    // To what failed from the table, and there the line that tells why.
    browser.click("#table a[href='#g3']");
    let marked = browser.run("return document.querySelector('#g3[open] mark')?.textContent");
    assert!(
        marked
            .as_str()
            .is_some_and(|line| line.to_lowercase().contains("error")),
        "{marked}"
    );
    let text = browser.run("return document.body.textContent");
    let text = text.as_str().unwrap();
    for part in [
        "1.0 → 2.0",
        "bhello: upgrade 1.0 -> 2.0",
        "qemuarm64",
        "1 full parse",
        "patch-conflict",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Every link of the page leads to a file that is there.
    let links = browser.run(
        "return [...document.querySelectorAll('a[href^=\"./\"]')].map(a => decodeURI(a.pathname))",
    );
    let links = links.as_array().unwrap();
    assert!(links.len() > 10, "{links:?}");
    for link in links {
        assert!(
            Path::new(&decoded(link.as_str().unwrap())).is_file(),
            "{link}"
        );
    }
    expect_quiet(&browser, &page);
}

/// What `decodeURI` leaves as it is.
fn decoded(path: &str) -> String {
    path.replace("%2C", ",").replace("%3A", ":")
}

#[test]
fn a_page_of_a_hundred_groups_is_searched_sorted_and_filtered() {
    let (Some(environment), Some(browser)) = (Environment::six(), Browser::start()) else {
        return;
    };
    let page = made_up(&environment, 100);
    open(&browser, &page);
    let count = |script: &str| browser.run(script).as_u64().unwrap();
    // A hundred groups, ten of them with two recipes, and what could not be checked.
    let at_first = count(SHOWN_ROWS);
    assert_eq!(at_first, 110 + 22);
    browser.click("input[value='not tried']");
    assert_eq!(count(SHOWN_ROWS), 110 + 200);
    browser.click("input[value='not tried']");

    browser.write("#search", "openssh");
    assert!((4..30).contains(&count(SHOWN_ROWS)));
    let shown = browser.run("return document.getElementById('shown').textContent");
    assert_eq!(
        shown,
        format!("{} of 310 recipes are shown.", count(SHOWN_ROWS))
    );
    browser.click("button[type=reset]");
    assert_eq!(count(SHOWN_ROWS), 310);

    // A class from the glance; groups follow the table.
    browser.click("a[data-pick=fetch]");
    let classes = "return [...new Set([...document.querySelectorAll('#table tbody tr:not([hidden])')].map(r => r.dataset.class))]";
    assert_eq!(browser.run(classes), serde_json::json!(["fetch"]));
    let groups = "return document.querySelectorAll('details.group:not([hidden])').length";
    assert!(count(groups) > 0 && count(groups) <= count(SHOWN_ROWS));
    browser.click("button[type=reset]");

    expect_sorting(&browser);
    expect_keyboard(&browser);
    expect_quiet(&browser, &page);
}

fn expect_sorting(browser: &Browser) {
    let times = "return [...document.querySelectorAll('#table tbody tr')].map(r => Number(r.cells[6].dataset.order))";
    let sorted = |numbers: &Value, up: bool| {
        let numbers: Vec<f64> = numbers
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_f64().unwrap())
            .collect();
        numbers.windows(2).all(|pair| {
            if up {
                pair[0] <= pair[1]
            } else {
                pair[0] >= pair[1]
            }
        })
    };
    assert!(!sorted(&browser.run(times), true));
    for (order, up) in [("ascending", true), ("descending", false)] {
        browser.click("#table thead th:nth-child(7) button");
        assert!(sorted(&browser.run(times), up), "{order}");
        let said =
            browser.run("return document.querySelector('#table thead th:nth-child(7)').ariaSort");
        assert_eq!(said, order);
    }
    browser.click("#table thead th:nth-child(1) button");
    let first = browser.run("return document.querySelector('#table tbody th').textContent");
    assert_eq!(first, "acl");
}

/// To a group and into it without a mouse, seeing all the way where one is.
fn expect_keyboard(browser: &Browser) {
    let _ = browser.run("document.querySelector('#table thead th:nth-child(7) button').focus()");
    browser.press(TAB);
    let focus = "const e = document.activeElement; const s = getComputedStyle(e);
        return [e.textContent, s.outlineStyle, parseFloat(s.outlineWidth) >= 2]";
    assert_eq!(
        browser.run(focus),
        serde_json::json!(["acl", "solid", true])
    );
    browser.press(ENTER);
    let opened = "return document.querySelector('details.group[open] h3')?.textContent";
    assert_eq!(browser.run(opened), "acl");
    let focus = "return document.activeElement.querySelector('h3')?.textContent";
    assert_eq!(browser.run(focus), "acl");
    browser.press(ENTER);
    assert_eq!(browser.run(opened), Value::Null, "the same key closes it");
}

#[test]
fn a_page_is_for_everybody_in_light_in_dark_on_a_phone_and_on_paper() {
    let (Some(environment), Some(browser)) = (Environment::six(), Browser::start()) else {
        return;
    };
    let page = made_up(&environment, 100);
    open(&browser, &page);
    for place in [1, 2] {
        // One that failed and one that did not, with all there is to open.
        let script = format!(
            "const of = s => document.querySelector(`#table tr[data-status=${{s}}] a`).hash;
             const group = document.querySelector(of(['failed', 'succeeded'][{place} - 1]));
             group.open = true;
             for (const inner of group.querySelectorAll('details')) inner.open = true;"
        );
        let _ = browser.run(&script);
    }
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        browser.resize(1280, 1000);
        expect_readable(&browser, scheme);
        keep(&browser, &format!("report-{scheme}.png"));
    }
    browser.prefer("light");
    browser.as_phone(390);
    expect_readable(&browser, "phone");
    keep(&browser, "report-phone.png");
    browser.as_phone(760);
    browser.as_printed();
    expect_readable(&browser, "printed");
    keep(&browser, "report-printed.png");
    keep_file(&page, "report.html");
}

#[test]
fn a_page_of_a_thousand_groups_can_be_used() {
    let (Some(environment), Some(browser)) = (Environment::six(), Browser::start()) else {
        return;
    };
    let page = made_up(&environment, 1000);
    let size = fs::metadata(&page).unwrap().len();
    assert!(size < 16 << 20, "{size} bytes");
    open(&browser, &page);
    browser.write("#search", "openssh-39");
    assert_eq!(browser.run(SHOWN_ROWS), 1);
    browser.click("button[type=reset]");
    browser.click("#table thead th:nth-child(1) button");
    browser.click("#table tbody tr:nth-child(1) a");
    assert_eq!(
        browser.run("return document.querySelectorAll('details.group[open]').length"),
        1
    );
    expect_quiet(&browser, &page);
    keep_file(&page, "report-1000.html");
}

#[test]
fn without_its_script_the_page_still_has_everything() {
    let (Some(environment), Some(browser)) = (Environment::six(), Browser::start()) else {
        return;
    };
    let page = made_up(&environment, 20);
    let text = fs::read_to_string(&page).unwrap();
    // Another script than the one that the page names does not run.
    let changed = text.replace(
        "'use strict';",
        "'use strict';\ndocument.title = 'changed';",
    );
    fs::write(&page, changed).unwrap();
    browser.open(&page);
    assert_ne!(browser.run("return document.title"), "changed");
    let refused = browser.console();
    assert!(
        refused
            .iter()
            .any(|line| line.contains("Content Security Policy")),
        "{refused:?}"
    );
    assert_eq!(browser.run(SHOWN_ROWS), 22 + 40);
    let _ = browser.run("document.querySelector('#g1').scrollIntoView()");
    browser.click("#g1 summary");
    assert_eq!(
        browser.run("return document.querySelector('#g1').open"),
        true
    );
    let form = browser.run("return document.getElementById('filter').offsetHeight");
    assert_eq!(form, 0, "what needs the script is not shown");
}

#[test]
fn the_page_over_all_runs_links_to_each() {
    let (Some(environment), Some(browser)) = (Environment::six(), Browser::start()) else {
        return;
    };
    let workdir = environment.build_dir().join("upgrade-helper");
    for turn in 0..12 {
        let _ = make_up_run(&workdir, &format!("202601{:02}000000", turn + 1), 30, turn);
    }
    let _ = environment
        .auh()
        .args(["report", "last"])
        .run()
        .expect_code(0);
    let _ = environment
        .auh()
        .args(["report", "--trend"])
        .run()
        .expect_code(0);
    let page = workdir.join("trend.html");
    browser.resize(1280, 1000);
    browser.open(&page);
    assert_eq!(
        browser.run("return document.querySelectorAll('svg g').length"),
        12
    );
    expect_readable(&browser, "trend");
    keep(&browser, "trend.png");
    let own = format!("file://{}", page.display());
    assert_eq!(browser.console(), Vec::<String>::new());
    assert_eq!(browser.requests(), [own]);
    browser.click("a[href='./20260112000000/report.html']");
    assert_eq!(
        browser.run("return document.title"),
        "Recipe upgrades, run 20260112000000"
    );
}

fn open(browser: &Browser, page: &Path) {
    browser.resize(1280, 1000);
    browser.open(page);
}

/// The page has complained of nothing, and asked for nothing but itself.
fn expect_quiet(browser: &Browser, page: &Path) {
    assert_eq!(browser.console(), Vec::<String>::new());
    let own = format!("file://{}", page.display());
    let requests = browser.requests();
    let others: Vec<_> = requests.iter().filter(|r| !r.starts_with(&own)).collect();
    assert!(others.is_empty(), "{others:?}");
}

/// Nothing is cut off, and the accessibility checker finds nothing, also in what a browser does not
/// draw before it is scrolled to.
fn expect_readable(browser: &Browser, how: &str) {
    let _ = browser.run(
        "for (const group of document.querySelectorAll('.group')) group.style.contentVisibility = 'visible'",
    );
    assert_eq!(browser.run(CUT_OFF), serde_json::json!([]), "{how}");
    let Some(axe) = axe() else {
        return;
    };
    let check = format!(
        "{axe};
         return axe.run(document, {{resultTypes: ['violations']}}).then(result =>
            result.violations.map(v => `${{v.id}}: ${{v.help}}: ${{v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))}}`));"
    );
    assert_eq!(browser.run(&check), serde_json::json!([]), "{how}");
}

/// For people who want to see it: where `AUH_TEST_SCREENSHOTS` says.
fn keep(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("AUH_TEST_SCREENSHOTS") {
        fs::write(Path::new(&folder).join(name), browser.screenshot()).unwrap();
    }
}

fn keep_file(page: &Path, name: &str) {
    if let Some(folder) = std::env::var_os("AUH_TEST_SCREENSHOTS") {
        fs::copy(page, Path::new(&folder).join(name)).unwrap();
    }
}
