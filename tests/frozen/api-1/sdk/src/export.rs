//! From the traits to the boundary: the objects that cross, and the macros that export them.

use crate::{Host, Moment, Options, Scheduler, Step, StepError, graph::GraphView, guard::guarded};
use auh_abi::{
    Answer, FlatGraph, HostObject, Plugin, Plugin_TO, PluginObject, START_NONE,
    abi_stable::{
        std_types::{RResult, RStr, RString, RVec},
        type_level::downcasting::TD_Opaque,
    },
};
use auh_protocol::{PluginFault, PluginManifest, StepRequest};
use serde::Serialize;
use std::sync::RwLock;

/// Exports a step from this crate (a `cdylib`).
///
/// `manifest:` is an expression of type `PluginManifest`, `create:` a function from `&Options` to
/// `Result<impl Step, StepError>`.
#[macro_export]
macro_rules! export_step {
    (manifest: $manifest:expr, create: $create:expr $(,)?) => {
        $crate::export_object! { $manifest, $create, create_step }
    };
}

/// Exports a scheduler from this crate (a `cdylib`).
///
/// `manifest:` is an expression of type `PluginManifest`, `create:` a function from `&Options` to
/// `Result<impl Scheduler, StepError>`.
#[macro_export]
macro_rules! export_scheduler {
    (manifest: $manifest:expr, create: $create:expr $(,)?) => {
        $crate::export_object! { $manifest, $create, create_scheduler }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! export_object {
    ($manifest:expr, $create:expr, $maker:ident) => {
        #[doc(hidden)]
        mod auh_plugin_export {
            #[allow(
                unused_imports,
                reason = "the expressions may name things of the crate"
            )]
            use super::*;
            pub(super) extern "C" fn auh_export_manifest() -> $crate::private::Answer {
                $crate::private::answer_manifest(|| $manifest)
            }
            pub(super) extern "C" fn auh_export_create(
                host: $crate::private::HostObject,
                options: $crate::private::RStr<'_>,
            ) -> $crate::private::RResult<$crate::private::PluginObject, $crate::private::RString>
            {
                $crate::private::$maker(host, options, $create)
            }
        }
        $crate::private::export_plugin! { auh_plugin_export::auh_export_manifest, auh_plugin_export::auh_export_create }
    };
}

/// The manifest as it crosses.
pub fn answer_manifest(manifest: impl FnOnce() -> PluginManifest) -> Answer {
    cross(guarded(|| json(&manifest())))
}

/// Makes a step object.
pub fn create_step<S: Step>(
    host: HostObject,
    options: RStr<'_>,
    create: impl FnOnce(&Options) -> Result<S, StepError>,
) -> RResult<PluginObject, RString> {
    make(host, options, create, StepPart)
}

/// Makes a scheduler object.
pub fn create_scheduler<S: Scheduler>(
    host: HostObject,
    options: RStr<'_>,
    create: impl FnOnce(&Options) -> Result<S, StepError>,
) -> RResult<PluginObject, RString> {
    make(host, options, create, SchedulerPart)
}

/// What of the boundary one kind of plugin answers.
trait Part<T>: Send + Sync + 'static {
    fn call(
        &self,
        _plugin: &T,
        _host: &Host,
        op: &str,
        _payload: &str,
    ) -> Result<RString, PluginFault> {
        Err(PluginFault::error(format!("unknown operation {op:?}")))
    }

    fn order(&self, _: &T, _: &Host, _: &GraphView<'_>) -> Result<Vec<u32>, PluginFault> {
        Err(PluginFault::error("this plugin is no scheduler"))
    }

    fn pick(&self, _: &T, _: &Moment<'_>) -> Result<Option<u32>, PluginFault> {
        Err(PluginFault::error("this plugin is no scheduler"))
    }
}

struct StepPart;

impl<S: Step> Part<S> for StepPart {
    fn call(&self, step: &S, host: &Host, op: &str, payload: &str) -> Result<RString, PluginFault> {
        if op != "step" {
            return Err(PluginFault::error(format!("unknown operation {op:?}")));
        }
        let request: StepRequest = serde_json::from_str(payload)
            .map_err(|e| PluginFault::error(format!("the request is not understood: {e}")))?;
        json(&step.run(&request, host).map_err(StepError::fault)?)
    }
}

