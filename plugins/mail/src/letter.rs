//! A mail before it has a sender: who gets it, what it says, which files come with it; as the text
//! that is kept for people, and as the message that is sent.

use crate::{address::Recipients, excerpt::one_line};
use lettre::{
    Message,
    message::{
        Body, Mailbox, Mailboxes, MultiPart, SinglePart,
        header::{
            ContentDisposition, ContentTransferEncoding, ContentType, Header, HeaderName,
            HeaderValue,
        },
    },
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Far from the 998 characters that a line may have (RFC 5322, section 2.1.1).
const LONGEST_WHOLE_NAME: usize = 200;

/// A mail.
#[derive(Debug, Clone, Default)]
pub(crate) struct Letter {
    pub recipients: Recipients,
    /// One line.
    pub subject: String,
    pub body: String,
    /// Files that come with it.
    pub attachments: Vec<PathBuf>,
}

impl Letter {
    /// The text of the file `email_summary`: the Python helper's form, but with `Cc:` before the
    /// copies and the recipients as a header has them.
    pub(crate) fn summary(&self) -> String {
        let list = |mailboxes: &[Mailbox]| Mailboxes::from(mailboxes.to_vec()).to_string();
        let files: Vec<_> = self
            .attachments
            .iter()
            .map(|path| one_line(&path.to_string_lossy()))
            .collect();
        format!(
            "To: {}\nCc: {}\nSubject: {}\nAttachments: {}\n\n{}\n",
            list(&self.recipients.to),
            list(&self.recipients.cc),
            self.subject,
            files.join(" "),
            self.body,
        )
    }

    /// The message, all ASCII, with lines that end in CR and LF; and which files could not be
    /// attached, for people. `id` is the local part of its Message-ID.
    pub(crate) fn message(
        &self,
        from: &Mailbox,
        id: &str,
    ) -> Result<(String, Vec<String>), String> {
        let mut builder = Message::builder()
            .from(from.clone())
            .subject(&self.subject)
            .message_id(Some(format!("<{id}@{}>", from.email.domain())))
            .date_now();
        for mailbox in &self.recipients.to {
            builder = builder.to(mailbox.clone());
        }
        for mailbox in &self.recipients.cc {
            builder = builder.cc(mailbox.clone());
        }
        let mut parts = MultiPart::mixed().singlepart(text_part(&self.body));
        let mut troubles = Vec::new();
        for path in &self.attachments {
            match attachment(path) {
                Ok(part) => parts = parts.singlepart(part),
                Err(error) => {
                    troubles.push(format!("{} is not attached: {error}", path.display()));
                }
            }
        }
        let message = builder
            .multipart(parts)
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8(message.formatted()).map_err(|error| error.to_string())?;
        Ok((text, troubles))
    }
}

/// The text of a mail. A patch in it may have control characters, which do not travel as they are.
fn text_part(text: &str) -> SinglePart {
    let is_plain = !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t');
    let quoted = ContentTransferEncoding::QuotedPrintable;
    let body = match is_plain {
        true => Body::new(text.to_owned()),
        false => Body::new_with_encoding(text.to_owned(), quoted).unwrap_or_else(Body::new),
    };
    SinglePart::builder()
        .header(ContentType::TEXT_PLAIN)
        .body(body)
}

/// A file, byte for byte: a patch whose line ends were changed on the way is another patch.
fn attachment(path: &Path) -> std::io::Result<SinglePart> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (bytes, kind) = match String::from_utf8(fs::read(path)?) {
        Ok(text) => (text.into_bytes(), ContentType::TEXT_PLAIN),
        Err(error) => (error.into_bytes(), octets()),
    };
    let base64 = ContentTransferEncoding::Base64;
    let body = Body::new_with_encoding(bytes, base64).unwrap_or_else(Body::new);
    Ok(SinglePart::builder()
        .header(FileName(one_line(&name)))
        .header(kind)
        .body(body))
}

/// The header that makes a part an attachment. lettre takes a name apart that is longer than half a
/// line (RFC 2231, section 3), as patches' names mostly are, and not every mail program puts it
/// together again: where it can, this one has it whole, on a line of its own.
#[derive(Clone)]
struct FileName(String);

impl Header for FileName {
    fn name() -> HeaderName {
        ContentDisposition::name()
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("{text}: nobody asks for what was written").into())
    }

    fn display(&self) -> HeaderValue {
        let Self(name) = self;
        let is_simple = |c: char| c == ' ' || (c.is_ascii_graphic() && c != '"' && c != '\\');
        if name.len() > LONGEST_WHOLE_NAME || !name.chars().all(is_simple) {
            return ContentDisposition::attachment(name).display();
        }
        let plain = format!("attachment; filename=\"{name}\"");
        let folded = plain.replacen("; ", ";\r\n ", 1);
        HeaderValue::dangerous_new_pre_encoded(Self::name(), plain, folded)
    }
}

fn octets() -> ContentType {
    ContentType::parse("application/octet-stream").unwrap_or(ContentType::TEXT_PLAIN)
}
