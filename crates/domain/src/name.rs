//! Names made comparable: case, umlauts, accents and punctuation folded.

use unicode_normalization::UnicodeNormalization;

/// `Groß & Söhne GmbH` → `gross soehne gmbh`: lower case, umlauts spelled out, accents dropped,
/// everything else than letters and digits a single space.
#[must_use]
pub fn fold(text: &str) -> String {
    fold_with(text, true)
}

/// What a search looks in: the name with umlauts spelled out and, where that differs, with the
/// dots dropped, so that `Mueller`, `Müller` and `Muller` all find it.
#[must_use]
pub fn search_text(text: &str) -> String {
    let spelled_out = fold_with(text, true);
    let dropped = fold_with(text, false);
    if spelled_out == dropped { spelled_out } else { format!("{spelled_out} {dropped}") }
}

/// Folded so that all ways to write an umlaut are one: `Müller`, `Mueller` and `Muller` → `muller`. A part
/// of a text from a beginning of a word on is a part of the folded text as well.
#[must_use]
pub fn fold_loosely(text: &str) -> String {
    let folded = fold(text);
    let mut loose = String::with_capacity(folded.len());
    let mut letters = folded.chars().peekable();
    while let Some(letter) = letters.next() {
        loose.push(letter);
        if matches!(letter, 'a' | 'o' | 'u') {
            letters.next_if_eq(&'e');
        }
    }
    loose
}

fn fold_with(text: &str, spell_out: bool) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut push = |c: char| {
        if c.is_alphanumeric() {
            folded.push(c);
        } else if !folded.ends_with(' ') && !folded.is_empty() {
            folded.push(' ');
        }
    };
    // Composed first, so that ü typed as u + diaeresis is spelled out too.
    for c in text.nfc().flat_map(char::to_lowercase) {
        match c {
            'ä' if spell_out => "ae".chars().for_each(&mut push),
            'ö' if spell_out => "oe".chars().for_each(&mut push),
            'ü' if spell_out => "ue".chars().for_each(&mut push),
            // A letter may be one of these below its accent: `ǽ`.
            _ => std::iter::once(c)
                .nfd()
                .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
                .for_each(|c| match c {
                    'ß' => "ss".chars().for_each(&mut push),
                    'æ' => "ae".chars().for_each(&mut push),
                    'ø' => push('o'),
                    'ł' => push('l'),
                    plain => push(plain),
                }),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// How many typing errors a word of so many letters may have and still be taken for another.
pub(crate) fn forgiven(letters: usize) -> usize {
    match letters {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// Letters that were left out, added, exchanged or swapped with the next one (optimal string alignment).
pub(crate) fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, letter) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in b.iter().enumerate() {
            let exchanged = last[column] + usize::from(letter != other);
            let mut least = exchanged.min(last[column + 1] + 1).min(current[column] + 1);
            let is_swapped =
                row > 0 && column > 0 && *letter == b[column - 1] && a[row - 1] == *other;
            if is_swapped {
                least = least.min(before[column - 1] + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut last, current);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folds_case_umlauts_accents_and_punctuation() {
        assert_eq!(fold("Groß & Söhne GmbH"), "gross soehne gmbh");
        assert_eq!(fold("  Café-Société  "), "cafe societe");
        assert_eq!(fold("MU\u{308}LLER"), "mueller");
        assert_eq!(fold("Łódź Ørsted Ǽ Ǿ"), "lodz orsted ae o");
    }

    #[test]
    fn a_search_text_holds_both_spellings() {
        assert_eq!(search_text("Müller"), "mueller muller");
        assert_eq!(search_text("Meier"), "meier");
        for typed in ["Müller", "MUELLER", "muller", "üll"] {
            assert!(search_text("Müller Bau").contains(&fold(typed)), "{typed}");
        }
    }

    #[test]
    fn all_ways_to_write_an_umlaut_are_one() {
        for typed in ["Müller", "MUELLER", "muller", "Mu\u{308}ller"] {
            assert_eq!(fold_loosely(typed), "muller", "{typed}");
        }
        assert_eq!(fold_loosely("Bauer & Söhne"), "baur sohne");
    }

    proptest! {
        #[test]
        fn a_word_has_no_errors_of_itself_and_errors_count_both_ways(
            a in "[a-e]{0,8}", b in "[a-e]{0,8}"
        ) {
            let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            prop_assert_eq!(distance(&a, &a), 0);
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert!(distance(&a, &b) <= a.len().max(b.len()));
        }

        #[test]
        fn what_is_typed_so_far_is_a_beginning_however_loosely(
            text in "[abeoüäöu ]{0,12}", length in 0_usize..12
        ) {
            let typed: String = text.chars().take(length).collect();
            prop_assert!(fold_loosely(&text).starts_with(&fold_loosely(&typed)));
        }

        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once.clone());
            prop_assert!(!once.contains("  ") && once.trim() == once);
        }
    }
}
