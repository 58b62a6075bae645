//! Texts in which `${section:option}` stands for values of the config, and which are no options themselves.

/// How a template is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `${option}` is one of the section's own, as collective.recipe.template has it; `$$` means nothing.
    OwnOptions,
    /// `$$` is a `$`, as slapos.recipe.template has it.
    Dollars,
}

/// Puts values in; `value` gives that of an option, of the own section where its name is empty.
///
/// # Errors
/// What stands in the text and is no reference, or the error of `value`.
pub(super) fn fill<E>(
    text: &str,
    style: Style,
    value: &mut dyn FnMut(&str, &str) -> Result<String, E>,
) -> Result<String, Result<String, E>> {
    match style {
        Style::OwnOptions => fill_plain(text, style, value),
        Style::Dollars => {
            let pieces = text.split("$$").map(|piece| fill_plain(piece, style, value));
            Ok(pieces.collect::<Result<Vec<_>, _>>()?.join("$"))
        }
    }
}

fn fill_plain<E>(
    text: &str,
    style: Style,
    value: &mut dyn FnMut(&str, &str) -> Result<String, E>,
) -> Result<String, Result<String, E>> {
    let (mut filled, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("${") {
        let Some(length) = rest[at..].find('}') else { break };
        let inside = &rest[at + 2..at + length];
        filled.push_str(&rest[..at]);
        let (section, option) = match inside.split_once(':') {
            Some(names) => names,
            None if style == Style::OwnOptions && !inside.is_empty() => ("", inside),
            None => return Err(Ok(inside.to_owned())),
        };
        filled.push_str(&value(section, option).map_err(Err)?);
        rest = &rest[at + length + 1..];
    }
    Ok(filled + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, style: Style) -> Result<String, Result<String, String>> {
        fill(text, style, &mut |section, option| match option {
            "none" => Err("no such option".to_owned()),
            _ => Ok(format!("<{section}.{option}>")),
        })
    }

    #[test]
    fn references_are_filled_in_as_each_of_the_two_recipes_does() {
        assert_eq!(filled("a ${b:c} ${:d} $x ${", Style::Dollars), Ok("a <b.c> <.d> $x ${".to_owned()));
        assert_eq!(filled("$${b:c} $$ $$$${b:c}", Style::Dollars), Ok("${b:c} $ $${b:c}".to_owned()));
        assert_eq!(filled("${d} $${b:c}", Style::OwnOptions), Ok("<.d> $<b.c>".to_owned()));
        assert_eq!(filled("${d}", Style::Dollars), Err(Ok("d".to_owned())));
        assert_eq!(filled("${b:none}", Style::Dollars), Err(Err("no such option".to_owned())));
    }
}
