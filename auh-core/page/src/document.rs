//! The frame of a page.

use crate::escaped;

/// A page that a browser shows without asking anything of anybody.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Its title, as plain text.
    pub title: &'a str,
    /// Its style sheet.
    pub style: &'a str,
    /// Its script, if it has one.
    pub script: Option<Script<'a>>,
    /// What stands in its body, as HTML.
    pub body: &'a str,
}

/// The one script that may run in a page.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    /// The script.
    pub text: &'a str,
    /// SHA-256 of its text in base64. The browser runs nothing else, whatever got into the page
    /// (<https://www.w3.org/TR/CSP3/#match-element-to-source-list>).
    pub sha256: &'a str,
}

impl Document<'_> {
    /// The page as a text.
    #[must_use]
    pub fn html(&self) -> String {
        let allowed = self.script.map_or_else(
            || "'none'".to_owned(),
            |script| format!("'sha256-{}'", script.sha256),
        );
        let script = self.script.map_or_else(String::new, |script| {
            format!("<script>{}</script>\n", script.text)
        });
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'unsafe-inline'; script-src {allowed}; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{}</title>\n<style>{}</style>\n</head>\n<body>\n{}{script}</body>\n</html>\n",
            escaped(self.title),
            self.style,
            self.body,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_which_script_may_run() {
        let mut page = Document {
            title: "a <b>",
            style: "p{}",
            script: None,
            body: "<p>x</p>\n",
        };
        let html = page.html();
        assert!(html.contains("<title>a &lt;b&gt;</title>"), "{html}");
        assert!(html.contains("script-src 'none';"), "{html}");
        page.script = Some(Script {
            text: "1;",
            sha256: "abc=",
        });
        let html = page.html();
        assert!(html.contains("script-src 'sha256-abc=';"), "{html}");
        assert!(
            html.contains("<p>x</p>\n<script>1;</script>\n</body>"),
            "{html}"
        );
    }
}
