//! Tables: a caption that people see and hear, headers that name rows and columns.

use auh_page::escaped;
use std::fmt::Write as _;

/// A table whose cells are HTML, the first one of each row its header. Each cell has its column's
/// name, too, for windows so narrow that the cells stand below one another.
pub(crate) fn table(text: &mut String, caption: &str, head: &[&str], rows: &[Vec<String>]) {
    let caption = escaped(caption);
    let _ = write!(
        text,
        "<div class=\"wide\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\"><table>\
         <caption>{caption}</caption><thead><tr>"
    );
    for name in head {
        let _ = write!(text, "<th scope=\"col\">{name}</th>");
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        text.push_str("<tr>");
        for (place, cell) in row.iter().enumerate() {
            let _ = match place {
                0 => write!(text, "<th scope=\"row\">{cell}</th>"),
                _ => write!(text, "<td data-h=\"{}\">{cell}</td>", head[place]),
            };
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
}

/// The first few of a list of HTML, and the others behind something to open.
pub(crate) fn few(items: &[String]) -> String {
    const FEW: usize = 12;
    if items.len() <= FEW + 3 {
        return items.join(", ");
    }
    let (first, rest) = items.split_at(FEW);
    format!(
        "{} <details class=\"more\"><summary>and {} more</summary>{}</details>",
        first.join(", "),
        rest.len(),
        rest.join(", ")
    )
}
