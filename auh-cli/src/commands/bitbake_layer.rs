//! `auh bitbake-layer`: writes a layer with which BitBake orders its tasks by scheduler plugins.

use crate::{
    args::BitbakeLayer,
    bridge::{Bridge, refuse_foreign},
    exit, preparation, terminal,
};
use anyhow::Result;

pub(crate) fn bitbake_layer(layer: &BitbakeLayer) -> Result<exit::Status> {
    let folder = std::path::absolute(&layer.folder)?;
    let search = preparation::search_of_flags(&layer.plugins)?;
    let (bridge, status) = Bridge::find(&search)?;
    refuse_foreign(&folder)?;
    bridge.write_layer(&folder)?;
    terminal::output(&format!(
        "wrote {} with the schedulers {}\n",
        folder.display(),
        bridge.bitbake_names().join(", ")
    ));
    Ok(status)
}
