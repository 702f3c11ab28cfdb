//! Names that are near to one that is not known.

/// How alike two names must be at least, of one, to be named as what may have been meant.
const ALIKE: f64 = 0.75;

/// Returns the names that may have been meant by one that is not known, nearest first: at most so many, and none that is
/// nothing like it.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let mut near = by_likeness(wanted, known);
    near.retain(|(likeness, _)| *likeness >= ALIKE);
    near.into_iter().take(most).map(|(_, name)| name).collect()
}

/// Returns the names that are the most like one that is not known, nearest first, however little they are like it.
pub fn most_alike<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    by_likeness(wanted, known).into_iter().take(most).map(|(_, name)| name).collect()
}

/// Asks whether one of some names was meant, as a part of a sentence; nothing where none is near.
#[must_use]
pub fn did_you_mean(near: &[&str]) -> String {
    match near {
        [] => String::new(),
        [name] => format!("; did you mean {name}"),
        [first @ .., last] => format!("; did you mean {} or {last}", first.join(", ")),
    }
}

fn by_likeness<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<(f64, &'a str)> {
    let wanted = wanted.to_lowercase();
    let mut all: Vec<_> = known.into_iter().map(|name| (likeness(&wanted, &name.to_lowercase()), name)).collect();
    all.sort_by(|(left, left_name), (right, right_name)| right.total_cmp(left).then_with(|| left_name.cmp(right_name)));
    all.dedup_by(|left, right| left.1 == right.1);
    all
}

/// A slip of the hand changes few letters; a name that was cut short or made longer begins alike.
fn likeness(wanted: &str, name: &str) -> f64 {
    let letters = strsim::normalized_damerau_levenshtein(wanted, name);
    let beginning = strsim::jaro_winkler(wanted, name) - 0.1;
    letters.max(beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_misspelt_is_found_and_what_is_unlike_is_not() {
        let models = ["gpt-4o", "gpt-4o-mini", "gpt-4o-mini-tts", "o3", "whisper-1", "dall-e-3"];
        assert_eq!(nearest("gpt-4o-minni", models, 2), ["gpt-4o-mini", "gpt-4o-mini-tts"]);
        assert_eq!(nearest("qwen-max", models, 3), [""; 0]);
        assert_eq!(nearest("usr", ["model", "user", "tags"], 3), ["user"]);
        assert_eq!(nearest("OpenAI", ["openai", "openrouter"], 1), ["openai"]);
        assert_eq!(nearest("temp", ["temperature", "top_p", "tools"], 1), ["temperature"]);
    }

    #[test]
    fn each_name_comes_once_and_the_order_does_not_hang_on_theirs() {
        assert_eq!(most_alike("b", ["c", "a", "a"], 5), ["a", "c"]);
        assert_eq!(most_alike("x/fast", ["slow", "fast"], 1), ["fast"]);
    }

    #[test]
    fn a_sentence_names_all() {
        assert_eq!(did_you_mean(&[]), "");
        assert_eq!(did_you_mean(&["a"]), "; did you mean a");
        assert_eq!(did_you_mean(&["a", "b", "c"]), "; did you mean a, b or c");
    }
}
