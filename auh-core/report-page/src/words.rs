//! The words and signs of the pages.

use auh_page::escaped;
use auh_protocol::{Failure, FailureClass, Layer, Machine, Recipe};
use auh_report::{Standing, duration};
use jiff::{Timestamp, tz::TimeZone};

/// What became of a recipe as HTML: a sign, and the word for those who do not see the sign.
pub(crate) fn badge(standing: Standing) -> String {
    let (style, sign) = style(standing);
    format!(
        "<span class=\"badge {style}\"><span aria-hidden=\"true\">{sign}</span> {}</span>",
        standing.word()
    )
}

/// Style and sign of a standing.
pub(crate) fn style(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Succeeded => ("good", "✓"),
        Standing::Failed(_) => ("bad", "✗"),
        Standing::Unchecked => ("bad", "?"),
        Standing::Stopped => ("other", "■"),
        Standing::NotBegun => ("other", "○"),
        Standing::Skipped => ("other", "–"),
        Standing::HeldBack => ("other", "↻"),
        Standing::NotTried => ("none", "·"),
    }
}

/// What a class of failures means.
pub(crate) fn meaning(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Upstream => "the upstream gave no usable answer",
        FailureClass::Fetch => "the new sources could not be fetched",
        FailureClass::UnsupportedProtocol => {
            "devtool cannot upgrade from where the recipe gets its sources"
        }
        FailureClass::PatchConflict => "a patch of the recipe does not apply any more",
        FailureClass::Licence => "the licence changed, or its check does not hold",
        FailureClass::Configure => "the new sources could not be configured",
        FailureClass::Compile => "the new sources could not be compiled or installed",
        FailureClass::Package => "packaging or one of its quality checks failed",
        FailureClass::Test => "the test image or a test of a package failed",
        FailureClass::Commit => "git did not take the change",
        FailureClass::Hang => "a command or a step did not come back within its time limit",
        FailureClass::Plugin => "a plugin of auh is at fault, not the recipe",
        FailureClass::Infrastructure => "the build environment is at fault, not the recipe",
    }
}

/// What a standing means, for those that need saying.
pub(crate) fn meaning_of(standing: Standing) -> &'static str {
    match standing {
        Standing::Succeeded => "upgraded and committed",
        Standing::Failed(_) => "something went wrong; the layer is as it was",
        Standing::Unchecked => "its upstream could not be asked",
        Standing::Stopped => "the run was stopped in the middle of it",
        Standing::NotBegun => "the run did not come to it",
        Standing::Skipped => "there was nothing that could be done",
        Standing::HeldBack => "failed in an earlier run, and not worth another try yet",
        Standing::NotTried => "up to date, or somebody does not want it upgraded",
    }
}

/// A layer by its name, else by its folder's.
pub(crate) fn layer_name(layer: &Layer) -> String {
    let folder = layer.path.file_name().unwrap_or_default();
    match layer.name.as_str() {
        "" => folder.to_string_lossy().into_owned(),
        name => name.to_owned(),
    }
}

/// A maintainer's name without the address, unless there is only the address.
pub(crate) fn person(maintainer: &str) -> &str {
    match maintainer.split('<').next().map(str::trim) {
        None | Some("") => maintainer.trim(),
        Some(name) => name,
    }
}

/// Where a recipe was to go.
pub(crate) fn change(recipe: &Recipe) -> String {
    match (&recipe.target.revision, recipe.target.new_commits) {
        (Some(revision), true) => {
            let short: String = revision.as_str().chars().take(10).collect();
            format!("{} → newest commit {short}", recipe.version)
        }
        (None, true) => format!("{} → newest commit", recipe.version),
        (_, false) => format!("{} → {}", recipe.version, recipe.target.version),
    }
}

/// The machines of a failure, ` on A, B` or nothing.
pub(crate) fn on_machines(failure: &Failure) -> String {
    let machines: Vec<String> = failure.machines.iter().map(Machine::to_string).collect();
    match machines.as_slice() {
        [] => String::new(),
        machines => format!(" on {}", machines.join(", ")),
    }
}

/// A moment as an element: in UTC, as pages are read in other places than they are written.
pub(crate) fn moment(time: Timestamp) -> String {
    let shown = time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC");
    format!("<time datetime=\"{time:.0}\">{shown}</time>")
}

/// A duration that no line break tears apart.
pub(crate) fn took(seconds: f64) -> String {
    duration(seconds).replace(' ', "\u{a0}")
}

/// `1 recipe`, `2 recipes`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}

/// Bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} bytes"),
        1024..1_048_576 => format!("{} KiB", count / 1024),
        _ => format!("{} MiB", count / 1_048_576),
    }
}

/// Text with the chance of a line break after each comma and slash.
pub(crate) fn breakable(text: &str) -> String {
    escaped(text).replace(',', ",<wbr>").replace('/', "/<wbr>")
}
