//! Accept-Language, reduced to one of the languages that an origin has.

use crate::policy::Languages;
use crate::weighted;

/// The language that fits best by the lines of Accept-Language: that of lookup (RFC 4647 section
/// 3.4), over the ranges in the order of their weights (RFC 9110 section 12.5.4).
pub fn choose<'p, 'a>(languages: &'p Languages, lines: impl IntoIterator<Item = &'a [u8]>) -> &'p str {
    tag(languages, choose_index(languages, lines))
}

/// The place of the language that fits best: 0 is the default, and the others follow.
pub fn choose_index<'a>(languages: &Languages, lines: impl IntoIterator<Item = &'a [u8]>) -> usize {
    let mut best = (0, 0);
    for (range, weight) in lines.into_iter().flat_map(weighted::elements) {
        // Of ranges with the same weight, the first one that fits anything counts.
        if weight > best.0
            && let Some(found) = look_up(languages, range)
        {
            best = (weight, found);
        }
    }
    best.1
}

/// The language at a place; the default where there is none.
pub fn tag(languages: &Languages, place: usize) -> &str {
    tags(languages).nth(place).unwrap_or(&languages.default)
}

fn tags(languages: &Languages) -> impl Iterator<Item = &str> {
    std::iter::once(&languages.default).chain(&languages.others).map(|tag| &**tag)
}

/// The place of the language that a range, or the longest beginning of it, names.
fn look_up(languages: &Languages, mut range: &[u8]) -> Option<usize> {
    loop {
        if let Some(found) = tags(languages).position(|tag| tag.as_bytes().eq_ignore_ascii_case(range)) {
            return Some(found);
        }
        range = shorter(range)?;
    }
}

/// Without the last subtag, and without a single letter or digit that is last then.
fn shorter(range: &[u8]) -> Option<&[u8]> {
    let end = range.iter().rposition(|byte| *byte == b'-')?;
    let end = if end >= 2 && range[end - 2] == b'-' { end - 2 } else { end };
    Some(&range[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_fits_best_is_found() {
        let languages =
            Languages { default: "en".into(), others: vec!["de".into(), "de-CH".into(), "zh-Hant".into()] };
        let table: [(&[&str], &str); 20] = [
            (&["de"], "de"),
            (&["DE"], "de"),
            (&["de-ch"], "de-CH"),
            (&["de-AT"], "de"),
            (&["de-CH-1996"], "de-CH"),
            // RFC 4647 section 3.4: a single letter goes with what is behind it
            (&["zh-Hant-CN-x-private1-private2"], "zh-Hant"),
            (&["zh-Hant-CN-x-private1"], "zh-Hant"),
            (&["zh"], "en"),
            (&["fr"], "en"),
            (&["fr, de"], "de"),
            (&["de, en"], "de"),
            (&["en, de"], "en"),
            (&["fr;q=0.5, de;q=0.9, en;q=0.1"], "de"),
            (&["fr;q=0.5", "de;q=1.0"], "de"),
            (&["en;q=0.8, de-CH;q=0.8"], "en"),
            (&["de;q=0, en-US"], "en"),
            (&["de;q=0"], "en"),
            (&["*"], "en"),
            (&["", "-", "de-"], "de"),
            (&[], "en"),
        ];
        for (lines, want) in table {
            let found = choose(&languages, lines.iter().map(|line| line.as_bytes()));
            assert_eq!(found, want, "{lines:?}");
        }
    }
}
