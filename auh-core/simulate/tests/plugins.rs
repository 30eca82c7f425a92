//! Scheduler plugins give the library's orders, and run on paper as these do. Needs the folder with
//! the plugins that were built: `AUH_TEST_PLUGINS`.

use auh_graph::{Order, TaskGraph, Weights, model, order, read_run_queue};
use auh_loader::{HostCalls, Object, Search, Trust};
use auh_protocol::PluginKind;
use auh_simulate::{FixedOrder, PluginScheduler, Slots, order_of, simulate};
use std::{
    io::BufReader,
    path::Path,
    sync::{Arc, Mutex},
};

/// Remembers what was logged.
#[derive(Default)]
struct Listening(Mutex<Vec<String>>);

impl HostCalls for Listening {
    fn call(&self, _op: &str, payload: &str) -> Result<String, String> {
        self.0.lock().expect("no panic").push(payload.to_owned());
        Ok("null".to_owned())
    }
}

struct Plugins {
    search: Search,
    host: Arc<Listening>,
}

impl Plugins {
    fn there() -> Option<Self> {
        let Some(folder) = std::env::var_os("AUH_TEST_PLUGINS") else {
            println!("skipped: AUH_TEST_PLUGINS does not name the folder with the plugins");
            return None;
        };
        Some(Self {
            search: Search::new(vec![folder.into()], Trust::Any),
            host: Arc::default(),
        })
    }

    fn object(&self, name: &str, options: &str) -> Object {
        let plugin = self
            .search
            .load(PluginKind::Scheduler, name)
            .expect("it is built");
        let host: Arc<dyn HostCalls> = self.host.clone();
        plugin.create(host, options).expect("it starts")
    }
}

/// The run queue of core-image-sato.
fn sato() -> TaskGraph {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../graph/tests/data/sato-rmwork.runqueue.json.zst");
    let file = std::fs::File::open(file).expect("it is committed");
    let decoder = zstd::Decoder::new(file).expect("a zstd file");
    read_run_queue(&mut BufReader::new(decoder))
        .expect("well formed")
        .graph
}

#[test]
fn plugins_order_as_the_library_does() {
    let Some(plugins) = Plugins::there() else {
        return;
    };
    let graph = sato();
    let weights = Weights::of(&graph);
    let modelled = model::with_durations(graph.clone(), model::DEFAULT_SEED);
    let other = model::with_durations(graph.clone(), 7);
    let check = |name: &str, options: &str, graph: &TaskGraph, expected: &Order| {
        let order = order_of(&plugins.object(name, options), graph).expect("an order");
        assert_eq!(order, expected.sequence(), "{name} {options}");
    };
    check("basic", "{}", &graph, &order::basic(&graph));
    check("speed", "{}", &graph, &order::speed(&weights));
    check(
        "completion",
        "{}",
        &graph,
        &order::completion(&graph, &weights),
    );
    let rm_work = order::rm_work(&graph, &weights).order;
    check("rm-work", "{}", &graph, &rm_work);
    check("rm_work", "{}", &graph, &rm_work);
    check(
        "critical-path",
        "{}",
        &graph,
        &order::critical_path(&modelled),
    );
    check(
        "critical-path",
        "{\"seed\": 7}",
        &graph,
        &order::critical_path(&other),
    );
    check(
        "critical-path",
        "{\"seed\": 7}",
        &modelled,
        &order::critical_path(&modelled),
    );
}

#[test]
fn rm_work_logs_what_the_order_is_made_of() {
    let Some(plugins) = Plugins::there() else {
        return;
    };
    order_of(&plugins.object("rm-work", "{}"), &sato()).expect("an order");
    let log = plugins.host.0.lock().expect("no panic");
    for (line, begin) in log.iter().zip([
        "merged task list: do_recipe_qa, do_fetch, do_unpack",
        "original priorities (most important first):\\n1. ID ",
        "rm_work priorities (most important first):\\n1. ID ",
    ]) {
        assert!(
            line.contains("\"debug\"") && line.contains(begin),
            "{begin}"
        );
    }
    assert_eq!(log.len(), 3);
}

#[test]
fn plugins_run_on_paper_as_their_orders_do() {
    let Some(plugins) = Plugins::there() else {
        return;
    };
    let graph = model::with_work_bytes(model::with_durations(sato(), 1), 1);
    let slots = Slots::of(16);
    let mut plugin = PluginScheduler::new(plugins.object("rm-work", "{}"));
    let order = order::rm_work(&graph, &Weights::of(&graph)).order;
    let expected = simulate(&graph, &mut FixedOrder(order.into_sequence()), &slots);
    let expected = expected.expect("it runs");
    assert_eq!(
        simulate(&graph, &mut plugin, &slots).as_ref(),
        Ok(&expected)
    );
    let budget = format!("{{\"budget\": {}}}", expected.peak_disk);
    let mut bound = PluginScheduler::new(plugins.object("disk-bound", &budget));
    let outcome = simulate(&graph, &mut bound, &slots).expect("it runs");
    assert!(outcome.peak_disk <= expected.peak_disk);
    assert!(outcome.makespan <= expected.makespan);
}
