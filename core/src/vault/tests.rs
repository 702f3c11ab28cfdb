//! Tests of the vault as a whole.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};

use super::{MasterKey, Vault};
use crate::environment::{BoxFuture, Environment, TestEnvironment};
use crate::types::{Error, ErrorKind, Result};

const KEY: &str = "8f1c5b0e6d2a49738f1c5b0e6d2a49738f1c5b0e6d2a49738f1c5b0e6d2a4973";
const OTHER_KEY: &str = "8f1c5b0e6d2a49738f1c5b0e6d2a49738f1c5b0e6d2a49738f1c5b0e6d2a4974";
const PASSPHRASE: &str = "seven grey herons";
const IDENTITY: &str = "ai_model_config/17/api_key";
const SECRET: &[u8] = b"sk-test-8d1f";

/// A test world with one environment variable.
struct WithVariable(TestEnvironment, &'static str, &'static str);

impl Environment for WithVariable {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration)
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        self.0.fill_random(buffer);
    }
    fn variable(&self, name: &str) -> Option<String> {
        (name == self.1).then(|| self.2.to_owned())
    }
    fn process_id(&self) -> u32 {
        self.0.process_id()
    }
}

fn world() -> Arc<dyn Environment> {
    Arc::new(TestEnvironment::new(Timestamp::UNIX_EPOCH))
}

fn text(key: &str) -> MasterKey {
    MasterKey::Text(key.into())
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().expect("it fails").kind()
}

/// A vault of its own, its envelope, and a secret that it sealed.
fn sealed_with(key: &str) -> (Vault, Vec<u8>, Vec<u8>) {
    let (vault, envelope) = Vault::create(&text(key), &world()).unwrap();
    let sealed = vault.seal(IDENTITY, SECRET).unwrap();
    (vault, envelope, sealed)
}

#[test]
fn a_reopened_vault_opens_what_was_sealed() {
    for key in [KEY, PASSPHRASE] {
        let (_, envelope, sealed) = sealed_with(key);
        let vault = Vault::open(&envelope, &text(key), &world()).unwrap();
        assert_eq!(**vault.unseal(IDENTITY, &sealed).unwrap(), *SECRET);
        assert_eq!(vault.unseal_text(IDENTITY, &sealed).unwrap().expose_secret().as_bytes(), SECRET);
    }
}

#[test]
fn one_key_in_two_forms_is_one_key() {
    let (_, envelope, _) = sealed_with(KEY);
    let base64 = "jxxbDm0qSXOPHFsObSpJc48cWw5tKklzjxxbDm0qSXM=";
    Vault::open(&envelope, &text(base64), &world()).unwrap();
}

#[test]
fn a_variable_and_a_callback_give_the_key() {
    let world: Arc<dyn Environment> =
        Arc::new(WithVariable(TestEnvironment::new(Timestamp::UNIX_EPOCH), "TOLLWAY_KEY", KEY));
    let (_, envelope) = Vault::create(&MasterKey::Variable("TOLLWAY_KEY".into()), &world).unwrap();
    let callback = MasterKey::Callback(Arc::new(|| Ok(SecretString::from(KEY))));
    Vault::open(&envelope, &callback, &world).unwrap();
    let unset = Vault::open(&envelope, &MasterKey::Variable("TOLLWAY_KEYS".into()), &world).unwrap_err();
    assert_eq!(unset.kind(), ErrorKind::InvalidRequest);
    assert!(unset.detail().contains("TOLLWAY_KEYS"), "{unset}");
    let failing = MasterKey::Callback(Arc::new(|| Err(Error::new(ErrorKind::Timeout, "the key service is silent"))));
    assert_eq!(kind(Vault::open(&envelope, &failing, &world)), ErrorKind::Timeout);
    let short = MasterKey::Callback(Arc::new(|| Ok(SecretString::from("short"))));
    assert_eq!(kind(Vault::open(&envelope, &short, &world)), ErrorKind::InvalidRequest);
}

#[test]
fn a_wrong_master_key_is_told_apart_by_its_form() {
    let (_, by_key, _) = sealed_with(KEY);
    let (_, by_passphrase, _) = sealed_with(PASSPHRASE);
    for (envelope, key, says) in [
        (&by_key, OTHER_KEY, "another one"),
        (&by_key, PASSPHRASE, "read as a passphrase"),
        (&by_passphrase, KEY, "is a 32-byte key"),
        (&by_passphrase, "seven grey heron", "another one"),
    ] {
        let error = Vault::open(envelope, &text(key), &world()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongMasterKey);
        assert!(error.detail().contains(says), "{error}");
        assert!(!error.to_string().contains(key), "{error}");
    }
}

