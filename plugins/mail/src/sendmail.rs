//! Mails through the system's own program, as sendmail(8) and its likes (Postfix, Exim, msmtp) take
//! them: the message on standard input, recipients as arguments.

use crate::{
    delivery::{DeliveryError, Envelope, Refusal},
    excerpt::{cut, one_line},
};
use auh_sdk::{CommandResult, Host, Place, RunCommand};
use lettre::Address;
use std::path::Path;

/// The program and its own arguments.
pub(crate) struct Sendmail<'a> {
    pub command: Vec<String>,
    pub timeout_s: u64,
    pub host: &'a Host,
    pub folder: &'a Path,
}

impl Sendmail<'_> {
    /// One call for each recipient: its exit status then says who has the mail and who has not.
    pub(crate) fn deliver(
        &self,
        envelope: &Envelope,
        message: &str,
    ) -> Result<Vec<Refusal>, DeliveryError> {
        // As every program writes to a pipe.
        let message = message.replace("\r\n", "\n");
        let mut refusals = Vec::new();
        for (number, to) in envelope.to.iter().enumerate() {
            let reason = match self.host.run(&self.call(&envelope.from, to, &message)) {
                Ok(ended) if ended.succeeded() => continue,
                Ok(ended) => reason(&self.command[0], &ended),
                Err(error) if number == 0 => {
                    return Err(DeliveryError::Unreachable(error.to_string()));
                }
                Err(error) => error.to_string(),
            };
            let to = to.clone();
            refusals.push(Refusal { to, reason });
        }
        Ok(refusals)
    }

    fn call(&self, from: &Address, to: &Address, message: &str) -> RunCommand {
        let options = ["-f", from.as_ref(), "--", to.as_ref()].map(str::to_owned);
        let words = self.command.iter().cloned().chain(options);
        let mut call = RunCommand::new(Place::Folder(self.folder.to_owned()), "sendmail", words);
        call.time_limit_s = Some(self.timeout_s);
        call.stdin = Some(message.to_owned());
        call
    }
}

fn reason(program: &str, ended: &CommandResult) -> String {
    let said = cut(&one_line(&ended.stderr), 200);
    match said.is_empty() {
        true => format!("{program} {}", ended.how()),
        false => format!("{program} {}: {said}", ended.how()),
    }
}