struct SchedulerPart;

impl<S: Scheduler> Part<S> for SchedulerPart {
    fn call(&self, scheduler: &S, _: &Host, op: &str, _: &str) -> Result<RString, PluginFault> {
        match op {
            "restricts" => json(&scheduler.restricts()),
            _ => Err(PluginFault::error(format!("unknown operation {op:?}"))),
        }
    }

    fn order(
        &self,
        scheduler: &S,
        host: &Host,
        graph: &GraphView<'_>,
    ) -> Result<Vec<u32>, PluginFault> {
        scheduler.order(graph, host).map_err(StepError::fault)
    }

    fn pick(&self, scheduler: &S, moment: &Moment<'_>) -> Result<Option<u32>, PluginFault> {
        Ok(scheduler.pick(moment))
    }
}

/// A plugin's object behind its guard. `None` once it was ended.
struct Guarded<T, P> {
    plugin: RwLock<Option<T>>,
    part: P,
    host: Host,
}

impl<T, P> Guarded<T, P> {
    fn with<R>(&self, work: impl FnOnce(&T) -> Result<R, PluginFault>) -> Result<R, PluginFault> {
        // A panic inside `work` must not poison: the object stays usable, as its author left it.
        let plugin = self
            .plugin
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match plugin.as_ref() {
            Some(plugin) => guarded(|| work(plugin)),
            None => Err(PluginFault::error("this plugin object was ended already")),
        }
    }

    fn end(&self) -> Result<(), PluginFault> {
        let plugin = self
            .plugin
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        guarded(|| {
            drop(plugin);
            Ok(())
        })
    }
}

impl<T, P> Drop for Guarded<T, P> {
    fn drop(&mut self) {
        if let Err(fault) = self.end() {
            self.host
                .warn(&format!("a plugin's destructor failed: {fault}"));
        }
    }
}

impl<T: Send + Sync, P: Part<T>> Plugin for Guarded<T, P> {
    fn call(&self, op: RStr<'_>, payload: RStr<'_>) -> Answer {
        cross(self.with(|plugin| {
            self.part
                .call(plugin, &self.host, op.as_str(), payload.as_str())
        }))
    }

    fn order(&self, graph: &FlatGraph<'_>) -> RResult<RVec<u32>, RString> {
        cross(self.with(|plugin| {
            let order = self
                .part
                .order(plugin, &self.host, &GraphView::new(graph))?;
            Ok(RVec::from(order))
        }))
    }

    fn pick(&self, moment: &auh_abi::Moment<'_>) -> RResult<u32, RString> {
        cross(self.with(|plugin| {
            let moment = Moment {
                ready: moment.ready.as_slice(),
                running: moment.running.as_slice(),
                ended: moment.ended.as_slice(),
            };
            Ok(self.part.pick(plugin, &moment)?.unwrap_or(START_NONE))
        }))
    }

    fn finish(&self) -> RResult<(), RString> {
        cross(self.end())
    }
}

fn make<T, P>(
    host: HostObject,
    options: RStr<'_>,
    create: impl FnOnce(&Options) -> Result<T, StepError>,
    part: P,
) -> RResult<PluginObject, RString>
where
    T: Send + Sync + 'static,
    P: Part<T>,
{
    cross(guarded(|| {
        let options: Options = serde_json::from_str(options.as_str())
            .map_err(|e| PluginFault::error(format!("the options are not understood: {e}")))?;
        let plugin = create(&options).map_err(StepError::fault)?;
        let object = Guarded {
            plugin: RwLock::new(Some(plugin)),
            part,
            host: Host::new(host),
        };
        Ok(Plugin_TO::from_value(object, TD_Opaque))
    }))
}

fn json(value: &impl Serialize) -> Result<RString, PluginFault> {
    serde_json::to_string(value)
        .map(RString::from)
        .map_err(|e| PluginFault::error(format!("the answer cannot be written as JSON: {e}")))
}

/// A result as it crosses: the fault as JSON.
fn cross<T>(result: Result<T, PluginFault>) -> RResult<T, RString> {
    match result {
        Ok(value) => RResult::ROk(value),
        Err(fault) => {
            let text = serde_json::to_string(&fault).unwrap_or_else(|_| fault.message.clone());
            RResult::RErr(RString::from(text))
        }
    }
}
