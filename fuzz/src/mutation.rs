//! Mutations: inputs made of inputs, by a seed, so that every run can be run again.

/// The longest input that is made.
const LONGEST: usize = 64 << 10;
/// The most repetitions of a piece.
const MOST_REPEATED: usize = 4_000;

/// Random numbers from a seed (`SplitMix64`).
pub struct Random(u64);

impl Random {
    /// Begins at a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below a bound; zero if there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        let number = self.next_number() % (bound.max(1) as u64);
        usize::try_from(number).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.next_number().to_le_bytes()[0]
    }
}

/// Makes an input of those at hand.
#[must_use]
pub fn mutate(random: &mut Random, corpus: &[Vec<u8>], words: &[&[&str]]) -> Vec<u8> {
    let mut input = corpus.get(random.below(corpus.len())).cloned().unwrap_or_default();
    for _ in 0..=random.below(6) {
        change(random, &mut input, corpus, words);
        input.truncate(LONGEST);
    }
    input
}

fn change(random: &mut Random, input: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&[&str]]) {
    let place = random.below(input.len() + 1);
    match random.below(12) {
        // Bits and bytes.
        0 => {
            if let Some(byte) = input.get_mut(place) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(place) {
                *byte = random.byte();
            }
        }
        2 => input.insert(place, random.byte()),
        // Pieces that are cut off, left out, or come again.
        3 => input.truncate(place),
        4 => drop(input.drain(piece(random, input.len()))),
        5 => {
            let copied = input[piece(random, input.len())].to_vec();
            insert(input, place, &copied);
        }
        6 => {
            let range = piece(random, input.len().min(64));
            let times = 1 + random.below(MOST_REPEATED);
            let repeated = input[range].repeat(times.min(LONGEST));
            insert(input, place, &repeated[..repeated.len().min(LONGEST)]);
        }
        // The beginning of one input, and the end of another.
        7 => {
            if let Some(other) = corpus.get(random.below(corpus.len())) {
                input.truncate(place);
                input.extend_from_slice(&other[random.below(other.len() + 1)..]);
            }
        }
        8 => {
            if let Some(other) = corpus.get(random.below(corpus.len())) {
                insert(input, place, &other[piece(random, other.len())]);
            }
        }
        // Words of the format, beside what stands there or in its place.
        9 | 10 => {
            if let Some(word) = word(random, words) {
                let end = (place + random.below(12)).min(input.len());
                let start = if random.below(2) == 0 { end } else { place.min(end) };
                drop(input.splice(start..end, word.bytes()));
            }
        }
        // A number in the place of another.
        _ => {
            let digits = |byte: &u8| byte.is_ascii_digit();
            if let Some(start) = input.iter().skip(place).position(digits).map(|found| found + place) {
                let length = input[start..].iter().take_while(|byte| digits(byte)).count();
                let number = match random.below(4) {
                    0 => random.below(4).to_string(),
                    1 => u64::MAX.to_string(),
                    2 => "79228162514264337593543950335".to_owned(),
                    _ => random.next_number().to_string(),
                };
                drop(input.splice(start..start + length, number.bytes()));
            }
        }
    }
}

fn insert(input: &mut Vec<u8>, place: usize, piece: &[u8]) {
    drop(input.splice(place..place, piece.iter().copied()));
}

fn piece(random: &mut Random, length: usize) -> std::ops::Range<usize> {
    let (one, other) = (random.below(length + 1), random.below(length + 1));
    one.min(other)..one.max(other)
}

fn word<'a>(random: &mut Random, words: &[&[&'a str]]) -> Option<&'a str> {
    let lists: Vec<&[&str]> = words.iter().copied().filter(|list| !list.is_empty()).collect();
    let list = lists.get(random.below(lists.len()))?;
    list.get(random.below(list.len())).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_inputs_again_and_another_makes_others() {
        let corpus = [b"{\"a\": 12}".to_vec(), b"[1, 2, 3]".to_vec(), Vec::new()];
        let inputs = |seed| {
            let mut random = Random::new(seed);
            (0..2_000).map(|_| mutate(&mut random, &corpus, &[&["null"], &[]])).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        let all = inputs(1);
        assert!(all.iter().all(|input| input.len() <= LONGEST) && all.iter().any(|input| input.len() > 10_000));
        let mut distinct = all.clone();
        distinct.sort();
        distinct.dedup();
        assert!(distinct.len() > 1_000, "{}", distinct.len());
    }
}
