//! What a plugin file of another plugin ABI looks like to the loader: the number, and nothing
//! else that could be relied on.

/// The symbol that the loader reads first, with a number that no release has had.
#[unsafe(no_mangle)]
pub static auh_plugin_abi: u32 = 999;
