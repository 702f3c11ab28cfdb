//! The objects and lists of a price list: their values as they stand there, and never more of them than a list can need.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The most entries of a price list, and the most fields or items of anything in one.
pub(super) const MOST_ENTRIES: usize = 100_000;

/// The fields of a JSON object, in the order of their names. Of two with one name the last counts, as readers of JSON have it.
#[derive(Default)]
pub(super) struct Fields<'a> {
    fields: BTreeMap<String, &'a RawValue>,
    /// The names that stood there before, with what was replaced.
    replaced: Vec<(String, &'a RawValue)>,
}

impl<'a> Fields<'a> {
    /// Takes out what other fields of the same names replaced.
    pub(super) fn take_replaced(&mut self) -> Vec<(String, &'a RawValue)> {
        std::mem::take(&mut self.replaced)
    }
}

impl<'a> Deref for Fields<'a> {
    type Target = BTreeMap<String, &'a RawValue>;

    fn deref(&self) -> &Self::Target {
        &self.fields
    }
}

impl DerefMut for Fields<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.fields
    }
}

impl<'a> IntoIterator for Fields<'a> {
    type Item = (String, &'a RawValue);
    type IntoIter = std::collections::btree_map::IntoIter<String, &'a RawValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields.into_iter()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor<'a>(PhantomData<Fields<'a>>);

        impl<'de: 'a, 'a> Visitor<'de> for FieldsVisitor<'a> {
            type Value = Fields<'a>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'a>, A::Error> {
                let mut read = Fields::default();
                let mut count = 0_usize;
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    count += 1;
                    check(count)?;
                    if let Some(before) = read.fields.insert(name.clone(), value) {
                        read.replaced.push((name, before));
                    }
                }
                Ok(read)
            }
        }

        deserializer.deserialize_map(FieldsVisitor(PhantomData))
    }
}

/// A JSON list.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
            type Value = List<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List<T>, A::Error> {
                let mut read = Vec::new();
                while let Some(item) = items.next_element()? {
                    read.push(item);
                    check(read.len())?;
                }
                Ok(List(read))
            }
        }

        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

fn check<E: Error>(count: usize) -> Result<(), E> {
    if count <= MOST_ENTRIES {
        return Ok(());
    }
    Err(E::custom(format!("there are more than {MOST_ENTRIES} entries; split the list")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_fields_of_one_name_the_last_counts_and_the_other_is_reported() {
        let mut fields: Fields<'_> = serde_json::from_str(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap();
        assert_eq!(fields["a"].get(), "3");
        let replaced = fields.take_replaced();
        assert_eq!(replaced.iter().map(|(name, raw)| (name.as_str(), raw.get())).collect::<Vec<_>>(), [("a", "1")]);
    }

    #[test]
    fn no_object_and_no_list_is_read_beyond_its_bound() {
        let list = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        assert_eq!(serde_json::from_str::<List<u8>>(&list(MOST_ENTRIES)).unwrap().0.len(), MOST_ENTRIES);
        let error = serde_json::from_str::<List<u8>>(&list(MOST_ENTRIES + 1)).unwrap_err();
        assert!(error.to_string().contains("more than 100000 entries; split the list"), "{error}");
        let object = format!("{{{}}}", vec![r#""a":1"#; MOST_ENTRIES + 1].join(","));
        assert!(serde_json::from_str::<Fields<'_>>(&object).is_err());
    }
}
