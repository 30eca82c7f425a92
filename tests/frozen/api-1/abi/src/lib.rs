//! The frozen FFI: the only layouts that cross the boundary between `auh` and a plugin.
//!
//! Not here: anything that may have to evolve. What can be said in JSON is said in JSON
//! (`auh-protocol`) through [`Plugin::call`] and [`Host::call`]; only what is too large for that
//! (task graphs) crosses flat. Nothing may be added to or taken from these types once they were
//! released: a method at the end of a vtable already makes a new host reject old plugins.
//! A change of this file is a new [`ABI`].
//!
//! A plugin file exports two symbols: [`ABI_SYMBOL`], a plain C number that is read before
//! anything else, and abi_stable's root module, whose layout abi_stable checks.

#![expect(
    non_local_definitions,
    non_camel_case_types,
    unused_qualifications,
    reason = "abi_stable's macros expand to such items"
)]

use abi_stable::{
    StableAbi,
    library::{LibHeader, RootModule, RootModuleResult},
    sabi_trait,
    sabi_types::VersionStrings,
    std_types::{RBox, RResult, RSlice, RStr, RString, RVec},
};

#[doc(hidden)]
pub use abi_stable;

/// Number of this boundary. A plugin built for another one is not loaded.
pub const ABI: u32 = 1;

/// Name of the C symbol, a `u32`, that holds the plugin's [`ABI`].
pub const ABI_SYMBOL: &str = "auh_plugin_abi";

/// Answer of [`Plugin::pick`] that starts nothing for now.
pub const START_NONE: u32 = u32::MAX;

/// A JSON text as answer, or a `PluginFault` of `auh-protocol` as JSON.
pub type Answer = RResult<RString, RString>;

/// What the host offers a plugin.
#[sabi_trait]
pub trait Host: Send + Sync {
    /// Carries out operation `op` of `auh_protocol::host::op`: JSON in, JSON out, an error text
    /// otherwise. May be called from any of the plugin's threads.
    fn call(&self, op: RStr<'_>, payload: RStr<'_>) -> RResult<RString, RString>;
}

/// The host as a plugin holds it.
pub type HostObject = Host_TO<'static, RBox<()>>;

/// One plugin object: a step or a scheduler. No method unwinds; a panic inside is an error.
#[sabi_trait]
pub trait Plugin: Send + Sync {
    /// Carries out operation `op`: JSON in, JSON out. Unknown operations are errors.
    fn call(&self, op: RStr<'_>, payload: RStr<'_>) -> RResult<RString, RString>;

    /// Schedulers: all tasks of `graph`, most important first.
    fn order(&self, graph: &FlatGraph<'_>) -> RResult<RVec<u32>, RString>;

    /// Schedulers: which ready task to start now, [`START_NONE`] to start none before another
    /// one has ended. Called after `order`.
    fn pick(&self, moment: &Moment<'_>) -> RResult<u32, RString>;

    /// Ends the object: its destructor runs now and a panic in it is an error. The object
    /// answers nothing but errors afterwards.
    fn finish(&self) -> RResult<(), RString>;
}

/// A plugin object as the host holds it.
pub type PluginObject = Plugin_TO<'static, RBox<()>>;

/// A task graph as compressed adjacency. Tasks are numbered from 0 in the graph's own order.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct FlatGraph<'a> {
    /// Task `t` depends on `dependencies[dependency_offsets[t] .. dependency_offsets[t + 1]]`;
    /// one entry more than there are tasks.
    pub dependency_offsets: RSlice<'a, u32>,
    /// Task numbers.
    pub dependencies: RSlice<'a, u32>,
    /// Each task's recipe, as a place in `recipes`.
    pub recipe_of: RSlice<'a, u32>,
    /// Each task's name, as a place in `names`.
    pub name_of: RSlice<'a, u32>,
    /// Recipes, by file or name.
    pub recipes: RSlice<'a, RStr<'a>>,
    /// Task names.
    pub names: RSlice<'a, RStr<'a>>,
    /// Each task's expected duration in microseconds, `u64::MAX` for an unknown one; empty when
    /// all are unknown.
    pub duration_us: RSlice<'a, u64>,
    /// Bytes that each task adds to its recipe's work folder, as durations are given.
    pub work_bytes: RSlice<'a, u64>,
}

/// A moment of a run at which a task could be started.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct Moment<'a> {
    /// Tasks that could start, most important first by the scheduler's own order; never empty.
    pub ready: RSlice<'a, u32>,
    /// Tasks that run.
    pub running: RSlice<'a, u32>,
    /// Tasks that have ended since the last call, in the order in which they did.
    pub ended: RSlice<'a, u32>,
}

/// What a plugin file exports.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginModule_Ref)))]
#[sabi(missing_field(panic))]
pub struct PluginModule {
    /// The plugin's manifest (`PluginManifest` of `auh-protocol`) as JSON.
    pub manifest: extern "C" fn() -> Answer,
    /// Makes an object, with the plugin's settings as JSON.
    #[sabi(last_prefix_field)]
    pub create:
        extern "C" fn(host: HostObject, options: RStr<'_>) -> RResult<PluginObject, RString>,
}

impl RootModule for PluginModule_Ref {
    abi_stable::declare_root_module_statics! {PluginModule_Ref}
    const BASE_NAME: &'static str = "auh_plugin";
    const NAME: &'static str = "auh plugin";
    // The boundary's own number, not the crate's: a release of the crate changes no layout.
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("1.0.0");
}

/// The header that a plugin file exports under abi_stable's own symbol name. Plugins use the
/// macros of `auh-sdk`; this stands where `#[export_root_module]` would, because that attribute
/// needs abi_stable among the plugin's own dependencies.
#[must_use]
pub const fn plugin_header(constructor: extern "C" fn() -> RootModuleResult) -> LibHeader {
    // SAFETY: the only constructors are those of `export_plugin!`, which return the prefix
    // reference of a `PluginModule`.
    unsafe {
        LibHeader::from_constructor::<PluginModule_Ref>(
            constructor,
            abi_stable::library::CheckTypeLayout::Yes,
        )
    }
}

/// Exports a plugin module from the crate it is used in: the two symbols that a plugin file has.
///
/// `$manifest` and `$create` are the two functions of [`PluginModule`].
#[macro_export]
macro_rules! export_plugin {
    ($manifest:path, $create:path) => {
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        #[expect(non_upper_case_globals, reason = "the name is a C symbol's")]
        pub static auh_plugin_abi: u32 = $crate::ABI;

        #[doc(hidden)]
        #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
        pub static AUH_PLUGIN_HEADER: $crate::abi_stable::library::LibHeader = {
            fn module() -> $crate::PluginModule_Ref {
                use $crate::abi_stable::prefix_type::PrefixTypeTrait as _;
                $crate::PluginModule {
                    manifest: $manifest,
                    create: $create,
                }
                .leak_into_prefix()
            }
            extern "C" fn constructor() -> $crate::abi_stable::library::RootModuleResult {
                $crate::abi_stable::library::__call_root_module_loader(module)
            }
            $crate::plugin_header(constructor)
        };
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_exported_symbol_is_the_one_that_abi_stable_looks_for() {
        assert_eq!(
            abi_stable::library::ROOT_MODULE_LOADER_NAME,
            "_1as_0lib_1header_0root_bmodule_bloader"
        );
    }
}
