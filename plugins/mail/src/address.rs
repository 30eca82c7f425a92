//! Who gets a mail: addresses as settings and recipes have them, and what AUH's rules make of them.

use crate::{excerpt::one_line, settings::Settings};
use auh_sdk::Recipe;
use lettre::{Address, message::Mailbox};

/// The recipients of a mail, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Recipients {
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    /// What was given as an address and is none, each with the reason, for people.
    pub unusable: Vec<String>,
}

impl Recipients {
    /// Who gets the mail about these recipes: the one whom all mails go to, or their maintainers
    /// with those overrides that there are; the others that get copies. When nobody is left, the
    /// copies are the mail.
    pub(crate) fn of(recipes: &[Recipe], settings: &Settings) -> Self {
        let mut recipients = Self::default();
        let maintainers = match &settings.global_override {
            Some(everybody) => vec![everybody.as_str()],
            None => recipes
                .iter()
                .filter_map(|recipe| recipe.maintainer.as_deref())
                .map(|maintainer| settings.stand_in(maintainer))
                .filter(|maintainer| !is_nobody(maintainer))
                .collect(),
        };
        let to = recipients.usable(maintainers);
        let copies = settings.cc_recipients.iter().map(String::as_str);
        let cc = recipients.usable(copies);
        if to.is_empty() {
            recipients.to = cc;
        } else {
            recipients.cc = cc.into_iter().filter(|copy| !has(&to, copy)).collect();
            recipients.to = to;
        }
        recipients
    }

    /// Just these.
    pub(crate) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut recipients = Self::default();
        recipients.to = recipients.usable(texts);
        recipients
    }

    /// The addresses for the envelope.
    pub(crate) fn addresses(&self) -> Vec<Address> {
        let mailboxes = self.to.iter().chain(&self.cc);
        mailboxes.map(|mailbox| mailbox.email.clone()).collect()
    }

    /// Those that are addresses, each once; a bad one costs nobody else the mail.
    fn usable<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) -> Vec<Mailbox> {
        let mut mailboxes = Vec::new();
        for text in texts {
            match mailbox(text) {
                Ok(mailbox) if has(&mailboxes, &mailbox) => {}
                Ok(mailbox) => mailboxes.push(mailbox),
                Err(reason) if self.unusable.contains(&reason) => {}
                Err(reason) => self.unusable.push(reason),
            }
        }
        mailboxes
    }
}

/// A mailbox from `Name <address>` or an address; the error is a line for people. Control
/// characters in the name are lost. Other than ASCII is taken in names only: an address with it
/// could be told to few servers, and a mail with it passed on by fewer.
pub(crate) fn mailbox(text: &str) -> Result<Mailbox, String> {
    let (name, address) = match text
        .trim_end()
        .strip_suffix('>')
        .map(|t| t.rsplit_once('<'))
    {
        Some(Some((name, address))) => (name.trim().trim_matches('"'), address.trim()),
        _ => ("", text.trim()),
    };
    let wrong = |why: &str| format!("{:?} is no mail address{why}", one_line(text));
    if !address.is_ascii() {
        return Err(wrong(": it has other characters than ASCII ones"));
    }
    if address.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(wrong(": it has a blank or a control character in it"));
    }
    let address: Address = address.parse().map_err(|_| wrong(""))?;
    let name = one_line(name);
    Ok(Mailbox::new(
        Some(name).filter(|name| !name.is_empty()),
        address,
    ))
}

/// The address in `Name <address>`, or all of a text that is not written so; in lower case, for
/// comparison.
pub(crate) fn address_key(text: &str) -> String {
    let inner = text.trim_end().strip_suffix('>');
    let inner = inner.and_then(|text| text.rsplit_once('<'));
    let address = inner.map_or(text, |(_, address)| address);
    address.trim().to_lowercase()
}

/// OE-core's maintainers file has recipes without one under "Unassigned <unassigned@…>".
fn is_nobody(maintainer: &str) -> bool {
    maintainer.trim().is_empty() || maintainer.to_lowercase().contains("unassigned")
}

