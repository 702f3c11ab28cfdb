//! Master keys: where the caller's key comes from, and how its text is read.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::key::{KEY_LENGTH, Key, new_key};
use crate::environment::Environment;
use crate::types::{Error, ErrorKind, Result};

/// The fewest characters of a passphrase.
const MINIMUM_PASSPHRASE: usize = 8;

/// What a master key may be, as every error about one says it.
const ACCEPTED: &str =
    "give 32 random bytes as 64 hexadecimal digits or as base64, or a passphrase of at least 8 characters";

/// Gives the master key when the file is opened.
pub type MasterKeyCallback = Arc<dyn Fn() -> Result<SecretString> + Send + Sync>;

/// Where the master key comes from.
///
/// A text of exactly 64 hexadecimal digits, or of base64 (standard or URL-safe alphabet, padded or not) for exactly 32
/// bytes, is the key itself; any other text is a passphrase, which is stretched with Argon2id. Line breaks at the end
/// of a text are not part of it, as files and shells add them.
#[derive(Clone)]
pub enum MasterKey {
    /// A text: 32 bytes as 64 hexadecimal digits or as base64, or else a passphrase.
    Text(SecretString),
    /// The name of an environment variable that holds such a text.
    Variable(String),
    /// A function that returns such a text; it is called when the file is opened.
    Callback(MasterKeyCallback),
}

/// A master key as it was read.
pub(super) enum Material {
    /// The key itself.
    Key(Key),
    /// A passphrase, still to be stretched.
    Passphrase(SecretString),
}

impl MasterKey {
    /// Fetches the text from its variable or its callback and checks it, so that it need not be fetched again.
    ///
    /// Fails with [`ErrorKind::InvalidRequest`] if it is missing or too short, and with what a callback fails with.
    pub fn fetched(&self, environment: &dyn Environment) -> Result<Self> {
        let (text, subject) = self.text(environment)?;
        read(&text, &subject)?;
        Ok(Self::Text(text))
    }

    /// Fetches the text and reads it.
    pub(super) fn material(&self, environment: &dyn Environment) -> Result<Material> {
        let (text, subject) = self.text(environment)?;
        read(&text, &subject)
    }

    /// Returns the text, and what it is for people.
    fn text(&self, environment: &dyn Environment) -> Result<(SecretString, String)> {
        match self {
            Self::Text(text) => Ok((text.clone(), "the master key".to_owned())),
            Self::Callback(callback) => Ok((callback()?, "the master key that the callback returned".to_owned())),
            Self::Variable(name) => {
                let shown = shown_name(name);
                let text = environment.variable(name).map(SecretString::from).ok_or_else(|| {
                    Error::new(
                        ErrorKind::InvalidRequest,
                        format!(
                            "the environment variable {shown}, which is to hold the master key, is not set or is not \
                             Unicode; set it: {ACCEPTED}"
                        ),
                    )
                })?;
                Ok((text, format!("the master key in the environment variable {shown}")))
            }
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => formatter.write_str("Text(..)"),
            Self::Variable(name) => write!(formatter, "Variable({})", shown_name(name)),
            Self::Callback(_) => formatter.write_str("Callback(..)"),
        }
    }
}

/// Returns the name of a variable for people, unless it may be a key that was given in the name's place.
fn shown_name(name: &str) -> &str {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name && !name.is_empty() && parse_key(name).is_none() { name } else { "(not a variable's name)" }
}

fn read(text: &SecretString, subject: &str) -> Result<Material> {
    let text = text.expose_secret().trim_end_matches(['\r', '\n']);
    if let Some(key) = parse_key(text) {
        return Ok(Material::Key(key));
    }
    let refusal = match text.chars().count() {
        0 => "is empty",
        1..MINIMUM_PASSPHRASE => "is too short",
        _ => return Ok(Material::Passphrase(SecretString::from(text))),
    };
    Err(Error::new(ErrorKind::InvalidRequest, format!("{subject} {refusal}; {ACCEPTED}")))
}

/// Reads a text that is a key itself; nothing if it is not one in any of the accepted forms.
fn parse_key(text: &str) -> Option<Key> {
    let mut key = new_key();
    if text.len() == 2 * KEY_LENGTH {
        return hex::decode_to_slice(text, key.as_mut_slice()).ok().map(|()| key);
    }
    if !matches!(text.len(), 43 | 44) {
        return None;
    }
    [STANDARD, URL_SAFE].iter().find_map(|alphabet| {
        let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let mut decoded = Zeroizing::new([0; KEY_LENGTH + 1]);
        let length = GeneralPurpose::new(alphabet, lenient).decode_slice(text, decoded.as_mut_slice()).ok()?;
        let decoded = decoded.get(..length).filter(|bytes| bytes.len() == KEY_LENGTH)?;
        let mut key = new_key();
        key.copy_from_slice(decoded);
        Some(key)
    })
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    use jiff::Timestamp;

    use super::*;
    use crate::environment::TestEnvironment;

    /// Bytes whose base64 differs between the two alphabets.
    const BYTES: [u8; KEY_LENGTH] = [0xFB; KEY_LENGTH];

    fn material(text: &str) -> Result<Material> {
        MasterKey::Text(text.into()).material(&TestEnvironment::new(Timestamp::UNIX_EPOCH))
    }

    fn is_key(text: &str) -> bool {
        matches!(material(text).unwrap(), Material::Key(key) if **key == BYTES)
    }

    fn is_passphrase(text: &str) -> bool {
        matches!(material(text).unwrap(), Material::Passphrase(read) if read.expose_secret() == text)
    }

    #[test]
    fn every_form_of_a_key_is_read() {
        for text in [
            hex::encode(BYTES),
            hex::encode_upper(BYTES),
            STANDARD.encode(BYTES),
            STANDARD_NO_PAD.encode(BYTES),
            URL_SAFE.encode(BYTES),
            URL_SAFE_NO_PAD.encode(BYTES),
            hex::encode(BYTES) + "\n",
            STANDARD.encode(BYTES) + "\r\n",
        ] {
            assert!(is_key(&text), "{text:?}");
        }
    }

    #[test]
    fn a_string_that_is_almost_a_key_is_a_passphrase() {
        for text in [
            "eight ch".to_owned(),
            hex::encode(&BYTES[1..]),
            hex::encode(BYTES).replace("fb", "fg"),
            STANDARD.encode(&BYTES[1..]),
            STANDARD.encode(&BYTES[..30]) + "+-+-",
            format!(" {} ", hex::encode(BYTES)),
            "\u{6c34}\u{6cb3}\u{6e56}\u{6d77}\u{5c71}\u{7530}\u{91ce}\u{6797}".to_owned(),
        ] {
            assert!(is_passphrase(&text), "{text:?}");
        }
    }

    #[test]
    fn a_key_that_is_empty_or_short_is_refused_and_not_repeated() {
        for text in ["", "\n", "hunter2", "\u{6c34}\u{6cb3}"] {
            let Err(error) = material(text) else { panic!("{text:?} was accepted") };
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert!(error.detail().contains("at least 8 characters"), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_key_in_the_place_of_a_name_is_not_shown() {
        for (name, shown) in [("TOLLWAY_KEY", true), (hex::encode(BYTES).as_str(), false), ("a secret phrase", false)] {
            let key = MasterKey::Variable(name.to_owned());
            let Err(error) = key.material(&TestEnvironment::new(Timestamp::UNIX_EPOCH)) else { panic!("it is set") };
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert_eq!(error.detail().contains(name), shown, "{error}");
            assert_eq!(format!("{key:?}").contains(name), shown, "{key:?}");
        }
    }
}
