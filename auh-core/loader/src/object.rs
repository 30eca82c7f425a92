//! One plugin object, behind plain Rust types.

use crate::apart::Conversation;
use auh_abi::{
    FlatGraph, Host_TO, PluginModule_Ref, PluginObject, START_NONE,
    abi_stable::{
        std_types::{RResult, RSlice, RStr, RString},
        type_level::downcasting::TD_Opaque,
    },
};
use auh_graph::{TaskGraph, UNKNOWN};
use auh_protocol::PluginFault;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// What the host offers to plugin objects.
pub trait HostCalls: Send + Sync {
    /// Carries out an operation of `auh_protocol::host::op`: JSON in, JSON out; the error is a
    /// text for people. Called from any thread of the plugin.
    fn call(&self, op: &str, payload: &str) -> Result<String, String>;

    /// Whether the host does not wait for the plugin any more; what runs apart is killed then.
    fn given_up(&self) -> bool {
        false
    }
}

/// A step or a scheduler that was made by its plugin.
pub struct Object(Side);

enum Side {
    Here(Local),
    Apart(Conversation),
}

impl Object {
    pub(crate) fn here(object: Local) -> Self {
        Self(Side::Here(object))
    }

    pub(crate) fn apart(conversation: Conversation) -> Self {
        Self(Side::Apart(conversation))
    }

    /// Carries out operation `op` of the plugin: JSON in, JSON out.
    pub fn call(&self, op: &str, payload: &str) -> Result<String, PluginFault> {
        match &self.0 {
            Side::Here(object) => object.call(op, payload),
            Side::Apart(object) => object.call(op, payload),
        }
    }

    /// The graph's tasks, most important first. The answer is checked to be a permutation.
    pub fn order(&self, graph: &TaskGraph) -> Result<Vec<u32>, PluginFault> {
        let order = match &self.0 {
            Side::Here(object) => object.order_of(graph)?,
            Side::Apart(object) => object.order(graph)?,
        };
        check_permutation(&order, graph.len())?;
        Ok(order)
    }

    /// Which of the ready tasks to start; `None` to wait. The answer is checked.
    pub fn pick(
        &self,
        ready: &[u32],
        running: &[u32],
        ended: &[u32],
    ) -> Result<Option<u32>, PluginFault> {
        let picked = match &self.0 {
            Side::Here(object) => object.pick(ready, running, ended)?,
            Side::Apart(object) => object.pick(ready, running, ended)?,
        };
        match picked {
            Some(task) if !ready.contains(&task) => Err(PluginFault::error(format!(
                "it picked task {task}, which is not ready"
            ))),
            picked => Ok(picked),
        }
    }

    /// Ends the object: its destructor runs, and a panic in it is a fault.
    pub fn finish(self) -> Result<(), PluginFault> {
        match self.0 {
            Side::Here(object) => object.finish(),
            Side::Apart(object) => object.finish(),
        }
    }
}

/// An object whose code is loaded in this process. Its answers are not checked.
pub(crate) struct Local(PluginObject);

impl Local {
    pub(crate) fn create(
        module: PluginModule_Ref,
        host: Arc<dyn HostCalls>,
        options: &str,
    ) -> Result<Self, PluginFault> {
        let host = Host_TO::from_value(HostSide(host), TD_Opaque);
        answer((module.create())(host, RStr::from(options))).map(Self)
    }

    pub(crate) fn call(&self, op: &str, payload: &str) -> Result<String, PluginFault> {
        answer(self.0.call(RStr::from(op), RStr::from(payload))).map(RString::into_string)
    }

