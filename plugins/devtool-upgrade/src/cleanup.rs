//! After an upgrade: layer and workspace as they were before, as far as this step changed them.

use crate::group::Upgrade;

/// Takes everything back. What could not be taken back is said, one text each.
pub(crate) fn everything(upgrade: &Upgrade<'_>) -> Vec<String> {
    let mut errors = Vec::new();
    for started in &upgrade.started {
        if !started.part.is_known_to_devtool() {
            continue;
        }
        if let Err(failure) = upgrade.devtool.reset(started.recipe) {
            // What it leaves is removed below; devtool's own view of its workspace is those files.
            let message = format!(
                "devtool reset of {}: {}",
                started.recipe.name, failure.message
            );
            upgrade.host.warn(&message);
        }
    }
    errors.extend(workspace(upgrade));
    errors.extend(layers(upgrade));
    errors
}

/// Removes what is left in the workspace of the recipes that this step gave to devtool.
pub(crate) fn workspace(upgrade: &Upgrade<'_>) -> Vec<String> {
    let started = upgrade.started.iter().rev();
    let errors = started.filter_map(|started| {
        let error = started.part.remove_new().err()?;
        let name = &started.recipe.name;
        Some(format!(
            "{name} is not all gone from devtool's workspace: {error}"
        ))
    });
    errors.collect()
}

/// Puts the layers' files back. `devtool upgrade` changes none, so this is for `devtool finish`.
fn layers(upgrade: &Upgrade<'_>) -> Vec<String> {
    let host = upgrade.host;
    if !upgrade.started.iter().any(|started| started.finish_begun) {
        return Vec::new();
    }
    let errors = upgrade.layers.iter().filter_map(|layer| {
        let repository = layer.repository.for_cleanup();
        let error = repository
            .status(host, &upgrade.outside())
            .and_then(|now| repository.restore(host, &layer.since(&now).0))
            .err()?;
        let folder = repository.top().display();
        Some(format!("{folder} could not be put back: {error}"))
    });
    errors.collect()
}
