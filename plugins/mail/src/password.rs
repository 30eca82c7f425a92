//! The password for the mail server: where it comes from, and a type that never shows it.

use crate::options::MailOptions;
use auh_sdk::{Host, Place, RunCommand};
use std::{env, fmt, path::Path};

/// A password. What shows it anywhere shows a mark.
pub(crate) struct Password(String);

/// What stands where a password would.
const MARK: &str = "[password]";

impl Password {
    /// Reads it from the environment or asks the command. The error never has it, nor what the
    /// command says.
    pub(crate) fn get(options: &MailOptions, host: &Host, folder: &Path) -> Result<Self, String> {
        let password = match (&options.password_env, options.password_command.as_slice()) {
            (Some(name), _) => from_environment(name)?,
            (None, []) => {
                return Err(
                    "user is set in [plugins.mail], and neither password-env nor password-command"
                        .to_owned(),
                );
            }
            (None, command) => from_command(command, options, host, folder)?,
        };
        if password.is_empty() {
            return Err("the password for the mail server is empty".to_owned());
        }
        Ok(Self(password))
    }

    /// The password itself, for the server.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// A text of the server's without the password, should it be in it.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        text.replace(&self.0, MARK)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MARK)
    }
}

fn from_environment(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| match error {
        env::VarError::NotPresent => {
            format!("the environment variable {name} (password-env) is not set")
        }
        env::VarError::NotUnicode(_) => {
            format!("the environment variable {name} (password-env) is not UTF-8")
        }
    })
}

/// The first line: password stores write remarks below it.
fn from_command(
    command: &[String],
    options: &MailOptions,
    host: &Host,
    folder: &Path,
) -> Result<String, String> {
    let mut run = RunCommand::new(
        Place::Folder(folder.to_owned()),
        "password-command",
        command,
    );
    run.time_limit_s = Some(options.timeout.get());
    let ended = host
        .run(&run)
        .map_err(|error| format!("password-command did not start: {error}"))?;
    if !ended.succeeded() {
        return Err(format!("password-command {}", ended.how()));
    }
    let first = ended.stdout.lines().next().unwrap_or_default();
    Ok(first.to_owned())
}