#[test]
fn a_truncated_or_lengthened_envelope_is_a_corrupted_file() {
    let (_, envelope, _) = sealed_with(KEY);
    for length in 0..envelope.len() {
        assert_eq!(kind(Vault::open(&envelope[..length], &text(KEY), &world())), ErrorKind::CorruptedFile);
    }
    let longer = [&envelope[..], b"x"].concat();
    assert_eq!(kind(Vault::open(&longer, &text(KEY), &world())), ErrorKind::CorruptedFile);
}

#[test]
fn an_envelope_of_a_newer_version_says_so() {
    use blake2::{Blake2b512, Digest};
    let mut contents = vec![3, 9, 9, 9];
    let checksum = Blake2b512::digest(&contents);
    contents.extend_from_slice(&checksum[..8]);
    assert_eq!(kind(Vault::open(&contents, &text(KEY), &world())), ErrorKind::NewerFile);
}

#[test]
fn an_envelope_that_asks_for_all_memory_is_refused_before_it_gets_any() {
    use blake2::{Blake2b512, Digest};
    let (_, mut envelope, _) = sealed_with(PASSPHRASE);
    envelope[18..22].copy_from_slice(&u32::MAX.to_le_bytes());
    let end = envelope.len() - 8;
    let checksum = Blake2b512::digest(&envelope[..end]);
    envelope[end..].copy_from_slice(&checksum[..8]);
    assert_eq!(kind(Vault::open(&envelope, &text(PASSPHRASE), &world())), ErrorKind::CorruptedFile);
}

#[test]
fn a_sealed_secret_opens_in_its_own_place_only() {
    let (vault, _, sealed) = sealed_with(KEY);
    for identity in ["ai_model_config/18/api_key", "ai_model_config/17/api_keys", "", "idempotency_keys/17"] {
        let error = vault.unseal(identity, &sealed).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptedFile);
        assert!(error.detail().contains("another row"), "{error}");
    }
    let other_world: Arc<dyn Environment> = Arc::new(crate::environment::SystemEnvironment);
    let (other_file, _) = Vault::create(&text(KEY), &other_world).unwrap();
    assert_eq!(kind(other_file.unseal(IDENTITY, &sealed)), ErrorKind::CorruptedFile);
}

#[test]
fn a_sealed_secret_of_another_version_says_so() {
    let (vault, _, mut sealed) = sealed_with(KEY);
    sealed[0] = 2;
    assert_eq!(kind(vault.unseal(IDENTITY, &sealed)), ErrorKind::NewerFile);
    sealed[0] = 0;
    assert_eq!(kind(vault.unseal(IDENTITY, &sealed)), ErrorKind::CorruptedFile);
}

#[test]
fn a_secret_that_is_invalid_utf_8_is_not_opened_as_a_string() {
    let (vault, _, _) = sealed_with(KEY);
    let sealed = vault.seal(IDENTITY, &[0xFF, 0xFE]).unwrap();
    assert_eq!(kind(vault.unseal_text(IDENTITY, &sealed)), ErrorKind::Internal);
}

#[test]
fn equal_secrets_are_sealed_unlike() {
    let (vault, _, first) = sealed_with(KEY);
    let second = vault.seal(IDENTITY, SECRET).unwrap();
    assert_ne!(first[1..13], second[1..13], "the nonce repeats");
    assert_ne!(first[13..], second[13..]);
}

#[test]
fn after_a_rotation_only_the_new_master_key_opens() {
    let (vault, old_envelope, sealed) = sealed_with(KEY);
    for new_key in [OTHER_KEY, PASSPHRASE] {
        let envelope = vault.wrap_again(&text(new_key)).unwrap();
        assert_eq!(kind(Vault::open(&envelope, &text(KEY), &world())), ErrorKind::WrongMasterKey);
        let reopened = Vault::open(&envelope, &text(new_key), &world()).unwrap();
        assert_eq!(**reopened.unseal(IDENTITY, &sealed).unwrap(), *SECRET, "rows need no sealing anew");
    }
    assert_eq!(kind(vault.wrap_again(&text("short"))), ErrorKind::InvalidRequest);
    Vault::open(&old_envelope, &text(KEY), &world()).expect("a rotation that was never stored changes nothing");
}