fn has(mailboxes: &[Mailbox], other: &Mailbox) -> bool {
    let key = address_key(other.email.as_ref());
    mailboxes
        .iter()
        .any(|known| address_key(known.email.as_ref()) == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use auh_sdk::pretend;
    use serde_json::{Value, json};
    use std::path::Path;

    fn settings(json: Value) -> Settings {
        let Value::Object(settings) = json else {
            panic!("{json}")
        };
        Settings::new(&settings)
    }

    fn of(maintainers: &[&str], json: Value) -> (Vec<String>, Vec<String>, Vec<String>) {
        let recipes: Vec<Recipe> = maintainers
            .iter()
            .map(|maintainer| Recipe {
                maintainer: Some((*maintainer).to_owned()),
                ..pretend::recipe(Path::new("/layer"), "hello")
            })
            .collect();
        let recipients = Recipients::of(&recipes, &settings(json));
        let shown = |list: &[Mailbox]| list.iter().map(ToString::to_string).collect();
        let (to, cc) = (shown(&recipients.to), shown(&recipients.cc));
        (to, cc, recipients.unusable)
    }

    #[test]
    fn maintainers_get_a_mail_each_once_whatever_the_case() {
        let (to, cc, unusable) = of(
            &["A <a@x.org>", "B <b@x.org>", "Another A <A@X.org>"],
            json!({"cc-recipients": ["B@x.org", "c@x.org", "c@x.org"]}),
        );
        assert_eq!(to, ["A <a@x.org>", "B <b@x.org>"]);
        assert_eq!((cc, unusable), (vec!["c@x.org".to_owned()], vec![]));
    }

    #[test]
    fn an_override_is_found_by_the_address_in_any_case() {
        let overrides = json!({"maintainer-override": {"Old@X.org": "New <new@x.org>"}});
        let (to, _, _) = of(&["Ann Old <OLD@x.org>", "B <b@x.org>"], overrides);
        assert_eq!(to, ["New <new@x.org>", "B <b@x.org>"]);
        let both = json!({
            "maintainer-override": {"old@x.org": "new@x.org"},
            "global-maintainer-override": "all@x.org",
        });
        assert_eq!(of(&["O <old@x.org>"], both).0, ["all@x.org"]);
    }

    #[test]
    fn without_a_maintainer_the_copies_are_the_mail() {
        let copies = json!({"cc-recipients": ["c@x.org"]});
        for nobody in ["Unassigned <unassigned@yoctoproject.org>", "", "no address"] {
            let (to, cc, _) = of(&[nobody], copies.clone());
            assert_eq!((to, cc), (vec!["c@x.org".to_owned()], vec![]), "{nobody}");
        }
        let nobody = json!({"maintainer-override": {"a@x.org": "unassigned@x.org"}});
        assert_eq!(of(&["A <a@x.org>"], nobody).0, [""; 0]);
    }

    #[test]
    fn a_bad_address_costs_nobody_else_the_mail() {
        let (to, _, unusable) = of(
            &[
                "A <a@x.org>",
                "B <b x.org>",
                "C <c@x.org\r\nBcc: d@x.org>",
                "Ä <ä@x.org>",
                "E",
            ],
            json!({}),
        );
        assert_eq!(to, ["A <a@x.org>"]);
        assert_eq!(unusable.len(), 4, "{unusable:?}");
        assert!(unusable.iter().all(|reason| !reason.contains('\n')));
    }

    #[test]
    fn names_keep_their_letters_and_lose_their_line_breaks() {
        let parsed = mailbox("Jürgen \"J\" X\r\nBcc: y <j@x.org>").unwrap();
        assert_eq!(parsed.name.as_deref(), Some("Jürgen \"J\" X  Bcc: y"));
        assert_eq!(mailbox("<a@x.org>").unwrap().name, None);
        assert_eq!(mailbox("\"A, B\" <a@x.org>").unwrap().name.unwrap(), "A, B");
    }
}
