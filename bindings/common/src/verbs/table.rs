//! The tables of verbs: what each is called, takes and returns, and what runs it.

use futures_util::future::BoxFuture;
use tollway::client::Tollway;

use crate::Outcome;

/// Verbs of one file, under the name of the file.
pub(crate) struct Noun {
    /// The file, which is where other languages put the types that its verbs are the first to take or return.
    #[cfg(feature = "schema")]
    pub(crate) name: &'static str,
    /// What other languages call the class of the noun's methods. Without one, the methods are those of an open file.
    #[cfg(feature = "schema")]
    pub(crate) class: Option<&'static str>,
    /// What that class does.
    #[cfg(feature = "schema")]
    pub(crate) text: &'static str,
    /// The verbs.
    pub(crate) verbs: &'static [Verb],
}

/// A verb.
pub(crate) struct Verb {
    /// The name, after that of its class and a point where it has one.
    pub(crate) name: &'static str,
    /// Reads the arguments, runs the verb, and writes what it returns.
    pub(super) run: for<'a> fn(&'a Tollway, &'a str) -> BoxFuture<'a, Outcome>,
    /// What other languages are told of it.
    #[cfg(feature = "schema")]
    pub(crate) description: Description,
}

/// What other languages are told of a verb.
#[cfg(feature = "schema")]
pub(crate) struct Description {
    /// What it does, and at the end a line for each error that its caller may want to know: `` * `kind` if ... ``.
    pub(crate) text: &'static str,
    /// The arguments that are given by their place, in their order. The others are given by their name.
    pub(crate) positional: &'static [&'static str],
    /// The name of what it takes.
    pub(crate) shape: fn() -> std::borrow::Cow<'static, str>,
    /// What it takes.
    pub(crate) arguments: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// What it returns.
    pub(crate) result: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

/// A verb about files that nobody has open, named by their paths.
pub(crate) struct PathVerb {
    /// The name, after that of its class and a point.
    pub(crate) name: &'static str,
    /// Reads the arguments, runs the verb, and writes what it returns.
    pub(crate) run: for<'a> fn(&'a str) -> BoxFuture<'a, Outcome>,
    /// What other languages are told of it.
    #[cfg(feature = "schema")]
    pub(crate) description: Description,
}

/// Makes a description.
#[cfg(feature = "schema")]
macro_rules! description {
    ($($text:literal)+, ($($first:ident),*), $arguments:ty, $result:ty) => {
        $crate::verbs::table::Description {
            text: concat!($($text, "\n"),+),
            positional: &[$(stringify!($first)),*],
            shape: <$arguments as schemars::JsonSchema>::schema_name,
            arguments: <$arguments as schemars::JsonSchema>::json_schema,
            result: |generator| generator.subschema_for::<<$result as $crate::results::Shown>::Form<'static>>(),
        }
    };
}

/// Makes the table of a file: for each verb what it does, its name, the arguments that are given by their place, and the
/// function that it is, with what that takes and returns.
macro_rules! verbs {
    ($($(#[doc = $text:literal])+ $name:literal$(($($first:ident),+))? => $function:ident($arguments:ty) -> $result:ty;)+) => {
        /// The verbs of this file.
        pub(super) const VERBS: &[$crate::verbs::table::Verb] = &[$($crate::verbs::table::Verb {
            name: $name,
            run: |client, text| Box::pin(async move {
                let arguments: $arguments = $crate::verbs::parse_or_empty($name, text)?;
                let result: $result = $function(client, arguments).await?;
                $crate::verbs::text_of(&$crate::results::Shown::shown(&result))
            }),
            #[cfg(feature = "schema")]
            description: $crate::verbs::table::description!($($text)+, ($($($first),+)?), $arguments, $result),
        }),+];
    };
}

/// Makes the table of the verbs about files that nobody has open, as [`verbs`] does of those of an open one.
macro_rules! path_verbs {
    ($($(#[doc = $text:literal])+ $name:literal($($first:ident),+) => $function:ident($arguments:ty) -> $result:ty;)+) => {
        /// The verbs of this file.
        pub(crate) const VERBS: &[$crate::verbs::table::PathVerb] = &[$($crate::verbs::table::PathVerb {
            name: $name,
            run: |text| Box::pin(async move {
                let arguments: $arguments = $crate::verbs::parse_or_empty($name, text)?;
                let result: $result = $function(arguments).await?;
                $crate::verbs::text_of(&$crate::results::Shown::shown(&result))
            }),
            #[cfg(feature = "schema")]
            description: $crate::verbs::table::description!($($text)+, ($($first),+), $arguments, $result),
        }),+];
    };
}

/// Makes the table of all files: what the class of each does, and its name, where it has one.
macro_rules! nouns {
    ($($(#[doc = $text:literal])* $module:ident$( as $class:ident)?;)+) => {
        /// The files that have verbs.
        pub(crate) const NOUNS: &[Noun] = &[$(Noun {
            #[cfg(feature = "schema")]
            name: stringify!($module),
            #[cfg(feature = "schema")]
            class: [$(Some(stringify!($class)),)? None][0],
            #[cfg(feature = "schema")]
            text: concat!($($text, "\n"),*),
            verbs: $module::VERBS,
        }),+];
    };
}

#[cfg(feature = "schema")]
pub(super) use description;
pub(super) use {nouns, path_verbs, verbs};