#[test]
fn nothing_secret_is_shown_or_stored_plainly() {
    let (vault, envelope, sealed) = sealed_with(KEY);
    let key_bytes = hex::decode(KEY).unwrap();
    for stored in [&envelope, &sealed] {
        for secret in [SECRET, &key_bytes[..8], &vault.data_key[..8]] {
            assert!(!stored.windows(secret.len()).any(|window| window == secret));
        }
    }
    assert_eq!(format!("{vault:?}"), "Vault(..)");
    assert_eq!(format!("{:?}", text(KEY)), "Text(..)");
    assert_eq!(format!("{:?}", MasterKey::Variable("TOLLWAY_KEY".into())), "Variable(TOLLWAY_KEY)");
    assert_eq!(format!("{:?}", MasterKey::Callback(Arc::new(|| Ok(SecretString::from(KEY))))), "Callback(..)");
}

/// What version 1 wrote: an envelope, and a secret that its data key sealed.
const WRITTEN: [(&str, &str, &str); 2] = [
    (
        KEY,
        "0100787fd0c073e7260c564894e04cd944bc804f3dbe8f4f4c46f94a584e85ad376f361e913c08036e0af4ecf0da2b9050ad90cc7220ea6959f4722e9ea1f1c6896021c00f6e",
        "012f9ac4ed41a81ee038492a4ed3ba5c8e332a9b8af9ba4c4a1e2b0a39485485f698e271d7ef3dc823",
    ),
    (
        PASSPHRASE,
        "0101787fd0c073e7260c564894e02f9ac4ed004c0000020000000100000041a81ee038492a4efd2a1030700dd7fbc779f2f0b2ed0975510716a81c3b0dc13b80735e9eba5d08c72d29da986cb7d7f3bbbb6a7d3c78ceb79aa8e0a47c25f9e7645161",
        "016d86a02e633279d2fa78fb9cc00b83464558b70ec4d5fc5cc6a5b151887da52386e32177af43509b",
    ),
];

#[test]
fn secrets_sealed_by_version_1_still_open() {
    for (key, envelope, sealed) in WRITTEN {
        let vault = Vault::open(&hex::decode(envelope).unwrap(), &text(key), &world()).unwrap();
        assert_eq!(**vault.unseal(IDENTITY, &hex::decode(sealed).unwrap()).unwrap(), *SECRET);
    }
}

#[test]
fn a_passphrase_is_stretched_as_much_as_it_should_be() {
    let (_, envelope, _) = sealed_with(PASSPHRASE);
    assert_eq!(envelope[18..30], [0x00, 0x4C, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0], "19 MiB, 2 passes, 1 lane");
}

proptest! {
    #[test]
    fn any_secret_comes_back_whole(secret: Vec<u8>, identity: String) {
        let (vault, _, _) = sealed_with(KEY);
        let sealed = vault.seal(&identity, &secret).unwrap();
        prop_assert_eq!(&**vault.unseal(&identity, &sealed).unwrap(), &secret);
    }

    #[test]
    fn a_flipped_bit_of_a_sealed_secret_is_noticed(bit in 0_usize..8 * (1 + 12 + SECRET.len() + 16)) {
        let (vault, _, mut sealed) = sealed_with(KEY);
        sealed[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit < 8 && sealed[0] > 1 { ErrorKind::NewerFile } else { ErrorKind::CorruptedFile };
        prop_assert_eq!(kind(vault.unseal(IDENTITY, &sealed)), expected);
    }

    #[test]
    fn a_flipped_bit_of_an_envelope_is_no_wrong_key(bit in 0_usize..8 * 70) {
        let (_, mut envelope, _) = sealed_with(KEY);
        envelope[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(kind(Vault::open(&envelope, &text(KEY), &world())), ErrorKind::CorruptedFile);
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
        let (vault, _, _) = sealed_with(KEY);
        prop_assert!(Vault::open(&bytes, &text(KEY), &world()).is_err());
        prop_assert!(vault.unseal(IDENTITY, &bytes).is_err());
    }
}

#[test]
fn a_fingerprint_tells_nothing_without_the_files_key() {
    use blake2::{Blake2b512, Digest};
    let world = world();
    let (vault, envelope) = Vault::create(&text(KEY), &world).unwrap();
    let (other, _) = Vault::create(&text(KEY), &world).unwrap();
    let own = vault.fingerprint(b"a request");
    assert_eq!(Vault::open(&envelope, &text(KEY), &world).unwrap().fingerprint(b"a request"), own);
    assert_ne!(vault.fingerprint(b"another request"), own);
    assert_ne!(other.fingerprint(b"a request"), own);
    assert_ne!(Blake2b512::digest(b"a request")[..32], own);
    assert_ne!(own[..16], *vault.row_key());
}
