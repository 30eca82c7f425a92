//! Step `mail`: a mail about each group to its maintainers (action `run`), one about the run
//! (`status`), and another attempt at those that could not be sent (`resend`).
//!
//! | file | what is in it |
//! |---|---|
//! | `email_summary` in a group's folder | the mail about the group, sent or not |
//! | `mail/NNNN-NAME.eml` in the run directory | a mail that was not sent, as it would be |
//! | `mail/NNNN-NAME.json` | from whom and to whom, and why it was not sent |
//!
//! A mail that may have gone out when the host died is not sent again unasked: the note about it says how
//! to have it sent.
//!
//! A mail that cannot be delivered is a note and a warning, never a failed recipe.
//!
//! Not here: what the statistics and the tarball of a run are (the host writes them).

mod address;
mod delivery;
mod excerpt;
mod group;
mod kept;
mod letter;
mod options;
mod password;
mod post;
mod sendmail;
mod settings;
mod smtp;
mod status;

#[cfg(test)]
mod tests;

use auh_sdk::{
    Failure, FailureClass, GroupWork, Host, Options, PluginManifest, RecipeStatus, Step, StepError,
    StepOutcome, StepRequest,
};
use post::Post;
use settings::Settings;
use std::fs;

struct Mail;

impl Step for Mail {
    fn run(&self, request: &StepRequest, host: &Host) -> Result<StepOutcome, StepError> {
        let settings = Settings::new(&request.settings);
        let post = Post::new(host, request, &settings);
        match request.action.as_str() {
            "run" => {
                let work = group_of(request)?;
                if post.stopping() && !group::was_skipped(work) {
                    // It is told when the run goes on: then all of it is known.
                    let stopped = Failure::new(FailureClass::Infrastructure, "stopped");
                    let status = RecipeStatus::Failed(stopped);
                    return Ok(StepOutcome::for_all(&work.group, &status));
                }
                Ok(StepOutcome {
                    notes: post.warned(about_group(work, &settings, &post)),
                    ..StepOutcome::for_all(&work.group, &RecipeStatus::Succeeded)
                })
            }
            "status" => Ok(noting(post.warned(about_run(request, &settings, &post)))),
            "resend" => {
                let resent = post.resend(&|| host.stopping());
                match resent.left {
                    0 => Ok(noting(resent.notes)),
                    _ => Err(StepError::infrastructure(resent.told())),
                }
            }
            other => Err(StepError::new(
                FailureClass::Plugin,
                format!("mail has no action {other:?}; it has run, status and resend"),
            )),
        }
    }
}

/// What an action about the run answers.
fn noting(notes: Vec<String>) -> StepOutcome {
    StepOutcome {
        notes,
        ..StepOutcome::default()
    }
}

fn group_of(request: &StepRequest) -> Result<&GroupWork, StepError> {
    let missing = || StepError::new(FailureClass::Plugin, "the request names no group");
    request.groups.first().ok_or_else(missing)
}

/// Writes the group's mail down, and sends it when mails are to be sent.
fn about_group(work: &GroupWork, settings: &Settings, post: &Post<'_>) -> Vec<String> {
    if group::was_skipped(work) {
        return Vec::new();
    }
    let mut notes = Vec::new();
    let (letter, troubles) = group::letter(work, settings);
    let summary = work.folder.join(group::SUMMARY);
    if let Err(error) = fs::write(&summary, letter.summary()) {
        notes.push(format!("{} cannot be written: {error}", summary.display()));
    }
    if settings.sends {
        notes.extend(troubles);
        notes.extend(post.send(&work.group.name(), &letter));
    }
    notes
}

/// Sends the mail about the run.
fn about_run(request: &StepRequest, settings: &Settings, post: &Post<'_>) -> Vec<String> {
    if !settings.sends {
        return Vec::new();
    }
    if request.groups.iter().all(group::was_skipped) {
        post.info("no recipe was attempted, so no status mail is sent");
        return Vec::new();
    }
    let today = jiff::Zoned::now().date().to_string();
    let (letter, mut notes) = status::letter(&request.run, settings, &today);
    if settings.status_recipients.is_empty() {
        notes.push(
            "the status mail is not sent: status-recipients names nobody to send it to".to_owned(),
        );
    } else {
        notes.extend(post.send("status", &letter));
    }
    notes
}

fn manifest() -> PluginManifest {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    PluginManifest {
        actions: owned(&["status", "resend"]),
        run_actions: owned(&["status", "resend"]),
        settings: owned(&settings::NAMES),
        options: Some(options::keys()),
        commands: owned(&["sendmail", "password-command"]),
        ..auh_sdk::step_manifest(
            "mail",
            env!("CARGO_PKG_VERSION"),
            "mails the maintainers about their recipes, and others about the run",
        )
    }
}

fn create(_options: &Options) -> Result<Mail, StepError> {
    // A wrong setting is said when a mail is to be sent, and costs no recipe.
    Ok(Mail)
}

auh_sdk::export_step! {
    manifest: manifest(),
    create: create,
}