    fn order_of(&self, graph: &TaskGraph) -> Result<Vec<u32>, PluginFault> {
        let recipes: Vec<_> = graph.recipes().iter().map(RStr::from).collect();
        let names: Vec<_> = graph.task_names().iter().map(RStr::from).collect();
        self.order(&FlatGraph {
            dependency_offsets: RSlice::from(graph.dependencies().offsets()),
            dependencies: RSlice::from(graph.dependencies().targets()),
            recipe_of: RSlice::from(graph.recipe_indices()),
            name_of: RSlice::from(graph.task_name_indices()),
            recipes: RSlice::from(recipes.as_slice()),
            names: RSlice::from(names.as_slice()),
            duration_us: RSlice::from(known(graph.durations())),
            work_bytes: RSlice::from(known(graph.work_sizes())),
        })
    }

    pub(crate) fn order(&self, graph: &FlatGraph<'_>) -> Result<Vec<u32>, PluginFault> {
        Ok(answer(self.0.order(graph))?.into_vec())
    }

    pub(crate) fn pick(
        &self,
        ready: &[u32],
        running: &[u32],
        ended: &[u32],
    ) -> Result<Option<u32>, PluginFault> {
        let moment = auh_abi::Moment {
            ready: RSlice::from(ready),
            running: RSlice::from(running),
            ended: RSlice::from(ended),
        };
        let task = answer(self.0.pick(&moment))?;
        Ok((task != START_NONE).then_some(task))
    }

    pub(crate) fn finish(self) -> Result<(), PluginFault> {
        answer(self.0.finish())
    }
}

/// What crossed as an error: a fault as JSON, or, from a plugin that is not ours, any text.
pub(crate) fn fault(text: &str) -> PluginFault {
    serde_json::from_str(text).unwrap_or_else(|_| PluginFault::error(text))
}

fn answer<T>(result: RResult<T, RString>) -> Result<T, PluginFault> {
    result.into_result().map_err(|text| fault(&text))
}

/// Nothing at all where nothing is known: that is how it crosses.
pub(crate) fn known(values: &[u64]) -> &[u64] {
    if values.iter().all(|value| *value == UNKNOWN) {
        &[]
    } else {
        values
    }
}

fn check_permutation(order: &[u32], tasks: usize) -> Result<(), PluginFault> {
    let mut seen = vec![false; tasks];
    for &task in order {
        match seen.get_mut(task as usize) {
            Some(seen) if !*seen => *seen = true,
            Some(_) => {
                return Err(PluginFault::error(format!(
                    "its order names task {task} twice"
                )));
            }
            None => {
                return Err(PluginFault::error(format!(
                    "its order names task {task} of a graph with {tasks} tasks"
                )));
            }
        }
    }
    if order.len() != tasks {
        return Err(PluginFault::error(format!(
            "its order has {} of {tasks} tasks",
            order.len()
        )));
    }
    Ok(())
}

/// The host as it crosses. A panic of ours must not reach the boundary either.
struct HostSide(Arc<dyn HostCalls>);

impl auh_abi::Host for HostSide {
    fn call(&self, op: RStr<'_>, payload: RStr<'_>) -> RResult<RString, RString> {
        let result = catch_unwind(AssertUnwindSafe(|| {
            self.0.call(op.as_str(), payload.as_str())
        }))
        .unwrap_or_else(|_| Err("the host panicked; this is a bug of auh".to_owned()));
        match result {
            Ok(answer) => RResult::ROk(answer.into()),
            Err(error) => RResult::RErr(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_permutations_are_orders() {
        assert!(check_permutation(&[2, 0, 1], 3).is_ok());
        let message = |order: &[u32]| check_permutation(order, 3).unwrap_err().message;
        assert_eq!(message(&[0, 1]), "its order has 2 of 3 tasks");
        assert_eq!(message(&[0, 1, 1]), "its order names task 1 twice");
        assert_eq!(
            message(&[0, 1, 7]),
            "its order names task 7 of a graph with 3 tasks"
        );
    }

    #[test]
    fn any_text_is_a_fault() {
        assert_eq!(fault("boom"), PluginFault::error("boom"));
        assert!(fault(r#"{"panicked":true,"message":"m","place":"f:1"}"#).panicked);
    }
}
